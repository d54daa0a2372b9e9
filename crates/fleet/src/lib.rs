//! The engine over the ports (`layergate_ports`): the coordinator, the worker, and the composition of both that a scan
//! on one machine is.
//!
//! Nothing here knows NATS, HTTP or a file system: the single-machine scan and the fleet run these same loops over two
//! sets of adapters (invariant 4). Decisions are functions over values ([`decide`]); the loops only carry them out.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod coordinator;
pub mod decide;
pub mod evaluator;
mod feed;
pub mod manifests;
pub mod reader;
pub mod scan;
pub mod worker;
