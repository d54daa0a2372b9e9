//! The single-machine scan: a coordinator and a worker over ports in one process, for the time of one command.
//!
//! The loops are the fleet's (invariant 4). What differs is patience: somebody sits before the terminal, so that a
//! source that fails is asked twice, not for minutes.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use jiff::Timestamp;
use layergate_model::{Backoff, Limits, Report};
use layergate_ports::{
    ImageSource, PortSet, QueueError, StoreError,
    observe::Observer,
    values::{Fingerprint, ImageLocator, Job, JobId, Lane, PlatformSelection, PolicyOverrides, VerdictRecord},
};
use tokio_util::sync::CancellationToken;

use crate::{
    coordinator::{Coordinator, CoordinatorConfig, CoordinatorPorts},
    decide::RetryPolicy,
    evaluator::Evaluator,
    reader::LayerReader,
    worker::{Worker, WorkerConfig, WorkerPorts},
};

/// What a scan is made of.
pub struct Scan {
    /// Where images and layers come from.
    pub source: Arc<dyn ImageSource>,
    /// Queues and stores, empty; what is kept between commands lies behind the cache and the verdicts.
    pub ports: PortSet,
    /// Who wants to know how it gets on.
    pub observer: Arc<dyn Observer>,
    /// How long the queues wait for an ack before they deliver again.
    pub ack_wait: Duration,
    /// What judges.
    pub evaluator: Arc<dyn Evaluator>,
    /// How a layer is read.
    pub reader: Arc<dyn LayerReader>,
    /// The analyzers, namespace and limits of `reader`, hashed.
    pub fingerprint: Fingerprint,
    /// The limits.
    pub limits: Limits,
    /// Layers at a time.
    pub concurrency: usize,
    /// Images at a time.
    pub images: usize,
    /// How long each image may take.
    pub timeout: Duration,
    /// The day (ISO 8601) to judge for.
    pub as_of: String,
}

/// The end of one image's scan.
#[derive(Clone, Debug)]
pub struct Scanned {
    /// The verdict.
    pub record: VerdictRecord,
    /// The reports, one for each platform; empty when the image could not be had (the record says why).
    pub reports: Vec<Arc<Report>>,
}

/// The scan itself broke down.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A queue in memory failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A store in memory failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A loop ended before its work.
    #[error("the scan ended before its verdict")]
    Ended,
}

/// Scans images; the answers are in the order of `images`. Dropping the future ends the scan.
pub async fn scan_once(scan: Scan, images: &[(ImageLocator, PlatformSelection)]) -> Result<Vec<Scanned>, ScanError> {
    let PortSet { cache, layers, jobs, verdicts, failures, clock } = scan.ports;
    let patience = Backoff { first: Duration::from_millis(500), most: Duration::from_secs(5) };

    let retry = RetryPolicy {
        source_attempts: 2,
        quarantine_after: 2,
        backoff: patience,
        // For the length of the command.
        failure_ttl: Duration::from_secs(24 * 3600),
        quarantine_ttl: Duration::from_secs(24 * 3600),
    };
    let worker = Worker::new(
        WorkerPorts {
            source: scan.source.clone(),
            cache: cache.clone(),
            queue: layers.clone(),
            failures: failures.clone(),
            clock: clock.clone(),
            reader: scan.reader,
            observer: scan.observer.clone(),
        },
        WorkerConfig {
            slots: scan.concurrency,
            ack_wait: scan.ack_wait,
            layer_deadline: scan.timeout,
            grace: Duration::ZERO,
            retry,
            ..WorkerConfig::new(scan.fingerprint)
        },
    );
    let coordinator = Coordinator::new(
        CoordinatorPorts {
            source: scan.source,
            cache: cache.clone(),
            layers,
            jobs: jobs.clone(),
            verdicts: verdicts.clone(),
            failures,
            clock,
            evaluator: scan.evaluator,
            observer: scan.observer,
        },
        CoordinatorConfig {
            ack_wait: scan.ack_wait,
            interactive_jobs: scan.images,
            resolve_attempts: 2,
            backoff: patience,
            grace: Duration::ZERO,
            ..CoordinatorConfig::new(scan.fingerprint, scan.limits)
        },
    );

    let mut watch = verdicts.watch().await?;
    let mut ids = Vec::with_capacity(images.len());
    for (image, platforms) in images {
        let now = Timestamp::now();
        let job = Job {
            id: JobId::random(),
            image: image.clone(),
            platforms: platforms.clone(),
            credential: None,
            policy: PolicyOverrides::default(),
            lane: Lane::Interactive,
            tenant: Default::default(),
            idempotency_key: None,
            snapshot: None,
            as_of: scan.as_of.clone(),
            submitted_at: now,
            deadline: now.checked_add(scan.timeout).unwrap_or(Timestamp::MAX),
            trace: None,
        };
        jobs.submit(&job).await?;
        ids.push(job.id);
    }

    let stop = CancellationToken::new();
    let finished = async {
        // A verdict that the watch did not show is found by asking.
        let mut open = ids.iter();
        let mut next = open.next();
        while let Some(id) = next {
            if verdicts.get(id).await?.is_some() {
                next = open.next();
                continue;
            }
            tokio::select! {
                biased;
                record = watch.next() => drop(record.ok_or(ScanError::Ended)?),
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        stop.cancel();
        Ok::<(), ScanError>(())
    };
    // Ends with an error of the coordinator, or when both loops have stopped after the last verdict.
    let coordinating = async { coordinator.run(stop.clone()).await.map_err(ScanError::from) };
    let working = async {
        worker.run(stop.clone()).await;
        Ok(())
    };
    futures::try_join!(finished, coordinating, working)?;
    // A cache that cannot be made to last is read again next time.
    let _ = cache.flush().await;

    let mut scanned = Vec::with_capacity(ids.len());
    for id in ids {
        let record = verdicts.get(&id).await?.ok_or(ScanError::Ended)?;
        let mut reports = Vec::with_capacity(record.images.len());
        for image in &record.images {
            reports.push(verdicts.get_report(&image.report).await?.ok_or(ScanError::Ended)?);
        }
        scanned.push(Scanned { record, reports });
    }
    Ok(scanned)
}
