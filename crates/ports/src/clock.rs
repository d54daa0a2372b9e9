//! Time, as a port: the simulation's is virtual. Deadlines and back-off go through here; nothing in a cached value does.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// Time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The wall clock, for deadlines that travel between machines and for `as_of`.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment; never goes back. For everything inside one process.
    fn monotonic(&self) -> Duration;

    /// Waits.
    async fn sleep(&self, duration: Duration);
}
