//! Packages' archives that lie about: they may be installed when the container starts, so each is an `unread_carrier` gap.
//! One table of their endings and first bytes; archives of files (`.tar`, `.tgz`, `.tar.gz`, `.zip`) are ones when one of
//! their files says so. An archive of what is installed already (an application with its `node_modules`, a root file
//! system, a saved image) hides these packages, an `unread_packages` gap. Flatpak's applications and runtimes are known
//! by their metadata.

use std::io::Read;

use layergate_model::{AnalyzerId, Gap, GapKind, Section};

use GapKind::{UnreadCarrier, UnreadPackages};

use crate::{
    AnalyzeError, Analyzer, Entry, File, Interest,
    analyzers::lang::{archive::Archive, dotnet_root, input},
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

/// Archives of files, which are of interest when one of their files says so.
const FILES: [&str; 4] = [".tgz", ".tar.gz", ".tar", ".zip"];
/// Bytes of a packed one, unpacked, in which that file is looked for.
const MAX_FILES: u64 = 8 << 20;
/// Members of one that are looked at.
const MAX_MEMBERS: usize = 100_000;

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
        3
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
            Interest::Extension(".tar"),
            Interest::Extension(".zip"),
            Interest::Below("var/lib/flatpak"),
        ]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let path = entry.path.as_str();
        let lies = archive(path).is_some() || is_files(path);
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
        let tar = head.get(257..262) == Some(b"ustar");
        gem || flatpak || tar || ARCHIVES.iter().any(|(_, magic, _)| !magic.is_empty() && head.starts_with(magic))
    }

    fn finds_packages(&self) -> bool {
        false
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let at = file.path.as_str();
        let what = match archive(at) {
            Some((end, magic, what)) => {
                let kind = if *end == "bun.lockb" { UnreadPackages } else { UnreadCarrier };
                file.bytes.starts_with(magic).then_some((kind, *what))
            }
            None if is_files(at) => files(file.bytes),
            None => is_flatpak(at).then_some((UnreadCarrier, "a Flatpak application or runtime")),
        };
        if let Some((kind, what)) = what {
            let detail = format!("{what} lies here: it and what it carries were not read");
            out.gaps.push(Gap::new(kind, at, detail));
        }
        Ok(())
    }
}

fn is_files(path: &str) -> bool {
    FILES.iter().any(|end| path.ends_with(end))
}

/// `var/lib/flatpak/app/NAME/ARCH/BRANCH/COMMIT/metadata`.
fn is_flatpak(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts[..], ["var", "lib", "flatpak", "app" | "runtime", _, _, _, _, "metadata"])
}

/// What an archive of files carries, and the gap that it is.
fn files(bytes: &[u8]) -> Option<(GapKind, &'static str)> {
    if bytes.starts_with(b"PK\x03\x04") {
        let archive = Archive::open(bytes)?;
        let names = || archive.members().flatten().take(MAX_MEMBERS).map(|member| member.name);
        // Python runs what has this, and a reader of its own reads it.
        return if names().any(|name| name == b"__main__.py") { None } else { names().find_map(carried) };
    }
    let mut tar = Vec::new();
    let bytes = match bytes.starts_with(b"\x1f\x8b") {
        true => {
            // A stream that breaks off has shown what it has shown.
            let _ = flate2::read::GzDecoder::new(bytes).take(MAX_FILES).read_to_end(&mut tar);
            tar.as_slice()
        }
        false => bytes,
    };
    let mut rest = bytes;
    for _ in 0..MAX_MEMBERS {
        let (header, after) = rest.split_at_checked(512)?;
        let name = header.get(..100)?.split(|b| *b == 0).next()?;
        let size = std::str::from_utf8(&header[124..135]).ok().and_then(|t| usize::from_str_radix(t.trim(), 8).ok())?;
        if let Some(what) = carried(name) {
            return Some(what);
        }
        rest = after.get(size.checked_next_multiple_of(512)?..)?;
    }
    None
}

