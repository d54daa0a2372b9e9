//! What turns the layers of an image into a report: merge, match, judge. A port of its own, so that the simulation can
//! judge a hundred thousand images that do not exist.

mod standard;

use std::sync::Arc;

use async_trait::async_trait;
use layergate_model::{LayerInventory, Report};

pub use standard::{MergedListener, Snapshots, StandardEvaluator, StandardEvaluatorConfig};

use layergate_ports::values::{Job, ResolvedImage};

/// Why nothing can be judged.
#[derive(Debug, thiserror::Error)]
pub enum EvaluatorError {
    /// Another try may succeed (the snapshot is on its way).
    #[error("{0}")]
    Transient(String),
    /// It will not get better by waiting: no snapshot, a policy that cannot be read.
    #[error("{0}")]
    Final(String),
}

/// Judges images.
#[async_trait]
pub trait Evaluator: Send + Sync {
    /// Pins what a job is judged by: snapshot, policy, day. One job has one pinned, whatever is announced meanwhile.
    async fn pin(&self, job: &Job) -> Result<Arc<dyn PinnedEvaluation>, EvaluatorError>;
}

/// What one job is judged by.
#[async_trait]
pub trait PinnedEvaluation: Send + Sync {
    /// Everything of the judgement but the image, in one text: part of the key of a report.
    fn pins(&self) -> String;

    /// Whether a kept report names these pins: its place in a store is no evidence of what it was judged by.
    fn judged(&self, report: &Report) -> bool;

    /// The report on `image` whose layers, in its order, contain `layers`. CPU work; does not block the caller's
    /// thread.
    async fn assess(&self, image: &ResolvedImage, layers: Vec<Arc<LayerInventory>>) -> Result<Report, EvaluatorError>;
}
