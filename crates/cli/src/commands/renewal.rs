//! The renewal of a fleet's advisories on a schedule (`coordinator --renew`): one coordinator does it for all, under a lock on NATS,
//! with the checks of `db update` against the snapshot that is in force.

use std::{sync::Arc, time::Duration};

use layergate_nats::{NatsLocks, NatsSnapshots};
use layergate_ports::SnapshotStore;
use layergate_server::{Metrics, Renewal};

use super::update;
use crate::{args::UpdateArgs, exit::Failure, signature::VerifyKey};

/// What the lock is called.
const WORK: &str = "advisories";
/// After a failure it is tried again sooner, but not sooner than a source can bear.
const AFTER_FAILURE: Duration = Duration::from_secs(900);

/// What renews the advisories of a fleet.
pub(crate) struct Renewer {
    pub(crate) every: Duration,
    pub(crate) from: UpdateArgs,
    pub(crate) key: Option<VerifyKey>,
    pub(crate) store: Arc<NatsSnapshots>,
    pub(crate) locks: Arc<NatsLocks>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Renewer {
    /// Renews on schedule until it is dropped.
    pub(crate) async fn keep(self) {
        let look = (self.every / 20).clamp(Duration::from_secs(1), Duration::from_secs(60));
        let holder = std::process::id().to_string();
        loop {
            // Where NATS is out of reach for a moment, the lock is acquired later.
            if let Ok(Some(lock)) = self.locks.acquire(WORK, &holder).await {
                let outcome = lock.hold_during(self.once()).await.unwrap_or_else(|why| {
                    let (Failure::Error(why) | Failure::Usage(why)) = why;
                    tracing::warn!(
                        why = format!("{why:#}"),
                        "the advisories are not renewed; the old ones stay in force"
                    );
                    Renewal::Failed
                });
                self.metrics.renewal(outcome);
                let rest = match outcome {
                    Renewal::Failed => (self.every / 12).clamp(Duration::from_secs(1), AFTER_FAILURE),
                    _ => self.every,
                };
                if let Err(error) = lock.release_after(rest).await {
                    tracing::debug!(%error, "the next renewal may come early");
                }
            }
            tokio::time::sleep(look).await;
        }
    }

    async fn once(&self) -> Result<Renewal, Failure> {
        let current = self.store.current().await.map_err(anyhow::Error::from)?;
        // A current snapshot that nobody has any more is no measure.
        let copy = match &current {
            Some(digest) => self.store.fetch(digest).await.ok(),
            None => None,
        };
        let fresh = update::for_fleet(&self.from, self.key.as_ref(), current.as_ref(), copy.as_deref()).await?;
        // Jobs that are still pinned to the one before last have it open; the bucket has room for few.
        self.store.forget_others(current.as_slice()).await.map_err(anyhow::Error::from)?;
        let digest = self.store.publish(&fresh).await.map_err(anyhow::Error::from)?;
        if current == Some(digest) {
            tracing::info!(%digest, "the advisories are the newest there are");
            return Ok(Renewal::Unchanged);
        }
        self.store.announce(&digest).await.map_err(anyhow::Error::from)?;
        tracing::info!(%digest, "the advisories are renewed");
        Ok(Renewal::Renewed)
    }
}
