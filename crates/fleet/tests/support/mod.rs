//! A world without bytes: images and layers that are numbers, a source and a reader that fail as they are reported, and
//! an evaluator that counts. Over the real loops and the in-memory ports.
#![allow(unreachable_pub, dead_code, reason = "each test file uses a part of it")]

use std::{
    any::Any,
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use layergate_fleet::{
    coordinator::{Coordinator, CoordinatorConfig, CoordinatorPorts},
    evaluator::{Evaluator, EvaluatorError, PinnedEvaluation},
    reader::{LayerReader, ReadError},
    worker::{Worker, WorkerConfig, WorkerPorts},
};
use layergate_local::*;
use layergate_model::*;
use layergate_ports::{
    conformance::{self, inventory, key},
    observe::{Event, LayerEnd, Meter, Observer},
    values::*,
    *,
};
use tokio_util::sync::CancellationToken;

/// Virtual days pass quickly.
pub const ACK_WAIT: Duration = Duration::from_secs(30);

/// What happens when a layer is opened or read.
#[derive(Clone, Debug)]
pub enum Fault {
    Source(SourceError),
    Hang,
    Mismatch,
    Unsettled,
    Slow(Duration),
}

/// Images, faults, and what was asked for.
pub struct World {
    clock: Arc<dyn Clock>,
    images: Mutex<HashMap<String, Vec<(u32, &'static str)>>>,
    faults: Mutex<HashMap<u32, VecDeque<Fault>>>,
    pub opened: Mutex<BTreeMap<u32, u32>>,
    pub order: Mutex<Vec<u32>>,
    pub ends: Mutex<Vec<(Digest, LayerEnd)>>,
    pub finished: Mutex<Vec<JobId>>,
    pub resolved: std::sync::atomic::AtomicU32,
    pub config: Mutex<ImageConfig>,
}

fn number(digest: &Digest) -> u32 {
    static NUMBERS: std::sync::LazyLock<HashMap<Digest, u32>> =
        std::sync::LazyLock::new(|| (0..30_000).map(|n| (key(n).digest, n)).collect());
    NUMBERS[digest]
}

impl World {
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            images: Mutex::default(),
            faults: Mutex::default(),
            opened: Mutex::default(),
            order: Mutex::default(),
            ends: Mutex::default(),
            finished: Mutex::default(),
            resolved: Default::default(),
            config: Mutex::default(),
        })
    }

    /// An image of these layers, each from its repository.
    pub fn image(&self, reference: &str, layers: &[(u32, &'static str)]) -> ImageLocator {
        let reference: ImageReference = reference.parse().unwrap();
        self.images.lock().unwrap().insert(reference.to_string(), layers.to_vec());
        ImageLocator::Registry(reference)
    }

    pub fn fault(&self, layer: u32, faults: impl IntoIterator<Item = Fault>) {
        self.faults.lock().unwrap().entry(layer).or_default().extend(faults);
    }

    pub fn fix(&self, layer: u32) {
        self.faults.lock().unwrap().remove(&layer);
    }

    fn next_fault(&self, layer: u32) -> Option<Fault> {
        self.faults.lock().unwrap().get_mut(&layer)?.pop_front()
    }

    pub fn opened(&self, layer: u32) -> u32 {
        self.opened.lock().unwrap().get(&layer).copied().unwrap_or_default()
    }

    pub fn ends_of(&self, layer: u32) -> Vec<LayerEnd> {
        let ends = self.ends.lock().unwrap();
        ends.iter().filter(|(d, _)| *d == key(layer).digest).map(|(_, end)| *end).collect()
    }
}

pub fn transient(retry_after: Option<Duration>) -> Fault {
    Fault::Source(SourceError::Unavailable { trouble: ErrorDetail::new("r", "503", ""), retry_after })
}

pub fn gone() -> Fault {
    Fault::Source(SourceError::NotFound(ErrorDetail::new("registry.example/x", "404", "is it deleted?")))
}

#[async_trait]
impl ImageSource for World {
    async fn resolve(&self, request: &ImageRequest) -> Result<Vec<ResolvedImage>, SourceError> {
        self.resolved.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let name = request.image.to_string();
        let images = self.images.lock().unwrap();
        let Some(layers) = images.get(&name) else {
            return Err(SourceError::NotFound(ErrorDetail::new(name, "404", "check the name")));
        };
        let layers = layers.iter().map(|(n, repo)| LayerDescriptor {
            digest: key(*n).digest,
            size: 1000,
            diff_id: None,
            locator: conformance::locator(*n, repo),
            unsupported: None,
        });
        Ok(vec![ResolvedImage {
            digest: Digest::of(name.as_bytes()),
            reference: name,
            index_digest: None,
            platform: Some(Platform::linux_amd64()),
            content: ImageContent::Image(Box::new(self.config.lock().unwrap().clone())),
            layers: layers.collect(),
            gaps: Vec::new(),
            other_platforms: Vec::new(),
            left_out: Vec::new(),
        }])
    }

    async fn open(&self, layer: &LayerLocator) -> Result<BlobStream, SourceError> {
        let n = number(&layer.digest());
        *self.opened.lock().unwrap().entry(n).or_default() += 1;
        self.order.lock().unwrap().push(n);
        let foreign = layer.to_string().contains("/broken@");
        if foreign {
            return Err(SourceError::NotFound(ErrorDetail::new("broken", "404", "")));
        }
        let mut faults = self.faults.lock().unwrap();
        if let Some(queue) = faults.get_mut(&n)
            && let Some(Fault::Source(error)) = queue.front().cloned()
        {
            queue.pop_front();
            return Err(error);
        }
        Ok(BlobStream { length: None, chunks: Box::pin(futures::stream::empty()) })
    }
}

#[async_trait]
impl LayerReader for World {
    async fn read(
        &self,
        task: &LayerTask,
        _names: &[Alias],
        _blob: BlobStream,
        meter: Arc<Meter>,
        _hold: Box<dyn Any + Send>,
    ) -> Result<LayerInventory, ReadError> {
        let n = number(&task.key.digest);
        match self.next_fault(n) {
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Mismatch) => return Err(ReadError::Mismatch("other bytes".into())),
            Some(Fault::Unsettled) => {
                let gap = Gap::new(GapKind::LayerUnavailable, "x", "the disk was full");
                return Ok(LayerInventory::unread(task.key.digest, gap));
            }
            Some(Fault::Slow(time)) => {
                for _ in 0..100 {
                    self.clock.sleep(time / 100).await;
                    meter.add(10);
                }
            }
            Some(Fault::Source(_)) | None => self.clock.sleep(Duration::from_millis(100)).await,
        }
        meter.add(1000);
        Ok(LayerInventory::clone(&inventory(n)))
    }
}

