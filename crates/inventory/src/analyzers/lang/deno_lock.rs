//! `deno.lock` (docs.deno.com, "Lockfile"), versions 2 to 5: npm packages under `npm` (in 2 and 3 below `packages` or
//! `npm.packages`), keyed `name@version_peers`, and JSR packages under `jsr`. Modules by URL have no package.

use layergate_model::{AnalyzerId, PackageKind, Section};
use serde::Deserialize;

use super::{
    input,
    loose::{List, Record, Table, Text},
    node_rules,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `deno.lock`.
pub struct DenoLock;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    npm: Table<Record<Locked>>,
    jsr: Table<Record<Locked>>,
    packages: Record<Packages>,
}

/// Version 3.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Packages {
    npm: Table<Record<Locked>>,
    jsr: Table<Record<Locked>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    integrity: Text,
    os: List<Text>,
}

/// Version 2 has one level more.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Second {
    npm: Record<Inner>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inner {
    packages: Table<Record<Locked>>,
}

impl Analyzer for DenoLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("deno-lock")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("deno.lock")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let lock: Lock = input::json(file)?;
        let second: Second = input::json(file)?;
        let start = out.packages.len();
        for (key, package) in lock.npm.0.iter().chain(&lock.packages.npm.0).chain(&second.npm.packages.0) {
            if !node_rules::runs_on_linux(package.os.0.iter().map(|s| s.0.as_str())) {
                continue;
            }
            let Some((name, version)) = split(key) else { continue };
            if let Some(new) = input::push(out, PackageKind::Npm, name, version, file) {
                new.hashes = package.integrity.get().map(str::to_owned).into_iter().collect();
            }
        }
        for (key, _) in lock.jsr.0.iter().chain(&lock.packages.jsr.0) {
            // JSR's own names in npm (npm.jsr.io): `@std/path` is `@jsr/std__path`.
            let Some((name, version)) = split(key) else { continue };
            let Some((scope, name)) = name.strip_prefix('@').and_then(|n| n.split_once('/')) else { continue };
            input::push(out, PackageKind::Npm, &format!("@jsr/{scope}__{name}"), version, file);
        }
        input::join_same(out, start);
        Ok(())
    }
}

/// `@s/name@1.0.0_peer@2.0.0` is `@s/name` and `1.0.0`.
fn split(key: &str) -> Option<(&str, &str)> {
    let at = key.get(1..)?.find('@')? + 1;
    let version = key[at + 1..].split('_').next()?;
    version.starts_with(|c: char| c.is_ascii_digit()).then_some((&key[..at], version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packages;

    #[test]
    fn its_versions() {
        for (text, want) in [
            (
                r#"{"version":"4","specifiers":{"npm:a@1":"1.0.0"},"jsr":{"@std/path@1.0.6":{"integrity":"x"}},
                    "npm":{"a@1.0.0_b@2.0.0":{"integrity":"sha512-x"},"@s/b@2.0.0":{},"c@1.0.0":{"os":["darwin"]}}}"#,
                &["@jsr/std__path 1.0.6", "@s/b 2.0.0", "a 1.0.0"][..],
            ),
            (r#"{"version":"3","packages":{"npm":{"a@1.0.0":{}},"jsr":{}},"remote":{}}"#, &["a 1.0.0"]),
            (r#"{"version":"2","npm":{"specifiers":{},"packages":{"a@1.0.0":{}}}}"#, &["a 1.0.0"]),
            ("{}", &[]),
        ] {
            assert_eq!(packages(&DenoLock, "app/deno.lock", text.as_bytes()), want, "{text}");
        }
        assert!(crate::testing::analyze(&DenoLock, "deno.lock", b"{").1.is_err());
    }
}
