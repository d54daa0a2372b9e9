//! Directories of feeds to snapshots: each feed recognised by its content, each file accounted for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{fs, io::Write, path::Path};

use layergate_advisory::{Namespace, Snapshot};
use layergate_feeds::{BuildReport, FeedsError, build_from_dir, directory_fingerprint};
use layergate_model::{Severity, Status};

const OSV: &str = r#"{"id":"GHSA-0000-0000-0001","modified":"2026-01-02T00:00:00Z","aliases":["CVE-2026-1"],
 "summary":"A vulnerability","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
 "affected":[{"package":{"ecosystem":"PyPI","name":"Foo_Bar"},"ranges":[{"type":"ECOSYSTEM","events":[{"fixed":"1.5"},{"introduced":"1.0"},{"introduced":"2.0"}]}],
 "versions":["0.5","1.1"],"database_specific":{"last_known_affected_version_range":"<= 2.3"}},
 {"package":{"ecosystem":"OSS-Fuzz","name":"x"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]}],
 "database_specific":{"severity":"HIGH"}}"#;

const YAML: &str = "id: PYSEC-2026-1\nmodified: '2026-03-01T00:00:00Z'\naliases:\n- CVE-2026-1\naffected:\n- package:\n    name: foo-bar\n    ecosystem: PyPI\n  ranges:\n  - type: ECOSYSTEM\n    events:\n    - introduced: '0'\n    - last_affected: '0.9'\n";

const LINES: &str = "{\"id\":\"MAL-2026-1\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":[{\"package\":{\"ecosystem\":\"npm\",\"name\":\"evil\"},\"versions\":[\"1.0.0\"]}]}\n{\"id\": broken \"affected\"\n{\"id\":\"GO-2026-1\",\"modified\":\"0001-01-01T00:00:00Z\",\"withdrawn\":\"2026-01-01T00:00:00Z\",\"affected\":[]}\n{\"id\":\"GO-2026-2\",\"modified\":\"2026-01-01T00:00:00Z\",\"affected\":[{\"package\":{\"ecosystem\":\"Go\",\"name\":\"stdlib\"},\"ranges\":[{\"type\":\"SEMVER\",\"events\":[{\"introduced\":\"0\"},{\"fixed\":\"1.2.3\"}]}]}]}\n";

const ALPINE: &str = "---\ndistroversion: v3.99\nreponame: main\narchs:\n  - x86_64\nurlprefix: https://mirror.invalid/alpine\napkurl: \"{{urlprefix}}/x.apk\"\npackages:\n  - pkg:\n      name: openssl\n      secfixes:\n        1.1.1d-r0:\n          - CVE-2026-2 (+ regression)\n          - XSA-9 CVE-2026-3\n        0:\n          - CVE-2026-4\n";

const DEBIAN: &str = "[01 Feb 2026] DSA-9999-1 openssl - security update\n\t{CVE-2026-2 CVE-2026-3}\n\t[bookworm] - openssl 3.0.99-1~deb12u1\n\t[bullseye] - openssl <not-affected> (newer)\n\tNOTE: x\n\t[hamm] - openssl 1\n";

const TRACKER: &str = r#"{"openssl":{"CVE-2026-5":{"description":"d","releases":{
 "bookworm":{"status":"open","repositories":{"bookworm":"3.0"},"urgency":"unimportant"},
 "trixie":{"status":"resolved","repositories":{"trixie":"3.5"},"fixed_version":"3.5-2","urgency":"not yet assigned"},
 "sid":{"status":"resolved","repositories":{},"fixed_version":"0","urgency":"low"}}}}}"#;

const UBUNTU: &str = "Candidate: CVE-2026-2\nPublicDate: 2026-01-05 15:15:00 UTC\nDescription:\n A vulnerability in a library.\nPriority: low\nCVSS:\n nvd: CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H [7.8 HIGH]\n\nPatches_openssl:\nupstream_openssl: released (3.1)\njammy_openssl: released (3.0.2-0ubuntu1.99)\nesm-infra/xenial_openssl: needed\nbionic_openssl: ignored (end of standard support)\nnoble_openssl: DNE\n";

const KEV: &str = r#"{"title":"t","catalogVersion":"2026.01.01","count":2,"vulnerabilities":[
 {"cveID":"CVE-2026-3","vulnerabilityName":"n","dateAdded":"2026-02-03","dueDate":"2026-03-01","knownRansomwareCampaignUse":"Known"},
 {"broken":true}]}"#;