impl Observer for World {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::LayerFinished { key, end, .. } => self.ends.lock().unwrap().push((key.digest, *end)),
            Event::JobFinished { record, .. } => self.finished.lock().unwrap().push(record.job.clone()),
            _ => {}
        }
    }
}

/// Reports how many packages the layers have, and their gaps.
struct CountingEvaluator;

#[async_trait]
impl Evaluator for CountingEvaluator {
    async fn pin(&self, _job: &Job) -> Result<Arc<dyn PinnedEvaluation>, EvaluatorError> {
        Ok(Arc::new(CountingEvaluator))
    }
}

#[async_trait]
impl PinnedEvaluation for CountingEvaluator {
    fn pins(&self) -> String {
        "counting".into()
    }

    fn judged(&self, _: &Report) -> bool {
        true
    }

    async fn assess(&self, image: &ResolvedImage, layers: Vec<Arc<LayerInventory>>) -> Result<Report, EvaluatorError> {
        assert_eq!(image.layers.len(), layers.len());
        let mut report = Report::clone(&conformance::report(&image.reference));
        report.image.digest = Some(image.digest);
        report.image.index_digest = image.index_digest;
        report.image.platform.clone_from(&image.platform);
        for (layer, inventory) in image.layers.iter().zip(&layers) {
            assert_eq!(layer.digest, inventory.blob, "each layer in its place");
            report.summary.packages += inventory.sections.values().map(|s| s.packages.len() as u32).sum::<u32>();
            report.gaps.extend(inventory.gaps.iter().map(|g| ReportGap {
                kind: g.kind,
                place: g.place.clone(),
                detail: g.detail.clone(),
                effect: Effect::Error,
            }));
        }
        if !report.gaps.is_empty() {
            report.verdict = Verdict::Error;
        }
        Ok(report)
    }
}

