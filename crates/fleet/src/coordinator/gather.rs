//! Getting the layers of a job: watch first, then one batched look-up, then publish what is missing (any other order
//! can miss an arrival), then wait. Waiting jobs look and publish again every ack wait, so that no lost event hangs
//! them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use layergate_model::{Alias, LayerInventory};

use super::{
    Coordinator,
    hub::{Heard, Waiting},
};
use crate::decide::Gathering;
use layergate_ports::{
    CacheError, DoneEvent, FailureKind,
    observe::Event,
    values::{Job, LayerKey, LayerLocator, LayerTask, SourceId},
};

/// When the queue is full or a store does not answer, the next try comes after this long.
const SOON: Duration = Duration::from_millis(500);

/// The layers that a job wants: where their blobs are, and for a second look the names.
pub(super) type Wanted = HashMap<LayerKey, (LayerLocator, Vec<Alias>)>;

/// A job's wait for its layers, begun.
pub(super) struct Wait {
    waiting: Waiting,
    looked: bool,
    published: bool,
}

impl Coordinator {
    /// Watches, looks up, publishes what is missing: in this order. `first` is the first time for this job.
    pub(super) async fn begin(&self, job: &Job, wanted: &Wanted, gathering: &mut Gathering, first: bool) -> Wait {
        let waiting = self.hub.wait_for(gathering.keys());
        // A source may have been fixed since it failed for somebody else: a new job has it asked once more.
        let looked = self.refresh(gathering, !first).await;
        if first {
            let missing: Vec<_> = gathering.pending().into_iter().map(|(key, _)| key).collect();
            let present: Vec<_> = gathering.keys().into_iter().filter(|key| !missing.contains(key)).collect();
            self.ports.observer.event(&Event::LayersLookedUp { job, present: &present, missing: &missing });
        }
        let published = self.publish(job, wanted, gathering).await;
        Wait { waiting, looked, published }
    }

    /// Waits until every layer is stored or has failed, or `deadline` (on the monotonic clock) has passed: what is open
    /// then fails with that reason. `wanted` is asked for only when something is published again: thousands of jobs
    /// wait here, and few bytes of each should.
    pub(super) async fn finish(
        &self,
        job: &Job,
        wanted: impl Fn() -> Wanted,
        gathering: &mut Gathering,
        deadline: Duration,
        wait: Wait,
    ) {
        let clock = &self.ports.clock;
        let Wait { waiting, mut looked, mut published } = wait;
        while !gathering.is_complete() {
            let left = deadline.saturating_sub(clock.monotonic());
            if left.is_zero() {
                let detail = format!("not read by the job's deadline ({})", job.deadline);
                gathering.give_up(&detail);
                return;
            }
            let sound = looked && published && !gathering.has_refused();
            let pause = if sound { self.config.ack_wait } else { SOON };
            let heard = tokio::select! {
                biased;
                heard = waiting.heard() => Some(heard),
                () = clock.sleep(pause.min(left)) => None,
            };
            match heard {
                Some(Heard { events, interrupted: false }) => {
                    if self.on_events(gathering, &events).await {
                        published = self.publish(job, &wanted(), gathering).await;
                    }
                }
                _ => {
                    looked = self.refresh(gathering, true).await;
                    published = self.publish(job, &wanted(), gathering).await;
                }
            }
        }
    }

    /// Looks up everything that is open; `false` when a store did not answer. Failures of sources count only where
    /// `sources_too`.
    async fn refresh(&self, gathering: &mut Gathering, sources_too: bool) -> bool {
        let open: Vec<_> = gathering.pending().into_iter().map(|(key, _)| key).collect();
        if open.is_empty() {
            return true;
        }
        let present = match self.ports.cache.contains_many(&open).await {
            Ok(present) => present,
            Err(error) => {
                tracing::warn!(%error, "layers could not be looked up");
                return false;
            }
        };
        for (key, _) in open.iter().zip(present).filter(|(_, present)| *present) {
            gathering.stored(key);
        }
        let open = gathering.pending();
        self.look_for_failures(gathering, &open, sources_too).await
    }

    async fn look_for_failures(
        &self,
        gathering: &mut Gathering,
        open: &[(LayerKey, SourceId)],
        sources_too: bool,
    ) -> bool {
        if open.is_empty() {
            return true;
        }
        match self.ports.failures.look_up(open).await {
            Ok(failures) => {
                for ((key, _), failure) in open.iter().zip(failures) {
                    if let Some(failure) = failure
                        && (sources_too || failure.kind == FailureKind::Quarantined)
                    {
                        gathering.failed(key, failure);
                    }
                }
                true
            }
            Err(error) => {
                tracing::warn!(%error, "failures could not be looked up");
                false
            }
        }
    }

    /// Takes events in. `true` when layers have failed for others and are to be published for this job.
    async fn on_events(&self, gathering: &mut Gathering, events: &[DoneEvent]) -> bool {
        let failed: Vec<_> = events.iter().filter(|event| gathering.heard(event)).map(|event| event.key).collect();
        if failed.is_empty() {
            return false;
        }
        let open: Vec<_> = gathering.pending().into_iter().filter(|(key, _)| failed.contains(key)).collect();
        self.look_for_failures(gathering, &open, true).await;
        open.iter().any(|(key, _)| gathering.pending().iter().any(|(pending, _)| pending == key))
    }

    /// Publishes what is open; `false` when the queue did not answer.
    async fn publish(&self, job: &Job, wanted: &Wanted, gathering: &mut Gathering) -> bool {
        let trace = self.ports.observer.traceparent(&tracing::Span::current()).or_else(|| job.trace.clone());
        let mut tasks = Vec::new();
        for (key, _) in gathering.pending() {
            let Some((locator, aliases)) = wanted.get(&key) else { continue };
            tasks.push(LayerTask {
                key,
                locator: locator.clone(),
                aliases: aliases.clone(),
                lane: job.lane,
                tenant: job.tenant.clone(),
                trace: trace.clone(),
            });
        }
        // All at once: one answer that does not come does not hold up the others.
        let answers = tasks.into_iter().map(|task| async { (task.key, self.publisher.publish(task).await) });
        let mut all = true;
        for (key, answer) in futures::future::join_all(answers).await {
            match answer {
                Ok(accepted) => gathering.queued(&key, accepted),
                Err(error) => {
                    tracing::warn!(%error, layer = %key.digest, "a layer task could not be published");
                    all = false;
                }
            }
        }
        all
    }

    /// The inventories of the layers that are stored. One that is not there after all is taken off the cache's index,
    /// and wanted again.
    pub(super) async fn bodies(
        &self,
        gathering: &mut Gathering,
        keys: &[LayerKey],
    ) -> Result<HashMap<LayerKey, Arc<LayerInventory>>, CacheError> {
        let found = self.ports.cache.get_many(keys).await?;
        let mut bodies = HashMap::with_capacity(keys.len());
        for (key, body) in keys.iter().zip(found) {
            match body {
                Some(body) => {
                    bodies.insert(*key, body);
                }
                None => {
                    tracing::warn!(layer = %key.digest, "the cache has lost a layer; it is read again");
                    self.ports.cache.invalidate_if_absent(key).await?;
                    gathering.body_missing(key);
                }
            }
        }
        Ok(bodies)
    }
}
