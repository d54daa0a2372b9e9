//! What is not the server: registries, readers, judges and clocks, for images and layers that do not exist.

use std::{any::Any, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use layergate_fleet::{
    evaluator::{Evaluator, EvaluatorError, PinnedEvaluation},
    reader::{LayerReader, ReadError},
};
use layergate_model::{
    Digest, Effect, Gap, GapKind, Inputs, LayerInventory, Platform, Registry, RepoPath, Report, ReportGap, ReportImage,
    Verdict,
};
use layergate_ports::{
    BlobStream, Clock, ImageSource,
    observe::{Event, Meter, Observer},
    values::{
        ErrorDetail, ImageContent, ImageLocator, ImageRequest, Job, LayerDescriptor, LayerLocator, LayerTask,
        RegistryBlob, ResolvedImage, SourceError,
    },
};
use rustc_hash::FxHashMap;
use tokio::time::sleep;

use crate::{
    catalogue::{self, Nature},
    net::{Life, Net, lock},
    oracle::Oracle,
};

/// Bytes that one place of a worker takes in a second.
pub(crate) const RATE: f64 = 8e6;
/// What a layer costs whatever its size: the mean time to its first byte.
pub(crate) const OPENING: Duration = Duration::from_micros(17_500);
/// The day on which every simulation begins.
const EPOCH: i64 = 1_790_000_000;
const REGISTRIES: u32 = 4;
/// A reading shows that it gets on at least as often.
const STEP: f64 = 5.0;

/// The clock of one member: its wall clock is wrong by a little.
pub(crate) struct SimClock {
    pub(crate) oracle: Arc<Oracle>,
    pub(crate) life: Arc<Life>,
    pub(crate) skew: f64,
}

/// Virtual time as a wall clock shows it.
pub(crate) fn wall(time: Duration, skew: f64) -> Timestamp {
    let nanos = i128::from(EPOCH) * 1_000_000_000 + time.as_nanos() as i128 + (skew * 1e9) as i128;
    Timestamp::from_nanosecond(nanos).unwrap_or_default()
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        wall(self.oracle.now(), self.skew)
    }

    fn monotonic(&self) -> Duration {
        self.oracle.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.life.live(sleep(duration)).await;
    }
}

/// The registries.
pub(crate) struct SimSource {
    oracle: Arc<Oracle>,
    net: Arc<Net>,
    registries: Vec<Registry>,
    troubles: std::sync::Mutex<FxHashMap<usize, u8>>,
}

/// The name of an image.
pub(crate) fn reference(image: usize, app: u32) -> String {
    format!("r{}.sim.example/team/app{app}:i{image}", app % REGISTRIES)
}

fn unavailable(place: String, retry_after: Option<Duration>) -> SourceError {
    SourceError::Unavailable { trouble: ErrorDetail::new(place, "503", ""), retry_after }
}

impl SimSource {
    pub(crate) fn new(oracle: Arc<Oracle>, net: Arc<Net>) -> Self {
        let registries = (0..REGISTRIES).filter_map(|n| Registry::new(&format!("r{n}.sim.example")).ok()).collect();
        Self { oracle, net, registries, troubles: Default::default() }
    }

    fn pause(&self) -> Option<Duration> {
        let pause = self.net.between(-5.0, 5.0);
        (pause > 0.0).then(|| Duration::from_secs_f64(pause))
    }
}

