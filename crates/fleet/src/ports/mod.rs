//! The ports: what the coordinator and the worker need of the world, and nothing more.
//!
//! Every trait here is object-safe and has at least two adapters (`local` and `nats`, or `registry`); the suite in
//! [`crate::conformance`] says what an adapter must hold. Domain logic never sees an adapter's types or errors.

mod cache;
mod clock;
mod failures;
mod queue;
mod roster;
mod snapshot;
mod source;
mod verdicts;

pub use cache::{CacheError, LayerCache};
pub use clock::Clock;
pub use failures::{FailureKind, FailureStore, LayerFailure};
pub use queue::{
    DoneEvent, DoneOutcome, DoneStream, JobDelivery, JobQueue, LayerDelivery, LayerQueue, Lease, Published, QueueError,
};
pub use roster::{DrainStream, Holding, Member, MemberKind, MemberState, Roster};
pub use snapshot::{SnapshotError, SnapshotStore, SnapshotStream};
pub use source::{
    BlobStream, ImageLocator, ImageRequest, ImageSource, LayerDescriptor, LayerLocator, LocalBlob, PlatformSelection,
    RegistryBlob, ResolvedImage, SourceError, Trouble,
};
pub use verdicts::{StoreError, VerdictStore, VerdictStream};
