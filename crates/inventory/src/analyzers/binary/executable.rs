//! The sections and segments of a program: ELF (System V ABI), PE (Microsoft PE/COFF) and Mach-O (also the first slice
//! of a universal file), as much as the analyzers of programs need.
//!
//! Written by hand rather than with a general reader: a program of a layer is hostile, and what is needed is little.
//! Nothing is copied, offsets and lengths are checked against the file, names are compared and never searched for their
//! end, at most [`MAX_SECTIONS`] sections and [`MAX_SEGMENTS`] segments are looked at.

/// More sections than this are not looked at; what is looked for lies in front in all linkers' output.
const MAX_SECTIONS: usize = 4096;
/// More segments than this are not looked at.
const MAX_SEGMENTS: usize = 512;
/// Bytes of a section's name that are kept.
const MAX_NAME: usize = 32;

/// A part of the file that the program's loader or linker names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    /// A section's name; empty for segments.
    pub(crate) name: &'a [u8],
    /// Where it lies in memory.
    pub(crate) address: u64,
    /// Its bytes in the file.
    pub(crate) data: &'a [u8],
    /// Whether the program may write there, and may not execute it.
    pub(crate) is_data: bool,
}

/// A program or library.
#[derive(Debug)]
pub(crate) struct Executable<'a> {
    sections: Vec<Part<'a>>,
    segments: Vec<Part<'a>>,
    big_endian: bool,
    /// Of a PE file: where the image is loaded, and its data directories as relative address and size.
    base: u64,
    directories: Vec<(u32, u32)>,
}

/// Whether the first bytes are those of a program.
pub(crate) fn is_executable(head: &[u8]) -> bool {
    match head {
        [0x7f, b'E', b'L', b'F', ..] | [b'M', b'Z', ..] => true,
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xfe, 0xed, 0xfa, 0xcf | 0xce, ..] => true,
        // A Java class begins so too; its version is larger than any number of slices.
        [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, slices, ..] => *slices > 0 && *slices < 20,
        _ => false,
    }
}

/// Whether a file of this name and mode may be a program or library of which one wants to know what it was built from:
/// anything but what compilers leave between (objects, static libraries, kernel modules).
pub(crate) fn may_be_program(entry: &crate::Entry<'_>) -> bool {
    let name = entry.path.file_name();
    entry.mode & 0o111 != 0
        || ![".o", ".a", ".ko", ".obj", ".lo", ".mod", ".syso"].iter().any(|end| name.ends_with(end))
}

/// Whether the first bytes (1024) are those of a shared library that no Go linker made: those have thread-local
/// storage, most others do not. Only what is certain counts: 64 bits, lowest byte first, all of the table seen.
pub(crate) fn is_plain_library(head: &[u8]) -> bool {
    let number = |at: usize| head.get(at..at + 2).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])));
    // e_type 3: a library or a program that may lie anywhere.
    if !head.starts_with(b"\x7fELF\x02\x01") || number(16) != Some(3) || number(32) != Some(64) {
        return false;
    }
    let count = number(56).unwrap_or_default();
    let types = head.get(64..64 + count * 56).unwrap_or_default().chunks_exact(56).map(|h| h[0]);
    // A table of a few segments was not written by the usual linkers. PT_INTERP (3): a program. PT_TLS: 7.
    count > 4 && types.len() == count && !types.into_iter().any(|t| matches!(t, 3 | 7))
}

/// Whether the first bytes are those of a library that nothing can start: usual linkers leave the address to begin at
/// out of it. Only what is certain counts, as with [`is_plain_library`].
pub(crate) fn is_without_entry(head: &[u8]) -> bool {
    let number = |at: usize| head.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    head.starts_with(b"\x7fELF\x02\x01")
        && number(16) == Some(3)
        && number(56).is_some_and(|segments| segments > 4)
        && head.get(24..32).is_some_and(|entry| entry.iter().all(|b| *b == 0))
}

