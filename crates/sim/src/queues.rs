//! The queues as a member sees them: the local queues are the server, the network is between.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::StreamExt;
use layergate_ports::{
    DoneEvent, DoneStream, JobDelivery, JobQueue, LayerDelivery, LayerQueue, Lease, Published, QueueError,
    values::{Fingerprint, Job, JobId, Lane, LayerTask},
};
use tokio::{sync::mpsc, time::sleep};

use crate::{
    catalogue,
    net::{Link, Sent},
    oracle::Oracle,
};

/// A member's way to the layer queue.
pub(crate) struct SimLayers {
    pub(crate) link: Link,
    pub(crate) inner: Arc<dyn LayerQueue>,
    pub(crate) oracle: Arc<Oracle>,
}

/// A member's way to the job queue.
pub(crate) struct SimJobs {
    pub(crate) link: Link,
    pub(crate) inner: Arc<dyn JobQueue>,
    pub(crate) oracle: Arc<Oracle>,
}

#[async_trait]
impl LayerQueue for SimLayers {
    async fn publish(&self, task: &LayerTask) -> Result<Published, QueueError> {
        let (inner, oracle, task) = (self.inner.clone(), self.oracle.clone(), Arc::new(task.clone()));
        let effect = move || {
            let (inner, oracle, task) = (inner.clone(), oracle.clone(), task.clone());
            async move {
                let published = inner.publish(&task).await?;
                let waiting = inner.waiting(&task.key.fingerprint).await?;
                oracle.published(&task, published == Published::Queued, waiting);
                Ok(published)
            }
        };
        self.link.call(effect).await?
    }

    async fn next(&self, fingerprint: &Fingerprint) -> Result<LayerDelivery, QueueError> {
        loop {
            self.link.connected().await?;
            let delivery = self.link.life.live(self.inner.next(fingerprint)).await?;
            let layer = catalogue::number(&delivery.key.digest);
            let hold = self.oracle.delivered(layer, delivery.deliveries, self.link.life.id);
            if let Sent::Late(time) = self.link.net.delivery(self.link.member) {
                sleep(time).await;
                self.link.life.check();
                let inner = delivery.lease.into();
                let lease = LayerLease { link: self.link.clone(), inner, oracle: self.oracle.clone(), layer, hold };
                return Ok(LayerDelivery { lease: Box::new(lease), ..delivery });
            }
            // Lost on the way: the lease is dropped without a word, as the server would never know.
        }
    }

    async fn waiting(&self, fingerprint: &Fingerprint) -> Result<u64, QueueError> {
        let (inner, fingerprint) = (self.inner.clone(), *fingerprint);
        let effect = move || {
            let inner = inner.clone();
            async move { inner.waiting(&fingerprint).await }
        };
        self.link.call(effect).await?
    }

    async fn announce(&self, event: &DoneEvent) -> Result<(), QueueError> {
        let (inner, oracle, event) = (self.inner.clone(), self.oracle.clone(), *event);
        let effect = move || {
            let (inner, oracle) = (inner.clone(), oracle.clone());
            async move {
                oracle.announced(catalogue::number(&event.key.digest));
                inner.announce(&event).await
            }
        };
        self.link.call(effect).await?
    }

    async fn watch_done(&self) -> Result<DoneStream, QueueError> {
        let inner = self.inner.clone();
        let effect = move || {
            let inner = inner.clone();
            async move { inner.watch_done().await }
        };
        let mut events = self.link.call(effect).await??;
        let (sender, receiver) = mpsc::unbounded_channel();
        let link = self.link.clone();
        tokio::spawn(async move {
            loop {
                let event = tokio::select! {
                    biased;
                    () = link.life.killed() => return,
                    () = sender.closed() => return,
                    event = events.next() => event,
                };
                let Some(event) = event else { return };
                let late = match link.net.event(link.member) {
                    Sent::Cut => return,
                    Sent::Lost => continue,
                    Sent::Arrives => None,
                    Sent::Twice(time) => Some(time),
                    Sent::Late(time) => {
                        later(&sender, event, time);
                        continue;
                    }
                };
                // Nobody may be listening any more.
                let _ = sender.send(event);
                if let Some(time) = late {
                    later(&sender, event, time);
                }
            }
        });
        let life = self.link.life.clone();
        let stream = futures::stream::unfold((receiver, life), |(mut receiver, life)| async move {
            let event = life.live(receiver.recv()).await?;
            Some((event, (receiver, life)))
        });
        Ok(stream.boxed())
    }
}

fn later(sender: &mpsc::UnboundedSender<DoneEvent>, event: DoneEvent, time: Duration) {
    // A watch that nobody else feeds any more has ended: what is late does not keep it open.
    let sender = sender.downgrade();
    tokio::spawn(async move {
        sleep(time).await;
        if let Some(sender) = sender.upgrade() {
            let _ = sender.send(event);
        }
    });
}

