//! Module streams of the family of Red Hat: an advisory speaks of builds of its own stream.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod records;

use layergate_advisory::Affected;
use layergate_model::{GapKind, PackageKind};
use records::{distro, matched, ns, package, record};

#[test]
fn each_build_by_its_own_stream() {
    let fixed = |name: &str, fix: &str, module: Option<&str>| Affected {
        module: module.map(str::to_owned),
        ..Affected::fixed(ns("almalinux:8"), name, fix)
    };
    let records = [
        record(
            "osv-almalinux",
            "ALSA-18",
            &["CVE-2024-18"],
            fixed("nodejs", "1:18.19.1-1.module_el8.9.0+2+b", Some("nodejs:18")),
        ),
        record(
            "osv-almalinux",
            "ALSA-20",
            &["CVE-2024-20"],
            fixed("nodejs", "1:20.11.1-1.module_el8.9.0+3+c", Some("nodejs:20")),
        ),
        record(
            "osv-almalinux",
            "ALSA-18n",
            &["CVE-2024-28"],
            fixed("nodejs-nodemon", "3.0.3-1.module_el8.9.0+2+b", Some("nodejs:18")),
        ),
        record(
            "osv-almalinux",
            "ALSA-20n",
            &["CVE-2024-30"],
            fixed("nodejs-nodemon", "3.0.9-1.module_el8.9.0+3+c", Some("nodejs:20")),
        ),
        record("osv-almalinux", "ALSA-p", &["CVE-2024-40"], fixed("nodejs", "1:21.1-1.el8", None)),
        record(
            "osv-almalinux",
            "ALSA-v",
            &["CVE-2024-50"],
            fixed("qemu-kvm", "15:6.2.0-40.module_el8.9.0+3+c", Some("virt:rhel")),
        ),
    ];
    // Package, version, label; findings; whether something is undecided.
    let rows: &[(&str, &str, Option<&str>, &[&str], bool)] = &[
        ("nodejs", "1:18.18.2-1.module_el8.9.0+1+a", Some("nodejs:18:8090:75a5"), &["CVE-2024-18"], false),
        ("nodejs", "1:16.20.2-4.module_el8.9.0+1+a", Some("nodejs:16:8090:75a5"), &[], false),
        ("nodejs", "1:18.18.2-1.el8", None, &["CVE-2024-40"], false),
        // Without a label: by the number of the stream, by there being one stream, or not at all.
        ("nodejs", "1:18.18.2-1.module_el8.9.0+1+a", None, &["CVE-2024-18"], false),
        ("nodejs", "1:18.19.1-1.module_el8.9.0+2+b", None, &[], false),
        ("nodejs", "1:16.20.2-4.module_el8.9.0+1+a", None, &[], false),
        ("qemu-kvm", "15:6.2.0-33.module_el8.9.0+1+a", None, &["CVE-2024-50"], false),
        ("nodejs-nodemon", "3.0.1-1.module_el8.9.0+1+a", None, &[], true),
        ("nodejs-nodemon", "3.0.9-1.module_el8.9.0+3+c", None, &[], false),
        ("nodejs-nodemon", "3.0.1-1.module_el8.9.0+1+a", Some("nodejs:18:8090:75a5"), &["CVE-2024-28"], false),
    ];
    for (name, version, label, want, undecided) in rows {
        let mut installed = package(PackageKind::Rpm, name, version, None);
        installed.package.module = label.map(str::to_owned);
        let found = matched(distro("almalinux", "8.9"), vec![installed], &records);
        let ids: Vec<&str> = found.findings.iter().map(|f| f.advisory.as_str()).collect();
        assert_eq!(ids, *want, "{name} {version} {label:?}");
        let gaps: Vec<GapKind> = found.gaps.iter().map(|g| g.kind).collect();
        assert_eq!(gaps, if *undecided { vec![GapKind::UncomparableVersion] } else { vec![] }, "{name} {version}");
    }
}
