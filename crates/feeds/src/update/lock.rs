//! One update at a time in a mirror.
//!
//! The lock is the operating system's on an open file, so it ends with the process that holds it however that ends:
//! there is no stale lock to detect. The file says who holds it, for the message.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    event::{Event, EventSink},
    state::FOLDER,
};

const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Why a mirror could not be had for oneself.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another update is still at work.
    #[error("another update{} is at work in {mirror}; it was waited for {} s", holder.map(|p| format!(" (process {p})")).unwrap_or_default(), waited.as_secs())]
    Busy {
        /// The mirror.
        mirror: PathBuf,
        /// The other process.
        holder: Option<u32>,
        /// How long this one waited.
        waited: Duration,
    },
    /// The lock's file cannot be used.
    #[error("cannot lock the mirror {mirror}: {source}")]
    Io {
        /// The mirror.
        mirror: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Holds the mirror until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) async fn take(mirror: &Path, wait: Duration, sink: &EventSink) -> Result<Self, LockError> {
        let io = |source| LockError::Io { mirror: mirror.to_owned(), source };
        let folder = mirror.join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(io)?;
        let path = folder.join("lock");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        let since = Instant::now();
        let mut reported = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    let holder = holder(&mut file);
                    if since.elapsed() >= wait {
                        return Err(LockError::Busy { mirror: mirror.to_owned(), holder, waited: wait });
                    }
                    if !std::mem::replace(&mut reported, true) {
                        sink(Event::Waiting { holder });
                    }
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Err(TryLockError::Error(error)) => return Err(io(error)),
            }
        }
        // Only for messages: a disk that is full must not keep an update from saying so itself.
        let _ = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(std::process::id().to_string().as_bytes()));
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
