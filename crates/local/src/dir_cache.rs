//! The command line's layer cache: one compressed, checksummed file for each record, shared by any number of processes at
//! once without a lock.
//!
//! `DIR/<fingerprint>/<digest>`, written to a temporary file and renamed, so that a reader sees a whole record or none. What
//! is damaged or of an unknown format is a miss and removed. Bounded: the files least recently used (by their modification
//! time, which a hit renews) go when the sum is over the budget. A directory that cannot be written (read-only, full) is told
//! once; the scan goes on without it.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use layergate_fleet::{
    codec,
    ports::{CacheError, LayerCache},
    values::LayerKey,
};
use layergate_model::LayerInventory;

use crate::pack::{Stored, blocking, unpack_all};

/// A hit renews the modification time only when it is older than this: one write an hour, not one a scan.
const RENEW: Duration = Duration::from_secs(3600);
/// Temporary files older than this belong to nobody any more.
const ABANDONED: Duration = Duration::from_secs(3600);
/// Somebody sweeps at least this often while records are written.
const SWEEP: Duration = Duration::from_secs(600);
const TEMPORARY: &str = ".tmp-";
const SWEPT: &str = ".swept";

struct Inner {
    dir: PathBuf,
    budget: u64,
    written: AtomicU64,
    told: AtomicBool,
}

/// A layer cache in a directory.
#[derive(Clone)]
pub struct DirCache(Arc<Inner>);

impl DirCache {
    /// The cache in `dir`, which is made when the first record is written, kept within about `budget` bytes.
    pub fn new(dir: impl Into<PathBuf>, budget: u64) -> Self {
        let inner = Inner { dir: dir.into(), budget, written: AtomicU64::new(0), told: AtomicBool::new(false) };
        Self(Arc::new(inner))
    }

    /// Whether a record could not be written, so that the cache is of no use.
    pub fn is_broken(&self) -> bool {
        self.0.told.load(Ordering::Relaxed)
    }
}

impl Inner {
    fn file(&self, key: &LayerKey) -> PathBuf {
        self.dir.join(key.fingerprint.to_string()).join(key.digest_text())
    }

    fn read(&self, key: &LayerKey) -> Option<Vec<u8>> {
        let path = self.file(key);
        let mut file = fs::File::open(&path).ok()?;
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut file, &mut bytes).ok()?;
        let age = file.metadata().and_then(|m| m.modified()).ok().and_then(|m| m.elapsed().ok());
        if age.is_some_and(|age| age > RENEW) {
            // Only the order of eviction suffers where it is not allowed.
            let _ = fs::File::options().append(true).open(&path).and_then(|f| f.set_modified(SystemTime::now()));
        }
        Some(bytes)
    }

    fn write(&self, key: &LayerKey, bytes: &[u8]) -> io::Result<()> {
        let path = self.file(key);
        let dir = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(dir)?;
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(dir)?;
        file.write_all(bytes)?;
        // No fsync: after a power cut the checksum tells, and the layer is read again.
        file.persist(&path).map_err(|e| e.error)?;
        let written = self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed) + bytes.len() as u64;
        if written > self.budget / 16 || self.sweep_is_due() {
            self.written.store(0, Ordering::Relaxed);
            self.sweep()?;
        }
        Ok(())
    }

    fn sweep_is_due(&self) -> bool {
        let swept = fs::metadata(self.dir.join(SWEPT)).and_then(|m| m.modified());
        swept.map_or(true, |at| at.elapsed().is_ok_and(|age| age > SWEEP))
    }

    /// Removes the records least recently used until the rest is well within the budget. Others may sweep at the same
    /// time: a file that is gone already is gone.
    fn sweep(&self) -> io::Result<()> {
        fs::write(self.dir.join(SWEPT), b"")?;
        let mut records: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for generation in subdirectories(&self.dir)? {
            for entry in fs::read_dir(&generation).into_iter().flatten().flatten() {
                let Ok(about) = entry.metadata() else { continue };
                let modified = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                    if modified.elapsed().is_ok_and(|age| age > ABANDONED) {
                        let _ = fs::remove_file(entry.path());
                    }
                } else {
                    records.push((modified, about.len(), entry.path()));
                }
            }
        }
        let mut sum: u64 = records.iter().map(|(_, size, _)| size).sum();
        if sum <= self.budget {
            return Ok(());
        }
        records.sort();
        for (_, size, path) in records {
            if sum <= self.budget / 10 * 9 {
                break;
            }
            let _ = fs::remove_file(path);
            sum -= size;
        }
        Ok(())
    }

    fn tell(&self, error: &io::Error) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let dir = self.dir.display();
            tracing::warn!(%dir, %error, "the layer cache cannot be written; going on without it");
        }
    }
}

fn subdirectories(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?.flatten();
    Ok(entries.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()).collect())
}

const PLACE: &str = "directory";

#[async_trait]
impl LayerCache for DirCache {
    async fn get_many(&self, keys: &[LayerKey]) -> Result<Vec<Option<Arc<LayerInventory>>>, CacheError> {
        let (inner, keys) = (self.0.clone(), keys.to_vec());
        blocking(PLACE, move || {
            let found = unpack_all(&keys, |key| inner.read(key));
            let answers = keys.iter().zip(found).map(|(key, stored)| match stored {
                Stored::Value(value) => Some(value),
                Stored::Missing => None,
                Stored::Damaged(why) => {
                    tracing::warn!(layer = %key.digest, why, "a record of the layer cache is damaged and thrown away");
                    let _ = fs::remove_file(inner.file(key));
                    None
                }
            });
            Ok(answers.collect())
        })
        .await
    }

    async fn contains_many(&self, keys: &[LayerKey]) -> Result<Vec<bool>, CacheError> {
        // A few stat calls: not worth a thread.
        Ok(keys.iter().map(|key| self.0.file(key).is_file()).collect())
    }

    async fn put(&self, key: &LayerKey, inventory: &Arc<LayerInventory>) -> Result<(), CacheError> {
        let (inner, key, inventory) = (self.0.clone(), *key, inventory.clone());
        blocking(PLACE, move || {
            let bytes = codec::encode_inventory(&inventory)
                .map_err(|e| CacheError { place: inner.dir.display().to_string(), what: e.to_string() })?;
            if let Err(error) = inner.write(&key, &bytes) {
                inner.tell(&error);
            }
            Ok(())
        })
        .await
    }

    async fn remove(&self, key: &LayerKey) -> Result<(), CacheError> {
        // What cannot be removed is noticed again when it is read again.
        let _ = fs::remove_file(self.0.file(key));
        Ok(())
    }
}
