//! A cache of one's own in front of a shared one.
//!
//! Values are functions of their keys, so that whichever tier has one may give it. What the tiers differ in is what
//! `contains` promises: a worker says "it is there" to everybody, and must mean the shared tier; a reader only needs
//! it.

use std::sync::Arc;

use async_trait::async_trait;
use layergate_model::LayerInventory;
use layergate_ports::{CacheError, LayerCache, values::LayerKey};

/// Two caches, the nearer one asked first.
pub struct TieredCache {
    near: Arc<dyn LayerCache>,
    shared: Arc<dyn LayerCache>,
    /// Whether a value that only the near tier has counts as there.
    near_counts: bool,
}

impl TieredCache {
    /// For a coordinator: what the near tier has is there.
    pub fn for_reading(near: Arc<dyn LayerCache>, shared: Arc<dyn LayerCache>) -> Self {
        Self { near, shared, near_counts: true }
    }

    /// For a worker: only what the shared tier has is there. What the shared tier has lost and the near one still has
    /// is put back on the way.
    pub fn for_sharing(near: Arc<dyn LayerCache>, shared: Arc<dyn LayerCache>) -> Self {
        Self { near, shared, near_counts: false }
    }

    /// The near tier is a convenience: its troubles are reported and nothing else.
    fn near_trouble(error: &CacheError) {
        tracing::warn!(%error, "the local layer cache is of no use");
    }

    async fn near_get(&self, keys: &[LayerKey]) -> Vec<Option<Arc<LayerInventory>>> {
        self.near.get_many(keys).await.unwrap_or_else(|error| {
            Self::near_trouble(&error);
            vec![None; keys.len()]
        })
    }
}

/// The keys that have no answer yet, with their places.
fn open<T>(keys: &[LayerKey], answers: &[T], unanswered: impl Fn(&T) -> bool) -> (Vec<usize>, Vec<LayerKey>) {
    keys.iter().enumerate().filter(|(at, _)| unanswered(&answers[*at])).map(|(at, key)| (at, *key)).unzip()
}

#[async_trait]
impl LayerCache for TieredCache {
    async fn get_many(&self, keys: &[LayerKey]) -> Result<Vec<Option<Arc<LayerInventory>>>, CacheError> {
        let mut found = self.near_get(keys).await;
        let (places, missing) = open(keys, &found, Option::is_none);
        if missing.is_empty() {
            return Ok(found);
        }
        for ((at, key), value) in places.iter().zip(&missing).zip(self.shared.get_many(&missing).await?) {
            if let Some(value) = &value
                && let Err(error) = self.near.put(key, value).await
            {
                Self::near_trouble(&error);
            }
            found[*at] = value;
        }
        Ok(found)
    }

    async fn contains_many(&self, keys: &[LayerKey]) -> Result<Vec<bool>, CacheError> {
        if self.near_counts {
            let mut there = self.near.contains_many(keys).await.unwrap_or_else(|error| {
                Self::near_trouble(&error);
                vec![false; keys.len()]
            });
            let (places, missing) = open(keys, &there, |there| !there);
            if !missing.is_empty() {
                for (at, shared) in places.into_iter().zip(self.shared.contains_many(&missing).await?) {
                    there[at] = shared;
                }
            }
            return Ok(there);
        }
        let mut there = self.shared.contains_many(keys).await?;
        let (places, missing) = open(keys, &there, |there| !there);
        if !missing.is_empty() {
            for ((at, key), value) in places.iter().zip(&missing).zip(self.near_get(&missing).await) {
                if let Some(value) = value {
                    self.shared.put(key, &value).await?;
                    there[*at] = true;
                }
            }
        }
        Ok(there)
    }

    async fn put(&self, key: &LayerKey, inventory: &Arc<LayerInventory>) -> Result<(), CacheError> {
        self.shared.put(key, inventory).await?;
        if let Err(error) = self.near.put(key, inventory).await {
            Self::near_trouble(&error);
        }
        Ok(())
    }

    async fn remove(&self, key: &LayerKey) -> Result<(), CacheError> {
        if let Err(error) = self.near.remove(key).await {
            Self::near_trouble(&error);
        }
        self.shared.remove(key).await
    }

    async fn flush(&self) -> Result<(), CacheError> {
        if let Err(error) = self.near.flush().await {
            Self::near_trouble(&error);
        }
        self.shared.flush().await
    }
}
