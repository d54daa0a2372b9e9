//! The coordinator and the worker over ports that lose acks, events, answers and bodies, in virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use layergate_model::{LayerInventory, Verdict};
use layergate_ports::{conformance::key, observe::LayerEnd, values::*, *};
use support::{ACK_WAIT, Fleet};

const HOUR: Duration = Duration::from_secs(3600);

/// A lease whose first acks are lost, as if the holder had died before them.
struct Deaf {
    inner: Box<dyn Lease>,
    deaf: bool,
}

#[async_trait]
impl Lease for Deaf {
    async fn ack(&self) -> Result<(), QueueError> {
        if self.deaf { Ok(()) } else { self.inner.ack().await }
    }
    async fn nak(&self, delay: Duration) -> Result<(), QueueError> {
        self.inner.nak(delay).await
    }
    async fn progress(&self) -> Result<(), QueueError> {
        self.inner.progress().await
    }
    async fn term(&self, reason: &str) -> Result<(), QueueError> {
        self.inner.term(reason).await
    }
}

/// Queues that lose acks and events.
struct Lossy {
    layers: Arc<dyn LayerQueue>,
    jobs: Arc<dyn JobQueue>,
    lose_acks: bool,
    lose_events: bool,
    end_watches: AtomicU32,
}

#[async_trait]
impl LayerQueue for Lossy {
    async fn publish(&self, task: &LayerTask) -> Result<Published, QueueError> {
        self.layers.publish(task).await
    }
    async fn next(&self, fingerprint: &Fingerprint) -> Result<LayerDelivery, QueueError> {
        let mut delivery = self.layers.next(fingerprint).await?;
        let deaf = self.lose_acks && delivery.deliveries == 1;
        delivery.lease = Box::new(Deaf { inner: delivery.lease, deaf });
        Ok(delivery)
    }
    async fn waiting(&self, fingerprint: &Fingerprint) -> Result<u64, QueueError> {
        self.layers.waiting(fingerprint).await
    }
    async fn announce(&self, event: &DoneEvent) -> Result<(), QueueError> {
        if self.lose_events { Ok(()) } else { self.layers.announce(event).await }
    }
    async fn watch_done(&self) -> Result<DoneStream, QueueError> {
        if self.end_watches.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            return Ok(Box::pin(futures::stream::empty()));
        }
        self.layers.watch_done().await
    }
}

#[async_trait]
impl JobQueue for Lossy {
    async fn submit(&self, job: &Job) -> Result<Published, QueueError> {
        self.jobs.submit(job).await
    }
    async fn next(&self, lane: Lane) -> Result<JobDelivery, QueueError> {
        let mut delivery = self.jobs.next(lane).await?;
        let deaf = self.lose_acks && delivery.deliveries == 1;
        delivery.lease = Box::new(Deaf { inner: delivery.lease, deaf });
        Ok(delivery)
    }
    async fn waiting(&self, lane: Lane) -> Result<u64, QueueError> {
        self.jobs.waiting(lane).await
    }
    async fn holds(&self, job: &JobId) -> Result<bool, QueueError> {
        self.jobs.holds(job).await
    }
}

fn lossy(change: impl FnOnce(&mut Lossy)) -> Fleet {
    let mut fleet = Fleet::new();
    let mut lossy = Lossy {
        layers: fleet.layers.clone(),
        jobs: fleet.jobs.clone(),
        lose_acks: false,
        lose_events: false,
        end_watches: 0.into(),
    };
    change(&mut lossy);
    let lossy = Arc::new(lossy);
    fleet.layers = lossy.clone();
    fleet.jobs = lossy;
    fleet
}

