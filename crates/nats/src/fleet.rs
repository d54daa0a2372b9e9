//! One connection, and all the ports over it.

use std::{
    path::PathBuf,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::connection::State;
use futures::{StreamExt, TryStreamExt, stream};
use layergate_ports::values::Fingerprint;

use crate::{
    cache::NatsCache,
    error::{ConnectError, NatsError},
    estate::NatsEstate,
    failures::NatsFailures,
    jobs::NatsJobs,
    layers::{Done, NatsLayers},
    link::Link,
    locks::NatsLocks,
    membership::NatsMembership,
    options::NatsOptions,
    sboms::NatsSboms,
    snapshots::NatsSnapshots,
    streams,
    verdicts::NatsVerdicts,
};

/// A fleet's place on NATS: every port, over one connection. Cheap to clone.
#[derive(Clone)]
pub struct Fleet {
    link: Arc<Link>,
    /// Jobs.
    pub jobs: Arc<NatsJobs>,
    /// Layer tasks.
    pub layers: Arc<NatsLayers>,
    /// Layer inventories.
    pub cache: Arc<NatsCache>,
    /// Failure records.
    pub failures: Arc<NatsFailures>,
    /// Verdicts and reports.
    pub verdicts: Arc<NatsVerdicts>,
    /// Uploaded SBOMs.
    pub sboms: Arc<NatsSboms>,
    /// The estate.
    pub estate: Arc<NatsEstate>,
    /// Who is in the fleet.
    pub membership: Arc<NatsMembership>,
    /// Work that one process does for all.
    pub locks: Arc<NatsLocks>,
    /// Whether the streams were there and would do at the last look.
    sound: Arc<AtomicBool>,
}

/// How often the streams are looked for: one question, whose answer is a few kilobytes.
const LOOK: Duration = Duration::from_secs(5);

/// Looks for the streams until nobody needs them any more.
async fn keep_streams(link: Weak<Link>, sound: Arc<AtomicBool>) {
    let (mut last, mut reported) = (None, String::new());
    loop {
        let Some(link) = link.upgrade() else { return };
        // While the connection is away that is what is reported.
        if link.client.connection_state() == State::Connected {
            match streams::keep(&link).await {
                Ok(made) => {
                    sound.store(true, Ordering::Release);
                    reported.clear();
                    if last.as_ref().is_some_and(|last| *last != made) {
                        link.begin_anew();
                    }
                    last = Some(made);
                }
                Err(error) => {
                    sound.store(false, Ordering::Release);
                    let error = error.to_string();
                    if error != reported {
                        tracing::error!(%error, "the fleet's streams cannot be used; not ready until they can");
                        reported = error;
                    }
                }
            }
        }
        drop(link);
        tokio::time::sleep(LOOK).await;
    }
}

impl Fleet {
    /// Connects, and makes every stream that is not there; an error when the server is too old or a stream is
    /// otherwise.
    pub async fn connect(options: NatsOptions) -> Result<Self, ConnectError> {
        let link = Arc::new(Link::connect(options).await?);
        let wanted = streams::all(&link.names, &link.options);
        let made = stream::iter(wanted).map(|config| {
            let link = link.clone();
            async move { streams::ensure(&link.jetstream, &config).await }
        });
        made.buffer_unordered(4).try_collect::<()>().await?;
        let sound = Arc::new(AtomicBool::new(true));
        tokio::spawn(keep_streams(Arc::downgrade(&link), sound.clone()));
        let done = Done::new(link.clone());
        Ok(Self {
            jobs: Arc::new(NatsJobs::new(link.clone())),
            layers: Arc::new(NatsLayers::new(link.clone(), done.clone())),
            cache: Arc::new(NatsCache::new(link.clone(), done)),
            failures: Arc::new(NatsFailures::new(link.clone())),
            verdicts: Arc::new(NatsVerdicts::new(link.clone())),
            sboms: Arc::new(NatsSboms::new(link.clone())),
            estate: Arc::new(NatsEstate::new(link.clone())),
            membership: Arc::new(NatsMembership::new(link.clone())),
            locks: Arc::new(NatsLocks::new(link.clone())),
            sound,
            link,
        })
    }

    /// The snapshot store, with a local directory for what is fetched.
    pub fn snapshots(&self, dir: impl Into<PathBuf>) -> Arc<NatsSnapshots> {
        Arc::new(NatsSnapshots::new(self.link.clone(), dir.into()))
    }

    /// Whether the connection stands now.
    pub fn is_connected(&self) -> bool {
        self.link.client.connection_state() == State::Connected
    }

    /// Whether work can be done: the connection stands, and the streams are there (for `/readyz`).
    pub fn is_ready(&self) -> bool {
        self.is_connected() && self.sound.load(Ordering::Acquire)
    }

    /// The version of the server that we are connected to.
    pub fn server_version(&self) -> String {
        self.link.client.server_info().version
    }

    /// Deletes everything of an analyzer set that nobody runs any more; how many layers were known under it.
    pub async fn purge(&self, fingerprint: &Fingerprint) -> Result<u64, NatsError> {
        self.layers.purge(fingerprint).await?;
        self.cache.purge(fingerprint).await
    }
}
