//! SHA-256 of what arrives, on a thread of its own, beside the decompression of the same bytes.
//!
//! The thread reads the source, hashes and hands the chunks on through a short bounded channel: hashing and unpacking
//! overlap on two cores, and a slow reader holds the source back. When the reader stops early (a broken archive, a
//! limit) the rest is still hashed, because only a blob that was hashed to its end may be believed (invariant 2).

use std::{
    io::{self, BufRead, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use layergate_model::Digest;
use sha2::Digest as _;

const CHUNK: usize = 128 << 10;
/// Chunks on their way between the threads: 512 KiB.
const IN_FLIGHT: usize = 4;

/// The reading side.
pub struct Hashed {
    chunks: Receiver<io::Result<Vec<u8>>>,
    recycled: SyncSender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
    done: bool,
}

/// What was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashedSummary {
    /// The digest of every byte that arrived.
    pub digest: Digest,
    /// How many there were.
    pub size: u64,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Hashed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.current.len() && !self.done {
            // A full recycling channel only means that a buffer is dropped instead of used again.
            let _ = self.recycled.try_send(std::mem::take(&mut self.current));
            self.at = 0;
            match self.chunks.recv() {
                Ok(Ok(chunk)) => self.current = chunk,
                Ok(Err(error)) => {
                    self.done = true;
                    return Err(error);
                }
                Err(_) => self.done = true,
            }
        }
        Ok(&self.current[self.at..])
    }

    fn consume(&mut self, n: usize) {
        self.at = (self.at + n).min(self.current.len());
    }
}

/// Runs `read` over the bytes of `source` while they are hashed; at most `max` bytes are taken, one more is an error
/// of the source. Returns what `read` returned and the digest of the whole source, or the source's failure.
pub fn with_hash<T>(
    source: impl Read + Send,
    max: u64,
    read: impl FnOnce(Hashed) -> T,
) -> (T, io::Result<HashedSummary>) {
    thread::scope(|scope| {
        let (sender, chunks) = sync_channel(IN_FLIGHT);
        let (recycled, spare) = sync_channel(IN_FLIGHT);
        let hashing = scope.spawn(move || hash(source, max, &sender, &spare));
        let result = read(Hashed { chunks, recycled, current: Vec::new(), at: 0, done: false });
        let summary = hashing.join().unwrap_or_else(|_| Err(io::Error::other("the hashing thread panicked")));
        (result, summary)
    })
}

fn hash(
    mut source: impl Read,
    max: u64,
    sender: &SyncSender<io::Result<Vec<u8>>>,
    spare: &Receiver<Vec<u8>>,
) -> io::Result<HashedSummary> {
    let mut hasher = sha2::Sha256::new();
    let mut size = 0u64;
    let mut reader_listens = true;
    loop {
        let mut chunk = spare.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        let n = match fill(&mut source, &mut chunk) {
            Ok(n) => n,
            Err(error) => {
                let reported = io::Error::new(error.kind(), error.to_string());
                let _ = sender.send(Err(reported));
                return Err(error);
            }
        };
        if n == 0 {
            return Ok(HashedSummary { digest: Digest::from_bytes(hasher.finalize().into()), size });
        }
        size += n as u64;
        if size > max {
            let error = || io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {max} bytes arrived"));
            let _ = sender.send(Err(error()));
            return Err(error());
        }
        chunk.truncate(n);
        hasher.update(&chunk);
        if reader_listens {
            reader_listens = sender.send(Ok(chunk)).is_ok();
        }
    }
}

/// Fills the chunk as far as the source goes: short reads of a socket would make short chunks.
fn fill(source: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < chunk.len() {
        match source.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_is_hashed_even_when_the_reader_stops() {
        let bytes: Vec<u8> = (0..1_000_000u32).map(|i| (i % 251) as u8).collect();
        let (read, summary) = with_hash(&bytes[..], u64::MAX, |mut hashed| {
            let mut out = Vec::new();
            hashed.read_to_end(&mut out).map(|_| out)
        });
        assert_eq!(read.unwrap(), bytes);
        assert_eq!(summary.unwrap(), HashedSummary { digest: Digest::of(&bytes), size: 1_000_000 });
        let ((), summary) = with_hash(&bytes[..], u64::MAX, |mut hashed| {
            hashed.read_exact(&mut [0; 10]).unwrap();
        });
        assert_eq!(summary.unwrap().digest, Digest::of(&bytes));
        let ((), summary) = with_hash(&bytes[..], 500_000, |_| ());
        assert_eq!(summary.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
