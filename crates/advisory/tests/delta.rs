//! What leads from one snapshot to another leads to exactly its bytes; what was made for another one, or was broken on
//! the way, does no harm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_advisory::{
    Affected, Builder, Day, DeltaError, End, FeedInfo, Namespace, Rating, Record, Snapshot, Start, VersionRange,
    apply_delta, delta,
};
use layergate_model::{Severity, Status};

/// A world of 300 records of two feeds (a third where there are `more`), of which those of `changed` are others.
fn snapshot(numbers: impl Iterator<Item = usize>, changed: &[usize], more: bool) -> Snapshot {
    let mut builder = Builder::new();
    for id in ["b", "c"].into_iter().chain(more.then_some("a")) {
        builder.feed(FeedInfo { id: id.into(), name: id.into(), url: String::new(), license: "CC0-1.0".into() });
    }
    for n in numbers {
        let other = usize::from(changed.contains(&n));
        let namespace = Namespace::new(["npm", "debian:12", "maven"][n % 3]).unwrap();
        let version = |v: usize| format!("{v}.{other}");
        let affected = match n % 5 {
            0 => Affected::unfixed(namespace, format!("p{}", n % 90), Status::WillNotFix),
            1 => Affected {
                versions: vec![version(1), version(2)],
                arches: vec!["x86_64".into()],
                module: Some("m:1".into()),
                severity: Some(Severity::Low),
                ..Affected::unfixed(namespace, format!("p{}", n % 90), Status::Affected)
            },
            2 => Affected {
                ranges: vec![
                    VersionRange { start: Start::From(version(1)), end: End::Last(version(2)) },
                    VersionRange { start: Start::After(version(3)), end: End::Open },
                ],
                ..Affected::unfixed(namespace, format!("p{}", n % 90), Status::Affected)
            },
            _ => Affected::fixed(namespace, format!("p{}", n % 90), version(n)),
        };
        let record = Record {
            aliases: vec![format!("CVE-2026-{:04}", n / 2)],
            title: (n % 4 > 0).then(|| format!("title {n} {other}")),
            ratings: vec![Rating { source: "b".into(), severity: Severity::High }],
            cwes: (n % 7 == 0).then(|| "CWE-79".parse().unwrap()).into_iter().collect(),
            modified: Day::parse("2026-01-02"),
            affected: vec![affected],
            ..Record::new(if more && n % 11 == 0 { "a" } else { ["b", "c"][n % 2] }, format!("X-{n}"))
        };
        builder.add(&record).unwrap();
    }
    Snapshot::from_bytes(builder.finish().unwrap()).unwrap()
}

fn bytes(numbers: impl Iterator<Item = usize>, changed: &[usize], more: bool) -> (Snapshot, u64) {
    let snapshot = snapshot(numbers, changed, more);
    let size = snapshot.size();
    (snapshot, size)
}

#[test]
fn it_leads_to_the_very_bytes() {
    let old = snapshot(0..300, &[], false);
    for (what, (new, size), most) in [
        ("the same", bytes(0..300, &[], false), 1600),
        ("one more", bytes(0..301, &[], false), 2500),
        ("one less", bytes((0..300).filter(|n| *n != 150), &[], false), 2500),
        ("some others", bytes(0..300, &[3, 77, 78, 299], false), 4500),
        ("another feed", bytes(0..300, &[], true), 60_000),
        ("nothing", bytes(0..0, &[], false), 1600),
        ("all others", bytes(1000..1300, &[], false), 60_000),
    ] {
        let way = delta(&old, &new).unwrap_or_else(|| panic!("no way to {what}"));
        let made = Snapshot::from_bytes(apply_delta(&old, &way, size).unwrap()).unwrap();
        assert_eq!(made.digest(), new.digest(), "{what}");
        assert!(way.len() <= most, "{what}: {} bytes", way.len());
        assert_eq!(apply_delta(&old, &way, 100), Err(DeltaError::TooLarge(100)), "{what}");
        // There and back.
        let back = delta(&new, &old).unwrap();
        assert_eq!(Snapshot::from_bytes(apply_delta(&new, &back, old.size()).unwrap()).unwrap().digest(), old.digest());
    }
}

#[test]
fn what_does_not_fit_or_is_broken_leads_nowhere_or_elsewhere() {
    let (old, other) = (snapshot(0..300, &[], false), snapshot(500..520, &[], false));
    let new = snapshot(0..301, &[5], false);
    let way = delta(&old, &new).unwrap();
    assert_eq!(apply_delta(&other, &way, new.size()), Err(DeltaError::DoesNotFit));
    let mut led = 0;
    for at in 0..way.len() {
        for broken in [way[..at].to_vec(), [&way[..at], &[way[at] ^ 0x41], &way[at + 1..]].concat()] {
            if let Ok(bytes) = apply_delta(&old, &broken, new.size()) {
                led += 1;
                assert!(bytes.len() as u64 <= new.size() * 2);
            }
        }
    }
    assert!(led < way.len(), "{led} of {} broken ones led somewhere", way.len() * 2);
}
