//! What a layer failed with: short-lived records beside the cache, so that jobs end with a gap instead of waiting.
//!
//! A failure never becomes a cached inventory (invariant 3). A source that fails is the trouble of the jobs that named
//! that source; a layer that was delivered too often is everybody's (quarantine).

use std::time::Duration;

use async_trait::async_trait;
use layergate_model::GapKind;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::values::{LayerKey, SourceId};

/// Whose trouble a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The source that the task named cannot give the blob: other sources may.
    Source(SourceId),
    /// The task was delivered too often: the layer rests, wherever it comes from.
    Quarantined,
}

/// Why a layer has no inventory for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerFailure {
    /// Whose trouble.
    pub kind: FailureKind,
    /// What it is in a report.
    pub gap: GapKind,
    /// What happened, for the gap in the report.
    pub detail: String,
}

/// Records of failures, each with a time to live after which it is as if it had never been.
#[async_trait]
pub trait FailureStore: Send + Sync {
    /// Keeps `failure` for `ttl`. A key has at most one record for each source and one quarantine; later ones replace
    /// earlier ones.
    async fn record(&self, key: &LayerKey, failure: &LayerFailure, ttl: Duration) -> Result<(), StoreError>;

    /// For each layer and the source that a job would have it from: the quarantine if there is one, else that source's
    /// failure, else `None`. In one batch.
    async fn look_up(&self, layers: &[(LayerKey, SourceId)]) -> Result<Vec<Option<LayerFailure>>, StoreError>;
}
