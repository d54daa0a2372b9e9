//! Resolved images kept in memory: an image named by its digest never changes, so that a second job for it need not ask the
//! registry. References by tag are always asked for.
//!
//! The credential is part of what is asked: a tenant that may not see an image is not answered from another's question. The
//! answer is believed for a while only, so that a revoked permission takes effect.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use layergate_ports::{
    BlobStream, Clock, ImageSource,
    values::{ImageLocator, ImageRequest, LayerLocator, ResolvedImage, SourceError},
};

#[derive(Default)]
struct Kept {
    answers: HashMap<ImageRequest, (Duration, Arc<Vec<ResolvedImage>>)>,
    order: VecDeque<ImageRequest>,
}

/// An image source that remembers.
pub struct RememberingSource {
    inner: Arc<dyn ImageSource>,
    clock: Arc<dyn Clock>,
    limit: usize,
    ttl: Duration,
    kept: Mutex<Kept>,
}

impl RememberingSource {
    /// Remembers the last `limit` images by digest, each for `ttl`.
    pub fn new(inner: Arc<dyn ImageSource>, clock: Arc<dyn Clock>, limit: usize, ttl: Duration) -> Self {
        Self { inner, clock, limit: limit.max(1), ttl, kept: Mutex::default() }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ImageSource for RememberingSource {
    async fn resolve(&self, request: &ImageRequest) -> Result<Vec<ResolvedImage>, SourceError> {
        let pinned = matches!(&request.image, ImageLocator::Registry(reference) if reference.digest.is_some());
        if !pinned {
            return self.inner.resolve(request).await;
        }
        let now = self.clock.monotonic();
        let known =
            self.kept().answers.get(request).filter(|(until, _)| *until > now).map(|(_, images)| images.clone());
        if let Some(images) = known {
            return Ok(Vec::clone(&images));
        }
        let images = self.inner.resolve(request).await?;
        let mut kept = self.kept();
        let answer = (now + self.ttl, Arc::new(images.clone()));
        if kept.answers.insert(request.clone(), answer).is_none() {
            kept.order.push_back(request.clone());
        }
        while kept.answers.len() > self.limit {
            let Some(oldest) = kept.order.pop_front() else { break };
            kept.answers.remove(&oldest);
        }
        Ok(images)
    }

    async fn open(&self, layer: &LayerLocator) -> Result<BlobStream, SourceError> {
        self.inner.open(layer).await
    }
}
