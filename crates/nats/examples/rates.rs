//! What a server gives on this machine: `cargo run --release --example rates -- nats://127.0.0.1:4222`. One client
//! process; the figures are operations a second, and each says how many were on the way at one time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement stops at the first trouble")]

use std::{sync::Arc, time::Instant};

use futures::{StreamExt, stream};
use layergate_model::Verdict;
use layergate_nats::{Fleet, NatsOptions};
use layergate_ports::{conformance, values::Lane, *};

async fn rate<F: Future<Output = ()>>(what: &str, count: u32, at_once: usize, one: impl Fn(u32) -> F) {
    let start = Instant::now();
    stream::iter(0..count).map(one).buffer_unordered(at_once).collect::<Vec<_>>().await;
    println!(
        "{what:44} {:>9.0}/s  ({count} operations, {at_once} at a time)",
        f64::from(count) / start.elapsed().as_secs_f64()
    );
}

#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).expect("the URL of a nats-server with JetStream");
    let count: u32 = std::env::args().nth(2).map_or(10_000, |n| n.parse().unwrap());
    let options = NatsOptions { fleet: format!("rates-{:x}", rand::random::<u32>()), ..NatsOptions::new([url]) };
    let fleet = &Fleet::connect(options).await.unwrap();
    println!("nats-server {}", fleet.server_version());

    rate("layer tasks published", count, 256, |n| async move {
        assert_eq!(fleet.layers.publish(&conformance::task(n)).await.unwrap(), Published::Queued);
    })
    .await;
    rate("the same again (refused: in flight)", count, 256, |n| async move {
        assert_eq!(fleet.layers.publish(&conformance::task(n)).await.unwrap(), Published::InFlight);
    })
    .await;
    let fingerprint = &conformance::key(1).fingerprint;
    rate("layer tasks taken and acked", count, 16, |_| async move {
        fleet.layers.next(fingerprint).await.unwrap().lease.ack().await.unwrap();
    })
    .await;
    rate("layers reported as done", count, 256, |n| async move {
        let event = DoneEvent { key: conformance::key(n), outcome: DoneOutcome::Stored };
        fleet.layers.announce(&event).await.unwrap();
    })
    .await;
    for (batch, at_once) in [(10u32, 8usize), (500, 4)] {
        let start = Instant::now();
        let questions = stream::iter(0..count / batch).map(|n| async move {
            let keys: Vec<_> = (n * batch..(n + 1) * batch).map(conformance::key).collect();
            assert!(fleet.cache.contains_many(&keys).await.unwrap().iter().all(|there| *there));
        });
        questions.buffer_unordered(at_once).collect::<Vec<_>>().await;
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{:44} {:>9.0} keys/s  ({at_once} questions at a time)",
            format!("looked up, {batch} in a question"),
            f64::from(count) / seconds
        );
    }
    rate("inventories stored (2 messages each)", count / 5, 32, |n| async move {
        fleet.cache.put(&conformance::key(n), &conformance::inventory(n)).await.unwrap();
    })
    .await;
    rate("jobs submitted", count, 256, |n| async move {
        fleet.jobs.submit(&conformance::job(&format!("{n}"), Lane::Bulk, &format!("team-{}", n % 7))).await.unwrap();
    })
    .await;
    let keys: &Vec<_> = &(0..10).map(conformance::key).collect();
    let report = &Arc::new((*conformance::report("registry.example/a:1")).clone());
    rate("verdicts: job, look-up, report, record, ack", count, 64, |_| async move {
        let job = fleet.jobs.next(Lane::Bulk).await.unwrap();
        fleet.cache.contains_many(keys).await.unwrap();
        let record = conformance::verdict(job.id.as_str(), Verdict::Pass);
        fleet.verdicts.put_report(&layergate_ports::values::ReportKey::of_job(&job.id, 0), report).await.unwrap();
        assert_eq!(fleet.verdicts.put(&record).await.unwrap(), record);
        job.lease.ack().await.unwrap();
    })
    .await;
    fleet.jobs.submit(&conformance::job("one", Lane::Interactive, "a")).await.unwrap();
    fleet.jobs.next(Lane::Interactive).await.unwrap().lease.ack().await.unwrap();
    let mut waits = Vec::new();
    for n in 0..200 {
        let start = Instant::now();
        let next = fleet.jobs.next(Lane::Interactive);
        let submit = async {
            fleet.jobs.submit(&conformance::job(&format!("i{n}"), Lane::Interactive, "a")).await.unwrap();
            std::future::pending::<()>().await;
        };
        let job = tokio::select! { job = next => job.unwrap(), () = submit => continue };
        waits.push(start.elapsed());
        job.lease.ack().await.unwrap();
    }
    waits.sort();
    println!(
        "{:44} {:?} median, {:?} p99",
        "submit to delivery, one at a time",
        waits[waits.len() / 2],
        waits[waits.len() * 99 / 100]
    );
}
