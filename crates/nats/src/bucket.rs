//! A bucket of small values: NATS's key-value layout on a stream (one message for each key), with what its client
//! library lacks: many keys in one question, a time to live for each value, deletion that leaves nothing behind, and
//! watches that go on after a reconnect exactly where they were.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_nats::{
    HeaderMap, StatusCode, Subscriber,
    jetstream::{
        self,
        consumer::{DeliverPolicy, push},
    },
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use layergate_model::Backoff;
use serde::Deserialize;
use serde_json::json;

use crate::{
    error::NatsError,
    link::{Link, Sent, waiter},
    names::Kind,
};

/// Keys in one question. The server answers at most 1,024 subjects at once.
const BATCH: usize = 500;
/// Keys that a listing shows.
const LISTED: usize = 20_000;
/// Deletions through NATS's own tools leave a marker with this header.
const OPERATION: &str = "KV-Operation";
/// A watch that hears nothing for this long (three heartbeats of the server) is begun anew.
const SILENCE: Duration = Duration::from_secs(16);

/// A bucket.
#[derive(Clone)]
pub(crate) struct Bucket {
    link: Arc<Link>,
    stream: String,
    prefix: String,
}

/// A change in a bucket.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// `None` when it was deleted.
    pub(crate) value: Option<Bytes>,
}

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// With the next change.
    Now,
    /// With what is there.
    Current,
}

impl Bucket {
    pub(crate) fn new(link: Arc<Link>, kind: Kind) -> Self {
        let (stream, prefix) = (link.names.bucket_stream(kind), link.names.bucket_prefix(kind));
        Self { link, stream, prefix }
    }

    pub(crate) fn place(&self) -> &str {
        &self.stream
    }

    fn subject(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Stores a value, for ever or for a while.
    pub(crate) async fn put(&self, key: &str, value: &Bytes, ttl: Option<Duration>) -> Result<(), NatsError> {
        let mut headers = HeaderMap::new();
        live(&mut headers, ttl);
        match self.link.publish(&self.subject(key), &headers, value).await? {
            Sent::Stored => Ok(()),
            Sent::Full => Err(NatsError::full(&self.stream)),
            other => Err(NatsError::new(&self.stream, format!("{key} cannot be stored: {other:?}"))),
        }
    }

    /// Stores a value unless the key has one; whether it was stored.
    pub(crate) async fn create(&self, key: &str, value: &Bytes, ttl: Option<Duration>) -> Result<bool, NatsError> {
        let mut headers = HeaderMap::new();
        headers.insert(async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, "0");
        live(&mut headers, ttl);
        match self.link.publish(&self.subject(key), &headers, value).await? {
            Sent::Stored => Ok(true),
            Sent::NotFirst => Ok(false),
            Sent::Full => Err(NatsError::full(&self.stream)),
            other => Err(NatsError::new(&self.stream, format!("{key} cannot be stored: {other:?}"))),
        }
    }

    /// Stores a value unless the key has one; the value that stands.
    pub(crate) async fn first(&self, key: &str, value: &Bytes) -> Result<Bytes, NatsError> {
        let mut tries = self.link.tries();
        loop {
            if self.create(key, value, None).await? {
                return Ok(value.clone());
            }
            // A replica that lags behind may not have it yet; or it ran out between two questions.
            match self.get(key).await? {
                Some(stands) => return Ok(stands),
                None => tries.again(&self.stream, format!("{key} is neither there nor free")).await?,
            }
        }
    }

    /// The value of a key.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Bytes>, NatsError> {
        let subject = format!("$JS.API.DIRECT.GET.{}.{}", self.stream, self.subject(key));
        let answer = self.link.request(&subject, Bytes::new()).await?;
        match answer.status {
            None => Ok((!is_marker(&answer)).then_some(answer.payload)),
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(status) => Err(NatsError::new(&self.stream, format!("reading {key}: {status}"))),
        }
    }

