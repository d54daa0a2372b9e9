//! Verdicts: a small record for each job, and the compressed report of each image beside it.

use std::{pin::Pin, sync::Arc};

use async_trait::async_trait;
use futures::Stream;
use layergate_model::Report;

use crate::values::{IdempotencyKey, JobId, ReportKey, VerdictRecord};

/// A store could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {what}")]
pub struct StoreError {
    /// The bucket, table or server.
    pub place: String,
    /// What happened, the operation named.
    pub what: String,
    /// There is no room: it goes well again when something was taken away, or was given more.
    pub full: bool,
}

/// Verdict records as they are stored.
pub type VerdictStream = Pin<Box<dyn Stream<Item = VerdictRecord> + Send>>;

/// Verdicts by job, reports by what they depend on.
#[async_trait]
pub trait VerdictStore: Send + Sync {
    /// Stores the verdict of a job **unless the job has one already**; the one that stands. A job that was delivered
    /// twice has one verdict, whoever finishes first. Whoever watches is reported.
    async fn put(&self, record: &VerdictRecord) -> Result<VerdictRecord, StoreError>;

    /// The verdict of a job.
    async fn get(&self, job: &JobId) -> Result<Option<VerdictRecord>, StoreError>;

    /// Every verdict stored from now on, of all jobs. One watch serves a whole process. A slow reader may miss some:
    /// it asks `get` again from time to time.
    async fn watch(&self) -> Result<VerdictStream, StoreError>;

    /// Keeps a report. Stored before the record that names it. Reports may be evicted, least recently written first;
    /// the record stays. Adapters that leave the process store what [`crate::codec::encode_report`] makes.
    async fn put_report(&self, key: &ReportKey, report: &Arc<Report>) -> Result<(), StoreError>;

    /// A report; `None` when it was never stored, is evicted or cannot be read.
    async fn get_report(&self, key: &ReportKey) -> Result<Option<Arc<Report>>, StoreError>;

    /// Binds an idempotency key to a job, unless it is bound already; the job that it is bound to. Bindings may expire
    /// after a day.
    async fn claim(&self, key: &IdempotencyKey, job: &JobId) -> Result<JobId, StoreError>;
}
