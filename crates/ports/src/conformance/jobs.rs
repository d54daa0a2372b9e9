//! The job queue: lanes, turns between tenants, leases.

use std::{sync::Arc, time::Duration};

use super::{Holds, job};
use crate::{JobDelivery, JobQueue, Published, values::Lane};

const ACK_WAIT: Duration = Duration::from_secs(2);
const NEVER: Duration = Duration::from_millis(700);
const SOON: Duration = Duration::from_secs(15);

async fn take(queue: &Arc<dyn JobQueue>, lane: Lane) -> JobDelivery {
    tokio::time::timeout(SOON, queue.next(lane)).await.holds("a job in time").holds("a job")
}

/// A queue; the factory is reported the ack wait.
pub async fn job_queue(make: impl AsyncFn(Duration) -> Arc<dyn JobQueue>) {
    let queue = make(ACK_WAIT).await;
    let submit = async |id: &str, lane, tenant: &str| queue.submit(&job(id, lane, tenant)).await.holds("submit");

    // Everything of a job arrives, on its lane only.
    assert_eq!(submit("one", Lane::Interactive, "a").await, Published::Queued);
    assert_eq!(submit("one", Lane::Interactive, "a").await, Published::InFlight, "the same job twice is one");
    assert_eq!(queue.waiting(Lane::Interactive).await.holds("waiting"), 1);
    assert!(tokio::time::timeout(NEVER, queue.next(Lane::Bulk)).await.is_err(), "not on the bulk lane");
    let held = take(&queue, Lane::Interactive).await;
    assert_eq!(held.deliveries, 1);
    assert_eq!(held.id.as_str(), "one");
    let known = async |id: &str| queue.holds(&job(id, Lane::Bulk, "any").id).await.holds("holds");
    assert!(known("one").await && !known("two").await, "a job is known while it is in flight");
    assert_eq!(held.job.as_ref().holds("readable"), &job("one", Lane::Interactive, "a"));
    held.lease.nak(Duration::ZERO).await.holds("nak");
    let held = take(&queue, Lane::Interactive).await;
    assert_eq!(held.deliveries, 2);
    drop(held);
    let held = take(&queue, Lane::Interactive).await;
    assert_eq!(held.deliveries, 3, "silence brings it back");
    for _ in 0..4 {
        tokio::time::sleep(ACK_WAIT / 2).await;
        held.lease.progress().await.holds("progress");
    }
    held.lease.ack().await.holds("ack");
    assert!(!known("one").await, "an acked job is not known");
    assert!(tokio::time::timeout(NEVER, queue.next(Lane::Interactive)).await.is_err(), "acked is gone");

    // A tenant with many jobs does not stand before one with few: the few are served before half of the many are.
    for n in 0..40 {
        submit(&format!("many-{n}"), Lane::Bulk, "many").await;
    }
    for n in 0..4 {
        submit(&format!("few-{n}"), Lane::Bulk, "few").await;
    }
    let mut order = Vec::new();
    for _ in 0..44 {
        let held = take(&queue, Lane::Bulk).await;
        held.lease.ack().await.holds("ack");
        order.push(held.id.as_str().to_owned());
    }
    let last = order.iter().rposition(|id| id.starts_with("few")).holds("the few came");
    assert!(last < 24, "the last of the few came as number {last}");
    order.sort();
    order.dedup();
    assert_eq!(order.len(), 44, "each once");
}
