//! What can go wrong between us and the server, each with what happens then.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream};
use layergate_model::Verdict;
use layergate_nats::{ConnectError, Fleet, NatsOptions};
use layergate_ports::{conformance, values::Lane, *};

use crate::support::{Server, connect, jetstream};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn eight_publishers_of_the_same_layers_publish_each_once() {
    let Some(server) = Server::start().await else { return };
    let options = server.options();
    let accepted = Arc::new(AtomicUsize::new(0));
    let publishers = (0..8).map(|p| {
        let (options, accepted) = (options.clone(), accepted.clone());
        tokio::spawn(async move {
            let fleet = connect(&options).await;
            // Each in an order of its own.
            let order = (0..3000u32).map(|n| (n * 7 + p * 375) % 3000);
            let layers = &fleet.layers;
            let sent = stream::iter(order).map(|n| async move { layers.publish(&conformance::task(n)).await.unwrap() });
            let sent: Vec<Published> = sent.buffer_unordered(64).collect().await;
            assert!(!sent.contains(&Published::Full));
            accepted.fetch_add(sent.iter().filter(|s| **s == Published::Queued).count(), Ordering::SeqCst);
        })
    });
    for publisher in publishers.collect::<Vec<_>>() {
        publisher.await.unwrap();
    }
    assert_eq!(accepted.load(Ordering::SeqCst), 3000);
    let fleet = connect(&options).await;
    assert_eq!(fleet.layers.waiting(&conformance::key(1).fingerprint).await.unwrap(), 3000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_the_middle_loses_nothing_that_it_took() {
    let Some(mut server) = Server::start().await else { return };
    let options = NatsOptions { patience: SOON, ..server.options() };
    let fleet = connect(&options).await;
    let fingerprint = conformance::key(1).fingerprint;
    let mut watch = fleet.layers.watch_done().await.unwrap();
    let mut verdicts = fleet.verdicts.watch().await.unwrap();
    for n in 0..200 {
        assert_eq!(fleet.layers.publish(&conformance::task(n)).await.unwrap(), Published::Queued);
    }
    // A consumer in another process, which goes on over the restarts.
    let worker = {
        let options = options.clone();
        tokio::spawn(async move {
            let fleet = connect(&options).await;
            let mut seen = HashSet::new();
            while seen.len() < 300 {
                let task = tokio::time::timeout(SOON, fleet.layers.next(&fingerprint)).await.expect("a task").unwrap();
                fleet.cache.put(&task.key, &conformance::inventory(1)).await.unwrap();
                let event = DoneEvent { key: task.key, outcome: DoneOutcome::Stored };
                fleet.layers.announce(&event).await.unwrap();
                seen.insert(task.key);
                // An ack that was lost with the server is no trouble: the task comes again.
                let _ = task.lease.ack().await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    };
    for restart in 0..3u32 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.up().await;
        for n in 200 + restart * 33..233 + restart * 33 + u32::from(restart == 2) {
            let sent = fleet.layers.publish(&conformance::task(n)).await.unwrap();
            assert_ne!(sent, Published::Full);
        }
        let verdict = conformance::verdict(&format!("after-{restart}"), Verdict::Pass);
        fleet.verdicts.put(&verdict).await.unwrap();
    }
    tokio::time::timeout(Duration::from_secs(90), worker).await.expect("all tasks").unwrap();
    let keys: Vec<_> = (0..300).map(conformance::key).collect();
    assert!(fleet.cache.contains_many(&keys).await.unwrap().iter().all(|there| *there));
    // The watches, begun before the first restart, have missed nothing.
    let mut missing: HashSet<_> = keys.into_iter().collect();
    while !missing.is_empty() {
        let event = tokio::time::timeout(SOON, watch.next()).await;
        let event = event.unwrap_or_else(|_| panic!("{} events are missing", missing.len())).unwrap();
        missing.remove(&event.key);
    }
    for restart in 0..3 {
        let record = tokio::time::timeout(SOON, verdicts.next()).await.expect("in time").unwrap();
        assert_eq!(record.job.as_str(), format!("after-{restart}"));
    }
    // Jobs too, and a waiting caller goes on by itself.
    let waiting = tokio::spawn({
        let fleet = fleet.clone();
        async move { fleet.jobs.next(Lane::Interactive).await.unwrap() }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.kill();
    server.up().await;
    fleet.jobs.submit(&conformance::job("late", Lane::Interactive, "a")).await.unwrap();
    let job = tokio::time::timeout(SOON, waiting).await.expect("a job in time").unwrap();
    assert_eq!(job.id.as_str(), "late");
    job.lease.ack().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_not_in_flight() {
    let Some(server) = Server::start().await else { return };
    let fleet = connect(&NatsOptions { queue_length: 2, ..server.options() }).await;
    let cases = [(1, Published::Queued), (2, Published::Queued), (2, Published::InFlight), (3, Published::Full)];
    for (n, want) in cases {
        assert_eq!(fleet.layers.publish(&conformance::task(n)).await.unwrap(), want, "{n}");
    }
    for (id, want) in
        [("1", Published::Queued), ("2", Published::Queued), ("1", Published::InFlight), ("3", Published::Full)]
    {
        assert_eq!(fleet.jobs.submit(&conformance::job(id, Lane::Bulk, "a")).await.unwrap(), want, "{id}");
    }
    let held = fleet.layers.next(&conformance::key(1).fingerprint).await.unwrap();
    assert_eq!(fleet.layers.publish(&conformance::task(3)).await.unwrap(), Published::Full, "in flight takes room");
    held.lease.ack().await.unwrap();
    assert_eq!(fleet.layers.publish(&conformance::task(3)).await.unwrap(), Published::Queued);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_read_is_delivered_with_its_key() {
    let Some(server) = Server::start().await else { return };
    let options = server.options();
    let fleet = connect(&options).await;
    let raw = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    // Version 9 of a task, and bytes that are nothing.
    let key = conformance::key(1);
    for (n, bytes) in [(1, &[8u8, 9][..]), (2, b"nothing")] {
        let subject = format!("{}.layers.{}", options.fleet, conformance::key(n));
        raw.publish(subject, bytes.to_vec().into()).await.unwrap().await.unwrap();
    }
    let newer = fleet.layers.next(&key.fingerprint).await.unwrap();
    assert_eq!(newer.key, key);
    let Err(QueueError::Undecodable { what, .. }) = newer.task else { panic!("readable") };
    assert!(what.contains("version 9"), "{what}");
    newer.lease.term("unknown version").await.unwrap();
    let broken = fleet.layers.next(&key.fingerprint).await.unwrap();
    assert!(matches!(broken.task, Err(QueueError::Undecodable { .. })));
    broken.lease.term("unreadable").await.unwrap();
    assert_eq!(fleet.layers.publish(&conformance::task(1)).await.unwrap(), Published::Queued, "the key is free");

    raw.publish(format!("{}.jobs.bulk.30.one", options.fleet), "?".into()).await.unwrap().await.unwrap();
    let job = fleet.jobs.next(Lane::Bulk).await.unwrap();
    assert_eq!((job.id.as_str(), job.job.is_err()), ("one", true));
    job.lease.ack().await.unwrap();
    // An ack too many, or one that comes too late, is no trouble.
    job.lease.ack().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_thousands_of_jobs_does_not_stand_before_another() {
    let Some(server) = Server::start().await else { return };
    let fleet = server.fleet().await;
    let jobs = &fleet.jobs;
    let many = stream::iter(0..5000).map(|n| async move {
        jobs.submit(&conformance::job(&format!("many-{n}"), Lane::Bulk, "many")).await.unwrap()
    });
    many.buffer_unordered(256).collect::<Vec<_>>().await;
    assert_eq!(jobs.waiting(Lane::Bulk).await.unwrap(), 5000, "before anybody has pulled");
    for _ in 0..50 {
        jobs.next(Lane::Bulk).await.unwrap().lease.ack().await.unwrap();
    }
    jobs.submit(&conformance::job("first", Lane::Bulk, "few")).await.unwrap();
    let mut before = 0;
    loop {
        let job = jobs.next(Lane::Bulk).await.unwrap();
        job.lease.ack().await.unwrap();
        if job.id.as_str() == "first" {
            break;
        }
        before += 1;
    }
    assert!(before < 20, "{before} jobs of the other tenant went first");
    let waiting = jobs.waiting(Lane::Bulk).await.unwrap();
    assert!((4900..=4950).contains(&waiting), "{waiting}");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_inventories_travel_in_parts_and_an_old_set_is_purged() {
    let Some(server) = Server::start().await else { return };
    let fleet = server.fleet().await;
    // Paths that do not compress: the body has several parts.
    let mut paths = layergate_model::PathTableBuilder::default();
    for n in 0..60_000u32 {
        let name = layergate_model::Digest::of(&n.to_le_bytes()).to_hex();
        let path = layergate_model::LayerPath::normalise(&name).unwrap();
        paths.push(&path, layergate_model::EntryKind::File, 0o644, "");
    }
    let mut large = (*conformance::inventory(1)).clone();
    large.paths = paths.finish();
    let large = Arc::new(large);
    let key = conformance::key(1);
    for _ in 0..2 {
        fleet.cache.put(&key, &large).await.unwrap();
        assert_eq!(fleet.cache.get(&key).await.unwrap(), Some(large.clone()));
    }
    // A smaller one in its place, and the parts of the first are gone.
    fleet.cache.put(&key, &conformance::inventory(1)).await.unwrap();
    assert_eq!(fleet.cache.get(&key).await.unwrap(), Some(conformance::inventory(1)));

    let other = conformance::fingerprint("another").key(key.digest);
    fleet.cache.put(&other, &large).await.unwrap();
    let mut task = conformance::task(1);
    task.key = other;
    fleet.layers.publish(&task).await.unwrap();
    assert_eq!(fleet.purge(&other.fingerprint).await.unwrap(), 1);
    assert_eq!(fleet.cache.contains_many(&[key, other]).await.unwrap(), [true, false]);
    assert_eq!(fleet.cache.get(&other).await.unwrap(), None);
    assert_eq!(fleet.layers.waiting(&other.fingerprint).await.unwrap(), 0);
}

/// A body went (the budget of the store), the word that it is there has stayed: it is taken back once, and a value that
/// comes again stays however many still believe it lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_body_is_reported_and_what_comes_again_stays() {
    let Some(server) = Server::start().await else { return };
    let options = server.options();
    let fleet = connect(&options).await;
    let (key, inventory) = (conformance::key(1), conformance::inventory(1));
    fleet.cache.put(&key, &inventory).await.unwrap();
    let raw = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let bodies = raw.get_stream(format!("KV_{}-inventories", options.fleet)).await.unwrap();
    bodies.purge().await.unwrap();
    assert_eq!(fleet.cache.contains_many(&[key]).await.unwrap(), [true]);
    assert_eq!(fleet.cache.get(&key).await.unwrap(), None);
    fleet.cache.invalidate_if_absent(&key).await.unwrap();
    assert_eq!(fleet.cache.contains_many(&[key]).await.unwrap(), [false]);
    fleet.cache.put(&key, &inventory).await.unwrap();
    fleet.cache.invalidate_if_absent(&key).await.unwrap();
    assert_eq!(fleet.cache.contains_many(&[key]).await.unwrap(), [true]);
    assert_eq!(fleet.cache.get(&key).await.unwrap(), Some(inventory));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_otherwise_is_refused_by_name() {
    let Some(server) = Server::start().await else { return };
    let options = server.options();
    let raw = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let like = async_nats::jetstream::stream::Config {
        name: format!("{}-layers", options.fleet),
        subjects: vec![format!("{}.layers.>", options.fleet)],
        ..Default::default()
    };
    raw.create_stream(like).await.unwrap();
    let Err(error) = Fleet::connect(options).await else { panic!("connected") };
    let text = error.to_string();
    assert!(text.contains("discard_new_per_subject: there false, needed true") && text.contains("WorkQueue"), "{text}");

    let options = server.options();
    let fleet = connect(&options).await;
    fleet.layers.waiting(&conformance::key(1).fingerprint).await.unwrap();
    let other = connect(&NatsOptions { ack_wait: Duration::from_secs(9), ..options }).await;
    let next = tokio::time::timeout(SOON, other.layers.next(&conformance::key(1).fingerprint)).await.unwrap();
    let Err(error) = next else { panic!("another ack wait was taken") };
    assert!(error.to_string().contains("ack wait"), "{error}");

    let nowhere = NatsOptions { patience: Duration::from_secs(1), ..NatsOptions::new(["nats://127.0.0.1:1"]) };
    assert!(matches!(Fleet::connect(nowhere).await, Err(ConnectError::Unreachable { .. })));
    let Some(plain) = Server::start_with("").await else { return };
    let options = NatsOptions { patience: Duration::from_secs(1), ..plain.options() };
    assert!(matches!(Fleet::connect(options).await, Err(ConnectError::NoJetStream { .. })));
    let Some(small) = Server::start_with(&jetstream("max_file_store: 100MB")).await else { return };
    let Err(error) = Fleet::connect(small.options()).await else { panic!("no room, yet connected") };
    assert!(error.to_string().contains("storage"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_from_files() {
    // An nkey of this test's own making: a public key for the server, its seed for the client.
    let pair = nkeys::KeyPair::new_user();
    let (seed, public) = (pair.seed().unwrap(), pair.public_key());
    let config = format!("{}authorization {{ users = [ {{ nkey: {public} }} ] }}\n", jetstream(""));
    let Some(server) = Server::start_with(&config).await else { return };
    let file = server.scratch().join("seed");
    std::fs::write(&file, format!("{seed}\n")).unwrap();
    assert!(Fleet::connect(server.options()).await.is_err(), "nobody without a key");
    let fleet = connect(&NatsOptions { nkey: Some(file), ..server.options() }).await;
    assert!(fleet.is_connected() && fleet.server_version().starts_with("2."));
    let missing = NatsOptions { nkey: Some("/none".into()), ..server.options() };
    assert!(matches!(Fleet::connect(missing).await, Err(ConnectError::File { .. })));
    let missing = NatsOptions { credentials: Some("/none".into()), ..server.options() };
    assert!(matches!(Fleet::connect(missing).await, Err(ConnectError::File { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_leaves_takes_nothing_with_it() {
    let Some(server) = Server::start().await else { return };
    let options = NatsOptions { ack_wait: Duration::from_secs(600), ..server.options() };
    let fingerprint = conformance::key(1).fingerprint;
    let (first, second) = (connect(&options).await, connect(&options).await);
    // The first has asked and does not wait any more: what comes to it goes on to the second within moments.
    let gave_up = tokio::time::timeout(Duration::from_millis(300), first.layers.next(&fingerprint)).await;
    assert!(gave_up.is_err());
    second.layers.publish(&conformance::task(1)).await.unwrap();
    let task = tokio::time::timeout(SOON, second.layers.next(&fingerprint)).await.unwrap().unwrap();
    task.lease.ack().await.unwrap();
    // The first is gone altogether.
    let gave_up = tokio::time::timeout(Duration::from_millis(300), first.layers.next(&fingerprint)).await;
    assert!(gave_up.is_err());
    drop(first);
    tokio::time::sleep(Duration::from_millis(300)).await;
    second.layers.publish(&conformance::task(2)).await.unwrap();
    let task = tokio::time::timeout(SOON, second.layers.next(&fingerprint)).await.unwrap().unwrap();
    assert_eq!((task.key, task.deliveries), (conformance::key(2), 1));
}

/// A wire between a client and a server that can be cut (bytes go nowhere) and joined again (the old connections break).
struct Wire {
    port: u16,
    cut: tokio::sync::watch::Sender<bool>,
}

impl Wire {
    async fn to(port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap().port();
        let (cut, state) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut state = state.clone();
                tokio::spawn(async move {
                    state.wait_for(|cut| !cut).await.unwrap();
                    let mut server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
                        _ = state.wait_for(|cut| *cut) => {}
                    }
                    // Both sockets stay open and silent until the wire is joined again.
                    let _ = state.wait_for(|cut| !cut).await;
                });
            }
        });
        Self { port: here, cut }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_cut_and_joined() {
    let Some(server) = Server::start().await else { return };
    let options = NatsOptions { patience: Duration::from_secs(2), ..server.options() };
    let near = connect(&options).await;
    let port = server.url().rsplit(':').next().unwrap().parse().unwrap();
    let wire = Wire::to(port).await;
    let far = connect(&NatsOptions { urls: vec![format!("nats://127.0.0.1:{}", wire.port)], ..options.clone() }).await;
    let mut watch = far.layers.watch_done().await.unwrap();
    let fingerprint = conformance::key(1).fingerprint;
    near.layers.publish(&conformance::task(1)).await.unwrap();
    let held = far.layers.next(&fingerprint).await.unwrap();

    wire.cut.send_replace(true);
    let refused = far.layers.publish(&conformance::task(2)).await;
    assert!(matches!(refused, Err(QueueError::Unavailable { .. })), "{refused:?}");
    // What the far one held goes to somebody else after the ack wait.
    let again = tokio::time::timeout(SOON, near.layers.next(&fingerprint)).await.unwrap().unwrap();
    assert_eq!((again.key, again.deliveries), (held.key, 2));
    let event = DoneEvent { key: again.key, outcome: DoneOutcome::Stored };
    near.layers.announce(&event).await.unwrap();
    again.lease.ack().await.unwrap();

    wire.cut.send_replace(false);
    let reported =
        tokio::time::timeout(SOON, watch.next()).await.expect("reported after the wire was joined again").unwrap();
    assert_eq!(reported, event);
    // The late ack of what is done already harms nobody.
    let _ = held.lease.ack().await;
    let patient =
        tokio::time::timeout(SOON, async { while far.layers.publish(&conformance::task(3)).await.is_err() {} });
    patient.await.unwrap();
    let next = tokio::time::timeout(SOON, far.layers.next(&fingerprint)).await.unwrap().unwrap();
    assert!([conformance::key(2), conformance::key(3)].contains(&next.key));
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_certificates_of_both_sides() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let openssl = |arguments: &str| {
        let arguments = arguments.replace("DIR", &dir.path().display().to_string());
        let run = std::process::Command::new("openssl").args(arguments.split('|')).output();
        run.is_ok_and(|output| output.status.success())
    };
    std::fs::write(file("ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    let made = openssl("req|-x509|-newkey|rsa:2048|-nodes|-days|2|-subj|/CN=ca|-keyout|DIR/ca.key|-out|DIR/ca.pem")
        && ["server", "client"].iter().all(|who| {
            openssl(&format!("req|-newkey|rsa:2048|-nodes|-subj|/CN={who}|-keyout|DIR/{who}.key|-out|DIR/{who}.csr"))
                && openssl(&format!(
                    "x509|-req|-in|DIR/{who}.csr|-CA|DIR/ca.pem|-CAkey|DIR/ca.key|-CAcreateserial|-days|2|-extfile|DIR/ext|-out|DIR/{who}.pem"
                ))
        });
    if !made {
        println!("skipped: openssl makes no certificates here");
        return;
    }
    let tls = format!(
        "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}\n",
        file("server.pem"),
        file("server.key"),
        file("ca.pem")
    );
    let Some(server) = Server::start_with(&format!("{}{tls}", jetstream(""))).await else { return };
    let trusting = NatsOptions { ca: Some(file("ca.pem")), ..server.options() };
    assert!(Fleet::connect(server.options()).await.is_err(), "an authority that nobody knows");
    assert!(Fleet::connect(trusting.clone()).await.is_err(), "a client without a certificate");
    let known = NatsOptions { client_certificate: Some((file("client.pem"), file("client.key"))), ..trusting };
    assert!(connect(&known).await.is_connected());
}
