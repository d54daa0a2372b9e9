//! Matching by cases: a package and an advisory in, a finding, a gap or nothing out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_advisory::{Affected, End, Rating, Record, Start, VersionRange};
use layergate_model::{Cvss, GapKind, PackageKind, Provenance, Severity, Status};

mod records;

use records::{distro, matched, ns, only, package, record};

#[test]
fn one_vulnerability_of_several_feeds_is_one_finding() {
    let range = |from: &str, end| VersionRange { start: Start::From(from.into()), end };
    let ghsa = Record {
        ratings: vec![Rating { source: "ghsa".into(), severity: Severity::High }],
        cvss: vec![Cvss { source: "nvd".into(), version: "3.1".into(), vector: "v".into(), score_tenths: 98 }],
        cwes: vec!["CWE-89".parse().unwrap()],
        ..record(
            "osv-ghsa",
            "GHSA-1",
            &["CVE-2026-1"],
            Affected {
                ranges: vec![range("4.0", End::Fixed("4.0.6".into())), range("3.2", End::Fixed("3.2.14".into()))],
                ..Affected::bare(ns("pypi"), "django", Status::Fixed)
            },
        )
    };
    let pysec = record("osv-pypa", "PYSEC-1", &["GHSA-1"], Affected::fixed(ns("pypi"), "django", "4.0.6"));
    let dsa =
        record("debian-lists", "DSA-1-1", &["CVE-2026-1"], Affected::fixed(ns("debian:12"), "python-django", "9"));
    let finding = only(matched(None, vec![package(PackageKind::Pypi, "Django", "4.0.4", None)], &[ghsa, pysec, dsa]));
    assert_eq!(finding.advisory, "CVE-2026-1");
    assert_eq!(finding.aliases, ["GHSA-1", "PYSEC-1"], "another distribution's advisory is not this finding's name");
    assert_eq!((finding.severity, finding.severity_source.as_deref()), (Severity::High, Some("ghsa")));
    assert_eq!(finding.fixed_versions, ["4.0.6"], "a fix below the installed version fixes nothing");
    assert_eq!(finding.evidence.range, ">= 4.0, < 4.0.6");
    assert_eq!(finding.cwe, ["CWE-89".parse().unwrap()]);
    assert_eq!(finding.evidence.matched_name.as_deref(), Some("django"));
}

#[test]
fn bundles_give_way_to_their_vulnerabilities() {
    let debian = ns("debian:12");
    let bundle =
        record("debian-lists", "DSA-1-1", &["CVE-2026-1", "CVE-2026-2"], Affected::fixed(debian.clone(), "x", "2"));
    let one = record("debian-tracker", "CVE-2026-1", &[], Affected::fixed(debian.clone(), "x", "2"));
    let two = record("debian-tracker", "CVE-2026-2", &[], Affected::fixed(debian, "x", "2"));
    let x = || vec![package(PackageKind::Deb, "x", "1", None)];
    let ids = |records: &[Record]| {
        let findings = matched(distro("debian", "12"), x(), records).findings;
        findings.into_iter().map(|f| format!("{} {}", f.advisory, f.aliases.join(","))).collect::<Vec<_>>()
    };
    assert_eq!(ids(std::slice::from_ref(&bundle)), ["DSA-1-1 CVE-2026-1,CVE-2026-2"]);
    assert_eq!(ids(&[bundle.clone(), one.clone()]), ["CVE-2026-1 ", "DSA-1-1 CVE-2026-1,CVE-2026-2"]);
    assert_eq!(ids(&[bundle, one, two]), ["CVE-2026-1 DSA-1-1", "CVE-2026-2 DSA-1-1"]);
}

#[test]
fn states_without_a_fix() {
    let cases = [
        (Status::Affected, Some("no version of x fixes it yet")),
        (Status::WillNotFix, Some("will not be fixed")),
        (Status::UnderInvestigation, Some("still looking into it")),
        (Status::NotAffected, None),
    ];
    for (status, want) in cases {
        let records = [record("f", "CVE-1", &[], Affected::unfixed(ns("debian:12"), "x", status))];
        let matches = matched(distro("debian", "12"), vec![package(PackageKind::Deb, "x", "1", None)], &records);
        match want {
            None => assert_eq!(matches.findings, []),
            Some(words) => {
                let finding = only(matches);
                assert!(finding.remediation.contains(words), "{}", finding.remediation);
                assert_eq!((finding.status, finding.fixed_versions.len()), (status, 0));
            }
        }
    }
}

