//! Conan's `conan.lock` (docs.conan.io): version 1 has a graph of nodes with a `ref`, version 2 lists of references. What is needed to
//! build only has the development scope.

use layergate_model::{AnalyzerId, PackageKind, Scope, Section};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    input,
    loose::{Either, List, Record, Table, Text},
};
use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads `conan.lock`.
pub struct ConanLock;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    graph_lock: Record<Graph>,
    requires: List<Either<IgnoredAny, Text>>,
    build_requires: List<Either<IgnoredAny, Text>>,
    python_requires: List<Either<IgnoredAny, Text>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Graph {
    nodes: Table<Record<Node>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Node {
    #[serde(rename = "ref")]
    reference: Text,
    context: Text,
}

impl Analyzer for ConanLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("conan-lock")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("conan.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let lock: Lock = input::json(file)?;
        let start = out.packages.len();
        let first = |entry: &Either<IgnoredAny, Text>| match entry {
            Either::List(list) => list.first().and_then(Text::get).map(str::to_owned),
            other => other.text().map(str::to_owned),
        };
        let nodes = lock.graph_lock.nodes.0.iter().map(|(_, n)| (n.reference.0.clone(), n.context.0 == "build"));
        let runtime = lock.requires.0.iter().filter_map(first).map(|r| (r, false));
        let build = lock.build_requires.0.iter().chain(&lock.python_requires.0).filter_map(first).map(|r| (r, true));
        for (reference, dev) in nodes.chain(runtime).chain(build) {
            let Some((name, version)) = parts(&reference) else { continue };
            if let Some(new) = input::push(out, PackageKind::Conan, name, version, file)
                && dev
            {
                new.scope = Scope::Dev;
            }
        }
        input::join_same(out, start);
        Ok(())
    }
}

/// `name/1.0@user/channel#revision%time` is `name` and `1.0`.
pub(super) fn parts(reference: &str) -> Option<(&str, &str)> {
    let (name, rest) = reference.split_once('/')?;
    let version = rest.split(['@', '#', '%', ':']).next()?;
    (!version.starts_with('[')).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packages;

    #[test]
    fn both_versions() {
        let one = br#"{"graph_lock":{"nodes":{"0":{"path":"conanfile.txt"},"1":{"ref":"a/1.0#0"},"2":{"ref":"b/2.0@u/c","context":"build"}}},"version":"0.4"}"#;
        assert_eq!(packages(&ConanLock, "conan.lock", one), ["a 1.0", "b 2.0"]);
        let two = br#"{"version":"0.5","requires":["a/1.0#0%1.2",["c/3.0#1",{}]],"build_requires":["b/2.0#1"],"python_requires":[]}"#;
        assert_eq!(packages(&ConanLock, "conan.lock", two), ["a 1.0", "b 2.0", "c 3.0"]);
    }
}
