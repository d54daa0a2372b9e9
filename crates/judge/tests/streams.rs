//! Red Hat's extended streams: whose fixes count for which build.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod records;

use layergate_advisory::Affected;
use layergate_judge::{Matches, match_image};
use layergate_model::{GapKind, ImageInventory, PackageKind, Repositories, Status};
use records::{distro, ns, package, record, snapshot};

const MAIN: &str = "rhel-9-for-x86_64-baseos-rpms";
const EUS: &str = "rhel-9-for-x86_64-baseos-eus-rpms";

/// An image of RHEL 9.2 with one build of openssl in its layer 2, whose layers name these repositories.
fn judged(version: &str, repositories: &[(Option<u32>, &[&str])]) -> Matches {
    let fixed = |ns_: &str, fix: &str| Affected::fixed(ns(ns_), "openssl", fix);
    let records = [
        // Mended in both, each in its own build.
        record("redhat-csaf", "CVE-2023-0001", &[], fixed("rhel:9", "1:3.0.7-24.el9_3")),
        record("redhat-csaf", "CVE-2023-0001", &[], fixed("rhel-eus:9.2", "1:3.0.7-16.el9_2.1")),
        // Mended in the main line alone.
        record("redhat-csaf", "CVE-2023-0002", &[], fixed("rhel:9", "1:3.0.7-25.el9_3")),
        // Mended by nobody but the stream.
        record("redhat-csaf", "CVE-2023-0003", &[], Affected::unfixed(ns("rhel:9"), "openssl", Status::WillNotFix)),
        record("redhat-csaf", "CVE-2023-0003", &[], fixed("rhel-eus:9.2", "1:3.0.7-16.el9_2.2")),
        // Two advisories that bundle the same CVE.
        record("osv-redhat", "RHSA-2023:1", &["CVE-2023-0004", "CVE-2023-0005"], fixed("rhel:9", "1:3.0.7-26.el9_3")),
        record(
            "osv-redhat",
            "RHSA-2023:2",
            &["CVE-2023-0005", "CVE-2023-0004"],
            fixed("rhel-eus:9.2", "1:3.0.7-16.el9_2.3"),
        ),
        // Mended in the stream by halves, then whole.
        record("redhat-csaf", "CVE-2023-0006", &[], fixed("rhel:9", "1:3.0.7-27.el9_3")),
        record("osv-redhat", "RHSA-2023:3", &["CVE-2023-0006"], fixed("rhel-eus:9.2", "1:3.0.7-16.el9_2.2")),
        record("redhat-csaf", "CVE-2023-0006", &[], fixed("rhel-eus:9.2", "1:3.0.7-16.el9_2.3")),
    ];
    let repositories = repositories
        .iter()
        .map(|(layer, names)| Repositories { layer: *layer, names: names.iter().map(|n| (*n).to_owned()).collect() })
        .collect();
    let packages = vec![package(PackageKind::Rpm, "openssl", version, None)];
    let inventory =
        ImageInventory { distro: distro("rhel", "9.2"), packages, repositories, ..ImageInventory::default() };
    match_image(&inventory, &snapshot(&records))
}

