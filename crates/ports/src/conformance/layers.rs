//! The layer queue: single flight, leases, redelivery, and the word that a layer is done.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt};

use super::{Holds, fingerprint, key, task};
use crate::{DoneEvent, DoneOutcome, LayerDelivery, LayerQueue, Published, values::Fingerprint};

const ACK_WAIT: Duration = Duration::from_secs(2);
/// A message that has not come by now does not come.
const NEVER: Duration = Duration::from_millis(700);
/// A message that is due comes by now.
const SOON: Duration = Duration::from_secs(15);

async fn take(queue: &Arc<dyn LayerQueue>, fingerprint: &Fingerprint) -> LayerDelivery {
    tokio::time::timeout(SOON, queue.next(fingerprint)).await.holds("a message in time").holds("a message")
}

async fn nothing(queue: &Arc<dyn LayerQueue>, fingerprint: &Fingerprint) {
    let came = tokio::time::timeout(NEVER, queue.next(fingerprint)).await;
    if let Ok(Ok(delivery)) = came {
        panic!("{:?} came, for the {}. time", delivery.key, delivery.deliveries);
    }
}

/// A queue; the factory is reported the ack wait.
pub async fn layer_queue(make: impl AsyncFn(Duration) -> Arc<dyn LayerQueue>) {
    let own = key(1).fingerprint;
    let queue = make(ACK_WAIT).await;
    let publish = async |n| queue.publish(&task(n)).await.holds("publish");

    // Single flight: while queued and while in flight, and free again after the ack.
    assert_eq!(publish(1).await, Published::Queued);
    assert_eq!(publish(1).await, Published::InFlight);
    assert_eq!(publish(2).await, Published::Queued);
    assert_eq!(queue.waiting(&own).await.holds("waiting"), 2);
    let first = take(&queue, &own).await;
    assert_eq!((first.key, first.deliveries), (key(1), 1), "in order");
    assert_eq!(first.task.as_ref().holds("readable"), &task(1));
    assert_eq!(publish(1).await, Published::InFlight);
    first.lease.ack().await.holds("ack");
    assert_eq!(publish(1).await, Published::Queued, "the key is free after the ack");
    let second = take(&queue, &own).await;
    assert_eq!(second.key, key(2));
    second.lease.term("no good").await.holds("term");
    assert_eq!(publish(2).await, Published::Queued, "the key is free after the term");
    for _ in 0..2 {
        take(&queue, &own).await.lease.ack().await.holds("ack");
    }
    nothing(&queue, &own).await;
    assert_eq!(queue.waiting(&own).await.holds("waiting"), 0);

    // Another analyzer set does not see them.
    let mut foreign = task(3);
    foreign.key = fingerprint("another analyzer set").key(key(3).digest);
    assert_eq!(queue.publish(&foreign).await.holds("publish"), Published::Queued);
    nothing(&queue, &own).await;
    assert_eq!(publish(3).await, Published::Queued, "the same blob under two sets is two tasks");
    let theirs = take(&queue, &foreign.key.fingerprint).await;
    assert_eq!(theirs.key, foreign.key);
    theirs.lease.ack().await.holds("ack");

    // Handed back: comes again after the delay, and counts.
    let held = take(&queue, &own).await;
    held.lease.nak(Duration::from_secs(1)).await.holds("nak");
    assert_eq!(publish(3).await, Published::InFlight, "a resting message holds its key");
    let again = take(&queue, &own).await;
    assert_eq!((again.key, again.deliveries), (key(3), 2));
    again.lease.nak(Duration::ZERO).await.holds("nak");
    let again = take(&queue, &own).await;
    assert_eq!(again.deliveries, 3);

    // Progress holds it beyond the ack wait; silence does not.
    for _ in 0..4 {
        tokio::time::sleep(ACK_WAIT / 2).await;
        again.lease.progress().await.holds("progress");
    }
    nothing(&queue, &own).await;
    drop(again);
    let after_silence = take(&queue, &own).await;
    assert_eq!((after_silence.key, after_silence.deliveries), (key(3), 4));
    after_silence.lease.ack().await.holds("ack");

    // A late word on a message that is gone leaves its successor of the same key alone.
    assert_eq!(publish(6).await, Published::Queued);
    let slow = take(&queue, &own).await;
    let quick = take(&queue, &own).await;
    assert_eq!((quick.key, quick.deliveries), (key(6), 2), "the slow one's time ran out");
    quick.lease.ack().await.holds("ack");
    assert_eq!(publish(6).await, Published::Queued);
    let successor = take(&queue, &own).await;
    // Whether the queue shows that the word came too late is its own affair.
    let _ = slow.lease.ack().await;
    let _ = slow.lease.nak(Duration::ZERO).await;
    assert_eq!(publish(6).await, Published::InFlight, "the successor is still in flight");
    successor.lease.ack().await.holds("ack");

    // A next() that is dropped takes no message with it.
    let waiting = queue.next(&own);
    assert!(tokio::time::timeout(Duration::from_millis(50), waiting).await.is_err());
    assert_eq!(publish(4).await, Published::Queued);
    take(&queue, &own).await.lease.ack().await.holds("ack");

    // Many publishers, one message.
    let all = futures::future::join_all((0..50).map(|_| publish(5))).await;
    assert_eq!(all.iter().filter(|p| **p == Published::Queued).count(), 1, "{all:?}");
    take(&queue, &own).await.lease.ack().await.holds("ack");
    nothing(&queue, &own).await;

    done(&queue).await;
}

async fn done(queue: &Arc<dyn LayerQueue>) {
    let event = |n, outcome| DoneEvent { key: key(n), outcome };
    queue.announce(&event(90, DoneOutcome::Stored)).await.holds("announce to nobody");
    let mut one = queue.watch_done().await.holds("watch");
    let mut other = queue.watch_done().await.holds("watch");
    let reported = [event(91, DoneOutcome::Stored), event(92, DoneOutcome::Failed), event(91, DoneOutcome::Stored)];
    for event in &reported {
        queue.announce(event).await.holds("announce");
    }
    for watch in [&mut one, &mut other] {
        // The same word twice may be reported once.
        let mut heard = Vec::new();
        while !reported.iter().all(|t| heard.contains(t)) {
            let next = tokio::time::timeout(SOON, watch.next()).await;
            heard.push(next.holds("an event in time").holds("an event"));
        }
    }
    assert!(one.next().now_or_never().flatten().is_none_or(|e| reported.contains(&e)), "nothing else");
}
