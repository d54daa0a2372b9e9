//! The estate's store: records in order and each once, blobs whole, and both there for the next process.

use std::sync::Arc;

use super::Holds;
use crate::{AppendError, BlobName, EstateStore, MAX_RECORD, Shard};

/// A store of an estate. `open` gives the same store each time, as another process would open it.
pub async fn estate_store(open: impl AsyncFn() -> Arc<dyn EstateStore>) {
    let store = open().await;
    let (shard, other) = (Shard::of("registry.example/a"), Shard::of("registry.example/b"));
    assert_ne!(shard, other);
    assert!(store.read(shard, 0, 10).await.holds("read").is_empty());
    assert_eq!(store.append(shard, 0, b"one").await.holds("append"), 1);
    assert_eq!(store.append(shard, 1, b"two").await.holds("append"), 2);
    assert_eq!(store.append(other, 0, b"another shard").await.holds("append"), 1);
    assert_eq!(store.append(shard, 2, b"").await.holds("an empty record"), 3);

    // Another process sees all of it, and may not write over what it has not read.
    let second = open().await;
    for after in [0, 2, 7] {
        match second.append(shard, after, b"late").await {
            Err(AppendError::Conflict { expected, last: 3, .. }) if expected == after => {}
            answer => panic!("appended behind {after}: {answer:?}"),
        }
    }
    let texts = |records: Vec<crate::Record>| -> Vec<(u64, String)> {
        records.into_iter().map(|r| (r.sequence, String::from_utf8_lossy(&r.bytes).into_owned())).collect()
    };
    let all = texts(second.read(shard, 0, 100).await.holds("read"));
    assert_eq!(all, [(1, "one".into()), (2, "two".into()), (3, String::new())]);
    assert_eq!(texts(second.read(shard, 1, 1).await.holds("read")), [(2, "two".into())]);
    assert_eq!(second.append(shard, 3, b"four").await.holds("append"), 4);
    match store.append(shard, 3, b"four, too").await {
        Err(AppendError::Conflict { last: 4, .. }) => {}
        answer => panic!("two fourth records: {answer:?}"),
    }
    assert_eq!(texts(store.read(shard, 3, 10).await.holds("read")), [(4, "four".into())]);

    let large = vec![7; MAX_RECORD];
    assert_eq!(store.append(other, 1, &large).await.holds("the largest record"), 2);
    assert_eq!(store.read(other, 1, 10).await.holds("read")[0].bytes, large);
    assert!(matches!(store.append(other, 2, &vec![7; MAX_RECORD + 1]).await, Err(AppendError::TooLarge(_))));
    // Of writers at the same place one wins.
    let racing = Shard::of("registry.example/race");
    let won = futures::future::join_all((0..8u8).map(async |n| store.append(racing, 0, &[n]).await.is_ok())).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    assert_eq!(store.read(racing, 0, 10).await.holds("read").len(), 1);

    let name = |name| BlobName::new("images", name).holds("a name");
    assert_eq!(store.get_blob(&name("a")).await.holds("get"), None);
    store.remove_blob(&name("a")).await.holds("remove what is not there");
    for size in [0, 3 << 20, 5] {
        let bytes = vec![u8::try_from(size % 251).unwrap_or_default(); size];
        store.put_blob(&name("a"), bytes.clone()).await.holds("put");
        assert_eq!(second.get_blob(&name("a")).await.holds("get").as_ref(), Some(&bytes), "{size} bytes");
    }
    assert_eq!(store.get_blob(&name("b")).await.holds("get"), None);
    second.remove_blob(&name("a")).await.holds("remove");
    assert_eq!(store.get_blob(&name("a")).await.holds("get"), None);
}
