//! pipenv's `Pipfile.lock` (pipenv.pypa.io, "Pipfile.lock"): `default`, `develop` and further categories of packages, each pinned
//! with `==`; what comes from version control or a path has no version.

use layergate_model::{AnalyzerId, PackageKind, Scope, Section};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    input,
    loose::{Either, List, Table, Text},
    python_markers::may_hold_on_linux,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `Pipfile.lock`.
pub struct PipfileLock;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    version: Text,
    markers: Text,
    hashes: List<Text>,
}

impl Analyzer for PipfileLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("pipfile-lock")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("Pipfile.lock")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let lock: Table<Table<Either<Locked, IgnoredAny>>> = input::json(file)?;
        let start = out.packages.len();
        for (category, packages) in lock.0.iter().filter(|(category, _)| category != "_meta") {
            for (name, package) in &packages.0 {
                let Some(package) = package.map().filter(|p| may_hold_on_linux(&p.markers.0)) else { continue };
                let version = package.version.0.trim_start_matches(['=', ' ']);
                let Some(new) = input::push(out, PackageKind::Pypi, name, version, file) else { continue };
                new.hashes = package.hashes.0.iter().filter_map(Text::get).map(str::to_owned).collect();
                if category == "develop" {
                    new.scope = Scope::Dev;
                }
            }
        }
        input::join_same(out, start);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    #[test]
    fn categories() {
        let text = br#"{"_meta":{"hash":{"sha256":"0"}},"default":{"a":{"version":"==1.0","hashes":["sha256:1"]},"git":{"ref":"x"},"odd":1},
            "develop":{"a":{"version":"==1.0"},"b":{"version":"==2.0"}},"win":{"w":{"version":"==1","markers":"sys_platform == 'win32'"}},"docs":{"c":{"version":"==3"}}}"#;
        let (section, result) = analyze(&PipfileLock, "Pipfile.lock", text);
        result.unwrap();
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.scope)).collect();
        assert_eq!(found, [("a", "1.0", Scope::Runtime), ("b", "2.0", Scope::Dev), ("c", "3", Scope::Runtime)]);
        assert!(analyze(&PipfileLock, "Pipfile.lock", b"{").1.is_err());
    }
}
