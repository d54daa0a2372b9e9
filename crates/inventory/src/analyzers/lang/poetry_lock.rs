//! Poetry's `poetry.lock` (python-poetry.org), lock versions 1 and 2: `[[package]]` with a `category` (before 1.5) or `groups` (from
//! 2.0 on). Between them the lock alone does not tell development dependencies.

use layergate_model::{AnalyzerId, Dependency, PackageKind, Scope, Section};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    input,
    loose::{Either, List, Record, Table, Text},
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `poetry.lock`.
pub struct PoetryLock;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    package: List<Record<Locked>>,
    metadata: Record<Metadata>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    files: Table<List<Record<Artefact>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    name: Text,
    version: Text,
    category: Text,
    groups: List<Text>,
    files: List<Record<Artefact>>,
    dependencies: Table<Either<IgnoredAny, IgnoredAny>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artefact {
    hash: Text,
}

impl Analyzer for PoetryLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("poetry-lock")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("poetry.lock")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let lock: Lock = input::toml(file)?;
        let start = out.packages.len();
        for package in &lock.package.0 {
            let Some(new) = input::push(out, PackageKind::Pypi, &package.name.0, &package.version.0, file) else {
                continue;
            };
            let groups = &package.groups.0;
            if package.category.0 == "dev" || (!groups.is_empty() && groups.iter().all(|g| is_development(&g.0))) {
                new.scope = Scope::Dev;
            }
            let elsewhere = lock.metadata.files.get(&package.name.0);
            let files = package.files.0.iter().chain(elsewhere.into_iter().flat_map(|f| &f.0));
            new.hashes = files.filter_map(|f| f.hash.get()).map(str::to_owned).collect();
            let needs = package.dependencies.0.iter();
            new.dependencies = needs.map(|(name, _)| Dependency { name: name.clone(), version: None }).collect();
        }
        input::join_same(out, start);
        Ok(())
    }
}

/// Whether a group's name says that it is for development. A group may be called anything.
pub(crate) fn is_development(group: &str) -> bool {
    ["dev", "develop", "development", "test", "tests", "testing", "lint", "docs", "doc", "typing", "mypy"]
        .contains(&group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    #[test]
    fn versions_one_and_two() {
        let text = b"[[package]]\nname = \"a\"\nversion = \"1.0\"\ncategory = \"dev\"\n[package.dependencies]\nb = \">=1\"\nc = {version = \"*\", markers = \"x\"}\n\
            [[package]]\nname = \"b\"\nversion = \"2.0\"\ngroups = [\"main\", \"dev\"]\nfiles = [{file = \"b.whl\", hash = \"sha256:2\"}]\n\
            [[package]]\nname = \"c\"\nversion = \"3.0\"\ngroups = [\"dev\"]\n[metadata.files]\na = [{file = \"a.whl\", hash = \"sha256:1\"}]\n";
        let (section, result) = analyze(&PoetryLock, "poetry.lock", text);
        result.unwrap();
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.scope, p.hashes.join(","))).collect();
        let want = [("a", Scope::Dev, "sha256:1"), ("b", Scope::Runtime, "sha256:2"), ("c", Scope::Dev, "")];
        assert_eq!(found, want.map(|(n, s, h)| (n, s, h.to_owned())));
        assert_eq!(section.packages[0].dependencies.len(), 2);
    }
}
