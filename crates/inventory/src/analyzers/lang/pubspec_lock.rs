//! Dart's `pubspec.lock` (dart.dev, "pubspec.lock"). Packages of an SDK have the version 0.0.0 and are the SDK's own; those from a
//! path are the application's.

use layergate_model::{AnalyzerId, PackageKind, Scope, Section};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    input,
    loose::{Either, Record, Table, Text},
};
use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads `pubspec.lock`.
pub struct PubspecLock;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    packages: Table<Record<Locked>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    dependency: Text,
    version: Text,
    description: Either<Description, IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Description {
    sha256: Text,
}

impl Analyzer for PubspecLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("pubspec-lock")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("pubspec.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let start = out.packages.len();
        for lock in input::yaml::<Record<Lock>>(file)? {
            for (name, package) in &lock.packages.0 {
                let Some(new) = input::push(out, PackageKind::Pub, name, &package.version.0, file) else { continue };
                if package.dependency.0 == "direct dev" {
                    new.scope = Scope::Dev;
                }
                let sum = package.description.map().and_then(|d| d.sha256.get());
                new.hashes = sum.map(|s| format!("sha256:{s}")).into_iter().collect();
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
    fn a_lock() {
        let text = b"packages:\n  a:\n    dependency: \"direct main\"\n    description:\n      name: a\n      sha256: \"00\"\n      url: x\n    source: hosted\n    version: \"1.0.0\"\n  b:\n    dependency: \"direct dev\"\n    description: flutter\n    source: sdk\n    version: \"0.0.0\"\nsdks:\n  dart: \">=2\"\n";
        let (section, result) = analyze(&PubspecLock, "pubspec.lock", text);
        result.unwrap();
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.scope, p.hashes.len())).collect();
        assert_eq!(found, [("a", Scope::Runtime, 1), ("b", Scope::Dev, 0)]);
        assert!(analyze(&PubspecLock, "pubspec.lock", b"packages: [").1.is_err());
    }
}
