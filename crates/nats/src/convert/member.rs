//! A member's heartbeat, a request to leave, and the announcement of a snapshot.

use bytes::Bytes;
use jiff::Timestamp;
use layergate_model::Digest;
use layergate_ports::{Holding, Member, MemberKind, MemberState, values::MemberId};
use layergate_wire::{WireError, v1};

use super::parts::{self, Reader};

const READ: Reader = Reader("a member's heartbeat");
/// What a heartbeat describes what is in hand.
const HOLDING: usize = 64;

/// The value of a heartbeat.
pub fn member_to_wire(member: &Member) -> Result<Bytes, WireError> {
    use v1::member::{Kind, State};
    let kind = match member.kind {
        MemberKind::Coordinator => Kind::Coordinator,
        MemberKind::Worker => Kind::Worker,
    };
    let state = match member.state {
        MemberState::Running => State::Running,
        MemberState::Draining => State::Draining,
    };
    let holding = member.holding.iter().take(HOLDING).map(|holding| v1::Holding {
        what: holding.what.clone(),
        source: holding.source.clone(),
        since: parts::time(holding.since),
        bytes: holding.bytes,
        size: holding.size,
    });
    layergate_wire::encode(v1::Member {
        version: 0,
        kind: kind.into(),
        id: member.id.to_string(),
        host: member.host.clone(),
        program_version: member.version.clone(),
        fingerprint: member.fingerprint.to_string(),
        state: state.into(),
        since: parts::time(member.since),
        seen: parts::time(member.seen),
        slots: member.slots,
        holding: holding.collect(),
        done: member.done,
        failed: member.failed,
        bytes: member.bytes,
    })
}

/// Reads a heartbeat.
pub fn member_from_wire(bytes: Bytes) -> Result<Member, WireError> {
    use v1::member::{Kind, State};
    let wire: v1::Member = layergate_wire::decode(bytes)?;
    let kind = match Kind::try_from(wire.kind) {
        Ok(Kind::Coordinator) => MemberKind::Coordinator,
        Ok(Kind::Worker) => MemberKind::Worker,
        _ => return Err(READ.bad("kind", wire.kind)),
    };
    let state = match State::try_from(wire.state) {
        Ok(State::Running) => MemberState::Running,
        Ok(State::Draining) => MemberState::Draining,
        _ => return Err(READ.bad("state", wire.state)),
    };
    let holding = wire.holding.into_iter().take(HOLDING).map(|holding| {
        Ok(Holding {
            what: holding.what,
            source: holding.source,
            since: READ.time("since", holding.since)?,
            bytes: holding.bytes,
            size: holding.size,
        })
    });
    Ok(Member {
        kind,
        id: READ.parse("id", &wire.id)?,
        host: wire.host,
        version: wire.program_version,
        fingerprint: READ.parse("fingerprint", &wire.fingerprint)?,
        state,
        since: READ.time("since", wire.since)?,
        seen: READ.time("seen", wire.seen)?,
        slots: wire.slots,
        holding: holding.collect::<Result<_, WireError>>()?,
        done: wire.done,
        failed: wire.failed,
        bytes: wire.bytes,
    })
}

/// The value of a request to leave, to one member or to all workers.
pub fn drain_to_wire(member: Option<&MemberId>, at: Timestamp) -> Result<Bytes, WireError> {
    layergate_wire::encode(v1::DrainRequest { version: 0, member: parts::text(member), requested_at: parts::time(at) })
}

/// Who is meant; `None` for all workers.
pub fn drain_from_wire(bytes: Bytes) -> Result<Option<MemberId>, WireError> {
    let wire: v1::DrainRequest = layergate_wire::decode(bytes)?;
    Reader("a drain request").optional("member", &wire.member)
}

/// The value of an announcement.
pub fn announcement_to_wire(digest: &Digest) -> Result<Bytes, WireError> {
    layergate_wire::encode(v1::SnapshotAnnouncement { version: 0, digest: parts::digest(digest) })
}

/// Which snapshot is current.
pub fn announcement_from_wire(bytes: Bytes) -> Result<Digest, WireError> {
    let wire: v1::SnapshotAnnouncement = layergate_wire::decode(bytes)?;
    Reader("a snapshot announcement").digest("digest", &wire.digest)
}
