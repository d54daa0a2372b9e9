//! A JAR without a group is a gap where an advisory may be about it, and nothing to speak of elsewhere.
#![allow(clippy::unwrap_used, missing_docs)]

use layergate_advisory::Affected;
use layergate_model::{GapKind, PackageKind};

mod records;

use records::{matched, ns, package, record};

#[test]
fn an_artifact_of_an_advisorys_name_is_a_gap() {
    let records = [
        record(
            "osv-ghsa",
            "CVE-2023-25194",
            &[],
            Affected::fixed(ns("maven"), "org.apache.kafka:connect-runtime", "3.4.0"),
        ),
        record("osv-ghsa", "CVE-1", &[], Affected::fixed(ns("npm"), "lonely", "9")),
    ];
    for (name, version, want) in [
        ("connect-runtime", "3.3.1", vec![GapKind::UnidentifiedPackage]),
        ("connect-runtime", "3.4.0", vec![]),
        ("runtime", "3.3.1", vec![]),
        ("lonely", "1", vec![]),
        ("com.example:connect-runtime", "3.3.1", vec![]),
    ] {
        let found = matched(None, vec![package(PackageKind::Maven, name, version, None)], &records);
        assert!(found.findings.is_empty(), "{name}");
        assert_eq!(found.gaps.iter().map(|g| g.kind).collect::<Vec<_>>(), want, "{name} {version}");
    }
}

/// An archive whose version nothing shows may be any: undecided where an advisory speaks of it.
#[test]
fn a_package_without_a_version_is_never_clean_where_an_advisory_speaks_of_it() {
    let records =
        [record("osv-ghsa", "CVE-2023-3635", &[], Affected::fixed(ns("maven"), "com.squareup.okio:okio", "3.4.0"))];
    for (name, want) in
        [("com.squareup.okio:okio", vec![GapKind::UnreadableVersion]), ("com.squareup.okio:other", vec![])]
    {
        let found = matched(None, vec![package(PackageKind::Maven, name, "", None)], &records);
        assert!(found.findings.is_empty(), "{name}");
        assert_eq!(found.gaps.iter().map(|g| g.kind).collect::<Vec<_>>(), want, "{name}");
    }
}
