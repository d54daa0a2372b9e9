//! The lease of a message at a desk: what both local queues hand out.

use std::{hash::Hash, sync::Arc, time::Duration};

use async_trait::async_trait;
use layergate_ports::{Lease, QueueError};

use crate::desk::{Desk, Hold};

pub(crate) struct DeskLease<Q, K, T> {
    pub(crate) desk: Arc<Desk<Q, K, T>>,
    pub(crate) hold: Hold<K>,
}

#[async_trait]
impl<Q, K, T> Lease for DeskLease<Q, K, T>
where
    Q: Copy + Eq + Hash + Send + Sync,
    K: Clone + Eq + Hash + Send + Sync,
    T: Clone + Send + Sync,
{
    async fn ack(&self) -> Result<(), QueueError> {
        self.desk.remove(&self.hold);
        Ok(())
    }

    async fn nak(&self, delay: Duration) -> Result<(), QueueError> {
        self.desk.hand_back(&self.hold, delay);
        Ok(())
    }

    async fn progress(&self) -> Result<(), QueueError> {
        self.desk.progress(&self.hold);
        Ok(())
    }

    async fn term(&self, _reason: &str) -> Result<(), QueueError> {
        self.desk.remove(&self.hold);
        Ok(())
    }
}
