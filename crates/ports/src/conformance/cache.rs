//! The layer cache: what was put is got, by everybody who shares it, in the order of the question.

use std::sync::Arc;

use super::{Holds, fingerprint, inventory, key};
use crate::LayerCache;

/// One handle on one cache.
pub async fn layer_cache(make: impl AsyncFn() -> Arc<dyn LayerCache>) {
    let cache = make().await;
    assert!(cache.get(&key(1)).await.holds("a miss is no error").is_none());
    assert_eq!(cache.get_many(&[]).await.holds("an empty question").len(), 0);
    for n in [1, 2, 250] {
        cache.put(&key(n), &inventory(n)).await.holds("put");
    }
    let keys = [key(2), key(3), key(1), key(2), key(250)];
    let found = cache.get_many(&keys).await.holds("get many");
    let want = [Some(inventory(2)), None, Some(inventory(1)), Some(inventory(2)), Some(inventory(250))];
    assert_eq!(found, want, "in the order of the keys, doubles and misses included, path tables too");
    let there = cache.contains_many(&keys).await.holds("contains many");
    assert_eq!(there, [true, false, true, true, true]);

    cache.put(&key(1), &inventory(1)).await.holds("the same value again");
    assert_eq!(cache.get(&key(1)).await.holds("get"), Some(inventory(1)));
    let other = fingerprint("another analyzer set").key(key(1).digest);
    assert!(cache.get(&other).await.holds("get").is_none(), "another analyzer set is another key");

    cache.remove(&key(1)).await.holds("remove");
    cache.remove(&key(1)).await.holds("remove what is not there");
    assert_eq!(cache.get(&key(1)).await.holds("get"), None);
    assert_eq!(cache.contains_many(&[key(1), key(2)]).await.holds("contains"), [false, true]);
    cache.put(&key(1), &inventory(1)).await.holds("put after remove");
    assert_eq!(cache.get(&key(1)).await.holds("get"), Some(inventory(1)));
    cache.invalidate_if_absent(&key(1)).await.holds("lost");
    assert_eq!(cache.get(&key(1)).await.holds("get"), Some(inventory(1)), "what has come back meanwhile stays");
    cache.invalidate_if_absent(&key(3)).await.holds("lost");
    cache.flush().await.holds("flush");

    let keys: Vec<_> = (1000..1100).map(key).collect();
    futures::future::join_all((1000..1100).map(async |n| {
        cache.put(&key(n), &inventory(n)).await.holds("many at once");
    }))
    .await;
    let found = cache.get_many(&keys).await.holds("get many");
    assert!(found.iter().zip(1000..).all(|(found, n)| *found == Some(inventory(n))), "many at once");
}

/// Two handles (two processes) on one cache.
pub async fn shared_layer_cache(make: impl AsyncFn() -> (Arc<dyn LayerCache>, Arc<dyn LayerCache>)) {
    let (one, other) = make().await;
    one.put(&key(1), &inventory(1)).await.holds("put");
    assert_eq!(other.contains_many(&[key(1)]).await.holds("contains"), [true]);
    assert_eq!(other.get(&key(1)).await.holds("get"), Some(inventory(1)));
    futures::join!(async { one.put(&key(2), &inventory(2)).await.holds("put") }, async {
        other.put(&key(2), &inventory(2)).await.holds("put")
    });
    assert_eq!(one.get(&key(2)).await.holds("get"), Some(inventory(2)));
    other.remove(&key(1)).await.holds("remove");
    assert_eq!(one.get(&key(1)).await.holds("get"), None);
}
