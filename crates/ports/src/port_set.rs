//! The ports that a coordinator and a worker in one process share, beside the image source and the observer.

use std::sync::Arc;

use crate::{Clock, FailureStore, JobQueue, LayerCache, LayerQueue, VerdictStore};

/// One adapter for each port.
#[derive(Clone)]
pub struct PortSet {
    /// Layer inventories.
    pub cache: Arc<dyn LayerCache>,
    /// Layer tasks.
    pub layers: Arc<dyn LayerQueue>,
    /// Jobs.
    pub jobs: Arc<dyn JobQueue>,
    /// Verdicts and reports.
    pub verdicts: Arc<dyn VerdictStore>,
    /// Layers that failed.
    pub failures: Arc<dyn FailureStore>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}
