//! The membership on JetStream: heartbeats with a time to live, and requests to leave that live for ten minutes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::StreamExt;
use jiff::Timestamp;
use layergate_ports::{DrainStream, Member, MemberKind, Membership, StoreError, values::MemberId};

use crate::{
    bucket::{Bucket, From},
    convert,
    error::NatsError,
    link::Link,
    names::Kind,
};

/// How long a request to leave is kept, for people who look; whoever is meant hears it at once.
const DRAIN: Duration = Duration::from_secs(600);

/// The membership on JetStream.
pub struct NatsMembership {
    members: Bucket,
    control: Bucket,
}

impl NatsMembership {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { members: Bucket::new(link.clone(), Kind::Membership), control: Bucket::new(link, Kind::Control) }
    }
}

#[async_trait]
impl Membership for NatsMembership {
    async fn heartbeat(&self, member: &Member, ttl: Duration) -> Result<(), StoreError> {
        let value = convert::member_to_wire(member).map_err(|e| NatsError::new(self.members.place(), e))?;
        Ok(self.members.put(&format!("{}.{}", member.kind.as_str(), member.id), &value, Some(ttl)).await?)
    }

    async fn deregister(&self, kind: MemberKind, id: &MemberId) -> Result<(), StoreError> {
        self.members.purge(&format!("{}.{id}", kind.as_str())).await?;
        Ok(())
    }

    async fn members(&self) -> Result<Vec<Member>, StoreError> {
        let all = [MemberKind::Coordinator, MemberKind::Worker];
        let mut members = Vec::new();
        for kind in all {
            let there = self.members.list(&format!("{}.>", kind.as_str())).await?;
            // A newer program's heartbeat may not be readable; it is not counted, and nothing depends on it.
            members.extend(there.into_iter().filter_map(|(_, value)| convert::member_from_wire(value).ok()));
        }
        members.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
        Ok(members)
    }

    async fn drain(&self, member: Option<&MemberId>) -> Result<(), StoreError> {
        let value =
            convert::drain_to_wire(member, Timestamp::now()).map_err(|e| NatsError::new(self.control.place(), e))?;
        let key = match member {
            Some(id) => format!("drain.{id}"),
            None => "drain.all".to_owned(),
        };
        Ok(self.control.put(&key, &value, Some(DRAIN)).await?)
    }

    async fn watch_drain(&self, kind: MemberKind, id: &MemberId) -> Result<DrainStream, StoreError> {
        let id = id.clone();
        let entries = self.control.watch("drain.*", From::Now).await?;
        let reported = entries.filter_map(move |entry| {
            let meant = entry.value.and_then(|value| convert::drain_from_wire(value).ok());
            let us = match meant {
                Some(Some(member)) => member == id,
                Some(None) => kind == MemberKind::Worker,
                None => false,
            };
            async move { us.then_some(()) }
        });
        Ok(reported.boxed())
    }
}
