//! Every adapter of this crate passes the suite of its port. Time is tokio's paused clock where nothing blocks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use layergate_local::*;
use layergate_ports::{conformance, *};

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}

#[tokio::test(start_paused = true)]
async fn layers() {
    conformance::layer_queue(async |ack_wait| Arc::new(LocalLayers::new(clock(), ack_wait, 1000)) as _).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_says_so() {
    let queue = LocalLayers::new(clock(), std::time::Duration::from_secs(1), 2);
    for (n, want) in [(1, Published::Queued), (2, Published::Queued), (2, Published::InFlight), (3, Published::Full)] {
        assert_eq!(queue.publish(&conformance::task(n)).await.unwrap(), want);
    }
}

#[tokio::test(start_paused = true)]
async fn jobs() {
    conformance::job_queue(async |ack_wait| Arc::new(LocalJobs::new(clock(), ack_wait, 1000)) as _).await;
}

#[tokio::test(start_paused = true)]
async fn failures() {
    conformance::failure_store(async || Arc::new(MemoryFailures::new(clock())) as _).await;
}

#[tokio::test(start_paused = true)]
async fn membership() {
    conformance::membership(async || Arc::new(MemoryMembership::new(clock())) as _).await;
}

#[tokio::test]
async fn verdicts() {
    conformance::verdict_store(async || Arc::new(MemoryVerdicts::new(1000, 1000)) as _).await;
}

#[tokio::test]
async fn sboms() {
    conformance::sbom_store(async || Arc::new(MemorySboms::new(64 << 20)) as _).await;
    let small = MemorySboms::new(10);
    let mut digests = Vec::new();
    for document in ["sixsix", "four", "more"] {
        digests.push(small.put(document.into()).await.unwrap());
    }
    let mut kept = Vec::new();
    for digest in &digests {
        kept.push(small.get(digest).await.unwrap().is_some());
    }
    assert_eq!(kept, [false, true, true], "the oldest goes when the bytes are too many");
}

#[tokio::test]
async fn snapshots() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    conformance::snapshot_store(dir.path(), async || Arc::new(DirSnapshots::open(&store).unwrap()) as _).await;
}

#[tokio::test]
async fn memory_cache() {
    conformance::layer_cache(async || Arc::new(MemoryCache::new(1 << 30)) as _).await;
}

#[tokio::test]
async fn dir_cache() {
    let dir = tempfile::tempdir().unwrap();
    conformance::layer_cache(async || Arc::new(DirCache::new(dir.path().join("c"), 1 << 30)) as _).await;
    let open = || Arc::new(DirCache::new(dir.path().join("shared"), 1 << 30)) as Arc<dyn LayerCache>;
    conformance::shared_layer_cache(async || (open(), open())).await;
}

#[tokio::test]
async fn sled_cache() {
    let dir = tempfile::tempdir().unwrap();
    conformance::layer_cache(async || Arc::new(SledCache::open(dir.path(), 1 << 30).unwrap()) as _).await;
}

#[tokio::test]
async fn tiered_caches() {
    let memory = || Arc::new(MemoryCache::new(1 << 30)) as Arc<dyn LayerCache>;
    conformance::layer_cache(async || Arc::new(TieredCache::for_reading(memory(), memory())) as _).await;
    conformance::layer_cache(async || Arc::new(TieredCache::for_sharing(memory(), memory())) as _).await;
    // Two workers, each with a tier of its own, over one shared tier; removal reaches the shared tier and one's own.
    let shared = memory();
    let worker = Arc::new(TieredCache::for_sharing(memory(), shared.clone()));
    conformance::shared_layer_cache(async || (shared.clone(), worker.clone() as Arc<dyn LayerCache>)).await;
}

#[tokio::test]
async fn a_worker_puts_back_what_the_shared_tier_has_lost() {
    let memory = || Arc::new(MemoryCache::new(1 << 30)) as Arc<dyn LayerCache>;
    let shared = memory();
    let worker = TieredCache::for_sharing(memory(), shared.clone());
    let key = conformance::key(1);
    worker.put(&key, &conformance::inventory(1)).await.unwrap();
    shared.remove(&key).await.unwrap();
    assert_eq!(worker.contains_many(&[key]).await.unwrap(), [true]);
    assert_eq!(shared.get(&key).await.unwrap(), Some(conformance::inventory(1)));
}

#[tokio::test]
async fn memory_is_bounded_and_the_least_used_goes() {
    let cache = MemoryCache::new(8 << 10);
    for n in 1..=50 {
        cache.put(&conformance::key(n), &conformance::inventory(n)).await.unwrap();
        cache.get(&conformance::key(1)).await.unwrap();
    }
    assert!(cache.get(&conformance::key(1)).await.unwrap().is_some(), "used all the time");
    assert!(cache.get(&conformance::key(2)).await.unwrap().is_none(), "not used since it was put");
    assert!(cache.get(&conformance::key(50)).await.unwrap().is_some(), "the newest stays");
}

#[tokio::test]
async fn estate_dir() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("estate");
    conformance::estate_store(async || Arc::new(EstateDir::open(&dir).unwrap()) as _).await;
}
