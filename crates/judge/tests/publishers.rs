//! Whose package it is: the distribution, a third party or a forged list, and who then judges it and its contents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_advisory::Affected;
use layergate_model::{GapKind, ImagePackage, PackageId, PackageKind, Status};

mod records;

use records::{distro, matched, ns, package, record};

#[test]
fn what_the_distribution_owns_is_judged_by_it() {
    let records = [
        record("f", "CVE-1", &[], Affected::fixed(ns("pypi"), "requests", "2.31.0")),
        record("f", "CVE-2", &[], Affected::fixed(ns("debian:12"), "other", "1")),
    ];
    let owner = package(PackageKind::Deb, "python3-requests", "2.28.1+dfsg-1", Some(("requests", "2.28.1+dfsg-1")));
    let mut owned = package(PackageKind::Pypi, "requests", "2.28.1", None);
    owned.package.locations = vec!["usr/lib/python3/dist-packages/requests-2.28.1.egg-info/PKG-INFO".into()];
    let both = |owned: &ImagePackage| vec![owner.clone(), owned.clone()];
    assert_eq!(matched(distro("debian", "12"), both(&owned), &records).findings.len(), 1, "nobody owns it");
    owned.owned_by = Some(owner.id.clone());
    assert_eq!(matched(distro("debian", "12"), both(&owned), &records).findings, []);
    let blind = matched(distro("debian", "11"), both(&owned), &records);
    assert_eq!(blind.findings.len(), 1, "a distribution without advisories judges nothing");
}

#[test]
fn whose_package_it_is_decides_who_judges_it_and_what_it_contains() {
    use PackageKind::{Apk, Deb, Rpm};
    let records = |space: &str| {
        [
            record("f", "CVE-1", &[], Affected::unfixed(ns(space), "nginx", Status::Affected)),
            record("f", "CVE-2", &[], Affected::fixed(ns("golang"), "golang.org/x/net", "0.23.0")),
        ]
    };
    // Distribution, release, namespace; manager, package, version, publisher; found on it, found in it, reported.
    type Row<'r> = (&'r str, &'r str, &'r str, PackageKind, &'r str, &'r str, Option<&'r str>, [bool; 3]);
    let rows: &[Row<'_>] = &[
        (
            "debian",
            "12",
            "debian:12",
            Deb,
            "nginx",
            "1.22.1-9",
            Some("D <pkg-nginx@alioth-lists.debian.net>"),
            [true, false, false],
        ),
        ("debian", "12", "debian:12", Deb, "nginx", "1.22.1-9", Some("Jane <jane@home.example>"), [true, false, false]),
        (
            "debian",
            "12",
            "debian:12",
            Deb,
            "nginx",
            "1.27.3-1~bookworm",
            Some("N <nginx-packaging@f5.com>"),
            [false, true, true],
        ),
        (
            "debian",
            "12",
            "debian:12",
            Deb,
            "docker-ce-cli",
            "5:25.0.0-1~debian.12~bookworm",
            Some("Docker <support@docker.com>"),
            [false, true, true],
        ),
        ("debian", "12", "debian:12", Deb, "agent", "7.1.0", Some("Acme <pkg@acme.example>"), [false, true, true]),
        ("debian", "12", "debian:12", Deb, "agent", "7.1.0-1", Some("Acme <pkg@acme.example>"), [false, true, false]),
        (
            "debian",
            "12",
            "debian:12",
            Deb,
            "nodejs",
            "20.1.0-1nodesource1",
            Some("D <x@debian.org>"),
            [false, true, true],
        ),
        (
            "ubuntu",
            "22.04",
            "ubuntu:22.04",
            Deb,
            "nginx",
            "1.18.0-6ubuntu14",
            Some("U <d@lists.ubuntu.com>"),
            [true, false, false],
        ),
        (
            "ubuntu",
            "22.04",
            "ubuntu:22.04",
            Deb,
            "nginx",
            "1.27-1+ubuntu22.04.1+deb.sury.org+1",
            Some("O <ondrej@debian.org>"),
            [false, true, true],
        ),
        ("rhel", "9.4", "rhel:9", Rpm, "nginx", "1:1.20.1-14.el9", Some("Red Hat, Inc."), [true, false, false]),
        ("rhel", "9.4", "rhel:9", Rpm, "nginx", "1:1.20.1-14.el9", None, [true, false, false]),
        ("rhel", "9.4", "rhel:9", Rpm, "agent", "7.1-1", None, [false, true, false]),
        (
            "rhel",
            "9.4",
            "rhel:9",
            Rpm,
            "nginx",
            "1:1.27-1.el9.ngx",
            Some("NGINX Packaging <x@f5.com>"),
            [false, true, true],
        ),
        (
            "rocky",
            "9.4",
            "rocky:9",
            Rpm,
            "nginx",
            "1:1.27-1.el9.remi",
            Some("Remi's RPM repository"),
            [false, true, true],
        ),
        ("rocky", "9.4", "rocky:9", Rpm, "chromium", "119-1.el9", Some("Fedora Project"), [false, false, true]),
        ("alpine", "3.18", "alpine:3.18", Apk, "agent", "7.1.0-r0", Some("Acme <p@acme.example>"), [false, true, true]),
        (
            "alpine",
            "3.18",
            "alpine:3.18",
            Apk,
            "agent",
            "7.1.0-r0",
            Some("A <a@alpinelinux.org>"),
            [false, false, false],
        ),
        ("wolfi", "20230201", "wolfi", Apk, "agent", "7.1.0-r0", None, [false, false, false]),
    ];
    for (id, version, space, kind, name, installed, publisher, want) in rows {
        let mut owner = package(*kind, name, installed, None);
        owner.package.vendor = publisher.map(str::to_owned);
        let mut owned = package(PackageKind::Golang, "golang.org/x/net", "v0.17.0", None);
        owned.package.locations = vec!["usr/bin/agent".into()];
        owned.owned_by = Some(owner.id.clone());
        let (on, within) = (owner.id.clone(), owned.id.clone());
        let matches = matched(distro(id, version), vec![owner, owned], &records(space));
        let found = |id: &PackageId| matches.findings.iter().any(|f| f.package == *id);
        let reported = matches.gaps.iter().any(|g| g.kind == GapKind::ThirdPartyPackage);
        assert_eq!([found(&on), found(&within), reported], *want, "{id} {name} {installed} {publisher:?}");
    }
}

