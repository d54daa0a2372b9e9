//! Modules that a Go program was built from: the build information that the linker leaves (Go's `debug/buildinfo`).
//!
//! A blob `\xff Go buildinf:`, 16-byte aligned, in the section `.go.buildinfo` (`__go_buildinfo` in Mach-O) or at the
//! begin of the data; since Go 1.18 the Go version and the module list follow as two strings with a length each, before
//! that two pointers to string headers. The standard library is listed as `stdlib`, a replaced module as what replaces
//! it. The program's own version is often `(devel)`; see `go_version.rs` for where the true one may stand.

use layergate_model::{AnalyzerId, Gap, GapKind, Package, PackageKind, Provenance, Section};

use super::{
    executable::{Executable, is_executable, is_plain_library, may_be_program},
    go_version,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads the build information of Go programs.
pub struct GoBinary;

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// How far into the data the blob is looked for where no section names it.
const MAX_SEARCH: usize = 4 << 20;
/// How far into a program its build id is looked for.
const BUILD_ID: usize = 64 << 10;
/// The longest module list that is read; Kubernetes' is 40 KB.
const MAX_LIST: u64 = 8 << 20;
/// Modules of one program that are listed.
const MAX_MODULES: usize = 20_000;

impl Analyzer for GoBinary {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("go-binary")
    }

    fn revision(&self) -> u32 {
        3
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        // A program may get its execute bit when the container starts, and a shared library needs none.
        &[Interest::Executable, Interest::Content]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        may_be_program(entry)
    }

    fn wants(&self, head: &[u8]) -> bool {
        is_executable(head) && !is_plain_library(head)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let Some(program) = Executable::parse(file.bytes) else { return Ok(()) };
        let Some(blob) = find(&program) else {
            if is_go(&program, file.bytes) {
                let detail = "a Go program without its build information (from before Go 1.13, or removed): the modules in it cannot be seen";
                out.gaps.push(Gap::new(GapKind::PackedProgram, file.path.as_str(), detail));
            }
            return Ok(());
        };
        let Some((version, list)) = strings(&program, blob) else {
            return Err(AnalyzeError::unreadable("the Go build information of this program is damaged"));
        };
        if let Some(version) = toolchain(version) {
            out.packages.push(Package::new(PackageKind::Golang, "stdlib", version, file.path));
        }
        let list = String::from_utf8_lossy(unwrapped(list));
        for (name, version, provenance) in modules(&list) {
            let mut package = Package::new(PackageKind::Golang, name, version, file.path);
            package.name.truncate(package.name.floor_char_boundary(1024));
            package.version.truncate(package.version.floor_char_boundary(1024));
            package.provenance = provenance;
            out.packages.push(package);
        }
        Ok(())
    }
}

/// Whether Go's linker made a program: by its tables, or by the build id that it puts before the code.
fn is_go(program: &Executable<'_>, bytes: &[u8]) -> bool {
    [".gopclntab", "__gopclntab", ".note.go.buildid"].iter().any(|name| program.section(name).is_some())
        || memchr::memmem::find(&bytes[..bytes.len().min(BUILD_ID)], b"Go build ID: \"").is_some()
}

/// The bytes from the magic on.
fn find<'a>(program: &Executable<'a>) -> Option<&'a [u8]> {
    let named = [".go.buildinfo", "__go_buildinfo"].into_iter().find_map(|name| program.section(name));
    let place = match named {
        Some(section) => section,
        // PE has no name for it; in ELF and Mach-O only a stripped table of sections hides it.
        None if !program.has_sections() || program.section(".rdata").is_some() => program.data()?,
        None => return None,
    };
    let data = &place.data[..place.data.len().min(MAX_SEARCH)];
    let mut finds = memchr::memmem::find_iter(data, MAGIC);
    finds.find(|at| at % 16 == 0).map(|at| &place.data[at..])
}

