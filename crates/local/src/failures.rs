//! Failure records in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use layergate_ports::{
    Clock, FailureKind, FailureStore, LayerFailure, StoreError,
    values::{LayerKey, SourceId},
};

use crate::lock;

/// Failure records in memory.
pub struct MemoryFailures {
    clock: Arc<dyn Clock>,
    records: Mutex<HashMap<(LayerKey, FailureKind), (LayerFailure, Duration)>>,
}

impl MemoryFailures {
    /// No failures yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, records: Mutex::default() }
    }
}

#[async_trait]
impl FailureStore for MemoryFailures {
    async fn record(&self, key: &LayerKey, failure: &LayerFailure, ttl: Duration) -> Result<(), StoreError> {
        let now = self.clock.monotonic();
        let mut records = lock(&self.records);
        records.retain(|_, (_, until)| *until > now);
        records.insert((*key, failure.kind), (failure.clone(), now + ttl));
        Ok(())
    }

    async fn look_up(&self, layers: &[(LayerKey, SourceId)]) -> Result<Vec<Option<LayerFailure>>, StoreError> {
        let now = self.clock.monotonic();
        let records = lock(&self.records);
        let valid = |key: &LayerKey, kind| {
            records.get(&(*key, kind)).filter(|(_, until)| *until > now).map(|(failure, _)| failure.clone())
        };
        let found = layers.iter().map(|(key, source)| {
            valid(key, FailureKind::Quarantined).or_else(|| valid(key, FailureKind::Source(*source)))
        });
        Ok(found.collect())
    }
}
