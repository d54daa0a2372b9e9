//! The membership: who sends heartbeats is there, who is silent is not, and who is asked to leave hears it.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt};
use jiff::Timestamp;

use super::{Holds, fingerprint};
use crate::{Holding, Member, MemberKind, MemberState, Membership, values::MemberId};

fn member(kind: MemberKind, id: &str) -> Member {
    let since = Timestamp::from_second(1_790_000_000).holds("a time");
    let holding = Holding { what: "sha256:…".into(), source: "registry.example/a".into(), since, bytes: 5, size: 10 };
    Member {
        kind,
        id: MemberId::new(id).holds("an id"),
        host: "node-1.example".into(),
        version: "0.1.0".into(),
        fingerprint: fingerprint("sample"),
        state: MemberState::Running,
        since,
        seen: since + jiff::SignedDuration::from_secs(5),
        slots: 2,
        holding: vec![holding],
        done: 7,
        failed: 1,
        bytes: 1 << 40,
    }
}

/// A membership.
pub async fn membership(make: impl AsyncFn() -> Arc<dyn Membership>) {
    let membership = make().await;
    let long = Duration::from_secs(600);
    assert_eq!(membership.members().await.holds("members"), []);
    let (worker, second, coordinator) = (
        member(MemberKind::Worker, "worker-1"),
        member(MemberKind::Worker, "worker-2"),
        member(MemberKind::Coordinator, "worker-1"),
    );
    membership.heartbeat(&second, Duration::from_secs(2)).await.holds("a heartbeat");
    membership.heartbeat(&worker, long).await.holds("a heartbeat");
    membership.heartbeat(&coordinator, long).await.holds("a heartbeat");
    assert_eq!(membership.members().await.holds("members"), [coordinator.clone(), worker.clone(), second.clone()]);
    let draining = Member { state: MemberState::Draining, done: 8, holding: Vec::new(), ..worker.clone() };
    membership.heartbeat(&draining, long).await.holds("a heartbeat");
    assert_eq!(membership.members().await.holds("members")[1], draining);
    membership.deregister(MemberKind::Coordinator, &coordinator.id).await.holds("leave");
    // The time to live is a promise to end, not a precise one.
    for round in 0.. {
        let members = membership.members().await.holds("members");
        if members == [draining.clone()] {
            break;
        }
        assert!(round < 40, "who is silent is still there: {members:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    let mut reported = membership.watch_drain(MemberKind::Worker, &worker.id).await.holds("watch");
    let mut other = membership.watch_drain(MemberKind::Worker, &second.id).await.holds("watch");
    let mut above =
        membership.watch_drain(MemberKind::Coordinator, &MemberId::new("c").holds("an id")).await.holds("watch");
    let soon = Duration::from_secs(15);
    membership.drain(Some(&worker.id)).await.holds("drain");
    tokio::time::timeout(soon, reported.next()).await.holds("an event in time").holds("an event");
    assert!(other.next().now_or_never().is_none(), "another was meant");
    membership.drain(None).await.holds("drain");
    for stream in [&mut reported, &mut other] {
        tokio::time::timeout(soon, stream.next()).await.holds("an event in time").holds("an event");
    }
    assert!(above.next().now_or_never().is_none(), "all are all workers");
}
