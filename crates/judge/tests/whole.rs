//! From inventory and snapshot to the verdict, matching included.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod scene;

use layergate_advisory::{Affected, Builder, Day, Namespace, Rating, Record, Snapshot};
use layergate_judge::assess;
use layergate_model::{Severity, Verdict};
use scene::Scene;

fn snapshot(records: &[Record]) -> Snapshot {
    let mut builder = Builder::new();
    records.iter().for_each(|r| builder.add(r).unwrap());
    Snapshot::from_bytes(builder.finish().unwrap()).unwrap()
}

fn record(id: &str, namespace: &str, name: &str, fixed: &str, severity: Option<Severity>) -> Record {
    Record {
        modified: Day::parse("2026-02-09"),
        ratings: severity.map(|severity| Rating { source: "test".into(), severity }).into_iter().collect(),
        affected: vec![Affected::fixed(Namespace::new(namespace).unwrap(), name, fixed)],
        ..Record::new("test", id)
    }
}

#[test]
fn an_image_is_matched_and_judged() {
    let mut scene = Scene::debian();
    scene.snapshot = Some(snapshot(&[
        record("CVE-2025-1", "debian:10", "openssl", "1.0-2", None),
        record("CVE-2025-2", "debian:10", "curl", "1.0-1", None),
        record("GHSA-1", "npm", "left-pad", "0.9.0", Some(Severity::Critical)),
    ]));
    let report = assess(scene.input());
    assert_eq!(report.verdict, Verdict::Fail, "{:?}", report.reasons);
    let ids: Vec<&str> = report.findings.iter().map(|f| f.advisory.as_str()).collect();
    assert_eq!(ids, ["CVE-2025-1"]);
    assert!(report.reasons[0].text.starts_with("1 finding without a severity has a fix"), "{:?}", report.reasons);

    // A release that the snapshot knows nothing of is no clean image.
    scene.snapshot = Some(snapshot(&[record("CVE-2025-1", "debian:12", "openssl", "1.0-2", None)]));
    assert_eq!(assess(scene.input()).verdict, Verdict::Error);
    scene.snapshot = None;
    assert_eq!(assess(scene.input()).verdict, Verdict::Error);
}

#[test]
fn six_hundred_packages() {
    let mut scene = Scene::debian();
    scene.fill(600);
    let records: Vec<Record> = (0..6000)
        .map(|n| {
            let severity = Some(Severity::ALL[n % 6]);
            record(
                &format!("CVE-2025-{n}"),
                "debian:10",
                &format!("p{}", n % 900),
                ["1.0-2", "0.9"][n / 900 % 2],
                severity,
            )
        })
        .chain([record("GHSA-1", "npm", "left-pad", "0.9.0", None)])
        .collect();
    scene.snapshot = Some(snapshot(&records));
    let mut best = std::time::Duration::MAX;
    let mut found = 0;
    for _ in 0..10 {
        let start = std::time::Instant::now();
        found = assess(scene.input()).findings.len();
        best = best.min(start.elapsed());
    }
    println!("600 packages, {found} findings among 6,000 records, matching included: {best:?}");
    assert!(found > 1500 && best.as_millis() < 1000, "{found} findings in {best:?}");
}
