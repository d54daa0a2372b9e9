//! The store of SBOMs: what is put in comes back whole, under the digest of its bytes, up to the bound.

use std::sync::Arc;

use bytes::Bytes;
use layergate_model::Digest;

use super::Holds;
use crate::{MAX_SBOM_BYTES, SbomStore};

/// A store of SBOMs.
pub async fn sbom_store(make: impl AsyncFn() -> Arc<dyn SbomStore>) {
    let store = make().await;
    assert_eq!(store.get(&Digest::of(b"none")).await.holds("get"), None);
    // Text that compresses and bytes that do not; small ones, and what is longer than a message.
    let noise: Vec<u8> = (0..1_500_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let documents =
        [Bytes::new(), Bytes::from_static(b"{}"), Bytes::from(noise), Bytes::from(vec![b' '; MAX_SBOM_BYTES])];
    for document in &documents {
        let digest = store.put(document.clone()).await.holds("put");
        assert_eq!(digest, Digest::of(document));
        assert_eq!(store.put(document.clone()).await.holds("put again"), digest);
        assert_eq!(store.get(&digest).await.holds("get").as_ref(), Some(document), "{} bytes", document.len());
    }
    let error = store.put(Bytes::from(vec![b' '; MAX_SBOM_BYTES + 1])).await.expect_err("over the bound");
    assert!(error.what.contains(&MAX_SBOM_BYTES.to_string()), "{error}");
}
