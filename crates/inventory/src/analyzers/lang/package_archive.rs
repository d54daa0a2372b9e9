//! Packages' archives that lie about: they may be installed when the container starts, so each is an `unread_carrier` gap.
//! One table of their endings and first bytes; sources packed as `.tgz` or `.tar.gz` are ones when one of their first files
//! says so, and Flatpak's applications and runtimes are known by their metadata.

use std::io::Read;

use layergate_model::{AnalyzerId, Gap, GapKind, Section};

use crate::{
    AnalyzeError, Analyzer, Entry, File, Interest,
    analyzers::lang::{dotnet_root, input},
    place::is_documentation,
};

/// Finds packages' archives.
pub struct PackageArchive;

/// Archives of packages by their ending: the first bytes and what they are.
const ARCHIVES: [(&str, &[u8], &str); 9] = [
    (".deb", b"!<arch>\n", "a Debian package"),
    (".rpm", b"\xed\xab\xee\xdb", "an rpm package"),
    (".apk", b"\x1f\x8b", "an Alpine package"),
    (".whl", b"PK\x03\x04", "a Python wheel"),
    (".gem", b"", "a gem"),
    (".nupkg", b"PK\x03\x04", "a NuGet package"),
    (".crate", b"\x1f\x8b", "a crate"),
    (".conda", b"PK\x03\x04", "a conda package"),
    ("bun.lockb", b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n", "Bun's binary lock file"),
];

/// Packed sources, which are a package when one of their first files says so.
const SOURCES: [&str; 2] = [".tgz", ".tar.gz"];
/// Bytes of such an archive, unpacked, in which that file is looked for.
const MAX_SOURCES: u64 = 1 << 20;

/// Directories in which package managers keep archives of what they have installed, and of what they install others with.
const CACHES: [&str; 9] =
    ["cache", ".cache", "caches", "ensurepip", "python-wheels", ".nuget", "registry", "archives", "pkgs"];

fn archive(path: &str) -> Option<&'static (&'static str, &'static [u8], &'static str)> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    ARCHIVES.iter().find(|(end, ..)| name.ends_with(end))
}

impl Analyzer for PackageArchive {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("package-archive")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[
            Interest::Extension(".deb"),
            Interest::Extension(".rpm"),
            Interest::Extension(".apk"),
            Interest::Extension(".whl"),
            Interest::Extension(".gem"),
            Interest::Extension(".nupkg"),
            Interest::Extension(".crate"),
            Interest::Extension(".conda"),
            Interest::Extension(".lockb"),
            Interest::Extension(".tgz"),
            Interest::Extension(".gz"),
            Interest::Below("var/lib/flatpak"),
        ]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let path = entry.path.as_str();
        let lies = archive(path).is_some() || is_sources(path);
        let elsewhere = is_documentation(path)
            || path.split('/').any(|part| CACHES.contains(&part))
            || dotnet_root::part(path).is_some()
            || input::inside_dependency(path);
        is_flatpak(path) || (lies && !elsewhere)
    }

    fn wants(&self, head: &[u8]) -> bool {
        // A gem is a tar archive, whose first member is one of these.
        let gem = [b"metadata.gz".as_slice(), b"data.tar.gz", b"checksums.yaml.gz"].iter().any(|m| head.starts_with(m));
        let flatpak = head.starts_with(b"[Application]") || head.starts_with(b"[Runtime]");
        gem || flatpak || ARCHIVES.iter().any(|(_, magic, _)| !magic.is_empty() && head.starts_with(magic))
    }

    fn finds_packages(&self) -> bool {
        false
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let at = file.path.as_str();
        let what = match archive(at) {
            Some((_, magic, what)) => file.bytes.starts_with(magic).then_some(*what),
            None if is_sources(at) => sources(file.bytes),
            None => is_flatpak(at).then_some("a Flatpak application or runtime"),
        };
        if let Some(what) = what {
            let detail = format!("{what} lies here: it and what it carries were not read");
            out.gaps.push(Gap::new(GapKind::UnreadCarrier, at, detail));
        }
        Ok(())
    }
}

