//! Rules broken on purpose, by an adapter on the server's side: an oracle that lets one of these through is no oracle.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use layergate_model::{LayerInventory, Report};
use layergate_ports::{
    CacheError, DoneEvent, DoneStream, JobDelivery, JobQueue, LayerCache, LayerDelivery, LayerQueue, Lease, Published,
    QueueError, StoreError, VerdictStore, VerdictStream,
    values::{Fingerprint, IdempotencyKey, Job, JobId, Lane, LayerKey, LayerTask, ReportKey, VerdictRecord},
};

/// Which rule is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Sabotage {
    /// None.
    #[default]
    None,
    /// Now and then the cache says that a layer is there, and gives an empty inventory for it.
    LyingCache,
    /// The cache drops some of what it says it has stored.
    LostWrites,
    /// A layer that is in flight can be published again.
    NoSingleFlight,
    /// Layer messages leave the queue when they are delivered.
    LayerAckBeforeStore,
    /// Job messages leave the queue when they are delivered.
    JobAckBeforeVerdict,
    /// The last verdict stands, not the first.
    LastVerdictStands,
}

impl Sabotage {
    pub(crate) fn cache(self, inner: Arc<dyn LayerCache>) -> Arc<dyn LayerCache> {
        match self {
            Self::LyingCache | Self::LostWrites => Arc::new(BadCache { inner, sabotage: self, calls: 0.into() }),
            _ => inner,
        }
    }

    pub(crate) fn layers(self, inner: Arc<dyn LayerQueue>, second: Arc<dyn LayerQueue>) -> Arc<dyn LayerQueue> {
        match self {
            Self::NoSingleFlight => Arc::new(TwoFlights { both: [inner, second], calls: 0.into() }),
            Self::LayerAckBeforeStore => Arc::new(HastyLayers(inner)),
            _ => inner,
        }
    }

    pub(crate) fn jobs(self, inner: Arc<dyn JobQueue>) -> Arc<dyn JobQueue> {
        match self {
            Self::JobAckBeforeVerdict => Arc::new(HastyJobs(inner)),
            _ => inner,
        }
    }

    pub(crate) fn verdicts(self, inner: Arc<dyn VerdictStore>) -> Arc<dyn VerdictStore> {
        match self {
            Self::LastVerdictStands => Arc::new(Overwriting { inner, last: Default::default() }),
            _ => inner,
        }
    }
}

struct BadCache {
    inner: Arc<dyn LayerCache>,
    sabotage: Sabotage,
    calls: AtomicU64,
}

impl BadCache {
    fn every(&self, n: u64) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed) % n == n - 1
    }
}

#[async_trait]
impl LayerCache for BadCache {
    async fn get_many(&self, keys: &[LayerKey]) -> Result<Vec<Option<Arc<LayerInventory>>>, CacheError> {
        let mut found = self.inner.get_many(keys).await?;
        if self.sabotage == Sabotage::LyingCache {
            for (key, value) in keys.iter().zip(&mut found).filter(|(_, value)| value.is_none()) {
                *value = Some(Arc::new(LayerInventory {
                    blob: key.digest,
                    size: 0,
                    unpacked: 0,
                    sections: Default::default(),
                    gaps: Vec::new(),
                    paths: Default::default(),
                }));
            }
        }
        Ok(found)
    }

    async fn contains_many(&self, keys: &[LayerKey]) -> Result<Vec<bool>, CacheError> {
        let mut present = self.inner.contains_many(keys).await?;
        if self.sabotage == Sabotage::LyingCache && self.every(50) {
            present.fill(true);
        }
        Ok(present)
    }

    async fn put(&self, key: &LayerKey, inventory: &Arc<LayerInventory>) -> Result<(), CacheError> {
        if self.sabotage == Sabotage::LostWrites && self.every(50) {
            return Ok(());
        }
        self.inner.put(key, inventory).await
    }

    async fn remove(&self, key: &LayerKey) -> Result<(), CacheError> {
        self.inner.remove(key).await
    }
}

/// Two queues that know nothing of each other.
struct TwoFlights {
    both: [Arc<dyn LayerQueue>; 2],
    calls: AtomicU64,
}

#[async_trait]
impl LayerQueue for TwoFlights {
    async fn publish(&self, task: &LayerTask) -> Result<Published, QueueError> {
        let turn = self.calls.fetch_add(1, Ordering::Relaxed) % 2;
        self.both[turn as usize].publish(task).await
    }

