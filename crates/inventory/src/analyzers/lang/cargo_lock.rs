//! `Cargo.lock` (doc.rust-lang.org/cargo, "Cargo.toml vs Cargo.lock"), all versions: the root package of version 1, checksums in
//! `[metadata]` (1) or at the package (2 to 4). Workspace members are listed as well; the lock does not tell development
//! dependencies from the others.

use layergate_model::{AnalyzerId, Dependency, PackageKind, Section};
use serde::Deserialize;

use super::{
    input,
    loose::{List, Record, Table, Text},
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `Cargo.lock`.
pub struct CargoLock;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    package: List<Record<Locked>>,
    root: Record<Locked>,
    metadata: Table<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    name: Text,
    version: Text,
    source: Text,
    checksum: Text,
    dependencies: List<Text>,
}

impl Analyzer for CargoLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("cargo-lock")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("Cargo.lock")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let lock: Lock = input::toml(file)?;
        let start = out.packages.len();
        let all = || lock.package.0.iter().chain([&lock.root]);
        // `dependencies` name a version only where there are several of a name.
        let versions: std::collections::HashMap<&str, &str> =
            all().map(|p| (p.name.0.as_str(), p.version.0.as_str())).collect();
        let old_sums: std::collections::HashMap<&str, &str> =
            lock.metadata.0.iter().map(|(k, v)| (k.as_str(), v.0.as_str())).collect();
        for package in all() {
            let Some(new) = input::push(out, PackageKind::Cargo, &package.name.0, &package.version.0, file) else {
                continue;
            };
            let key = format!("checksum {} {} ({})", package.name.0, package.version.0, package.source.0);
            let sum = package.checksum.get().or_else(|| old_sums.get(key.as_str()).copied());
            new.hashes = sum.filter(|s| s.len() == 64).map(|s| format!("sha256:{s}")).into_iter().collect();
            new.dependencies = package
                .dependencies
                .0
                .iter()
                .filter_map(|text| {
                    let mut words = text.0.split(' ');
                    let name = words.next().filter(|n| !n.is_empty())?;
                    let version = words.next().or_else(|| versions.get(name).copied()).map(str::to_owned);
                    Some(Dependency { name: name.to_owned(), version })
                })
                .collect();
        }
        input::join_same(out, start);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn old_and_new() {
        let v1 = b"[root]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\"a 1.0.0 (registry+x)\"]\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n\
            [metadata]\n\"checksum a 1.0.0 (registry+x)\" = \"0000000000000000000000000000000000000000000000000000000000000000\"\n";
        assert_eq!(packages(&CargoLock, "Cargo.lock", v1), ["a 1.0.0", "app 0.1.0"]);
        assert_eq!(analyze(&CargoLock, "Cargo.lock", v1).0.packages[0].hashes.len(), 1);
        let v4 = b"version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n\
            [[package]]\nname = \"b\"\nversion = \"0.1.0\"\ndependencies = [\"a 2.0.0\", \"c\"]\n[[package]]\nname = \"c\"\nversion = \"3.0.0\"\n";
        assert_eq!(packages(&CargoLock, "Cargo.lock", v4), ["a 1.0.0", "a 2.0.0", "b 0.1.0", "c 3.0.0"]);
        let (section, _) = analyze(&CargoLock, "Cargo.lock", v4);
        let needs: Vec<_> = section.packages[2].dependencies.iter().map(|d| d.version.as_deref()).collect();
        assert_eq!(needs, [Some("2.0.0"), Some("3.0.0")]);
        assert!(analyze(&CargoLock, "Cargo.lock", b"[[package").1.is_err());
    }
}
