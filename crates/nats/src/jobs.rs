//! Jobs: the work-queue stream `jobs`, a consumer for each lane and shard of tenants, taken in turns.
//!
//! A job's id is part of its subject, and a subject has one message: the same job submitted twice is one, without a window of
//! time. (What a client calls a submission is bound to a job id by the verdict store's `claim`, for a day.) Tenants are
//! hashed to 64 shards: one with 10,000 jobs delays another's first job by at most a few pulls, unless they share a shard.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use layergate_ports::{
    JobDelivery, JobQueue, Lease, Published, QueueError,
    values::{Job, JobId, Lane},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    convert,
    error::NatsError,
    layers::published,
    lease::NatsLease,
    link::Link,
    names::SHARDS,
    puller::{Consumer, Puller},
    trace,
};

/// Jobs on their way beyond the one that is waited for: a round trip for each job would bound a coordinator's rate.
const AHEAD: usize = 4;

/// Jobs on JetStream.
pub struct NatsJobs {
    link: Arc<Link>,
    pullers: [Mutex<Option<Arc<Puller>>>; 2],
}

impl NatsJobs {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link, pullers: Default::default() }
    }

    fn puller(&self, lane: Lane) -> Arc<Puller> {
        let place = match lane {
            Lane::Interactive => &self.pullers[0],
            Lane::Bulk => &self.pullers[1],
        };
        let new = || {
            let consumer =
                |shard| Consumer { name: consumer_name(lane, shard), filter: self.link.names.jobs_of(lane, shard) };
            let consumers = (0..SHARDS).map(consumer).collect();
            Arc::new(Puller::new(self.link.clone(), self.link.names.jobs_stream(), consumers, AHEAD))
        };
        place.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(new).clone()
    }
}

fn consumer_name(lane: Lane, shard: usize) -> String {
    format!("{}-{shard:02}", lane.as_str())
}

#[async_trait]
impl JobQueue for NatsJobs {
    async fn submit(&self, job: &Job) -> Result<Published, QueueError> {
        let subject = self.link.names.job(job);
        let message = convert::job_to_wire(job)
            .map_err(|e| QueueError::Undecodable { place: subject.clone(), what: e.to_string() })?;
        Ok(published(self.link.publish(&subject, &trace::headers(job.trace.as_deref()), &message).await?))
    }

    async fn next(&self, lane: Lane) -> Result<JobDelivery, QueueError> {
        let puller = self.puller(lane);
        loop {
            let message = puller.next().await?;
            let lease = NatsLease::of(&self.link, &message);
            let Some(id) = self.link.names.job_of(&message.subject) else {
                tracing::error!(subject = %message.subject, "a message on the job queue that names no job was taken off");
                lease.term("its subject names no job").await?;
                continue;
            };
            let deliveries = message.info().ok().and_then(|i| u64::try_from(i.delivered).ok()).unwrap_or(1);
            let trace = trace::of(&message);
            let job = convert::job_from_wire(message.payload.clone(), &id, trace)
                .map_err(|e| QueueError::Undecodable { place: message.subject.to_string(), what: e.to_string() });
            return Ok(JobDelivery { id, job, deliveries, lease: Box::new(lease) });
        }
    }

    async fn holds(&self, job: &JobId) -> Result<bool, QueueError> {
        #[derive(Deserialize)]
        struct Stream {
            state: State,
        }
        #[derive(Deserialize)]
        struct State {
            // The server says null, or nothing, where there are none.
            subjects: Option<std::collections::HashMap<String, u64>>,
        }
        let stream = self.link.names.jobs_stream();
        let question = json!({ "subjects_filter": self.link.names.job_anywhere(job) });
        let info = self.link.api::<Stream>(&format!("STREAM.INFO.{stream}"), &question).await?;
        let info = info.map_err(|e| NatsError::new(&stream, e))?;
        Ok(info.state.subjects.is_some_and(|subjects| !subjects.is_empty()))
    }

    async fn waiting(&self, lane: Lane) -> Result<u64, QueueError> {
        #[derive(Deserialize)]
        struct Page {
            total: usize,
            // The server says null where there are none.
            consumers: Option<Vec<Consumer>>,
        }
        #[derive(Deserialize)]
        struct Consumer {
            name: String,
            num_pending: u64,
        }
        #[derive(Deserialize)]
        struct Stream {
            state: State,
        }
        #[derive(Deserialize)]
        struct State {
            #[serde(default)]
            subjects: std::collections::HashMap<String, u64>,
        }
        // One question for all shards, instead of one for each.
        let stream = self.link.names.jobs_stream();
        let prefix = format!("{}-", lane.as_str());
        let (mut waiting, mut seen, mut ours) = (0, 0, 0);
        loop {
            let place = format!("CONSUMER.LIST.{stream}");
            let page = self.link.api::<Page>(&place, &json!({ "offset": seen })).await?;
            let page = page.map_err(|e| NatsError::new(&stream, e))?;
            let consumers = page.consumers.unwrap_or_default();
            seen += consumers.len();
            for consumer in consumers.iter().filter(|c| c.name.starts_with(&prefix)) {
                waiting += consumer.num_pending;
                ours += 1;
            }
            if consumers.is_empty() || seen >= page.total {
                break;
            }
        }
        if ours < SHARDS {
            // No coordinator has ever run here: everything that is there waits.
            let question =
                json!({ "subjects_filter": format!("{}.jobs.{}.>", self.link.options.fleet, lane.as_str()) });
            let info = self.link.api::<Stream>(&format!("STREAM.INFO.{stream}"), &question).await?;
            let info = info.map_err(|e| NatsError::new(&stream, e))?;
            waiting = info.state.subjects.values().sum();
        }
        Ok(waiting)
    }
}