#[test]
fn modules_and_architectures() {
    let fix = "12.7-2.module_el8";
    let modular = |module: Option<&str>, arches: &[&str]| Affected {
        module: module.map(str::to_owned),
        arches: arches.iter().map(|a| (*a).to_owned()).collect(),
        ..Affected::fixed(ns("almalinux:8"), "postgresql", fix)
    };
    let build = |module: Option<&str>, version: &str| {
        let mut p = package(PackageKind::Rpm, "postgresql", version, None);
        p.package.module = module.map(str::to_owned);
        p.package.arch = Some("x86_64".into());
        p
    };
    let cases = [
        (modular(Some("postgresql:12"), &[]), build(Some("postgresql:12:8040:a"), "12.5-1.module_el8"), true),
        (modular(Some("postgresql:12"), &[]), build(Some("postgresql:10:8040:a"), "10.17-1.module_el8"), false),
        (modular(Some("postgresql:1"), &[]), build(Some("postgresql:12:8040:a"), "12.5-1.module_el8"), false),
        (modular(Some("*"), &[]), build(None, "12.5-1.el8"), false),
        (modular(Some("*"), &[]), build(None, "12.5-1.module_el8"), true),
        (modular(None, &[]), build(Some("postgresql:12:8040:a"), "12.5-1.module_el8"), false),
        (modular(None, &["aarch64"]), build(None, "12.5-1.el8"), false),
        (modular(None, &["x86_64"]), build(None, "12.5-1.el8"), true),
        (modular(None, &["noarch"]), build(None, "12.5-1.el8"), true),
    ];
    for (affected, package, want) in cases {
        let shown = format!("{affected:?} {:?}", package.package);
        let matches = matched(distro("almalinux", "8.8"), vec![package], &[record("f", "ALSA-1", &[], affected)]);
        assert_eq!(!matches.findings.is_empty(), want, "{shown}");
    }
}

#[test]
fn what_cannot_be_compared_is_reported() {
    let records = [record("f", "CVE-1", &[], Affected::fixed(ns("npm"), "x", "1.2.3"))];
    let matches = matched(None, vec![package(PackageKind::Npm, "x", "workspace:*", None)], &records);
    assert_eq!(matches.findings, []);
    assert_eq!(matches.gaps.iter().map(|g| g.kind).collect::<Vec<_>>(), [GapKind::UnreadableVersion]);
    assert!(matches.gaps[0].detail.contains("CVE-1"), "{:?}", matches.gaps);
    let open = [record("f", "CVE-1", &[], Affected::unfixed(ns("npm"), "x", Status::Affected))];
    only(matched(None, vec![package(PackageKind::Npm, "x", "workspace:*", None)], &open));
}

#[test]
fn only_the_registrys_package_is_judged_by_its_name() {
    let records = [record("f", "CVE-1", &[], Affected::fixed(ns("npm"), "x", "1.2.3"))];
    for (provenance, version, findings, gaps) in [
        (Provenance::Registry, "1.0.0", 1, 0),
        (Provenance::Elsewhere, "1.0.0", 0, 1),
        (Provenance::Elsewhere, "1.2.3", 0, 0),
        (Provenance::Project, "1.0.0", 0, 0),
    ] {
        let mut one = package(PackageKind::Npm, "x", version, None);
        one.package.provenance = provenance;
        let matches = matched(None, vec![one], &records);
        assert_eq!((matches.findings.len(), matches.gaps.len()), (findings, gaps), "{provenance:?} {version}");
    }
}