impl<'a> Executable<'a> {
    /// Reads the tables; `None` when it is no program, or its header is cut off.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        match bytes {
            [0x7f, b'E', b'L', b'F', ..] => elf(bytes),
            [b'M', b'Z', ..] => pe(bytes),
            [0xca, 0xfe, 0xba, 0xbe, ..] => {
                let slices = Reader { bytes, big_endian: true };
                let (offset, size) = (slices.u32(16)?, slices.u32(20)?);
                macho(part(bytes, offset.into(), size.into())?)
            }
            _ => macho(bytes),
        }
    }

    /// The section of that name, when it has bytes in the file.
    pub(crate) fn section(&self, name: &str) -> Option<&Part<'a>> {
        self.sections.iter().find(|s| s.name == name.as_bytes() && !s.data.is_empty())
    }

    /// Whether the linker's table of sections is there at all.
    pub(crate) fn has_sections(&self) -> bool {
        self.sections.len() > 1
    }

    /// The first part that holds the program's variables.
    pub(crate) fn data(&self) -> Option<&Part<'a>> {
        self.segments.iter().find(|s| s.is_data && !s.data.is_empty())
    }

    /// Whether numbers are stored highest byte first.
    pub(crate) fn big_endian(&self) -> bool {
        self.big_endian
    }

    /// The address that a PE file's relative addresses are relative to.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// The bytes of a PE file's data directory (2: resources, 14: .NET's header), as far as its section goes.
    pub(crate) fn directory(&self, index: usize) -> Option<&'a [u8]> {
        let (address, size) = self.directories.get(index).copied().filter(|(a, s)| *a > 0 && *s > 0)?;
        let address = self.base.checked_add(address.into())?;
        let found =
            self.segments.iter().find_map(|s| s.data.get(usize::try_from(address.checked_sub(s.address)?).ok()?..));
        found.map(|bytes| rest(bytes, 0, size.into())).filter(|bytes| !bytes.is_empty())
    }

    /// `length` bytes at an address in memory.
    pub(crate) fn at(&self, address: u64, length: u64) -> Option<&'a [u8]> {
        self.segments.iter().find_map(|s| part(s.data, address.checked_sub(s.address)?, length))
    }
}

fn part(bytes: &[u8], offset: u64, length: u64) -> Option<&[u8]> {
    let from = usize::try_from(offset).ok()?;
    bytes.get(from..from.checked_add(usize::try_from(length).ok()?)?)
}

/// As much as there is: a cut file may still hold what is looked for.
fn rest(bytes: &[u8], offset: u64, length: u64) -> &[u8] {
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    let to = from.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(bytes.len());
    &bytes[from..to]
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl Reader<'_> {
    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        let mut value: [u8; N] = self.bytes.get(at..at.checked_add(N)?)?.try_into().ok()?;
        if self.big_endian {
            value.reverse();
        }
        Some(value)
    }

    fn u16(&self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// A number of the program's own width.
    fn word(&self, wide: bool, at: usize) -> Option<u64> {
        if wide { self.u64(at) } else { self.u32(at).map(u64::from) }
    }
}

/// The name at an offset of a string table, up to its NUL, never searched beyond [`MAX_NAME`] bytes.
fn name_at(table: &[u8], offset: u64) -> &[u8] {
    let name = rest(table, offset, MAX_NAME as u64);
    &name[..memchr::memchr(0, name).unwrap_or(name.len())]
}

