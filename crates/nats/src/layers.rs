//! Layer tasks: the work-queue stream `layers`, one consumer for each analyzer set, and the bucket `done`.
//!
//! Messages carry no msg-id: after the ack, a layer that is needed again (its inventory was evicted) must be accepted.
//! The trace context travels as the header `traceparent`.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::jetstream::consumer::pull;
use async_trait::async_trait;
use futures::StreamExt;
use layergate_ports::{
    DoneEvent, DoneOutcome, DoneStream, LayerDelivery, LayerQueue, Published, QueueError,
    values::{Fingerprint, LayerKey, LayerTask},
};

use crate::{
    bucket::{Bucket, From},
    convert,
    error::NatsError,
    lease::NatsLease,
    link::{Link, Sent},
    names::Kind,
    puller::{self, Consumer, Puller},
    trace,
};

/// A layer that failed is reported for this long; whoever looks later finds the failure record, or tries again.
const FAILED: Duration = Duration::from_secs(600);
/// Keys that were just stored and whose announcement is on its way; forgotten all at once when there are more.
const JUST_STORED: usize = 10_000;

/// Which layers are done: known by `announce`, and by the cache when it stores one.
#[derive(Clone)]
pub(crate) struct Done {
    bucket: Bucket,
    just_stored: Arc<Mutex<HashSet<LayerKey>>>,
}

impl Done {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { bucket: Bucket::new(link, Kind::Done), just_stored: Arc::default() }
    }

    fn just_stored(&self) -> std::sync::MutexGuard<'_, HashSet<LayerKey>> {
        self.just_stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The inventory is there: who watches is reported, and whoever looks finds the key.
    pub(crate) async fn stored(&self, key: &LayerKey) -> Result<(), NatsError> {
        self.put(&DoneEvent { key: *key, outcome: DoneOutcome::Stored }).await?;
        let mut just_stored = self.just_stored();
        if just_stored.len() >= JUST_STORED {
            just_stored.clear();
        }
        just_stored.insert(*key);
        Ok(())
    }

    async fn put(&self, event: &DoneEvent) -> Result<(), NatsError> {
        let value = convert::done_to_wire(event).map_err(|e| NatsError::new(self.bucket.place(), e))?;
        let ttl = (event.outcome == DoneOutcome::Failed).then_some(FAILED);
        self.bucket.put(&event.key.to_string(), &value, ttl).await
    }

    pub(crate) async fn contains(&self, keys: &[LayerKey]) -> Result<Vec<bool>, NatsError> {
        let names: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let found = self.bucket.get_many(&names).await?;
        // A value that cannot be read is a miss.
        let stored = |value: bytes::Bytes| convert::done_from_wire(value) == Ok(DoneOutcome::Stored);
        Ok(found.into_iter().map(|value| value.is_some_and(stored)).collect())
    }

    pub(crate) async fn forget(&self, key: &LayerKey) -> Result<(), NatsError> {
        self.just_stored().remove(key);
        self.bucket.purge(&key.to_string()).await.map(drop)
    }

    /// The present word that a layer is there, to be taken back by [`Done::retract`].
    pub(crate) async fn word(&self, key: &LayerKey) -> Result<Option<u64>, NatsError> {
        self.bucket.sequence(&key.to_string()).await
    }

    /// Takes a word back; a later one stands.
    pub(crate) async fn retract(&self, key: &LayerKey, word: u64) -> Result<(), NatsError> {
        self.just_stored().remove(key);
        self.bucket.purge_up_to(&key.to_string(), word).await.map(drop)
    }

    pub(crate) async fn purge(&self, fingerprint: &Fingerprint) -> Result<u64, NatsError> {
        self.just_stored().clear();
        self.bucket.purge(&format!("{fingerprint}.>")).await
    }
}

/// Layer tasks on JetStream.
pub struct NatsLayers {
    link: Arc<Link>,
    done: Done,
    pullers: Mutex<HashMap<Fingerprint, Arc<Puller>>>,
}

impl NatsLayers {
    pub(crate) fn new(link: Arc<Link>, done: Done) -> Self {
        Self { link, done, pullers: Mutex::default() }
    }

