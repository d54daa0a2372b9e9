//! Where images come from: a reference to its manifest, configuration and layers, and a layer to its bytes.
//!
//! Adapters: OCI registries and local archives, layouts and root file systems (`registry`). An adapter retries what
//! can be retried within one call; what it gives back after that is final for this call, and [`SourceError`] says
//! whether another try later makes sense.

use std::{io, pin::Pin};

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;

use crate::values::{ImageRequest, LayerLocator, ResolvedImage, SourceError};

/// A blob's bytes as they arrive.
pub struct BlobStream {
    /// How many bytes to expect, where known.
    pub length: Option<u64>,
    /// The bytes. An error of kind `UnexpectedEof` or of the network is trouble of the source, never of the layer. The
    /// stream does not verify the digest: whoever reads it does.
    pub chunks: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
}

/// Where images come from.
#[async_trait]
pub trait ImageSource: Send + Sync {
    /// The images of a request, one for each platform selected, in the index's order. An empty answer is not allowed:
    /// an index without the platform is [`SourceError::NotFound`] with the platforms there are.
    async fn resolve(&self, request: &ImageRequest) -> Result<Vec<ResolvedImage>, SourceError>;

    /// The bytes of a layer.
    async fn open(&self, layer: &LayerLocator) -> Result<BlobStream, SourceError>;
}
