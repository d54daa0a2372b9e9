//! Layer tasks in memory, and the word that layers are done.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::StreamExt;
use layergate_ports::{
    Clock, DoneEvent, DoneStream, LayerDelivery, LayerQueue, Published, QueueError,
    values::{Fingerprint, LayerKey, LayerTask},
};
use tokio::sync::broadcast;

use crate::{lease::QueueLease, lease_queue::LeaseQueue};

/// Events that a slow coordinator may lag behind before it has to look everything up again.
const EVENTS: usize = 4096;

type Tasks = LeaseQueue<Fingerprint, LayerKey, LayerTask>;

/// Layer tasks in memory.
pub struct LocalLayers {
    queue: Arc<Tasks>,
    done: broadcast::Sender<DoneEvent>,
}

impl LocalLayers {
    /// A queue of at most `capacity` tasks, whose holders must be heard of every `ack_wait`.
    pub fn new(clock: Arc<dyn Clock>, ack_wait: Duration, capacity: usize) -> Self {
        Self { queue: Arc::new(LeaseQueue::new(clock, ack_wait, capacity)), done: broadcast::channel(EVENTS).0 }
    }
}

#[async_trait]
impl LayerQueue for LocalLayers {
    async fn publish(&self, task: &LayerTask) -> Result<Published, QueueError> {
        Ok(self.queue.publish(task.key.fingerprint, &task.tenant, &task.key, task))
    }

    async fn next(&self, fingerprint: &Fingerprint) -> Result<LayerDelivery, QueueError> {
        let (hold, task, deliveries) = self.queue.next(*fingerprint).await?;
        let lease = QueueLease { queue: self.queue.clone(), hold };
        Ok(LayerDelivery { key: task.key, task: Ok(task), deliveries, lease: Box::new(lease) })
    }

    async fn waiting(&self, fingerprint: &Fingerprint) -> Result<u64, QueueError> {
        Ok(self.queue.waiting(*fingerprint))
    }

    async fn announce(&self, event: &DoneEvent) -> Result<(), QueueError> {
        // Nobody may be watching.
        let _ = self.done.send(*event);
        Ok(())
    }

    async fn watch_done(&self) -> Result<DoneStream, QueueError> {
        let events = futures::stream::unfold(self.done.subscribe(), |mut events| async move {
            // Whoever lags behind has missed something: the watch ends, and a new one begins with a look at the cache.
            Some((events.recv().await.ok()?, events))
        });
        Ok(events.boxed())
    }
}
