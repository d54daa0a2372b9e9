//! Haskell's locks: `stack.yaml.lock` (docs.haskellstack.org, "Lock files") and `cabal.project.freeze` (cabal.readthedocs.io).

use layergate_model::{AnalyzerId, PackageKind, Section};
use serde::Deserialize;

use super::{
    input,
    loose::{List, Record, Text},
};
use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads `stack.yaml.lock`, `stack.yaml` and `cabal.project.freeze`.
pub struct HaskellLock;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    packages: List<Record<Locked>>,
    /// The list of a `stack.yaml` itself.
    #[serde(rename = "extra-deps")]
    extra: List<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    completed: Record<Completed>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Completed {
    hackage: Text,
}

impl Analyzer for HaskellLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("haskell-lock")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("stack.yaml.lock"), Interest::Name("stack.yaml"), Interest::Name("cabal.project.freeze")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let start = out.packages.len();
        if file.path.ends_with(".freeze") {
            input::bounded(file, input::MAX_LOCK)?;
            for constraint in file.text().split(['\n', ',']) {
                // constraints: any.name ==1.0
                let constraint = constraint.trim().trim_start_matches("constraints:").trim();
                let Some((name, version)) = constraint.split_once("==") else { continue };
                let name = name.trim().trim_start_matches("any.");
                if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                    && !version.contains(['*', '|', '&', ' '])
                {
                    input::push(out, PackageKind::Hackage, name, version, file);
                }
            }
        } else {
            for lock in input::yaml::<Record<Lock>>(file)? {
                let completed = lock.packages.0.iter().map(|p| &p.completed.hackage);
                for reference in completed.chain(&lock.extra.0) {
                    // name-1.0@sha256:…,size
                    let bare = reference.0.split('@').next().unwrap_or_default().trim();
                    let Some((name, version)) = bare.rsplit_once('-') else { continue };
                    if version.starts_with(|c: char| c.is_ascii_digit()) && !name.contains(['/', ':', '.']) {
                        input::push(out, PackageKind::Hackage, name, version, file);
                    }
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
    use crate::testing::packages;

    #[test]
    fn both() {
        let stack = b"packages:\n- completed:\n    hackage: http-api-data-0.4.3@sha256:00,1\n  original:\n    hackage: x\n- completed:\n    git: y\nsnapshots: []\n";
        assert_eq!(packages(&HaskellLock, "stack.yaml.lock", stack), ["http-api-data 0.4.3"]);
        let freeze = b"active-repositories: hackage.haskell.org:merge\nconstraints: any.Cabal ==3.2.1.0,\n             any.base ==4.14.3.0,\n             base64 +flag,\n             any.x >=1\nindex-state: y\n";
        assert_eq!(packages(&HaskellLock, "cabal.project.freeze", freeze), ["Cabal 3.2.1.0", "base 4.14.3.0"]);
    }
}
