//! The two queues: jobs (one image each, by lane and tenant) and layer tasks (one layer each, single flight), and the
//! event that a layer is done. Messages are leases (invariant 5): what is not acked comes back.

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use futures::Stream;
use serde::{Deserialize, Serialize};

use crate::values::{Fingerprint, Job, JobId, Lane, LayerKey, LayerTask};

/// The queue could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// Out of reach for now: try again.
    #[error("queue {place}: {what}")]
    Unavailable {
        /// The stream, consumer or server.
        place: String,
        /// What happened, the operation named.
        what: String,
    },
    /// A message that is not what it must be.
    #[error("a message on {place} cannot be read: {what}")]
    Undecodable {
        /// The subject.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// The queue was closed: nothing will come any more.
    #[error("the queue is closed")]
    Closed,
}

/// What became of a message that was to be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// It is queued.
    Queued,
    /// The same layer (the same job) is queued or in flight already: nothing to do but wait.
    InFlight,
    /// The queue is full: try again later.
    Full,
}

/// The hold on a delivered message. Dropping it without a word leaves the message to be redelivered after the ack wait.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Done: the message is gone, confirmed by the queue (a double ack).
    async fn ack(&self) -> Result<(), QueueError>;
    /// Handed back; delivered again after `delay`.
    async fn nak(&self, delay: Duration) -> Result<(), QueueError>;
    /// Still at work: the ack wait begins anew.
    async fn progress(&self) -> Result<(), QueueError>;
    /// Taken off the queue without being done.
    async fn term(&self, reason: &str) -> Result<(), QueueError>;
}

/// A layer task, held.
pub struct LayerDelivery {
    /// The layer, from the message's address: known even when the message itself cannot be read.
    pub key: LayerKey,
    /// The task.
    pub task: Result<LayerTask, QueueError>,
    /// How often it has been delivered, this time included; 1 the first time.
    pub deliveries: u64,
    /// The hold on it.
    pub lease: Box<dyn Lease>,
}

/// A job, held.
pub struct JobDelivery {
    /// The job's id, from the message's address or head.
    pub id: JobId,
    /// The job.
    pub job: Result<Job, QueueError>,
    /// How often it has been delivered, this time included; 1 the first time.
    pub deliveries: u64,
    /// The hold on it.
    pub lease: Box<dyn Lease>,
}

/// How a layer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoneOutcome {
    /// Its inventory is in the cache.
    Stored,
    /// A failure record was written.
    Failed,
}

/// The event that a layer is done. It only wakes whoever waits: the truth is in the cache and the failure records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DoneEvent {
    /// The layer.
    pub key: LayerKey,
    /// How it ended.
    pub outcome: DoneOutcome,
}

/// Layers as they are done. Events may be lost, repeated or late.
pub type DoneStream = Pin<Box<dyn Stream<Item = DoneEvent> + Send>>;

/// Layer tasks.
#[async_trait]
pub trait LayerQueue: Send + Sync {
    /// Queues a task unless its key is queued or in flight (single flight across all who share the queue). A key can
    /// be queued again as soon as its message is acked or termed.
    async fn publish(&self, task: &LayerTask) -> Result<Published, QueueError>;

    /// Waits for the next task of this analyzer set. Dropping the future loses no message.
    async fn next(&self, fingerprint: &Fingerprint) -> Result<LayerDelivery, QueueError>;

    /// About how many tasks of this analyzer set nobody has taken yet.
    async fn waiting(&self, fingerprint: &Fingerprint) -> Result<u64, QueueError>;

    /// Says that a layer is done, after its inventory or its failure record was stored and before the message is acked.
    async fn announce(&self, event: &DoneEvent) -> Result<(), QueueError>;

    /// Every [`DoneEvent`] from now on. One watch serves a whole coordinator. The watch stands when this returns.
    async fn watch_done(&self) -> Result<DoneStream, QueueError>;
}

/// Jobs.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Queues a job. The same id again while it is queued or in flight is [`Published::InFlight`].
    async fn submit(&self, job: &Job) -> Result<Published, QueueError>;

    /// Waits for the next job of a lane; tenants take turns. Dropping the future loses no message.
    async fn next(&self, lane: Lane) -> Result<JobDelivery, QueueError>;

    /// About how many jobs of the lane nobody has taken yet.
    async fn waiting(&self, lane: Lane) -> Result<u64, QueueError>;

    /// Whether the job is queued or in flight.
    async fn holds(&self, job: &JobId) -> Result<bool, QueueError>;
}
