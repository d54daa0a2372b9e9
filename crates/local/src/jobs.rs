//! Jobs in memory, by lane, tenants in turns.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use layergate_ports::{
    Clock, JobDelivery, JobQueue, Published, QueueError,
    values::{Job, JobId, Lane},
};

use crate::{lease::QueueLease, lease_queue::LeaseQueue};

type Jobs = LeaseQueue<Lane, JobId, Arc<Job>>;

/// Jobs in memory.
pub struct LocalJobs {
    queue: Arc<Jobs>,
}

impl LocalJobs {
    /// A queue of at most `capacity` jobs, whose holders must be heard of every `ack_wait`.
    pub fn new(clock: Arc<dyn Clock>, ack_wait: Duration, capacity: usize) -> Self {
        Self { queue: Arc::new(LeaseQueue::new(clock, ack_wait, capacity)) }
    }
}

#[async_trait]
impl JobQueue for LocalJobs {
    async fn submit(&self, job: &Job) -> Result<Published, QueueError> {
        Ok(self.queue.publish(job.lane, &job.tenant, &job.id, &Arc::new(job.clone())))
    }

    async fn next(&self, lane: Lane) -> Result<JobDelivery, QueueError> {
        let (hold, job, deliveries) = self.queue.next(lane).await?;
        let lease = QueueLease { queue: self.queue.clone(), hold };
        let job = Arc::unwrap_or_clone(job);
        Ok(JobDelivery { id: job.id.clone(), job: Ok(job), deliveries, lease: Box::new(lease) })
    }

    async fn waiting(&self, lane: Lane) -> Result<u64, QueueError> {
        Ok(self.queue.waiting(lane))
    }

    async fn holds(&self, job: &JobId) -> Result<bool, QueueError> {
        Ok(self.queue.holds(job))
    }
}