#[test]
fn severities_by_precedence() {
    let rate = |source: &'static str, severity| Rating { source: source.into(), severity };
    let nvd = Record {
        ratings: vec![rate("nvd", Severity::Critical), rate("ubuntu", Severity::Negligible)],
        ..Record::new("nvd", "CVE-1")
    };
    let affected = |severity| Affected { severity, ..Affected::fixed(ns("debian:12"), "x", "2") };
    let cases = [
        (
            vec![record("debian-tracker", "CVE-1", &[], affected(Some(Severity::Low))), nvd.clone()],
            Severity::Low,
            Some("debian"),
        ),
        (vec![record("debian-tracker", "CVE-1", &[], affected(None)), nvd.clone()], Severity::Critical, Some("nvd")),
        (vec![record("debian-lists", "DSA-1", &["CVE-8", "CVE-9"], affected(None))], Severity::Unknown, None),
    ];
    for (records, severity, source) in cases {
        let finding = only(matched(distro("debian", "12"), vec![package(PackageKind::Deb, "x", "1", None)], &records));
        assert_eq!((finding.severity, finding.severity_source.as_deref()), (severity, source));
    }
}

#[test]
fn extended_support_is_reported_as_a_gap_or_used() {
    let records = [
        record("f", "CVE-1", &[], Affected::fixed(ns("ubuntu-esm:18.04"), "x", "1-1ubuntu1+esm2")),
        record("f", "CVE-2", &[], Affected::fixed(ns("ubuntu:18.04"), "x", "1-1ubuntu1")),
    ];
    let plain = matched(distro("ubuntu", "18.04"), vec![package(PackageKind::Deb, "x", "1-1ubuntu1", None)], &records);
    assert_eq!((plain.findings.len(), plain.gaps[0].kind), (0, GapKind::EndOfLife));
    let pro =
        matched(distro("ubuntu", "18.04"), vec![package(PackageKind::Deb, "x", "1-1ubuntu1+esm1", None)], &records);
    assert_eq!((only(pro.clone()).advisory.as_str(), pro.gaps.len()), ("CVE-1", 0));
    // The release's own tracker calls open what Pro has fixed.
    let records = [
        record("f", "CVE-1", &[], Affected::fixed(ns("ubuntu-esm:18.04"), "x", "1-1ubuntu1~esm2")),
        record("f", "CVE-1", &[], Affected::unfixed(ns("ubuntu:18.04"), "x", layergate_model::Status::Affected)),
        record("f", "CVE-2", &[], Affected::unfixed(ns("ubuntu:18.04"), "x", layergate_model::Status::Affected)),
    ];
    for (version, open) in [("1-1ubuntu1~esm1", &["CVE-1", "CVE-2"][..]), ("1-1ubuntu1~esm2", &["CVE-2"])] {
        let pro = matched(distro("ubuntu", "18.04"), vec![package(PackageKind::Deb, "x", version, None)], &records);
        let found: std::collections::BTreeSet<&str> = pro.findings.iter().map(|f| f.advisory.as_str()).collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), open, "{version}");
    }
}

#[test]
fn one_upgrade_fixes_everything_that_is_fixed() {
    let range =
        |from: &str, fixed: &str| VersionRange { start: Start::From(from.into()), end: End::Fixed(fixed.into()) };
    // What each advisory says, and the version to go to from 1.4.0.
    type Row<'r> = (&'r [&'r [(&'r str, &'r str)]], Option<&'r str>);
    let rows: &[Row<'_>] = &[
        (&[&[("1.0.0", "1.4.1")]], Some("1.4.1")),
        (&[&[("1.0.0", "1.4.1")], &[("1.0.0", "1.5.0")], &[("1.0.0", "1.4.2")]], Some("1.5.0")),
        // The first is fixed in the next branch only, where the second is fixed later than in its own.
        (&[&[("1.0.0", "3.0.1")], &[("1.0.0", "1.4.2"), ("3.0.0", "3.0.5")]], Some("3.0.5")),
        // What does not affect this version affects the one that would fix it.
        (&[&[("1.0.0", "3.0.1"), ("3.1.0", "3.1.2")], &[("3.0.0", "3.1.0")]], Some("3.1.2")),
        (&[&[("1.0.0", "3.0.1")], &[("3.0.0", "3.1.0")]], Some("3.1.0")),
        (&[&[("2.0.0", "3.0.0")]], None),
    ];
    for (advisories, want) in rows {
        let records: Vec<Record> = advisories
            .iter()
            .enumerate()
            .map(|(n, ranges)| {
                let ranges = ranges.iter().map(|(from, fixed)| range(from, fixed)).collect();
                record(
                    "osv",
                    &format!("CVE-2026-{n}"),
                    &[],
                    Affected { ranges, ..Affected::bare(ns("npm"), "x", Status::Fixed) },
                )
            })
            .collect();
        let package = package(PackageKind::Npm, "x", "1.4.0", None);
        let id = package.id.clone();
        let matches = matched(None, vec![package], &records);
        assert_eq!(matches.upgrades.get(&id).map(String::as_str), *want, "{advisories:?}");
    }
}

