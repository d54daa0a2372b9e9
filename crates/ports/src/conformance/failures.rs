//! Failure records: a source's failure is that source's, quarantine is everybody's, both end.

use std::{sync::Arc, time::Duration};

use layergate_model::GapKind;

use super::{Holds, key, locator};
use crate::{FailureKind, FailureStore, LayerFailure, values::SourceId};

/// A store of failure records.
pub async fn failure_store(make: impl AsyncFn() -> Arc<dyn FailureStore>) {
    let store = make().await;
    let (ours, theirs) = (SourceId::of(&locator(1, "ours")), SourceId::of(&locator(1, "theirs")));
    assert_ne!(ours, theirs);
    let of_source = |detail: &str| LayerFailure {
        kind: FailureKind::Source(ours),
        gap: GapKind::LayerUnavailable,
        detail: detail.into(),
    };
    let long = Duration::from_secs(600);
    store.record(&key(1), &of_source("404"), long).await.holds("record");
    store.record(&key(1), &of_source("403"), long).await.holds("a later one");
    let asked = [(key(2), ours), (key(1), theirs), (key(1), ours)];
    let found = store.look_up(&asked).await.holds("look up");
    assert_eq!(found, [None, None, Some(of_source("403"))], "the source's own, the latest");

    let resting =
        LayerFailure { kind: FailureKind::Quarantined, gap: GapKind::Quarantined, detail: "too often".into() };
    store.record(&key(1), &resting, Duration::from_secs(2)).await.holds("record");
    let found = store.look_up(&asked).await.holds("look up");
    assert_eq!(found, [None, Some(resting.clone()), Some(resting)], "quarantine is everybody's");
    // The time to live is a promise to end, not a precise one.
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let found = store.look_up(&asked).await.holds("look up");
        if found[1].is_none() {
            assert_eq!(found[2], Some(of_source("403")), "what lives longer lives on");
            return;
        }
    }
    panic!("a record of 2 s is still there after 20 s");
}
