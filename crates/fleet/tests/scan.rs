//! The single-machine scan over real bytes: real tar layers, the real catalogue, merge and judge, the directory cache.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::HashMap,
    io::Write,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use layergate_fleet::{
    evaluator::Snapshots,
    evaluator::StandardEvaluator,
    evaluator::StandardEvaluatorConfig,
    reader::CatalogueReader,
    scan::{Scan, Scanned, scan_once},
};
use layergate_inventory::Catalogue;
use layergate_local::{ACK_WAIT, DirCache, KeptReports, one_process};
use layergate_model::*;
use layergate_ports::{
    observe::{Event, Observer},
    values::{
        ErrorDetail, ImageContent, ImageLocator, ImageRequest, JobError, KeyScope, LayerDescriptor, LayerLocator,
        Namespace, PlatformSelection, RegistryBlob, ResolvedImage, SourceError,
    },
    *,
};

/// One entry of a tar archive (POSIX ustar), as far as a test needs it.
fn entry(out: &mut Vec<u8>, path: &str, content: &[u8]) {
    let mut head = [0u8; 512];
    head[..path.len()].copy_from_slice(path.as_bytes());
    head[100..107].copy_from_slice(b"0000644");
    write!(&mut head[124..136], "{:011o}", content.len()).unwrap();
    head[156] = b'0';
    head[257..265].copy_from_slice(b"ustar\x0000");
    head[148..156].copy_from_slice(b"        ");
    let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
    write!(&mut head[148..156], "{sum:06o}\0 ").unwrap();
    out.extend_from_slice(&head);
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(512), 0);
}

fn layer(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, content) in files {
        entry(&mut tar, path, content);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

#[derive(Default)]
struct Shelf {
    images: HashMap<String, Vec<Digest>>,
    blobs: Mutex<HashMap<Digest, Vec<u8>>>,
    opened: AtomicUsize,
}

impl Shelf {
    fn image(&mut self, name: &str, layers: &[Vec<u8>]) -> ImageLocator {
        let digests = layers.iter().map(|l| Digest::of(l)).collect();
        self.blobs.lock().unwrap().extend(layers.iter().map(|l| (Digest::of(l), l.clone())));
        let reference: ImageReference = name.parse().unwrap();
        self.images.insert(reference.to_string(), digests);
        ImageLocator::Registry(reference)
    }
}

#[async_trait]
impl ImageSource for Shelf {
    async fn resolve(&self, request: &ImageRequest) -> Result<Vec<ResolvedImage>, SourceError> {
        let name = request.image.to_string();
        let layers = self.images.get(&name).ok_or_else(|| SourceError::NotFound(ErrorDetail::new(&name, "404", "")))?;
        let ImageLocator::Registry(reference) = &request.image else { panic!() };
        let layers = layers.iter().map(|digest| LayerDescriptor {
            digest: *digest,
            size: self.blobs.lock().unwrap()[digest].len() as u64,
            diff_id: None,
            locator: LayerLocator::Registry(RegistryBlob {
                registry: reference.registry.clone(),
                repository: reference.repository.clone(),
                digest: *digest,
                media_type: String::new(),
                size: 0,
                credential: None,
            }),
            unsupported: None,
        });
        Ok(vec![ResolvedImage {
            digest: Digest::of(name.as_bytes()),
            reference: name,
            index_digest: None,
            platform: Some(Platform::linux_amd64()),
            content: ImageContent::Image(Box::default()),
            layers: layers.collect(),
            gaps: Vec::new(),
            other_platforms: vec!["linux/arm64".into()],
            left_out: Vec::new(),
        }])
    }

    async fn open(&self, layer: &LayerLocator) -> Result<BlobStream, SourceError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let bytes = self.blobs.lock().unwrap()[&layer.digest()].clone();
        let chunks: Vec<_> = bytes.chunks(16 << 10).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
        Ok(BlobStream { length: Some(bytes.len() as u64), chunks: futures::stream::iter(chunks).boxed() })
    }
}

