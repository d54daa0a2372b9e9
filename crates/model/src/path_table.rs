//! A layer's entries by path: type, link target and mode, front-coded in archive order.
//!
//! The overlay needs the table to lay layers upon each other; a new analyzer asks it whether it would claim anything
//! before a layer is pulled again. Each entry stores how many bytes of the path it shares with the entry before it and
//! the rest: archives are written directory by directory, so 57,000 entries of a large layer take about 1.3 MB here and
//! 226 KB compressed. The bytes are untrusted when they come from a cache: reading checks every length.

use std::sync::Arc;

use crate::{LayerPath, PathError};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link; the target is as written.
    Symlink,
    /// A hard link; the target is a path of the image.
    HardLink,
    /// A device, a FIFO: nothing that can be read.
    Special,
}

/// One entry of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathEntry {
    /// The path.
    pub path: LayerPath,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky (12 bits).
    pub mode: u16,
    /// Target of a link: as written for a symbolic one, a normalised path for a hard one; empty otherwise.
    pub target: String,
}

/// One entry of a layer, borrowed from the table while it is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRef<'a> {
    /// The path.
    pub path: &'a str,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky (12 bits).
    pub mode: u16,
    /// Target of a link; empty otherwise.
    pub target: &'a str,
}

/// A layer's entries, front-coded; cheap to clone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PathTable {
    bytes: Arc<Vec<u8>>,
}

impl std::fmt::Debug for PathTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PathTable({} bytes)", self.bytes.len())
    }
}

/// Why stored bytes are not a path table.
#[derive(Debug, thiserror::Error)]
pub enum PathTableError {
    /// A length points behind the end, or a kind is unknown.
    #[error("the path table is damaged at byte {0}")]
    Damaged(usize),
    /// A path is not a path of a layer.
    #[error("the path table has a bad path")]
    Path(#[from] PathError),
}

impl PathTable {
    /// The stored form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes stored bytes after reading them through once.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, PathTableError> {
        check(&bytes)?;
        Ok(Self { bytes: Arc::new(bytes) })
    }

