//! SBOMs as images without layers: a file of this machine, or a document that a client of the fleet uploaded.
//!
//! Both are read by `layergate_report::sbom`. An uploaded one has narrower bounds, in bytes when it arrives
//! ([`MAX_SBOM_BYTES`]) and in components when it is read: a coordinator reads foreign documents beside its work.

use std::{fs::File, io::Read as _, path::Path, sync::Arc};

use async_trait::async_trait;
use layergate_model::{Digest, ImageInventory};
use layergate_ports::{
    BlobStream, ImageSource, MAX_SBOM_BYTES, SbomStore,
    values::{
        ErrorDetail, ImageContent, ImageLocator, ImageRequest, LayerLocator, ResolvedImage, SourceError, UploadedSbom,
    },
};
use layergate_report::sbom::{self, SbomError};
use tokio::sync::Semaphore;

use crate::error_detail;

/// Components of an uploaded document. The largest images have some ten thousand.
const MAX_UPLOADED_COMPONENTS: usize = 100_000;
/// Uploaded documents that are read at a time: each takes some times its size in memory.
const AT_ONCE: usize = 2;

/// The document at `path`.
pub(crate) fn of_file(path: &Path) -> Result<ResolvedImage, SourceError> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|f| f.take(sbom::MAX_BYTES as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|e| error_detail::file(path, &e))?;
    let inventory = sbom::read(&bytes, &name).map_err(|error| refused(&name, error))?;
    Ok(image(&bytes, &name, inventory))
}

fn image(bytes: &[u8], name: &str, inventory: ImageInventory) -> ResolvedImage {
    ResolvedImage {
        reference: format!("sbom:{name}"),
        digest: Digest::of(bytes),
        index_digest: None,
        platform: None,
        content: ImageContent::Sbom(Arc::new(inventory)),
        layers: Vec::new(),
        gaps: Vec::new(),
        other_platforms: Vec::new(),
        left_out: Vec::new(),
    }
}

fn refused(name: &str, error: SbomError) -> SourceError {
    match error {
        SbomError::TooLarge { what, .. } => {
            error_detail::unsupported(name, format!("the SBOM is over the limit: {what}"), "judge it in parts")
        }
        SbomError::NotAnSbom { what, .. } => {
            let hint = "CycloneDX (JSON, XML), SPDX (JSON, tag-value, JSON-LD) and Syft's JSON can be read";
            SourceError::NotAnImage(ErrorDetail::new(name, format!("this is {what} and not an SBOM"), hint))
        }
        SbomError::Malformed { format, source, .. } => {
            error_detail::malformed(name, format!("the SBOM is not valid {format}: {source}"))
        }
    }
}

/// An image source that answers for uploaded SBOMs, and passes everything else on.
pub struct UploadedSboms {
    inner: Arc<dyn ImageSource>,
    store: Arc<dyn SbomStore>,
    places: Semaphore,
}

impl UploadedSboms {
    /// SBOMs from `store`, everything else from `inner`.
    pub fn new(inner: Arc<dyn ImageSource>, store: Arc<dyn SbomStore>) -> Self {
        Self { inner, store, places: Semaphore::new(AT_ONCE) }
    }

    async fn read(&self, sbom: &UploadedSbom) -> Result<ResolvedImage, SourceError> {
        let name = sbom.name.to_string();
        let _place = self.places.acquire().await;
        let found = self.store.get(&sbom.digest).await;
        let found = found.map_err(|e| error_detail::unavailable(&name, format!("uploaded SBOMs: {e}"), ""))?;
        let document = found.ok_or_else(|| {
            let what = format!("the uploaded SBOM {} is not kept, or no longer", sbom.digest);
            error_detail::not_found(&name, what, "upload it again")
        })?;
        let read = tokio::task::spawn_blocking(move || {
            let inventory = sbom::read_within(&document, &name, MAX_UPLOADED_COMPONENTS);
            inventory.map(|i| image(&document, &name, i)).map_err(|error| refused(&name, error))
        });
        let read = read.await;
        read.unwrap_or_else(|_| {
            Err(error_detail::malformed(&sbom.name, "reading the SBOM broke down; please report this"))
        })
    }
}

#[async_trait]
impl ImageSource for UploadedSboms {
    async fn resolve(&self, request: &ImageRequest) -> Result<Vec<ResolvedImage>, SourceError> {
        match &request.image {
            ImageLocator::Sbom(sbom) => Ok(vec![self.read(sbom).await?]),
            _ => self.inner.resolve(request).await,
        }
    }

    async fn open(&self, layer: &LayerLocator) -> Result<BlobStream, SourceError> {
        self.inner.open(layer).await
    }
}

// What the store takes can be read.
const _: () = assert!(MAX_SBOM_BYTES <= sbom::MAX_BYTES);
