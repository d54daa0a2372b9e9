//! Poetry's `poetry.lock` (python-poetry.org), lock versions 1 and 2: `[[package]]` with a `category` (before 1.5) or
//! `groups` (from 2.0 on). Between them the lock alone does not show development dependencies; the `pyproject.toml`
//! beside it does, where the layer has it (`[project]`, `[tool.poetry.dependencies]` and the groups whose names do not
//! say that they are for development).

use std::collections::{BTreeMap, HashSet};

use layergate_model::{AnalyzerId, Dependency, LayerPath, PackageKind, Provenance, Scope, Section};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    input,
    loose::{Either, List, Record, Table, Text},
    python_markers::may_hold_on_linux,
    reach,
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
    markers: Either<Table<Text>>,
    source: Table<Text>,
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pyproject {
    project: Record<Project>,
    tool: Record<Tools>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Project {
    dependencies: List<Text>,
    optional_dependencies: Table<List<Text>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tools {
    poetry: Record<Poetry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Poetry {
    dependencies: Table<IgnoredAny>,
    group: Table<Record<Group>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    dependencies: Table<IgnoredAny>,
}

impl Locked {
    /// One marker, or one for each group (since Poetry 2).
    fn may_be_installed(&self) -> bool {
        match &self.markers {
            Either::Map(groups) => groups.0.iter().any(|(_, marker)| may_hold_on_linux(&marker.0)),
            other => other.text().is_none_or(may_hold_on_linux),
        }
    }
}

impl Pyproject {
    /// What the project needs to run, as names are compared.
    fn runtime(&self) -> HashSet<String> {
        let poetry = &self.tool.0.poetry.0;
        let project = &self.project.0;
        let groups = poetry.group.0.iter().filter(|(name, _)| !is_development(name)).map(|(_, g)| &g.0.dependencies);
        let tables = std::iter::once(&poetry.dependencies).chain(groups).flat_map(|t| &t.0).map(|(name, _)| fold(name));
        let optional = project.optional_dependencies.0.iter().map(|(_, list)| list);
        let listed = std::iter::once(&project.dependencies).chain(optional).flat_map(|list| &list.0);
        // `name[extra] >=1; marker` (PEP 508).
        let end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        tables.chain(listed.map(|need| fold(need.0.trim().split(end).next().unwrap_or_default()))).collect()
    }
}

/// A project's name as names are compared (PEP 503, nearly).
fn fold(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

/// Largest `pyproject.toml` that is remembered until the lock has come.
const MAX_MANIFEST: usize = 256 << 10;

impl Analyzer for PoetryLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("poetry-lock")
    }

    fn revision(&self) -> u32 {
        3
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("poetry.lock"), Interest::Name("pyproject.toml")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        if file.path.file_name() == "pyproject.toml" {
            // Without it only the scopes are not known.
            let _ = file.bytes.len() <= MAX_MANIFEST && out.notes.keep(file.path, file.text());
            return Ok(());
        }
        let lock: Lock = input::toml(file)?;
        if lock.package.0.iter().all(|p| p.0.category.get().is_none() && p.0.groups.0.is_empty()) {
            let _ = out.notes.keep(file.path, "");
        }
        let start = out.packages.len();
        for package in lock.package.0.iter().filter(|p| p.may_be_installed()) {
            let Some(new) = input::push(out, PackageKind::Pypi, &package.name.0, &package.version.0, file) else {
                continue;
            };
            // A `legacy` source is another index.
            if package.source.get("type").is_some_and(|source| source.0 != "legacy") {
                new.provenance = Provenance::Elsewhere;
            }
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

    fn finish(&self, out: &mut Section) {
        let (locks, projects): (Vec<_>, Vec<_>) =
            out.notes.take().into_iter().partition(|(path, _)| path.file_name() == "poetry.lock");
        let projects: BTreeMap<LayerPath, String> = projects.into_iter().collect();
        for (path, _) in locks {
            let beside = path.parent().map(|root| root.join("pyproject.toml"));
            let project = beside.and_then(|at| toml::from_str::<Pyproject>(projects.get(&at)?).ok());
            let Some(runtime) = project.map(|p| p.runtime()).filter(|names| !names.is_empty()) else { continue };
            reach::settle(out, &path, fold, |package| runtime.contains(&fold(&package.name)), |_, _| true);
        }
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

    #[test]
    fn other_systems_and_other_sources() {
        let text = b"[[package]]\nname = \"win\"\nversion = \"1\"\nmarkers = \"sys_platform == 'win32'\"\n\
            [[package]]\nname = \"dev\"\nversion = \"1\"\nmarkers = {main = \"sys_platform == 'win32'\", dev = \"python_version > '3'\"}\n\
            [[package]]\nname = \"mirror\"\nversion = \"1\"\n[package.source]\ntype = \"legacy\"\n\
            [[package]]\nname = \"own\"\nversion = \"1\"\n[package.source]\ntype = \"directory\"\nurl = \"x\"\n";
        let (section, result) = analyze(&PoetryLock, "poetry.lock", text);
        result.unwrap();
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.provenance)).collect();
        let (registry, elsewhere) = (Provenance::Registry, Provenance::Elsewhere);
        assert_eq!(found, [("dev", registry), ("mirror", registry), ("own", elsewhere)]);
    }

    #[test]
    fn the_project_tells_what_the_lock_does_not() {
        let lock = b"[[package]]\nname = \"a-b\"\nversion = \"1\"\n[package.dependencies]\nDeep = \"*\"\n[[package]]\nname = \"deep\"\nversion = \"1\"\n\
            [[package]]\nname = \"pytest\"\nversion = \"1\"\n[package.dependencies]\npluggy = \"*\"\ndeep = \"*\"\n[[package]]\nname = \"pluggy\"\nversion = \"1\"\n\
            [[package]]\nname = \"web\"\nversion = \"1\"\n";
        let old = b"[tool.poetry.dependencies]\npython = \"^3.9\"\nA_B = \"^1\"\n[tool.poetry.group.web.dependencies]\nweb = \"*\"\n\
            [tool.poetry.group.test.dependencies]\npytest = {version = \"*\"}\n";
        let new = b"[project]\ndependencies = [\"a.b[x]>=1; python_version > '3'\"]\n[project.optional-dependencies]\nserver = [\"web\"]\n";
        for project in [&old[..], new] {
            let mut section = Section::default();
            let limits = layergate_model::Limits::default();
            for (path, bytes) in
                [("w/pyproject.toml", project), ("w/poetry.lock", lock), ("pyproject.toml", &b"[["[..])]
            {
                let path = LayerPath::normalise(path).unwrap();
                PoetryLock.analyze(&File::new(&path, 0, bytes, &limits), &mut section).unwrap();
            }
            PoetryLock.finish(&mut section);
            let dev: Vec<_> =
                section.packages.iter().filter(|p| p.scope == Scope::Dev).map(|p| p.name.as_str()).collect();
            assert_eq!(dev, ["pluggy", "pytest"], "{}", String::from_utf8_lossy(project));
        }
        let (alone, _) = analyze(&PoetryLock, "poetry.lock", lock);
        assert!(alone.packages.iter().all(|p| p.scope == Scope::Runtime));
    }
}
