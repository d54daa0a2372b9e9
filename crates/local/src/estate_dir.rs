//! An estate in a directory, for one machine: `log/NN` for each shard, `blobs/KIND/NAME`, and `lock`.
//!
//! A log is a sequence of records: length (4 bytes, little endian), the first eight bytes of the SHA-256 of place and
//! content, content. An append is one write and one flush to the disk under a lock of the operating system's; what a crash
//! has cut short at the end is no record and is written over. A damaged record in the middle is an error: what lies behind
//! it would be read in another order than it was written. Blobs arrive by rename.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use layergate_disk::{Access, NewFile};
use layergate_model::Digest;
use layergate_ports::{AppendError, BlobName, EstateStore, MAX_BLOB, MAX_RECORD, Record, Shard, StoreError};

use crate::{lock, private};

const HEAD: usize = 4 + 8;

/// Why a directory cannot hold an estate.
#[derive(Debug, thiserror::Error)]
pub enum EstateDirError {
    /// Others could write what is believed here.
    #[error("{0}")]
    NotPrivate(String),
    /// The directory cannot be made or locked.
    #[error("the state directory {path} cannot be used: {source}")]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process changes the estate.
    #[error("another process is at work on the estate in {0}; wait for it, or name another directory (--state-dir)")]
    Busy(PathBuf),
}

/// How far a shard's log is known.
#[derive(Clone, Copy, Default)]
struct End {
    sequence: u64,
    bytes: u64,
}

struct Inner {
    dir: PathBuf,
    ends: Mutex<HashMap<u8, End>>,
}

/// An estate's store in a directory.
#[derive(Clone)]
pub struct EstateDir(Arc<Inner>);

impl EstateDir {
    /// The estate in `dir`, which is made when something is written. A directory that others can write is refused.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, EstateDirError> {
        let dir = dir.into();
        private::check(&dir).map_err(EstateDirError::NotPrivate)?;
        Ok(Self(Arc::new(Inner { dir, ends: Mutex::default() })))
    }

    /// Claims the estate for one run: it ends with the value, or with the process. Reading needs no claim.
    pub fn claim(&self) -> Result<impl Send + Sync + 'static, EstateDirError> {
        let dir = &self.0.dir;
        let io = |source| EstateDirError::Io { path: dir.clone(), source };
        private::create(dir).map_err(io)?;
        let path = dir.join("run");
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(EstateDirError::Busy(dir.clone())),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = self.0.clone();
        let place = self.0.dir.display().to_string();
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(|e| StoreError {
            place,
            what: format!("the work was given up: {e}"),
            full: false,
        })
    }
}

impl Inner {
    fn error(&self, what: &str, error: impl std::fmt::Display) -> StoreError {
        StoreError { place: self.dir.display().to_string(), what: format!("{what}: {error}"), full: false }
    }

    fn log(&self, shard: Shard) -> PathBuf {
        self.dir.join("log").join(format!("{:02}", shard.number()))
    }

    fn blob(&self, name: &BlobName) -> PathBuf {
        self.dir.join("blobs").join(name.as_str())
    }

    /// The end of a log, read on from where it was known.
    fn end(&self, shard: Shard, file: &mut File) -> Result<End, StoreError> {
        let known = lock(&self.ends).get(&shard.number()).copied().unwrap_or_default();
        let length = file.metadata().map_err(|e| self.error("a log cannot be read", e))?.len();
        // A log never becomes shorter than what was read of it, but by other hands.
        let from = if length < known.bytes { End::default() } else { known };
        let mut end = from;
        self.walk(shard, file, from, |at, _| {
            end = at;
            true
        })?;
        lock(&self.ends).insert(shard.number(), end);
        Ok(end)
    }

