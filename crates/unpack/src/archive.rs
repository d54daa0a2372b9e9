//! A tar stream to its entries (POSIX.1-2001 ustar and pax, GNU tar, the old v7 form).
//!
//! Single headers are read by the `tar` crate's `Header`; the walk from one to the next is ours, because the crate's
//! own iterator buffers a long name or PAX record of whatever size the header claims. Content is not copied unless it
//! is asked for: what nobody reads is skipped inside the decompression buffer.

use std::io::{self, Read};

use layergate_model::{EntryKind, LayerPath, Limits};
use tar::{EntryType, Header};

use crate::{
    UnpackError,
    error::UnpackErrorLimit,
    extended::{Extended, MAX_PAX},
    sparse::{MAX_PIECES, SparseMap, SparseReader},
};

const BLOCK: usize = 512;
const BUFFER: usize = 128 << 10;
/// The largest file that a system can have; beyond it, sums of sizes would overflow.
const MAX_SIZE: u64 = i64::MAX as u64;

/// One entry of an archive. Its content can be read from [`Archive::content`] until the next entry is asked for.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The normalised path.
    pub path: LayerPath,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u16,
    /// Target of a link: as written for a symbolic one, a normalised path for a hard one.
    pub target: String,
    /// Bytes of content, holes of a sparse file included; 0 for all but files.
    pub size: u64,
}

/// A walk over the entries of a tar stream.
pub struct Archive<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Stored bytes of the current entry that nobody has read yet, and the padding behind them.
    stored: u64,
    padding: u64,
    sparse: Option<(SparseMap, u64)>,
    entries: u64,
    max_entries: u64,
    max_path: usize,
    finished: bool,
    hostile: Vec<String>,
}

impl<R: Read> Archive<R> {
    /// Begins at the first header of `source`.
    pub fn new(source: R, limits: &Limits) -> Self {
        Self {
            source,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            stored: 0,
            padding: 0,
            sparse: None,
            entries: 0,
            max_entries: limits.max_entries,
            max_path: limits.max_path_bytes as usize,
            finished: false,
            hostile: Vec::new(),
        }
    }

    /// The stream below, for its counters.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// Why entries were left out since this was last asked: paths that leave the layer or are too long. Each was
    /// skipped with its content; at most 100 are kept.
    pub fn take_hostile(&mut self) -> Vec<String> {
        std::mem::take(&mut self.hostile)
    }

