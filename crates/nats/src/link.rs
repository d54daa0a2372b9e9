//! The connection, and the few operations on it that everything else is made of. Each is tried again within the
//! patience of the options, with jitter, as long as the trouble may pass.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client, Event, HeaderMap, Request, StatusCode,
    client::RequestErrorKind,
    jetstream::{self, ErrorCode, context::PublishErrorKind, message::PublishMessage},
};
use bytes::Bytes;
use layergate_model::Backoff;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::watch, time::Instant};

use crate::{
    error::{ConnectError, NatsError},
    login::{self, Fault, Reporter},
    names::Names,
    options::NatsOptions,
    url_login,
};

/// One attempt of an operation; a server that is up answers in milliseconds.
const ATTEMPT: Duration = Duration::from_secs(4);

/// The connection, the names on it and the patience.
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) names: Names,
    pub(crate) options: NatsOptions,
    /// Counts connections, and streams that were made anew: what the server has forgotten is asked again.
    connections: Arc<watch::Sender<u64>>,
}

/// What became of a published message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Stored.
    Stored,
    /// The subject has a message already, and the stream takes one for each.
    Occupied,
    /// The stream has no room.
    Full,
    /// It was to be the first of its subject, and is not.
    NotFirst,
}

/// The tries of one operation.
pub(crate) struct Tries {
    until: Instant,
    tries: u64,
    who: String,
}

/// The pauses between tries of one operation.
const PAUSES: Backoff = Backoff { first: Duration::from_millis(25), most: Duration::from_secs(1) };
/// The pauses between tries to connect.
const RECONNECTS: Backoff = Backoff { first: Duration::from_millis(50), most: Duration::from_secs(2) };

/// Names one waiter among all that wait, so that a fleet does not come back as one.
pub(crate) fn waiter() -> String {
    format!("{:016x}", rand::random::<u64>())
}

