//! The coordinator and the worker over the in-memory ports, in virtual time: sources, deadlines, stops, lanes, bounds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::{sync::atomic::Ordering, time::Duration};

use layergate_fleet::manifests::RememberingSource;
use layergate_model::{GapKind, Verdict};
use layergate_ports::{
    conformance::{inventory, key},
    observe::LayerEnd,
    values::*,
    *,
};
use support::{ACK_WAIT, Fault, Fleet, gone, transient};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn each_layer_is_read_once_for_everybody() {
    let fleet = Fleet::new();
    let loops = [fleet.coordinator(|_| {}), fleet.coordinator(|_| {})];
    let workers = [fleet.worker(|_| {}), fleet.worker(|_| {}), fleet.worker(|_| {})];
    for n in 0..60u32 {
        // The same layer twice in one image is one task and two positions.
        let layers: Vec<_> = [0, n % 7, 10 + n % 11, 30 + n % 3, 0].map(|l| (l, "app")).to_vec();
        let image = fleet.world.image(&format!("registry.example/app:{n}"), &layers);
        let lane = if n % 3 == 0 { Lane::Bulk } else { Lane::Interactive };
        fleet.submit(&format!("job-{n}"), &image, lane, HOUR).await;
    }
    for n in 0..60 {
        let record = fleet.verdict(&format!("job-{n}")).await;
        assert_eq!(record.verdict, Verdict::Pass);
        assert_eq!(fleet.report(&record).await.summary.packages, 5);
    }
    let opened = fleet.world.opened.lock().unwrap().clone();
    assert_eq!(opened.len(), 7 + 11 + 3);
    assert!(opened.values().all(|times| *times == 1), "{opened:?}");
    let mut finished = fleet.world.finished.lock().unwrap().clone();
    assert_eq!(finished.len(), 60);
    finished.dedup();
    assert_eq!(finished.len(), 60, "one verdict each");
    for stop in loops.into_iter().chain(workers) {
        stop.stop().await;
    }
}

