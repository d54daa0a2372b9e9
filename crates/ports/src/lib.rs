//! The ports: what the coordinator and the worker need of the world, and nothing more; the values that travel through
//! them, their stored forms, and the suite that every adapter passes.
//!
//! Every trait here is object-safe and has at least two adapters (`local` and `nats`, or `registry`); the suite in
//! [`conformance`] states what an adapter must hold. Domain logic never sees an adapter's types or errors, and an
//! adapter never sees the engine: this crate knows `model` only.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod cache;
mod clock;
pub mod codec;
pub mod conformance;
mod estate;
mod failures;
mod membership;
pub mod observe;
mod port_set;
mod queue;
mod sboms;
mod snapshot;
mod source;
pub mod values;
mod verdicts;

pub use cache::{CacheError, LayerCache};
pub use clock::Clock;
pub use estate::{AppendError, BlobName, EstateStore, MAX_BLOB, MAX_RECORD, Record, Shard};
pub use failures::{FailureKind, FailureStore, LayerFailure};
pub use membership::{DrainStream, Holding, Member, MemberKind, MemberState, Membership};
pub use port_set::PortSet;
pub use queue::{
    DoneEvent, DoneOutcome, DoneStream, JobDelivery, JobQueue, LayerDelivery, LayerQueue, Lease, Published, QueueError,
};
pub use sboms::{MAX_SBOM_BYTES, SbomStore};
pub use snapshot::{SnapshotError, SnapshotStore, SnapshotStream};
pub use source::{BlobStream, ImageSource};
pub use verdicts::{StoreError, VerdictStore, VerdictStream};
