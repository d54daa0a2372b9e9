//! Under which names and versions each distribution's advisories speak of its packages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod records;

use layergate_advisory::Affected;
use layergate_model::PackageKind;
use records::{distro, matched, ns, only, package, record};

#[test]
fn names_and_versions_of_each_distribution() {
    use PackageKind::{Apk, Deb, Rpm};
    // Distribution, release, namespace, advisory's name and fix; package, version, source; whether it is affected.
    type Row<'r> =
        (&'r str, &'r str, &'r str, &'r str, &'r str, PackageKind, &'r str, &'r str, Option<(&'r str, &'r str)>, bool);
    let rows: &[Row<'_>] = &[
        (
            "debian",
            "12.8",
            "debian:12",
            "openssl",
            "3.0.15-1~deb12u1",
            Deb,
            "libssl3",
            "3.0.14-1",
            Some(("openssl", "3.0.14-1")),
            true,
        ),
        (
            "debian",
            "12.8",
            "debian:12",
            "openssl",
            "3.0.15-1~deb12u1",
            Deb,
            "libssl3",
            "3.0.15-1",
            Some(("openssl", "3.0.15-1")),
            false,
        ),
        ("debian", "12", "debian:11", "openssl", "9", Deb, "openssl", "1", None, false),
        // The source has no epoch, the binary has one: the advisory speaks of the source.
        (
            "ubuntu",
            "18.04",
            "ubuntu:18.04",
            "util-linux",
            "2.31.1-0.4ubuntu3.7",
            Deb,
            "bsdutils",
            "1:2.31.1-0.4ubuntu3.1",
            Some(("util-linux", "2.31.1-0.4ubuntu3.1")),
            true,
        ),
        (
            "ubuntu",
            "18.04",
            "ubuntu:18.04",
            "bsdutils",
            "9:9",
            Deb,
            "bsdutils",
            "1:2.31.1",
            Some(("util-linux", "2.31.1")),
            false,
        ),
        (
            "alpine",
            "3.18.4",
            "alpine:3.18",
            "openssl",
            "3.1.4-r1",
            Apk,
            "libcrypto3",
            "3.1.4-r0",
            Some(("openssl", "3.1.4-r0")),
            true,
        ),
        (
            "alpine",
            "3.18.4",
            "alpine:3.18",
            "openssl",
            "3.1.4-r1",
            Apk,
            "libcrypto3",
            "3.1.4-r1",
            Some(("openssl", "3.1.4-r1")),
            false,
        ),
        (
            "almalinux",
            "8.8",
            "almalinux:8",
            "bind-libs",
            "32:9.11.36-8.el8",
            Rpm,
            "bind-libs",
            "32:9.11.36-7.el8",
            Some(("bind", "9.11.36-7.el8")),
            true,
        ),
        (
            "almalinux",
            "8.8",
            "almalinux:8",
            "bind",
            "32:9.11.36-8.el8",
            Rpm,
            "bind-libs",
            "32:9.11.36-7.el8",
            Some(("bind", "9.11.36-7.el8")),
            false,
        ),
        (
            "mariner",
            "2.0",
            "mariner:2.0",
            "bind",
            "9.16.50-1.cm2",
            Rpm,
            "bind-libs",
            "9.16.44-1.cm2",
            Some(("bind", "9.16.44-1.cm2")),
            true,
        ),
        // The source rpm's name leaves the epoch out.
        (
            "azurelinux",
            "3.0",
            "azurelinux:3.0",
            "bind",
            "1:9.16-1",
            Rpm,
            "bind-libs",
            "2:9.15-1",
            Some(("bind", "9.15-1")),
            false,
        ),
        (
            "photon",
            "3.0",
            "photon:3.0",
            "sqlite-libs",
            "3.27.2-5.ph3",
            Rpm,
            "sqlite-libs",
            "3.27.2-4.ph3",
            Some(("sqlite", "3.27.2-4.ph3")),
            true,
        ),
        // A part that the advisory does not list has the source's fix.
        (
            "photon",
            "5.0",
            "photon:5.0",
            "sqlite",
            "3.27.2-5.ph5",
            Rpm,
            "sqlite-tools",
            "3.27.2-4.ph5",
            Some(("sqlite", "3.27.2-4.ph5")),
            true,
        ),
        (
            "sles",
            "15.3",
            "suse:15.3",
            "openssl-1_1",
            "1.1.1d-11.43.1",
            Rpm,
            "libopenssl1_1",
            "1.1.1d-11.20.1",
            Some(("openssl-1_1", "1.1.1d-11.20.1")),
            true,
        ),
    ];
    for (id, release, namespace, name, fix, kind, package_name, version, source, affected) in rows {
        let records = [record("feed", "CVE-2026-1", &[], Affected::fixed(ns(namespace), *name, *fix))];
        let matches = matched(distro(id, release), vec![package(*kind, package_name, version, *source)], &records);
        assert_eq!(!matches.findings.is_empty(), *affected, "{id} {package_name} {version}: {matches:?}");
        if *affected {
            let finding = only(matches);
            assert_eq!((finding.fixed_versions, finding.layer), (vec![(*fix).to_owned()], Some(2)));
            assert_eq!(finding.remediation, format!("upgrade {package_name} to {fix}"));
            assert_eq!(finding.evidence.matched_name.as_deref(), (name != package_name).then_some(*name));
        }
    }
}