    /// Calls `each` with every record behind `from` and the end of the log with it, until it has enough.
    fn walk(
        &self,
        shard: Shard,
        file: &mut File,
        from: End,
        mut each: impl FnMut(End, Vec<u8>) -> bool,
    ) -> Result<(), StoreError> {
        let cannot = |e: io::Error| self.error("a log cannot be read", e);
        file.seek(SeekFrom::Start(from.bytes)).map_err(cannot)?;
        let mut reader = io::BufReader::with_capacity(1 << 16, file);
        let mut at = from;
        loop {
            let mut head = [0; HEAD];
            if !filled(&mut reader, &mut head).map_err(cannot)? {
                return Ok(());
            }
            let (length, sum) = head.split_at(4);
            let length = u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
            let mut bytes = vec![0; length.min(MAX_RECORD)];
            let whole = length <= MAX_RECORD && filled(&mut reader, &mut bytes).map_err(cannot)?;
            let sequence = at.sequence + 1;
            if !whole || sum != checksum(sequence, &bytes) {
                // At the end it is what a crash cut short.
                if whole && reader.fill_buf_is_empty().map_err(cannot)? || !whole && length <= MAX_RECORD {
                    return Ok(());
                }
                let what = format!("record {sequence} of shard {} is damaged", shard.number());
                return Err(self.error(&what, "restore the directory from a copy, or begin anew in an empty one"));
            }
            at = End { sequence, bytes: at.bytes + (HEAD + length) as u64 };
            if !each(at, bytes) {
                return Ok(());
            }
        }
    }

    fn append(&self, shard: Shard, after: u64, record: &[u8]) -> Result<u64, AppendError> {
        if record.len() > MAX_RECORD {
            return Err(AppendError::TooLarge(record.len()));
        }
        let cannot = |e: io::Error| self.error("a record cannot be written", e);
        let path = self.log(shard);
        private::create(path.parent().unwrap_or(&self.dir)).map_err(cannot)?;
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(cannot)?;
        file.lock().map_err(cannot)?;
        let end = self.end(shard, &mut file)?;
        if end.sequence != after {
            return Err(AppendError::Conflict { shard: shard.number(), expected: after, last: end.sequence });
        }
        let sequence = after + 1;
        let length = u32::try_from(record.len()).map_err(|_| AppendError::TooLarge(record.len()))?;
        let mut bytes = Vec::with_capacity(HEAD + record.len());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&checksum(sequence, record));
        bytes.extend_from_slice(record);
        let written = file
            .set_len(end.bytes)
            .and_then(|()| file.seek(SeekFrom::Start(end.bytes)))
            .and_then(|_| file.write_all(&bytes))
            .and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Half a record is none for whoever reads; the next writer cuts it off.
            let _ = file.set_len(end.bytes);
            return Err(cannot(error).into());
        }
        lock(&self.ends).insert(shard.number(), End { sequence, bytes: end.bytes + bytes.len() as u64 });
        Ok(sequence)
    }

    fn read(&self, shard: Shard, after: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        let mut file = match File::open(self.log(shard)) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(self.error("a log cannot be read", e)),
        };
        let known = lock(&self.ends).get(&shard.number()).copied().unwrap_or_default();
        let from = if known.sequence == after { known } else { End::default() };
        let mut found = Vec::new();
        self.walk(shard, &mut file, from, |at, bytes| {
            if at.sequence > after {
                found.push(Record { sequence: at.sequence, bytes });
            }
            found.len() < limit.max(1)
        })?;
        Ok(found)
    }

    fn put(&self, name: &BlobName, bytes: &[u8]) -> Result<(), StoreError> {
        if bytes.len() > MAX_BLOB {
            return Err(
                self.error(&format!("{name} cannot be kept"), format!("{} bytes are over {MAX_BLOB}", bytes.len()))
            );
        }
        let cannot = |e: io::Error| self.error(&format!("{name} cannot be written"), e);
        let path = self.blob(name);
        let dir = path.parent().unwrap_or(&self.dir);
        private::create(dir).map_err(cannot)?;
        let mut file = NewFile::in_directory(dir, Access::Private).map_err(cannot)?;
        file.write_all(bytes).and_then(|()| file.sync()).and_then(|()| file.name(&path)).map_err(cannot)
    }

    fn get(&self, name: &BlobName) -> Result<Option<Vec<u8>>, StoreError> {
        let cannot = |e: io::Error| self.error(&format!("{name} cannot be read"), e);
        let file = match File::open(self.blob(name)) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(cannot(e)),
        };
        let mut bytes = Vec::new();
        file.take(MAX_BLOB as u64 + 1).read_to_end(&mut bytes).map_err(cannot)?;
        if bytes.len() > MAX_BLOB {
            return Err(self.error(&format!("{name} cannot be read"), format!("it is over {MAX_BLOB} bytes")));
        }
        Ok(Some(bytes))
    }
}