    /// The entries in archive order; the last of several entries with one path is the one that counts.
    pub fn iter(&self) -> impl Iterator<Item = Result<PathEntry, PathTableError>> + '_ {
        Entries::new(&self.bytes)
    }

    /// The entries of a table that was checked when it was made.
    pub fn entries(&self) -> impl Iterator<Item = PathEntry> + '_ {
        self.iter().map_while(Result::ok)
    }

    /// Walks the entries in archive order without an allocation for each: laying a hundred layers upon each other
    /// walks millions. Ends early where the bytes are damaged, which [`PathTable::from_bytes`] has ruled out.
    pub fn visit(&self, mut each: impl FnMut(EntryRef<'_>)) {
        let mut entries = Entries::new(&self.bytes);
        while entries.at < entries.bytes.len() {
            let Some((kind, mode, target)) = entries.step() else { return };
            each(EntryRef { path: &entries.path, kind, mode, target });
        }
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Writes a path table entry by entry.
#[derive(Default)]
pub struct PathTableBuilder {
    bytes: Vec<u8>,
    last: String,
}

impl PathTableBuilder {
    /// Adds one entry.
    pub fn push(&mut self, path: &LayerPath, kind: EntryKind, mode: u16, target: &str) {
        let shared = path.bytes().zip(self.last.bytes()).take_while(|(a, b)| a == b).count();
        let code = match kind {
            EntryKind::File => 0u16,
            EntryKind::Directory => 1,
            EntryKind::Symlink => 2,
            EntryKind::HardLink => 3,
            EntryKind::Special => 4,
        };
        let rest = &path.as_bytes()[shared..];
        varint(&mut self.bytes, shared as u64);
        varint(&mut self.bytes, rest.len() as u64);
        self.bytes.extend_from_slice(rest);
        self.bytes.extend_from_slice(&(code << 12 | (mode & 0o7777)).to_le_bytes());
        if matches!(kind, EntryKind::Symlink | EntryKind::HardLink) {
            varint(&mut self.bytes, target.len() as u64);
            self.bytes.extend_from_slice(target.as_bytes());
        }
        self.last.clear();
        self.last.push_str(path);
    }

    /// Bytes so far.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The finished table.
    pub fn finish(mut self) -> PathTable {
        self.bytes.shrink_to_fit();
        PathTable { bytes: Arc::new(self.bytes) }
    }
}

/// Whether every entry can be read and has a path of a layer. Nothing is allocated for an entry, and of its path only what
/// it does not share with the one before is looked at: a warm scan does this for every entry of an image.
fn check(bytes: &[u8]) -> Result<(), PathTableError> {
    let mut entries = Entries::new(bytes);
    while entries.at < bytes.len() {
        let damaged = PathTableError::Damaged(entries.at);
        if entries.step().is_none() {
            return Err(damaged);
        }
        let shared = entries.shared;
        // The part of the path that the new bytes begin in may have begun among the shared ones.
        let part = entries.path.as_bytes()[..shared].iter().rposition(|b| *b == b'/').map_or(0, |slash| slash + 1);
        LayerPath::check(&entries.path[part..])?;
    }
    Ok(())
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
    path: String,
    /// How many bytes of the path were the last one's.
    shared: usize,
}

impl<'a> Entries<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, path: String::new(), shared: 0 }
    }

    fn length(&mut self) -> Option<usize> {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return usize::try_from(value).ok();
            }
            shift += 7;
            if shift > 35 {
                return None;
            }
        }
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// The path from its shared part on. Only what is new is checked to be text, unless it begins within a character.
    fn replace_end(&mut self, rest: &[u8]) -> Option<()> {
        match std::str::from_utf8(rest) {
            Ok(rest) if self.path.is_char_boundary(self.shared) => {
                self.path.truncate(self.shared);
                self.path.push_str(rest);
            }
            _ => {
                let mut path = std::mem::take(&mut self.path).into_bytes();
                path.truncate(self.shared);
                path.extend_from_slice(rest);
                self.path = String::from_utf8(path).ok()?;
            }
        }
        Some(())
    }

    /// Reads one entry; its path is then in `self.path`.
    fn step(&mut self) -> Option<(EntryKind, u16, &'a str)> {
        let shared = self.length().filter(|s| *s <= self.path.len())?;
        let rest = self.length()?;
        let rest = self.take(rest)?;
        self.shared = shared;
        self.replace_end(rest)?;
        let word = u16::from_le_bytes(self.take(2)?.try_into().ok()?);
        let kind = match word >> 12 {
            0 => EntryKind::File,
            1 => EntryKind::Directory,
            2 => EntryKind::Symlink,
            3 => EntryKind::HardLink,
            4 => EntryKind::Special,
            _ => return None,
        };
        let target = if matches!(kind, EntryKind::Symlink | EntryKind::HardLink) {
            let length = self.length()?;
            std::str::from_utf8(self.take(length)?).ok()?
        } else {
            ""
        };
        Some((kind, word & 0o7777, target))
    }

    fn entry(&mut self) -> Option<Result<PathEntry, PathError>> {
        let (kind, mode, target) = self.step()?;
        Some(LayerPath::normalise(&self.path).map(|path| PathEntry { path, kind, mode, target: target.to_owned() }))
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<PathEntry, PathTableError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let start = self.at;
        let result = match self.entry() {
            Some(result) => result.map_err(PathTableError::from),
            None => Err(PathTableError::Damaged(start)),
        };
        if result.is_err() {
            self.at = self.bytes.len();
        }
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_survives_damage() {
        let mut builder = PathTableBuilder::default();
        let entries = [
            ("usr", EntryKind::Directory, 0o755, ""),
            ("usr/bin/su", EntryKind::File, 0o4755, ""),
            ("usr/bin/sü", EntryKind::Symlink, 0o777, "../su"),
            ("usr/bin/sv", EntryKind::HardLink, 0o755, "usr/bin/su"),
            ("dev/null", EntryKind::Special, 0o666, ""),
        ];
        for (path, kind, mode, target) in entries {
            builder.push(&LayerPath::normalise(path).unwrap(), kind, mode, target);
        }
        let table = builder.finish();
        let read: Vec<_> = PathTable::from_bytes(table.as_bytes().to_vec()).unwrap().entries().collect();
        for ((path, kind, mode, target), entry) in entries.iter().zip(&read) {
            assert_eq!((&*entry.path, entry.kind, entry.mode, entry.target.as_str()), (*path, *kind, *mode, *target));
        }
        assert_eq!(read.len(), entries.len());
        let mut walked = Vec::new();
        table.visit(|e| walked.push((e.path.to_owned(), e.kind, e.mode, e.target.to_owned())));
        assert!(walked.iter().map(|w| (w.0.as_str(), w.1, w.2, w.3.as_str())).eq(entries));
        for cut in 1..table.as_bytes().len() {
            let _ = PathTable::from_bytes(table.as_bytes()[..cut].to_vec());
            let mut flipped = table.as_bytes().to_vec();
            flipped[cut] ^= 0xff;
            let _ = PathTable::from_bytes(flipped);
        }
    }
}