#[async_trait]
impl ImageSource for SimSource {
    async fn resolve(&self, request: &ImageRequest) -> Result<Vec<ResolvedImage>, SourceError> {
        let name = request.image.to_string();
        sleep(Duration::from_secs_f64(self.net.between(0.005, 0.030))).await;
        let unknown = || SourceError::NotFound(ErrorDetail::new(name.clone(), "404", ""));
        let number: usize = name.rsplit_once(":i").and_then(|(_, n)| n.parse().ok()).ok_or_else(unknown)?;
        let image = self.oracle.catalogue.images.get(number).filter(|image| !image.unknown).ok_or_else(unknown)?;
        if self.net.strikes(self.net.faults.source) {
            let mut troubles = lock(&self.troubles);
            let times = troubles.entry(number).or_default();
            if *times < 2 {
                *times += 1;
                return Err(unavailable(name, self.pause()));
            }
        }
        let repository = RepoPath::new(&format!("team/app{}", image.app)).map_err(|_| unknown())?;
        let registry = &self.registries[(image.app % REGISTRIES) as usize];
        let layers = image.layers.iter().map(|n| {
            let (digest, size) = (catalogue::digest(*n), self.oracle.catalogue.layers[*n as usize].size);
            let blob = RegistryBlob {
                registry: registry.clone(),
                repository: repository.clone(),
                digest,
                media_type: String::from("application/vnd.oci.image.layer.v1.tar+gzip"),
                size,
                credential: None,
            };
            let locator = LayerLocator::Registry(blob);
            LayerDescriptor { digest, size, diff_id: None, locator, unsupported: None }
        });
        Ok(vec![ResolvedImage {
            digest: Digest::of(&number.to_be_bytes()),
            reference: name,
            index_digest: None,
            platform: Some(Platform::linux_amd64()),
            content: ImageContent::Image(Box::default()),
            layers: layers.collect(),
            gaps: Vec::new(),
            other_platforms: Vec::new(),
            left_out: Vec::new(),
        }])
    }

    async fn open(&self, locator: &LayerLocator) -> Result<BlobStream, SourceError> {
        let layer = catalogue::number(&locator.digest());
        sleep(Duration::from_secs_f64(self.net.between(0.005, 0.030))).await;
        if self.oracle.catalogue.layers[layer as usize].nature == Nature::Gone {
            return Err(SourceError::NotFound(ErrorDetail::new(locator.to_string(), "404", "")));
        }
        if self.net.strikes(self.net.faults.source) && self.oracle.trouble(layer) {
            return Err(unavailable(locator.to_string(), self.pause()));
        }
        Ok(BlobStream { length: Some(locator.size()), chunks: Box::pin(futures::stream::empty()) })
    }
}

/// A worker's reader.
pub(crate) struct SimReader {
    pub(crate) oracle: Arc<Oracle>,
    pub(crate) net: Arc<Net>,
    pub(crate) life: Arc<Life>,
    /// 1 for a sound worker.
    pub(crate) speed: f64,
}

#[async_trait]
impl LayerReader for SimReader {
    async fn read(
        &self,
        task: &LayerTask,
        _names: &[layergate_model::Alias],
        _blob: BlobStream,
        meter: Arc<Meter>,
        _hold: Box<dyn Any + Send>,
    ) -> Result<LayerInventory, ReadError> {
        self.life.check();
        let n = catalogue::number(&task.key.digest);
        let layer = self.oracle.catalogue.layers[n as usize];
        let guard = self.oracle.read(n, self.life.id);
        let slow = if self.net.strikes(self.net.faults.slow) { 0.1 } else { 1.0 };
        let broken = self.net.strikes(self.net.faults.source / 2.0) && self.oracle.trouble(n);
        let whole = layer.size as f64 / (RATE * self.speed * slow);
        let mut left = if broken || !layer.nature.is_readable() { whole / 2.0 } else { whole };
        while left > 0.0 {
            let step = left.min(STEP);
            self.life.live(sleep(Duration::from_secs_f64(step))).await;
            meter.add((step / whole * layer.size as f64) as u64);
            left -= step;
        }
        if broken {
            return Err(ReadError::Mismatch("other bytes".into()));
        }
        let mut inventory = LayerInventory {
            blob: task.key.digest,
            size: layer.size,
            unpacked: catalogue::mark(n, layer.nature),
            sections: Default::default(),
            gaps: Vec::new(),
            paths: Default::default(),
        };
        match layer.nature {
            Nature::Clean | Nature::Vulnerable => {}
            Nature::Corrupt => {
                inventory.gaps.push(Gap::new(GapKind::CorruptLayer, task.key.digest.to_string(), "torn"))
            }
            Nature::TooLarge => return Err(ReadError::TooLarge("more bytes than it says".into())),
            Nature::Panics => return Err(ReadError::Panicked("index out of bounds".into())),
            Nature::Hangs => self.life.live(std::future::pending()).await,
            Nature::Kills => {
                self.life.kill();
                self.life.check();
            }
            Nature::Gone => return Err(ReadError::Bytes("nothing to read".into())),
        }
        guard.whole();
        Ok(inventory)
    }
}

