//! Programs that lie in an image without a package manager are judged by Bitnami's records.
#![allow(clippy::unwrap_used, missing_docs)]

use layergate_advisory::{Affected, Builder, End, Namespace, Record, Snapshot, Start, VersionRange};
use layergate_judge::match_image;
use layergate_model::{
    Distro, GapKind, ImageInventory, ImagePackage, LayerPath, Origin, Package, PackageId, PackageKind, Status,
};

fn package(kind: PackageKind, name: &str, version: &str, at: &str) -> ImagePackage {
    let package = Package::new(kind, name, version, &LayerPath::normalise(at).unwrap());
    let purl = package.purl(None);
    let id = PackageId::derive(&purl, None, at);
    ImagePackage { id, purl, package, layer: Some(0), origin: Origin::Unknown, owned_by: None }
}

fn record(id: &str, namespace: &str, name: &str, fixed: &str) -> Record {
    let affected = Affected::fixed(Namespace::new(namespace).unwrap(), name, fixed);
    Record { affected: vec![affected], ..Record::new("osv-bitnami", id) }
}

fn snapshot() -> Snapshot {
    let mut builder = Builder::new();
    for (id, name, fixed) in [
        ("BIT-node-2024-1", "node", "20.11.1"),
        ("BIT-python-2024-1", "python", "3.12.4"),
        ("BIT-java-2024-1", "java", "8.0.412"),
        ("BIT-postgresql-2024-1", "postgresql", "15.6.0"),
        ("BIT-apache-2024-1", "apache", "2.4.62"),
        ("BIT-dotnet-sdk-2024-1", "dotnet-sdk", "8.0.404"),
    ] {
        builder.add(&record(id, "bitnami", name, fixed)).unwrap();
    }
    builder.add(&record("CVE-2024-9", "debian:12", "bash", "99")).unwrap();
    Snapshot::from_bytes(builder.finish().unwrap()).unwrap()
}

fn matched(packages: Vec<ImagePackage>) -> (Vec<String>, Vec<GapKind>) {
    let distro = Distro {
        id: "debian".into(),
        version: Some("12".into()),
        codename: None,
        like: Vec::new(),
        name: None,
        end_of_life: None,
    };
    let matches =
        match_image(&ImageInventory { distro: Some(distro), packages, ..ImageInventory::default() }, &snapshot());
    let found = matches.findings.iter().map(|f| f.advisory.to_string()).collect();
    (found, matches.gaps.iter().map(|g| g.kind).collect())
}

#[test]
fn known_programs_are_judged_and_others_are_unwatched() {
    for (name, version, want) in [
        ("node", "20.11.0", Some("BIT-node-2024-1")),
        ("node", "20.11.1", None),
        ("python", "3.12.3", Some("BIT-python-2024-1")),
        ("python", "3.12.4", None),
        ("java/jre", "1.8.0_392-b08", Some("BIT-java-2024-1")),
        ("postgresql", "15.3", Some("BIT-postgresql-2024-1")),
        ("httpd", "2.4.57", Some("BIT-apache-2024-1")),
        ("httpd", "2.4.62", None),
        ("dotnet-sdk", "8.0.303", Some("BIT-dotnet-sdk-2024-1")),
    ] {
        let (found, gaps) = matched(vec![package(PackageKind::Generic, name, version, "usr/local/bin/x")]);
        assert_eq!(found, want.into_iter().collect::<Vec<_>>(), "{name} {version}");
        assert_eq!(gaps, [], "{name} {version}");
    }
    for (name, version) in [("busybox", "1.36.1"), ("python", "3.12.4rc1")] {
        let (found, gaps) = matched(vec![package(PackageKind::Generic, name, version, "bin/x")]);
        assert_eq!((found, gaps), (vec![], vec![GapKind::UnwatchedEcosystem]), "{name}");
    }
}

/// GitHub's records name the packages that carry a framework for one system.
#[test]
fn a_shared_framework_is_judged_by_its_carriers() {
    let mut builder = Builder::new();
    let record = |id: &str, names: &[&str], fixed: &str| {
        let nuget = Namespace::new("nuget").unwrap();
        let canonical = |name: &&str| nuget.canonical_name(name).into_owned();
        let affected = names.iter().map(|n| Affected::fixed(nuget.clone(), canonical(n), fixed)).collect();
        Record { affected, ..Record::new("ghsa", id) }
    };
    let carriers = ["Microsoft.NETCore.App.Runtime.linux-x64", "Microsoft.NetCore.App.Runtime.linux-arm"];
    for record in [
        record("GHSA-core", &carriers, "8.0.11"),
        record("GHSA-old", &["Microsoft.NETCore.App"], "8.0.2"),
        record("GHSA-web", &["Microsoft.AspNetCore.App.Runtime.linux-musl-x64"], "8.0.12"),
        record("GHSA-desktop", &["Microsoft.WindowsDesktop.App.Runtime.win-x64"], "8.0.9"),
    ] {
        builder.add(&record).unwrap();
    }
    let snapshot = Snapshot::from_bytes(builder.finish().unwrap()).unwrap();
    for (name, version, want) in [
        ("Microsoft.NETCore.App", "8.0.1", &["GHSA-core", "GHSA-old"][..]),
        ("Microsoft.NETCore.App", "8.0.10", &["GHSA-core"]),
        ("Microsoft.NETCore.App", "8.0.11", &[]),
        ("Microsoft.AspNetCore.App", "8.0.11", &["GHSA-web"]),
        ("Microsoft.WindowsDesktop.App", "8.0.8", &["GHSA-desktop"]),
        ("Microsoft.Other.App", "8.0.1", &[]),
    ] {
        let packages = vec![package(PackageKind::Nuget, name, version, "d/shared/x.deps.json")];
        let matches = match_image(&ImageInventory { packages, ..ImageInventory::default() }, &snapshot);
        let found: Vec<_> = matches.findings.iter().map(|f| f.advisory.to_string()).collect();
        assert_eq!(found, want, "{name} {version}");
    }
}

