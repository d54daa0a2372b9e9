//! Packing and unpacking inventories off the loops' threads, several at a time: a warm scan of a large image does little else.

use std::sync::Arc;

use layergate_model::LayerInventory;
use layergate_ports::{CacheError, codec, values::LayerKey};

/// What is stored under a key, as far as it is known.
pub(crate) enum Stored {
    /// Nothing.
    Missing,
    /// Something that cannot be read: to be removed.
    Damaged(String),
    /// A value.
    Value(Arc<LayerInventory>),
}

/// Reads and unpacks several values, on as many threads as there are cores. `read` gives the stored bytes.
pub(crate) fn unpack_all(keys: &[LayerKey], read: impl Fn(&LayerKey) -> Option<Vec<u8>> + Sync) -> Vec<Stored> {
    let one = |key: &LayerKey| match read(key).map(|bytes| codec::decode_inventory(&bytes, key.digest)) {
        None => Stored::Missing,
        Some(Ok(inventory)) => Stored::Value(Arc::new(inventory)),
        Some(Err(error)) => Stored::Damaged(error.to_string()),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(keys.len());
    if threads <= 1 {
        return keys.iter().map(one).collect();
    }
    // Neighbours in an image differ in size: each thread takes the next one that is left.
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut done: Vec<(usize, Stored)> = std::thread::scope(|scope| {
        let worker = || {
            let mut mine = Vec::new();
            while let Some((at, key)) = {
                let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                keys.get(at).map(|key| (at, key))
            } {
                mine.push((at, one(key)));
            }
            mine
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap_or_default()).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    let mut all: Vec<Stored> = Vec::with_capacity(keys.len());
    for (at, stored) in done {
        // A thread that broke down leaves holes; a hole is a miss.
        all.resize_with(at, || Stored::Missing);
        all.push(stored);
    }
    all.resize_with(keys.len(), || Stored::Missing);
    all
}

/// Runs `work` on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    place: &str,
    work: impl FnOnce() -> Result<T, CacheError> + Send + 'static,
) -> Result<T, CacheError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(CacheError { place: place.to_owned(), what: error.to_string() }),
    }
}
