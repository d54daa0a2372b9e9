//! What the loops show while they work: progress bars, metrics and traces hang on this one hook, so that neither the
//! coordinator nor the worker knows any of them. Observers return at once; they are called on the loops' own threads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::values::{Job, JobId, LayerKey, LayerTask, ResolvedImage, VerdictRecord};

/// Bytes of a layer that the reader has taken so far; shared with whoever draws a bar.
#[derive(Debug, Default)]
pub struct Meter(AtomicU64);

impl Meter {
    /// Counts bytes.
    pub fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How one delivery of a layer task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LayerEnd {
    /// Read and stored.
    Stored,
    /// Somebody had stored it meanwhile.
    AlreadyThere,
    /// It will be tried again.
    Retried,
    /// Its source failed for good.
    Failed,
    /// It was delivered too often.
    Quarantined,
    /// The worker stops and hands it back.
    HandedBack,
}

impl LayerEnd {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Stored, Self::AlreadyThere, Self::Retried, Self::Failed, Self::Quarantined, Self::HandedBack];

    /// The word in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::AlreadyThere => "already_there",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Quarantined => "quarantined",
            Self::HandedBack => "handed_back",
        }
    }
}

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A coordinator took up a job.
    JobStarted {
        /// The job.
        job: &'a Job,
        /// How often it was delivered, this time included.
        deliveries: u64,
    },
    /// The image is known.
    ImageResolved {
        /// The job.
        job: &'a Job,
        /// One for each platform.
        images: &'a [ResolvedImage],
    },
    /// The layers were looked up for the first time.
    LayersLookedUp {
        /// The job.
        job: &'a Job,
        /// Distinct layers that are in the cache.
        present: &'a [LayerKey],
        /// Distinct layers that are not.
        missing: &'a [LayerKey],
    },
    /// A report was found that was made from the same pins.
    ReportReused {
        /// The job.
        job: &'a Job,
    },
    /// A verdict is stored.
    JobFinished {
        /// The verdict.
        record: &'a VerdictRecord,
        /// Since the coordinator took the job up.
        took: Duration,
    },
    /// A job goes back to the queue.
    JobHandedBack {
        /// The job.
        job: &'a JobId,
        /// Why.
        why: &'a str,
    },
    /// A worker begins to read a layer.
    LayerStarted {
        /// The task.
        task: &'a LayerTask,
        /// How often it was delivered, this time included.
        deliveries: u64,
        /// Its bytes as they are taken.
        meter: &'a Arc<Meter>,
    },
    /// A worker is done with a delivery of a layer.
    LayerFinished {
        /// The layer.
        key: LayerKey,
        /// How it ended.
        end: LayerEnd,
        /// Bytes taken.
        bytes: u64,
        /// Since the worker took it up.
        took: Duration,
        /// What went wrong; empty when nothing did.
        detail: &'a str,
    },
}

/// What progress bars, metrics and traces implement.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, _event: &Event<'_>) {}

    /// The span that a job's work runs in.
    fn job_span(&self, job: &Job) -> tracing::Span {
        tracing::info_span!("job", job = %job.id, image = %job.image, lane = job.lane.as_str())
    }

    /// The span that a layer's work runs in.
    fn layer_span(&self, task: &LayerTask) -> tracing::Span {
        tracing::info_span!("layer", layer = %task.key.digest, source = %task.locator)
    }

    /// The W3C trace context of a span, to travel with the tasks of its job.
    fn traceparent(&self, _span: &tracing::Span) -> Option<String> {
        None
    }
}

/// Drops every event.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoopObserver;

impl Observer for NoopObserver {}