/// What registries' versions have of their own: each row is a range, a version, and whether the range holds it.
#[test]
fn versions_of_each_registry() {
    use PackageKind::{Bitnami, Cargo, Composer, Gem, Golang, Hex, Maven, Npm, Nuget, Pub, Pypi, Swift};
    let fixed = |v: &str| End::Fixed(v.to_owned());
    let last = |v: &str| End::Last(v.to_owned());
    let rows = [
        // The standard library is named by the toolchain; its candidates come before it.
        (Golang, "stdlib", "", fixed("1.21.4"), "go1.21.3", true),
        (Golang, "stdlib", "", fixed("1.21.4"), "v1.21.4", false),
        (Golang, "stdlib", "", fixed("1.22.0"), "go1.22rc1", true),
        (Golang, "stdlib", "1.22.0-0", fixed("1.22.1"), "go1.22rc1", true),
        (Golang, "stdlib", "", fixed("1.21.4"), "go1.21.4 X:boringcrypto", false),
        // A pseudo-version comes before the version that it leads to, and after the one it is based on.
        (Golang, "a.io/x", "", fixed("0.17.0"), "v0.0.0-20210921155107-089bfa567519", true),
        (Golang, "a.io/x", "", End::Open, "v0.0.0-20210921155107-089bfa567519", true),
        (Golang, "a.io/x", "", fixed("0.0.0-20220314234659-1baeb1ce4c0b"), "v0.0.0-20220314234659-1baeb1ce4c0b", false),
        (Golang, "a.io/x", "", fixed("0.0.0-20220314234659-1baeb1ce4c0b"), "v0.0.0-20220314234658-ffffffffffff", true),
        (Golang, "a.io/x", "", fixed("1.2.4"), "v1.2.4-0.20230101000000-abcdefabcdef", true),
        (Golang, "a.io/x", "", fixed("1.2.3"), "v1.2.4-0.20230101000000-abcdefabcdef", false),
        (Golang, "a.io/x", "2.0.0", fixed("2.0.1"), "v2.0.0+incompatible", true),
        (Golang, "a.io/x", "2.0.0+incompatible", fixed("2.0.1+incompatible"), "v2.0.1+incompatible", false),
        // An advisory speaks of what is there: a pre-release of the fix does not have it.
        (Npm, "x", "1.0.0", fixed("2.0.0"), "2.0.0-beta.1", true),
        (Npm, "x", "1.0.0", fixed("2.0.0"), "1.0.0-rc.1", false),
        (Npm, "x", "2.0.0-beta.1", fixed("2.0.0-beta.3"), "2.0.0-beta.10", false),
        (Npm, "x", "", last("1.2.3"), "1.2.3+build.7", true),
        (Cargo, "x_y", "", fixed("0.9.3"), "0.9.3-alpha", true),
        (Pypi, "x", "", fixed("2.2.0"), "2.2.0+cu118", false),
        (Pypi, "x", "", fixed("2.2.0"), "2.2.0rc1", true),
        (Pypi, "x", "", fixed("2.2.0"), "2.2.0.post1", false),
        (Pypi, "x", "", last("1.0"), "1.0.0", true),
        (Pypi, "x", "", fixed("2.0"), "1!0.1", false),
        (Maven, "g:x", "2.9.0", fixed("2.9.10.8"), "2.9.10.7", true),
        (Maven, "g:x", "", fixed("4.1.100.Final"), "4.1.99.Final", true),
        (Maven, "g:x", "", fixed("4.1.100.Final"), "4.1.100", false),
        (Maven, "g:x", "", fixed("1.2"), "1.2-SNAPSHOT", true),
        (Maven, "g:x", "", fixed("31.1"), "31.1-jre", false),
        (Gem, "x", "", fixed("1.13.10"), "1.13.10-x86_64-linux", false),
        (Gem, "x", "", fixed("1.13.10"), "1.13.9-x86_64-linux", true),
        (Gem, "x", "3.3.a", fixed("3.3.4"), "3.3.0.rc1", true),
        (Composer, "v/x", "", fixed("2.4.4-p9"), "2.4.4-p10", false),
        (Composer, "v/x", "", fixed("2.4.4-p9"), "v2.4.4", true),
        (Composer, "v/x", "", fixed("1.0.0"), "1.0", false),
        (Nuget, "X", "", fixed("6.0.12"), "6.0.11.0", true),
        (Nuget, "X", "", fixed("6.0.12"), "6.0.12.0", false),
        (Bitnami, "x", "", fixed("1.2.3"), "1.2.3-4", false),
        (Bitnami, "x", "", last("1.2.3"), "1.2.3-4", false),
        (Hex, "x", "", fixed("1.2.0"), "1.2.0-dev", true),
        (Pub, "x", "", fixed("1.2.0"), "1.2.0+1", false),
        (Swift, "github.com/a/x", "", fixed("2.39.1"), "2.39.0", true),
    ];
    for (kind, name, start, end, version, want) in rows {
        let registry = ns(match kind {
            Composer => "composer",
            Swift => "swift",
            kind => kind.as_str(),
        });
        let start = if start.is_empty() { Start::Beginning } else { Start::From(start.to_owned()) };
        let range = VersionRange { start, end };
        let shown = format!("{kind} {version} in {range}");
        let name_there = registry.canonical_name(name).into_owned();
        let affected = Affected { ranges: vec![range], ..Affected::bare(registry, name_there, Status::Affected) };
        let matches = matched(None, vec![package(kind, name, version, None)], &[record("f", "CVE-1", &[], affected)]);
        assert_eq!(matches.gaps, [], "{shown}");
        assert_eq!(!matches.findings.is_empty(), want, "{shown}");
    }
}

