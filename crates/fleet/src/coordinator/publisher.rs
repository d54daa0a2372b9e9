//! Publishing layer tasks: interactive ones at once, bulk ones only while few tasks wait, so that an interactive layer is
//! never far from the front of the one queue that there is for layers.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use layergate_ports::{
    Clock, LayerQueue, Published, QueueError,
    values::{Fingerprint, Lane, LayerKey, LayerTask},
};

/// How often the depth of the queue is looked at while bulk tasks wait here.
const LOOK: Duration = Duration::from_millis(20);
/// Bulk tasks on their way to the queue at one time.
const AT_A_TIME: usize = 64;

#[derive(Default)]
struct Bulk {
    order: VecDeque<LayerTask>,
    keys: HashSet<LayerKey>,
}

/// The way of the tasks to the queue.
pub(super) struct Publisher {
    queue: Arc<dyn LayerQueue>,
    clock: Arc<dyn Clock>,
    fingerprint: Fingerprint,
    bulk: Mutex<Bulk>,
    wake: Notify,
    window: AtomicU64,
}

impl Publisher {
    pub(super) fn new(
        queue: Arc<dyn LayerQueue>,
        clock: Arc<dyn Clock>,
        fingerprint: Fingerprint,
        window: u64,
    ) -> Self {
        Self { queue, clock, fingerprint, bulk: Mutex::default(), wake: Notify::new(), window: window.max(1).into() }
    }

    fn bulk(&self) -> MutexGuard<'_, Bulk> {
        self.bulk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how many tasks may wait in the queue before bulk ones stay here: about one for each worker.
    pub(super) fn set_window(&self, tasks: u64) {
        self.window.store(tasks.max(1), Ordering::Relaxed);
    }

    /// Publishes or keeps a task; `false` when the queue had no room for it.
    pub(super) async fn publish(&self, task: LayerTask) -> Result<bool, QueueError> {
        if task.lane == Lane::Bulk {
            let mut bulk = self.bulk();
            if bulk.keys.insert(task.key) {
                bulk.order.push_back(task);
            }
            drop(bulk);
            self.wake.notify_one();
            return Ok(true);
        }
        Ok(self.queue.publish(&task).await? != Published::Full)
    }

    /// The layer is done: nobody needs to be asked for it any more.
    pub(super) fn forget(&self, key: &LayerKey) {
        self.bulk().keys.remove(key);
    }

    /// Lets bulk tasks through, until `stop`. Several are on their way at a time: a queue that is slow to answer about one
    /// task, or does not answer at all, does not hold up the others.
    pub(super) async fn run(&self, stop: CancellationToken) {
        let mut sending = FuturesUnordered::new();
        while !stop.is_cancelled() {
            if sending.is_empty() && self.bulk().order.is_empty() {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = self.wake.notified() => continue,
                }
            }
            let mut look = std::pin::pin!(self.queue.waiting(&self.fingerprint));
            let mut pause = std::pin::pin!(self.clock.sleep(LOOK));
            let mut looked = false;
            // How many more may go before the next look.
            let mut room = 0;
            loop {
                while room > 0 && sending.len() < AT_A_TIME {
                    let Some(task) = self.take() else { break };
                    room -= 1;
                    sending.push(async move {
                        let published = self.queue.publish(&task).await;
                        (task, published)
                    });
                }
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    Some((task, published)) = sending.next() => match published {
                        Ok(Published::Queued) => {}
                        Ok(Published::InFlight) => room += u64::from(looked),
                        Ok(Published::Full) => {
                            self.put_back(task);
                            room = 0;
                        }
                        Err(error) => {
                            tracing::warn!(%error, layer = %task.key.digest, "a bulk task could not be published");
                            self.put_back(task);
                            room = 0;
                        }
                    },
                    waiting = &mut look, if !looked => {
                        looked = true;
                        match waiting {
                            // Those on their way are not counted by the queue yet.
                            Ok(waiting) => {
                                let taken = waiting + sending.len() as u64;
                                room = self.window.load(Ordering::Relaxed).saturating_sub(taken);
                            }
                            Err(error) => tracing::warn!(%error, "the depth of the layer queue is not known"),
                        }
                    }
                    () = &mut pause, if looked => break,
                }
            }
        }
    }

    /// The next bulk task that somebody still waits for.
    fn take(&self) -> Option<LayerTask> {
        let mut bulk = self.bulk();
        loop {
            let task = bulk.order.pop_front()?;
            if bulk.keys.remove(&task.key) {
                return Some(task);
            }
        }
    }

    fn put_back(&self, task: LayerTask) {
        let mut bulk = self.bulk();
        if bulk.keys.insert(task.key) {
            bulk.order.push_front(task);
        }
    }
}
