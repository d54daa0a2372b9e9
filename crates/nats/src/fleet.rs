//! One connection, and all the ports over it.

use std::{path::PathBuf, sync::Arc};

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
            link,
        })
    }

    /// The snapshot store, with a local directory for what is fetched.
    pub fn snapshots(&self, dir: impl Into<PathBuf>) -> Arc<NatsSnapshots> {
        Arc::new(NatsSnapshots::new(self.link.clone(), dir.into()))
    }

    /// Whether the connection stands now (for `/readyz`).
    pub fn is_connected(&self) -> bool {
        self.link.client.connection_state() == async_nats::connection::State::Connected
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