#[test]
fn a_list_of_files_that_nobody_installed_silences_nothing() {
    let records = [
        record("f", "CVE-1", &[], Affected::fixed(ns("npm"), "lodash", "4.17.21")),
        record("f", "CVE-2", &[], Affected::fixed(ns("debian:12"), "base-files", "1")),
    ];
    for (kind, version, location, gap) in [
        (PackageKind::Deb, "12-1", "srv/node_modules/lodash/package.json", Some(GapKind::ForgedFileList)),
        (PackageKind::Deb, "12-1", "usr/local/lib/node_modules/lodash/package.json", Some(GapKind::ForgedFileList)),
        (PackageKind::Apk, "1-r0", "usr/share/lodash/package.json", Some(GapKind::UnknownDistribution)),
    ] {
        let mut owner = package(kind, "base-files", version, None);
        owner.package.vendor = Some("Debian <x@debian.org>".into());
        let mut owned = package(PackageKind::Npm, "lodash", "4.17.4", None);
        owned.package.locations = vec![location.into()];
        owned.owned_by = Some(owner.id.clone());
        let matches = matched(distro("debian", "12"), vec![owner, owned], &records);
        assert_eq!(matches.findings.iter().map(|f| f.advisory.as_str()).collect::<Vec<_>>(), ["CVE-1"], "{location}");
        assert_eq!(matches.gaps.iter().map(|g| g.kind).next(), gap, "{location}");
    }
}

#[test]
fn flavours_and_branches() {
    use PackageKind::{Composer, Rpm};
    let rows = [
        ("oracle-ksplice:8", "glibc", Rpm, "2:2.28-164.0.1.ksplice1.el8", "2:2.28-225.ksplice1.el8", true),
        ("oracle:8", "glibc", Rpm, "2:2.28-164.0.1.ksplice1.el8", "3:1-1.el8", false),
        ("oracle-fips:8", "gnutls", Rpm, "10:3.6.16-4.el8_fips", "10:3.6.16-6.el8_7_fips", true),
        ("epel:8", "chromium", Rpm, "119-1.el8", "120-1.el8", true),
        ("composer", "acme/lib", Composer, "dev-master", "2.0.0", false),
        ("composer", "acme/lib", Composer, "2.x-dev", "2.0.0", false),
        ("composer", "acme/lib", Composer, "1.9.x-dev", "2.0.0", true),
    ];
    for (space, name, kind, version, fixed, want) in rows {
        let mut installed = package(kind, name, version, None);
        installed.package.vendor =
            Some(if space.starts_with("epel") { "Fedora Project" } else { "Oracle America" }.into());
        let records = [record("f", "CVE-1", &[], Affected::fixed(ns(space), name, fixed))];
        let matches = matched(distro("ol", "8.9"), vec![installed], &records);
        assert_eq!(!matches.findings.is_empty(), want, "{space} {version}: {matches:?}");
    }
}

#[test]
fn a_flavour_without_advisories_is_reported() {
    let record = record("f", "CVE-1", &[], Affected::fixed(ns("oracle:8"), "glibc", "2:2.28-225.el8"));
    for (version, reported) in [("2:2.28-164.0.1.ksplice1.el8", true), ("2:2.28-225.el8", false)] {
        let mut installed = package(PackageKind::Rpm, "glibc", version, None);
        installed.package.vendor = Some("Oracle America".into());
        let gaps = matched(distro("ol", "8.9"), vec![installed], std::slice::from_ref(&record)).gaps;
        let flavour = |g: &layergate_model::Gap| g.kind == GapKind::NoAdvisories && g.place == "oracle-ksplice:8";
        assert_eq!(gaps.iter().any(flavour), reported, "{version}: {gaps:?}");
    }
}

#[test]
fn a_jar_without_a_group_is_reported_unless_the_distribution_judges_it() {
    let records = [
        record("f", "CVE-1", &[], Affected::fixed(ns("maven"), "org.apache.kafka:connect-runtime", "3.4.0")),
        record("f", "CVE-2", &[], Affected::fixed(ns("debian:12"), "other", "1")),
    ];
    for (vendor, reported) in [("Kafka <ops@acme.example>", true), ("D <pkg-java@lists.alioth.debian.org>", false)] {
        let mut owner = package(PackageKind::Deb, "kafka", "3.3.1-1", None);
        owner.package.vendor = Some(vendor.into());
        let mut jar = package(PackageKind::Maven, "connect-runtime", "3.3.1", None);
        jar.package.locations = vec!["usr/share/java/connect-runtime-3.3.1.jar".into()];
        jar.owned_by = Some(owner.id.clone());
        let gaps = matched(distro("debian", "12"), vec![owner, jar], &records).gaps;
        assert_eq!(gaps.iter().any(|g| g.kind == GapKind::UnidentifiedPackage), reported, "{vendor}: {gaps:?}");
    }
}