    fn puller(&self, fingerprint: &Fingerprint) -> Arc<Puller> {
        let mut pullers = self.pullers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let stream = self.link.names.layers_stream();
            // No message ahead of a caller: a worker that has no place for a layer must not hold it.
            Arc::new(Puller::new(self.link.clone(), stream, vec![consumer(&self.link, fingerprint)], 0))
        };
        pullers.entry(*fingerprint).or_insert_with(new).clone()
    }

    /// Deletes an analyzer set's consumer and tasks: nobody runs it any more.
    pub(crate) async fn purge(&self, fingerprint: &Fingerprint) -> Result<(), NatsError> {
        let stream = self.link.names.layers_stream();
        self.pullers.lock().unwrap_or_else(PoisonError::into_inner).remove(fingerprint);
        let _there_or_not =
            self.link.jetstream.delete_consumer_from_stream(consumer_name(fingerprint), stream.clone()).await;
        let question = serde_json::json!({ "filter": self.link.names.layers_of(fingerprint) });
        let answer = self.link.api::<serde_json::Value>(&format!("STREAM.PURGE.{stream}"), &question).await?;
        answer.map(drop).map_err(|e| NatsError::new(stream, e))
    }
}

fn consumer_name(fingerprint: &Fingerprint) -> String {
    format!("set-{fingerprint}")
}

fn consumer(link: &Link, fingerprint: &Fingerprint) -> Consumer {
    Consumer { name: consumer_name(fingerprint), filter: link.names.layers_of(fingerprint) }
}

#[async_trait]
impl LayerQueue for NatsLayers {
    async fn publish(&self, task: &LayerTask) -> Result<Published, QueueError> {
        let subject = self.link.names.layer(&task.key);
        let message = convert::task_to_wire(task)
            .map_err(|e| QueueError::Undecodable { place: subject.clone(), what: e.to_string() })?;
        Ok(published(self.link.publish(&subject, &trace::headers(task.trace.as_deref()), &message).await?))
    }

    async fn next(&self, fingerprint: &Fingerprint) -> Result<LayerDelivery, QueueError> {
        let puller = self.puller(fingerprint);
        loop {
            let message = puller.next().await?;
            let lease = NatsLease::of(&self.link, &message);
            let Some(key) = self.link.names.layer_of(&message.subject) else {
                // No program of ours publishes such a subject; without a key there is nothing to show anybody about.
                tracing::error!(subject = %message.subject, "a message on the layer queue that names no layer was taken off");
                layergate_ports::Lease::term(&lease, "its subject names no layer").await?;
                continue;
            };
            let deliveries = message.info().ok().and_then(|i| u64::try_from(i.delivered).ok()).unwrap_or(1);
            let trace = trace::of(&message);
            let task = convert::task_from_wire(message.payload.clone(), &key, trace);
            let undecodable = |e: layergate_wire::WireError| QueueError::Undecodable {
                place: message.subject.to_string(),
                what: e.to_string(),
            };
            return Ok(LayerDelivery { key, task: task.map_err(undecodable), deliveries, lease: Box::new(lease) });
        }
    }

    async fn waiting(&self, fingerprint: &Fingerprint) -> Result<u64, QueueError> {
        let stream = self.link.names.layers_stream();
        for _ in 0..2 {
            let there =
                self.link.jetstream.get_consumer_from_stream::<pull::Config, _, _>(consumer_name(fingerprint), &stream);
            match there.await {
                Ok(consumer) => return Ok(consumer.cached_info().num_pending),
                Err(error) => tracing::debug!(%error, %fingerprint, "no consumer yet"),
            }
            puller::make(&self.link, &stream, &consumer(&self.link, fingerprint)).await?;
        }
        Err(NatsError::new(stream, "the depth of the queue cannot be asked").into())
    }

    async fn announce(&self, event: &DoneEvent) -> Result<(), QueueError> {
        // The cache has reported it when it stored the inventory.
        if self.done.just_stored().remove(&event.key) && event.outcome == DoneOutcome::Stored {
            return Ok(());
        }
        Ok(self.done.put(event).await?)
    }

    async fn watch_done(&self) -> Result<DoneStream, QueueError> {
        let entries = self.done.bucket.watch(">", From::Now).await?;
        let events = entries.filter_map(async |entry| {
            let outcome = convert::done_from_wire(entry.value?).ok()?;
            Some(DoneEvent { key: entry.key.parse().ok()?, outcome })
        });
        Ok(events.boxed())
    }
}

pub(crate) fn published(sent: Sent) -> Published {
    match sent {
        Sent::Stored => Published::Queued,
        Sent::Occupied | Sent::NotFirst => Published::InFlight,
        Sent::Full => Published::Full,
    }
}
