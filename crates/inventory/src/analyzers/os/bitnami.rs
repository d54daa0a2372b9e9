//! Bitnami's own lists: `opt/bitnami/**/.spdx-COMPONENT.spdx`, SPDX 2.3 in JSON. Each package there names itself by a
//! package URL (`pkg:bitnami/nginx@1.25.3-0`); the ones of languages count as theirs.

use std::collections::BTreeSet;

use layergate_model::{AnalyzerId, Package, PackageKind, Purl, Section};
use serde::Deserialize;

use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads Bitnami's component lists.
pub struct Bitnami;

/// Packages of one list.
const MAX_PACKAGES: usize = 50_000;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    packages: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    #[serde(default)]
    license_declared: Option<String>,
    #[serde(default)]
    license_concluded: Option<String>,
    #[serde(default)]
    external_refs: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    #[serde(default)]
    reference_type: String,
    #[serde(default)]
    reference_locator: String,
}

impl Analyzer for Bitnami {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("bitnami")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".spdx")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.is_within("opt/bitnami") && entry.path.file_name().starts_with(".spdx-")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let document: Document = serde_json::from_slice(file.bytes)
            .map_err(|e| AnalyzeError::unreadable(format!("not an SPDX document in JSON: {e}")))?;
        let mut reported = BTreeSet::new();
        for component in document.packages.iter().take(MAX_PACKAGES) {
            let purl = component.external_refs.iter().find(|r| r.reference_type == "purl");
            let Some((kind, name, version)) = purl.and_then(|r| package(&r.reference_locator)) else { continue };
            if !reported.insert((kind, name.clone(), version.clone())) {
                continue;
            }
            let mut package = Package::new(kind, name, version, file.path);
            let license = [&component.license_declared, &component.license_concluded].into_iter().flatten();
            package.licenses = license.filter_map(|l| license::normal(l)).take(1).collect();
            out.packages.push(package);
        }
        Ok(())
    }
}

/// Kind, name and version of a package URL; `None` for a distribution's or an unknown type.
fn package(purl: &str) -> Option<(PackageKind, String, String)> {
    let purl: Purl = purl.parse().ok()?;
    let parts = purl.parts()?;
    let version = parts.version().filter(|v| !v.is_empty())?.to_owned();
    let kind = PackageKind::ALL.iter().copied().find(|k| k.purl_type() == parts.ty())?;
    if kind.is_os() || kind == PackageKind::Generic {
        return None;
    }
    let between = if kind == PackageKind::Maven { ":" } else { "/" };
    let name = match parts.namespace().filter(|n| !n.is_empty()) {
        Some(namespace) => format!("{namespace}{between}{}", parts.name()),
        None => parts.name().to_owned(),
    };
    Some((kind, name, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn components() {
        let at = "opt/bitnami/nginx/.spdx-nginx.spdx";
        let json = br#"{"packages":[
            {"name":"nginx","licenseDeclared":"BSD-2-Clause","externalRefs":[{"referenceType":"cpe23Type","referenceLocator":"x"},
             {"referenceType":"purl","referenceLocator":"pkg:bitnami/nginx@1.25.3-0?arch=amd64"}]},
            {"name":"m","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:maven/org.x/y@1.0"}]},
            {"name":"os","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:deb/debian/x@1.0"}]},
            {"name":"none"}]}"#;
        assert_eq!(packages(&Bitnami, at, json), ["nginx 1.25.3-0", "org.x:y 1.0"]);
        assert_eq!(analyze(&Bitnami, at, json).0.packages[0].licenses, ["BSD-2-Clause"]);
        assert!(analyze(&Bitnami, at, "[".repeat(10_000).as_bytes()).1.is_err());
    }
}
