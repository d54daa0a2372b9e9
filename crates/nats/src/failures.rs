//! Failure records: values with a time to live, `<layer>.q` for a quarantine and `<layer>.<source>` for a source.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use layergate_ports::{
    FailureKind, FailureStore, LayerFailure, StoreError,
    values::{LayerKey, SourceId},
};

use crate::{bucket::Bucket, convert, error::NatsError, link::Link, names::Kind};

/// Failure records on JetStream.
pub struct NatsFailures {
    bucket: Bucket,
}

impl NatsFailures {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { bucket: Bucket::new(link, Kind::Failures) }
    }
}

fn name(key: &LayerKey, source: Option<SourceId>) -> String {
    match source {
        Some(source) => format!("{key}.{source}"),
        None => format!("{key}.q"),
    }
}

#[async_trait]
impl FailureStore for NatsFailures {
    async fn record(&self, key: &LayerKey, failure: &LayerFailure, ttl: Duration) -> Result<(), StoreError> {
        let source = match failure.kind {
            FailureKind::Source(source) => Some(source),
            FailureKind::Quarantined => None,
        };
        let value = convert::failure_to_wire(failure).map_err(|e| NatsError::new(self.bucket.place(), e))?;
        Ok(self.bucket.put(&name(key, source), &value, Some(ttl)).await?)
    }

    async fn look_up(&self, layers: &[(LayerKey, SourceId)]) -> Result<Vec<Option<LayerFailure>>, StoreError> {
        let names: Vec<String> =
            layers.iter().flat_map(|(key, source)| [name(key, None), name(key, Some(*source))]).collect();
        let found = self.bucket.get_many(&names).await?;
        // A record that cannot be read is none: the layer is tried again.
        let read = |value: &Option<Bytes>, source| convert::failure_from_wire(value.clone()?, source).ok();
        let both = found.chunks(2).zip(layers);
        Ok(both.map(|(pair, (_, source))| read(&pair[0], None).or_else(|| read(&pair[1], Some(*source)))).collect())
    }
}
