//! The real evaluator: layers to an image inventory (`image`), advisories, policy and reasons to a report (`judge`).
//! What an SBOM lists is an image inventory already and is judged like any other.
//!
//! The work is CPU only and runs on blocking threads. Bulk jobs get half of the cores at most, so that a rescan of the
//! estate does not stand before the image that somebody waits for.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::civil::Date;
use layergate_advisory::Snapshot;
use layergate_image::{MergeLayer, MergeOptions, merge};
use layergate_judge::{AssessInput, JUDGE_VERSION, assess};
use layergate_model::{
    Digest, GapKind, ImageConfig, ImageInventory, ImageReference, Layer, LayerInventory, Limits, Report, ReportImage,
};
use layergate_policy::{Overrides, Policy, Threshold, VexDocument};
use tokio::sync::Semaphore;

use super::{Evaluator, EvaluatorError, PinnedEvaluation};
use layergate_ports::{
    SnapshotError, SnapshotStore,
    values::{ImageContent, Job, Lane, PolicyOverrides, ResolvedImage},
};

/// Snapshots kept open: jobs that are pinned to the one before end while the new one is taken up.
const OPEN_SNAPSHOTS: usize = 3;

/// Where the advisories come from.
pub enum Snapshots {
    /// These for every job; without any there is no verdict but `error`.
    Fixed(Option<Snapshot>),
    /// The one that a job is pinned to, else the store's current one.
    Store(Arc<dyn SnapshotStore>),
}

/// What the evaluator judges by.
pub struct StandardEvaluatorConfig {
    /// The advisories.
    pub snapshots: Snapshots,
    /// The rules.
    pub policy: Policy,
    /// The VEX documents.
    pub vex: Vec<VexDocument>,
    /// The limits under which layers are read.
    pub limits: Limits,
    /// The fingerprint of the analyzers that read them (`Catalogue::fingerprint`).
    pub analyzers: String,
}

/// Is given every image that is put together, before it is judged: the image as reports name it, its configuration, and
/// what is in it. Called on a blocking thread.
pub type MergedListener = Arc<dyn Fn(ReportImage, Option<&ImageConfig>, &ImageInventory) + Send + Sync>;

/// The real evaluator.
pub struct StandardEvaluator {
    rules: Arc<Rules>,
    policy: Arc<Policy>,
    snapshots: Snapshots,
    opened: Mutex<Vec<(Digest, Snapshot)>>,
    bulk: Arc<Semaphore>,
}

/// What is the same for every job.
struct Rules {
    vex: Vec<VexDocument>,
    limits: Limits,
    analyzers: String,
    listener: Option<MergedListener>,
}

struct StandardPinnedEvaluation {
    rules: Arc<Rules>,
    policy: Arc<Policy>,
    snapshot: Option<Snapshot>,
    as_of: Date,
    /// The places of the bulk lane, for a job on it.
    places: Option<Arc<Semaphore>>,
}

