//! A tar stream to its entries (POSIX.1-2001 ustar and pax, GNU tar, the old v7 form), as Go's archive/tar reads it.
//!
//! Container runtimes unpack layers with that package, and where two readers of one archive differ an image can hide
//! things from one of them. So this walk follows it step by step, errors included, and cleans paths as
//! containerd does. Content is not copied unless it is asked for: what nobody reads
//! is skipped inside the decompression buffer.

use std::{
    collections::HashSet,
    io::{self, BufRead, BufReader, Read},
};

use layergate_model::{EntryKind, LayerPath, Limits, readable};

use crate::{
    UnpackError,
    error::UnpackErrorLimit,
    extended::{Extended, MAX_PAX, Pax, PaxSparse},
    header::{BLOCK, Header, corrupt, has_checksum, text},
    sparse::{SparseMap, SparseReader},
};

mod maps;

const BUFFER: usize = 128 << 10;
/// Global headers of one layer with different paths; `git archive` writes one.
const MAX_GLOBALS: usize = 1000;
/// Blocks of one old GNU sparse map: Go's bound of a mebibyte.
const MAX_MAP_BLOCKS: u32 = 2048;

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
    /// Seconds since 1970, as the header itself has them.
    pub mtime: i64,
}

/// A walk over the entries of a tar stream.
pub struct Archive<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes that came from the source.
    read: u64,
    /// Stored bytes of the current entry that nobody has read yet, and the padding behind them.
    stored: u64,
    padding: u64,
    sparse: Option<(SparseMap, u64)>,
    /// Blocks of the current entry's old GNU sparse map that were read.
    map_blocks: u32,
    entries: u64,
    max_entries: u64,
    max_path: usize,
    finished: bool,
    hostile: Vec<String>,
    globals: HashSet<LayerPath>,
}

impl<R: Read> Archive<R> {
    /// Begins at the first header of `source`.
    pub fn new(source: R, limits: &Limits) -> Self {
        Self {
            source,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            read: 0,
            stored: 0,
            padding: 0,
            sparse: None,
            map_blocks: 0,
            entries: 0,
            max_entries: limits.max_entries,
            max_path: limits.max_path_bytes as usize,
            finished: false,
            hostile: Vec::new(),
            globals: HashSet::new(),
        }
    }

    /// The stream below, for its counters.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// Bytes of the stream that were passed so far.
    pub fn position(&self) -> u64 {
        self.read - (self.end - self.start) as u64
    }

    /// Where the content of the entry that was returned last begins in the stream; `None` for a sparse file, whose
    /// content does not lie there as it is.
    pub fn content_offset(&self) -> Option<u64> {
        self.sparse.is_none().then(|| self.position())
    }

    /// What was hostile since this was last asked: paths that leave the layer (they count as containerd unpacks them)
    /// or are too long (they were skipped). At most 100 are kept.
    pub fn take_hostile(&mut self) -> Vec<String> {
        std::mem::take(&mut self.hostile)
    }

    /// The paths of the global headers so far. containerd and Docker unpack nothing there, but remove what the layer
    /// had at such a path.
    pub fn globals(&self) -> &HashSet<LayerPath> {
        &self.globals
    }

