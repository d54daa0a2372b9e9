//! Our findings against Trivy's recorded ones, on the same packages and the same advisories, set-wise after alias
//! expansion. Nothing may be missing, and whatever is beyond has a reason in `docs/findings-parity.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod recorded;

use std::{collections::BTreeSet, fs, path::PathBuf};

use layergate_advisory::Snapshot;

/// What we find beyond Trivy: part of the package or ids, and the row of the table that says why.
const EXPLAINED: &[(&str, &str)] = &[
    ("jackson-databind", "several ranges"),
    ("stdlib CVE-2023-45283", "several ranges"),
    ("oslo.utils CVE-2022-0718", "names"),
    ("golang.org/x/crypto GO-2026-5932", "pseudo-versions"),
    ("CVE-2023-44487/GHSA-qppj-fm5r-hxr3", "sample"),
    ("CVE-2026-21860/PYSEC-2026-1", "sample"),
    ("swift-nio CVE-2022-3215", "sample"),
    ("unzip CVE-2022-0530", "unfixed"),
    ("unzip CVE-2022-0529", "unfixed"),
    ("unzip CVE-2021-4217", "unfixed"),
    ("python3 CVE-2007-4559", "unfixed"),
    ("python3-libs CVE-2007-4559", "unfixed"),
    ("expat CVE-2024-50602", "Red Hat"),
    ("gnutls CVE-2024-28834", "Red Hat"),
    ("CVE-2016-2781", "Ubuntu's states"),
    ("CVE-2020-13844", "Ubuntu's states"),
    ("CVE-2022-3219", "Ubuntu's states"),
    ("CVE-2016-20013", "Ubuntu's states"),
    ("CVE-2009-5155", "Ubuntu's states"),
    ("CVE-2015-8985", "Ubuntu's states"),
    ("CVE-2017-11164", "Ubuntu's states"),
    ("CVE-2023-26604", "Ubuntu's states"),
    ("CVE-2023-29383", "Ubuntu's states"),
    ("CVE-2013-4235", "Ubuntu's states"),
    ("CVE-2023-4039", "Ubuntu's states"),
    ("CVE-2022-41409", "Ubuntu's states"),
    ("CVE-2022-40735", "Ubuntu's states"),
    ("CVE-2023-50782", "Ubuntu's states"),
    ("CVE-2021-46848", "Ubuntu's states"),
];

fn shared() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let path = std::env::var_os("LAYERGATE_SHARED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    path.join("golden/peer-results-dev.jsonl.zst").exists().then_some(path)
}

#[test]
fn recorded_findings() {
    let Some(shared) = shared() else {
        println!("skipped: no shared data (LAYERGATE_SHARED)");
        return;
    };
    // Trivy's database was made without the samples of other scanners' fixtures.
    let dir = tempfile::tempdir().unwrap();
    let feeds = dir.path().join("feeds");
    fs::create_dir(&feeds).unwrap();
    for entry in fs::read_dir(shared.join("advisories")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            for file in fs::read_dir(entry.path()).unwrap().flatten() {
                fs::copy(file.path(), feeds.join(file.file_name())).unwrap();
            }
        } else if !name.starts_with("samples-") {
            fs::copy(entry.path(), feeds.join(name)).unwrap();
        }
    }
    let file = dir.path().join("snapshot");
    let report = layergate_feeds::build_from_dir(&feeds, &file).unwrap();
    assert!(report.records > 70_000, "{}", report.records);
    let raw: u64 = report.used.values().map(|(_, bytes)| bytes).sum();
    assert!(report.size * 10 < raw, "{} bytes of {raw}", report.size);

    let snapshot = Snapshot::open(&file).unwrap();
    let expand = recorded::expansion(&fs::read_to_string(shared.join("golden/advisory-cves.tsv")).unwrap());
    let results = fs::read(shared.join("golden/peer-results-dev.jsonl.zst")).unwrap();
    let results = String::from_utf8(zstd::decode_all(results.as_slice()).unwrap()).unwrap();
    let (mut theirs, mut beyond, mut packages, mut wrong) = (0, 0, 0, Vec::new());
    let mut took = std::time::Duration::ZERO;
    for line in results.lines() {
        let item = recorded::compare(&serde_json::from_str(line).unwrap(), &snapshot, &expand).unwrap();
        theirs += item.theirs;
        beyond += item.beyond.len();
        packages += item.packages;
        took += item.took;
        let once: BTreeSet<_> = item.matches.findings.iter().map(|f| (&f.package, &f.advisory)).collect();
        assert_eq!(once.len(), item.matches.findings.len(), "{}: the same vulnerability twice", item.name);
        wrong.extend(item.missing.iter().map(|m| format!("{}: missing {m}", item.name)));
        let unexplained = item.beyond.iter().filter(|b| !EXPLAINED.iter().any(|(part, _)| b.contains(part)));
        wrong.extend(unexplained.map(|b| format!("{}: beyond {b}", item.name)));
    }
    println!("{theirs} recorded findings, {beyond} beyond them, {packages} packages matched in {took:.2?}");
    assert!(theirs > 1_800, "{theirs} recorded findings");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