    async fn next(&self, fingerprint: &Fingerprint) -> Result<LayerDelivery, QueueError> {
        tokio::select! {
            biased;
            delivery = self.both[0].next(fingerprint) => delivery,
            delivery = self.both[1].next(fingerprint) => delivery,
        }
    }

    async fn waiting(&self, fingerprint: &Fingerprint) -> Result<u64, QueueError> {
        Ok(self.both[0].waiting(fingerprint).await? + self.both[1].waiting(fingerprint).await?)
    }

    async fn announce(&self, event: &DoneEvent) -> Result<(), QueueError> {
        self.both[0].announce(event).await
    }

    async fn watch_done(&self) -> Result<DoneStream, QueueError> {
        self.both[0].watch_done().await
    }
}

/// A lease on a message that is gone already.
struct Gone;

#[async_trait]
impl Lease for Gone {
    async fn ack(&self) -> Result<(), QueueError> {
        Ok(())
    }
    async fn nak(&self, _delay: Duration) -> Result<(), QueueError> {
        Ok(())
    }
    async fn progress(&self) -> Result<(), QueueError> {
        Ok(())
    }
    async fn term(&self, _reason: &str) -> Result<(), QueueError> {
        Ok(())
    }
}

struct HastyLayers(Arc<dyn LayerQueue>);

#[async_trait]
impl LayerQueue for HastyLayers {
    async fn publish(&self, task: &LayerTask) -> Result<Published, QueueError> {
        self.0.publish(task).await
    }

    async fn next(&self, fingerprint: &Fingerprint) -> Result<LayerDelivery, QueueError> {
        let delivery = self.0.next(fingerprint).await?;
        delivery.lease.ack().await?;
        Ok(LayerDelivery { lease: Box::new(Gone), ..delivery })
    }

    async fn waiting(&self, fingerprint: &Fingerprint) -> Result<u64, QueueError> {
        self.0.waiting(fingerprint).await
    }

    async fn announce(&self, event: &DoneEvent) -> Result<(), QueueError> {
        self.0.announce(event).await
    }

    async fn watch_done(&self) -> Result<DoneStream, QueueError> {
        self.0.watch_done().await
    }
}

struct HastyJobs(Arc<dyn JobQueue>);

#[async_trait]
impl JobQueue for HastyJobs {
    async fn submit(&self, job: &Job) -> Result<Published, QueueError> {
        self.0.submit(job).await
    }

    async fn next(&self, lane: Lane) -> Result<JobDelivery, QueueError> {
        let delivery = self.0.next(lane).await?;
        delivery.lease.ack().await?;
        Ok(JobDelivery { lease: Box::new(Gone), ..delivery })
    }

    async fn waiting(&self, lane: Lane) -> Result<u64, QueueError> {
        self.0.waiting(lane).await
    }

    async fn holds(&self, job: &JobId) -> Result<bool, QueueError> {
        self.0.holds(job).await
    }
}

/// Stores a second verdict over the first.
struct Overwriting {
    inner: Arc<dyn VerdictStore>,
    last: std::sync::Mutex<std::collections::HashMap<JobId, VerdictRecord>>,
}

#[async_trait]
impl VerdictStore for Overwriting {
    async fn put(&self, record: &VerdictRecord) -> Result<VerdictRecord, StoreError> {
        self.inner.put(record).await?;
        crate::net::lock(&self.last).insert(record.job.clone(), record.clone());
        Ok(record.clone())
    }

    async fn get(&self, job: &JobId) -> Result<Option<VerdictRecord>, StoreError> {
        Ok(crate::net::lock(&self.last).get(job).cloned())
    }

    async fn watch(&self) -> Result<VerdictStream, StoreError> {
        self.inner.watch().await
    }

    async fn put_report(&self, key: &ReportKey, report: &Arc<Report>) -> Result<(), StoreError> {
        self.inner.put_report(key, report).await
    }

    async fn get_report(&self, key: &ReportKey) -> Result<Option<Arc<Report>>, StoreError> {
        self.inner.get_report(key).await
    }

    async fn claim(&self, key: &IdempotencyKey, job: &JobId) -> Result<JobId, StoreError> {
        self.inner.claim(key, job).await
    }
}