/// The Go version and the module list.
fn strings<'a>(program: &Executable<'a>, blob: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (size, flags) = (usize::from(*blob.get(14)?), *blob.get(15)?);
    if flags & 2 != 0 {
        let (version, rest) = sized(blob.get(32..)?)?;
        let (list, _) = sized(rest)?;
        return Some((version, list));
    }
    let number = |bytes: &[u8]| -> Option<u64> {
        let fold = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        match (bytes.len(), flags & 1) {
            (4 | 8, 0) => Some(bytes.iter().rev().fold(0, fold)),
            (4 | 8, _) => Some(bytes.iter().fold(0, fold)),
            _ => None,
        }
    };
    let string = |at: usize| -> Option<&'a [u8]> {
        let header = program.at(number(blob.get(at..at + size)?)?, size as u64 * 2)?;
        let (address, length) = (number(&header[..size])?, number(&header[size..])?);
        if length > MAX_LIST { None } else { program.at(address, length) }
    };
    Some((string(16)?, string(16 + size).unwrap_or_default()))
}

/// A string with its length in front as a base-128 number.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0u64;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if length > MAX_LIST {
                return None;
            }
            return bytes.get(index + 1..)?.split_at_checked(length as usize);
        }
    }
    None
}

/// The list without the 16 marker bytes on either side.
fn unwrapped(list: &[u8]) -> &[u8] {
    match list.len() {
        length if length >= 33 && list[length - 17] == b'\n' => &list[16..length - 16],
        _ => b"",
    }
}

/// `go1.22.1 X:boringcrypto` is `1.22.1`; a development version (`devel go1.23-abc`) is the one it will be.
fn toolchain(version: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(version).ok()?;
    let word = text.split_whitespace().find_map(|word| word.strip_prefix("go"))?;
    let version = word.split(['-', '+']).next().unwrap_or(word);
    (version.starts_with(|c: char| c.is_ascii_digit()) && version.len() < 64).then_some(version)
}

