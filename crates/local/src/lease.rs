//! The lease of a message in a queue: what both local queues hand out.

use std::{hash::Hash, sync::Arc, time::Duration};

use async_trait::async_trait;
use layergate_ports::{Lease, QueueError};

use crate::lease_queue::{Hold, LeaseQueue};

pub(crate) struct QueueLease<Q, K, T> {
    pub(crate) queue: Arc<LeaseQueue<Q, K, T>>,
    pub(crate) hold: Hold<K>,
}

#[async_trait]
impl<Q, K, T> Lease for QueueLease<Q, K, T>
where
    Q: Copy + Eq + Hash + Send + Sync,
    K: Clone + Eq + Hash + Send + Sync,
    T: Clone + Send + Sync,
{
    async fn ack(&self) -> Result<(), QueueError> {
        self.queue.remove(&self.hold);
        Ok(())
    }

    async fn nak(&self, delay: Duration) -> Result<(), QueueError> {
        self.queue.hand_back(&self.hold, delay);
        Ok(())
    }

    async fn progress(&self) -> Result<(), QueueError> {
        self.queue.progress(&self.hold);
        Ok(())
    }

    async fn term(&self, _reason: &str) -> Result<(), QueueError> {
        self.queue.remove(&self.hold);
        Ok(())
    }
}
