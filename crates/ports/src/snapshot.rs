//! The advisory snapshot: one immutable file named by its digest, published once, fetched and verified by everybody.

use std::{
    path::{Path, PathBuf},
    pin::Pin,
};

use async_trait::async_trait;
use futures::Stream;
use layergate_model::Digest;

/// Why a snapshot could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// No such snapshot.
    #[error("there is no advisory snapshot {0}; run `layergate db push` or `layergate db update`")]
    NotFound(Digest),
    /// Its bytes are not those of its name.
    #[error("the advisory snapshot {expected} arrived as {actual} and was thrown away")]
    Mismatch {
        /// The name.
        expected: Digest,
        /// What its bytes hash to.
        actual: Digest,
    },
    /// The store cannot be reached or used.
    #[error("advisory snapshots in {place}: {what}")]
    Unavailable {
        /// Directory, bucket or server.
        place: String,
        /// What happened.
        what: String,
    },
}

/// Digests of snapshots as they become current.
pub type SnapshotStream = Pin<Box<dyn Stream<Item = Digest> + Send>>;

/// Snapshots by digest, and which one is current.
#[async_trait]
pub trait SnapshotStore: Send + Sync {
    /// The digest of the current snapshot; `None` when none was ever announced.
    async fn current(&self) -> Result<Option<Digest>, SnapshotError>;

    /// A local path of the snapshot, its digest verified when it arrived. Fetching the same one twice is cheap.
    async fn fetch(&self, digest: &Digest) -> Result<PathBuf, SnapshotError>;

    /// Stores a file; its digest. Does not make it current. Publishing the same bytes twice is no error.
    async fn publish(&self, file: &Path) -> Result<Digest, SnapshotError>;

    /// Makes a published snapshot current and shows everybody who watches.
    async fn announce(&self, digest: &Digest) -> Result<(), SnapshotError>;

    /// The current snapshot, if any, and then every new one.
    async fn watch(&self) -> Result<SnapshotStream, SnapshotError>;
}