    /// The next entry, its predecessor's unread content skipped; `None` at the end of the archive.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, UnpackError> {
        let mut extended = Extended::default();
        loop {
            if !self.finished && !self.skip_content()? {
                self.finished = true;
            }
            if self.finished {
                return Ok(None);
            }
            let Some((header, block)) = self.header()? else {
                self.finished = true;
                return Ok(None);
            };
            match header.kind {
                b'x' => extended.pax = Pax::read(&self.record(&header, "a PAX header")?)?,
                b'g' => {
                    // An entry of its own, which no runtime unpacks: what stood before it was for it alone. But
                    // runtimes remove what is at its path first.
                    let pax = Pax::read(&self.record(&header, "a PAX header")?)?;
                    let name = pax.path().unwrap_or(&header.name);
                    match LayerPath::cleaned(name) {
                        Ok((path, _)) if self.globals.len() < MAX_GLOBALS => drop(self.globals.insert(path)),
                        _ => self.note_hostile("a global header whose path cannot be kept".into()),
                    }
                    extended = Extended::default();
                }
                b'L' => extended.long_name = text(&self.record(&header, "a long name")?).to_vec(),
                b'K' => extended.long_link = text(&self.record(&header, "a long name")?).to_vec(),
                _ => {
                    if let Some(entry) = self.entry(header, &block, std::mem::take(&mut extended))? {
                        return Ok(Some(entry));
                    }
                }
            }
        }
    }

    /// The content of the entry that was returned last; where it lies in the buffer it need not be copied.
    pub fn content(&mut self) -> impl BufRead + '_ {
        match self.sparse.take() {
            Some((map, real_size)) => {
                let reader = SparseReader { stored: Stored(self), map, at: 0, piece: 0, real_size };
                Content::Sparse(BufReader::new(reader))
            }
            None => Content::Plain(Stored(self)),
        }
    }

    fn entry(
        &mut self,
        mut header: Header,
        block: &[u8; BLOCK],
        extended: Extended,
    ) -> Result<Option<Entry>, UnpackError> {
        self.entries += 1;
        if self.entries > self.max_entries {
            return Err(limit("the number of entries", "max-entries", self.max_entries));
        }
        // Go looks at the header's own size before the PAX header's.
        if header.size < 0 && !header.has_no_content() {
            return Err(corrupt("an entry has a negative size"));
        }
        extended.pax.merge(&mut header)?;
        if !extended.long_name.is_empty() {
            header.name = extended.long_name;
        }
        if !extended.long_link.is_empty() {
            header.link = extended.long_link;
        }
        let kind = match header.kind {
            // The old form shows a directory by the slash behind its name.
            0 if header.name.last() == Some(&b'/') => EntryKind::Directory,
            0 | b'0' | b'7' | b'S' => EntryKind::File,
            b'5' => EntryKind::Directory,
            b'2' => EntryKind::Symlink,
            b'1' => EntryKind::HardLink,
            _ => EntryKind::Special,
        };
        // Links, directories, devices and pipes have no content, whatever their size field says.
        let stored = match header.has_no_content() || kind == EntryKind::Directory {
            true => 0,
            false => u64::try_from(header.size).map_err(|_| corrupt("an entry has a negative size"))?,
        };
        self.expect(stored);
        let pieces = match header.kind {
            b'S' => Some(self.gnu_sparse(&mut header, block)?),
            _ => match extended.pax.sparse(&mut header)? {
                None => None,
                Some(PaxSparse { map: Some(pieces) }) => Some(pieces),
                Some(PaxSparse { map: None }) => Some(self.map_in_data()?),
            },
        };
        let mut size = stored;
        if let Some(pieces) = pieces {
            if header.has_no_content() || kind == EntryKind::Directory {
                return Err(corrupt("a sparse file that is no file"));
            }
            size = u64::try_from(header.size).map_err(|_| corrupt("an entry has a negative size"))?;
            self.sparse = Some((SparseMap::new(pieces, size, self.stored)?, size));
        }
        let size = if kind == EntryKind::File { size } else { 0 };
        if extended.pax.redirects {
            let shown = String::from_utf8_lossy(&header.name[..header.name.len().min(80)]).into_owned();
            self.note_hostile(format!(
                "{shown} has an attribute by which overlayfs shows another directory in its place"
            ));
        }
        Ok(self.placed(header, kind, size))
    }

    /// The entry at its cleaned path; `None` where it has no place in the layer, which is then kept as hostile.
    fn placed(&mut self, header: Header, kind: EntryKind, size: u64) -> Option<Entry> {
        let cleaned = LayerPath::cleaned(&header.name).and_then(|path| {
            let target = match kind {
                EntryKind::HardLink => LayerPath::cleaned(&header.link)?.0.to_string(),
                EntryKind::Symlink => readable(&header.link).into_owned(),
                _ => String::new(),
            };
            Ok((path, target))
        });
        let ((path, escapes), target) = match cleaned {
            Ok(cleaned) => cleaned,
            Err(error) => {
                self.note_hostile(error.to_string());
                return None;
            }
        };
        if path.len() > self.max_path || target.len() > self.max_path {
            let shown: String = path.chars().take(80).collect();
            self.note_hostile(format!("{shown}… is over the limit of {} bytes (max-path-bytes)", self.max_path));
            return None;
        }
        if escapes {
            // containerd unpacks it below the root, Docker refuses the layer.
            let shown: String = path.chars().take(200).collect();
            self.note_hostile(format!("an entry's path leaves the layer's root; it counts as {shown:?}"));
        }
        Some(Entry { path, kind, mode: (header.mode & 0o7777) as u16, target, size, mtime: header.mtime })
    }

    fn note_hostile(&mut self, why: String) {
        if self.hostile.len() < 100 {
            self.hostile.push(why);
        }
    }

    /// The next header block; `None` at the end: two zero blocks, or the stream's end where a header would begin.
    fn header(&mut self) -> Result<Option<(Header, [u8; BLOCK])>, UnpackError> {
        let Some(block) = self.block()? else { return Ok(None) };
        if block == [0; BLOCK] {
            return match self.block()? {
                Some(next) if next != [0; BLOCK] => Err(corrupt("a block of zeros stands between two entries")),
                _ => Ok(None),
            };
        }
        match Header::read(&block) {
            Some(header) => Ok(Some((header, block))),
            None if !has_checksum(&block) => {
                Err(corrupt(&format!("entry {} has a wrong header checksum", self.entries + 1)))
            }
            None => Err(corrupt(&format!("a number in the header of entry {} cannot be read", self.entries + 1))),
        }
    }

    /// The next block; `None` where the stream ends before it.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, UnpackError> {
        let available = self.fill(BLOCK)?;
        if available == 0 {
            return Ok(None);
        }
        match self.buffer[self.start..self.end].first_chunk() {
            Some(block) => {
                self.start += BLOCK;
                Ok(Some(*block))
            }
            None => Err(corrupt("the archive ends inside a header")),
        }
    }

    /// The current entry has so many stored bytes, and padding to a whole block behind them.
    fn expect(&mut self, stored: u64) {
        self.stored = stored;
        self.padding = stored.wrapping_neg() % BLOCK as u64;
    }

    /// The content of an extension record, bounded before a byte of it is read.
    fn record(&mut self, header: &Header, what: &'static str) -> Result<Vec<u8>, UnpackError> {
        let size = u64::try_from(header.size).map_err(|_| corrupt("an extended header has a negative size"))?;
        if size > MAX_PAX {
            return Err(limit(what, "max-path-bytes", MAX_PAX));
        }
        self.expect(size);
        let mut bytes = Vec::new();
        Stored(self).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < size {
            return Err(corrupt("the archive ends inside an extended header"));
        }
        Ok(bytes)
    }

    /// Passes over what is left of the current entry. A body that is cut is corrupt; padding that is not there is the
    /// end of the archive, as Go has it (umoci writes such layers): `false`.
    fn skip_content(&mut self) -> Result<bool, UnpackError> {
        self.sparse = None;
        self.map_blocks = 0;
        let stored = std::mem::take(&mut self.stored);
        if self.skip(stored)? < stored {
            return Err(corrupt("the archive ends inside a file"));
        }
        let padding = std::mem::take(&mut self.padding);
        Ok(self.skip(padding)? == padding)
    }

    /// Passes over so many bytes, or as many as there are.
    fn skip(&mut self, bytes: u64) -> Result<u64, UnpackError> {
        let mut left = bytes;
        while left > 0 {
            let available = self.fill(1)?;
            if available == 0 {
                break;
            }
            let passed = usize::try_from(left).unwrap_or(usize::MAX).min(available);
            self.start += passed;
            left -= passed as u64;
        }
        Ok(bytes - left)
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
                Ok(n) => {
                    self.end += n;
                    self.read += n as u64;
                }
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
        if out.is_empty() {
            return Ok(0);
        }
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: Read> BufRead for Stored<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let archive = &mut *self.0;
        if archive.stored == 0 {
            return Ok(&[]);
        }
        let available = archive.fill(1).map_err(|error| match error {
            UnpackError::Source(error) => error,
            UnpackError::Limit { what, name, limit } => UnpackErrorLimit { what, name, limit }.into_io(),
            UnpackError::Corrupt(why) => io::Error::new(io::ErrorKind::InvalidData, why),
        })?;
        if available == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let room = usize::try_from(archive.stored).unwrap_or(usize::MAX).min(available);
        Ok(&archive.buffer[archive.start..archive.start + room])
    }

    fn consume(&mut self, n: usize) {
        let archive = &mut *self.0;
        archive.start += n;
        archive.stored -= n as u64;
    }
}

enum Content<'a, R: Read> {
    Plain(Stored<'a, R>),
    Sparse(BufReader<SparseReader<Stored<'a, R>>>),
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stored) => stored.read(out),
            Self::Sparse(sparse) => sparse.read(out),
        }
    }
}

impl<R: Read> BufRead for Content<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Plain(stored) => stored.fill_buf(),
            Self::Sparse(sparse) => sparse.fill_buf(),
        }
    }

    fn consume(&mut self, n: usize) {
        match self {
            Self::Plain(stored) => stored.consume(n),
            Self::Sparse(sparse) => sparse.consume(n),
        }
    }
}

fn limit(what: &'static str, name: &'static str, limit: u64) -> UnpackError {
    UnpackError::Limit { what, name, limit }
}
