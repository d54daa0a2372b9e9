//! Uploaded SBOMs: compressed, in parts, in a bucket that forgets them after a day.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use layergate_model::Digest;
use layergate_ports::{MAX_SBOM_BYTES, SbomStore, StoreError, codec};

use crate::{blobs::Blobs, error::NatsError, link::Link, names::Kind};

/// Beyond a document itself its compressed form is small, even where it does not compress.
const MAX_STORED: u64 = MAX_SBOM_BYTES as u64 + (1 << 20);

/// Uploaded SBOMs on JetStream.
pub struct NatsSboms {
    documents: Blobs,
}

impl NatsSboms {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { documents: Blobs::new(link, Kind::Sboms) }
    }

    fn error(&self, what: impl ToString) -> NatsError {
        NatsError::new(self.documents.bucket().place(), what)
    }
}

#[async_trait]
impl SbomStore for NatsSboms {
    async fn put(&self, document: Bytes) -> Result<Digest, StoreError> {
        let packed = tokio::task::spawn_blocking(move || {
            codec::encode_sbom(&document).map(|packed| (Digest::of(&document), packed))
        });
        let (digest, packed) = packed.await.map_err(|e| self.error(e))?.map_err(|e| self.error(e))?;
        self.documents.put(&digest.to_hex(), packed.into()).await?;
        Ok(digest)
    }

    async fn get(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        let Some(stored) = self.documents.get(&digest.to_hex(), MAX_STORED).await? else { return Ok(None) };
        let wanted = *digest;
        let read = tokio::task::spawn_blocking(move || codec::decode_sbom(&stored, &wanted)).await;
        match read.map_err(|e| self.error(e))? {
            Ok(document) => Ok(Some(document.into())),
            Err(error) => {
                tracing::warn!(%digest, %error, "an uploaded SBOM cannot be read");
                Ok(None)
            }
        }
    }
}
