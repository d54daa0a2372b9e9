//! The decisions of the loops as functions over values: what follows an attempt at a layer, how long to wait, what a job
//! still lacks. Nothing here does anything, so that tables test all of it.

mod attempt;
mod backoff;
mod gathering;

pub use attempt::{Attempt, Next, RetryPolicy, after};
pub use backoff::Backoff;
pub use gathering::{Gathering, LayerState};
