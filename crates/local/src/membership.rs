//! The membership of one process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures::StreamExt;
use layergate_ports::{Clock, DrainStream, Member, MemberKind, Membership, StoreError, values::MemberId};
use tokio::sync::broadcast;

use crate::lock;

/// The membership of one process.
pub struct MemoryMembership {
    clock: Arc<dyn Clock>,
    members: Mutex<BTreeMap<(MemberKind, MemberId), (Member, Duration)>>,
    drains: broadcast::Sender<Option<MemberId>>,
}

impl MemoryMembership {
    /// Nobody yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, members: Mutex::default(), drains: broadcast::channel(64).0 }
    }
}

#[async_trait]
impl Membership for MemoryMembership {
    async fn heartbeat(&self, member: &Member, ttl: Duration) -> Result<(), StoreError> {
        let until = self.clock.monotonic() + ttl;
        lock(&self.members).insert((member.kind, member.id.clone()), (member.clone(), until));
        Ok(())
    }

    async fn deregister(&self, kind: MemberKind, id: &MemberId) -> Result<(), StoreError> {
        lock(&self.members).remove(&(kind, id.clone()));
        Ok(())
    }

    async fn members(&self) -> Result<Vec<Member>, StoreError> {
        let now = self.clock.monotonic();
        let mut members = lock(&self.members);
        members.retain(|_, (_, until)| *until > now);
        Ok(members.values().map(|(member, _)| member.clone()).collect())
    }

    async fn drain(&self, member: Option<&MemberId>) -> Result<(), StoreError> {
        // Nobody may be watching.
        let _ = self.drains.send(member.cloned());
        Ok(())
    }

    async fn watch_drain(&self, kind: MemberKind, id: &MemberId) -> Result<DrainStream, StoreError> {
        let id = id.clone();
        let reported = futures::stream::unfold(self.drains.subscribe(), move |mut drains| {
            let id = id.clone();
            async move {
                loop {
                    match drains.recv().await {
                        Ok(None) if kind == MemberKind::Worker => return Some(((), drains)),
                        Ok(Some(member)) if member == id => return Some(((), drains)),
                        // Who missed something may have been meant; leaving once too often harms nobody.
                        Err(broadcast::error::RecvError::Lagged(_)) => return Some(((), drains)),
                        Err(broadcast::error::RecvError::Closed) => return None,
                        Ok(_) => {}
                    }
                }
            }
        });
        Ok(reported.boxed())
    }
}