#[async_trait]
impl JobQueue for SimJobs {
    async fn submit(&self, job: &Job) -> Result<Published, QueueError> {
        let (inner, job) = (self.inner.clone(), Arc::new(job.clone()));
        let effect = move || {
            let (inner, job) = (inner.clone(), job.clone());
            async move { inner.submit(&job).await }
        };
        self.link.call(effect).await?
    }

    async fn next(&self, lane: Lane) -> Result<JobDelivery, QueueError> {
        loop {
            self.link.connected().await?;
            let delivery = self.link.life.live(self.inner.next(lane)).await?;
            self.oracle.job_delivered(&delivery.id, delivery.deliveries, self.link.life.id);
            if let Sent::Late(time) = self.link.net.delivery(self.link.member) {
                sleep(time).await;
                self.link.life.check();
                let (inner, job) = (delivery.lease.into(), delivery.id.clone());
                let lease = JobLease { link: self.link.clone(), inner, oracle: self.oracle.clone(), job };
                return Ok(JobDelivery { lease: Box::new(lease), ..delivery });
            }
        }
    }

    async fn waiting(&self, lane: Lane) -> Result<u64, QueueError> {
        let inner = self.inner.clone();
        let effect = move || {
            let inner = inner.clone();
            async move { inner.waiting(lane).await }
        };
        self.link.call(effect).await?
    }

    async fn holds(&self, job: &JobId) -> Result<bool, QueueError> {
        let (inner, job) = (self.inner.clone(), job.clone());
        let effect = move || {
            let (inner, job) = (inner.clone(), job.clone());
            async move { inner.holds(&job).await }
        };
        self.link.call(effect).await?
    }
}

struct LayerLease {
    link: Link,
    inner: Arc<dyn Lease>,
    oracle: Arc<Oracle>,
    layer: u32,
    hold: u64,
}

impl LayerLease {
    async fn report<F, R>(&self, say: F) -> Result<(), QueueError>
    where
        F: Fn(Arc<dyn Lease>, Arc<Oracle>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), QueueError>> + Send + 'static,
    {
        let (inner, oracle) = (self.inner.clone(), self.oracle.clone());
        self.link.call(move || say(inner.clone(), oracle.clone())).await?
    }
}

#[async_trait]
impl Lease for LayerLease {
    async fn ack(&self) -> Result<(), QueueError> {
        let (layer, hold) = (self.layer, self.hold);
        self.report(move |inner, oracle| async move {
            oracle.released(layer, hold, true, true);
            inner.ack().await
        })
        .await
    }

    async fn nak(&self, delay: Duration) -> Result<(), QueueError> {
        let (layer, hold) = (self.layer, self.hold);
        self.report(move |inner, oracle| async move {
            oracle.released(layer, hold, false, false);
            inner.nak(delay).await
        })
        .await
    }

    async fn progress(&self) -> Result<(), QueueError> {
        let hold = self.hold;
        self.report(move |inner, oracle| async move {
            oracle.progressed(hold);
            inner.progress().await
        })
        .await
    }

    async fn term(&self, reason: &str) -> Result<(), QueueError> {
        let (layer, hold, reason) = (self.layer, self.hold, Arc::<str>::from(reason));
        self.report(move |inner, oracle| {
            let reason = reason.clone();
            async move {
                oracle.released(layer, hold, false, true);
                inner.term(&reason).await
            }
        })
        .await
    }
}

struct JobLease {
    link: Link,
    inner: Arc<dyn Lease>,
    oracle: Arc<Oracle>,
    job: JobId,
}

impl JobLease {
    async fn report<F, R>(&self, say: F) -> Result<(), QueueError>
    where
        F: Fn(Arc<dyn Lease>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), QueueError>> + Send + 'static,
    {
        let inner = self.inner.clone();
        self.link.call(move || say(inner.clone())).await?
    }

    async fn off(&self, acked: bool) -> Result<(), QueueError> {
        let (oracle, job) = (self.oracle.clone(), self.job.clone());
        self.report(move |inner| {
            oracle.job_removed(&job, acked);
            async move { inner.ack().await }
        })
        .await
    }
}

#[async_trait]
impl Lease for JobLease {
    async fn ack(&self) -> Result<(), QueueError> {
        self.off(true).await
    }

    async fn nak(&self, delay: Duration) -> Result<(), QueueError> {
        self.report(move |inner| async move { inner.nak(delay).await }).await
    }

    async fn progress(&self) -> Result<(), QueueError> {
        self.report(|inner| async move { inner.progress().await }).await
    }

    async fn term(&self, _reason: &str) -> Result<(), QueueError> {
        self.off(false).await
    }
}