    /// The next entry, its predecessor's unread content skipped; `None` at the end of the archive.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, UnpackError> {
        let mut extended = Extended::default();
        loop {
            self.skip_content()?;
            if self.finished {
                return Ok(None);
            }
            let Some(header) = self.header()? else {
                self.finished = true;
                return Ok(None);
            };
            let size = header.entry_size().map_err(|_| corrupt("an entry's size cannot be read"))?;
            match header.entry_type() {
                EntryType::XHeader => {
                    let bytes = self.record(size, MAX_PAX, "a PAX header", "max-path-bytes")?;
                    extended.read_pax(&bytes)?;
                }
                EntryType::XGlobalHeader => {
                    // Global records would change every later entry; the keys read here have no global use.
                    self.record(size, MAX_PAX, "a PAX header", "max-path-bytes")?;
                }
                EntryType::GNULongName => extended.path = Some(self.long_name(size)?),
                EntryType::GNULongLink => extended.link = Some(self.long_name(size)?),
                kind => {
                    let entry = self.entry(&header, kind, size, std::mem::take(&mut extended))?;
                    if let Some(entry) = entry {
                        return Ok(Some(entry));
                    }
                }
            }
        }
    }

    /// The content of the entry that was returned last.
    pub fn content(&mut self) -> impl Read + '_ {
        match self.sparse.take() {
            Some((map, real_size)) => {
                Content::Sparse(SparseReader { stored: Stored(self), map, at: 0, piece: 0, real_size })
            }
            None => Content::Plain(Stored(self)),
        }
    }

    fn entry(
        &mut self,
        header: &Header,
        kind: EntryType,
        size: u64,
        extended: Extended,
    ) -> Result<Option<Entry>, UnpackError> {
        self.entries += 1;
        if self.entries > self.max_entries {
            return Err(limit("the number of entries", "max-entries", self.max_entries));
        }
        let sparse_name = extended.sparse.as_ref().and_then(|s| s.name.clone());
        let raw = sparse_name.or(extended.path).unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = match kind {
            // The old form tells a directory by the slash behind its name.
            EntryType::Regular if raw.last() == Some(&b'/') => EntryKind::Directory,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => EntryKind::File,
            EntryType::Directory => EntryKind::Directory,
            EntryType::Symlink => EntryKind::Symlink,
            EntryType::Link => EntryKind::HardLink,
            _ => EntryKind::Special,
        };
        // Links and directories have no content, whatever their size field says (POSIX pax, "size").
        let stored = match kind {
            EntryKind::File | EntryKind::Special => extended.size.unwrap_or(size),
            _ => 0,
        };
        if stored > MAX_SIZE || size > MAX_SIZE {
            return Err(corrupt("an entry says that it has more bytes than any file"));
        }
        self.stored = stored;
        self.padding = stored.wrapping_neg() % BLOCK as u64;
        let mut size = if kind == EntryKind::File { stored } else { 0 };
        if header.entry_type() == EntryType::GNUSparse {
            size = self.gnu_sparse(header, stored)?;
        } else if let Some(sparse) = extended.sparse.filter(|_| kind == EntryKind::File) {
            size = self.pax_sparse(sparse)?;
        }
        let target = match kind {
            EntryKind::Symlink | EntryKind::HardLink => {
                extended.link.or_else(|| header.link_name_bytes().map(|l| l.into_owned())).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        if raw.len() > self.max_path || target.len() > self.max_path {
            let shown = String::from_utf8_lossy(&raw[..raw.len().min(80)]).into_owned();
            self.leave_out(format!("{shown}… is over the limit of {} bytes (max-path-bytes)", self.max_path));
            return Ok(None);
        }
        let path = match LayerPath::from_bytes(&raw) {
            Ok(path) => path,
            Err(error) => {
                self.leave_out(error.to_string());
                return Ok(None);
            }
        };
        let target = match kind {
            EntryKind::HardLink => match LayerPath::from_bytes(&target) {
                Ok(target) => target.as_str().to_owned(),
                Err(error) => {
                    self.leave_out(format!("the hard link {path}: {error}"));
                    return Ok(None);
                }
            },
            _ => String::from_utf8_lossy(&target).into_owned(),
        };
        let mode = header.mode().map_or(0, |m| (m & 0o7777) as u16);
        Ok(Some(Entry { path, kind, mode, target, size }))
    }

    fn leave_out(&mut self, why: String) {
        if self.hostile.len() < 100 {
            self.hostile.push(why);
        }
    }

    /// The next header block; `None` at the end: two zero blocks, or the stream's end where a header would begin.
    fn header(&mut self) -> Result<Option<Header>, UnpackError> {
        let mut zeros = 0;
        loop {
            let available = self.fill(BLOCK)?;
            if available == 0 {
                return Ok(None);
            }
            if available < BLOCK {
                return Err(corrupt("the archive ends inside a header"));
            }
            let block = &self.buffer[self.start..self.start + BLOCK];
            if block.iter().all(|b| *b == 0) {
                self.start += BLOCK;
                zeros += 1;
                if zeros == 2 {
                    return Ok(None);
                }
                continue;
            }
            let header = Header::from_byte_slice(block).clone();
            let sum: u32 = block[..148].iter().chain(&block[156..]).map(|b| u32::from(*b)).sum::<u32>() + 8 * 32;
            // Some old writers summed signed bytes.
            let signed: i32 =
                block[..148].iter().chain(&block[156..]).map(|b| i32::from(*b as i8)).sum::<i32>() + 8 * 32;
            let claimed = header.cksum().map_err(|_| corrupt("a header's checksum cannot be read"))?;
            if claimed != sum && i64::from(claimed) != i64::from(signed) {
                return Err(corrupt(&format!("entry {} has a wrong header checksum", self.entries + 1)));
            }
            self.start += BLOCK;
            return Ok(Some(header));
        }
    }

    /// The content of an extension record, bounded before a byte of it is read.
    fn record(&mut self, size: u64, max: u64, what: &'static str, name: &'static str) -> Result<Vec<u8>, UnpackError> {
        if size > max {
            return Err(limit(what, name, max));
        }
        self.stored = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
        let mut bytes = Vec::new();
        Stored(self).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < size {
            return Err(corrupt("the archive ends inside an extended header"));
        }
        Ok(bytes)
    }

    fn long_name(&mut self, size: u64) -> Result<Vec<u8>, UnpackError> {
        let mut name = self.record(size, MAX_PAX, "a long name", "max-path-bytes")?;
        if let Some(nul) = name.iter().position(|b| *b == 0) {
            name.truncate(nul);
        }
        Ok(name)
    }

    /// GNU's own sparse form: four pieces in the header, then blocks of 21 more. Returns the real size.
    fn gnu_sparse(&mut self, header: &Header, stored: u64) -> Result<u64, UnpackError> {
        let bad = |_| corrupt("a sparse file's header cannot be read");
        let gnu = header.as_gnu().ok_or_else(|| corrupt("a sparse file without a GNU header"))?;
        let real_size = gnu.real_size().map_err(bad)?;
        let mut pieces = Vec::new();
        for piece in gnu.sparse.iter().filter(|p| !p.is_empty()) {
            pieces.push((piece.offset().map_err(bad)?, piece.length().map_err(bad)?));
        }
        let mut more = gnu.is_extended();
        while more {
            if self.fill(BLOCK)? < BLOCK {
                return Err(corrupt("the archive ends inside a sparse file's map"));
            }
            let block = &self.buffer[self.start..self.start + BLOCK];
            for piece in block[..504].chunks_exact(24).filter(|p| p[0] != 0 && p[12] != 0) {
                let number = |field: &[u8]| octal(field).ok_or_else(|| corrupt("a sparse file's map cannot be read"));
                pieces.push((number(&piece[..12])?, number(&piece[12..])?));
            }
            if pieces.len() > MAX_PIECES {
                return Err(limit("the map of a sparse file", "max-entries", MAX_PIECES as u64));
            }
            more = block[504] == 1;
            self.start += BLOCK;
        }
        self.sparse = Some((SparseMap::new(pieces, real_size, stored)?, real_size));
        Ok(real_size)
    }

    /// The PAX sparse forms; in 1.0 the map stands, as lines of decimal numbers, in front of the data.
    fn pax_sparse(&mut self, sparse: crate::extended::PaxSparse) -> Result<u64, UnpackError> {
        let mut numbers = sparse.map;
        if sparse.map_in_data {
            let count = self.map_number()?;
            if count > MAX_PIECES as u64 {
                return Err(limit("the map of a sparse file", "max-entries", MAX_PIECES as u64));
            }
            numbers.clear();
            for _ in 0..count * 2 {
                numbers.push(self.map_number()?);
            }
            // The map is padded to a whole block.
            let rest = (self.stored + self.padding) % BLOCK as u64;
            let rest = rest.min(self.stored);
            io::copy(&mut Stored(self).take(rest), &mut io::sink())?;
        }
        if numbers.len() / 2 > MAX_PIECES {
            return Err(limit("the map of a sparse file", "max-entries", MAX_PIECES as u64));
        }
        let pieces: Vec<_> = numbers.chunks_exact(2).map(|p| (p[0], p[1])).collect();
        let end = pieces.last().map_or(self.stored, |(offset, length)| offset.saturating_add(*length));
        let real_size = sparse.real_size.unwrap_or(end);
        // Without pieces a file that has a size is one hole.
        if !pieces.is_empty() || sparse.real_size.is_some() {
            self.sparse = Some((SparseMap::new(pieces, real_size, self.stored)?, real_size));
        }
        Ok(real_size)
    }

    fn map_number(&mut self) -> Result<u64, UnpackError> {
        let bad = || corrupt("a sparse file's map cannot be read");
        let mut value = 0u64;
        for _ in 0..21 {
            let mut byte = [0];
            Stored(self).read_exact(&mut byte).map_err(UnpackError::from)?;
            match byte[0] {
                b'\n' => return Ok(value),
                digit @ b'0'..=b'9' => {
                    value =
                        value.checked_mul(10).and_then(|v| v.checked_add(u64::from(digit - b'0'))).ok_or_else(bad)?;
                }
                _ => return Err(bad()),
            }
        }
        Err(bad())
    }

    /// Passes over what is left of the current entry.
    fn skip_content(&mut self) -> Result<(), UnpackError> {
        self.sparse = None;
        let mut left = std::mem::take(&mut self.stored) + std::mem::take(&mut self.padding);
        while left > 0 {
            let available = self.fill(1)?;
            if available == 0 {
                return Err(corrupt("the archive ends inside a file"));
            }
            let passed = usize::try_from(left).unwrap_or(usize::MAX).min(available);
            self.start += passed;
            left -= passed as u64;
        }
        Ok(())
    }

    /// Makes at least `wanted` bytes available where the stream has them; returns how many there are.
    fn fill(&mut self, wanted: usize) -> Result<usize, UnpackError> {
        if self.end - self.start >= wanted {
            return Ok(self.end - self.start);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < wanted {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(self.end - self.start)
    }
}

/// The stored bytes of the current entry.
struct Stored<'a, R>(&'a mut Archive<R>);

impl<R: Read> Read for Stored<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let archive = &mut *self.0;
        if archive.stored == 0 || out.is_empty() {
            return Ok(0);
        }
        let available = archive.fill(1).map_err(|error| match error {
            UnpackError::Source(error) => error,
            UnpackError::Limit { what, name, limit } => UnpackErrorLimit { what, name, limit }.into_io(),
            UnpackError::Corrupt(why) => io::Error::new(io::ErrorKind::InvalidData, why),
        })?;
        if available == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let room = usize::try_from(archive.stored).unwrap_or(usize::MAX).min(available).min(out.len());
        out[..room].copy_from_slice(&archive.buffer[archive.start..archive.start + room]);
        archive.start += room;
        archive.stored -= room as u64;
        Ok(room)
    }
}

enum Content<'a, R: Read> {
    Plain(Stored<'a, R>),
    Sparse(SparseReader<Stored<'a, R>>),
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stored) => stored.read(out),
            Self::Sparse(sparse) => sparse.read(out),
        }
    }
}

fn corrupt(why: &str) -> UnpackError {
    UnpackError::Corrupt(why.to_owned())
}

fn limit(what: &'static str, name: &'static str, limit: u64) -> UnpackError {
    UnpackError::Limit { what, name, limit }
}

/// A number field of a sparse map: octal, or big-endian base 256 when the top bit is set.
fn octal(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 != 0 {
        return Some(field[field.len() - 8..].iter().fold(0, |v, b| v << 8 | u64::from(*b)));
    }
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}
