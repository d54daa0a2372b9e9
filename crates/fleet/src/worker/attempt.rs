//! One delivery of one layer task, from the message to its ack.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use layergate_model::{Alias, GapKind, LayerInventory};
use tokio::sync::OwnedSemaphorePermit;

use super::{UNIT, Worker};
use crate::{
    decide::{Attempt, Next, after},
    reader::ReadError,
};
use layergate_ports::{
    DoneEvent, DoneOutcome, LayerDelivery, Lease,
    observe::{Event, LayerEnd, Meter},
    values::{LayerTask, SourceError, SourceId},
};

impl Worker {
    /// Carries a delivery to its end. Errors of the ports leave the message to be delivered again.
    pub(super) async fn handle(&self, delivery: LayerDelivery, slot: OwnedSemaphorePermit) {
        let begun = self.ports.clock.monotonic();
        let LayerDelivery { key, task, deliveries, lease } = delivery;
        let meter = Arc::new(Meter::default());
        let mut detail = String::new();
        let next = match self.config.retry.delivered_too_often(deliveries) {
            Some(next) => next,
            None => {
                let attempt = match &task {
                    Err(error) => Attempt::Undecodable { detail: error.to_string() },
                    Ok(task) => self.attempt(task, deliveries, &*lease, &meter, slot).await,
                };
                if let Attempt::Transient { detail: why, .. }
                | Attempt::Stalled { detail: why }
                | Attempt::LocalError { detail: why } = &attempt
                {
                    detail.clone_from(why);
                }
                let source = task.as_ref().ok().map(|t| SourceId::of(&t.locator));
                after(&attempt, &key, source, deliveries, &self.config.retry)
            }
        };
        let end = match next {
            Next::Done(end) => {
                // The event first: the ack frees the key, and a lost event costs its waiters an ack wait.
                let event = DoneEvent { key, outcome: DoneOutcome::Stored };
                if let Err(error) = self.ports.queue.announce(&event).await {
                    tracing::warn!(%error, layer = %key.digest, "a finished layer could not be announced");
                }
                if let Err(error) = lease.ack().await {
                    tracing::warn!(%error, layer = %key.digest, "a finished layer could not be acknowledged");
                }
                end
            }
            Next::Again { delay, end } => {
                if let Err(error) = lease.nak(delay).await {
                    tracing::warn!(%error, layer = %key.digest, "a layer could not be handed back");
                }
                end
            }
            Next::GiveUp { failure, ttl, end } => {
                tracing::warn!(layer = %key.digest, why = failure.detail, "a layer failed");
                detail.clone_from(&failure.detail);
                match self.ports.failures.record(&key, &failure, ttl).await {
                    Ok(()) => {
                        // Off the queue first: a job with another source publishes as soon as it hears.
                        let off = lease.term(&failure.detail).await;
                        let event = DoneEvent { key, outcome: DoneOutcome::Failed };
                        if let Err(error) = off.and(self.ports.queue.announce(&event).await) {
                            tracing::warn!(%error, layer = %key.digest, "a failed layer could not be announced");
                        }
                        end
                    }
                    Err(error) => {
                        tracing::warn!(%error, layer = %key.digest, "a failure could not be recorded");
                        let _ = lease.nak(self.config.retry.backoff.after(deliveries, &key.to_string())).await;
                        LayerEnd::Retried
                    }
                }
            }
        };
        let took = self.ports.clock.monotonic().saturating_sub(begun);
        let event = Event::LayerFinished { key, end, bytes: meter.bytes(), took, detail: &detail };
        self.ports.observer.event(&event);
    }

    async fn attempt(
        &self,
        task: &LayerTask,
        deliveries: u64,
        lease: &dyn Lease,
        meter: &Arc<Meter>,
        slot: OwnedSemaphorePermit,
    ) -> Attempt {
        // Somebody may have finished meanwhile.
        match self.ports.cache.contains_many(&[task.key]).await.as_deref() {
            Ok([true]) => return Attempt::AlreadyThere,
            Ok(_) => {}
            Err(error) => return Attempt::LocalError { detail: error.to_string() },
        }
        let placed = AtomicBool::new(false);
        let work = async {
            let size = u32::try_from(task.locator.size().div_ceil(UNIT)).unwrap_or(u32::MAX);
            let share = self.budget.clone().acquire_many_owned(size.clamp(1, self.budget_units)).await;
            let host = match task.locator.registry() {
                Some(registry) => self.hosts.enter(registry.as_str()).await,
                None => None,
            };
            self.ports.observer.event(&Event::LayerStarted { task, deliveries, meter });
            placed.store(true, Ordering::Relaxed);
            let hold = Arc::new((slot, share, host));
            let mut inventory = self.read(task, &[], meter, Box::new(hold.clone())).await?;
            if task.aliases.is_empty() {
                let names = self.ports.reader.names_within(&inventory);
                if !names.is_empty() {
                    inventory.absorb(self.read(task, &names, meter, Box::new(hold)).await?);
                }
            }
            Ok(inventory)
        };
        let inventory = match self.watched(work, lease, meter, &placed).await {
            Ok(inventory) => inventory,
            Err(attempt) => return attempt,
        };
        if let Some(gap) = unsettled(&inventory) {
            return Attempt::Stalled { detail: gap };
        }
        match self.ports.cache.put(&task.key, &Arc::new(inventory)).await {
            Ok(()) => Attempt::Stored,
            Err(error) => Attempt::LocalError { detail: error.to_string() },
        }
    }

