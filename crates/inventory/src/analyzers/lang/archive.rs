//! A zip archive in memory, read by its central directory (APPNOTE.TXT 4.3 to 4.5) as Java reads it: one pass over the
//! directory without keeping it (a hostile one has millions of entries), a program before the archive allowed, zip64.
//! Only the members that are asked for are unpacked, never beyond a bound; stored ones are not copied at all.

use std::io::Read;

/// End records that are tried.
const MAX_ENDS: usize = 64;

/// An archive whose directory was found.
#[derive(Clone, Copy)]
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    /// The directory with all its headers.
    directory: &'a [u8],
    /// Bytes before the archive proper, which its offsets do not count.
    shift: usize,
}

/// One member, as the directory describes it.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    /// Its name.
    pub(crate) name: &'a [u8],
    method: u16,
    encrypted: bool,
    packed: usize,
    local: usize,
}

impl Member<'_> {
    /// Bytes of its packed form, as the directory has it.
    pub(crate) fn packed_size(&self) -> u64 {
        self.packed as u64
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn wide(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

impl<'a> Archive<'a> {
    /// Finds the directory; `None` when the bytes are no zip archive. The end record's own bytes may stand in the comment
    /// behind it: as Java has it, the last one counts whose comment ends where the file does, or that leads to a directory.
    pub(crate) fn open(bytes: &'a [u8]) -> Option<Self> {
        let tail = bytes.len().saturating_sub(22 + usize::from(u16::MAX));
        let ends = memchr::memmem::rfind_iter(&bytes[tail..], b"PK\x05\x06").take(MAX_ENDS).map(|at| tail + at);
        ends.filter_map(|end| {
            let ends_here = end + 22 + usize::from(short(bytes, end + 20)?) == bytes.len();
            Self::ending(bytes, end).filter(|archive| ends_here || !archive.directory.is_empty())
        })
        .next()
    }

    fn ending(bytes: &'a [u8], end: usize) -> Option<Self> {
        let mut size = u64::from(long(bytes, end + 12)?);
        let mut offset = u64::from(long(bytes, end + 16)?);
        let mut directory_end = end;
        if (offset == u64::from(u32::MAX) || short(bytes, end + 10)? == u16::MAX)
            && let Some(locator) = end.checked_sub(20)
            && bytes.get(locator..locator + 4) == Some(b"PK\x06\x07")
        {
            // The end record of zip64 usually stands right before its locator; a program before it shifts the offset.
            let reported = usize::try_from(wide(bytes, locator + 8)?).ok()?;
            let at = [reported, locator.wrapping_sub(56)]
                .into_iter()
                .find(|at| bytes.get(*at..at.saturating_add(4)) == Some(b"PK\x06\x06"))?;
            size = wide(bytes, at + 40)?;
            offset = wide(bytes, at + 48)?;
            directory_end = at;
        }
        let size = usize::try_from(size).ok()?;
        let start = directory_end.checked_sub(size)?;
        // Where the size does not lead to a directory, the offset may.
        let (start, shift) = match usize::try_from(offset).ok() {
            Some(offset) if start >= offset && is_header(bytes, start) => (start, start - offset),
            Some(offset) if is_header(bytes, offset) && offset < directory_end => (offset, 0),
            _ if size == 0 => (directory_end, 0),
            _ => return None,
        };
        Some(Self { bytes, directory: &bytes[start..directory_end], shift })
    }

    /// Bytes of the directory: what a walk over it costs.
    pub(crate) fn directory_size(&self) -> usize {
        self.directory.len()
    }

    /// Every member; ends early, with `Err`, where the directory is broken.
    pub(crate) fn members(&self) -> impl Iterator<Item = Result<Member<'a>, &'static str>> + use<'a> {
        let directory = self.directory;
        let mut at = 0;
        let mut broken = false;
        std::iter::from_fn(move || {
            if broken || !is_header(directory, at) {
                return None;
            }
            let Some((member, next)) = member(directory, at) else {
                broken = true;
                return Some(Err("the archive's directory is cut off"));
            };
            at = next;
            Some(Ok(member))
        })
    }

    /// The packed bytes of a member.
    fn packed(&self, member: &Member<'a>) -> Result<&'a [u8], &'static str> {
        let wrong = "a member is not where the archive's directory says";
        if member.encrypted {
            return Err("a member is encrypted");
        }
        let at = member.local.checked_add(self.shift).ok_or(wrong)?;
        if self.bytes.get(at..at.saturating_add(4)) != Some(b"PK\x03\x04") {
            return Err(wrong);
        }
        let name = short(self.bytes, at + 26).ok_or(wrong)?;
        let extra = short(self.bytes, at + 28).ok_or(wrong)?;
        let from = at + 30 + usize::from(name) + usize::from(extra);
        self.bytes.get(from..from.checked_add(member.packed).ok_or(wrong)?).ok_or(wrong)
    }

    /// The content without a copy, where the member is stored as it is.
    pub(crate) fn stored(&self, member: &Member<'a>) -> Option<&'a [u8]> {
        (member.method == 0).then(|| self.packed(member).ok()).flatten()
    }

    /// A reader of the content. Whoever reads bounds it.
    pub(crate) fn reader(&self, member: &Member<'a>) -> Result<Box<dyn Read + 'a>, &'static str> {
        let packed = self.packed(member)?;
        match member.method {
            0 => Ok(Box::new(packed)),
            8 => Ok(Box::new(flate2::read::DeflateDecoder::new(packed))),
            _ => Err("a member is packed in a way that Java cannot read either"),
        }
    }

    /// A small member, wholly. One whose packed form is larger than that is not begun: a stream of empty blocks gives
    /// nothing for any amount of work.
    pub(crate) fn read(&self, member: &Member<'a>, max: u64) -> Result<Vec<u8>, &'static str> {
        if member.packed_size() > max.saturating_add(max >> 8) + 1024 {
            return Err("a member is over the limit for its kind");
        }
        let mut out = Vec::new();
        self.reader(member)?.take(max + 1).read_to_end(&mut out).map_err(|_| "a member does not unpack")?;
        if out.len() as u64 > max { Err("a member is over the limit for its kind") } else { Ok(out) }
    }
}

fn is_header(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..at.saturating_add(4)) == Some(b"PK\x01\x02")
}

fn member(directory: &[u8], at: usize) -> Option<(Member<'_>, usize)> {
    let header = directory.get(at..)?;
    let flags = short(header, 8)?;
    let (name, extra, comment) = (short(header, 28)?, short(header, 30)?, short(header, 32)?);
    let name_end = 46 + usize::from(name);
    let extra_end = name_end + usize::from(extra);
    let mut packed = u64::from(long(header, 20)?);
    let mut size = u64::from(long(header, 24)?);
    let mut local = u64::from(long(header, 42)?);
    let fields = header.get(name_end..extra_end)?;
    if [packed, size, local].contains(&u64::from(u32::MAX)) {
        let mut from = 0;
        while let (Some(id), Some(length)) = (short(fields, from), short(fields, from + 2)) {
            if id == 1 {
                let mut value = from + 4;
                for number in [&mut size, &mut packed, &mut local] {
                    if *number == u64::from(u32::MAX) {
                        *number = wide(fields, value)?;
                        value += 8;
                    }
                }
                break;
            }
            from += 4 + usize::from(length);
        }
    }
    let member = Member {
        name: header.get(46..name_end)?,
        method: short(header, 10)?,
        encrypted: flags & 1 == 1,
        packed: usize::try_from(packed).ok()?,
        local: usize::try_from(local).ok()?,
    };
    Some((member, at + extra_end + usize::from(comment)))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;

    /// A zip archive of these members; names that end in `=` are stored.
    pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in members {
            let options = zip::write::SimpleFileOptions::default();
            let method =
                if name.ends_with('=') { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
            writer.start_file(name.trim_end_matches('='), options.compression_method(method)).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn list(bytes: &[u8]) -> Option<Vec<(String, String)>> {
        let archive = Archive::open(bytes)?;
        let read = |m: Member<'_>| {
            let text = archive.read(&m, 1000).map_or_else(str::to_owned, |b| String::from_utf8_lossy(&b).into_owned());
            (String::from_utf8_lossy(m.name).into_owned(), text)
        };
        Some(archive.members().flatten().map(read).collect())
    }

    #[test]
    fn members_with_and_without_a_program_before_them() {
        let plain = zip(&[("a", b"one"), ("b/c=", b"two")]);
        let want = Some(vec![("a".to_owned(), "one".to_owned()), ("b/c".to_owned(), "two".to_owned())]);
        assert_eq!(list(&plain), want);
        let launcher = [b"#!/bin/sh\nexec java -jar $0\n".as_slice(), &plain].concat();
        assert_eq!(list(&launcher), want);
        assert_eq!(list(&[plain.as_slice(), b"trailing"].concat()), want);
        assert_eq!(list(&zip(&[])), Some(vec![]));
        assert_eq!(list(b"PK not an archive"), None);
        // An end record of no members inside of the comment.
        let mut bytes = plain.clone();
        let length = bytes.len() - 2;
        bytes[length..].copy_from_slice(&44u16.to_le_bytes());
        bytes.extend(b"PK\x05\x06");
        bytes.extend([0; 40]);
        assert_eq!(list(&bytes), want);
    }

    #[test]
    fn more_members_than_sixteen_bits_count() {
        let names: Vec<String> = (0..66_000).map(|i| i.to_string()).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), b"".as_slice())).collect();
        let bytes = zip(&many);
        assert_eq!(list(&bytes).map(|l| l.len()), Some(66_000));
        assert_eq!(list(&[b"#!/bin/sh\n".as_slice(), &bytes].concat()).map(|l| l.len()), Some(66_000));
    }

    #[test]
    fn spoilt_archives() {
        let good = zip(&[("a", b"one"), ("b/c=", b"two")]);
        for at in 0..good.len() {
            let _ = list(&good[..at]);
            for value in [0, 0x7f, 0xff] {
                let mut bad = good.clone();
                bad[at] = value;
                let _ = list(&bad);
            }
        }
    }
}