#[derive(Default)]
struct Counter {
    started: AtomicUsize,
    finished: AtomicUsize,
    bytes: AtomicUsize,
}

impl Observer for Counter {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::LayerStarted { .. } => drop(self.started.fetch_add(1, Ordering::Relaxed)),
            Event::LayerFinished { bytes, .. } => {
                self.finished.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(*bytes as usize, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

async fn scan(shelf: &Arc<Shelf>, cache: &Path, image: &ImageLocator, observer: Arc<Counter>) -> Scanned {
    scan_by("this", shelf, cache, image, observer).await
}

/// `edition` names the code that judges.
async fn scan_by(
    edition: &str,
    shelf: &Arc<Shelf>,
    cache: &Path,
    image: &ImageLocator,
    observer: Arc<Counter>,
) -> Scanned {
    let catalogue = Arc::new(Catalogue::standard());
    let limits = Limits::default();
    let analyzers = catalogue.fingerprint();
    let scope = KeyScope { namespace: Namespace::default(), analyzers: analyzers.clone(), limits: limits.clone() };
    let evaluator = StandardEvaluatorConfig {
        snapshots: Snapshots::Fixed(None),
        policy: Default::default(),
        vex: Vec::new(),
        limits: limits.clone(),
        analyzers,
    };
    let scan = Scan {
        source: shelf.clone(),
        ports: one_process(
            Some(Arc::new(DirCache::new(cache.join("layers"), 1 << 30))),
            Some(KeptReports::new(cache.join("reports"), 1 << 30, edition, [7; 32])),
        ),
        ack_wait: ACK_WAIT,
        evaluator: Arc::new(StandardEvaluator::new(evaluator)),
        reader: Arc::new(CatalogueReader::new(catalogue, limits.clone())),
        fingerprint: scope.fingerprint(),
        limits,
        observer,
        concurrency: 2,
        images: 2,
        timeout: Duration::from_secs(60),
        as_of: "2026-11-21".into(),
    };
    scan_once(scan, &[(image.clone(), PlatformSelection::Default)]).await.unwrap().remove(0)
}

fn shelf() -> (Shelf, ImageLocator) {
    let mut shelf = Shelf::default();
    let status = b"Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.15-1~deb12u1\n\n";
    let base = layer(&[
        ("etc/os-release", b"ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n"),
        ("var/lib/dpkg/status", status),
    ]);
    let large = vec![7; 3 << 20];
    let app = layer(&[
        ("app/node_modules/left-pad/package.json", br#"{"name": "left-pad", "version": "1.3.0"}"#),
        ("app/data", &large),
    ]);
    let image = shelf.image("registry.example/team/app:1", &[base, app]);
    (shelf, image)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn layers_become_a_report_and_the_second_time_nothing_is_fetched() {
    let (shelf, image) = shelf();
    let (shelf, dir) = (Arc::new(shelf), tempfile::tempdir().unwrap());
    let cold = Arc::new(Counter::default());
    let first = scan(&shelf, dir.path(), &image, cold.clone()).await;
    let report = &first.reports[0];
    let packages: Vec<_> = report.packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.layer)).collect();
    assert_eq!(packages, [("openssl", "3.0.15-1~deb12u1", Some(0)), ("left-pad", "1.3.0", Some(1))]);
    assert_eq!(report.image.distro.as_ref().unwrap().id, "debian");
    assert_eq!(report.image.other_platforms, ["linux/arm64"]);
    assert_eq!(report.inputs.as_of, "2026-11-21");
    assert_eq!(report.verdict, Verdict::Error, "without advisories there is no pass");
    assert_eq!((first.record.verdict, shelf.opened.load(Ordering::Relaxed)), (Verdict::Error, 2));
    assert_eq!((cold.started.load(Ordering::Relaxed), cold.finished.load(Ordering::Relaxed)), (2, 2));
    assert!(cold.bytes.load(Ordering::Relaxed) > 3 << 20);

    let second = scan_by("another", &shelf, dir.path(), &image, Arc::default()).await;
    assert_eq!(shelf.opened.load(Ordering::Relaxed), 2, "every layer was cached");
    let bytes = |scanned: &Scanned| serde_json::to_vec(&scanned.reports[0]).unwrap();
    assert_eq!(bytes(&first), bytes(&second), "byte for byte");
    let stored = layergate_ports::codec::encode_report(&first.reports[0]).unwrap();
    let through = layergate_ports::codec::decode_report(&stored).unwrap();
    assert_eq!(bytes(&first), serde_json::to_vec(&through).unwrap(), "a store changes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_kept_for_whoever_judges_the_same_again() {
    let (shelf, image) = shelf();
    let (shelf, dir) = (Arc::new(shelf), tempfile::tempdir().unwrap());
    let first = scan(&shelf, dir.path(), &image, Arc::default()).await;
    let kept: Vec<_> = std::fs::read_dir(dir.path().join("reports/this")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(kept.len(), 1);

    // Without a layer in the cache.
    std::fs::remove_dir_all(dir.path().join("layers")).unwrap();
    let again = scan(&shelf, dir.path(), &image, Arc::default()).await;
    assert_eq!((&again.reports, again.record.verdict), (&first.reports, first.record.verdict));
    assert_eq!(shelf.opened.load(Ordering::Relaxed), 2, "no layer was asked for again");

    // What is damaged is thrown away and made again.
    let good = std::fs::read(&kept[0]).unwrap();
    for at in [0, 3, 5, 12, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&kept[0], bad).unwrap();
        assert_eq!(scan(&shelf, dir.path(), &image, Arc::default()).await.reports, first.reports, "damaged at {at}");
        assert_eq!(std::fs::read(&kept[0]).unwrap(), good);
    }
    std::fs::write(&kept[0], &good[..7]).unwrap();
    assert_eq!(scan(&shelf, dir.path(), &image, Arc::default()).await.reports, first.reports, "cut short");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_bytes_than_the_manifest_pins_are_a_gap_and_never_cached() {
    let (shelf, image) = shelf();
    let dir = tempfile::tempdir().unwrap();
    let whole = shelf.blobs.lock().unwrap().clone();
    for cut in [0, 700] {
        let cut_short = whole.iter().map(|(digest, blob)| (*digest, blob[..cut].to_vec())).collect();
        let shelf = Shelf { images: shelf.images.clone(), blobs: Mutex::new(cut_short), opened: AtomicUsize::new(0) };
        let shelf = Arc::new(shelf);
        let scanned = scan(&shelf, dir.path(), &image, Arc::default()).await;
        assert_eq!(scanned.record.verdict, Verdict::Error);
        let gaps: Vec<_> = scanned.reports[0].gaps.iter().filter(|g| g.kind == GapKind::LayerUnavailable).collect();
        assert_eq!(gaps.len(), 2, "{gaps:?}");
        assert!(gaps[0].detail.contains("instead of sha256:"), "{}", gaps[0].detail);
        assert_eq!(shelf.opened.load(Ordering::Relaxed), 4, "a broken transfer is tried once more");
    }
    let scanned = scan(&Arc::new(shelf), dir.path(), &image, Arc::default()).await;
    assert_eq!(scanned.reports[0].packages.len(), 2, "nothing of the failures was cached");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_is_not_there_has_no_report() {
    let (shelf, _) = shelf();
    let dir = tempfile::tempdir().unwrap();
    let missing = ImageLocator::Registry("registry.example/nothing".parse().unwrap());
    let scanned = scan(&Arc::new(shelf), dir.path(), &missing, Arc::default()).await;
    assert!(scanned.reports.is_empty());
    assert!(matches!(scanned.record.error, Some(JobError::Source(SourceError::NotFound(_)))));
}
