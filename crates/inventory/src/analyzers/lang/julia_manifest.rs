//! Julia's `Manifest.toml` (pkgdocs.julialang.org, "Manifest.toml"), formats 1 and 2. The packages of the standard library have no version
//! there: theirs is Julia's own.

use layergate_model::{AnalyzerId, PackageKind, Section};
use serde::Deserialize;

use super::{
    input,
    loose::{Either, List, Record, Table, Text},
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `Manifest.toml`.
pub struct JuliaManifest;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    version: Text,
    uuid: Text,
}

/// A value at the top: a text (`julia_version`), the `deps` of format 2, or the list of a package in format 1.
type Top = Either<Table<List<Record<Locked>>>, Record<Locked>>;

impl Analyzer for JuliaManifest {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("julia-manifest")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("Manifest.toml"), Interest::Name("JuliaManifest.toml"), Interest::Extension(".toml")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        // Manifest-v1.11.toml is chosen by the version that runs.
        let name = entry.path.file_name();
        name == "Manifest.toml" || name == "JuliaManifest.toml" || name.starts_with("Manifest-v")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let top: Table<Top> =
            input::toml(file).map_err(|e| AnalyzeError { kind: layergate_model::GapKind::UnreadableFile, ..e })?;
        let start = out.packages.len();
        let julia = top.get("julia_version").and_then(Either::text).unwrap_or_default();
        let mut add = |name: &str, package: &Locked| {
            // Without an identity it is some other manifest.
            let Some(uuid) = package.uuid.get() else { return };
            let version = package.version.get().unwrap_or(julia);
            if let Some(new) = input::push(out, PackageKind::Julia, name, version, file) {
                new.uuid = Some(uuid.to_owned());
            }
        };
        for (name, value) in &top.0 {
            match value {
                Either::Map(packages) if name == "deps" => {
                    packages.0.iter().for_each(|(name, list)| list.0.iter().for_each(|p| add(name, p)));
                }
                Either::List(list) => list.iter().for_each(|p| add(name, p)),
                _ => {}
            }
        }
        input::join_same(out, start);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packages;

    #[test]
    fn formats() {
        let two = b"julia_version = \"1.9.0\"\nmanifest_format = \"2.0\"\n[[deps.A]]\nuuid = \"0-0\"\nversion = \"0.21.4\"\n[[deps.Dates]]\nuuid = \"1\"\n";
        assert_eq!(packages(&JuliaManifest, "Manifest.toml", two), ["A 0.21.4", "Dates 1.9.0"]);
        let one = b"[[A]]\nuuid = \"0\"\nversion = \"1\"\n[[Dates]]\nuuid = \"1\"\n";
        assert_eq!(packages(&JuliaManifest, "Manifest-v1.10.toml", one), ["A 1"]);
        assert_eq!(
            packages(&JuliaManifest, "Manifest.toml", b"[package]\nname = \"x\"\n[[bin]]\nname = \"y\"\n"),
            [""; 0]
        );
    }
}
