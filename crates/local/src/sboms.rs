//! Uploaded SBOMs in memory, for one process: the oldest go when there are too many bytes.

use std::{collections::VecDeque, sync::Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use layergate_model::Digest;
use layergate_ports::{MAX_SBOM_BYTES, SbomStore, StoreError};

use crate::lock;

/// SBOMs in memory.
pub struct MemorySboms {
    /// The newest last.
    documents: Mutex<VecDeque<(Digest, Bytes)>>,
    budget: usize,
}

impl MemorySboms {
    /// Keeps the last documents of `budget` bytes altogether, and the last one whatever its size.
    pub fn new(budget: usize) -> Self {
        Self { documents: Mutex::default(), budget }
    }
}

#[async_trait]
impl SbomStore for MemorySboms {
    async fn put(&self, document: Bytes) -> Result<Digest, StoreError> {
        if document.len() > MAX_SBOM_BYTES {
            let what = format!("an SBOM of {} bytes is over the limit of {MAX_SBOM_BYTES}", document.len());
            return Err(StoreError { place: "uploaded SBOMs".into(), what, full: false });
        }
        let digest = Digest::of(&document);
        let mut documents = lock(&self.documents);
        documents.retain(|(known, _)| *known != digest);
        documents.push_back((digest, document));
        while documents.len() > 1 && documents.iter().map(|(_, d)| d.len()).sum::<usize>() > self.budget {
            documents.pop_front();
        }
        Ok(digest)
    }

    async fn get(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        Ok(lock(&self.documents).iter().find(|(known, _)| known == digest).map(|(_, document)| document.clone()))
    }
}
