//! The layer cache: what a layer contains, by its key. The only shared state of the fleet that matters, and all of it
//! can be made again: a missing, damaged or unknown value is a miss, never an error.

use std::sync::Arc;

use async_trait::async_trait;
use layergate_model::LayerInventory;

use crate::values::LayerKey;

/// The cache could not be asked. A value that is not there, is damaged or of an unknown format is not an error.
#[derive(Debug, thiserror::Error)]
#[error("layer cache {place}: {what}")]
pub struct CacheError {
    /// The directory, bucket or server.
    pub place: String,
    /// What happened, the operation named.
    pub what: String,
}

/// Layer inventories (path tables included) by key.
///
/// Values are written with [`crate::codec`]; whatever it refuses to read is a miss, and the adapter removes it.
/// Once `put` has returned, every other process that shares the cache can `get` the value.
#[async_trait]
pub trait LayerCache: Send + Sync {
    /// The inventories, in the order of `keys`; `None` for a miss.
    async fn get_many(&self, keys: &[LayerKey]) -> Result<Vec<Option<Arc<LayerInventory>>>, CacheError>;

    /// Which of the keys are there, in one batch, without their bodies. `true` may prove wrong a moment later (evicted
    /// or damaged): the caller is ready for a miss in `get_many`.
    async fn contains_many(&self, keys: &[LayerKey]) -> Result<Vec<bool>, CacheError>;

    /// Stores a value. Two writers of one key write the same value (invariant 2), so that either may win.
    async fn put(&self, key: &LayerKey, inventory: &Arc<LayerInventory>) -> Result<(), CacheError>;

    /// Forgets a value: whoever found that it is not what it should be.
    async fn remove(&self, key: &LayerKey) -> Result<(), CacheError>;

    /// Removes the key of a value that turned out to be missing, unless the value has come meanwhile. Many jobs find the same
    /// loss; the slower ones must not take away what was made again for the quicker.
    async fn invalidate_if_absent(&self, key: &LayerKey) -> Result<(), CacheError> {
        match self.get(key).await? {
            Some(_) => Ok(()),
            None => self.remove(key).await,
        }
    }

    /// One inventory.
    async fn get(&self, key: &LayerKey) -> Result<Option<Arc<LayerInventory>>, CacheError> {
        Ok(self.get_many(std::slice::from_ref(key)).await?.pop().flatten())
    }

    /// Makes what was put last a crash of the machine (adapters that write through do nothing).
    async fn flush(&self) -> Result<(), CacheError> {
        Ok(())
    }
}
