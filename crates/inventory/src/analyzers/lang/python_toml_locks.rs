//! Python lock files that are a plain list of packages in TOML: `pdm.lock` (pdm-project.org) and `pylock.toml`, `pylock.NAME.toml`
//! (packaging.python.org, "pylock.toml Specification", PEP 751).

use layergate_model::{AnalyzerId, Dependency, PackageKind, Provenance, Scope, Section};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    input,
    loose::{Either, List, Record, Table, Text},
    poetry_lock::is_development,
    python_markers::may_hold_on_linux,
    python_requirements::name_of,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `pdm.lock` and `pylock*.toml`.
pub struct PythonTomlLocks;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    /// pdm.
    package: List<Record<Locked>>,
    /// pylock.
    packages: List<Record<Locked>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    name: Text,
    version: Text,
    marker: Text,
    /// pdm.
    git: Text,
    /// pylock.
    vcs: Table<Text>,
    directory: Table<Text>,
    groups: List<Text>,
    dependencies: List<Either<Need, IgnoredAny>>,
    files: List<Record<Artefact>>,
    wheels: List<Record<Artefact>>,
    sdist: Record<Artefact>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Need {
    name: Text,
    version: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artefact {
    hash: Text,
    hashes: Table<Text>,
}

impl Analyzer for PythonTomlLocks {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("python-toml-locks")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("pdm.lock"), Interest::Extension(".toml")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let name = entry.path.file_name();
        let fits = name == "pdm.lock" || name == "pylock.toml" || name.starts_with("pylock.");
        fits && !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let lock: Lock = input::toml(file)?;
        let start = out.packages.len();
        for package in lock.package.0.iter().filter(|p| may_hold_on_linux(&p.marker.0)).chain(&lock.packages.0) {
            let Some(new) = input::push(out, PackageKind::Pypi, &package.name.0, &package.version.0, file) else {
                continue;
            };
            if !package.vcs.0.is_empty() || !package.directory.0.is_empty() || package.git.get().is_some() {
                new.provenance = Provenance::Elsewhere;
            }
            let groups = &package.groups.0;
            if !groups.is_empty() && groups.iter().all(|g| is_development(&g.0)) {
                new.scope = Scope::Dev;
            }
            let artefacts = package.files.0.iter().chain(&package.wheels.0).chain([&package.sdist]);
            new.hashes = artefacts
                .flat_map(|a| {
                    let pairs = a.hashes.0.iter().map(|(algorithm, hex)| format!("{algorithm}:{}", hex.0));
                    pairs.chain(a.hash.get().map(str::to_owned))
                })
                .collect();
            new.dependencies = package.dependencies.0.iter().filter_map(need).collect();
        }
        input::join_same(out, start);
        Ok(())
    }
}

/// `"name>=1; marker"` in pdm, `{name = "…", version = "…"}` in pylock.
fn need(need: &Either<Need, IgnoredAny>) -> Option<Dependency> {
    match need {
        Either::Text(text) => name_of(text).map(|name| Dependency { name: name.to_owned(), version: None }),
        Either::Map(map) => {
            Some(Dependency { name: map.name.get()?.to_owned(), version: map.version.get().map(str::to_owned) })
        }
        Either::List(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn both() {
        let pdm = b"[metadata]\nlock_version = \"4.4\"\n[[package]]\nname = \"a\"\nversion = \"1\"\ngroups = [\"dev\"]\ndependencies = [\"b>=2; x\"]\nfiles = [{file = \"x\", hash = \"sha256:1\"}]\n[[package]]\nname = \"b\"\nversion = \"2\"\ngroups = [\"default\"]\n";
        let (section, result) = analyze(&PythonTomlLocks, "pdm.lock", pdm);
        result.unwrap();
        assert_eq!((section.packages[0].scope, section.packages[0].dependencies[0].name.as_str()), (Scope::Dev, "b"));
        assert_eq!(section.packages[1].scope, Scope::Runtime);
        let pylock = b"lock-version = '1.0'\n[[packages]]\nname = 'a'\nversion = '1'\ndependencies = [{name = 'b', version = '2'}]\n[[packages.wheels]]\nname = 'a.whl'\n[packages.wheels.hashes]\nsha256 = '00'\n[[packages]]\nname = 'from-a-directory'\n";
        assert_eq!(packages(&PythonTomlLocks, "x/pylock.dev.toml", pylock), ["a 1"]);
        let other = b"[[package]]\nname = 'w'\nversion = '1'\nmarker = \"sys_platform == 'win32'\"\n[[packages]]\nname = 'g'\nversion = '1'\nvcs = {type = 'git', url = 'x'}\n";
        let (section, _) = analyze(&PythonTomlLocks, "pylock.toml", other);
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.provenance)).collect();
        assert_eq!(found, [("g", Provenance::Elsewhere)]);
        assert_eq!(analyze(&PythonTomlLocks, "pylock.toml", pylock).0.packages[0].hashes, ["sha256:00"]);
    }
}
