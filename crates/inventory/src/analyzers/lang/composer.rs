//! PHP's Composer (getcomposer.org): `composer.lock`, and `vendor/composer/installed.json`, which lists what is installed (a bare list in
//! Composer 1, an object in Composer 2).

use layergate_model::{AnalyzerId, Dependency, Package, PackageKind, Provenance, Scope, Section};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    input,
    loose::{Either, List, Record, Table, Text},
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads `composer.lock` and `installed.json`.
pub struct Composer;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    packages: List<Record<Locked>>,
    #[serde(rename = "packages-dev")]
    dev: List<Record<Locked>>,
    #[serde(rename = "dev-package-names")]
    dev_names: List<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    name: Text,
    version: Text,
    license: Either<IgnoredAny, Text>,
    require: Table<Text>,
    dist: Record<Dist>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Dist {
    #[serde(rename = "type")]
    kind: Text,
    shasum: Text,
}

impl Analyzer for Composer {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("composer")
    }

    fn revision(&self) -> u32 {
        3
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("composer.lock"), Interest::Name("installed.json")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let in_vendor = entry.path.split('/').any(|part| part == "vendor");
        !input::inside_dependency(entry.path) && (entry.path.ends_with("installed.json") || !in_vendor)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let start = out.packages.len();
        let lock = match input::json::<Either<Lock, Record<Locked>>>(file)? {
            Either::Map(lock) => lock,
            Either::List(packages) => Lock { packages: List(packages), ..Lock::default() },
            Either::Text(_) => return Ok(()),
        };
        for (package, dev) in lock.packages.0.iter().map(|p| (p, false)).chain(lock.dev.0.iter().map(|p| (p, true))) {
            // Something else may be called installed.json; Composer's names have a vendor.
            if !package.name.0.contains('/') {
                continue;
            }
            let Some(new) = input::push(out, PackageKind::Composer, &package.name.0, &package.version.0, file) else {
                continue;
            };
            set(new, package);
            if dev || lock.dev_names.0.contains(&package.name) {
                new.scope = Scope::Dev;
            }
        }
        input::join_same(out, start);
        Ok(())
    }
}

fn set(new: &mut Package, package: &Locked) {
    new.licenses = match &package.license {
        Either::Text(text) => license::one(text),
        Either::List(list) => list.iter().take(16).filter_map(|l| license::normal(&l.0)).collect(),
        Either::Map(_) => Vec::new(),
    };
    // A branch is no version below every release: Composer itself holds no range against it.
    if package.version.0.starts_with("dev-") || package.dist.kind.0 == "path" {
        new.provenance = Provenance::Elsewhere;
    }
    new.hashes = package.dist.shasum.get().map(|sum| format!("sha1:{sum}")).into_iter().collect();
    // What has no vendor is the platform: php itself, its extensions.
    let needs = package.require.0.iter().filter(|(name, _)| name.contains('/'));
    new.dependencies = needs.map(|(name, _)| Dependency { name: name.clone(), version: None }).collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn locks_and_installations() {
        let lock = br#"{"packages":[{"name":"a/b","version":"v1.0","license":["MIT"],"require":{"php":">=7","c/d":"*"}}],"packages-dev":[{"name":"t/t","version":"2"}]}"#;
        let (section, result) = analyze(&Composer, "composer.lock", lock);
        result.unwrap();
        let found: Vec<_> = section
            .packages
            .iter()
            .map(|p| (p.name.as_str(), p.scope, p.dependencies.len(), p.licenses.len()))
            .collect();
        assert_eq!(found, [("a/b", Scope::Runtime, 1, 1), ("t/t", Scope::Dev, 0, 0)]);
        let two = br#"{"packages":[{"name":"a/b","version":"1.0"}],"dev":true,"dev-package-names":["a/b"]}"#;
        assert_eq!(analyze(&Composer, "vendor/composer/installed.json", two).0.packages[0].scope, Scope::Dev);
        let one = br#"[{"name":"a/b","version":"1.0"},{"name":"no-vendor","version":"1"}]"#;
        assert_eq!(packages(&Composer, "vendor/composer/installed.json", one), ["a/b 1.0"]);
        let branch = br#"{"packages":[{"name":"a/b","version":"dev-master"}]}"#;
        assert_eq!(analyze(&Composer, "composer.lock", branch).0.packages[0].provenance, Provenance::Elsewhere);
        assert_eq!(packages(&Composer, "x/installed.json", b"\"x\""), [""; 0]);
    }
}
