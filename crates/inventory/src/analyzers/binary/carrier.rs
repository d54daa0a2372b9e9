//! What carries packages without a reader of its own here: one table of what it is known by. A packed or bundled program
//! runs what cannot be seen in it, which is a `packed_program` gap; a package's archive that lies about may be installed when
//! the container starts, which is an `unread_carrier` gap. A .NET bundle names its packages in the `deps.json` inside, and is
//! read (github.com/dotnet/designs, "single-file bundles"); it is a gap only without one.
//!
//! Of a program its head, its end and its sections are looked at; only .NET's signature and Node's fuse may stand anywhere and
//! are searched for, in files up to 512 MB.

use std::io::Read;

use layergate_model::{AnalyzerId, Gap, GapKind, Section};

use super::executable::{Executable, is_executable, is_plain_library, may_be_program};
use crate::{
    AnalyzeError, Analyzer, Entry, File, Interest,
    analyzers::lang::{dotnet_deps::DotnetDeps, dotnet_root, input},
    place::is_documentation,
};

/// Finds packed and bundled programs, and packages' archives.
pub struct Carrier;

/// Where a mark of [`PROGRAMS`] stands.
#[derive(Clone, Copy)]
enum Mark {
    /// In the first 1024 bytes.
    Head(&'static [u8]),
    /// In the last [`TAIL`] bytes.
    Tail(&'static [u8]),
    /// A section of this name.
    Section(&'static str),
    /// Anywhere.
    Anywhere(&'static [u8]),
}

/// Bytes at the end of a program in which the marks of what was appended to it stand.
const TAIL: usize = 8 << 10;
/// Programs over this size are not searched as a whole.
const MAX_SEARCH: usize = 512 << 20;

/// Programs with others inside: the mark and what it is.
const PROGRAMS: [(Mark, &str); 14] = [
    (Mark::Head(b"UPX!"), "packed by UPX"),
    (Mark::Section("UPX0"), "packed by UPX"),
    (Mark::Head(b"AI\x02\0"), "an AppImage"),
    (Mark::Tail(b"UPX!"), "packed by UPX"),
    (Mark::Tail(b"MEI\x0c\x0b\x0a\x0b\x0e"), "a PyInstaller bundle of Python packages"),
    (Mark::Tail(b"d3n0l4nd"), "a Deno program with the modules that it was compiled from"),
    (Mark::Section("d3n0l4nd"), "a Deno program with the modules that it was compiled from"),
    (Mark::Tail(b"\n---- Bun! ----\n"), "a Bun program with the modules that it was compiled from"),
    (Mark::Tail(b"<nexe~~sentinel>"), "a nexe bundle of Node packages"),
    (Mark::Section(".svm_heap"), "a GraalVM native image of Java packages"),
    (Mark::Section("__svm_heap"), "a GraalVM native image of Java packages"),
    (
        Mark::Anywhere(b"NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:1"),
        "a single executable of Node with a script inside",
    ),
    (Mark::Anywhere(b"NUITKA_ONEFILE_PARENT"), "a Nuitka program with the Python packages that it was compiled from"),
    (Mark::Anywhere(b"EXECPATH_FD, PAYLOAD_POSITION, PAYLOAD_SIZE"), "a pkg bundle of Node packages"),
];

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

/// What stands before the offset of a .NET bundle's header: the SHA-256 of ".net core bundle".
const DOTNET: [u8; 32] = [
    0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32, 0x13, 0xf5, 0xb9,
    0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
];

fn archive(path: &str) -> Option<&'static (&'static str, &'static [u8], &'static str)> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    ARCHIVES.iter().find(|(end, ..)| name.ends_with(end))
}

impl Analyzer for Carrier {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("carrier")
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
            Interest::Content,
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
        if archive(path).is_some() || is_sources(path) {
            return !is_documentation(path)
                && !path.split('/').any(|part| CACHES.contains(&part))
                && dotnet_root::part(path).is_none()
                && !input::inside_dependency(path);
        }
        is_flatpak(path) || may_be_program(entry)
    }

    fn wants(&self, head: &[u8]) -> bool {
        let program = is_executable(head) && !is_plain_library(head);
        // A gem is a tar archive, whose first member is one of these.
        let gem = [b"metadata.gz".as_slice(), b"data.tar.gz", b"checksums.yaml.gz"].iter().any(|m| head.starts_with(m));
        let flatpak = head.starts_with(b"[Application]") || head.starts_with(b"[Runtime]");
        program || gem || flatpak || ARCHIVES.iter().any(|(_, magic, _)| !magic.is_empty() && head.starts_with(magic))
    }

    fn finds_packages(&self) -> bool {
        false
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let at = file.path.as_str();
        if let Some((_, magic, what)) = archive(at) {
            if file.bytes.starts_with(magic) {
                let detail = format!("{what} lies here: it and what it carries were not read");
                out.gaps.push(Gap::new(GapKind::UnreadCarrier, at, detail));
            }
            return Ok(());
        }
        let lies = if is_sources(at) {
            sources(file.bytes)
        } else {
            is_flatpak(at).then_some("a Flatpak application or runtime")
        };
        if let Some(what) = lies {
            let detail = format!("{what} lies here: it and what it carries were not read");
            out.gaps.push(Gap::new(GapKind::UnreadCarrier, at, detail));
        }
        if !is_executable(file.bytes) {
            return Ok(());
        }
        if let Some(header) = bundle(file) {
            return match dependencies(file.bytes, header) {
                Some(deps) => DotnetDeps.read(&File::new(file.path, file.mode, deps, file.limits), out),
                None => {
                    let detail = "a .NET bundle without a deps.json: the packages in it were not read";
                    out.gaps.push(Gap::new(GapKind::PackedProgram, at, detail));
                    Ok(())
                }
            };
        }
        let program = Executable::parse(file.bytes);
        let tail = &file.bytes[file.bytes.len().saturating_sub(TAIL)..];
        let head = &file.bytes[..file.bytes.len().min(1024)];
        let found = PROGRAMS.iter().find(|(mark, _)| match mark {
            Mark::Head(mark) => memchr::memmem::find(head, mark).is_some(),
            Mark::Tail(mark) => memchr::memmem::find(tail, mark).is_some(),
            Mark::Section(name) => program.as_ref().is_some_and(|p| p.section(name).is_some()),
            Mark::Anywhere(mark) => search(file, mark).is_some(),
        });
        if let Some((_, what)) = found {
            let detail = format!("{what}: what is inside was not read");
            out.gaps.push(Gap::new(GapKind::PackedProgram, at, detail));
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

/// The first place of a mark in the file.
fn search(file: &File<'_>, mark: &[u8]) -> Option<usize> {
    if file.bytes.len() > MAX_SEARCH {
        return None;
    }
    let finder = memchr::memmem::Finder::new(mark);
    let mut from = 0;
    for window in file.windows(mark.len()) {
        if let Some(at) = finder.find(window) {
            return Some(from + at);
        }
        from += window.len().saturating_sub(mark.len());
    }
    None
}

/// Where the header of a .NET bundle stands; programs that carry none have a zero there.
fn bundle(file: &File<'_>) -> Option<usize> {
    let at = search(file, &DOTNET)?;
    let header = usize::try_from(long(file.bytes, at.checked_sub(8)?)?).ok()?;
    (header > 0 && header < file.bytes.len()).then_some(header)
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// The `deps.json` that a bundle's header names; from version 2 on it stands in the header itself.
fn dependencies(bytes: &[u8], header: usize) -> Option<&[u8]> {
    let major = u32::from_le_bytes(bytes.get(header..header + 4)?.try_into().ok()?);
    let identity = header + 12;
    let length = usize::from(*bytes.get(identity)?);
    let after = identity + 1 + length;
    if major < 2 || length > 127 {
        return None;
    }
    let (offset, size) = (usize::try_from(long(bytes, after)?).ok()?, usize::try_from(long(bytes, after + 8)?).ok()?);
    let deps = bytes.get(offset..offset.checked_add(size)?)?;
    (size > 0 && deps.trim_ascii_start().first().is_some_and(|b| matches!(b, b'{' | 0xef))).then_some(deps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyzers::binary::executable::build, testing::analyze};

    fn gaps(path: &str, bytes: &[u8]) -> Vec<GapKind> {
        let (section, result) = analyze(&Carrier, path, bytes);
        result.unwrap();
        section.gaps.iter().map(|g| g.kind).collect()
    }

    #[test]
    fn programs_with_others_inside() {
        let plain = build::elf(&[(".text", b"x")]);
        assert_eq!(gaps("usr/bin/a", &plain), []);
        for (mark, _) in PROGRAMS {
            let bytes = match mark {
                Mark::Section(name) => build::elf(&[(name, b"x"), (".text", b"x")]),
                Mark::Head(mark) => [&plain[..64], mark, &plain[64..]].concat(),
                Mark::Tail(mark) | Mark::Anywhere(mark) => [plain.as_slice(), mark].concat(),
            };
            assert_eq!(gaps("opt/app/a", &bytes), [GapKind::PackedProgram]);
        }
    }

    #[test]
    fn archives_of_packages() {
        for (end, magic, _) in ARCHIVES.iter().filter(|(_, magic, _)| !magic.is_empty()) {
            assert_eq!(gaps(&format!("opt/x{end}"), magic), [GapKind::UnreadCarrier], "{end}");
        }
        let path = layergate_model::LayerPath::normalise("usr/lib/python3/ensurepip/_bundled/pip-1-py3.whl").unwrap();
        let kind = layergate_model::EntryKind::File;
        assert!(!Carrier.claims(&Entry { path: &path, kind, mode: 0o644, target: "" }));
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

    #[test]
    fn dotnet_bundles() {
        let deps = br#"{"runtimeTarget":{"name":"n"},"targets":{"n":{"A/1.0.0":{"runtime":{"a.dll":{}}}}},"libraries":{"A/1.0.0":{"type":"package"}}}"#;
        let bundle = |deps: &[u8]| {
            let mut out = build::elf(&[(".text", b"x")]);
            let header = out.len() + 40;
            out.extend((header as u64).to_le_bytes());
            out.extend(DOTNET);
            out.extend([6, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, b'i', b'd']);
            out.extend((header as u64 + 31).to_le_bytes());
            out.extend((deps.len() as u64).to_le_bytes());
            out.extend(deps);
            out
        };
        let (section, result) = analyze(&Carrier, "app/App", &bundle(deps));
        result.unwrap();
        assert_eq!((section.packages.len(), section.gaps.len()), (1, 0));
        assert_eq!(gaps("app/App", &bundle(b"")), [GapKind::PackedProgram]);
        for bytes in build::mutations(&bundle(deps)).filter(|b| Carrier.wants(b)) {
            let _ = analyze(&Carrier, "app/App", &bytes);
        }
    }
}
