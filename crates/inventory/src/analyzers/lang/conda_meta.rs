//! Packages that conda installed: `conda-meta/NAME-VERSION-BUILD.json` (docs.conda.io, "Managing environments").

use layergate_model::{AnalyzerId, Dependency, Package, PackageKind, Section};
use serde::Deserialize;

use super::{
    input,
    loose::{List, Text},
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads `conda-meta/*.json`.
pub struct CondaMeta;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    name: Text,
    version: Text,
    license: Text,
    md5: Text,
    sha256: Text,
    depends: List<Text>,
}

impl Analyzer for CondaMeta {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("conda-meta")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".json")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.rsplit('/').nth(1) == Some("conda-meta")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let meta: Meta =
            input::json(file).map_err(|e| AnalyzeError { kind: layergate_model::GapKind::UnreadableFile, ..e })?;
        let Some(new) = input::push(out, PackageKind::Conda, &meta.name.0, &meta.version.0, file) else {
            return Err(AnalyzeError::unreadable("conda's record of a package has no name or version"));
        };
        set(new, &meta);
        Ok(())
    }
}

fn set(package: &mut Package, meta: &Meta) {
    package.licenses = license::one(&meta.license.0);
    let sums = [("sha256", &meta.sha256), ("md5", &meta.md5)];
    package.hashes = sums.iter().filter_map(|(name, hex)| Some(format!("{name}:{}", hex.get()?))).collect();
    // "python >=3.8,<3.9.0a0"
    let names = meta.depends.0.iter().filter_map(|d| d.0.split_whitespace().next());
    package.dependencies = names.map(|name| Dependency { name: name.to_owned(), version: None }).collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    #[test]
    fn a_record() {
        let text = br#"{"name":"openssl","version":"1.1.1q","build":"h0","license":"OpenSSL","sha256":"00","depends":["ca-certificates","libgcc-ng >=7.5.0"]}"#;
        let (section, result) = analyze(&CondaMeta, "opt/conda/conda-meta/openssl-1.1.1q-h0.json", text);
        result.unwrap();
        let p = &section.packages[0];
        assert_eq!(
            (p.name.as_str(), p.version.as_str(), p.licenses.len(), p.dependencies.len()),
            ("openssl", "1.1.1q", 1, 2)
        );
        for bad in [&b"{}"[..], b"{", b"[]"] {
            assert!(analyze(&CondaMeta, "x/conda-meta/a.json", bad).1.is_err());
        }
    }
}
