//! Yarn's cache of packages (yarnpkg.com, "Plug'n'Play"): a program under Plug'n'Play runs its packages out of
//! `.yarn/cache/NAME-PROTOCOL-VERSION-HASH.zip`, each with `node_modules/NAME/package.json` inside; there is no `node_modules`.

use layergate_model::{AnalyzerId, PackageKind, Section};
use serde_json::Value;

use super::{archive::Archive, input};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads the archives of Yarn's cache.
pub struct YarnCache;

/// Bytes of one `package.json`.
const MAX_MANIFEST: u64 = 1 << 20;

impl Analyzer for YarnCache {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("yarn-cache")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".zip")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let parts: Vec<&str> = entry.path.rsplit('/').take(4).collect();
        parts.get(1) == Some(&"cache") && parts.iter().any(|p| matches!(*p, ".yarn" | "berry"))
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let bad = |why: &str| AnalyzeError::database(format!("a package of Yarn's cache: {why}"));
        let archive = Archive::open(file.bytes).ok_or_else(|| bad("it is no archive"))?;
        for member in archive.members() {
            let member = member.map_err(bad)?;
            let Some(directory) = member.name.strip_suffix(b"/package.json") else { continue };
            let Some(name) = directory.strip_prefix(b"node_modules/").filter(|n| is_name(n)) else { continue };
            let name = String::from_utf8_lossy(name);
            let bytes = archive.read(&member, MAX_MANIFEST).map_err(bad)?;
            let manifest: Value = serde_json::from_slice(&bytes).map_err(|e| bad(&e.to_string()))?;
            let text = |key: &str| manifest.get(key).and_then(Value::as_str);
            let (name, version) = (text("name").unwrap_or(&name), text("version").unwrap_or_default());
            if let Some(new) = input::push(out, PackageKind::Npm, name, version, file) {
                new.locations = vec![format!("{}!{}", file.path, String::from_utf8_lossy(member.name))];
            }
            return Ok(());
        }
        Err(bad("it has no package.json"))
    }
}

/// `NAME` or `@SCOPE/NAME`.
fn is_name(name: &[u8]) -> bool {
    let slashes = name.iter().filter(|b| **b == b'/').count();
    slashes == usize::from(name.starts_with(b"@"))
}

#[cfg(test)]
mod tests {
    use super::{super::archive::tests::zip, *};
    use crate::testing::{analyze, packages};

    #[test]
    fn packages_of_the_cache() {
        let at = "app/.yarn/cache/a-npm-1.0.0-0-1.zip";
        let bytes = zip(&[
            ("node_modules/a/test/package.json", b"{\"name\":\"x\",\"version\":\"9\"}"),
            ("node_modules/a/package.json", b"{\"name\":\"a\",\"version\":\"1.0.0\"}"),
        ]);
        assert_eq!(packages(&YarnCache, at, &bytes), ["a 1.0.0"]);
        for bad in [b"PK".to_vec(), zip(&[("x", b"")]), zip(&[("node_modules/a/package.json", b"{")])] {
            assert!(analyze(&YarnCache, at, &bad).1.is_err());
        }
    }
}
