//! The golden of format version 1: a file written when the format was fixed still reads, and is still what is written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_advisory::{Affected, Builder, Day, FeedInfo, Namespace, Rating, Record, Snapshot};
use layergate_model::{Severity, Status};

fn golden() -> Vec<u8> {
    let mut builder = Builder::new();
    builder.feed(FeedInfo {
        id: "one".into(),
        name: "One".into(),
        url: "https://one.invalid".into(),
        licence: "CC0-1.0".into(),
    });
    let npm = Namespace::new("npm").unwrap();
    let record = Record {
        aliases: vec!["CVE-2026-0001".into()],
        title: Some("A flaw".into()),
        ratings: vec![Rating { source: "one".into(), severity: Severity::High }],
        modified: Day::parse("2026-01-02"),
        affected: vec![
            Affected::fixed(npm.clone(), "left", "1.2.3"),
            Affected::unfixed(Namespace::new("debian:12").unwrap(), "left", Status::WillNotFix),
        ],
        ..Record::new("one", "ONE-1")
    };
    builder.add(&record).unwrap();
    builder.finish().unwrap()
}

#[test]
fn version_1() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v1.snapshot");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).unwrap();
        std::fs::write(path, golden()).unwrap();
    }
    let stored = std::fs::read(path).unwrap();
    assert!(
        stored == golden(),
        "the bytes of format 1 changed: raise FORMAT_VERSION and keep this golden readable or refused"
    );
    let snapshot = Snapshot::from_bytes(stored).unwrap();
    let entry = snapshot.lookup_text("npm", "left").next().unwrap();
    assert_eq!((entry.id(), entry.ranges.clone().next().unwrap().to_string().as_str()), (Some("ONE-1"), "< 1.2.3"));
    assert_eq!(snapshot.flaw(entry.flaw).unwrap().id, "CVE-2026-0001");
}