    /// The values of many keys, in their order, in as few questions as the server allows.
    pub(crate) async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, NatsError> {
        let mut found: HashMap<String, Bytes> = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(BATCH) {
            let mut tries = self.link.tries();
            let mut subjects: Vec<String> = keys.iter().map(|key| self.subject(key)).collect();
            while !subjects.is_empty() {
                match self.ask(&subjects).await {
                    Ok((answers, complete)) => {
                        let before = found.len();
                        found.extend(answers);
                        if complete {
                            break;
                        }
                        // The server ends an answer that becomes too large: the rest is asked for.
                        subjects.retain(|subject| !found.contains_key(subject));
                        if found.len() == before {
                            tries.again(&self.stream, "an answer without an end").await?;
                        }
                    }
                    Err(why) => tries.again(&self.stream, why).await?,
                }
            }
        }
        Ok(keys.iter().map(|key| found.get(&self.subject(key)).filter(|v| !v.is_empty()).cloned()).collect())
    }

    /// One question for the last messages of `subjects`; whether the answer is complete. A marker counts as found, and
    /// empty.
    async fn ask(&self, subjects: &[String]) -> Result<(Vec<(String, Bytes)>, bool), String> {
        let inbox = self.link.client.new_inbox();
        let mut answers = self.link.client.subscribe(inbox.clone()).await.map_err(|e| e.to_string())?;
        let question = serde_json::to_vec(&json!({ "multi_last": subjects })).map_err(|e| e.to_string())?;
        let subject = format!("$JS.API.DIRECT.GET.{}", self.stream);
        let sent = self.link.client.publish_with_reply(subject, inbox, question.into()).await;
        sent.map_err(|e| e.to_string())?;
        let mut found = Vec::with_capacity(subjects.len());
        loop {
            let next = tokio::time::timeout(Duration::from_secs(4), answers.next()).await;
            let message = next.map_err(|_| "no answer in time")?.ok_or("the connection is closed")?;
            match message.status.map(|s| s.as_u16()) {
                None => {
                    let subject = header(&message, "Nats-Subject").ok_or("an answer that names no subject")?.to_owned();
                    let value = if is_marker(&message) { Bytes::new() } else { message.payload };
                    found.push((subject, value));
                }
                Some(204) => {
                    let pending = header(&message, "Nats-Num-Pending").and_then(|n| n.parse::<u64>().ok());
                    return Ok((found, pending.unwrap_or(0) == 0));
                }
                Some(404) => return Ok((found, true)),
                Some(503) => return Err("nobody answers".to_owned()),
                Some(other) => return Err(format!("{other} {}", message.description.unwrap_or_default())),
            }
        }
    }

    /// The sequence of a key's value, if it has one: shows it from later values.
    pub(crate) async fn sequence(&self, key: &str) -> Result<Option<u64>, NatsError> {
        let subject = format!("$JS.API.DIRECT.GET.{}.{}", self.stream, self.subject(key));
        let answer = self.link.request(&subject, Bytes::new()).await?;
        match answer.status {
            None => Ok(header(&answer, "Nats-Sequence").and_then(|sequence| sequence.parse().ok())),
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(status) => Err(NatsError::new(&self.stream, format!("reading {key}: {status}"))),
        }
    }

    /// Deletes a key and leaves nothing behind. `filter` may end in `.>`.
    pub(crate) async fn purge(&self, filter: &str) -> Result<u64, NatsError> {
        self.purge_by(&json!({ "filter": self.subject(filter) })).await
    }

    /// Deletes a key's value if it is not younger than `sequence`.
    pub(crate) async fn purge_up_to(&self, key: &str, sequence: u64) -> Result<u64, NatsError> {
        // The server's bound is the first that stays.
        self.purge_by(&json!({ "filter": self.subject(key), "seq": sequence + 1 })).await
    }

