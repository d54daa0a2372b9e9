//! The table of contents of an image archive: every member's name, offset and size, found by hopping from header to
//! header once (POSIX ustar with PAX and GNU long names).
//!
//! Bounded: a million members, names and PAX records of 64 KiB. A member that reaches beyond the end of the file is
//! kept as cut off, so that the message can say which and by how much. Links are followed at most eight deep and never
//! out of the archive. The members themselves are not read here.

use std::{collections::HashMap, fs::File, io, os::unix::fs::FileExt as _, sync::Arc};

use layergate_fleet::ports::SourceError;
use tar::{EntryType, Header};

use super::slice::Slice;
use crate::trouble::malformed;

const BLOCK: u64 = 512;
const MAX_MEMBERS: usize = 1_000_000;
const MAX_RECORD: u64 = 64 << 10;
const MAX_LINKS: usize = 8;

#[derive(Debug)]
enum Member {
    File { offset: u64, size: u64 },
    CutOff { missing: u64 },
    Symlink(String),
    HardLink(String),
    Unreadable(&'static str),
}

/// The members of one archive.
#[derive(Debug)]
pub(crate) struct Members {
    file: Arc<File>,
    place: String,
    table: HashMap<String, Member>,
}

impl Members {
    /// Reads the headers of an uncompressed tar file.
    pub(crate) fn index(file: File, place: &str) -> Result<Self, SourceError> {
        let broken = |error: io::Error| malformed(place, format!("the archive cannot be read: {error}"));
        let length = file.metadata().map_err(broken)?.len();
        let mut members = Self { file: Arc::new(file), place: place.to_owned(), table: HashMap::new() };
        let (mut at, mut names) = (0, Names::default());
        while at + BLOCK <= length {
            let mut block = [0; BLOCK as usize];
            members.file.read_exact_at(&mut block, at).map_err(broken)?;
            at += BLOCK;
            if block.iter().all(|b| *b == 0) {
                // Concatenated archives go on behind their end blocks; nothing but zeros follows an ordinary end.
                continue;
            }
            let header = Header::from_byte_slice(&block);
            check(header, &block).map_err(|what| malformed(place, format!("at byte {}: {what}", at - BLOCK)))?;
            let size = names.size.take().or(header.entry_size().ok()).unwrap_or(0);
            let kind = header.entry_type();
            if matches!(
                kind,
                EntryType::XHeader | EntryType::XGlobalHeader | EntryType::GNULongName | EntryType::GNULongLink
            ) {
                if size > MAX_RECORD {
                    return Err(malformed(place, format!("at byte {at}: a name or PAX record of {size} bytes")));
                }
                let mut record = vec![0; size as usize];
                members.file.read_exact_at(&mut record, at).map_err(|_| malformed(place, "it ends inside a header"))?;
                names.take(kind, &record);
                at += size.next_multiple_of(BLOCK);
                continue;
            }
            let (name, target) = names.finish(header);
            let stored =
                if matches!(kind, EntryType::Symlink | EntryType::Link | EntryType::Directory) { 0 } else { size };
            let member = match kind {
                EntryType::Regular | EntryType::Continuous if at.saturating_add(stored) > length => {
                    Some(Member::CutOff { missing: at.saturating_add(stored) - length })
                }
                EntryType::Regular | EntryType::Continuous => Some(Member::File { offset: at, size }),
                EntryType::Symlink => Some(Member::Symlink(target)),
                EntryType::Link => Some(Member::HardLink(target)),
                EntryType::GNUSparse => Some(Member::Unreadable("is stored sparse")),
                _ => None,
            };
            if let (Some(member), Some(name)) = (member, normal("", &name)) {
                members.table.insert(name, member);
                if members.table.len() > MAX_MEMBERS {
                    return Err(malformed(place, format!("the archive has more than {MAX_MEMBERS} members")));
                }
            }
            at = at.saturating_add(stored.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX));
        }
        Ok(members)
    }

    /// A member's bytes, links followed; `None` when there is no such member.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Slice>, SourceError> {
        let Some(mut at) = normal("", name) else {
            return Err(malformed(&self.place, format!("the name {:?} leaves the archive", shown(name))));
        };
        for _ in 0..MAX_LINKS {
            let next = match self.table.get(&at) {
                None => return Ok(None),
                Some(Member::File { offset, size }) => {
                    return Ok(Some(Slice::new(Arc::clone(&self.file), *offset, *size)));
                }
                Some(Member::CutOff { missing }) => {
                    let what = format!("the archive is cut off: {missing} bytes of {} are missing", shown(&at));
                    return Err(malformed(&self.place, what));
                }
                Some(Member::Unreadable(why)) => {
                    return Err(malformed(&self.place, format!("the member {} {why}", shown(&at))));
                }
                Some(Member::HardLink(target)) => normal("", target),
                Some(Member::Symlink(target)) => normal(at.rsplit_once('/').map_or("", |(dir, _)| dir), target),
            };
            match next {
                Some(next) => at = next,
                None => return Err(malformed(&self.place, format!("the link {} leaves the archive", shown(name)))),
            }
        }
        Err(malformed(&self.place, format!("the link {} leads through more than {MAX_LINKS} others", shown(name))))
    }

    /// Whether there is such a member, whatever it is.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }

    /// The file, for messages.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }
}

