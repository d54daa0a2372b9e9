//! Where the bytes of a claimed file are kept while it is read: in memory when it is small, in an unlinked, mapped
//! temporary file when it is large (a fat JAR, a Go binary), so that a scan's memory does not grow with the files.

use std::{
    fs::File,
    io::{self, BufRead, Read, Seek, SeekFrom, Write},
    marker::PhantomData,
    ops::Deref,
};

/// Files up to this size are kept in memory.
const IN_MEMORY: u64 = 1 << 20;
/// Bytes of the temporary file that are kept for the next large file.
const KEPT: u64 = 256 << 20;

/// One temporary file for all large files of a layer, one after the other: the system has its pages at hand and need
/// not find new ones for each.
#[derive(Debug, Default)]
pub struct Scratch {
    file: Option<File>,
}

/// The bytes of one file, for as long as its scratch is not used for another.
pub enum Spool<'s> {
    /// A small one.
    Memory(Vec<u8>),
    /// A large one.
    Mapped(memmap2::Mmap, PhantomData<&'s mut Scratch>),
}

impl Scratch {
    /// Takes everything `content` has, at most `max` bytes; `None` when there are more. `size` is what is expected: it only
    /// saves copies where it is right.
    pub fn fill(&mut self, mut content: impl BufRead, size: u64, max: u64) -> io::Result<Option<Spool<'_>>> {
        let mut bytes = Vec::new();
        if size <= IN_MEMORY {
            bytes.reserve_exact(size as usize + 1);
            content.by_ref().take(IN_MEMORY.min(max) + 1).read_to_end(&mut bytes)?;
            let length = bytes.len() as u64;
            if length > max {
                return Ok(None);
            }
            if length <= IN_MEMORY {
                return Ok(Some(Spool::Memory(bytes)));
            }
        }
        let mut file = self.begin().map_err(disk)?;
        file.write_all(&bytes).map_err(disk)?;
        let mut total = bytes.len() as u64;
        drop(bytes);
        loop {
            let chunk = match content.fill_buf() {
                Ok([]) => break,
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let n = chunk.len();
            total += n as u64;
            if total > max {
                return Ok(None);
            }
            file.write_all(chunk).map_err(disk)?;
            content.consume(n);
        }
        let Ok(length @ 1..) = usize::try_from(total) else {
            return Ok(Some(Spool::Memory(Vec::new())));
        };
        // SAFETY: the file is unlinked and known to nobody else, and not written again while the spool lives, which has
        // borrowed the scratch: no one can change or cut it while it is mapped.
        #[allow(unsafe_code)]
        let map = unsafe { memmap2::MmapOptions::new().len(length).map(file) }.map_err(disk)?;
        Ok(Some(Spool::Mapped(map, PhantomData)))
    }

    /// The file, from its beginning on; what it has behind the next content's end is not mapped.
    fn begin(&mut self) -> io::Result<&File> {
        let file = match self.file.take() {
            // After a very large one the space is given back: nobody knows how long the layer goes on.
            Some(file) if file.metadata()?.len() <= KEPT => file,
            _ => tempfile::tempfile()?,
        };
        let mut file: &File = self.file.insert(file);
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

impl Spool<'_> {
    /// Gives back the memory of a part that was read and will hardly be read again; it comes again from the file if it
    /// is. Without it a scan's memory would grow with the largest program that is searched.
    pub(crate) fn release(&self, range: std::ops::Range<usize>) {
        #[cfg(unix)]
        if let Self::Mapped(map, _) = self {
            // SAFETY: the mapping is of a file, shared and only read: what is dropped is the same when it is read again.
            #[allow(unsafe_code)]
            // Where the system does not want to, the memory stays: no harm.
            let _ = unsafe {
                map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.end - range.start)
            };
        }
        #[cfg(not(unix))]
        let _ = range;
    }
}

/// Marks a failure of the temporary file: this machine's trouble, never the layer's.
#[derive(Debug, thiserror::Error)]
#[error("a large file could not be kept in the temporary directory {}", std::env::temp_dir().display())]
pub(crate) struct TemporaryFile(#[source] io::Error);

fn disk(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), TemporaryFile(error))
}

impl Deref for Spool<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Mapped(map, _) => map,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(byte: u8, size: u64) -> impl BufRead {
        io::BufReader::new(io::repeat(byte).take(size))
    }

    #[test]
    fn small_large_and_too_large() {
        let mut scratch = Scratch::default();
        for size in [0u64, 10, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY + 7] {
            for expected in [0, size, IN_MEMORY + 1] {
                let spool = scratch.fill(content(7, size), expected, u64::MAX - 1).unwrap().unwrap();
                assert_eq!(spool.len() as u64, size);
                assert!(spool.iter().all(|b| *b == 7));
                assert_eq!(matches!(spool, Spool::Mapped(..)), size > 0 && size.max(expected) > IN_MEMORY);
                spool.release(0..spool.len() / 2);
                assert!(spool.iter().all(|b| *b == 7));
                assert!(scratch.fill(content(7, size + 1), expected, size).unwrap().is_none());
            }
        }
    }

    #[test]
    fn one_file_for_all_and_nothing_of_the_one_before() {
        let mut scratch = Scratch::default();
        // Longer, shorter, given up on the way, and longer again.
        for (byte, megabytes, max) in [(1, 5, 9), (2, 2, 9), (3, 9, 4), (4, 3, 9), (5, 7, 9)] {
            let (size, max) = ((megabytes << 20) + 3, (max << 20) + 3);
            match scratch.fill(content(byte, size), size, max).unwrap() {
                Some(spool) => assert!(spool.len() as u64 == size && spool.iter().all(|b| *b == byte), "{byte}"),
                None => assert!(size > max, "{byte}"),
            }
        }
        let length = |scratch: &Scratch| scratch.file.as_ref().unwrap().metadata().unwrap().len();
        assert_eq!(length(&scratch), (7 << 20) + 3, "used again");
        scratch.file.as_ref().unwrap().set_len(KEPT + 1).unwrap();
        assert_eq!(
            scratch.fill(content(6, IN_MEMORY + 1), 0, u64::MAX - 1).unwrap().unwrap().len() as u64,
            IN_MEMORY + 1
        );
        assert_eq!(length(&scratch), IN_MEMORY + 1, "a very large one is not kept");
    }
}