    async fn read(
        &self,
        task: &LayerTask,
        names: &[Alias],
        meter: &Arc<Meter>,
        hold: Box<dyn Any + Send>,
    ) -> Result<LayerInventory, Attempt> {
        let blob = self.ports.source.open(&task.locator).await.map_err(|error| self.refusal(task, &error))?;
        let read = self.ports.reader.read(task, names, blob, meter.clone(), hold).await;
        read.map_err(|error| read_failure(task, error))
    }

    /// Runs `work` while it gets on: progress acks only while bytes advance, within the layer's deadline.
    async fn watched<T>(
        &self,
        work: impl Future<Output = Result<T, Attempt>>,
        lease: &dyn Lease,
        meter: &Meter,
        placed: &AtomicBool,
    ) -> Result<T, Attempt> {
        let clock = &self.ports.clock;
        let mut begun = clock.monotonic();
        let mut moved = begun;
        let mut bytes = None;
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.hand_back.cancelled() => return Err(Attempt::HandedBack),
                () = clock.sleep(self.config.ack_wait / 3) => {}
            }
            let now = clock.monotonic();
            if now - begun >= self.config.layer_deadline {
                let limit = self.config.layer_deadline.as_secs();
                return Err(Attempt::Stalled { detail: format!("the layer was not read within {limit} s") });
            }
            // Waiting for a place in the budget is no hang; the layers that hold the places have their deadlines.
            let at = placed.load(Ordering::Relaxed).then(|| meter.bytes());
            if at.is_none() {
                begun = now;
            }
            if at.is_none() || bytes != at {
                bytes = at;
                moved = now;
                if let Err(error) = lease.progress().await {
                    tracing::warn!(%error, "the queue was not informed that a layer gets on");
                }
            } else if now - moved >= self.config.ack_wait {
                let limit = self.config.ack_wait.as_secs();
                return Err(Attempt::Stalled { detail: format!("no byte was read for {limit} s") });
            }
        }
    }

    fn refusal(&self, task: &LayerTask, error: &SourceError) -> Attempt {
        let detail = error.to_string();
        if !error.is_transient() {
            return Attempt::Refused { gap: GapKind::LayerUnavailable, detail };
        }
        let retry_after = error.retry_after().map(|pause| pause.min(MAX_REST));
        if let (Some(pause), Some(registry)) = (retry_after, task.locator.registry()) {
            self.hosts.rest(registry.as_str(), pause);
        }
        Attempt::Transient { detail, retry_after }
    }
}

/// A registry that asks for more is not believed: its jobs have deadlines.
const MAX_REST: Duration = Duration::from_secs(60);

/// What a failed reading is. A mismatch may be a broken transfer, so that it is tried again like one; of a local file a
/// second reading would give the same.
fn read_failure(task: &LayerTask, error: ReadError) -> Attempt {
    let local = task.locator.registry().is_none();
    let detail = format!("{}: {error}", task.locator);
    match error {
        ReadError::TooLarge(_) => Attempt::Refused { gap: GapKind::LayerLimit, detail },
        ReadError::Panicked(_) => Attempt::Stalled { detail },
        ReadError::Bytes(_) | ReadError::Mismatch(_) if local => {
            Attempt::Refused { gap: GapKind::LayerUnavailable, detail }
        }
        ReadError::Bytes(_) | ReadError::Mismatch(_) => Attempt::Transient { detail, retry_after: None },
    }
}

/// The first gap that another reading might not have (invariant 3).
fn unsettled(inventory: &LayerInventory) -> Option<String> {
    let sections = inventory.sections.values().flat_map(|s| &s.gaps);
    let gap = inventory.gaps.iter().chain(sections).find(|g| !g.kind.is_deterministic())?;
    Some(format!("{}: {}", gap.place, gap.detail))
}