fn shown(name: &str) -> String {
    crate::trouble::one_line(name, 200)
}

fn check(header: &Header, block: &[u8; BLOCK as usize]) -> Result<(), &'static str> {
    let sum: u32 = block[..148].iter().chain(&block[156..]).map(|b| u32::from(*b)).sum::<u32>() + 8 * 32;
    match header.cksum() {
        Ok(claimed) if claimed == sum => Ok(()),
        _ => Err("this is no header of a tar archive (its checksum is wrong)"),
    }
}

/// Joins and normalises; `None` when the path leaves the archive.
fn normal(dir: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { dir.split('/').collect() };
    parts.retain(|p| !p.is_empty());
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What extension headers say about the next member.
#[derive(Default)]
struct Names {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Names {
    fn take(&mut self, kind: EntryType, record: &[u8]) {
        let text = || record.split(|b| *b == 0).next().unwrap_or_default().to_vec();
        match kind {
            EntryType::GNULongName => self.name = Some(text()),
            EntryType::GNULongLink => self.link = Some(text()),
            EntryType::XHeader => self.pax(record),
            _ => {}
        }
    }

    /// `LENGTH KEY=VALUE\n`, again and again; a broken record ends the reading.
    fn pax(&mut self, mut rest: &[u8]) {
        while let Some(space) = rest.iter().position(|b| *b == b' ') {
            let length = std::str::from_utf8(&rest[..space]).ok().and_then(|t| t.parse::<usize>().ok()).unwrap_or(0);
            let Some(record) = rest.get(space + 1..length) else { return };
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            if let Some(equals) = record.iter().position(|b| *b == b'=') {
                let value = &record[equals + 1..];
                match &record[..equals] {
                    b"path" => self.name = Some(value.to_vec()),
                    b"linkpath" => self.link = Some(value.to_vec()),
                    b"size" => self.size = std::str::from_utf8(value).ok().and_then(|t| t.parse().ok()),
                    _ => {}
                }
            }
            rest = &rest[length..];
        }
    }

    fn finish(&mut self, header: &Header) -> (String, String) {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let name = self.name.take().unwrap_or_else(|| header.path_bytes().into_owned());
        let link = self.link.take().or_else(|| header.link_name_bytes().map(|l| l.into_owned()));
        (text(name), text(link.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn build(fill: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        fill(&mut builder);
        builder.into_inner().unwrap()
    }

    fn file(builder: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes).unwrap();
    }

    fn link(builder: &mut tar::Builder<Vec<u8>>, kind: EntryType, name: &str, target: &str) {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        builder.append_link(&mut header, name, target).unwrap();
    }

    fn index(bytes: &[u8]) -> Result<Members, SourceError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Members::index(file, "x.tar")
    }

    #[test]
    fn members_by_name_and_by_link() {
        let long = format!("{}/layer.tar", "d".repeat(150));
        let bytes = build(|b| {
            file(b, "./manifest.json", b"[]");
            file(b, &long, b"long");
            link(b, EntryType::Symlink, "a/layer.tar", &format!("../{long}"));
            link(b, EntryType::Link, "hard", "a/layer.tar");
            link(b, EntryType::Symlink, "a/out", "../../etc/passwd");
            link(b, EntryType::Symlink, "loop", "loop");
            link(b, EntryType::Symlink, "dangling", "nowhere");
        });
        let members = index(&bytes).unwrap();
        let read = |name: &str| members.find(name).map(|s| s.map(|s| s.bytes(100).unwrap()));
        assert_eq!(read("manifest.json").unwrap().unwrap(), b"[]");
        for name in [long.as_str(), "a/layer.tar", "hard", "./a/../hard"] {
            assert_eq!(read(name).unwrap().unwrap(), b"long", "{name}");
        }
        assert_eq!(read("nothing").unwrap(), None);
        assert_eq!(read("dangling").unwrap(), None);
        for (name, want) in [("a/out", "leaves"), ("loop", "more than 8"), ("../x", "leaves")] {
            assert!(read(name).unwrap_err().to_string().contains(want), "{name}");
        }
    }

    #[test]
    fn cut_anywhere_it_answers_and_never_panics() {
        let bytes = build(|b| {
            file(b, "one", &[b'1'; 700]);
            file(b, &"n".repeat(200), &[b'2'; 1500]);
        });
        for length in 0..bytes.len() {
            if let Ok(members) = index(&bytes[..length]) {
                let _ = members.find("one");
                let _ = members.find(&"n".repeat(200));
            }
        }
        let error = index(&bytes[..900]).unwrap().find("one").unwrap_err().to_string();
        assert!(error.contains("312 bytes of one are missing"), "{error}");
        let mut noise = bytes.clone();
        noise[20] ^= 1;
        assert!(index(&noise).unwrap_err().to_string().contains("checksum"));
    }

    proptest::proptest! {
        #[test]
        fn flipped_bytes_are_survived(at in 0usize..4096, byte in proptest::num::u8::ANY) {
            let mut bytes = build(|b| {
                file(b, &"n".repeat(150), b"long");
                link(b, EntryType::Symlink, "link", "../x");
            });
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(members) = index(&bytes) {
                let _ = members.find("link");
                let _ = members.find(&"n".repeat(150));
            }
        }
    }
}
