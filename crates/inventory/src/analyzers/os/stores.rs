//! Paths of the nix and guix stores: `nix/store/HASH-NAME-VERSION[-OUTPUT]`, `gnu/store/HASH-NAME-VERSION`. The store
//! keeps no list of what is in it beside an SQLite database that images often lack: the directory's name is the
//! evidence, nothing is read.
//!
//! The version begins at the first dash before a digit, as nix's own `parseDrvName` has it. Names without a version
//! (configuration, wrappers) are no packages.

use layergate_model::{AnalyzerId, EntryKind, Package, PackageKind, Section};

use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Sees the directories of the stores.
pub struct Stores;

/// Packages of one layer; a large system has 3,000.
const MAX_PACKAGES: usize = 100_000;

impl Analyzer for Stores {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("nix-guix-store")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Metadata]
    }

    fn analyze(&self, _: &File<'_>, _: &mut Section) -> Result<(), AnalyzeError> {
        Ok(())
    }

    fn observe(&self, entry: &Entry<'_>, out: &mut Section) {
        let (kind, name) = if let Some(name) = entry.path.strip_prefix("nix/store/") {
            (PackageKind::Nix, name)
        } else if let Some(name) = entry.path.strip_prefix("gnu/store/") {
            (PackageKind::Guix, name)
        } else {
            return;
        };
        if entry.kind != EntryKind::Directory || out.packages.len() >= MAX_PACKAGES {
            return;
        }
        if let Some((name, version)) = split(name) {
            out.packages.push(Package::new(kind, name, version, entry.path));
        }
    }
}

/// Name and version of a store directory.
fn split(directory: &str) -> Option<(&str, &str)> {
    const OUTPUTS: [&str; 10] =
        ["-bin", "-dev", "-lib", "-doc", "-man", "-info", "-out", "-debug", "-devdoc", "-static"];
    const NOT_INSTALLED: [&str; 4] = [".drv", ".patch", ".tar.gz", ".tar.xz"];
    let (hash, rest) = directory.split_at_checked(32)?;
    let rest = rest.strip_prefix('-')?;
    if rest.contains('/')
        || !hash.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
        || NOT_INSTALLED.iter().any(|end| rest.ends_with(end))
    {
        return None;
    }
    let rest = OUTPUTS.iter().find_map(|output| rest.strip_suffix(output)).unwrap_or(rest);
    let digit_after = |at: usize| rest.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
    let at = rest.match_indices('-').map(|(at, _)| at).find(|at| digit_after(*at))?;
    (at > 0).then(|| (&rest[..at], &rest[at + 1..]))
}

#[cfg(test)]
mod tests {
    use layergate_model::LayerPath;

    use super::*;

    #[test]
    fn directories_of_the_stores() {
        let hash = "0c0a3ffl5x2zsvwdw25kj5k2nz8z3q1b";
        for (path, want) in [
            (format!("nix/store/{hash}-openssl-3.0.13"), Some("nix openssl 3.0.13")),
            (format!("nix/store/{hash}-glibc-2.38-44-bin"), Some("nix glibc 2.38-44")),
            (format!("nix/store/{hash}-python3.11-requests-2.31.0"), Some("nix python3.11-requests 2.31.0")),
            (format!("gnu/store/{hash}-bash-5.1.16"), Some("guix bash 5.1.16")),
            (format!("nix/store/{hash}-nixos-rebuild"), None),
            (format!("nix/store/{hash}-hello-2.12.drv"), None),
            (format!("nix/store/{hash}-hello-2.12/bin"), None),
            ("nix/store/short-1.0".to_owned(), None),
            ("nix/store/äöüäöüäöüäöüäöüäöüäöü-a-1.0".to_owned(), None),
        ] {
            let path = LayerPath::normalise(&path).unwrap();
            let mut section = Section::default();
            let entry = Entry { path: &path, kind: EntryKind::Directory, mode: 0o755, target: "" };
            Stores.observe(&entry, &mut section);
            let found = section.packages.first().map(|p| format!("{} {} {}", p.kind, p.name, p.version));
            assert_eq!(found.as_deref(), want, "{path}");
        }
    }
}
