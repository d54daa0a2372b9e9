//! The shared layer cache: bodies in `inventories`, the index of them in `done`. A body is written before its key, and a
//! key without a body (evicted, or lost) is a miss. Packing and unpacking happen on threads that may block.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use layergate_model::LayerInventory;
use layergate_ports::{
    CacheError, LayerCache, codec,
    values::{Fingerprint, LayerKey},
};

use crate::{blobs::Blobs, error::NatsError, layers::Done, link::Link, names::Kind};

/// Bodies fetched and unpacked at one time, for one question.
const AT_A_TIME: usize = 8;
/// A stored inventory is at most this large: what is larger was not written by us.
const MAX_BODY: u64 = 512 << 20;

/// Layer inventories on JetStream.
pub struct NatsCache {
    bodies: Blobs,
    done: Done,
}

impl NatsCache {
    pub(crate) fn new(link: Arc<Link>, done: Done) -> Self {
        Self { bodies: Blobs::new(link, Kind::Inventories), done }
    }

    async fn body(&self, key: LayerKey) -> Result<Option<Arc<LayerInventory>>, NatsError> {
        let Some(stored) = self.bodies.get(&key.to_string(), MAX_BODY).await? else { return Ok(None) };
        let read = tokio::task::spawn_blocking(move || codec::decode_inventory(&stored, key.digest)).await;
        match read.map_err(|e| NatsError::new(self.bodies.bucket().place(), e))? {
            Ok(inventory) => Ok(Some(Arc::new(inventory))),
            Err(error) => {
                tracing::warn!(%key, %error, "a stored inventory cannot be read; it is removed");
                self.forget(&key).await?;
                Ok(None)
            }
        }
    }

    async fn forget(&self, key: &LayerKey) -> Result<(), NatsError> {
        // The key first: nobody is sent to a body that is about to go.
        self.done.forget(key).await?;
        self.bodies.remove(&key.to_string()).await
    }

    /// Deletes everything of an analyzer set; how many layers it had.
    pub(crate) async fn purge(&self, fingerprint: &Fingerprint) -> Result<u64, NatsError> {
        let layers = self.done.purge(fingerprint).await?;
        self.bodies.bucket().purge(&format!("{fingerprint}.>")).await?;
        Ok(layers)
    }
}

#[async_trait]
impl LayerCache for NatsCache {
    async fn get_many(&self, keys: &[LayerKey]) -> Result<Vec<Option<Arc<LayerInventory>>>, CacheError> {
        let bodies = stream::iter(keys.to_vec()).map(|key| self.body(key)).buffered(AT_A_TIME);
        Ok(bodies.try_collect().await?)
    }

    async fn contains_many(&self, keys: &[LayerKey]) -> Result<Vec<bool>, CacheError> {
        Ok(self.done.contains(keys).await?)
    }

    async fn put(&self, key: &LayerKey, inventory: &Arc<LayerInventory>) -> Result<(), CacheError> {
        let place = || self.bodies.bucket().place().to_owned();
        let inventory = inventory.clone();
        let packed = tokio::task::spawn_blocking(move || codec::encode_inventory(&inventory)).await;
        let packed = packed.map_err(|e| CacheError { place: place(), what: e.to_string() })?;
        let packed = packed.map_err(|e| CacheError { place: place(), what: format!("{key} cannot be packed: {e}") })?;
        self.bodies.put(&key.to_string(), Bytes::from(packed)).await?;
        Ok(self.done.stored(key).await?)
    }

    async fn invalidate_if_absent(&self, key: &LayerKey) -> Result<(), CacheError> {
        // The word first, then the body: a body that comes after this look has a later word, which stands.
        let Some(word) = self.done.word(key).await? else { return Ok(()) };
        if self.body(*key).await?.is_none() {
            self.done.retract(key, word).await?;
        }
        Ok(())
    }

    async fn remove(&self, key: &LayerKey) -> Result<(), CacheError> {
        Ok(self.forget(key).await?)
    }
}