#[tokio::test(start_paused = true)]
async fn a_death_between_storing_and_acknowledging_costs_nothing() {
    let fleet = lossy(|lossy| lossy.lose_acks = true);
    let _loops = (fleet.coordinator(|_| {}), fleet.worker(|_| {}));
    let image = fleet.world.image("registry.example/app:1", &[(1, "app"), (2, "app")]);
    fleet.submit("one", &image, Lane::Interactive, HOUR).await;
    let first = fleet.verdict("one").await;
    tokio::time::sleep(ACK_WAIT * 3).await;
    assert_eq!(fleet.world.ends_of(1), [LayerEnd::Stored, LayerEnd::AlreadyThere]);
    assert_eq!((fleet.world.opened(1), fleet.world.opened(2)), (1, 1));
    assert_eq!(fleet.world.finished.lock().unwrap().len(), 1, "judged once");
    assert_eq!(fleet.verdict("one").await, first);
    assert_eq!(fleet.jobs.waiting(Lane::Interactive).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_lost_event_hangs_a_job() {
    let fleet = lossy(|lossy| lossy.lose_events = true);
    let _loops = (fleet.coordinator(|_| {}), fleet.worker(|_| {}));
    let image = fleet.world.image("registry.example/app:1", &[(1, "app"), (2, "broken")]);
    let started = tokio::time::Instant::now();
    fleet.submit("one", &image, Lane::Interactive, HOUR).await;
    assert_eq!(fleet.verdict("one").await.missing.len(), 1);
    assert!(started.elapsed() < ACK_WAIT * 2, "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_is_begun_anew() {
    let fleet = lossy(|lossy| lossy.end_watches = 3.into());
    let _loops = (fleet.coordinator(|_| {}), fleet.worker(|_| {}));
    let image = fleet.world.image("registry.example/app:1", &[(1, "app")]);
    let started = tokio::time::Instant::now();
    fleet.submit("one", &image, Lane::Interactive, HOUR).await;
    assert_eq!(fleet.verdict("one").await.verdict, Verdict::Pass);
    assert!(started.elapsed() < ACK_WAIT, "{:?}", started.elapsed());
}

/// A cache that says of a layer that it is there and does not give it, so many times.
struct Forgetful {
    inner: Arc<dyn LayerCache>,
    forgets: AtomicU32,
}

#[async_trait]
impl LayerCache for Forgetful {
    async fn get_many(&self, keys: &[LayerKey]) -> Result<Vec<Option<Arc<LayerInventory>>>, CacheError> {
        let mut found = self.inner.get_many(keys).await?;
        for value in found.iter_mut().filter(|v| v.is_some()) {
            if self.forgets.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
                *value = None;
            }
        }
        Ok(found)
    }
    async fn contains_many(&self, keys: &[LayerKey]) -> Result<Vec<bool>, CacheError> {
        self.inner.contains_many(keys).await
    }
    async fn put(&self, key: &LayerKey, inventory: &Arc<LayerInventory>) -> Result<(), CacheError> {
        self.inner.put(key, inventory).await
    }
    async fn remove(&self, key: &LayerKey) -> Result<(), CacheError> {
        self.inner.remove(key).await
    }
    async fn invalidate_if_absent(&self, key: &LayerKey) -> Result<(), CacheError> {
        // Nobody puts it back meanwhile here, and another look would be another forgetting.
        self.inner.remove(key).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_is_read_again_and_a_hopeless_cache_is_a_gap() {
    for (forgets, verdict) in [(2, Verdict::Pass), (1000, Verdict::Error)] {
        let mut fleet = Fleet::new();
        fleet.cache = Arc::new(Forgetful { inner: fleet.cache.clone(), forgets: forgets.into() });
        let _loops = (fleet.coordinator(|_| {}), fleet.worker(|_| {}));
        let image = fleet.world.image("registry.example/app:1", &[(1, "app")]);
        fleet.submit("one", &image, Lane::Interactive, HOUR).await;
        assert_eq!(fleet.verdict("one").await.verdict, verdict);
        assert_eq!(fleet.world.opened(1), (forgets + 1).min(4));
    }
}

/// Does not answer about layer 1.
struct NoAnnouncements(Arc<dyn LayerQueue>);

#[async_trait]
impl LayerQueue for NoAnnouncements {
    async fn publish(&self, task: &LayerTask) -> Result<Published, QueueError> {
        if task.key == key(1) {
            std::future::pending::<()>().await;
        }
        self.0.publish(task).await
    }
    async fn next(&self, fingerprint: &Fingerprint) -> Result<LayerDelivery, QueueError> {
        self.0.next(fingerprint).await
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

/// The simulation found every bulk layer of a coordinator waiting for one answer that did not come.
#[tokio::test(start_paused = true)]
async fn one_answer_that_does_not_come_holds_up_no_other_layer() {
    let mut fleet = Fleet::new();
    fleet.layers = Arc::new(NoAnnouncements(fleet.layers.clone()));
    let _loops = (fleet.coordinator(|_| {}), fleet.worker(|_| {}));
    let stuck = fleet.world.image("registry.example/app:1", &[(1, "app")]);
    fleet.submit("stuck", &stuck, Lane::Bulk, HOUR).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = tokio::time::Instant::now();
    let image = fleet.world.image("registry.example/app:2", &[(2, "app"), (3, "app")]);
    fleet.submit("free", &image, Lane::Bulk, HOUR).await;
    assert_eq!(fleet.verdict("free").await.verdict, Verdict::Pass);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
