//! Programs that run what cannot be seen in them: packed ones, and bundles of an interpreter with scripts and packages.
//! One table of what they are known by; each is a `packed_program` gap. A .NET bundle names its packages in the
//! `deps.json` inside, and is read (github.com/dotnet/designs, "single-file bundles"); it is a gap only without one.
//!
//! Of a program its head, its end and its sections are looked at; the few marks that may stand anywhere are searched
//! for in one pass, window by window, whatever the program's size.

use std::{collections::HashMap, sync::LazyLock};

use aho_corasick::packed::Searcher;
use layergate_model::{AnalyzerId, Gap, GapKind, Section};

use super::executable::{Executable, is_executable, is_plain_library, is_without_entry, may_be_program};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::lang::dotnet_deps::DotnetDeps};

/// Finds packed and bundled programs.
pub struct PackedProgram;

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

/// What stands before the offset of a .NET bundle's header: the SHA-256 of ".net core bundle".
const DOTNET: [u8; 32] = [
    0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32, 0x13, 0xf5, 0xb9,
    0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
];

/// The marks that may stand anywhere, [`DOTNET`] first.
static ANYWHERE: LazyLock<Vec<&'static [u8]>> = LazyLock::new(|| {
    let anywhere = PROGRAMS.iter().filter_map(|(mark, _)| match mark {
        Mark::Anywhere(mark) => Some(*mark),
        _ => None,
    });
    std::iter::once(&DOTNET[..]).chain(anywhere).collect()
});

/// One pass for all of them, by vectors; `None` on a machine that has none fit for it. (The usual automaton is many
/// times slower here: the bytes by which it would skip ahead are common ones in programs.)
static SEARCH: LazyLock<Option<Searcher>> = LazyLock::new(|| Searcher::new(ANYWHERE.iter()));

impl Analyzer for PackedProgram {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("packed-program")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Content]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        may_be_program(entry)
    }

    fn wants(&self, head: &[u8]) -> bool {
        is_executable(head) && !is_plain_library(head)
    }

    fn finds_packages(&self) -> bool {
        false
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let at = file.path.as_str();
        // What has no entry point is a library, whose bundle no loader would start; most of the large ones are.
        let first = if is_without_entry(file.bytes) { HashMap::new() } else { marks(file) };
        if let Some(header) = first.get(DOTNET.as_slice()).and_then(|at| bundle(file.bytes, *at)) {
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
            Mark::Anywhere(mark) => first.contains_key(mark),
        });
        if let Some((_, what)) = found {
            let detail = format!("{what}: what is inside was not read");
            out.gaps.push(Gap::new(GapKind::PackedProgram, at, detail));
        }
        Ok(())
    }
}

/// Where each of the marks that may stand anywhere stands first.
fn marks(file: &File<'_>) -> HashMap<&'static [u8], usize> {
    let overlap = ANYWHERE.iter().map(|mark| mark.len()).max().unwrap_or_default();
    let (mut first, mut from) = (HashMap::new(), 0);
    for window in file.windows(overlap) {
        let mut found = |mark: &'static [u8], at: usize| {
            first.entry(mark).or_insert(from + at);
        };
        match &*SEARCH {
            Some(search) => search.find_iter(window).for_each(|m| found(ANYWHERE[m.pattern().as_usize()], m.start())),
            None => {
                for mark in ANYWHERE.iter() {
                    if let Some(at) = memchr::memmem::find(window, mark) {
                        found(mark, at);
                    }
                }
            }
        }
        from += window.len().saturating_sub(overlap);
    }
    first
}

/// Where the header of a .NET bundle stands, by the place of its signature; programs that carry none have a zero there.
fn bundle(bytes: &[u8], signature: usize) -> Option<usize> {
    let header = usize::try_from(long(bytes, signature.checked_sub(8)?)?).ok()?;
    (header > 0 && header < bytes.len()).then_some(header)
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
        let (section, result) = analyze(&PackedProgram, path, bytes);
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
    fn one_pass_finds_the_first_of_each_mark_across_windows() {
        let mut bytes = build::elf(&[(".text", b"x")]);
        bytes.resize(3 << 20, 0);
        let mark = b"NUITKA_ONEFILE_PARENT";
        // Cut by the end of the first window.
        bytes[(1 << 20) - 7..][..mark.len()].copy_from_slice(mark);
        assert_eq!(gaps("opt/a", &bytes), [GapKind::PackedProgram]);
        // A library that a bundle's runtime was linked into starts nothing.
        (bytes[16], bytes[56]) = (3, 7);
        assert_eq!(gaps("opt/a.so", &bytes), []);
        bytes[24] = 1;
        assert_eq!(gaps("opt/a.so", &bytes), [GapKind::PackedProgram]);
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
        let (section, result) = analyze(&PackedProgram, "app/App", &bundle(deps));
        result.unwrap();
        assert_eq!((section.packages.len(), section.gaps.len()), (1, 0));
        assert_eq!(gaps("app/App", &bundle(b"")), [GapKind::PackedProgram]);
        for bytes in build::mutations(&bundle(deps)).filter(|b| PackedProgram.wants(b)) {
            let _ = analyze(&PackedProgram, "app/App", &bytes);
        }
    }
}
