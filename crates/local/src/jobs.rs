//! Jobs in memory, by lane, tenants in turns.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use layergate_ports::{
    Clock, JobDelivery, JobQueue, Published, QueueError,
    values::{Job, JobId, Lane},
};

use crate::{desk::Desk, lease::DeskLease};

type Jobs = Desk<Lane, JobId, Arc<Job>>;

/// Jobs in memory.
pub struct LocalJobs {
    desk: Arc<Jobs>,
}

impl LocalJobs {
    /// A queue of at most `capacity` jobs, whose holders must be heard of every `ack_wait`.
    pub fn new(clock: Arc<dyn Clock>, ack_wait: Duration, capacity: usize) -> Self {
        Self { desk: Arc::new(Desk::new(clock, ack_wait, capacity)) }
    }
}

#[async_trait]
impl JobQueue for LocalJobs {
    async fn submit(&self, job: &Job) -> Result<Published, QueueError> {
        Ok(self.desk.publish(job.lane, &job.tenant, &job.id, &Arc::new(job.clone())))
    }

    async fn next(&self, lane: Lane) -> Result<JobDelivery, QueueError> {
        let (hold, job, deliveries) = self.desk.next(lane).await?;
        let lease = DeskLease { desk: self.desk.clone(), hold };
        let job = Arc::unwrap_or_clone(job);
        Ok(JobDelivery { id: job.id.clone(), job: Ok(job), deliveries, lease: Box::new(lease) })
    }

    async fn waiting(&self, lane: Lane) -> Result<u64, QueueError> {
        Ok(self.desk.waiting(lane))
    }
}