/// Name and version of every module of the list, the program's own first.
fn modules(list: &str) -> Vec<(String, String, Provenance)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut main = None;
    let mut last_is_main = false;
    for line in list.lines() {
        let mut fields = line.split('\t');
        let kind = fields.next().unwrap_or_default();
        let (name, version) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        match kind {
            // A program of the Go distribution itself has no module, only a path.
            "path" if main.is_none() => main = Some((name, "")),
            "mod" => {
                main = Some((name, version));
                last_is_main = true;
            }
            "dep" if found.len() < MAX_MODULES => {
                found.push((name, version));
                last_is_main = false;
            }
            // A directory that replaces a module has no version: the module is named better by what it replaces.
            "=>" if !version.is_empty() => match found.last_mut() {
                Some(dep) if !last_is_main => *dep = (name, version),
                _ => main = Some((name, version)),
            },
            _ => {}
        }
    }
    let own = main.map(|(name, version)| {
        let version = go_version::of_main(name, version, list);
        // A commit of which no release is known lies below every release, whatever it is.
        let provenance = if version.starts_with("v0.0.0-") { Provenance::Elsewhere } else { Provenance::Registry };
        (name.to_owned(), version, provenance)
    });
    let others = found.into_iter().map(|(name, version)| (name.to_owned(), version.to_owned(), Provenance::Registry));
    own.into_iter().chain(others).filter(|(name, version, _)| !name.is_empty() && !version.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analyzers::binary::executable::build,
        testing::{analyze, packages},
    };

    const LIST: &str = "path\tx/cmd\nmod\tgithub.com/a/b\t(devel)\t\ndep\tgolang.org/x/net\tv0.1.0\th1:x\ndep\told\tv1.0.0\n\
        =>\tnew\tv2.0.0\th1:y\ndep\tlocal\tv0.0.1\n=>\t./local\t\nbuild\t-compiler=gc\nbuild\t-ldflags=\"-s -X main.version=1.2.3\"\n";

    fn list() -> Vec<u8> {
        [&[7; 16], LIST.as_bytes(), &[7; 16]].concat()
    }

    fn inline(version: &str) -> Vec<u8> {
        let mut blob = MAGIC.to_vec();
        blob.extend([8, 2]);
        blob.resize(32, 0);
        blob.push(version.len() as u8);
        blob.extend(version.as_bytes());
        let list = list();
        blob.extend([(list.len() & 0x7f) as u8 | 0x80, (list.len() >> 7) as u8]);
        blob.extend(list);
        blob
    }

    /// The old form, at address 0x1000.
    fn pointers() -> Vec<u8> {
        let mut blob = MAGIC.to_vec();
        blob.extend([8, 0]);
        let list = list();
        let (header, version, at) = (0x1000 + 32, "go1.15.2", 0x1000 + 64);
        for value in [header, header + 16, at, version.len() as u64, at + 8, list.len() as u64] {
            blob.extend(value.to_le_bytes());
        }
        blob.extend(version.as_bytes());
        blob.extend(list);
        blob
    }

    const WANT: [&str; 5] =
        ["github.com/a/b v1.2.3", "golang.org/x/net v0.1.0", "local v0.0.1", "new v2.0.0", "stdlib 1.22.1"];

    #[test]
    fn build_information_of_the_three_formats() {
        let blob = inline("go1.22.1 X:boringcrypto");
        let programs = [
            build::elf(&[(".go.buildinfo", &blob), (".text", b"x")]),
            build::pe(".data", &blob),
            build::macho("__go_buildinfo", &blob),
        ];
        // A program whose table of sections was stripped.
        let mut stripped = programs[0].clone();
        stripped[40..48].fill(0);
        for program in programs.iter().chain([&stripped]) {
            let pe_without_name = program.starts_with(b"MZ");
            let found = packages(&GoBinary, "usr/bin/app", program);
            assert_eq!(found, WANT, "{pe_without_name}");
        }
        let old = packages(&GoBinary, "usr/bin/app", &build::elf(&[(".go.buildinfo", &pointers()), (".text", b"x")]));
        assert_eq!((old.len(), old.contains(&"stdlib 1.15.2".to_owned())), (5, true));
        assert_eq!(
            modules("path\tcmd/go\nbuild\t-compiler=gc\n"),
            [("cmd/go".to_owned(), "(devel)".to_owned(), Provenance::Registry)]
        );
        assert_eq!(packages(&GoBinary, "usr/bin/ls", &build::elf(&[(".data", &blob), (".text", b"")])), [""; 0]);
    }

    #[test]
    fn a_go_program_without_build_information_is_a_gap() {
        let gap = |bytes: &[u8]| {
            let (section, result) = analyze(&GoBinary, "usr/bin/app", bytes);
            result.unwrap();
            section.gaps.first().map(|gap| gap.kind)
        };
        let id = b"\xff Go build ID: \"a/b/c/d\"\n \xff";
        for (sections, want) in [
            (&[(".text", &b"x"[..])][..], None),
            (&[(".gopclntab", b"x"), (".text", b"x")], Some(GapKind::PackedProgram)),
            (&[(".note.go.buildid", b"x"), (".text", b"x")], Some(GapKind::PackedProgram)),
            (&[(".text", id)], Some(GapKind::PackedProgram)),
            (&[(".go.buildinfo", &inline("go1.22.1")), (".text", id)], None),
        ] {
            assert_eq!(gap(&build::elf(sections)), want, "{sections:?}");
        }
    }

    #[test]
    fn toolchains() {
        for (text, want) in [
            ("go1.22.1", Some("1.22.1")),
            ("go1.22.1 X:loopvar", Some("1.22.1")),
            ("devel go1.23-abcdef Mon", Some("1.23")),
            ("go1.24.4-custom", Some("1.24.4")),
            ("go1.21rc2", Some("1.21rc2")),
            ("unknown", None),
        ] {
            assert_eq!(toolchain(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn hostile_information() {
        for blob in [inline("go1.22.1"), pointers()] {
            let whole = build::elf(&[(".go.buildinfo", &blob), (".text", b"x")]);
            for bytes in build::mutations(&whole).filter(|b| GoBinary.wants(b)) {
                let _ = analyze(&GoBinary, "a", &bytes);
            }
        }
        let cut = build::elf(&[(".go.buildinfo", &inline("go1.22.1")[..60]), (".text", b"x")]);
        assert!(analyze(&GoBinary, "a", &cut).1.is_err());
    }

    #[test]
    fn a_program_without_the_bit_and_a_version_that_is_none() {
        let path = layergate_model::LayerPath::normalise("opt/app/agent").unwrap();
        let entry = Entry { path: &path, kind: layergate_model::EntryKind::File, mode: 0o644, target: "" };
        assert!(GoBinary.claims(&entry));
        let list = "path\tx\nmod\tgithub.com/a/b\t(devel)\t\ndep\tx/y\tv0.0.0-20210121094942-22b2f8951d46\n\
            build\tvcs.revision=22b2f8951d46aabb\nbuild\tvcs.time=2021-01-21T09:49:42Z\n";
        let found: Vec<_> = modules(list).into_iter().map(|(_, _, provenance)| provenance).collect();
        assert_eq!(found, [Provenance::Elsewhere, Provenance::Registry]);
    }
}