fn elf(bytes: &[u8]) -> Option<Executable<'_>> {
    let wide = *bytes.get(4)? == 2;
    let big_endian = *bytes.get(5)? == 2;
    let file = Reader { bytes, big_endian };
    let at = |narrow: usize, wide_at: usize| if wide { wide_at } else { narrow };
    let segment_table = file.word(wide, at(28, 32))?;
    let section_table = file.word(wide, at(32, 40))?;
    let segment_size = usize::from(file.u16(at(42, 54))?).max(at(32, 56));
    let segment_count = usize::from(file.u16(at(44, 56))?).min(MAX_SEGMENTS);
    let section_size = usize::from(file.u16(at(46, 58))?).max(at(40, 64));
    let section_count = usize::from(file.u16(at(48, 60))?).min(MAX_SECTIONS);
    let names_index = usize::from(file.u16(at(50, 62))?);

    let mut segments = Vec::new();
    let table = Reader { bytes: rest(bytes, segment_table, u64::MAX), big_endian };
    for index in 0..segment_count {
        let entry = index * segment_size;
        let (Some(kind), Some(offset), Some(address), Some(size), Some(flags)) = (
            table.u32(entry),
            table.word(wide, entry + at(4, 8)),
            table.word(wide, entry + at(8, 16)),
            table.word(wide, entry + at(16, 32)),
            table.u32(entry + at(24, 4)),
        ) else {
            break;
        };
        if kind == 1 {
            segments.push(Part { name: b"", address, data: rest(bytes, offset, size), is_data: flags & 3 == 2 });
        }
    }

    let table = Reader { bytes: rest(bytes, section_table, u64::MAX), big_endian };
    let header = |index: usize| {
        let entry = index * section_size;
        Some((
            table.u32(entry)?,
            table.u32(entry + 4)?,
            table.word(wide, entry + at(12, 16))?,
            table.word(wide, entry + at(16, 24))?,
            table.word(wide, entry + at(20, 32))?,
        ))
    };
    let mut sections = Vec::new();
    if section_table != 0 {
        let names = header(names_index).map_or(&b""[..], |(_, _, _, offset, size)| rest(bytes, offset, size));
        for index in 0..section_count {
            let Some((name, kind, address, offset, size)) = header(index) else { break };
            // SHT_NOBITS has no bytes in the file, whatever its offset says.
            let data = if kind == 8 { &[][..] } else { rest(bytes, offset, size) };
            sections.push(Part { name: name_at(names, name.into()), address, data, is_data: false });
        }
    }
    Some(Executable { sections, segments, big_endian, base: 0, directories: Vec::new() })
}

fn pe(bytes: &[u8]) -> Option<Executable<'_>> {
    let file = Reader { bytes, big_endian: false };
    let header = file.u32(60)? as usize;
    if file.u32(header)? != u32::from_le_bytes(*b"PE\0\0") {
        return None;
    }
    let count = usize::from(file.u16(header.checked_add(6)?)?).min(MAX_SECTIONS);
    let optional = header + 24;
    let optional_size = usize::from(file.u16(header + 20)?);
    let (base, directories_at) = match file.u16(optional)? {
        0x20b => (file.u64(optional + 24)?, 112),
        _ => (file.u32(optional + 28)?.into(), 96),
    };
    // Their number stands before them; sixteen are defined, and the optional header's size bounds them.
    let count_of_directories = file.u32(optional + directories_at - 4).unwrap_or(0).min(16) as usize;
    let directories = (0..count_of_directories)
        .map(|n| directories_at + n * 8)
        .take_while(|at| at + 8 <= optional_size)
        .map_while(|at| Some((file.u32(optional + at)?, file.u32(optional + at + 4)?)))
        .collect();
    let mut sections = Vec::new();
    for index in 0..count {
        let entry = optional + optional_size + index * 40;
        let (Some(name), Some(address), Some(size), Some(offset), Some(flags)) = (
            part(bytes, entry as u64, 8),
            file.u32(entry + 12),
            file.u32(entry + 16),
            file.u32(entry + 20),
            file.u32(entry + 36),
        ) else {
            break;
        };
        sections.push(Part {
            name: name_at(name, 0),
            address: base.wrapping_add(address.into()),
            data: rest(bytes, offset.into(), size.into()),
            // Initialised data that is read and written.
            is_data: flags & 0xc000_0040 == 0xc000_0040 && flags & 0x2000_0000 == 0,
        });
    }
    Some(Executable { segments: sections.clone(), sections, big_endian: false, base, directories })
}