fn oval(definitions: &str, checks: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><oval_definitions xmlns:linux-def=\"l\"><definitions>{definitions}</definitions>{checks}</oval_definitions>"
    )
}

fn azure() -> String {
    let definition = |n: u32, patchable: &str| {
        format!(
            "<definition class=\"vulnerability\" id=\"oval:com.microsoft.azurelinux:def:{n}\"><metadata><title>CVE-2026-{n} affecting package p{n}</title><reference ref_id=\"CVE-2026-{n}\" source=\"CVE\"/><patchable>{patchable}</patchable><severity>High</severity></metadata><criteria operator=\"AND\"><criterion test_ref=\"tst:{n}\"/></criteria></definition>"
        )
    };
    let check = |n: u32, operation: &str| {
        format!(
            "<linux-def:rpminfo_test id=\"tst:{n}\"><linux-def:object object_ref=\"obj:{n}\"/><linux-def:state state_ref=\"ste:{n}\"/></linux-def:rpminfo_test><linux-def:rpminfo_object id=\"obj:{n}\"><linux-def:name>p{n}</linux-def:name></linux-def:rpminfo_object><linux-def:rpminfo_state id=\"ste:{n}\"><linux-def:evr operation=\"{operation}\">0:1.{n}-1.azl3</linux-def:evr></linux-def:rpminfo_state>"
        )
    };
    oval(
        &[definition(1, "true"), definition(2, "false"), definition(3, "Not Applicable")].concat(),
        &[check(1, "less than"), check(2, "less than or equal"), check(3, "less than or equal")].concat(),
    )
}

fn write(dir: &Path, files: &[(&str, &[u8])]) {
    for (path, bytes) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn build(files: &[(&str, &[u8])]) -> (BuildReport, Snapshot) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), files);
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("s");
    let report = build_from_dir(dir.path(), &path).unwrap();
    (report, Snapshot::from_bytes(fs::read(path).unwrap()).unwrap())
}

fn shown(snapshot: &Snapshot, namespace: &str, name: &str) -> Vec<String> {
    snapshot
        .lookup(&Namespace::new(namespace).unwrap(), name)
        .map(|e| {
            let ranges: Vec<String> = e.ranges.clone().map(|r| r.to_string()).collect();
            let versions: Vec<&str> = e.versions.clone().collect();
            let vulnerability = snapshot.vulnerability(e.vulnerability).unwrap().id;
            format!("{vulnerability} {:?} {} {}", e.status, ranges.join(" | "), versions.join(",")).trim().to_owned()
        })
        .collect()
}

