//! Locks: work that one process of the fleet does for all of them, and not more often than is asked for.
//!
//! A lock is one key with a time to live. The process that creates it holds the lock and keeps the key alive while it works; after
//! that the key stands until the work may be done again. When a process dies at work its key expires, and another acquires the
//! lock. A holder that was cut off for longer than that works beside the next one: what is done under a lock must bear
//! being done twice.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use layergate_ports::StoreError;

use crate::{bucket::Bucket, link::Link, names::Kind};

/// How long a lock outlives the last sign of life of its holder.
const LEASE: Duration = Duration::from_secs(60);

/// Locks on JetStream.
pub struct NatsLocks {
    control: Bucket,
}

/// A lock that this process holds.
pub struct Lock {
    control: Bucket,
    key: String,
    holder: Bytes,
}

impl NatsLocks {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { control: Bucket::new(link, Kind::Control) }
    }

    /// Acquires the lock of `work`. `None` when another process holds it, or held it not long ago.
    ///
    /// # Errors
    /// When NATS cannot be asked.
    pub async fn acquire(&self, work: &str, holder: &str) -> Result<Option<Lock>, StoreError> {
        let lock = Lock {
            control: self.control.clone(),
            key: format!("lock.{work}"),
            holder: holder.as_bytes().to_vec().into(),
        };
        let acquired = self.control.create(&lock.key, &lock.holder, Some(LEASE)).await?;
        Ok(acquired.then_some(lock))
    }
}

impl Lock {
    /// Holds the lock until `work` is done.
    pub async fn hold_during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(LEASE / 3) => {
                    // While the server is away for longer than the lease, another may acquire the lock.
                    let _ = self.control.put(&self.key, &self.holder, Some(LEASE)).await;
                }
            }
        }
    }

    /// Ends the work; the lock can be acquired again after `rest` (whole seconds, at least one).
    ///
    /// # Errors
    /// When NATS cannot be reached: then the lock expires with its lease.
    pub async fn release_after(self, rest: Duration) -> Result<(), StoreError> {
        Ok(self.control.put(&self.key, &self.holder, Some(rest)).await?)
    }
}
