//! The ports in one process: queues in memory, caches in memory, in a directory and in sled, verdicts in memory,
//! snapshots in a directory; and the set of them that `layergate scan` runs the engine over.
//!
//! The queues keep the whole contract of the fleet's (single flight, leases, redelivery), so that the single-machine
//! scan runs the very loops that the fleet runs (invariant 4).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bounded_dir;
mod clock;
mod dir_cache;
mod estate_dir;
mod failures;
mod jobs;
mod kept_reports;
mod layers;
mod lease;
mod lease_queue;
mod membership;
mod memory_cache;
mod one_process;
mod pack;
mod private;
mod sboms;
mod sled_cache;
mod snapshots;
mod tiered_cache;
mod verdicts;

pub use clock::SystemClock;
pub use dir_cache::DirCache;
pub use estate_dir::{EstateDir, EstateDirError};
pub use failures::MemoryFailures;
pub use jobs::LocalJobs;
pub use kept_reports::KeptReports;
pub use layers::LocalLayers;
pub use membership::MemoryMembership;
pub use memory_cache::MemoryCache;
pub use one_process::{ACK_WAIT, one_process};
pub use private::{check as check_private, create as create_private, user};
pub use sboms::MemorySboms;
pub use sled_cache::SledCache;
pub use snapshots::DirSnapshots;
pub use tiered_cache::TieredCache;
pub use verdicts::MemoryVerdicts;

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is behind these locks is whole between any two statements, so that a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