#[test]
fn what_a_feed_took_back_or_left_empty_is_no_finding() {
    let base = || record("f", "CVE-1", &[], Affected::fixed(ns("npm"), "x", "9.0.0"));
    let empty = record("f", "CVE-2", &[], Affected::bare(ns("npm"), "x", Status::Affected));
    let listed = Affected { versions: vec!["1.0.0".into()], ..Affected::bare(ns("npm"), "x", Status::Affected) };
    let cases = [
        (vec![base()], 1),
        (vec![Record { withdrawn: true, ..base() }], 0),
        (vec![empty], 0),
        (vec![record("f", "CVE-3", &[], listed)], 1),
        // One source withdrew its record, the other stands.
        (
            vec![Record { withdrawn: true, ..base() }, record("g", "CVE-1", &[], Affected::fixed(ns("npm"), "x", "2"))],
            1,
        ),
    ];
    for (mut records, want) in cases {
        records.push(record("f", "CVE-9", &[], Affected::fixed(ns("npm"), "other", "1")));
        let matches = matched(None, vec![package(PackageKind::Npm, "x", "1.0.0", None)], &records);
        assert_eq!(matches.findings.len(), want, "{records:?}");
    }
}

#[test]
fn red_hat_tells_fixes_by_binary_and_the_rest_by_source() {
    let fixed = record("f", "CVE-1", &[], Affected::fixed(ns("rhel:9"), "openssl", "1:3.0.7-27.el9"));
    let open = record("f", "CVE-2", &[], Affected::unfixed(ns("rhel:9"), "openssl", Status::WillNotFix));
    let libs = || package(PackageKind::Rpm, "openssl-libs", "1:3.0.1-1.el9", Some(("openssl", "3.0.1-1.el9")));
    let found = matched(distro("rhel", "9.2"), vec![libs()], &[fixed, open]).findings;
    assert_eq!(
        found.iter().map(|f| (f.advisory.as_str(), f.status)).collect::<Vec<_>>(),
        [("CVE-2", Status::WillNotFix)]
    );
}
