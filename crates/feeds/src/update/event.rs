//! What an update shows while it is under way. Whoever draws progress bars listens.

use std::{sync::Arc, time::Duration};

use crate::Progress;

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Another update holds the mirror; this one waits for it.
    Waiting {
        /// The other process, where it said so.
        holder: Option<u32>,
    },
    /// So many files will be asked for.
    Planned {
        /// How many.
        files: usize,
    },
    /// A file's bytes began to come.
    Started {
        /// `source/path`.
        file: String,
        /// Bytes in all, where the server said so.
        total: Option<u64>,
        /// Bytes that an earlier try had fetched already.
        resumed: u64,
    },
    /// So many of its bytes are here.
    Received {
        /// `source/path`.
        file: String,
        /// Bytes so far.
        bytes: u64,
    },
    /// A try failed; the next one comes after a while.
    Retry {
        /// `source/path`.
        file: String,
        /// What happened.
        why: String,
        /// How long the wait is.
        wait: Duration,
    },
    /// A file is done.
    Fetched {
        /// `source/path`.
        file: String,
        /// Its size; `None` when it had not changed.
        bytes: Option<u64>,
    },
    /// A file could not be had.
    Failed {
        /// `source/path`.
        file: String,
        /// Why.
        why: String,
    },
    /// The snapshot is being built.
    Building(Progress),
}

/// Who listens.
pub type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

/// Nobody.
pub fn quiet() -> EventSink {
    Arc::new(|_| {})
}
