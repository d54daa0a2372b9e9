//! The table of contents of an image archive: every member's name, offset and size, found in one pass over the archive.
//!
//! Bounded: a million members, names of 64 KiB. A member that reaches beyond the end of the file is kept as cut off, so
//! that the message can say which and by how much. Links are followed at most eight deep and never out of the archive.
//! What two programs would read as two archives is refused: members behind the end blocks, two different ones of one
//! name.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, Read as _},
    sync::Arc,
};

use layergate_model::{EntryKind, Limits};
use layergate_ports::values::SourceError;
use layergate_unpack::{Archive, UnpackError};

use super::slice::{CHUNK, Slice};
use crate::error_detail::malformed;

const MAX_MEMBERS: u64 = 1_000_000;
const MAX_NAME: u32 = 64 << 10;
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
    /// Whether the file ends where more of the archive would follow.
    cut: bool,
    /// Members that two readers would take for different things: `docker load` the last of one name, others the first.
    twice: HashSet<String>,
}

impl Members {
    /// Reads the headers of an uncompressed tar file, as Go's archive/tar and so `docker load` and skopeo read them.
    pub(crate) fn index(file: File, place: &str) -> Result<Self, SourceError> {
        let broken = |error: io::Error| malformed(place, format!("the archive cannot be read: {error}"));
        let length = file.metadata().map_err(broken)?.len();
        let file = Arc::new(file);
        let mut members = Self {
            file: Arc::clone(&file),
            place: place.to_owned(),
            table: HashMap::new(),
            cut: false,
            twice: HashSet::new(),
        };
        let limits = Limits { max_entries: MAX_MEMBERS, max_path_bytes: MAX_NAME, ..Limits::default() };
        let mut archive = Archive::new(Slice::new(file, 0, length).reader(), &limits);
        let mut reached = 0;
        loop {
            let entry = match archive.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                // The member that reaches beyond the end is reported when it is asked for.
                Err(UnpackError::Corrupt(_)) if reached > length || archive.position() >= length => {
                    members.cut = true;
                    return Ok(members);
                }
                Err(UnpackError::Source(error)) => return Err(broken(error)),
                Err(error) => return Err(malformed(place, format!("the archive is broken: {error}"))),
            };
            let member = match (entry.kind, archive.content_offset()) {
                (EntryKind::File, Some(offset)) => {
                    reached = offset.saturating_add(entry.size);
                    match reached.checked_sub(length) {
                        None | Some(0) => Member::File { offset, size: entry.size },
                        Some(missing) => Member::CutOff { missing },
                    }
                }
                (EntryKind::File, None) => Member::Unreadable("is stored sparse"),
                (EntryKind::Symlink, _) => Member::Symlink(entry.target),
                (EntryKind::HardLink, _) => Member::HardLink(entry.target),
                _ => continue,
            };
            let name = entry.path.as_str().to_owned();
            if members.table.get(&name).is_some_and(|known| !members.same(known, &member)) {
                members.twice.insert(name.clone());
            }
            members.table.insert(name, member);
        }
        members.refuse_more(archive.position(), length)?;
        Ok(members)
    }

    /// Nothing but zeros follows an ordinary end. Runtimes stop there, other programs read on: what follows would be
    /// another archive to each.
    fn refuse_more(&self, end: u64, length: u64) -> Result<(), SourceError> {
        let mut rest = Slice::new(Arc::clone(&self.file), end, length.saturating_sub(end)).reader();
        let mut buffer = vec![0; CHUNK];
        loop {
            match rest.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) if buffer[..n].iter().all(|b| *b == 0) => {}
                Ok(_) => {
                    let what = "the archive goes on behind its end blocks: which part counts is ambiguous";
                    return Err(malformed(&self.place, what));
                }
                Err(error) => return Err(malformed(&self.place, format!("the archive cannot be read: {error}"))),
            }
        }
    }

    /// Whether the archive ends before its end.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether two members of one name are the same file or link: some writers store a shared layer twice.
    fn same(&self, one: &Member, other: &Member) -> bool {
        let digest = |offset, size| Slice::new(Arc::clone(&self.file), offset, size).digest().ok();
        match (one, other) {
            (Member::File { offset: a, size: n }, Member::File { offset: b, size: m }) => {
                n == m && digest(*a, *n).is_some_and(|d| digest(*b, *m) == Some(d))
            }
            (Member::Symlink(a), Member::Symlink(b)) | (Member::HardLink(a), Member::HardLink(b)) => a == b,
            _ => false,
        }
    }

    /// A member's bytes, links followed; `None` when there is no such member.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Slice>, SourceError> {
        let Some(mut at) = normal("", name) else {
            return Err(malformed(&self.place, format!("the name {:?} leaves the archive", shown(name))));
        };
        for _ in 0..MAX_LINKS {
            if self.twice.contains(&at) {
                let what = format!("two different members are called {}: which one counts is ambiguous", shown(&at));
                return Err(malformed(&self.place, what));
            }
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
    crate::error_detail::one_line(name, 200)
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tar::{EntryType, Header};

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

    #[test]
    fn what_two_programs_would_read_differently_is_refused() {
        let one = build(|b| file(b, "manifest.json", b"[1]"));
        let two = build(|b| file(b, "manifest.json", b"[2]"));
        assert!(index(&[&one[..], &two].concat()).unwrap_err().to_string().contains("behind its end"));
        let padded = [&one[..], &[0; 10_240]].concat();
        assert!(index(&padded).unwrap().find("manifest.json").unwrap().is_some());
        let twice = build(|b| {
            file(b, "same", b"x");
            file(b, "same", b"x");
            file(b, "manifest.json", b"[1]");
            file(b, "./manifest.json", b"[2]");
        });
        let members = index(&twice).unwrap();
        assert!(members.find("same").unwrap().is_some());
        assert!(members.find("manifest.json").unwrap_err().to_string().contains("ambiguous"));
        // A size whose sum with its offset would not fit into the number any more.
        let mut huge = Header::new_gnu();
        huge.set_path("huge").unwrap();
        huge.set_size(i64::MAX as u64);
        huge.set_cksum();
        let members = index(huge.as_bytes()).unwrap();
        assert!(members.is_cut() && members.find("huge").unwrap_err().to_string().contains("cut off"));
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
