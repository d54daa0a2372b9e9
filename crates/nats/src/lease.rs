//! The hold on a delivered message. Acks, refusals and hand-backs are confirmed by the server (a key is free when they
//! return); progress is not, for there are thousands of them and the next one follows.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Request, StatusCode, Subject,
    client::RequestErrorKind,
    connection::State,
    jetstream::{self, AckKind},
};
use async_trait::async_trait;
use bytes::Bytes;
use layergate_ports::{Lease, QueueError};

use crate::{error::NatsError, link::Link};

/// How long an answer to one word is waited for.
const ANSWER: Duration = Duration::from_secs(2);

pub(crate) struct NatsLease {
    link: Arc<Link>,
    reply: Subject,
}

impl NatsLease {
    /// The lease of a message, which every message of a pull consumer has.
    pub(crate) fn of(link: &Arc<Link>, message: &jetstream::Message) -> Self {
        Self { link: link.clone(), reply: message.reply.clone().unwrap_or_else(|| Subject::from("_")) }
    }

    /// Says it and waits for the server's word. A server that was killed may have forgotten that it delivered the message,
    /// and then it never answers: the message comes again, and nobody need wait for that with a place taken.
    async fn say(&self, word: Bytes) -> Result<(), QueueError> {
        let mut tries = self.link.tries();
        let mut unanswered = 0;
        loop {
            let request = Request::new().payload(word.clone()).timeout(Some(ANSWER));
            let why = match self.link.client.send_request(self.reply.clone(), request).await {
                Ok(answer) if answer.status == Some(StatusCode::NO_RESPONDERS) => "nobody answers".to_owned(),
                Ok(_) => return Ok(()),
                Err(error) => {
                    let connected = self.link.client.connection_state() == State::Connected;
                    unanswered += u32::from(connected && error.kind() == RequestErrorKind::TimedOut);
                    error.to_string()
                }
            };
            if unanswered >= 2 {
                let what = "the server does not know this delivery any more; the message comes again";
                return Err(NatsError::new(self.reply.as_str(), what).into());
            }
            tries.again(&self.reply, why).await?;
        }
    }
}

#[async_trait]
impl Lease for NatsLease {
    async fn ack(&self) -> Result<(), QueueError> {
        self.say(AckKind::Ack.into()).await
    }

    async fn nak(&self, delay: Duration) -> Result<(), QueueError> {
        self.say(AckKind::Nak((!delay.is_zero()).then_some(delay)).into()).await
    }

    async fn progress(&self) -> Result<(), QueueError> {
        let sent = self.link.client.publish(self.reply.clone(), Bytes::from(AckKind::Progress)).await;
        sent.map_err(|e| NatsError::new(self.reply.as_str(), e).into())
    }

    async fn term(&self, reason: &str) -> Result<(), QueueError> {
        // Spelled out: the reason goes into the server's advisory, on one line.
        let reason = layergate_model::one_line(reason, 200);
        self.say(format!("+TERM {reason}").into()).await
    }
}
