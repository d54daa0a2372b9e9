//! Who is in the fleet: what `fleet status` and `top` show, and how a member is asked to leave. Nothing depends on it:
//! a fleet whose membership is out of reach works on, unseen.

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use futures::Stream;
use jiff::Timestamp;

use super::StoreError;
use crate::values::{Fingerprint, MemberId};

/// What a member does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberKind {
    /// Turns images into verdicts.
    Coordinator,
    /// Reads layers.
    Worker,
}

impl MemberKind {
    /// The word in keys and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator",
            Self::Worker => "worker",
        }
    }
}

/// Whether a member takes more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberState {
    /// It takes what comes.
    Running,
    /// It finishes what it holds and leaves.
    Draining,
}

/// A layer or a job in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The layer's digest, or the job's image.
    pub what: String,
    /// Where it comes from.
    pub source: String,
    /// Since when.
    pub since: Timestamp,
    /// Bytes so far.
    pub bytes: u64,
    /// Bytes in all; 0 where that is not known.
    pub size: u64,
}

/// One process of the fleet, as of its last heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What it does.
    pub kind: MemberKind,
    /// Its id.
    pub id: MemberId,
    /// The machine.
    pub host: String,
    /// The program's version.
    pub version: String,
    /// The analyzer set that it works for.
    pub fingerprint: Fingerprint,
    /// Whether it takes more.
    pub state: MemberState,
    /// When it started.
    pub since: Timestamp,
    /// When it sent this heartbeat.
    pub seen: Timestamp,
    /// How much it may hold at a time.
    pub slots: u32,
    /// What it holds, at most 64 of them.
    pub holding: Vec<Holding>,
    /// Layers or jobs done since it started.
    pub done: u64,
    /// Of which failed.
    pub failed: u64,
    /// Bytes read since it started.
    pub bytes: u64,
}

/// One item for each time the member is asked to leave.
pub type DrainStream = Pin<Box<dyn Stream<Item = ()> + Send>>;

/// Who is in the fleet.
#[async_trait]
pub trait Membership: Send + Sync {
    /// Records that a member lives, and what it does; the record expires after `ttl` without another one.
    async fn heartbeat(&self, member: &Member, ttl: Duration) -> Result<(), StoreError>;

    /// Removes a member that ends.
    async fn deregister(&self, kind: MemberKind, id: &MemberId) -> Result<(), StoreError>;

    /// The members whose records have not expired, coordinators first, by id.
    async fn members(&self) -> Result<Vec<Member>, StoreError>;

    /// Shows a member, or every worker that runs now, to finish what it holds and leave.
    async fn drain(&self, member: Option<&MemberId>) -> Result<(), StoreError>;

    /// What `drain` shows this member from now on; only workers heed what is asked to all.
    async fn watch_drain(&self, kind: MemberKind, id: &MemberId) -> Result<DrainStream, StoreError>;
}
