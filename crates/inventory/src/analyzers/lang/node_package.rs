//! Node packages by their `package.json` (npm documentation, "package.json"): installed ones under `node_modules`, and
//! every other that names itself with a version, an application's own above all. Its dependency ranges are not packages.

use layergate_model::{AnalyzerId, Package, PackageKind, Section};
use serde::Deserialize;

use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads `package.json`.
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
        3
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("package.json")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let manifest: Manifest = match serde_json::from_str(&file.text()) {
            Ok(manifest) => manifest,
            // Packages bring broken manifests as test data; only where a package is installed is one missing.
            Err(_) if !is_installed(file.path) => return Ok(()),
            Err(e) => return Err(AnalyzeError::unreadable(format!("not a package.json: {e}"))),
        };
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

/// `node_modules/NAME/package.json` or `node_modules/@SCOPE/NAME/package.json`, at any depth of the tree.
fn is_installed(path: &str) -> bool {
    let mut parts = path.rsplit('/').skip(1);
    let (Some(name), Some(above)) = (parts.next(), parts.next()) else { return false };
    !name.starts_with('@')
        && (above == "node_modules" || (above.starts_with('@') && parts.next() == Some("node_modules")))
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
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn packages_that_name_themselves() {
        assert!(is_installed("app/node_modules/a/package.json") && is_installed("node_modules/@s/a/package.json"));
        assert!(!is_installed("app/package.json") && !is_installed("node_modules/a/test/package.json"));
        assert!(!is_installed("node_modules/@s/package.json"));
        assert_eq!(packages(&NodePackage, "app/package.json", br#"{"name":"app","version":"2"}"#), ["app 2"]);
        assert_eq!(packages(&NodePackage, "node_modules/a/test/package.json", b"{"), [""; 0]);
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
