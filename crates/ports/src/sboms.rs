//! SBOMs that clients upload: kept until the jobs on them have ended, by the digest of their bytes.

use async_trait::async_trait;
use bytes::Bytes;
use layergate_model::Digest;

use crate::StoreError;

/// Bytes of an SBOM that a fleet takes. Estates' largest documents have some tens of MiB; what is larger is judged on
/// the machine where it lies.
pub const MAX_SBOM_BYTES: usize = 32 << 20;

/// SBOMs by digest. A document that is gone ends the jobs on it as `error`: the client uploads it again.
#[async_trait]
pub trait SbomStore: Send + Sync {
    /// Stores a document of at most [`MAX_SBOM_BYTES`]; its digest. It stays for a day unless room runs out; storing
    /// the same bytes again begins the day anew. More bytes are an error.
    async fn put(&self, document: Bytes) -> Result<Digest, StoreError>;

    /// The document with this digest, verified; `None` when it was never stored, is gone or is damaged.
    async fn get(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError>;
}
