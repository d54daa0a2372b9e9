//! The decisions of the loops as functions over values: what follows an attempt at a layer, what a job still
//! lacks. Nothing here does anything, so that tables test all of it.

mod attempt;
mod gathering;

pub use attempt::{Attempt, Next, RetryPolicy, after};
pub use gathering::{Gathering, LayerState};