/// A store that gives another image's report under a key is not believed.
#[tokio::test(start_paused = true)]
async fn a_report_in_the_place_of_another_is_made_again() {
    let fleet = Fleet::new();
    let _loops = (fleet.coordinator(|_| {}), fleet.worker(|_| {}));
    let images = ["a", "b"].map(|n| fleet.world.image(&format!("registry.example/{n}:1"), &[(0, "app")]));
    fleet.submit("first", &images[0], Lane::Interactive, HOUR).await;
    let passed = fleet.verdict("first").await;
    let request = ImageRequest { image: images[1].clone(), platforms: PlatformSelection::Default, credential: None };
    let other = fleet.world.resolve(&request).await.unwrap().remove(0);
    let key = ReportKey::pinned(&other, "counting");
    fleet.verdicts.put_report(&key, &fleet.report(&passed).await).await.unwrap();
    fleet.submit("second", &images[1], Lane::Interactive, HOUR).await;
    let record = fleet.verdict("second").await;
    let report = fleet.report(&record).await;
    assert_eq!((report.image.reference.as_str(), report.image.digest), (other.reference.as_str(), Some(other.digest)));
    assert!(record.images[0].is_of(&report) && !passed.images[0].is_of(&report));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_an_error_that_says_so() {
    let fleet = Fleet::new();
    let _loops = (fleet.coordinator(|_| {}), fleet.worker(|_| {}));
    let missing = ImageLocator::Registry("registry.example/nothing:1".parse().unwrap());
    fleet.submit("missing", &missing, Lane::Interactive, HOUR).await;
    let record = fleet.verdict("missing").await;
    assert_eq!(record.verdict, Verdict::Error);
    assert!(matches!(record.error, Some(JobError::Source(SourceError::NotFound(_)))), "{record:?}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_is_tried_again_and_then_a_gap() {
    let fleet = Fleet::new();
    let _loops = (fleet.coordinator(|_| {}), fleet.worker(|_| {}));
    let pause = Duration::from_secs(20);
    fleet.world.fault(1, [transient(None), transient(Some(pause)), Fault::Mismatch]);
    fleet.world.fault(2, [gone()]);
    fleet.world.fault(3, (0..100).map(|_| transient(None)));
    let image = |name, layers: &[(u32, &'static str)]| fleet.world.image(name, layers);
    let started = tokio::time::Instant::now();
    fleet.submit("fixes", &image("registry.example/fixes", &[(1, "app")]), Lane::Interactive, HOUR).await;
    assert_eq!(fleet.verdict("fixes").await.verdict, Verdict::Pass);
    assert!(started.elapsed() >= pause, "Retry-After is honoured");
    assert_eq!(fleet.world.opened(1), 4);

    let two = image("registry.example/gone", &[(0, "app"), (2, "app"), (3, "app")]);
    fleet.submit("gone", &two, Lane::Interactive, HOUR).await;
    let record = fleet.verdict("gone").await;
    assert_eq!(record.verdict, Verdict::Error);
    assert_eq!(record.missing.len(), 2);
    let report = fleet.report(&record).await;
    assert_eq!(report.summary.packages, 1, "the other layer was read");
    assert!(report.gaps.iter().all(|g| g.kind == GapKind::LayerUnavailable), "{:?}", report.gaps);
    assert!(report.gaps[0].detail.contains("404") && report.gaps[0].detail.contains("is it deleted?"));
    assert_eq!(fleet.cache.contains_many(&[key(0), key(2), key(3)]).await.unwrap(), [true, false, false]);
    // A failure is nothing that stays: the next job has the source asked again, and finds it fixed.
    fleet.world.fix(3);
    fleet.submit("again", &two, Lane::Interactive, HOUR).await;
    let record = fleet.verdict("again").await;
    assert_eq!((record.verdict, fleet.world.opened(2)), (Verdict::Pass, 2), "{:?}", record.missing);
}

#[tokio::test(start_paused = true)]
async fn one_sources_failure_is_no_other_sources() {
    let fleet = Fleet::new();
    let _loops = (fleet.coordinator(|_| {}), fleet.coordinator(|_| {}), fleet.worker(|_| {}));
    let broken = fleet.world.image("registry.example/broken", &[(1, "broken")]);
    let sound = fleet.world.image("registry.example/sound", &[(1, "sound")]);
    fleet.submit("broken", &broken, Lane::Interactive, HOUR).await;
    fleet.submit("sound", &sound, Lane::Interactive, HOUR).await;
    assert_eq!(fleet.verdict("broken").await.verdict, Verdict::Error);
    let waited = tokio::time::Instant::now();
    assert_eq!(fleet.verdict("sound").await.verdict, Verdict::Pass);
    assert!(waited.elapsed() < ACK_WAIT, "it does not wait for a redelivery");
}

#[tokio::test(start_paused = true)]
async fn a_poisonous_layer_rests_and_blocks_nobody() {
    let fleet = Fleet::new();
    let _loops = (fleet.coordinator(|_| {}), fleet.worker(|config| config.slots = 2));
    fleet.world.fault(1, (0..20).map(|_| Fault::Hang));
    fleet.world.fault(2, (0..20).map(|_| Fault::Unsettled));
    let poison = fleet.world.image("registry.example/poison", &[(1, "app"), (2, "app")]);
    fleet.submit("poison", &poison, Lane::Interactive, HOUR).await;
    for n in 10..30 {
        let image = fleet.world.image(&format!("registry.example/good:{n}"), &[(n, "app")]);
        fleet.submit(&format!("good-{n}"), &image, Lane::Interactive, Duration::from_secs(120)).await;
    }
    for n in 10..30 {
        assert_eq!(fleet.verdict(&format!("good-{n}")).await.verdict, Verdict::Pass);
    }
    let record = fleet.verdict("poison").await;
    assert_eq!(record.verdict, Verdict::Error);
    let gaps = &fleet.report(&record).await.gaps;
    assert!(gaps.len() == 2 && gaps.iter().all(|g| g.kind == GapKind::Quarantined), "{gaps:?}");
    assert_eq!(fleet.world.ends_of(1).last(), Some(&LayerEnd::Quarantined));
    assert_eq!(fleet.world.opened(1), 8, "quarantine_after deliveries");
    // Whoever asks while it rests is answered at once, from the record.
    let other = fleet.world.image("registry.example/also", &[(1, "other")]);
    fleet.submit("also", &other, Lane::Interactive, HOUR).await;
    assert_eq!(fleet.verdict("also").await.missing[0].kind, GapKind::Quarantined);
    assert_eq!(fleet.world.opened(1), 8);
}

#[tokio::test(start_paused = true)]
async fn a_job_past_its_deadline_ends_as_error_with_what_was_missing() {
    let fleet = Fleet::new();
    let _coordinator = fleet.coordinator(|_| {});
    let image = fleet.world.image("registry.example/late", &[(1, "app"), (2, "app")]);
    fleet.cache.put(&key(1), &inventory(1)).await.unwrap();
    let started = tokio::time::Instant::now();
    fleet.submit("late", &image, Lane::Interactive, Duration::from_secs(90)).await;
    let record = fleet.verdict("late").await;
    assert!((89..92).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(record.verdict, Verdict::Error);
    assert_eq!(record.missing.len(), 1);
    assert!(record.missing[0].place == key(2).digest.to_string() && record.missing[0].detail.contains("deadline"));
    assert_eq!(fleet.report(&record).await.reasons[0].rule, "deadline");
    // Its report is nobody else's: with a worker there, the same image is read to its end.
    let _worker = fleet.worker(|_| {});
    fleet.submit("in-time", &image, Lane::Interactive, HOUR).await;
    assert_eq!(fleet.verdict("in-time").await.verdict, Verdict::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_stops_finishes_or_hands_back() {
    let fleet = Fleet::new();
    let _coordinator = fleet.coordinator(|_| {});
    fleet.world.fault(1, [Fault::Slow(Duration::from_secs(10))]);
    fleet.world.fault(2, [Fault::Slow(Duration::from_secs(300))]);
    let image = fleet.world.image("registry.example/app:1", &[(1, "app"), (2, "app")]);
    let worker = fleet.worker(|config| config.grace = Duration::from_secs(20));
    fleet.submit("one", &image, Lane::Interactive, HOUR).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stopping = tokio::time::Instant::now();
    worker.stop().await;
    assert!((19..22).contains(&stopping.elapsed().as_secs()), "{:?}", stopping.elapsed());
    assert_eq!(fleet.world.ends_of(1), [LayerEnd::Stored]);
    assert_eq!(fleet.world.ends_of(2), [LayerEnd::HandedBack]);
    let taken_up = tokio::time::Instant::now();
    let _other = fleet.worker(|_| {});
    assert_eq!(fleet.verdict("one").await.verdict, Verdict::Pass);
    assert!(taken_up.elapsed() < ACK_WAIT / 2, "handed back at once, not after the ack wait");
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_stops_hands_its_jobs_to_another() {
    let fleet = Fleet::new();
    let _worker = fleet.worker(|_| {});
    fleet.world.fault(1, [Fault::Slow(Duration::from_secs(100))]);
    let image = fleet.world.image("registry.example/app:1", &[(1, "app")]);
    let coordinator = fleet.coordinator(|config| config.grace = Duration::from_secs(5));
    fleet.submit("one", &image, Lane::Interactive, HOUR).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    coordinator.stop().await;
    let _other = fleet.coordinator(|_| {});
    assert_eq!(fleet.verdict("one").await.verdict, Verdict::Pass);
    assert_eq!(fleet.world.opened(1), 1);
}

#[tokio::test(start_paused = true)]
async fn slow_layers_are_held_and_huge_ones_do_not_meet() {
    let fleet = Fleet::new();
    // Every layer claims 1,000 bytes, a mebibyte in the budget's units: one at a time.
    let _loops = (fleet.coordinator(|_| {}), fleet.worker(|config| (config.slots, config.byte_budget) = (8, 1 << 20)));
    let layers: Vec<_> = (1..5).map(|n| (n, "app")).collect();
    for (n, _) in &layers {
        fleet.world.fault(*n, [Fault::Slow(Duration::from_secs(100))]);
    }
    let image = fleet.world.image("registry.example/app:1", &layers);
    let started = tokio::time::Instant::now();
    fleet.submit("one", &image, Lane::Interactive, HOUR).await;
    assert_eq!(fleet.verdict("one").await.verdict, Verdict::Pass);
    assert!(started.elapsed() >= Duration::from_secs(400), "{:?}", started.elapsed());
    assert!((1..5).all(|n| fleet.world.opened(n) == 1), "held for as long as they take, each read once");
}

#[tokio::test(start_paused = true)]
async fn bulk_work_does_not_stand_before_an_interactive_image() {
    let fleet = Fleet::new();
    let _loops = (fleet.coordinator(|config| config.bulk_window = 1), fleet.worker(|config| config.slots = 1));
    for n in 0..20u32 {
        let layers: Vec<_> = (0..10).map(|l| (100 + n * 10 + l, "app")).collect();
        let image = fleet.world.image(&format!("registry.example/bulk:{n}"), &layers);
        fleet.submit(&format!("bulk-{n}"), &image, Lane::Bulk, HOUR).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = fleet.world.order.lock().unwrap().len();
    assert!((10..100).contains(&before), "{before}");
    let image = fleet.world.image("registry.example/urgent", &[(1, "app")]);
    fleet.submit("urgent", &image, Lane::Interactive, HOUR).await;
    fleet.verdict("urgent").await;
    let order = fleet.world.order.lock().unwrap().clone();
    let place = order.iter().position(|n| *n == 1).unwrap() - before;
    assert!(place <= 2, "{place} bulk layers were begun first");
    for n in 0..20 {
        assert_eq!(fleet.verdict(&format!("bulk-{n}")).await.verdict, Verdict::Pass);
    }
    assert!(fleet.world.opened.lock().unwrap().values().all(|times| *times == 1));
}

#[tokio::test(start_paused = true)]
async fn an_image_by_digest_is_looked_up_once_for_each_credential() {
    let fleet = Fleet::new();
    let source = RememberingSource::new(fleet.world.clone(), fleet.clock.clone(), 10, Duration::from_secs(300));
    let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let ask = async |image: &ImageLocator, credential: Option<&str>| {
        let request = ImageRequest {
            image: image.clone(),
            platforms: PlatformSelection::Default,
            credential: credential.map(|c| c.parse().unwrap()),
        };
        assert_eq!(source.resolve(&request).await.unwrap().len(), 1);
        fleet.world.resolved.load(Ordering::SeqCst)
    };
    let pinned = fleet.world.image(&format!("registry.example/app@{digest}"), &[(1, "app")]);
    let tagged = fleet.world.image("registry.example/app:1", &[(1, "app")]);
    assert_eq!((ask(&pinned, None).await, ask(&pinned, None).await), (1, 1));
    assert_eq!((ask(&pinned, Some("other")).await, ask(&pinned, Some("other")).await), (2, 2));
    assert_eq!((ask(&tagged, None).await, ask(&tagged, None).await), (3, 4));
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert_eq!(ask(&pinned, None).await, 5, "a permission may have been taken away");
}

/// Ten thousand jobs that wait for layers, as a coordinator holds them. Alone in its process, so that the memory is
/// theirs.
#[tokio::test(start_paused = true)]
async fn ten_thousand_waiting_jobs_are_small() {
    const CHILD: &str = "LAYERGATE_TEST_TEN_THOUSAND";
    if std::env::var_os(CHILD).is_none() {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let name = "ten_thousand_waiting_jobs_are_small";
        let output = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
        let reported = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{reported}{}", String::from_utf8_lossy(&output.stderr));
        println!("{}", reported.lines().find(|l| l.contains("MiB")).unwrap_or_default());
        return;
    }
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
    };
    let fleet = Fleet::new();
    // A configuration of about 20 KB, as that of a large application has.
    let step = |n: u64| layergate_model::HistoryEntry {
        created_by: Some(format!("RUN /bin/sh -c step {n} {:x}", u128::from(n).pow(9)).repeat(4)),
        ..Default::default()
    };
    *fleet.world.config.lock().unwrap() =
        layergate_model::ImageConfig { history: (1..100).map(step).collect(), ..Default::default() };
    for n in 0..10_000u32 {
        let layers: Vec<_> = (0..10).map(|l| (n + l * 1000, "app")).collect();
        let image = fleet.world.image(&format!("registry.example/app:{n}"), &layers);
        fleet.submit(&format!("job-{n}"), &image, Lane::Interactive, HOUR).await;
    }
    let before = resident();
    let coordinator = fleet.coordinator(|config| config.interactive_jobs = 10_000);
    while fleet.jobs.waiting(Lane::Interactive).await.unwrap() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(40)).await;
    let used = (resident() - before) >> 20;
    println!("10,000 jobs in flight: {used} MiB");
    assert!(used < 200, "{used} MiB");
    drop(coordinator);
}
