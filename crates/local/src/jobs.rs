//! Jobs in memory, by lane, tenants in turns.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use layergate_fleet::{
    ports::{Clock, JobDelivery, JobQueue, Lease, Published, QueueError},
    values::{Job, JobId, Lane},
};

use crate::desk::{Desk, Hold};

type Jobs = Desk<Lane, JobId, Arc<Job>>;

/// Jobs in memory.
pub struct LocalJobs {
    desk: Arc<Jobs>,
}

struct JobLease {
    desk: Arc<Jobs>,
    hold: Hold<JobId>,
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
        let lease = JobLease { desk: self.desk.clone(), hold };
        let job = Arc::unwrap_or_clone(job);
        Ok(JobDelivery { id: job.id.clone(), job: Ok(job), deliveries, lease: Box::new(lease) })
    }

    async fn waiting(&self, lane: Lane) -> Result<u64, QueueError> {
        Ok(self.desk.waiting(lane))
    }
}

#[async_trait]
impl Lease for JobLease {
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
