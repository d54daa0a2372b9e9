//! Homebrew's kegs (docs.brew.sh, "Formula Cookbook"): `Cellar/NAME/VERSION[_REVISION]/INSTALL_RECEIPT.json`. Name and
//! version are the directories', the receipt shows what the keg needs.

use layergate_model::{AnalyzerId, Dependency, Package, PackageKind, Section};
use serde::Deserialize;

use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads Homebrew's receipts.
pub struct Brew;

#[derive(Deserialize)]
struct Receipt {
    #[serde(default)]
    runtime_dependencies: Option<Vec<Need>>,
    #[serde(default)]
    arch: Option<String>,
}

#[derive(Deserialize)]
struct Need {
    full_name: String,
    #[serde(default)]
    pkg_version: Option<String>,
    #[serde(default)]
    version: Option<String>,
}

impl Analyzer for Brew {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("homebrew")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("INSTALL_RECEIPT.json")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.rsplit('/').nth(3) == Some("Cellar")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let mut parts = file.path.rsplit('/').skip(1);
        let (Some(version), Some(name)) = (parts.next(), parts.next()) else { return Ok(()) };
        let mut package = Package::new(PackageKind::Brew, name, version, file.path);
        let receipt: Result<Receipt, _> = serde_json::from_slice(file.bytes);
        if let Ok(receipt) = &receipt {
            package.arch = receipt.arch.clone();
            let needs = receipt.runtime_dependencies.iter().flatten().take(512);
            package.dependencies = needs
                .map(|n| Dependency {
                    name: n.full_name.clone(),
                    version: n.pkg_version.clone().or_else(|| n.version.clone()),
                })
                .collect();
        }
        // The directories prove the keg even where the receipt is broken.
        out.packages.push(package);
        receipt.map(|_| ()).map_err(|e| AnalyzeError::unreadable(format!("not a Homebrew receipt: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn kegs() {
        let at = "home/linuxbrew/.linuxbrew/Cellar/openssl@3/3.2.1_1/INSTALL_RECEIPT.json";
        let json = br#"{"runtime_dependencies":[{"full_name":"ca-certificates","version":"2024"}],"arch":"x86_64"}"#;
        assert_eq!(packages(&Brew, at, json), ["openssl@3 3.2.1_1"]);
        assert_eq!(packages(&Brew, at, br#"{"runtime_dependencies":null}"#), ["openssl@3 3.2.1_1"]);
        let (section, result) = analyze(&Brew, at, "[".repeat(10_000).as_bytes());
        assert!(result.is_err() && section.packages.len() == 1);
    }
}
