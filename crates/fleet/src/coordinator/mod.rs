//! The coordinator: takes jobs, finds out which layers an image has and which of them are known, has the rest read, and
//! turns them into one verdict. Any number of coordinators work side by side; each may be killed at any moment, for the
//! job's message is its lease and the layer cache the only memory.

mod gather;
mod hub;
mod job;
mod publisher;
mod record;
mod second;

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use layergate_model::{Backoff, Limits};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use self::{hub::Hub, publisher::Publisher};
use crate::evaluator::Evaluator;
use layergate_ports::{
    Clock, DoneStream, FailureStore, ImageSource, JobQueue, LayerCache, LayerQueue, QueueError, VerdictStore,
    observe::Observer,
    values::{Fingerprint, Lane},
};

/// What a coordinator needs of the world.
#[derive(Clone)]
pub struct CoordinatorPorts {
    /// Where images are looked up.
    pub source: Arc<dyn ImageSource>,
    /// What layers contain.
    pub cache: Arc<dyn LayerCache>,
    /// Where layer tasks go.
    pub layers: Arc<dyn LayerQueue>,
    /// Where jobs come from.
    pub jobs: Arc<dyn JobQueue>,
    /// Where verdicts go.
    pub verdicts: Arc<dyn VerdictStore>,
    /// Why layers failed.
    pub failures: Arc<dyn FailureStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What judges.
    pub evaluator: Arc<dyn Evaluator>,
    /// Who wants to know.
    pub observer: Arc<dyn Observer>,
}

/// A coordinator's bounds.
#[derive(Clone, Debug)]
pub struct CoordinatorConfig {
    /// The analyzer set, cache namespace and limits that it asks for.
    pub fingerprint: Fingerprint,
    /// The limits themselves: a layer that is over them by its manifest is not fetched at all.
    pub limits: Limits,
    /// How long the queues wait for an ack or progress before they deliver again; waiting jobs look again as often.
    pub ack_wait: Duration,
    /// Jobs at a time on the interactive lane.
    pub interactive_jobs: usize,
    /// Jobs at a time on the bulk lane.
    pub bulk_jobs: usize,
    /// Layer tasks that may wait in the queue before bulk ones stay here: about one for each worker.
    pub bulk_window: u64,
    /// Deliveries after which a job ends as `error`.
    pub job_attempts: u64,
    /// How often a source that is out of reach is asked for an image.
    pub resolve_attempts: u64,
    /// Waits between tries.
    pub backoff: Backoff,
    /// How long a coordinator that is asked to stop goes on with what it holds.
    pub grace: Duration,
}

impl CoordinatorConfig {
    /// The defaults, for this fingerprint and these limits.
    pub fn new(fingerprint: Fingerprint, limits: Limits) -> Self {
        Self {
            fingerprint,
            limits,
            ack_wait: Duration::from_secs(30),
            interactive_jobs: 4096,
            bulk_jobs: 4096,
            bulk_window: 4,
            job_attempts: 100,
            resolve_attempts: 4,
            backoff: Backoff::default(),
            grace: Duration::from_secs(20),
        }
    }
}

/// A coordinator.
pub struct Coordinator {
    ports: CoordinatorPorts,
    config: CoordinatorConfig,
    hub: Arc<Hub>,
    publisher: Publisher,
    /// Ends what is still running when the grace is over.
    hand_back: CancellationToken,
}

impl Coordinator {
    /// A coordinator over these ports.
    pub fn new(ports: CoordinatorPorts, config: CoordinatorConfig) -> Arc<Self> {
        let publisher =
            Publisher::new(ports.layers.clone(), ports.clock.clone(), config.fingerprint, config.bulk_window);
        Arc::new(Self { hub: Arc::default(), publisher, hand_back: CancellationToken::new(), ports, config })
    }

    /// Says how many layer tasks may wait before bulk ones are held back, as workers come and go.
    pub fn set_bulk_window(&self, tasks: u64) {
        self.publisher.set_window(tasks);
    }

    /// Distinct layers that jobs of this coordinator wait for.
    pub fn awaited_layers(&self) -> usize {
        self.hub.len()
    }

    /// Works until `shutdown`, then finishes or hands back what it holds within the grace period. An error when it
    /// could not even begin to watch.
    pub async fn run(self: &Arc<Self>, shutdown: CancellationToken) -> Result<(), QueueError> {
        // The watch stands before the first job is taken up: an event that nobody sees is never waited for.
        let watch = self.ports.layers.watch_done().await?;
        let helpers = TaskTracker::new();
        let stop = CancellationToken::new();
        let this = self.clone();
        let stopped = stop.clone();
        helpers.spawn(async move { this.watch(watch, stopped).await });
        let this = self.clone();
        let stopped = stop.clone();
        helpers.spawn(async move { this.publisher.run(stopped).await });
        helpers.close();

        let jobs = TaskTracker::new();
        let lanes = Lane::ALL.map(|lane| self.take(lane, &shutdown, &jobs));
        futures::future::join_all(lanes).await;
        jobs.close();
        tokio::select! {
            biased;
            () = jobs.wait() => {}
            () = self.ports.clock.sleep(self.config.grace) => self.hand_back.cancel(),
        }
        jobs.wait().await;
        stop.cancel();
        helpers.wait().await;
        Ok(())
    }

    /// Takes the jobs of one lane; a full bulk lane holds up no interactive job.
    async fn take(self: &Arc<Self>, lane: Lane, shutdown: &CancellationToken, jobs: &TaskTracker) {
        let places = match lane {
            Lane::Interactive => self.config.interactive_jobs,
            Lane::Bulk => self.config.bulk_jobs,
        };
        let places = Arc::new(Semaphore::new(places.max(1)));
        let mut failures = 0;
        loop {
            let pull = async {
                let place = places.clone().acquire_owned().await.map_err(|_| QueueError::Closed)?;
                Ok((place, self.ports.jobs.next(lane).await?))
            };
            let pulled = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                pulled = pull => pulled,
            };
            match pulled {
                Ok((place, delivery)) => {
                    failures = 0;
                    let span = match &delivery.job {
                        Ok(job) => self.ports.observer.job_span(job),
                        Err(_) => tracing::Span::current(),
                    };
                    let this = self.clone();
                    jobs.spawn(
                        async move {
                            this.handle(delivery).await;
                            drop(place);
                        }
                        .instrument(span),
                    );
                }
                Err(QueueError::Closed) => return,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, lane = lane.as_str(), "no job could be had from the queue");
                    let backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_secs(10) };
                    tokio::select! {
                        biased;
                        () = shutdown.cancelled() => return,
                        () = self.ports.clock.sleep(backoff.after(failures, lane.as_str())) => {}
                    }
                }
            }
        }
    }

    /// Gives the one watch's events to the jobs. A watch that ends is begun anew, and everybody looks again.
    async fn watch(&self, mut watch: DoneStream, stop: CancellationToken) {
        loop {
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                event = watch.next() => event,
            };
            if let Some(event) = event {
                self.publisher.forget(&event.key);
                self.hub.deliver(&event);
                continue;
            }
            let mut failures = 0;
            watch = loop {
                failures += 1;
                let backoff = Backoff { first: Duration::from_millis(50), most: Duration::from_secs(5) };
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = self.ports.clock.sleep(backoff.after(failures, "watch")) => {}
                }
                match self.ports.layers.watch_done().await {
                    Ok(watch) => break watch,
                    Err(error) => tracing::warn!(%error, "finished layers cannot be watched"),
                }
            };
            self.hub.interrupted();
        }
    }
}
