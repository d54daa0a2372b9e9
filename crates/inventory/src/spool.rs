//! Where the bytes of a claimed file are kept while it is read: in memory when it is small, in an unlinked, mapped
//! temporary file when it is large (a fat JAR, a Go binary), so that a scan's memory does not grow with the files.

use std::{
    io::{self, BufRead, Read, Seek, SeekFrom, Write},
    ops::Deref,
};

/// Files up to this size are kept in memory.
const IN_MEMORY: u64 = 1 << 20;

/// The bytes of one file.
pub enum Spool {
    /// A small one.
    Memory(Vec<u8>),
    /// A large one.
    Mapped(memmap2::Mmap),
}

impl Spool {
    /// Takes everything `content` has, at most `max` bytes; `None` when there are more. `size` is what is expected: it only
    /// saves copies where it is right.
    pub fn fill(mut content: impl BufRead, size: u64, max: u64) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        if size <= IN_MEMORY {
            bytes.reserve_exact(size as usize + 1);
            content.by_ref().take(IN_MEMORY.min(max) + 1).read_to_end(&mut bytes)?;
            let length = bytes.len() as u64;
            if length > max {
                return Ok(None);
            }
            if length <= IN_MEMORY {
                return Ok(Some(Self::Memory(bytes)));
            }
        }
        let mut file = tempfile::tempfile().map_err(disk)?;
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
        if total == 0 {
            return Ok(Some(Self::Memory(Vec::new())));
        }
        file.seek(SeekFrom::Start(0)).map_err(disk)?;
        // SAFETY: the file is unlinked and known to nobody else, so that no one can change or cut it while it is mapped.
        #[allow(unsafe_code)]
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(disk)?;
        Ok(Some(Self::Mapped(map)))
    }
}

impl Spool {
    /// Gives back the memory of a part that was read and will hardly be read again; it comes again from the file if it
    /// is. Without it a scan's memory would grow with the largest program that is searched.
    pub(crate) fn release(&self, range: std::ops::Range<usize>) {
        #[cfg(unix)]
        if let Self::Mapped(map) = self {
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

impl Deref for Spool {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_large_and_too_large() {
        for size in [0u64, 10, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY + 7] {
            for expected in [0, size, IN_MEMORY + 1] {
                let content = |size| io::BufReader::new(io::repeat(7).take(size));
                let spool = Spool::fill(content(size), expected, u64::MAX - 1).unwrap().unwrap();
                assert_eq!(spool.len() as u64, size);
                assert!(spool.iter().all(|b| *b == 7));
                assert_eq!(matches!(spool, Spool::Mapped(_)), size > 0 && size.max(expected) > IN_MEMORY);
                spool.release(0..spool.len() / 2);
                assert!(spool.iter().all(|b| *b == 7));
                assert!(Spool::fill(content(size + 1), expected, size).unwrap().is_none());
            }
        }
    }
}
