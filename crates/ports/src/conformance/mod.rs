//! What every adapter of a port must hold, as functions that take a factory: run by the tests of `local` over memory,
//! directories and sled, and by those of `nats` over a real server. They panic where an adapter does not hold.
//!
//! A factory gives a fresh, empty store each time it is called. Times are real unless the test pauses tokio's clock.
#![allow(clippy::expect_used, clippy::panic, reason = "a suite reports by panicking")]

mod cache;
mod estate;
mod failures;
mod jobs;
mod layers;
mod membership;
mod samples;
mod sboms;
mod snapshots;
mod verdicts;

pub use cache::{layer_cache, shared_layer_cache};
pub use estate::estate_store;
pub use failures::failure_store;
pub use jobs::job_queue;
pub use layers::layer_queue;
pub use membership::membership;
pub use samples::{fingerprint, inventory, job, key, locator, report, second_look, task, verdict};
pub use sboms::sbom_store;
pub use snapshots::snapshot_store;
pub use verdicts::verdict_store;

/// The answer of a port that must not fail here.
trait Holds<T> {
    fn holds(self, what: &str) -> T;
}

impl<T, E: std::fmt::Debug> Holds<T> for Result<T, E> {
    #[track_caller]
    fn holds(self, what: &str) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("{what}: {error:?}"),
        }
    }
}

impl<T> Holds<T> for Option<T> {
    #[track_caller]
    fn holds(self, what: &str) -> T {
        match self {
            Some(value) => value,
            None => panic!("{what}: nothing"),
        }
    }
}
