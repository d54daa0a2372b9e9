//! The package note that distributions' linkers put into programs (systemd.io, "Package Metadata for Executable Files"): an
//! ELF note `FDO` of type `0xcafe1a7e` in `.note.package`, its content JSON with `type`, `name`, `version`,
//! `architecture`.
//!
//! It is listed as a program: where the distribution's own database is there too, that owns the file and judges it.

use layergate_model::{AnalyzerId, Package, PackageKind, Section};
use serde::Deserialize;

use super::executable::{Executable, is_executable};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads package notes.
pub struct ElfNote;

/// The largest note that is read.
const MAX_NOTE: usize = 64 << 10;

#[derive(Deserialize)]
struct Note {
    name: Option<String>,
    version: Option<String>,
    architecture: Option<String>,
}

impl Analyzer for ElfNote {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("elf-note")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Executable]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.mode & 0o111 != 0
    }

    fn wants(&self, head: &[u8]) -> bool {
        head.starts_with(b"\x7fELF") && is_executable(head)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let Some(program) = Executable::parse(file.bytes) else { return Ok(()) };
        let Some(section) = program.section(".note.package") else { return Ok(()) };
        let Some(json) = note(section.data, program.big_endian()) else {
            return Err(AnalyzeError::unreadable("the package note of this program is damaged"));
        };
        let note: Note = serde_json::from_slice(json)
            .map_err(|e| AnalyzeError::unreadable(format!("the package note of this program is no JSON: {e}")))?;
        if let (Some(name), Some(version)) = (note.name, note.version)
            && !name.is_empty()
            && !version.is_empty()
        {
            let mut package = Package::new(PackageKind::Generic, name, version, file.path);
            package.arch = note.architecture.filter(|a| !a.is_empty());
            out.packages.push(package);
        }
        Ok(())
    }
}

/// The content of the note: lengths of name and content, type, `FDO\0`, content, NUL bytes at its end.
fn note(data: &[u8], big_endian: bool) -> Option<&[u8]> {
    let number = |at: usize| -> Option<u32> {
        let bytes: [u8; 4] = data.get(at..at + 4)?.try_into().ok()?;
        Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let (name, content, kind) = (number(0)?, number(4)? as usize, number(8)?);
    if name != 4 || kind != 0xcafe_1a7e || data.get(12..16)? != b"FDO\0" || content > MAX_NOTE {
        return None;
    }
    let content = data.get(16..16 + content)?;
    Some(&content[..memchr::memchr(0, content).unwrap_or(content.len())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analyzers::binary::executable::build,
        testing::{analyze, packages},
    };

    fn program(json: &str) -> Vec<u8> {
        let mut note = vec![4, 0, 0, 0];
        note.extend((json.len() as u32 + 1).to_le_bytes());
        note.extend(0xcafe_1a7e_u32.to_le_bytes());
        note.extend(b"FDO\0");
        note.extend(json.as_bytes());
        note.push(0);
        build::elf(&[(".note.package", &note)])
    }

    #[test]
    fn notes() {
        let whole = program(r#"{"type":"rpm","name":"coreutils","version":"9.1-2.fc38","architecture":"x86_64"}"#);
        assert_eq!(packages(&ElfNote, "usr/bin/ls", &whole), ["coreutils 9.1-2.fc38"]);
        assert_eq!(packages(&ElfNote, "usr/bin/ls", &program("{}")), [""; 0]);
        assert_eq!(packages(&ElfNote, "usr/bin/ls", &build::elf(&[(".text", b"x")])), [""; 0]);
        for bytes in [program("{"), program(&"[".repeat(10_000))] {
            assert!(analyze(&ElfNote, "usr/bin/ls", &bytes).1.is_err());
        }
        for bytes in build::mutations(&whole).filter(|b| ElfNote.wants(b)) {
            let _ = analyze(&ElfNote, "usr/bin/ls", &bytes);
        }
    }
}