impl Tries {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { until: Instant::now() + patience, tries: 0, who: waiter() }
    }

    /// Waits before the next try, or says that there is none.
    pub(crate) async fn again(&mut self, place: &str, why: impl ToString) -> Result<(), NatsError> {
        let why = why.to_string();
        self.tries += 1;
        let pause = PAUSES.after(self.tries, &self.who);
        if Instant::now() + pause >= self.until {
            return Err(NatsError::new(place, format!("{why} (tried again in vain)")));
        }
        tracing::debug!(place, why, "NATS is asked again");
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

impl Link {
    pub(crate) async fn connect(options: NatsOptions) -> Result<Self, ConnectError> {
        options.check()?;
        let (servers, login) = url_login::logins(&options.urls)?;
        let urls = servers.join(", ");
        let (connections, reporter) = (Arc::new(watch::Sender::new(0)), Arc::new(Reporter::default()));
        let unreachable = |why: String| ConnectError::Unreachable { urls: urls.clone(), why };
        let mut tries = Tries::new(options.patience);
        let mut reported = false;
        let client = loop {
            let (sender, reporter) = (connections.clone(), reporter.clone());
            let connect = login::identified(&options, login.clone())
                .await?
                .name(&options.name)
                .retain_servers_order()
                .request_timeout(Some(ATTEMPT))
                .connection_timeout(Duration::from_secs(5))
                .ping_interval(Duration::from_secs(10))
                .reconnect_delay_callback({
                    let who = waiter();
                    move |attempt| RECONNECTS.after(attempt as u64, &who)
                })
                .event_callback(move |event| {
                    if matches!(event, Event::Connected) {
                        sender.send_modify(|n| *n += 1);
                    }
                    reporter.event(&event);
                    async {}
                });
            let why = match connect.connect(servers.clone()).await {
                Ok(client) => break client,
                Err(error) => match login::fault(&error) {
                    Fault::Lasting(why) => return Err(unreachable(why)),
                    Fault::Passing(why) => why,
                },
            };
            // It may be starting, as we are.
            if !std::mem::replace(&mut reported, true) {
                tracing::warn!(urls, why, patience = ?options.patience, "NATS does not answer yet; asking again");
            }
            tries.again("NATS", why).await.map_err(|e| unreachable(e.what))?;
        };
        let info = client.server_info();
        if !client.is_server_compatible(2, 12, 0) {
            return Err(ConnectError::TooOld { urls, version: info.version });
        }
        let jetstream =
            jetstream::context::ContextBuilder::new().timeout(ATTEMPT).ack_timeout(ATTEMPT).build(client.clone());
        let link = Self { client, jetstream, names: Names::new(&options.fleet), options, connections };
        let mut tries = link.tries();
        while let Err(error) = link.jetstream.query_account().await {
            use async_nats::jetstream::context::AccountErrorKind::{JetStream, JetStreamUnavailable};
            match error.kind() {
                JetStream(ref e) if e.error_code() == ErrorCode::JETSTREAM_NOT_ENABLED => {
                    return Err(ConnectError::NoJetStream { urls });
                }
                JetStream(ref e) if e.error_code() == ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT => {
                    return Err(ConnectError::NoJetStream { urls });
                }
                // With JetStream off nobody answers; so it is for a moment while a server starts.
                JetStreamUnavailable => {
                    if tries.again("JetStream", &error).await.is_err() {
                        return Err(ConnectError::NoJetStream { urls });
                    }
                }
                _ => tries.again("JetStream", &error).await.map_err(|e| unreachable(e.what))?,
            }
        }
        Ok(link)
    }

    pub(crate) fn tries(&self) -> Tries {
        Tries::new(self.options.patience)
    }

    /// Changes at every new connection, and when a stream was made anew.
    pub(crate) fn connections(&self) -> watch::Receiver<u64> {
        self.connections.subscribe()
    }

    /// Has whatever stands on the server asked for again: a stream is another one than before.
    pub(crate) fn begin_anew(&self) {
        self.connections.send_modify(|n| *n += 1);
    }

    /// Publishes into a stream, and waits until the server has it. A try that was stored but whose answer was lost is
    /// reported as [`Sent::Occupied`] or [`Sent::NotFirst`] by the next: the same as if another process had been first.
    pub(crate) async fn publish(&self, subject: &str, headers: &HeaderMap, payload: &Bytes) -> Result<Sent, NatsError> {
        let mut tries = self.tries();
        loop {
            let mut message = PublishMessage::build().payload(payload.clone());
            if !headers.is_empty() {
                message = message.headers(headers.clone());
            }
            let sent = match self.jetstream.send_publish(subject.to_owned(), message).await {
                Ok(ack) => ack.await,
                Err(error) => Err(error),
            };
            let error = match sent {
                Ok(_) => return Ok(Sent::Stored),
                Err(error) => error,
            };
            match error.kind() {
                PublishErrorKind::WrongLastSequence => return Ok(Sent::NotFirst),
                PublishErrorKind::MaxPayloadExceeded => return Err(NatsError::new(subject, error)),
                PublishErrorKind::Other => {
                    let refusal = std::error::Error::source(&error)
                        .and_then(|source| source.downcast_ref::<jetstream::Error>())
                        .map(|e| (e.error_code(), e.to_string()));
                    match refusal {
                        // One code for two things: the text shows them apart.
                        Some((ErrorCode::STREAM_STORE_FAILED, text)) if text.contains("per subject") => {
                            return Ok(Sent::Occupied);
                        }
                        Some((ErrorCode::STREAM_STORE_FAILED, text)) if text.contains("maximum") => {
                            return Ok(Sent::Full);
                        }
                        // The server's disk, or the account's part of it, is used up by others.
                        Some((ErrorCode::INSUFFICIENT_RESOURCES | ErrorCode::ACCOUNT_RESOURCES_EXCEEDED, _)) => {
                            return Ok(Sent::Full);
                        }
                        Some((_, text)) => tries.again(subject, text).await?,
                        None => tries.again(subject, &error).await?,
                    }
                }
                _ => tries.again(subject, &error).await?,
            }
        }
    }

    /// Asks the JetStream API.
    pub(crate) async fn api<T: DeserializeOwned>(
        &self,
        subject: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<Result<T, jetstream::Error>, NatsError> {
        let body: Bytes = serde_json::to_vec(body).map_err(|e| NatsError::new(subject, e))?.into();
        let answer = self.request(&format!("$JS.API.{subject}"), body).await?;
        match serde_json::from_slice(&answer.payload).map_err(|e| NatsError::new(subject, e))? {
            jetstream::response::Response::Ok(answer) => Ok(Ok(answer)),
            jetstream::response::Response::Err { error } => Ok(Err(error)),
        }
    }

    /// One question, one answer.
    pub(crate) async fn request(&self, subject: &str, payload: Bytes) -> Result<async_nats::Message, NatsError> {
        let mut tries = self.tries();
        loop {
            let request = Request::new().payload(payload.clone());
            match self.client.send_request(subject.to_owned(), request).await {
                Ok(answer) if answer.status == Some(StatusCode::NO_RESPONDERS) => {
                    tries.again(subject, "nobody answers").await?;
                }
                Ok(answer) => return Ok(answer),
                Err(error) if error.kind() == RequestErrorKind::MaxPayloadExceeded => {
                    return Err(NatsError::new(subject, error));
                }
                Err(error) => tries.again(subject, error).await?,
            }
        }
    }
}