#[test]
fn what_is_judged_otherwise_is_not_judged_twice() {
    let owner = package(PackageKind::Deb, "python3.11", "3.11.2-6", "var/lib/dpkg/status");
    let mut program = package(PackageKind::Generic, "python", "3.11.2", "usr/bin/python3.11");
    program.owned_by = Some(owner.id.clone());
    assert_eq!(matched(vec![owner, program]), (vec![], vec![]), "Debian knows its backports");

    let owner = package(PackageKind::Deb, "bash", "99", "var/lib/dpkg/status");
    let mut program = package(PackageKind::Generic, "bash", "5.2.15", "usr/bin/bash");
    program.owned_by = Some(owner.id.clone());
    assert_eq!(matched(vec![owner, program]), (vec![], vec![]), "and watches all that it has");

    let bitnamis = package(PackageKind::Bitnami, "node", "20.11.0-0", "opt/bitnami/node/.spdx-node.spdx");
    let program = package(PackageKind::Generic, "node", "20.11.0", "opt/bitnami/node/bin/node");
    assert_eq!(matched(vec![bitnamis, program]).0, ["BIT-node-2024-1"], "by Bitnami's own package alone");

    let bitnamis = package(PackageKind::Bitnami, "node", "99.0.0-0", "opt/bitnami/node/.spdx-node.spdx");
    let program = package(PackageKind::Generic, "node", "20.11.0", "usr/local/bin/node");
    assert_eq!(matched(vec![bitnamis, program]), (vec!["BIT-node-2024-1".to_owned()], vec![]), "another version's");
}

/// Node's own advisories are believed before Bitnami's and those before NVD's: what one knows of a vulnerability is not
/// asked again.
#[test]
fn each_vulnerability_is_reported_by_the_first_source_that_knows_it() {
    let mut builder = Builder::new();
    let of = |feed: &'static str, id: &str, cve: &str, namespace: &str, name: &str, fixed: &str| Record {
        aliases: vec![cve.into()],
        affected: vec![Affected::fixed(Namespace::new(namespace).unwrap(), name, fixed)],
        ..Record::new(feed, id)
    };
    for record in [
        Record {
            aliases: vec!["CVE-2024-1".into()],
            affected: vec![Affected {
                ranges: vec![VersionRange { start: Start::From("20.0.0".into()), end: End::Fixed("20.11.1".into()) }],
                ..Affected::bare(Namespace::new("nodejs").unwrap(), "node", Status::Fixed)
            }],
            ..Record::new("nodejs-security-wg", "NSWG-CORE-1")
        },
        of("osv-bitnami", "BIT-node-2024-1", "CVE-2024-1", "bitnami", "node", "20.99.0"),
        Record {
            aliases: vec!["CVE-2024-7".into()],
            affected: vec![Affected::unfixed(Namespace::new("nodejs").unwrap(), "node", Status::NotAffected)],
            ..Record::new("nodejs-security-wg", "NSWG-CORE-7")
        },
        of("osv-bitnami", "BIT-node-2024-7", "CVE-2024-7", "bitnami", "node", "99.0.0"),
        of("osv-bitnami", "BIT-node-2024-2", "CVE-2024-2", "bitnami", "node", "20.12.0"),
        of("nvd", "CVE-2024-2", "CVE-2024-2", "nvd", "nodejs:node.js", "20.99.0"),
        of("nvd", "CVE-2024-3", "CVE-2024-3", "nvd", "nodejs:node.js", "20.13.0"),
        of("nvd", "CVE-2024-4", "CVE-2024-4", "nvd", "nginx:nginx", "1.25.4"),
        of("nvd", "CVE-2024-5", "CVE-2024-5", "nvd", "f5:nginx", "1.25.5"),
        of("nvd", "CVE-2024-6", "CVE-2024-6", "nvd", "lighttpd:lighttpd", "1.4.70"),
    ] {
        builder.add(&record).unwrap();
    }
    let snapshot = Snapshot::from_bytes(builder.finish().unwrap()).unwrap();
    for (name, version, want) in [
        ("node", "20.11.0", &["CVE-2024-1 nodejs-security-wg", "CVE-2024-2 osv-bitnami", "CVE-2024-3 nvd"][..]),
        ("node", "20.11.1", &["CVE-2024-2 osv-bitnami", "CVE-2024-3 nvd"]),
        ("node", "20.12.0", &["CVE-2024-3 nvd"]),
        ("node", "20.13.0", &[]),
        ("node", "22.0.0", &[]),
        // A line of which Node's advisory says nothing is not known to be clean.
        ("node", "16.20.2", &["CVE-2024-1 osv-bitnami", "CVE-2024-2 osv-bitnami", "CVE-2024-3 nvd"]),
        ("nginx", "1.25.3", &["CVE-2024-4 nvd", "CVE-2024-5 nvd"]),
        ("lighttpd", "1.4.69", &["CVE-2024-6 nvd"]),
        ("lighttpd", "1.4.70", &[]),
    ] {
        let packages = vec![package(PackageKind::Generic, name, version, "usr/local/bin/x")];
        let matches = match_image(&ImageInventory { packages, ..ImageInventory::default() }, &snapshot);
        let found: Vec<_> = matches.findings.iter().map(|f| format!("{} {}", f.advisory, f.evidence.feed)).collect();
        assert_eq!(found, want, "{name} {version}");
        assert_eq!(matches.gaps, [], "{name} {version}");
    }
}