impl StandardEvaluator {
    /// An evaluator that judges by `config`.
    pub fn new(config: StandardEvaluatorConfig) -> Self {
        let StandardEvaluatorConfig { snapshots, policy, vex, limits, analyzers } = config;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            rules: Arc::new(Rules { vex, limits, analyzers, listener: None }),
            policy: Arc::new(policy),
            snapshots,
            opened: Mutex::default(),
            bulk: Arc::new(Semaphore::new((cores / 2).max(1))),
        }
    }

    /// The same evaluator, with somebody who keeps what is in the images. A report that is reused from a store puts nothing
    /// together and is not reported.
    #[must_use]
    pub fn with_listener(mut self, listener: MergedListener) -> Self {
        let Rules { vex, limits, analyzers, .. } = &*self.rules;
        let (vex, limits, analyzers) = (vex.clone(), limits.clone(), analyzers.clone());
        self.rules = Arc::new(Rules { vex, limits, analyzers, listener: Some(listener) });
        self
    }

    async fn snapshot(&self, job: &Job) -> Result<Option<Snapshot>, EvaluatorError> {
        let store = match &self.snapshots {
            Snapshots::Fixed(snapshot) => return Ok(snapshot.clone()),
            Snapshots::Store(store) => store,
        };
        let transient = |error: SnapshotError| EvaluatorError::Transient(error.to_string());
        let digest = match job.snapshot {
            Some(digest) => digest,
            None => store.current().await.map_err(transient)?.ok_or_else(|| {
                EvaluatorError::Transient(
                    "the fleet has no advisory snapshot yet; give one to a coordinator with --db, or use `layergate db push`"
                        .to_owned(),
                )
            })?,
        };
        if let Some((_, snapshot)) = self.opened().iter().find(|(open, _)| *open == digest) {
            return Ok(Some(snapshot.clone()));
        }
        let path = store.fetch(&digest).await.map_err(transient)?;
        // The store has verified the file when it arrived.
        let snapshot = Snapshot::open(&path).map_err(|e| EvaluatorError::Final(e.to_string()))?.with_digest(digest);
        let mut opened = self.opened();
        opened.insert(0, (digest, snapshot.clone()));
        opened.truncate(OPEN_SNAPSHOTS);
        Ok(Some(snapshot))
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, Vec<(Digest, Snapshot)>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The policy of a job: never laxer than the evaluator's own.
fn tightened(policy: &Arc<Policy>, wishes: &PolicyOverrides) -> Result<Arc<Policy>, EvaluatorError> {
    if *wishes == PolicyOverrides::default() {
        return Ok(policy.clone());
    }
    let theirs = wishes.policy.as_deref().map(|text| Policy::parse(text, "the job's policy")).transpose();
    let client = Overrides {
        fail_on: wishes.fail_on.map(Threshold::From),
        only_fixed: wishes.only_fixed,
        policy: theirs.map_err(|e| EvaluatorError::Final(e.to_string()))?,
    };
    Ok(Arc::new(policy.tighten(&client)))
}

#[async_trait]
impl Evaluator for StandardEvaluator {
    async fn pin(&self, job: &Job) -> Result<Arc<dyn PinnedEvaluation>, EvaluatorError> {
        let as_of: Date = job.as_of.parse().map_err(|_| {
            EvaluatorError::Final(format!("{:?} is not a day (ISO 8601, for example 2026-11-21)", job.as_of))
        })?;
        Ok(Arc::new(StandardPinnedEvaluation {
            rules: self.rules.clone(),
            policy: tightened(&self.policy, &job.policy)?,
            snapshot: self.snapshot(job).await?,
            as_of,
            places: (job.lane == Lane::Bulk).then(|| self.bulk.clone()),
        }))
    }
}

#[async_trait]
impl PinnedEvaluation for StandardPinnedEvaluation {
    fn pins(&self) -> String {
        let snapshot = self.snapshot.as_ref().map(|s| s.digest().to_string()).unwrap_or_default();
        let mut vex: Vec<String> = self.rules.vex.iter().map(|d| d.digest.to_string()).collect();
        vex.sort();
        [
            snapshot,
            self.policy.digest().to_string(),
            self.policy.exceptions_digest().to_string(),
            Digest::of(self.policy.notes().join("\n").as_bytes()).to_string(),
            vex.join(","),
            self.rules.limits.fingerprint(),
            self.rules.analyzers.clone(),
            JUDGE_VERSION.to_owned(),
            self.as_of.to_string(),
        ]
        .join("\n")
    }

    fn judged(&self, report: &Report) -> bool {
        let inputs = &report.inputs;
        let mut vex: Vec<Digest> = self.rules.vex.iter().map(|d| d.digest).collect();
        vex.sort();
        vex.dedup();
        inputs.snapshot == self.snapshot.as_ref().map(Snapshot::digest)
            && inputs.policy == self.policy.digest()
            && inputs.exceptions == self.policy.exceptions_digest()
            && inputs.vex == vex
            && inputs.limits == self.rules.limits.fingerprint()
            && inputs.analyzers == self.rules.analyzers
            && inputs.judge == JUDGE_VERSION
            && inputs.as_of == self.as_of.to_string()
    }

    async fn assess(&self, image: &ResolvedImage, layers: Vec<Arc<LayerInventory>>) -> Result<Report, EvaluatorError> {
        let place = match &self.places {
            // A semaphore that is never closed gives a permit.
            Some(places) => places.clone().acquire_owned().await.ok(),
            None => None,
        };
        let (rules, policy, snapshot) = (self.rules.clone(), self.policy.clone(), self.snapshot.clone());
        let (image, as_of) = (image.clone(), self.as_of);
        let judged = tokio::task::spawn_blocking(move || {
            let _place = place;
            judge(&image, &layers, &rules, &policy, snapshot.as_ref(), as_of)
        });
        judged.await.map_err(|e| EvaluatorError::Final(format!("judging broke down ({e}); please report this")))
    }
}

/// Pure: everything that the report depends on is an argument.
fn judge(
    image: &ResolvedImage,
    layers: &[Arc<LayerInventory>],
    rules: &Rules,
    policy: &Policy,
    snapshot: Option<&Snapshot>,
    as_of: Date,
) -> Report {
    let inventory = match &image.content {
        ImageContent::Sbom(listed) => listed.clone(),
        ImageContent::Image(config) => Arc::new(merged(image, Some(config), layers, as_of)),
        ImageContent::RootFileSystem => Arc::new(merged(image, None, layers, as_of)),
    };
    if let Some(listener) = &rules.listener {
        listener(report_image(image), image.content.config(), &inventory);
    }
    assess(AssessInput {
        image: report_image(image),
        inventory: &inventory,
        snapshot,
        policy,
        vex: &rules.vex,
        limits: &rules.limits,
        analyzers: &rules.analyzers,
        as_of,
    })
}

/// The inventory of an image of layers, or of a root file system, which has no configuration.
fn merged(
    image: &ResolvedImage,
    config: Option<&ImageConfig>,
    layers: &[Arc<LayerInventory>],
    as_of: Date,
) -> ImageInventory {
    let tree = config.is_none();
    let merged: Vec<MergeLayer<'_>> = image
        .layers
        .iter()
        .zip(layers)
        .map(|(layer, inventory)| MergeLayer { digest: layer.digest, inventory })
        .collect();
    let reference: Option<ImageReference> = if tree { None } else { image.reference.parse().ok() };
    let options = MergeOptions { reference: reference.as_ref(), as_of: Some(as_of), base: None, without_layers: tree };
    let mut inventory = merge(&merged, config, &options);
    if image.gaps.iter().any(|g| g.kind == GapKind::UnsupportedPlatform) {
        // Reported once, of the image; each of its layers was left alone for the same reason.
        inventory.gaps.retain(|g| g.kind != GapKind::UnsupportedPlatform);
    }
    inventory.gaps.extend(image.gaps.iter().cloned());
    inventory.gaps.sort();
    inventory.gaps.dedup();
    inventory
}

fn report_image(image: &ResolvedImage) -> ReportImage {
    let layers = match image.content.config() {
        None => Vec::new(),
        Some(config) => {
            let created_by = config.created_by(image.layers.len());
            let listed = image.layers.iter().zip(created_by).zip(0..).map(|((layer, created_by), index)| Layer {
                index,
                digest: layer.digest,
                diff_id: layer.diff_id,
                created_by,
                size: layer.size,
            });
            listed.collect()
        }
    };
    ReportImage {
        reference: image.reference.clone(),
        digest: Some(image.digest),
        index_digest: image.index_digest,
        platform: image.platform.clone(),
        layers,
        distro: None,
        base: None,
        other_platforms: image.other_platforms.clone(),
        left_out: image.left_out.clone(),
    }
}

#[cfg(test)]
mod tests {
    use layergate_model::Report;

    use super::*;
    use layergate_ports::conformance;

    #[tokio::test]
    async fn a_report_is_accepted_only_under_its_own_pins() {
        let evaluator = StandardEvaluator::new(StandardEvaluatorConfig {
            snapshots: Snapshots::Fixed(None),
            policy: Policy::default(),
            vex: Vec::new(),
            limits: Limits::default(),
            analyzers: "a".into(),
        });
        let pinned = evaluator.pin(&conformance::job("one", Lane::Interactive, "team")).await.unwrap();
        let image = ResolvedImage {
            reference: "registry.example/a:1".into(),
            digest: Digest::of(b"image"),
            index_digest: None,
            platform: None,
            content: ImageContent::Image(Box::default()),
            layers: Vec::new(),
            gaps: Vec::new(),
            other_platforms: Vec::new(),
            left_out: Vec::new(),
        };
        let good = pinned.assess(&image, Vec::new()).await.unwrap();
        assert!(pinned.judged(&good));
        type Change = fn(&mut Report);
        let changes: [(&str, Change); 8] = [
            ("snapshot", |r| r.inputs.snapshot = Some(Digest::of(b"x"))),
            ("policy", |r| r.inputs.policy = Digest::of(b"x")),
            ("exceptions", |r| r.inputs.exceptions = Digest::of(b"x")),
            ("vex", |r| r.inputs.vex.push(Digest::of(b"x"))),
            ("limits", |r| r.inputs.limits.push('0')),
            ("analyzers", |r| r.inputs.analyzers.push('0')),
            ("judge", |r| r.inputs.judge.push('0')),
            ("as_of", |r| r.inputs.as_of.push('0')),
        ];
        for (pin, change) in changes {
            let mut other = good.clone();
            change(&mut other);
            assert!(!pinned.judged(&other), "{pin}");
        }
    }
}