    async fn purge_by(&self, question: &serde_json::Value) -> Result<u64, NatsError> {
        #[derive(Deserialize)]
        struct Purged {
            purged: u64,
        }
        let answer = self.link.api::<Purged>(&format!("STREAM.PURGE.{}", self.stream), question).await?;
        Ok(answer.map_err(|e| NatsError::new(&self.stream, e))?.purged)
    }

    /// The keys and values that are there now, of those that match `filter`; at most [`LISTED`].
    pub(crate) async fn list(&self, filter: &str) -> Result<Vec<(String, Bytes)>, NatsError> {
        #[derive(Deserialize)]
        struct Info {
            state: State,
        }
        #[derive(Deserialize)]
        struct State {
            // The server says null, or nothing, where there are none.
            subjects: Option<HashMap<String, u64>>,
        }
        let question = json!({ "subjects_filter": self.subject(filter) });
        let info = self.link.api::<Info>(&format!("STREAM.INFO.{}", self.stream), &question).await?;
        let subjects = info.map_err(|e| NatsError::new(&self.stream, e))?.state.subjects.unwrap_or_default();
        let keys = subjects.keys().filter_map(|subject| subject.strip_prefix(&self.prefix));
        let keys: Vec<String> = keys.take(LISTED).map(str::to_owned).collect();
        let values = self.get_many(&keys).await?;
        Ok(keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect())
    }

    /// Changes of the keys that match `filter`. The watch stands when this returns. It never ends: when the connection
    /// or the server was away, it goes on with the first change that was not reported yet.
    pub(crate) async fn watch(
        &self,
        filter: &str,
        from: From,
    ) -> Result<impl Stream<Item = Entry> + Send + 'static, NatsError> {
        let (created, next) = self.end().await?;
        let mut watch = Watch {
            filter: self.subject(filter),
            bucket: self.clone(),
            start: match from {
                From::Now => DeliverPolicy::ByStartSequence { start_sequence: next },
                From::Current => DeliverPolicy::LastPerSubject,
            },
            created,
            seen: 0,
            heard: 0,
            messages: None,
            connections: self.link.connections(),
        };
        let mut tries = self.link.tries();
        while let Err(why) = watch.begin().await {
            tries.again(&self.stream, why).await?;
        }
        Ok(futures::stream::unfold(watch, |mut watch| async move { Some((watch.next().await, watch)) }))
    }

    /// When the stream was made, and the sequence that its next message will have.
    async fn end(&self) -> Result<(String, u64), NatsError> {
        #[derive(Deserialize)]
        struct Info {
            created: String,
            state: State,
        }
        #[derive(Deserialize)]
        struct State {
            last_seq: u64,
        }
        let info = self.link.api::<Info>(&format!("STREAM.INFO.{}", self.stream), &json!({})).await?;
        let info = info.map_err(|e| NatsError::new(&self.stream, e))?;
        Ok((info.created, info.state.last_seq + 1))
    }
}

fn header<'a>(message: &'a async_nats::Message, name: &str) -> Option<&'a str> {
    message.headers.as_ref()?.get(name).map(|value| value.as_str())
}

fn is_marker(message: &async_nats::Message) -> bool {
    header(message, OPERATION).is_some_and(|operation| operation != "PUT")
        || header(message, "Nats-Marker-Reason").is_some()
}

fn live(headers: &mut HeaderMap, ttl: Option<Duration>) {
    if let Some(ttl) = ttl {
        // Whole seconds, at least one.
        headers.insert(async_nats::header::NATS_MESSAGE_TTL, format!("{}s", ttl.as_secs().max(1)));
    }
}

/// An ordered reader of a stream's changes. The client library's own begins a bucket from its first message again when
/// the connection breaks before anything was reported; this one knows where it was.
struct Watch {
    bucket: Bucket,
    filter: String,
    start: DeliverPolicy,
    /// When the stream was made.
    created: String,
    /// The last stream sequence that was reported.
    seen: u64,
    /// The last consumer sequence that was heard.
    heard: u64,
    messages: Option<Subscriber>,
    connections: tokio::sync::watch::Receiver<u64>,
}

