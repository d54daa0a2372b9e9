//! The worker: takes layer tasks, reads each layer once, stores what is in it. Stateless: the message is its lease, the
//! cache its result, and it may be killed at any moment.
//!
//! Bounds: `slots` layers at a time, their sizes together within the byte budget (two huge layers do not meet), so many
//! of one registry at a time, and a deadline for each. A thread that hangs in a parser keeps its place in these bounds
//! until it ends, but not the layer's message.

mod attempt;
mod hosts;

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use self::hosts::Hosts;
use crate::{decide::RetryPolicy, reader::LayerReader};
use layergate_model::Backoff;
use layergate_ports::{
    Clock, FailureStore, ImageSource, LayerCache, LayerQueue, QueueError, observe::Observer, values::Fingerprint,
};

/// What a worker needs of the world.
#[derive(Clone)]
pub struct WorkerPorts {
    /// Where the bytes come from.
    pub source: Arc<dyn ImageSource>,
    /// Where inventories go.
    pub cache: Arc<dyn LayerCache>,
    /// Where tasks come from.
    pub queue: Arc<dyn LayerQueue>,
    /// Where failures are recorded.
    pub failures: Arc<dyn FailureStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How a layer is read.
    pub reader: Arc<dyn LayerReader>,
    /// Who wants to know.
    pub observer: Arc<dyn Observer>,
}

/// A worker's bounds.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The analyzer set, cache namespace and limits that it works for.
    pub fingerprint: Fingerprint,
    /// Layers at a time.
    pub slots: usize,
    /// Compressed bytes of the layers read at one time, together. A layer that is larger is read alone.
    pub byte_budget: u64,
    /// Layers read from one registry at a time.
    pub per_host: usize,
    /// How long the queue waits for an ack or progress before it delivers again.
    pub ack_wait: Duration,
    /// How long one layer may take in all.
    pub layer_deadline: Duration,
    /// How long a worker that is asked to stop goes on with what it holds.
    pub grace: Duration,
    /// When to try again and when to give up.
    pub retry: RetryPolicy,
}

impl WorkerConfig {
    /// The defaults, for this fingerprint.
    pub fn new(fingerprint: Fingerprint) -> Self {
        Self {
            fingerprint,
            slots: 2,
            byte_budget: 4 << 30,
            per_host: 8,
            ack_wait: Duration::from_secs(30),
            layer_deadline: Duration::from_secs(15 * 60),
            grace: Duration::from_secs(20),
            retry: RetryPolicy::default(),
        }
    }
}

/// The byte budget is counted in units of a mebibyte: a semaphore has 32 bits.
const UNIT: u64 = 1 << 20;

/// A worker.
pub struct Worker {
    ports: WorkerPorts,
    config: WorkerConfig,
    hosts: Hosts,
    budget: Arc<Semaphore>,
    budget_units: u32,
    /// Ends what is still running when the grace is over.
    hand_back: CancellationToken,
}

impl Worker {
    /// A worker over these ports.
    pub fn new(ports: WorkerPorts, mut config: WorkerConfig) -> Arc<Self> {
        config.retry.failure_ttl = config.retry.failure_ttl.max(config.ack_wait * 3);
        let budget_units = u32::try_from(config.byte_budget / UNIT).unwrap_or(1 << 20).clamp(1, 1 << 20);
        Arc::new(Self {
            hosts: Hosts::new(ports.clock.clone(), config.per_host),
            budget: Arc::new(Semaphore::new(budget_units as usize)),
            budget_units,
            hand_back: CancellationToken::new(),
            ports,
            config,
        })
    }

    /// Works until `shutdown`, then finishes or hands back what it holds within the grace period.
    pub async fn run(self: &Arc<Self>, shutdown: CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.config.slots.max(1)));
        let tasks = TaskTracker::new();
        let mut failures = 0;
        loop {
            let pull = async {
                // A place first, then a message: a worker never holds what it has no place for.
                let slot = slots.clone().acquire_owned().await.map_err(|_| QueueError::Closed)?;
                Ok((slot, self.ports.queue.next(&self.config.fingerprint).await?))
            };
            let pulled = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                pulled = pull => pulled,
            };
            match pulled {
                Ok((slot, delivery)) => {
                    failures = 0;
                    let worker = self.clone();
                    let span = match &delivery.task {
                        Ok(task) => self.ports.observer.layer_span(task),
                        Err(_) => tracing::Span::current(),
                    };
                    tasks.spawn(async move { worker.handle(delivery, slot).await }.instrument(span));
                }
                Err(QueueError::Closed) => break,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "no task could be had from the queue");
                    let backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_secs(10) };
                    let wait = backoff.after(failures, &self.config.fingerprint.to_string());
                    tokio::select! {
                        biased;
                        () = shutdown.cancelled() => break,
                        () = self.ports.clock.sleep(wait) => {}
                    }
                }
            }
        }
        tasks.close();
        tokio::select! {
            biased;
            () = tasks.wait() => return,
            () = self.ports.clock.sleep(self.config.grace) => self.hand_back.cancel(),
        }
        tasks.wait().await;
    }
}
