//! The verdict store: the first verdict stands, watchers are reported, reports come back whole.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use layergate_model::Verdict;

use super::{Holds, report, verdict};
use crate::{
    VerdictStore,
    values::{IdempotencyKey, JobId, ReportKey},
};

/// A store of verdicts.
pub async fn verdict_store(make: impl AsyncFn() -> Arc<dyn VerdictStore>) {
    let store = make().await;
    let id = |text: &str| JobId::new(text).holds("an id");
    assert_eq!(store.get(&id("none")).await.holds("get"), None);

    let mut watch = store.watch().await.holds("watch");
    let first = verdict("one", Verdict::Fail);
    assert_eq!(store.put(&first).await.holds("put"), first);
    assert_eq!(store.put(&verdict("one", Verdict::Pass)).await.holds("put"), first, "the first verdict stands");
    assert_eq!(store.get(&id("one")).await.holds("get"), Some(first.clone()));
    let second = verdict("two", Verdict::Pass);
    store.put(&second).await.holds("put");
    let mut heard = Vec::new();
    while !heard.contains(&second) {
        let next = tokio::time::timeout(Duration::from_secs(15), watch.next()).await;
        heard.push(next.holds("an event in time").holds("an event"));
    }
    assert!(heard.contains(&first) && heard.iter().all(|r| *r == first || *r == second));
    // Many at once: one stands, and everybody is reported which.
    let stands = futures::future::join_all((0..20).map(async |n| {
        let kind = if n % 2 == 0 { Verdict::Pass } else { Verdict::Fail };
        store.put(&verdict("race", kind)).await.holds("put").verdict
    }))
    .await;
    assert!(stands.iter().all(|v| *v == stands[0]), "{stands:?}");

    let key = ReportKey::of_job(&id("one"), 0);
    assert!(store.get_report(&key).await.holds("get report").is_none());
    for reference in ["registry.example/a:1", "registry.example/a:2"] {
        store.put_report(&key, &report(reference)).await.holds("put report");
        assert_eq!(store.get_report(&key).await.holds("get report").as_deref(), Some(&*report(reference)));
    }
    assert!(store.get_report(&ReportKey::of_job(&id("one"), 1)).await.holds("get report").is_none());

    let name = IdempotencyKey::new("build-17").holds("a key");
    assert_eq!(store.claim(&name, &id("first")).await.holds("claim"), id("first"));
    assert_eq!(store.claim(&name, &id("second")).await.holds("claim"), id("first"));
    let other = IdempotencyKey::new("build-18").holds("a key");
    assert_eq!(store.claim(&other, &id("second")).await.holds("claim"), id("second"));
}
