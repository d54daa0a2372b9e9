//! Files in a directory that stays within its budget, shared by any number of processes at once without a lock.
//!
//! A file is written to a temporary one and renamed, so that a reader sees a whole file or none. Bounded: the files
//! least recently used (by their modification time, which a hit renews) go when the sum is over the budget. A directory
//! that cannot be written (read-only, full) is reported once; the work goes on without it. So it does without one that
//! others could write (`private.rs`), and what another user left in it, or what cannot be read, is not there.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use layergate_disk::Access;

use crate::private;

/// A hit renews the modification time only when it is older than this: one write an hour, not one a scan.
const RENEW: Duration = Duration::from_secs(3600);
/// Temporary files older than this belong to nobody any more.
const ABANDONED: Duration = Duration::from_secs(3600);
/// Somebody sweeps at least this often while files are written.
const SWEEP: Duration = Duration::from_secs(600);
const SWEPT: &str = ".swept";

/// A directory of directories of files.
pub(crate) struct BoundedDir {
    dir: PathBuf,
    budget: u64,
    /// What it is called when it cannot be written.
    what: &'static str,
    written: AtomicU64,
    reported: AtomicBool,
    /// Whether nobody else can write it; looked at once.
    private: OnceLock<bool>,
}

impl BoundedDir {
    /// `dir` is made when the first file is written, and kept within about `budget` bytes.
    pub(crate) fn new(dir: PathBuf, budget: u64, what: &'static str) -> Self {
        Self {
            dir,
            budget,
            what,
            written: AtomicU64::new(0),
            reported: AtomicBool::new(false),
            private: OnceLock::new(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// Whether a file could not be written.
    pub(crate) fn is_broken(&self) -> bool {
        self.reported.load(Ordering::Relaxed)
    }

    pub(crate) fn has(&self, place: &Path) -> bool {
        self.open(place).is_some()
    }

    /// The file, where it is this user's and can be read. One that cannot be is as good as absent.
    fn open(&self, place: &Path) -> Option<fs::File> {
        if !self.is_private() {
            return None;
        }
        let path = self.dir.join(place);
        if fs::metadata(&path).is_ok_and(|m| !m.is_file()) {
            // A pipe in a record's place would be waited for when it is opened.
            return None;
        }
        match fs::File::open(&path) {
            Ok(file) => file.metadata().is_ok_and(|m| m.is_file() && private::is_ours(&m)).then_some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                if !self.reported.swap(true, Ordering::Relaxed) {
                    tracing::warn!(file = %path.display(), %error, "an entry of a cache cannot be read; what is in it is made anew");
                }
                None
            }
        }
    }

    fn is_private(&self) -> bool {
        *self.private.get_or_init(|| {
            let around = self.dir.parent().filter(|p| !p.as_os_str().is_empty());
            let refused = around.map_or(Ok(()), private::check_around).and_then(|()| private::check(&self.dir)).err();
            if let Some(why) = &refused {
                self.reported.store(true, Ordering::Relaxed);
                tracing::warn!(what = self.what, "{why}; going on without this cache");
            }
            refused.is_none()
        })
    }

    /// The file at `place`, a directory's name and a file's.
    pub(crate) fn read(&self, place: &Path) -> Option<Vec<u8>> {
        let path = self.dir.join(place);
        let mut file = self.open(place)?;
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut file, &mut bytes).ok()?;
        let age = file.metadata().and_then(|m| m.modified()).ok().and_then(|m| m.elapsed().ok());
        if age.is_some_and(|age| age > RENEW) {
            // Only the order of eviction suffers where it is not allowed.
            let _ = fs::File::options().append(true).open(&path).and_then(|f| f.set_modified(SystemTime::now()));
        }
        Some(bytes)
    }

    /// Writes a file. That it cannot be is reported once.
    pub(crate) fn write(&self, place: &Path, bytes: &[u8]) {
        if !self.is_private() {
            return;
        }
        if let Err(error) = self.try_write(place, bytes)
            && !self.reported.swap(true, Ordering::Relaxed)
        {
            let dir = self.dir.display();
            tracing::warn!(%dir, what = self.what, %error, "a cache cannot be written; going on without it");
        }
    }

    /// Removes a file that is of no use; what cannot be removed is noticed again when it is read again.
    pub(crate) fn remove(&self, place: &Path) {
        let _ = fs::remove_file(self.dir.join(place));
    }

    fn try_write(&self, place: &Path, bytes: &[u8]) -> io::Result<()> {
        let path = self.dir.join(place);
        let dir = path.parent().unwrap_or(&self.dir);
        private::create(dir)?;
        // Not synced: after a power cut the checksum shows, and the work is done again.
        layergate_disk::replace(&path, bytes, Access::Private)?;
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

    /// Removes the files least recently used until the rest is well within the budget. Others may sweep at the same
    /// time: a file that is gone already is gone.
    fn sweep(&self) -> io::Result<()> {
        fs::write(self.dir.join(SWEPT), b"")?;
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for generation in subdirectories(&self.dir)? {
            for entry in fs::read_dir(&generation).into_iter().flatten().flatten() {
                let Ok(about) = entry.metadata() else { continue };
                let modified = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                if entry.file_name().to_string_lossy().starts_with(layergate_disk::UNFINISHED) {
                    if modified.elapsed().is_ok_and(|age| age > ABANDONED) {
                        let _ = fs::remove_file(entry.path());
                    }
                } else {
                    files.push((modified, about.len(), entry.path()));
                }
            }
        }
        let mut sum: u64 = files.iter().map(|(_, size, _)| size).sum();
        if sum <= self.budget {
            return Ok(());
        }
        files.sort();
        for (_, size, path) in files {
            if sum <= self.budget / 10 * 9 {
                break;
            }
            let _ = fs::remove_file(path);
            sum -= size;
        }
        Ok(())
    }
}

fn subdirectories(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?.flatten();
    Ok(entries.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()).collect())
}
