//! The snapshot as its users meet it: built, opened, asked, compared, damaged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_advisory::{
    Affected, Builder, ChangeKind, Day, End, EndOfLife, FeedInfo, Namespace, OpenError, Rating, Record, Snapshot,
    Start, VersionRange, diff,
};
use layergate_model::{Cvss, Distro, Kev, Severity, Signal, Signals, Status};

fn ns(text: &str) -> Namespace {
    Namespace::new(text).unwrap()
}

/// A signal that nothing here knows.
fn odd() -> Signal {
    Signal { value: Some(u32::MAX), ..Signal::new("of-tomorrow", "phase-of-the-moon").of(Some("2024-07-02".into())) }
}

fn records() -> Vec<Record> {
    let debian = Record {
        aliases: vec!["CVE-2024-1".into(), "CVE-2024-2".into()],
        title: Some("openssl -\n security   update".into()),
        modified: Day::parse("2024-05-01"),
        affected: vec![Affected::fixed(ns("debian:12"), "openssl", "3.0.15-1~deb12u1")],
        ..Record::new("debian", "DSA-1-1")
    };
    let ghsa = Record {
        aliases: vec!["CVE-2024-1".into()],
        ratings: vec![Rating { source: "ghsa".into(), severity: Severity::High }],
        cvss: vec![Cvss {
            source: "ghsa".into(),
            version: "3.1".into(),
            vector: "CVSS:3.1/…".into(),
            score_tenths: 75,
        }],
        modified: Day::parse("2024-06-01"),
        affected: vec![Affected {
            ranges: vec![
                VersionRange { start: Start::From("1.0".into()), end: End::Fixed("1.5".into()) },
                VersionRange { start: Start::After("2.0".into()), end: End::Last("2.4".into()) },
            ],
            versions: vec!["0.9".into()],
            arches: vec!["x86_64".into()],
            module: Some("m:1".into()),
            severity: Some(Severity::Critical),
            ..Affected::bare(ns("pypi"), "pyssl", Status::Affected)
        }],
        ..Record::new("osv-ghsa", "GHSA-aaaa")
    };
    let pysec = Record {
        aliases: vec!["GHSA-aaaa".into()],
        affected: vec![Affected::fixed(ns("pypi"), "pyssl", "1.5")],
        ..Record::new("osv-pypa", "PYSEC-2024-1")
    };
    let kev = Record {
        signals: Signals::from(Kev { date_added: "2024-07-01".into(), due_date: None, ransomware: true })
            .into_iter()
            .chain([Signal::epss(970_000), odd()])
            .collect(),
        ..Record::new("cisa-kev", "CVE-2024-2")
    };
    let alone = Record { signals: vec![Signal::epss(1)], ..Record::new("epss", "CVE-1999-1") };
    let withdrawn = Record { withdrawn: true, ..Record::new("osv-ghsa", "GHSA-bbbb") };
    vec![debian, ghsa, pysec, kev, alone, withdrawn]
}

fn build<'r>(records: impl IntoIterator<Item = &'r Record>) -> Vec<u8> {
    let mut builder = Builder::new();
    builder.feed(FeedInfo { id: "debian".into(), name: "Debian".into(), url: "u".into(), license: "l".into() });
    builder.end_of_life([EndOfLife { distro: "debian".into(), release: "12".into(), date: "2028-06-30".into() }]);
    builder.count_errors("debian", 2);
    for record in records {
        builder.add(record).unwrap();
    }
    builder.finish().unwrap()
}

#[test]
fn answers_what_went_in() {
    let snapshot = Snapshot::from_bytes(build(&records())).unwrap();
    let found: Vec<_> = snapshot.lookup(&ns("debian:12"), "openssl").collect();
    assert_eq!(found.len(), 1);
    assert_eq!(snapshot.feed_id(found[0].feed), "debian");
    assert_eq!(found[0].ranges.clone().next().unwrap().to_string(), "< 3.0.15-1~deb12u1");
    let bundle = snapshot.vulnerability(found[0].vulnerability).unwrap();
    assert_eq!(bundle.id, "DSA-1-1");
    assert_eq!(bundle.aliases.clone().collect::<Vec<_>>(), ["CVE-2024-1", "CVE-2024-2"]);
    assert_eq!(bundle.title, Some("openssl - security update"));
    let signals = bundle.signals();
    assert!(signals.kev().is_some_and(|k| k.ransomware), "a bundle inherits what is known of its CVEs");
    assert_eq!((signals.epss(), signals.get("of-tomorrow", "phase-of-the-moon")), (Some(970_000), Some(&odd())));

    let found: Vec<_> = snapshot.lookup(&ns("pypi"), "pyssl").collect();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].vulnerability, found[1].vulnerability, "one vulnerability, whatever its names");
    let vulnerability = snapshot.vulnerability(found[0].vulnerability).unwrap();
    assert_eq!(
        (vulnerability.id, vulnerability.ratings().collect::<Vec<_>>()),
        ("CVE-2024-1", vec![("ghsa", Severity::High)])
    );
    assert_eq!(vulnerability.aliases.clone().collect::<Vec<_>>(), ["GHSA-aaaa", "PYSEC-2024-1"]);
    assert_eq!(
        (vulnerability.cvss().next().unwrap().score_tenths, vulnerability.modified),
        (75, Day::parse("2024-06-01"))
    );
    let full = &found[0];
    assert_eq!((full.status, full.severity, full.module), (Status::Affected, Some(Severity::Critical), Some("m:1")));
    assert_eq!(full.versions.clone().collect::<Vec<_>>(), ["0.9"]);
    assert_eq!(full.arches.clone().collect::<Vec<_>>(), ["x86_64"]);
    let ranges: Vec<String> = full.ranges.clone().map(|r| r.to_string()).collect();
    assert_eq!(ranges, [">= 1.0, < 1.5", "> 2.0, <= 2.4"]);

    assert_eq!(snapshot.lookup(&ns("pypi"), "nothing").count(), 0);
    assert_eq!(snapshot.lookup(&ns("npm"), "pyssl").count(), 0);
    assert_eq!(snapshot.vulnerabilities_named("CVE-2024-1").len(), 2, "its own vulnerability, and the bundle");
    assert!(snapshot.vulnerabilities_named("CVE-1999-1").is_empty(), "what affects no package is not kept");
    assert_eq!(
        snapshot.packages().map(|(k, e)| (k.name, e.count())).collect::<Vec<_>>(),
        [("openssl", 1), ("pyssl", 2)]
    );
}

