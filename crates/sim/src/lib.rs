//! Thousands of workers, faults and a virtual clock in one seeded process.
//!
//! The loops of `layergate_fleet` as they are, over ports that lose, delay, double and reorder, with members that die at any
//! await point; the in-memory adapters of `layergate_local` are the server. An oracle checks every event. The same seed has
//! the same trace: `docs/simulation.md` says how to replay.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod catalogue;
mod faults;
mod net;
mod oracle;
mod outcome;
mod plan;
mod queues;
mod rng;
mod run;
mod sabotage;
mod stores;
mod world;

pub use faults::Faults;
pub use oracle::Counts;
pub use outcome::Outcome;
pub use plan::Plan;
pub use run::run;
pub use sabotage::Sabotage;
