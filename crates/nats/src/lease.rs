//! The hold on a delivered message. Acks, refusals and hand-backs are confirmed by the server (a key is free when they
//! return); progress is not, for there are thousands of them and the next one follows.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Subject,
    jetstream::{self, AckKind},
};
use async_trait::async_trait;
use bytes::Bytes;
use layergate_fleet::ports::{Lease, QueueError};

use crate::{error::NatsError, link::Link};

pub(crate) struct NatsLease {
    link: Arc<Link>,
    reply: Subject,
}

impl NatsLease {
    /// The lease of a message, which every message of a pull consumer has.
    pub(crate) fn of(link: &Arc<Link>, message: &jetstream::Message) -> Self {
        Self { link: link.clone(), reply: message.reply.clone().unwrap_or_else(|| Subject::from("_")) }
    }

    async fn say(&self, kind: AckKind) -> Result<(), QueueError> {
        self.link.request(&self.reply, kind.into()).await.map_err(QueueError::from)?;
        Ok(())
    }
}

#[async_trait]
impl Lease for NatsLease {
    async fn ack(&self) -> Result<(), QueueError> {
        self.say(AckKind::Ack).await
    }

    async fn nak(&self, delay: Duration) -> Result<(), QueueError> {
        self.say(AckKind::Nak((!delay.is_zero()).then_some(delay))).await
    }

    async fn progress(&self) -> Result<(), QueueError> {
        let sent = self.link.client.publish(self.reply.clone(), Bytes::from(AckKind::Progress)).await;
        sent.map_err(|e| NatsError::new(self.reply.as_str(), e).into())
    }

    async fn term(&self, reason: &str) -> Result<(), QueueError> {
        // Spelled out: the reason goes into the server's advisory, on one line.
        let reason: String = reason.chars().filter(|c| !c.is_control()).take(200).collect();
        self.link.request(&self.reply, format!("+TERM {reason}").into()).await.map_err(QueueError::from)?;
        Ok(())
    }
}