fn is_sources(path: &str) -> bool {
    SOURCES.iter().any(|end| path.ends_with(end))
}

/// `var/lib/flatpak/app/NAME/ARCH/BRANCH/COMMIT/metadata`.
fn is_flatpak(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts[..], ["var", "lib", "flatpak", "app" | "runtime", _, _, _, _, "metadata"])
}

/// What packed sources are a package of: npm's has `package/package.json`, Python's `NAME-VERSION/PKG-INFO`.
fn sources(bytes: &[u8]) -> Option<&'static str> {
    let mut tar = Vec::new();
    // A stream that breaks off has shown what it has shown.
    let _ = flate2::read::GzDecoder::new(bytes).take(MAX_SOURCES).read_to_end(&mut tar);
    let mut rest = tar.as_slice();
    while let Some((header, after)) = rest.split_at_checked(512) {
        let name = header.get(..100)?.split(|b| *b == 0).next()?;
        let size = std::str::from_utf8(&header[124..135]).ok().and_then(|t| usize::from_str_radix(t.trim(), 8).ok())?;
        let one_deep = name.iter().filter(|b| **b == b'/').count() == 1;
        match name {
            b"package/package.json" => return Some("an npm package"),
            _ if one_deep && name.ends_with(b"/PKG-INFO") => return Some("a Python source distribution"),
            _ => {}
        }
        rest = after.get(size.checked_next_multiple_of(512)?..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    fn gaps(path: &str, bytes: &[u8]) -> Vec<GapKind> {
        let (section, result) = analyze(&PackageArchive, path, bytes);
        result.unwrap();
        section.gaps.iter().map(|g| g.kind).collect()
    }

    #[test]
    fn archives_of_packages() {
        for (end, magic, _) in ARCHIVES.iter().filter(|(_, magic, _)| !magic.is_empty()) {
            assert_eq!(gaps(&format!("opt/x{end}"), magic), [GapKind::UnreadCarrier], "{end}");
        }
        let path = layergate_model::LayerPath::normalise("usr/lib/python3/ensurepip/_bundled/pip-1-py3.whl").unwrap();
        let kind = layergate_model::EntryKind::File;
        assert!(!PackageArchive.claims(&Entry { path: &path, kind, mode: 0o644, target: "" }));
    }

    #[test]
    fn packed_sources_and_flatpaks() {
        let tgz = |names: &[&str]| {
            let mut tar = Vec::new();
            for name in names {
                let mut header = [0u8; 512];
                header[..name.len()].copy_from_slice(name.as_bytes());
                header[124..135].copy_from_slice(b"00000000003");
                tar.extend(header);
                tar.extend([b'x'; 512]);
            }
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            std::io::Write::write_all(&mut gz, &tar).unwrap();
            gz.finish().unwrap()
        };
        for (path, names, want) in [
            ("srv/offline/lodash-4.17.20.tgz", &["package/a.js", "package/package.json"][..], true),
            ("wheels/a-1.tar.gz", &["a-1/setup.py", "a-1/PKG-INFO"], true),
            ("backup/data.tar.gz", &["data/a", "data/b/PKG-INFO"], false),
            ("backup/data.tgz", &["deep/package/package.json"], false),
        ] {
            let want: &[GapKind] = if want { &[GapKind::UnreadCarrier] } else { &[] };
            assert_eq!(gaps(path, &tgz(names)), want, "{path}");
        }
        let whole = tgz(&["package/package.json"]);
        for cut in 3..whole.len() {
            let _ = gaps("a.tgz", &whole[..cut]);
        }
        let flatpak = "var/lib/flatpak/app/org.x.Y/x86_64/stable/0a1b/metadata";
        assert_eq!(gaps(flatpak, b"[Application]\nname=org.x.Y\n"), [GapKind::UnreadCarrier]);
    }
}
