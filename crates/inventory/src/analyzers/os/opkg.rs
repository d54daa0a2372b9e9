//! opkg's database (OpenWrt, Yocto): `usr/lib/opkg/status` or `var/lib/opkg/status` in dpkg's form, and
//! `…/opkg/info/NAME.list`, the paths that a package installed, and `NAME.control`, the package's own record, which is
//! left where a build strips the status file away.

use layergate_model::{AnalyzerId, Dependency, OwnedFiles, Package, PackageKind, Section};

use super::{
    dpkg::{relations, source},
    owned::owned_path,
    stanza::stanzas,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads opkg's installed packages.
pub struct Opkg;

/// Dependencies of one package that are kept.
const MAX_DEPENDENCIES: usize = 512;

impl Analyzer for Opkg {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("opkg")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn max_bytes(&self) -> u64 {
        // 5,000 packages have 10 MB.
        32 << 20
    }

    fn interests(&self) -> &'static [Interest] {
        &[
            Interest::Path("usr/lib/opkg/status"),
            Interest::Path("var/lib/opkg/status"),
            Interest::Below("usr/lib/opkg/info"),
            Interest::Below("var/lib/opkg/info"),
        ]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.ends_with("opkg/status") || entry.path.ends_with(".list") || entry.path.ends_with(".control")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let text = file.text();
        if let Some(package) = file.path.file_name().strip_suffix(".list") {
            let paths: Vec<_> = text.lines().filter_map(|l| owned_path(l.split('\t').next()?)).collect();
            if !paths.is_empty() {
                out.owned.push(OwnedFiles { evidence: file.path.clone(), package: package.to_owned(), paths });
            }
            return Ok(());
        }
        let mut damaged = None;
        for stanza in stanzas(&text) {
            let state = stanza.line_of("Status").and_then(|s| s.split_whitespace().nth(2));
            if matches!(state, Some("not-installed" | "config-files")) {
                continue;
            }
            let (Some(name), Some(version)) = (stanza.line_of("Package"), stanza.line_of("Version")) else {
                damaged = damaged.or(Some(stanza.line));
                continue;
            };
            let mut package = Package::new(PackageKind::Opkg, name, version, file.path);
            package.arch = stanza.line_of("Architecture").map(str::to_owned);
            package.vendor = stanza.line_of("Maintainer").map(str::to_owned);
            package.source = Some(source(stanza.line_of("Source"), name, version));
            package.licenses = license::one(stanza.line_of("License").unwrap_or_default());
            let mut names: Vec<_> =
                stanza.get("Depends").into_iter().flat_map(relations).take(MAX_DEPENDENCIES).collect();
            names.sort_unstable();
            names.dedup();
            package.dependencies =
                names.into_iter().map(|name| Dependency { name: name.into(), version: None }).collect();
            out.packages.push(package);
        }
        match damaged {
            Some(line) => Err(AnalyzeError::database(format!(
                "the opkg database is damaged: the record at line {line} has no name or version"
            ))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn packages_and_files() {
        let text = "Package: dropbear\nVersion: 2024.85-r0\nDepends: libc, zlib (>= 1)\nStatus: install user installed\nArchitecture: x86_64\n\
            License: MIT\n\nPackage: gone\nVersion: 1\nStatus: deinstall ok not-installed\n";
        assert_eq!(packages(&Opkg, "var/lib/opkg/status", text.as_bytes()), ["dropbear 2024.85-r0"]);
        let (section, _) = analyze(&Opkg, "usr/lib/opkg/info/dropbear.list", b"/usr/sbin/dropbear\n");
        assert_eq!(section.owned[0].package, "dropbear");
        assert_eq!(packages(&Opkg, "usr/lib/opkg/info/a.control", b"Package: a\nVersion: 2.90-2\n"), ["a 2.90-2"]);
        assert!(analyze(&Opkg, "usr/lib/opkg/status", b"Package: a\n\xff").1.is_err());
    }
}