/// Judges by the marks of the layers.
pub(crate) struct SimEvaluator {
    pub(crate) oracle: Arc<Oracle>,
}

struct SimPinnedEvaluation(Arc<Oracle>);

#[async_trait]
impl Evaluator for SimEvaluator {
    async fn pin(&self, _job: &Job) -> Result<Arc<dyn PinnedEvaluation>, EvaluatorError> {
        Ok(Arc::new(SimPinnedEvaluation(self.oracle.clone())))
    }
}

#[async_trait]
impl PinnedEvaluation for SimPinnedEvaluation {
    fn pins(&self) -> String {
        "sim".into()
    }

    fn judged(&self, _: &Report) -> bool {
        true
    }

    async fn assess(&self, image: &ResolvedImage, layers: Vec<Arc<LayerInventory>>) -> Result<Report, EvaluatorError> {
        self.0.judged(&layers);
        let mut gaps = Vec::new();
        let mut verdict = Verdict::Pass;
        for (layer, inventory) in image.layers.iter().zip(&layers) {
            if layer.digest != inventory.blob {
                self.0.accuse(format!("the inventory of {} in the place of {}", inventory.blob, layer.digest));
            }
            if inventory.unpacked & 1 == 1 {
                verdict = verdict.max(Verdict::Fail);
            }
            for gap in &inventory.gaps {
                verdict = Verdict::Error;
                let (place, detail) = (gap.place.clone(), gap.detail.clone());
                gaps.push(ReportGap { kind: gap.kind, place, detail, effect: Effect::Error });
            }
        }
        if layers.len() != image.layers.len() {
            self.0.accuse(format!("{} layers in the place of {}", layers.len(), image.layers.len()));
        }
        Ok(Report {
            schema: String::new(),
            verdict,
            reasons: Vec::new(),
            image: ReportImage {
                reference: image.reference.clone(),
                digest: Some(image.digest),
                index_digest: image.index_digest,
                platform: image.platform.clone(),
                layers: Vec::new(),
                distro: None,
                base: None,
                other_platforms: Vec::new(),
                left_out: Vec::new(),
            },
            inputs: Inputs {
                snapshot: None,
                snapshot_date: None,
                policy: Digest::from_bytes([0; 32]),
                exceptions: Digest::from_bytes([0; 32]),
                vex: Vec::new(),
                limits: String::new(),
                analyzers: String::new(),
                judge: String::new(),
                as_of: String::new(),
            },
            summary: Default::default(),
            packages: Vec::new(),
            findings: Vec::new(),
            checks: Vec::new(),
            secrets: Vec::new(),
            gaps,
            sources: Vec::new(),
        })
    }
}

/// Puts what the loops show into the trace.
pub(crate) struct SimObserver(pub(crate) Arc<Oracle>);

impl Observer for SimObserver {
    fn event(&self, event: &Event<'_>) {
        if let Event::LayerFinished { key, end, .. } = event {
            self.0.finished(catalogue::number(&key.digest), *end);
        }
    }

    fn job_span(&self, _job: &Job) -> tracing::Span {
        tracing::Span::none()
    }

    fn layer_span(&self, _task: &LayerTask) -> tracing::Span {
        tracing::Span::none()
    }
}

/// The locator of an image's job.
pub(crate) fn locator(image: usize, app: u32) -> Option<ImageLocator> {
    reference(image, app).parse().ok().map(ImageLocator::Registry)
}