/// What a file of this name in an archive tells: npm's sources have `package/package.json`, Python's `NAME-VERSION/PKG-INFO`.
fn carried(name: &[u8]) -> Option<(GapKind, &'static str)> {
    let name = name.strip_prefix(b"./").unwrap_or(name);
    let has = |part: &[u8]| memchr::memmem::find(name, part).is_some();
    let one_deep = name.iter().filter(|b| **b == b'/').count() == 1;
    let modules = name.starts_with(b"node_modules/") || has(b"/node_modules/");
    Some(match name {
        b"package/package.json" => (UnreadCarrier, "an npm package"),
        _ if one_deep && name.ends_with(b"/PKG-INFO") => (UnreadCarrier, "a Python source distribution"),
        _ if modules && name.ends_with(b"/package.json") => (UnreadPackages, "an archive with installed Node packages"),
        _ if has(b".dist-info/METADATA") => (UnreadPackages, "an archive with installed Python packages"),
        _ if name.ends_with(b"vendor/composer/installed.json") => {
            (UnreadPackages, "an archive with installed PHP packages")
        }
        _ if name.ends_with(b"var/lib/dpkg/status")
            || name.ends_with(b"lib/apk/db/installed")
            || has(b"var/lib/rpm/") =>
        {
            (UnreadPackages, "an archive of a root file system")
        }
        _ if name.starts_with(b"blobs/sha256/") || name.ends_with(b"/layer.tar") => (UnreadPackages, "a saved image"),
        _ => return None,
    })
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
            let want = if *end == "bun.lockb" { UnreadPackages } else { UnreadCarrier };
            assert_eq!(gaps(&format!("opt/x{end}"), magic), [want], "{end}");
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
            ("srv/offline/lodash-4.17.20.tgz", &["package/a.js", "package/package.json"][..], Some(UnreadCarrier)),
            ("wheels/a-1.tar.gz", &["a-1/setup.py", "a-1/PKG-INFO"], Some(UnreadCarrier)),
            ("backup/data.tar.gz", &["data/a", "data/b/PKG-INFO"], None),
            ("backup/data.tgz", &["deep/package/package.json"], None),
            ("srv/app.tar.gz", &["app/index.js", "./app/node_modules/a/package.json"], Some(UnreadPackages)),
            ("srv/root.tgz", &["bin/sh", "var/lib/dpkg/status"], Some(UnreadPackages)),
            ("srv/save.tgz", &["blobs/sha256/ab"], Some(UnreadPackages)),
        ] {
            assert_eq!(gaps(path, &tgz(names)).first(), want.as_ref(), "{path}");
        }
        let whole = tgz(&["package/package.json"]);
        for cut in 3..whole.len() {
            let _ = gaps("a.tgz", &whole[..cut]);
        }
        let plain = |name: &str| {
            let mut header = vec![0u8; 1024];
            header[..name.len()].copy_from_slice(name.as_bytes());
            header[124..135].copy_from_slice(b"00000000003");
            header[257..262].copy_from_slice(b"ustar");
            header
        };
        assert_eq!(gaps("srv/image.tar", &plain("ab/layer.tar")), [UnreadPackages]);
        assert_eq!(gaps("srv/data.tar", &plain("ab/layer")), []);
        let zip = super::super::archive::tests::zip;
        assert_eq!(gaps("f.zip", &zip(&[("i.js", b""), ("node_modules/a/package.json", b"{}")])), [UnreadPackages]);
        assert_eq!(gaps("f.zip", &zip(&[("a-1.dist-info/METADATA", b"")])), [UnreadPackages]);
        assert_eq!(gaps("f.zip", &zip(&[("__main__.py", b""), ("a-1.dist-info/METADATA", b"")])), [], "it is read");
        assert_eq!(gaps("f.zip", &zip(&[("data.txt", b"")])), []);
        let flatpak = "var/lib/flatpak/app/org.x.Y/x86_64/stable/0a1b/metadata";
        assert_eq!(gaps(flatpak, b"[Application]\nname=org.x.Y\n"), [GapKind::UnreadCarrier]);
    }
}
