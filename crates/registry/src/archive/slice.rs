//! A range of bytes of an open file: a whole blob, or a member of an archive, read by offset so that any number of
//! readers can share the file.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use futures::stream;
use layergate_model::Digest;
use layergate_ports::BlobStream;
use sha2::{Digest as _, Sha256};

/// Bytes handed over at once.
pub(crate) const CHUNK: usize = 256 << 10;

/// The range.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    file: Arc<File>,
    offset: u64,
    pub(crate) size: u64,
}

impl Slice {
    /// A range of an open file.
    pub(crate) fn new(file: Arc<File>, offset: u64, size: u64) -> Self {
        Self { file, offset, size }
    }

    /// A whole file; refused when it is not a regular one (opening a pipe would wait for ever).
    pub(crate) fn whole(path: &Path) -> io::Result<Self> {
        let metadata = path.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Ok(Self::new(Arc::new(File::open(path)?), 0, metadata.len()))
    }

    /// The first `size` bytes of it, or fewer.
    pub(crate) fn head(&self, size: u64) -> Self {
        Self { file: Arc::clone(&self.file), offset: self.offset, size: self.size.min(size) }
    }

    /// All of it, when it is not more than `limit`.
    pub(crate) fn bytes(&self, limit: usize) -> io::Result<Vec<u8>> {
        if self.size > limit as u64 {
            let text = format!("it has {} bytes, more than the {limit} that are read of its kind", self.size);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let mut bytes = Vec::new();
        self.reader().read_to_end(&mut bytes)?;
        if bytes.len() as u64 != self.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }

    /// From its beginning.
    pub(crate) fn reader(&self) -> SliceReader {
        SliceReader { slice: self.clone(), at: 0 }
    }

    /// The digest of all of it.
    pub(crate) fn digest(&self) -> io::Result<Digest> {
        let mut reader = self.reader();
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; CHUNK];
        loop {
            match reader.read(&mut buffer)? {
                0 if reader.at < self.size => return Err(io::ErrorKind::UnexpectedEof.into()),
                0 => return Ok(Digest::from_bytes(hasher.finalize().into())),
                n => hasher.update(&buffer[..n]),
            }
        }
    }

    /// As a stream for a worker; must be called inside the runtime.
    pub(crate) fn stream(self) -> BlobStream {
        let length = Some(self.size);
        let chunks = stream::unfold(Some((self, 0_u64)), |state| async {
            let (slice, at) = state?;
            if at >= slice.size {
                return None;
            }
            let read = tokio::task::spawn_blocking(move || {
                let wanted = usize::try_from(slice.size - at).unwrap_or(usize::MAX).min(CHUNK);
                let mut buffer = vec![0; wanted];
                slice.file.read_exact_at(&mut buffer, slice.offset + at).map(|()| (Bytes::from(buffer), slice))
            });
            match read.await.map_err(io::Error::other).and_then(|r| r) {
                Ok((bytes, slice)) => {
                    let next = at + bytes.len() as u64;
                    Some((Ok(bytes), Some((slice, next))))
                }
                Err(error) => Some((Err(error), None)),
            }
        });
        BlobStream { length, chunks: Box::pin(chunks) }
    }
}

/// Reads a slice in order.
pub(crate) struct SliceReader {
    slice: Slice,
    at: u64,
}

impl Read for SliceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.slice.size - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.slice.file.read_at(&mut buffer[..left], self.slice.offset + self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