fn macho(bytes: &[u8]) -> Option<Executable<'_>> {
    let (wide, big_endian) = match bytes.get(..4)? {
        [0xcf, 0xfa, 0xed, 0xfe] => (true, false),
        [0xce, 0xfa, 0xed, 0xfe] => (false, false),
        [0xfe, 0xed, 0xfa, 0xcf] => (true, true),
        [0xfe, 0xed, 0xfa, 0xce] => (false, true),
        _ => return None,
    };
    let file = Reader { bytes, big_endian };
    let at = |narrow: usize, wide_at: usize| if wide { wide_at } else { narrow };
    let commands = (file.u32(16)? as usize).min(MAX_SEGMENTS);
    let (mut sections, mut segments) = (Vec::new(), Vec::new());
    let mut command = at(28, 32);
    for _ in 0..commands {
        let (Some(kind), Some(size)) = (file.u32(command), file.u32(command + 4)) else { break };
        if kind == at(1, 25) as u32 {
            let (Some(address), Some(offset), Some(length), Some(protection), Some(count)) = (
                file.word(wide, command + 24),
                file.word(wide, command + at(32, 40)),
                file.word(wide, command + at(36, 48)),
                file.u32(command + at(44, 60)),
                file.u32(command + at(48, 64)),
            ) else {
                break;
            };
            let data = rest(bytes, offset, length);
            segments.push(Part { name: b"", address, data, is_data: protection & 7 == 3 });
            for index in 0..count as usize {
                let entry = command + at(56, 72) + index * at(68, 80);
                let (Some(name), Some(address), Some(length), Some(offset)) = (
                    part(bytes, entry as u64, 16),
                    file.word(wide, entry + 32),
                    file.word(wide, entry + at(36, 40)),
                    file.u32(entry + at(40, 48)),
                ) else {
                    break;
                };
                if sections.len() >= MAX_SECTIONS {
                    break;
                }
                let data = rest(bytes, offset.into(), length);
                sections.push(Part { name: name_at(name, 0), address, data, is_data: false });
            }
        }
        // A command is at least its own header long: the loop goes forward.
        command = command.checked_add((size as usize).max(8))?;
    }
    Some(Executable { sections, segments, big_endian, base: 0, directories: Vec::new() })
}

#[cfg(test)]
pub(crate) use super::build;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_the_three_formats() {
        let elf = build::elf(&[(".text", b"code"), (".x", b"hello")]);
        let pe = build::pe(".x", b"hello");
        let macho = build::macho(".x", b"hello");
        let mut fat = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1, 1, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 28];
        fat.extend((macho.len() as u32).to_be_bytes());
        fat.extend([0; 4]);
        fat.extend(&macho);
        for bytes in [elf, pe, macho, fat] {
            assert!(is_executable(&bytes));
            let program = Executable::parse(&bytes).unwrap();
            let section = program.section(".x").unwrap();
            assert_eq!((section.data, section.address & 0xfff), (&b"hello"[..], 0));
            assert_eq!(program.at(section.address + 1, 3), Some(&b"ell"[..]));
            assert!(program.section(".y").is_none() && program.data().is_some());
            assert_eq!(program.at(u64::MAX, 1), None);
        }
    }

    #[test]
    fn hostile_tables_end() {
        for whole in [build::elf(&[(".x", b"hello")]), build::pe(".x", b"hello"), build::macho(".x", b"hello")] {
            for bytes in build::mutations(&whole) {
                if let Some(program) = Executable::parse(&bytes) {
                    let _ = (program.section(".x"), program.data(), program.at(0x1000, u64::MAX), program.at(0, 0));
                }
            }
        }
        for junk in [&b""[..], b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\x34", b"#!/bin/sh"] {
            assert!(Executable::parse(junk).is_none());
        }
        let mut absurd = build::elf(&[(".x", b"hello")]);
        absurd[60..62].copy_from_slice(&u16::MAX.to_le_bytes());
        absurd.resize(8 << 20, 1);
        assert!(Executable::parse(&absurd).unwrap().sections.len() <= MAX_SECTIONS);
    }
}
