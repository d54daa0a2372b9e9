//! Unpacked snaps (snapcraft.io, "The snap format"): `meta/snap.yaml` with `name`, `version`, `license`, `architectures`.
//!
//! Only the scalars at the outermost level are read, line by line: nothing in a hostile file can make that long.

use layergate_model::{AnalyzerId, Package, PackageKind, Section};

use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads snaps' metadata.
pub struct Snap;

impl Analyzer for Snap {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("snap")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("snap.yaml")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.ends_with("/meta/snap.yaml") && entry.path.split('/').any(|part| part == "snap")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let text = file.text();
        let scalar = |key: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
            // A comment needs a blank before it; quotes of either kind.
            let value = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
            (!value.is_empty()).then_some(value)
        };
        let (Some(name), Some(version)) = (scalar("name"), scalar("version")) else {
            return Err(AnalyzeError::unreadable("the snap's metadata has no name or version"));
        };
        let mut package = Package::new(PackageKind::Snap, name, version, file.path);
        package.licenses = license::one(scalar("license").unwrap_or_default());
        out.packages.push(package);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn metadata() {
        let at = "snap/core22/1380/meta/snap.yaml";
        let text = b"name: core22\nversion: '20240408' # day\nlicense: GPL-3.0\napps:\n  name: no\n";
        assert_eq!(packages(&Snap, at, text), ["core22 20240408"]);
        assert!(analyze(&Snap, at, b"name: a\n\xff").1.is_err());
    }
}
