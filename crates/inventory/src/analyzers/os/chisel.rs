//! Chiselled Ubuntu images (github.com/canonical/chisel, "manifest"): `var/lib/chisel/manifest.wall`, a zstd-compressed
//! file of one JSON object a line. `{"kind":"package","name":…,"version":…,"arch":…}` is a Debian package of which
//! slices were installed, `{"kind":"path","path":…,"slices":["NAME_SLICE"]}` a file. dpkg's own database is not in such
//! images, or only an imitation of it, and neither Trivy 0.76 nor Syft 1.18 reads this one.
//!
//! The first line counts the entries: fewer mean a cut file.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
};

use layergate_model::{AnalyzerId, LayerPath, OwnedFiles, Package, PackageKind, Section, SourcePackage};
use layergate_unpack::decompress;
use serde::Deserialize;

use super::owned::owned_path;
use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads chisel's manifest.
pub struct Chisel;

/// The most that a manifest may unpack to; real ones have 200 KB.
const MAX_UNPACKED: u64 = 64 << 20;
/// The longest line.
const MAX_LINE: u64 = 1 << 20;

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    count: Option<u64>,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    arch: Option<String>,
    #[serde(default)]
    path: String,
    #[serde(default)]
    slices: Vec<String>,
}

impl Analyzer for Chisel {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("chisel")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("manifest.wall")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let bad =
            |why: &dyn std::fmt::Display| AnalyzeError::database(format!("the chisel manifest is damaged: {why}"));
        let unpacked = decompress(file.bytes, file.limits).map_err(|e| bad(&e))?.take(MAX_UNPACKED);
        let mut lines = BufReader::new(unpacked);
        let (mut counted, mut seen) = (None, 0);
        let mut owned: BTreeMap<String, Vec<LayerPath>> = BTreeMap::new();
        let mut damage = None;
        let mut text = Vec::new();
        loop {
            text.clear();
            match lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut text) {
                Ok(0) => break,
                Ok(_) => {}
                Err(e) => {
                    damage = Some(bad(&e));
                    break;
                }
            }
            let line: Line = match serde_json::from_slice(&text) {
                Ok(line) => line,
                Err(e) => {
                    damage = Some(bad(&e));
                    break;
                }
            };
            seen += 1;
            counted = counted.or(line.count);
            match line.kind.as_str() {
                "package" if !line.name.is_empty() && !line.version.is_empty() => {
                    let mut package = Package::new(PackageKind::Deb, line.name, line.version, file.path);
                    package.arch = line.arch;
                    package.source =
                        Some(SourcePackage { name: package.name.clone(), version: package.version.clone() });
                    out.packages.push(package);
                }
                "path" => {
                    let slice = line.slices.first().and_then(|s| s.split_once('_'));
                    if let (Some((package, _)), Some(path)) = (slice, owned_path(&line.path)) {
                        owned.entry(package.to_owned()).or_default().push(path);
                    }
                }
                _ => {}
            }
        }
        let owned =
            owned.into_iter().map(|(package, paths)| OwnedFiles { evidence: file.path.clone(), package, paths });
        out.owned.extend(owned);
        match (damage, counted) {
            (Some(damage), _) => Err(damage),
            (None, Some(count)) if seen >= count => Ok(()),
            (None, Some(count)) => Err(bad(&format!("it has {seen} of {count} lines"))),
            (None, None) => Err(bad(&"its first line is missing")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    const AT: &str = "var/lib/chisel/manifest.wall";

    #[test]
    fn manifests() {
        // The decompressor is chosen by the bytes: plain text is read too.
        let text = "{\"jsonwall\":\"1.0\",\"schema\":\"1.0\",\"count\":4}\n\
            {\"kind\":\"package\",\"name\":\"libc6\",\"version\":\"2.39-0ubuntu8\",\"sha256\":\"x\",\"arch\":\"amd64\"}\n\
            {\"kind\":\"path\",\"path\":\"/usr/bin/a\",\"mode\":\"0755\",\"slices\":[\"libc6_bins\"]}\n\
            {\"kind\":\"slice\",\"name\":\"libc6_bins\"}\n";
        let (section, result) = analyze(&Chisel, AT, text.as_bytes());
        result.unwrap();
        assert_eq!(
            (section.packages[0].version.as_str(), section.owned[0].package.as_str()),
            ("2.39-0ubuntu8", "libc6")
        );
        let cut = text.rfind("{\"kind\":\"slice").unwrap();
        for bad in [&text[..cut], &text[..cut - 5], "", "[[[[", "{}\n"] {
            assert!(analyze(&Chisel, AT, bad.as_bytes()).1.is_err(), "{bad}");
        }
        assert_eq!(analyze(&Chisel, AT, &text.as_bytes()[..cut]).0.packages.len(), 1);
        assert_eq!(packages(&Chisel, AT, b"{\"count\":1}"), [""; 0]);
    }
}
