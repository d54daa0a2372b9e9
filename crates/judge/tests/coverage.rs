//! What the snapshot has on an image at all: nothing, a fragment, a list of updates alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_advisory::{Affected, Builder, Floor, FloorOf, Record, Snapshot};
use layergate_judge::match_image;
use layergate_model::{Distro, GapKind, ImageInventory, PackageKind};

mod records;

use records::{distro, matched, ns, package, record};

#[test]
fn no_clean_bill_without_advisories() {
    let records = [record("f", "CVE-1", &[], Affected::fixed(ns("debian:12"), "x", "1"))];
    let deb = || vec![package(PackageKind::Deb, "x", "0", None)];
    let cases = [
        (None, deb(), GapKind::UnknownDistribution),
        (distro("mint", "21"), deb(), GapKind::UnknownDistribution),
        (distro("debian", "11"), deb(), GapKind::NoAdvisories),
        (distro("debian", "12"), vec![package(PackageKind::Npm, "x", "1.0.0", None)], GapKind::NoAdvisories),
        (distro("debian", "12"), vec![package(PackageKind::Conda, "x", "1", None)], GapKind::UnwatchedEcosystem),
    ];
    for (distro, packages, want) in cases {
        let matches = matched(distro, packages, &records);
        assert_eq!(matches.findings, []);
        assert_eq!(matches.gaps.iter().map(|g| g.kind).collect::<Vec<_>>(), [want]);
    }
    let fine = matched(distro("debian", "12"), vec![package(PackageKind::Deb, "y", "0", None)], &records);
    assert_eq!((fine.findings, fine.gaps), (vec![], vec![]), "nothing known against a package of a covered release");
}

#[test]
fn a_fragment_of_the_advisories_is_a_gap() {
    let fix = |namespace: &str| Affected::fixed(ns(namespace), "x", "1");
    let records: Vec<Record> = (0..3)
        .flat_map(|n| {
            let of = |feed: &'static str, namespace: &str| record(feed, &format!("{feed}-{n}"), &[], fix(namespace));
            [of("vendor", "rhel:9"), of("registry", "npm"), of("unknown", "pypi")]
        })
        .collect();
    let gap = |at_least: u64, distro: Option<Distro>, kind: PackageKind| {
        let mut builder = Builder::new();
        records.iter().for_each(|r| builder.add(r).unwrap());
        let floor = |feed: &str, family: &str| Floor {
            feed: feed.into(),
            of: FloorOf::Family(family.into()),
            at_least,
            fixed_only: false,
        };
        builder.floors([floor("vendor", "rhel"), floor("registry", "npm")]);
        let snapshot = Snapshot::from_bytes(builder.finish().unwrap()).unwrap();
        let packages = vec![package(kind, "y", "2", None)];
        match_image(&ImageInventory { distro, packages, ..ImageInventory::default() }, &snapshot).gaps
    };
    let rpm = |at_least| gap(at_least, distro("rhel", "9.4"), PackageKind::Rpm);
    assert_eq!((rpm(3), gap(3, None, PackageKind::Npm)), (vec![], vec![]), "whole");
    assert_eq!(gap(4, None, PackageKind::Pypi), [], "nobody knows how many there must be");
    for (gaps, place, feed) in [(rpm(4), "rhel:9", "vendor"), (gap(4, None, PackageKind::Npm), "npm", "registry")] {
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert_eq!((gaps[0].kind, gaps[0].place.as_str()), (GapKind::PartialAdvisories, place));
        assert!(gaps[0].detail.contains(&format!("{feed} is here with 3 of at least 4 records")), "{gaps:?}");
    }
}

#[test]
fn a_list_of_updates_is_a_part_of_what_is_known() {
    let of = |feed: &'static str| record(feed, &format!("{feed}-1"), &[], Affected::fixed(ns("debian:12"), "x", "1"));
    for (records, want) in
        [(vec![of("updates")], Some("describes only what has been fixed")), (vec![of("updates"), of("tracker")], None)]
    {
        let mut builder = Builder::new();
        records.iter().for_each(|r| builder.add(r).unwrap());
        builder.floors([("updates", true), ("tracker", false)].map(|(feed, fixed_only)| Floor {
            feed: feed.into(),
            of: FloorOf::Family("debian".into()),
            at_least: 1,
            fixed_only,
        }));
        let snapshot = Snapshot::from_bytes(builder.finish().unwrap()).unwrap();
        let packages = vec![package(PackageKind::Deb, "y", "2-1", None)];
        let inventory = ImageInventory { distro: distro("debian", "12"), packages, ..ImageInventory::default() };
        let gaps = match_image(&inventory, &snapshot).gaps;
        let reported = gaps.first().filter(|g| g.kind == GapKind::PartialAdvisories).map(|g| g.detail.as_str());
        assert_eq!(reported.is_some(), want.is_some(), "{gaps:?}");
        assert!(reported.zip(want).is_none_or(|(reported, want)| reported.contains(want)), "{reported:?}");
    }
}
