//! New images are read by the engine that `scan` has; what it puts together is kept, and judged with everything else.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use layergate_estate::{Found, KeptImage, Unit};
use layergate_fleet::{
    evaluator::{Snapshots, StandardEvaluator, StandardEvaluatorConfig},
    reader::CatalogueReader,
    scan::{Scan, Scanned, scan_once},
};
use layergate_inventory::Catalogue;
use layergate_local::{ACK_WAIT, DirCache, one_process};
use layergate_model::{Digest, ImageReference, Limits, Platform};
use layergate_policy::Policy;
use layergate_ports::{
    LayerCache,
    observe::{NoopObserver, Observer},
    values::{ImageLocator, JobError, KeyScope, PlatformSelection, SourceError},
};
use layergate_registry::Sources;

use crate::{
    commands::scan::CACHE_BUDGET,
    exit::Failure,
    progress::{self, LayerBars},
};

/// Reads images.
pub(super) struct Reader {
    pub(super) sources: Sources,
    pub(super) limits: Limits,
    pub(super) cache_dir: PathBuf,
    pub(super) platforms: PlatformSelection,
    pub(super) timeout: Duration,
    pub(super) as_of: jiff::civil::Date,
    pub(super) quiet: bool,
}

/// Who reads: analyzers and limits.
pub(super) fn read_by(limits: &Limits) -> (String, String) {
    let analyzers = Catalogue::standard().fingerprint();
    let short = Digest::of(format!("{analyzers}\n{}", limits.fingerprint()).as_bytes()).to_hex();
    (analyzers, short.chars().take(16).collect())
}

type Merged = HashMap<(Digest, Option<Platform>), KeptImage>;

impl Reader {
    /// What is behind references that were pinned to a digest, in their order, and the images to keep.
    pub(super) async fn read(&self, references: &[ImageReference]) -> Result<Vec<(Found, Vec<KeptImage>)>, Failure> {
        let catalogue = Arc::new(Catalogue::standard());
        let (analyzers, read_by) = read_by(&self.limits);
        let scope =
            KeyScope { namespace: Default::default(), analyzers: analyzers.clone(), limits: self.limits.clone() };
        let cache: Arc<dyn LayerCache> = Arc::new(DirCache::new(self.cache_dir.join("layers"), CACHE_BUDGET));
        let observer: Arc<dyn Observer> =
            if progress::shown(self.quiet) { LayerBars::new() } else { Arc::new(NoopObserver) };
        let merged: Arc<Mutex<Merged>> = Arc::default();
        let sink = merged.clone();
        // The verdict of this scan is not asked for: images are judged from what is kept of them, all in one way.
        let evaluator = StandardEvaluator::new(StandardEvaluatorConfig {
            snapshots: Snapshots::Fixed(None),
            policy: Policy::default(),
            vex: Vec::new(),
            limits: self.limits.clone(),
            analyzers,
        })
        .with_listener(Arc::new(move |image, config, inventory| {
            // What a registry gives has both.
            let (Some(digest), Some(config)) = (image.digest, config) else { return };
            let place = (digest, image.platform.clone());
            let kept = KeptImage::new(image, config, inventory);
            sink.lock().unwrap_or_else(PoisonError::into_inner).insert(place, kept);
        }));
        let scan = Scan {
            source: Arc::new(self.sources.clone()),
            ports: one_process(Some(cache), None),
            ack_wait: ACK_WAIT,
            evaluator: Arc::new(evaluator),
            reader: Arc::new(CatalogueReader::new(catalogue, self.limits.clone())),
            fingerprint: scope.fingerprint(),
            limits: self.limits.clone(),
            observer,
            concurrency: std::thread::available_parallelism().map_or(2, usize::from).min(16),
            images: 8,
            timeout: self.timeout,
            as_of: self.as_of.to_string(),
        };
        let images: Vec<_> =
            references.iter().map(|r| (ImageLocator::Registry(r.clone()), self.platforms.clone())).collect();
        let scanned = scan_once(scan, &images).await?;
        let merged = std::mem::take(&mut *merged.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(scanned.iter().map(|scanned| found(scanned, &merged, &read_by)).collect())
    }
}

fn found(scanned: &Scanned, merged: &Merged, read_by: &str) -> (Found, Vec<KeptImage>) {
    let record = &scanned.record;
    match &record.error {
        Some(JobError::Source(SourceError::NotAnImage(why))) => {
            return (Found::NotAnImage(why.what.clone()), Vec::new());
        }
        Some(error) => return (Found::Unreadable(error.to_string()), Vec::new()),
        None => {}
    }
    let mut units = Vec::new();
    let mut images = Vec::new();
    for image in &record.images {
        let Some(kept) = merged.get(&(image.digest, image.platform.clone())) else {
            return (Found::Unreadable("it was read, and nothing was put together of it".to_owned()), Vec::new());
        };
        units.push(Unit {
            key: kept.key(),
            digest: image.digest,
            platform: image.platform.as_ref().map(ToString::to_string),
            complete: kept.is_complete(),
            read_by: read_by.to_owned(),
            since: None,
            verdict: None,
        });
        images.push(kept.clone());
    }
    match units.is_empty() {
        true => (Found::Unreadable("it ended without an image".to_owned()), Vec::new()),
        false => (Found::Images(units), images),
    }
}
