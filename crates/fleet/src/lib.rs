//! The fleet's logic over its ports: the coordinator, the worker, and the suite that every adapter passes.
//!
//! Nothing here knows NATS, HTTP or a file system: the single-machine scan and the fleet run these same loops over two sets
//! of adapters (invariant 4). Decisions are functions over values ([`decide`]); the loops only carry them out.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod codec;
pub mod conformance;
pub mod coordinator;
pub mod decide;
mod feed;
pub mod gate;
pub mod manifests;
pub mod observe;
pub mod ports;
pub mod reader;
pub mod values;
pub mod worker;