trait FillBuf {
    fn fill_buf_is_empty(&mut self) -> io::Result<bool>;
}

impl<R: io::Read> FillBuf for io::BufReader<R> {
    fn fill_buf_is_empty(&mut self) -> io::Result<bool> {
        io::BufRead::fill_buf(self).map(<[u8]>::is_empty)
    }
}

/// Whether all of `buffer` could be filled.
fn filled(reader: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

fn checksum(sequence: u64, bytes: &[u8]) -> [u8; 8] {
    let mut text = sequence.to_le_bytes().to_vec();
    text.extend_from_slice(bytes);
    let mut sum = [0; 8];
    sum.copy_from_slice(&Digest::of(&text).as_bytes()[..8]);
    sum
}

/// What blobs of one kind take on the disk.
impl EstateDir {
    /// Bytes of all that lies in the directory.
    pub fn size(&self) -> u64 {
        fn below(dir: &Path) -> u64 {
            let entries = fs::read_dir(dir).into_iter().flatten().flatten();
            entries
                .map(|e| match e.file_type() {
                    Ok(kind) if kind.is_dir() => below(&e.path()),
                    _ => e.metadata().map_or(0, |m| m.len()),
                })
                .sum()
        }
        below(&self.0.dir)
    }
}

#[async_trait]
impl EstateStore for EstateDir {
    async fn append(&self, shard: Shard, after: u64, record: &[u8]) -> Result<u64, AppendError> {
        let record = record.to_vec();
        self.blocking(move |inner| inner.append(shard, after, &record)).await?
    }

    async fn read(&self, shard: Shard, after: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.blocking(move |inner| inner.read(shard, after, limit)).await?
    }

    async fn put_blob(&self, name: &BlobName, bytes: Vec<u8>) -> Result<(), StoreError> {
        let name = name.clone();
        self.blocking(move |inner| inner.put(&name, &bytes)).await?
    }

    async fn get_blob(&self, name: &BlobName) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.clone();
        self.blocking(move |inner| inner.get(&name)).await?
    }

    async fn remove_blob(&self, name: &BlobName) -> Result<(), StoreError> {
        let name = name.clone();
        self.blocking(move |inner| match fs::remove_file(inner.blob(&name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(inner.error(&format!("{name} cannot be removed"), e)),
            _ => Ok(()),
        })
        .await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_crash_cut_short_is_no_record_and_damage_is_reported() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("estate");
        let open = || EstateDir::open(&dir).unwrap();
        let shard = Shard::of("a");
        for (after, text) in [(0, "one"), (1, "two")] {
            open().append(shard, after, text.as_bytes()).await.unwrap();
        }
        let log = open().0.log(shard);
        let whole = fs::read(&log).unwrap();
        for cut in whole.len() / 2 + 1..whole.len() {
            fs::write(&log, &whole[..cut]).unwrap();
            assert_eq!(open().read(shard, 0, 9).await.unwrap().len(), 1, "cut at {cut}");
            assert_eq!(open().append(shard, 1, b"again").await.unwrap(), 2);
            assert_eq!(open().read(shard, 1, 9).await.unwrap()[0].bytes, b"again");
        }
        for at in 0..whole.len() / 2 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&log, &damaged).unwrap();
            let read = open().read(shard, 0, 9).await;
            assert!(read.is_err() || read.is_ok_and(|r| r.is_empty()), "damaged at {at}");
        }
    }

    #[tokio::test]
    async fn one_run_at_a_time_and_only_where_nobody_else_writes() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let estate = EstateDir::open(home.path().join("estate")).unwrap();
        let claim = estate.claim().unwrap();
        assert!(matches!(estate.claim(), Err(EstateDirError::Busy(_))));
        drop(claim);
        drop(estate.claim().unwrap());
        fs::set_permissions(home.path().join("estate"), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(EstateDir::open(home.path().join("estate")), Err(EstateDirError::NotPrivate(_))));
    }
}
