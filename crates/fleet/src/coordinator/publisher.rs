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

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    ports::{Clock, LayerQueue, Published, QueueError},
    values::{Fingerprint, Lane, LayerKey, LayerTask},
};

/// How often the depth of the queue is looked at while bulk tasks wait here.
const LOOK: Duration = Duration::from_millis(20);

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

    /// Lets bulk tasks through, until `stop`.
    pub(super) async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if self.bulk().order.is_empty() {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = self.wake.notified() => continue,
                }
            }
            match self.queue.waiting(&self.fingerprint).await {
                Ok(waiting) => self.let_through(self.window.load(Ordering::Relaxed).saturating_sub(waiting)).await,
                Err(error) => tracing::warn!(%error, "the depth of the layer queue is not known"),
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.clock.sleep(LOOK) => {}
            }
        }
    }

    async fn let_through(&self, mut room: u64) {
        while room > 0 {
            let task = {
                let mut bulk = self.bulk();
                let Some(task) = bulk.order.pop_front() else { return };
                if !bulk.keys.remove(&task.key) {
                    continue;
                }
                task
            };
            match self.queue.publish(&task).await {
                Ok(Published::Queued) => room -= 1,
                Ok(Published::InFlight) => {}
                Ok(Published::Full) => return self.put_back(task),
                Err(error) => {
                    tracing::warn!(%error, layer = %task.key.digest, "a bulk task could not be published");
                    return self.put_back(task);
                }
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