#[test]
fn every_feed_by_its_content() {
    let azure = azure();
    let files: &[(&str, &[u8])] = &[
        ("a/one.json", OSV.as_bytes()),
        ("a/two.yaml", YAML.as_bytes()),
        ("b/all.jsonl", LINES.as_bytes()),
        ("c/whatever.yaml", ALPINE.as_bytes()),
        ("d/list", DEBIAN.as_bytes()),
        ("d/json", TRACKER.as_bytes()),
        ("e/CVE-2026-2", UBUNTU.as_bytes()),
        ("f/kev.json", KEV.as_bytes()),
        ("g/x.xml", azure.as_bytes()),
        ("LICENSE", b"words"),
        ("empty", b""),
        ("other.json", br#"{"hello": 1}"#),
    ];
    let (report, snapshot) = build(files);
    assert_eq!(
        shown(&snapshot, "pypi", "foo-bar"),
        ["CVE-2026-1 Fixed >= 1.0, < 1.5 | >= 2.0, <= 2.3 0.5", "CVE-2026-1 Affected <= 0.9"],
        "one vulnerability of two databases; events sorted, a version that the ranges hold left out"
    );
    assert_eq!(shown(&snapshot, "npm", "evil"), ["MAL-2026-1 Affected  1.0.0"]);
    assert_eq!(shown(&snapshot, "golang", "stdlib"), ["GO-2026-2 Fixed < 1.2.3"]);
    assert_eq!(
        shown(&snapshot, "alpine:3.99", "openssl"),
        ["CVE-2026-2 Fixed < 1.1.1d-r0", "CVE-2026-3 Fixed < 1.1.1d-r0"]
    );
    assert_eq!(
        shown(&snapshot, "debian:12", "openssl"),
        ["CVE-2026-5 Affected *", "DSA-9999-1 Fixed < 3.0.99-1~deb12u1"]
    );
    assert_eq!(shown(&snapshot, "debian:13", "openssl"), ["CVE-2026-5 Fixed < 3.5-2"]);
    assert_eq!(shown(&snapshot, "debian:sid", "openssl"), [""; 0]);
    assert_eq!(shown(&snapshot, "ubuntu:22.04", "openssl"), ["CVE-2026-2 Fixed < 3.0.2-0ubuntu1.99"]);
    assert_eq!(shown(&snapshot, "ubuntu-esm:16.04", "openssl"), ["CVE-2026-2 Affected *"]);
    assert_eq!(shown(&snapshot, "ubuntu:18.04", "openssl"), [""; 0]);
    assert_eq!(shown(&snapshot, "azurelinux:3.0", "p1"), ["CVE-2026-1 Fixed < 1.1-1.azl3"]);
    assert_eq!(shown(&snapshot, "azurelinux:3.0", "p2"), ["CVE-2026-2 Affected <= 1.2-1.azl3"]);
    assert_eq!(shown(&snapshot, "azurelinux:3.0", "p3"), [""; 0]);

    let vulnerability =
        |id: &str| snapshot.vulnerability(*snapshot.vulnerabilities_named(id).first().unwrap()).unwrap();
    assert!(vulnerability("MAL-2026-1").malicious);
    assert!(
        vulnerability("DSA-9999-1").signals().kev().is_some_and(|k| k.ransomware),
        "a bundle with an exploited CVE"
    );
    assert_eq!(
        vulnerability("CVE-2026-1").cvss().map(|c| (c.source, c.score_tenths)).collect::<Vec<_>>(),
        [("ghsa".into(), 98)]
    );
    let low = snapshot.lookup(&Namespace::new("ubuntu:22.04").unwrap(), "openssl").next().unwrap();
    assert_eq!((low.severity, low.status), (Some(Severity::Low), Status::Fixed));
    assert!(snapshot.manifest().end_of_life.len() > 100);

    let reasons: Vec<(&str, &str)> = report.unused.iter().map(|u| (u.path.as_str(), u.reason.as_str())).collect();
    assert_eq!(
        reasons,
        [
            ("LICENSE", "documentation or license"),
            ("empty", "empty"),
            ("other.json", "JSON of no feed in the catalogue (begins with hello)"),
        ]
    );
    assert_eq!(report.problem_count, 3, "{:?}", report.problems);
    assert_eq!(report.used.values().map(|u| u.0).sum::<u64>() + report.unused_count, files.len() as u64);
    let withdrawn = report.feeds.iter().find(|f| f.info.id == "osv-go").unwrap();
    assert_eq!((withdrawn.records, withdrawn.withdrawn), (1, 1));
}

#[test]
fn archives_give_the_same_bytes() {
    let plain: &[(&str, &[u8])] =
        &[("x/one.json", OSV.as_bytes()), ("x/two.yaml", YAML.as_bytes()), ("x/l.jsonl", LINES.as_bytes())];
    let (_, want) = build(plain);
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in plain {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    let archive = archive.into_inner().unwrap();
    let zst = zstd::encode_all(archive.as_slice(), 3).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&archive).unwrap();
    let gz = gz.finish().unwrap();
    for (name, bytes) in [("a.tar", &archive), ("strange-name", &zst), ("b.tgz", &gz)] {
        let (report, got) = build(&[(name, bytes)]);
        assert_eq!(got.digest(), want.digest(), "{name}");
        assert_eq!(report.unused_count, 0, "{name}");
    }
    let (report, _) = build(&[("whole.json", OSV.as_bytes()), ("cut.tar.gz", &gz[..gz.len() / 2])]);
    assert!(report.unused_count >= 1, "half an archive is reported, not swallowed: {:?}", report.unused);
}

#[test]
fn nothing_to_read_is_no_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(matches!(build_from_dir(&empty, &out), Err(FeedsError::Empty { files: 0, .. })));
    assert!(matches!(build_from_dir(&dir.path().join("none"), &out), Err(FeedsError::Directory { .. })));
    assert!(!out.exists());
}

#[test]
fn the_fingerprint_follows_the_files() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("a/one.json", OSV.as_bytes())]);
    let first = directory_fingerprint(dir.path()).unwrap();
    assert_eq!(first, directory_fingerprint(dir.path()).unwrap());
    write(dir.path(), &[("a/two.json", OSV.as_bytes())]);
    assert_ne!(first, directory_fingerprint(dir.path()).unwrap());
}