impl Watch {
    async fn begin(&mut self) -> Result<(), String> {
        self.messages = None;
        self.heard = 0;
        self.connections.mark_unchanged();
        let (created, _) = self.bucket.end().await.map_err(|e| e.to_string())?;
        if created != self.created {
            // Somebody deleted it, and it was made again: its numbers begin anew, and all that is in it is news.
            (self.created, self.seen, self.start) = (created, 0, DeliverPolicy::LastPerSubject);
        }
        let link = &self.bucket.link;
        let inbox = link.client.new_inbox();
        let messages = link.client.subscribe(inbox.clone()).await.map_err(|e| e.to_string())?;
        let config = push::OrderedConfig {
            deliver_subject: inbox,
            filter_subject: self.filter.clone(),
            deliver_policy: match self.seen {
                0 => self.start,
                seen => DeliverPolicy::ByStartSequence { start_sequence: seen + 1 },
            },
            ..push::OrderedConfig::default()
        };
        // The consumer lives in the server's memory and goes 30 seconds after we do.
        let made = link.jetstream.create_consumer_on_stream(config, self.bucket.stream.clone()).await;
        made.map_err(|e| e.to_string())?;
        self.messages = Some(messages);
        Ok(())
    }

    async fn next(&mut self) -> Entry {
        let pauses = Backoff { first: Duration::from_millis(25), most: Duration::from_secs(2) };
        let (mut tries, who) = (0, waiter());
        loop {
            let Some(messages) = &mut self.messages else {
                if let Err(why) = self.begin().await {
                    tracing::debug!(stream = self.bucket.stream, why, "a watch cannot begin yet");
                    tries += 1;
                    tokio::time::sleep(pauses.after(tries, &who)).await;
                }
                continue;
            };
            let message = tokio::select! {
                // What has arrived is reported before anything else happens.
                biased;
                message = messages.next() => message,
                // A server that restarted has forgotten the consumer.
                _ = self.connections.changed() => None,
                () = tokio::time::sleep(SILENCE) => None,
            };
            let Some(message) = message else {
                self.messages = None;
                continue;
            };
            if message.status.is_some() {
                self.answer(&message).await;
                continue;
            }
            if let Some(entry) = self.take(message) {
                return entry;
            }
        }
    }

    /// Heartbeats and flow control.
    async fn answer(&mut self, message: &async_nats::Message) {
        if let Some(reply) = &message.reply {
            // Unanswered, the server would only be slower.
            let _ = self.bucket.link.client.publish(reply.clone(), Bytes::new()).await;
        } else if let Some(last) = header(message, "Nats-Last-Consumer").and_then(|n| n.parse::<u64>().ok())
            && last != self.heard
        {
            self.messages = None;
        }
        if let Some(stalled) = header(message, "Nats-Consumer-Stalled") {
            let _ = self.bucket.link.client.publish(stalled.to_owned(), Bytes::new()).await;
        }
    }

    fn take(&mut self, message: async_nats::Message) -> Option<Entry> {
        let message = jetstream::Message { message, context: self.bucket.link.jetstream.clone() };
        let (consumer_sequence, stream_sequence) = {
            let info = message.info().ok()?;
            (info.consumer_sequence, info.stream_sequence)
        };
        if consumer_sequence != self.heard + 1 {
            // Something was lost on the way: again from where we were.
            self.messages = None;
            return None;
        }
        self.heard = consumer_sequence;
        self.seen = stream_sequence;
        let key = message.subject.strip_prefix(&self.bucket.prefix)?.to_owned();
        let deleted = is_marker(&message.message) || message.payload.is_empty();
        Some(Entry { key, value: (!deleted).then_some(message.message.payload) })
    }
}
