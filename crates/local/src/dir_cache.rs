//! The command line's layer cache: one compressed, checksummed file for each record, shared by any number of processes at
//! once without a lock.
//!
//! `DIR/<fingerprint>/<digest>`, in a directory that bounds itself (`bounded_dir.rs`). What is damaged or of an unknown
//! format is a miss and removed.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use layergate_model::LayerInventory;
use layergate_ports::{CacheError, LayerCache, codec, values::LayerKey};

use crate::{
    bounded_dir::BoundedDir,
    pack::{Stored, blocking, unpack_all},
};

/// A layer cache in a directory.
#[derive(Clone)]
pub struct DirCache(Arc<BoundedDir>);

impl DirCache {
    /// The cache in `dir`, which is made when the first record is written, kept within about `budget` bytes.
    pub fn new(dir: impl Into<PathBuf>, budget: u64) -> Self {
        Self(Arc::new(BoundedDir::new(dir.into(), budget, "layer cache")))
    }

    /// Whether a record could not be written, so that the cache is of no use.
    pub fn is_broken(&self) -> bool {
        self.0.is_broken()
    }
}

/// Where a record lies in the directory.
fn place(key: &LayerKey) -> PathBuf {
    PathBuf::from(key.fingerprint.to_string()).join(key.digest_text())
}

const PLACE: &str = "directory";

#[async_trait]
impl LayerCache for DirCache {
    async fn get_many(&self, keys: &[LayerKey]) -> Result<Vec<Option<Arc<LayerInventory>>>, CacheError> {
        let (inner, keys) = (self.0.clone(), keys.to_vec());
        blocking(PLACE, move || {
            let found = unpack_all(&keys, |key| inner.read(&place(key)));
            let answers = keys.iter().zip(found).map(|(key, stored)| match stored {
                Stored::Value(value) => Some(value),
                Stored::Missing => None,
                Stored::Damaged(why) => {
                    tracing::warn!(layer = %key.digest, why, "a record of the layer cache is damaged and thrown away");
                    inner.remove(&place(key));
                    None
                }
            });
            Ok(answers.collect())
        })
        .await
    }

    async fn contains_many(&self, keys: &[LayerKey]) -> Result<Vec<bool>, CacheError> {
        // A few stat calls: not worth a thread.
        Ok(keys.iter().map(|key| self.0.has(&place(key))).collect())
    }

    async fn put(&self, key: &LayerKey, inventory: &Arc<LayerInventory>) -> Result<(), CacheError> {
        let (inner, key, inventory) = (self.0.clone(), *key, inventory.clone());
        blocking(PLACE, move || {
            let bytes = codec::encode_inventory(&inventory)
                .map_err(|e| CacheError { place: inner.path().display().to_string(), what: e.to_string() })?;
            inner.write(&place(&key), &bytes);
            Ok(())
        })
        .await
    }

    async fn remove(&self, key: &LayerKey) -> Result<(), CacheError> {
        // What cannot be removed is noticed again when it is read again.
        self.0.remove(&place(key));
        Ok(())
    }
}
