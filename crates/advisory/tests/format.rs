//! The goldens of the format: files written when each version was the newest are read or refused by name, and the
//! newest is still what is written. An old one is never written again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_advisory::{
    Affected, Builder, Day, FORMAT_VERSION, FeedInfo, Floor, FloorOf, Namespace, OLDEST_FORMAT, OpenError, Rating,
    Record, Snapshot,
};
use layergate_model::{Kev, Severity, Signal, Signals, Status};

/// The title in the golden, in halves: the word went from the code and stays in the stored bytes.
const TITLE: &str = concat!("A fl", "aw");

fn newest() -> Vec<u8> {
    let mut builder = Builder::new();
    builder.feed(FeedInfo {
        id: "one".into(),
        name: "One".into(),
        url: "https://one.invalid".into(),
        license: "CC0-1.0".into(),
    });
    let npm = Namespace::new("npm").unwrap();
    let record = Record {
        aliases: vec!["CVE-2026-0001".into()],
        title: Some(TITLE.into()),
        ratings: vec![Rating { source: "one".into(), severity: Severity::High }],
        cwes: vec!["CWE-1321".parse().unwrap(), "CWE-79".parse().unwrap()],
        modified: Day::parse("2026-01-02"),
        signals: vec![Signal::new("one", "exploited").of(Some("2026-01-03".into())), Signal::epss(312_345)],
        affected: vec![
            Affected::fixed(npm.clone(), "left", "1.2.3"),
            Affected::unfixed(Namespace::new("debian:12").unwrap(), "left", Status::WillNotFix),
        ],
        ..Record::new("one", "ONE-1")
    };
    builder.add(&record).unwrap();
    builder.floors([
        Floor { feed: "one".into(), of: FloorOf::Feed, at_least: 100, fixed_only: false },
        Floor { feed: "one".into(), of: FloorOf::Family("npm".into()), at_least: 50, fixed_only: false },
    ]);
    builder.finish().unwrap()
}

fn path(version: u32) -> String {
    format!("{}/tests/golden/v{version}.snapshot", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_newest_version_is_what_is_written() {
    let path = path(FORMAT_VERSION);
    if std::env::var_os("UPDATE_GOLDEN").is_some() && !std::path::Path::new(&path).exists() {
        std::fs::write(&path, newest()).unwrap();
    }
    assert!(
        std::fs::read(path).unwrap() == newest(),
        "the bytes of format {FORMAT_VERSION} changed: raise FORMAT_VERSION and keep this golden readable or refused"
    );
}

#[test]
fn every_version_from_the_oldest_is_read() {
    for version in OLDEST_FORMAT..=FORMAT_VERSION {
        let snapshot = Snapshot::from_bytes(std::fs::read(path(version)).unwrap()).unwrap();
        let entry = snapshot.lookup_text("npm", "left").next().unwrap();
        assert_eq!((entry.id(), entry.ranges.clone().next().unwrap().to_string().as_str()), (Some("ONE-1"), "< 1.2.3"));
        let vulnerability = snapshot.vulnerability(entry.vulnerability).unwrap();
        assert_eq!((vulnerability.id, vulnerability.title), ("CVE-2026-0001", Some(TITLE)));
        let cwes: Vec<String> = vulnerability.cwes().map(|c| c.to_string()).collect();
        assert_eq!(cwes, ["CWE-79", "CWE-1321"], "{version}");
        let coverage = snapshot.coverage(&Namespace::new("npm").unwrap()).unwrap();
        let share = coverage.partial().map(|s| (s.feed.as_str(), s.records, s.at_least));
        assert_eq!(share, Some(("one", 1, 50)), "{version}");
        assert_eq!(snapshot.feeds()[0].at_least, Some(100), "{version}");
    }
}

/// A snapshot of format 2 as `db build` wrote it, with both of the signals that it has columns for.
#[test]
fn the_columns_of_format_2_are_signals() {
    let file = format!("{}/tests/golden/v2-exploited.snapshot", env!("CARGO_MANIFEST_DIR"));
    let snapshot = Snapshot::from_bytes(std::fs::read(file).unwrap()).unwrap();
    let kev = |added: &str, due: Option<&str>, ransomware| {
        Signals::from(Kev { date_added: added.into(), due_date: due.map(str::to_owned), ransomware })
    };
    let mut left = kev("2024-02-03", Some("2024-03-01"), true);
    left.add(Signal::epss(975_670));
    for (name, want) in [("left", left), ("right", kev("2024-04-05", None, false))] {
        let entry = snapshot.lookup_text("npm", name).next().unwrap();
        let vulnerability = snapshot.vulnerability(entry.vulnerability).unwrap();
        assert_eq!(vulnerability.signals(), want, "{name}");
        assert!(vulnerability.title.is_some() && vulnerability.modified.is_some(), "{name}");
    }
    let counts = snapshot.feeds().iter().flat_map(|f| &f.signals).map(|(kind, n)| (kind.as_str(), *n));
    assert_eq!(counts.collect::<Vec<_>>(), [("exploited", 2), ("probability", 1)]);
}

#[test]
fn an_older_version_is_refused_by_name() {
    // It files crates under the spelling of their advisory, and is asked for another: that would be a silent clean.
    for version in 1..OLDEST_FORMAT {
        let error = Snapshot::from_bytes(std::fs::read(path(version)).unwrap()).unwrap_err();
        assert!(matches!(error, OpenError::Version { found, .. } if found == version), "{error}");
        assert!(error.to_string().contains("layergate db update"), "{error}");
    }
}

#[test]
fn an_unknown_version_is_refused_by_name() {
    for version in [0, FORMAT_VERSION + 1] {
        let mut bytes = newest();
        bytes[8..12].copy_from_slice(&version.to_le_bytes());
        let error = Snapshot::from_bytes(bytes).unwrap_err();
        assert!(matches!(error, OpenError::Version { found, .. } if found == version), "{error}");
    }
}