/// A fleet in one process.
pub struct Fleet {
    pub world: Arc<World>,
    pub clock: Arc<dyn Clock>,
    pub cache: Arc<dyn LayerCache>,
    pub layers: Arc<dyn LayerQueue>,
    pub jobs: Arc<dyn JobQueue>,
    pub verdicts: Arc<dyn VerdictStore>,
    pub failures: Arc<dyn FailureStore>,
}

impl Fleet {
    pub fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        Self {
            world: World::new(clock.clone()),
            cache: Arc::new(MemoryCache::new(1 << 30)),
            layers: Arc::new(LocalLayers::new(clock.clone(), ACK_WAIT, 100_000)),
            jobs: Arc::new(LocalJobs::new(clock.clone(), ACK_WAIT, 100_000)),
            verdicts: Arc::new(MemoryVerdicts::new(100_000, 100_000)),
            failures: Arc::new(MemoryFailures::new(clock.clone())),
            clock,
        }
    }

    pub fn worker(&self, change: impl FnOnce(&mut WorkerConfig)) -> Stop {
        let mut config = WorkerConfig::new(conformance::fingerprint("sample"));
        config.ack_wait = ACK_WAIT;
        change(&mut config);
        let ports = WorkerPorts {
            source: self.world.clone(),
            cache: self.cache.clone(),
            queue: self.layers.clone(),
            failures: self.failures.clone(),
            clock: self.clock.clone(),
            reader: self.world.clone(),
            observer: self.world.clone(),
        };
        let worker = Worker::new(ports, config);
        Stop::spawn(|stop| async move { worker.run(stop).await })
    }

    pub fn coordinator(&self, change: impl FnOnce(&mut CoordinatorConfig)) -> Stop {
        let mut config = CoordinatorConfig::new(conformance::fingerprint("sample"), Limits::default());
        config.ack_wait = ACK_WAIT;
        change(&mut config);
        let ports = CoordinatorPorts {
            source: self.world.clone(),
            cache: self.cache.clone(),
            layers: self.layers.clone(),
            jobs: self.jobs.clone(),
            verdicts: self.verdicts.clone(),
            failures: self.failures.clone(),
            clock: self.clock.clone(),
            evaluator: Arc::new(CountingEvaluator),
            observer: self.world.clone(),
        };
        let coordinator = Coordinator::new(ports, config);
        Stop::spawn(|stop| async move { coordinator.run(stop).await.unwrap() })
    }

    pub async fn submit(&self, id: &str, image: &ImageLocator, lane: Lane, within: Duration) {
        let now = Timestamp::now();
        let job = Job {
            image: image.clone(),
            submitted_at: now,
            deadline: now + jiff::SignedDuration::try_from(within).unwrap(),
            ..conformance::job(id, lane, "team")
        };
        assert_eq!(self.jobs.submit(&job).await.unwrap(), Published::Queued);
    }

    /// The verdict of a job, once it is there; at most an hour (of virtual time).
    pub async fn verdict(&self, id: &str) -> VerdictRecord {
        let id = JobId::new(id).unwrap();
        for _ in 0..36_000 {
            if let Some(record) = self.verdicts.get(&id).await.unwrap() {
                return record;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{id} has no verdict after an hour");
    }

    pub async fn report(&self, record: &VerdictRecord) -> Arc<Report> {
        self.verdicts.get_report(&record.images[0].report).await.unwrap().unwrap()
    }
}

/// Something that runs until it is asked to stop.
pub struct Stop {
    token: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Stop {
    fn spawn<F: Future<Output = ()> + Send + 'static>(run: impl FnOnce(CancellationToken) -> F) -> Self {
        let token = CancellationToken::new();
        let task = tokio::spawn(run(token.clone()));
        Self { token, task }
    }

    pub async fn stop(self) {
        self.token.cancel();
        self.task.await.unwrap();
    }
}
