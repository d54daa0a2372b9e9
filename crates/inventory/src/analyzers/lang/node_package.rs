//! Installed Node packages: the `package.json` of each directory under `node_modules` (npm documentation,
//! "package.json"). A `package.json` anywhere else is an application's own and lists ranges, not packages.

use layergate_model::{AnalyzerId, Package, PackageKind, Section};
use serde::Deserialize;

use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `node_modules/**/package.json`.
pub struct NodePackage;

#[derive(Deserialize)]
struct Manifest {
    name: Option<String>,
    version: Option<serde_json::Value>,
    #[serde(default)]
    license: serde_json::Value,
    #[serde(default)]
    licenses: serde_json::Value,
}

impl Analyzer for NodePackage {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("node-package")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("package.json")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        // node_modules/NAME/package.json or node_modules/@SCOPE/NAME/package.json, at any depth of the tree; what
        // lies deeper inside a package (test fixtures, esm markers) is not an installed package.
        let mut parts = entry.path.rsplit('/').skip(1);
        let (Some(name), Some(above)) = (parts.next(), parts.next()) else { return false };
        if name.starts_with('@') {
            return false;
        }
        above == "node_modules" || (above.starts_with('@') && parts.next() == Some("node_modules"))
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let manifest: Manifest = serde_json::from_str(&file.text())
            .map_err(|e| AnalyzeError::unreadable(format!("not a package.json: {e}")))?;
        let (Some(name), Some(serde_json::Value::String(version))) = (manifest.name, manifest.version) else {
            // Without name and version it is a marker ({"type": "module"}), not a package.
            return Ok(());
        };
        if name.is_empty() || version.is_empty() {
            return Ok(());
        }
        let mut package = Package::new(PackageKind::Npm, name, version, file.path);
        let mut licenses = Vec::new();
        collect(&manifest.license, &mut licenses);
        collect(&manifest.licenses, &mut licenses);
        package.licenses = licenses;
        out.packages.push(package);
        Ok(())
    }
}

/// A licence is a string, an object with a type, or a list of either.
fn collect(value: &serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) if !text.is_empty() => out.push(text.clone()),
        serde_json::Value::Object(object) => {
            if let Some(serde_json::Value::String(text)) = object.get("type") {
                out.push(text.clone());
            }
        }
        serde_json::Value::Array(list) => {
            for item in list.iter().take(16).filter(|i| !i.is_array()) {
                collect(item, out);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use layergate_model::{EntryKind, LayerPath};

    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn installed_packages_only() {
        let claims = |path: &str| {
            let path = LayerPath::normalise(path).unwrap();
            NodePackage.claims(&Entry { path: &path, kind: EntryKind::File, mode: 0o644, target: "" })
        };
        assert!(claims("app/node_modules/a/package.json") && claims("node_modules/@s/a/package.json"));
        assert!(!claims("app/package.json") && !claims("node_modules/a/test/package.json"));
        assert!(!claims("node_modules/@s/package.json"));
        let at = "node_modules/a/package.json";
        assert_eq!(packages(&NodePackage, at, br#"{"name":"a","version":"1.0.0"}"#), ["a 1.0.0"]);
        assert_eq!(packages(&NodePackage, at, br#"{"type":"module"}"#), [""; 0]);
        let (section, _) = analyze(
            &NodePackage,
            at,
            br#"{"name":"a","version":"1","licenses":[{"type":"MIT"},"ISC"],"license":null}"#,
        );
        assert_eq!(section.packages[0].licenses, ["MIT", "ISC"]);
        assert!(analyze(&NodePackage, at, b"{").1.is_err());
    }
}