#[test]
fn each_build_by_its_own_line() {
    let all: &[&str] = &["CVE-2023-0001", "CVE-2023-0002", "CVE-2023-0003", "CVE-2023-0006", "RHSA-2023:1"];
    let by_stream: &[&str] = &["CVE-2023-0001", "CVE-2023-0002", "CVE-2023-0003", "CVE-2023-0006", "RHSA-2023:2"];
    type Row<'r> = (&'r str, &'r [(Option<u32>, &'r [&'r str])], &'r [&'r str]);
    let rows: &[Row<'_>] = &[
        // The stream is named: its fixes are reported, once, and the main line's where it has none.
        ("1:3.0.7-16.el9_2", &[(Some(0), &[EUS])], by_stream),
        ("1:3.0.7-16.el9_2.2", &[(Some(0), &[EUS])], &["CVE-2023-0002", "CVE-2023-0006", "RHSA-2023:2"]),
        ("1:3.0.7-16.el9_2.3", &[(Some(0), &[EUS])], &["CVE-2023-0002"]),
        ("1:3.0.7-6.el9", &[(Some(0), &[EUS])], by_stream),
        // Named by a layer above only, by a label, for another minor release, beside the main line.
        ("1:3.0.7-16.el9_2", &[(Some(5), &[EUS])], by_stream),
        ("1:3.0.7-16.el9_2", &[(None, &["cpe:/o:redhat:rhel_eus:9.2::baseos"])], by_stream),
        ("1:3.0.7-16.el9_2", &[(Some(0), &[EUS, MAIN])], by_stream),
        ("1:3.0.7-6.el9", &[(Some(0), &[EUS, MAIN])], all),
        // The nearest layer below says it of its own.
        ("1:3.0.7-16.el9_2", &[(Some(0), &[EUS]), (Some(1), &[MAIN])], all),
        // Nothing names a stream: the main line's, less what the build's own tag shows to be fixed.
        ("1:3.0.7-16.el9_2", &[], all),
        ("1:3.0.7-16.el9_2.2", &[], &["CVE-2023-0002", "CVE-2023-0006", "RHSA-2023:1"]),
        ("1:3.0.7-16.el9_2.3", &[], &["CVE-2023-0002"]),
        ("1:3.0.7-16.el9_2.3", &[(Some(0), &[MAIN])], &["CVE-2023-0002"]),
        // A later build is not fixed by an earlier stream, whatever the image claims.
        ("1:3.0.7-20.el9_3", &[(Some(0), &[EUS])], all),
        ("1:3.0.7-20.el9", &[(Some(0), &[EUS])], all),
    ];
    for (version, repositories, want) in rows {
        let found = judged(version, repositories);
        let ids: Vec<&str> = found.findings.iter().map(|f| f.advisory.as_str()).collect();
        assert_eq!(ids, *want, "{version} {repositories:?}");
    }
    let found = judged("1:3.0.7-16.el9_2", &[(Some(0), &[EUS])]);
    let fixes: Vec<_> = found.findings.iter().map(|f| f.fixed_versions.join(" ")).collect();
    let all = "1:3.0.7-16.el9_2.2 1:3.0.7-16.el9_2.3";
    assert_eq!(fixes, ["1:3.0.7-16.el9_2.1", "1:3.0.7-25.el9_3", "1:3.0.7-16.el9_2.2", all, "1:3.0.7-16.el9_2.3"]);
}

/// Whoever writes a manifest chooses how many names it has.
#[test]
fn names_are_read_once_for_all_packages_and_not_all_become_gaps() {
    let names = (0..100_000).map(|n| format!("rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_{n}")).collect();
    let packages = (0..2000).map(|n| package(PackageKind::Rpm, &format!("p{n}"), "1-1.el9", None)).collect();
    let repositories = vec![Repositories { layer: Some(0), names }];
    let distro = distro("rhel", "9.2");
    let inventory = ImageInventory { distro, packages, repositories, ..ImageInventory::default() };
    let records = [record("redhat-csaf", "CVE-2023-0001", &[], Affected::fixed(ns("rhel:9"), "p1", "2-1.el9"))];
    let begin = std::time::Instant::now();
    let found = match_image(&inventory, &snapshot(&records));
    assert_eq!((found.findings.len(), found.gaps.len()), (1, 100));
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
}

#[test]
fn what_cannot_be_known_of_a_stream_is_a_gap() {
    type Row<'r> = (&'r [&'r str], &'r [&'r str]);
    let rows: &[Row<'_>] = &[
        (&[EUS], &[]),
        (&[MAIN], &[]),
        (&["rhel-9-for-x86_64-baseos-e4s-rpms"], &["rhel-e4s:9.2"]),
        (&["rhel-9-for-x86_64-baseos-eus-rpms__9_DOT_0"], &["rhel-eus:9.0"]),
        (&[MAIN, "rhocp-4.14-for-rhel-9-x86_64-rpms"], &["rhocp-4.14-for-rhel-9-x86_64-rpms"]),
    ];
    for (names, want) in rows {
        let gaps = judged("1:3.0.7-16.el9_2", &[(Some(0), *names)]).gaps;
        let places: Vec<&str> = gaps.iter().map(|g| g.place.as_str()).collect();
        assert_eq!(places, *want, "{names:?}");
        assert!(gaps.iter().all(|g| g.kind == GapKind::PartialAdvisories));
    }
}
