//! The snapshot store: what was published is fetched under its digest, what is announced is current and reported.

use std::{path::Path, sync::Arc, time::Duration};

use futures::StreamExt;
use layergate_model::Digest;

use super::Holds;
use crate::{SnapshotError, SnapshotStore};

/// A store of snapshots; `scratch` is a directory for the files of the suite.
pub async fn snapshot_store(scratch: &Path, make: impl AsyncFn() -> Arc<dyn SnapshotStore>) {
    let store = make().await;
    assert_eq!(store.current().await.holds("current"), None);
    let missing = Digest::of(b"missing");
    assert!(matches!(store.fetch(&missing).await, Err(SnapshotError::NotFound(d)) if d == missing));
    assert!(store.announce(&missing).await.is_err(), "what is not there cannot be current");

    let mut watch = store.watch().await.holds("watch");
    // Large enough to take several messages wherever there are messages.
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n * 7 % 251) as u8).collect();
    let file = scratch.join("published");
    for version in [&bytes[..], &bytes[1..]] {
        std::fs::write(&file, version).holds("a file");
        let digest = store.publish(&file).await.holds("publish");
        assert_eq!(digest, Digest::of(version));
        assert_eq!(store.publish(&file).await.holds("publish again"), digest);
        assert_ne!(store.current().await.holds("current"), Some(digest), "published is not yet current");
        store.announce(&digest).await.holds("announce");
        assert_eq!(store.current().await.holds("current"), Some(digest));
        let reported = tokio::time::timeout(Duration::from_secs(15), watch.next()).await;
        assert_eq!(reported.holds("an event in time").holds("an event"), digest);
        for _ in 0..2 {
            let path = store.fetch(&digest).await.holds("fetch");
            assert_eq!(std::fs::read(path).holds("the file"), version);
        }
    }
    let mut late = store.watch().await.holds("watch");
    let reported = tokio::time::timeout(Duration::from_secs(15), late.next()).await;
    assert_eq!(
        reported.holds("an event in time"),
        Some(Digest::of(&bytes[1..])),
        "a late watcher gets the current one"
    );
}