#[test]
fn the_manifest_tells() {
    let snapshot = Snapshot::from_bytes(build(&records())).unwrap();
    assert_eq!(snapshot.newest(), Some("2024-06-01"));
    assert_eq!(snapshot.coverage(&ns("pypi")).unwrap().entries, 2);
    assert!(snapshot.coverage(&ns("debian:11")).is_none());
    let debian = snapshot.feeds().iter().find(|f| f.info.id == "debian").unwrap();
    assert_eq!((debian.info.name.as_str(), debian.records, debian.errors), ("Debian", 1, 2));
    assert_eq!(snapshot.feeds().iter().map(|f| f.withdrawn).sum::<u64>(), 1);
    let mut distro = Distro {
        id: "debian".into(),
        version: Some("12.8".into()),
        codename: None,
        like: vec![],
        name: None,
        end_of_life: None,
    };
    assert_eq!(snapshot.end_of_life(&distro), Some("2028-06-30"));
    distro.version = Some("13".into());
    assert_eq!(snapshot.end_of_life(&distro), None);
}

#[test]
fn same_records_same_bytes_in_any_order() {
    let forward = records();
    let backward: Vec<Record> = forward.iter().rev().cloned().collect();
    assert_eq!(build(&forward), build(&backward));
}

#[test]
fn files_are_mapped_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db.snapshot");
    let mut builder = Builder::new();
    records().iter().for_each(|r| builder.add(r).unwrap());
    let digest = builder.write(&path).unwrap();
    let snapshot = Snapshot::open(&path).unwrap();
    assert_eq!(snapshot.digest(), digest);
    assert_eq!(snapshot.size(), std::fs::metadata(&path).unwrap().len());
    // A name proves nothing: whoever passes the file could have chosen it.
    let lying = dir.path().join(format!("sha256-{}.lgdb", "0".repeat(64)));
    std::fs::copy(&path, &lying).unwrap();
    assert_eq!(Snapshot::open(&lying).unwrap().digest(), digest);
    assert!(matches!(Snapshot::open(&dir.path().join("none")), Err(OpenError::Io { .. })));
    std::fs::write(&path, b"<html>not found, and long enough to be a header</html>").unwrap();
    assert!(matches!(Snapshot::open(&path), Err(OpenError::NotASnapshot(_))));
    std::fs::write(&path, b"").unwrap();
    assert!(matches!(Snapshot::open(&path), Err(OpenError::NotASnapshot(_))));
}

#[test]
fn differences_are_the_packages_that_changed() {
    let old = Snapshot::from_bytes(build(&records())).unwrap();
    assert_eq!(diff(&old, &old), []);
    let mut newer = records();
    newer[3].signals.clear(); // what is said of a bundled CVE
    newer[2].affected.push(Affected::fixed(ns("pypi"), "another", "2"));
    let new = Snapshot::from_bytes(build(&newer)).unwrap();
    let changes: Vec<_> = diff(&old, &new).into_iter().map(|c| (c.name, c.kind)).collect();
    assert_eq!(changes, [("openssl".into(), ChangeKind::Changed), ("another".into(), ChangeKind::Added)]);
    assert_eq!(diff(&new, &old)[1].kind, ChangeKind::Removed);
}

/// Asks everything that can be asked.
fn exercise(snapshot: &Snapshot) {
    for (_, entries) in snapshot.packages().take(1000) {
        for entry in entries.take(1000) {
            let _ = (
                entry.arches.count(),
                entry.versions.count(),
                entry.ranges.map(|r| r.to_string().len()).sum::<usize>(),
            );
            if let Some(vulnerability) = snapshot.vulnerability(entry.vulnerability) {
                let _ = (
                    vulnerability.ratings().count(),
                    vulnerability.cvss().count(),
                    vulnerability.signals(),
                    vulnerability.aliases.clone().count(),
                );
            }
        }
    }
    let _ = (snapshot.lookup(&ns("pypi"), "pyssl").count(), snapshot.vulnerabilities_named("CVE-2024-1"));
}

#[test]
fn damage_never_panics() {
    let good = build(&records());
    for cut in 0..good.len() {
        if let Ok(snapshot) = Snapshot::from_bytes(good[..cut].to_vec()) {
            exercise(&snapshot);
        }
    }
    for at in 0..good.len() {
        for value in [0x00, 0x7f, 0x80, 0xff, good[at] ^ 1] {
            let mut bad = good.clone();
            bad[at] = value;
            if let Ok(snapshot) = Snapshot::from_bytes(bad) {
                exercise(&snapshot);
            }
        }
    }
}
