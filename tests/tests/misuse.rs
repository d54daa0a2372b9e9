//! What people try who come from other tools, or who are tired: the exit code, what is said, and on which stream.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;

use layergate_tests::program::{Program, fixture};

const USAGE: i32 = 2;
const ERROR: i32 = 3;

#[test]
fn misuses_end_with_a_code_and_a_sentence_and_nothing_on_standard_output() {
    let program = Program::default();
    let home = program.home.path();
    fs::write(home.join("bad.toml"), "version = 1\n[findings]\nfail-onn = \"high\"\n").unwrap();
    fs::write(home.join("grype.yaml"), "ignore:\n  - fix-state: wont-fix\n").unwrap();
    fs::write(home.join("empty.json"), "{}").unwrap();
    fs::write(home.join("text.tar"), "no archive").unwrap();
    let (db, shop) = (fixture("advisories"), format!("oci:{}", fixture("images/shop")));
    let scan = format!("scan --offline --db {db}");
    let rows: &[(String, i32, &str)] = &[
        ("scann x".into(), USAGE, "scan"),
        ("scan".into(), USAGE, "IMAGE"),
        (format!("{scan} --no-such-flag {shop}"), USAGE, "--no-such-flag"),
        (format!("{scan} -o yaml {shop}"), USAGE, "is not an output format"),
        (format!("{scan} -f json -o report.json {shop}"), USAGE, "say FORMAT=report.json"),
        (format!("{scan} -o json= {shop}"), USAGE, "file name is missing"),
        (format!("{scan} -o json=/no/where/r.json {shop}"), USAGE, "/no/where"),
        (format!("{scan} -o json -o sarif {shop}"), USAGE, "standard output"),
        (format!("{scan} -o cyclonedx {shop} {shop}"), USAGE, "one image"),
        (format!("{scan} --severity HIGH,CRITICAL {shop}"), USAGE, "--fail-on high"),
        (format!("{scan} --fail-on serious {shop}"), USAGE, "serious"),
        (format!("{scan} --only-fixed=maybe {shop}"), USAGE, "maybe"),
        (format!("{scan} --as-of yesterday {shop}"), USAGE, "yesterday"),
        (format!("{scan} --platform linux {shop}"), USAGE, "linux"),
        (format!("{scan} --timeout fast {shop}"), USAGE, "fast"),
        (format!("{scan} --policy bad.toml {shop}"), USAGE, "fail-onn"),
        (format!("{scan} --policy none.toml {shop}"), USAGE, "none.toml"),
        (format!("{scan} --vex empty.json {shop}"), USAGE, "empty.json"),
        (format!("{scan} --ignore-file none {shop}"), USAGE, "none"),
        (format!("{scan} --ignore-file grype.yaml {shop}"), USAGE, "fix-state"),
        (format!("{scan} --ignore-file grype.yaml --server http://127.0.0.1:9 x"), USAGE, "--server"),
        (format!("{scan} UPPER/Case"), USAGE, "UPPER"),
        (format!("{scan} oci:"), USAGE, "oci:layout"),
        (format!("{scan} podman:app"), USAGE, "podman"),
        ("scan --offline --db /no/where x".into(), ERROR, "/no/where"),
        ("scan --offline docker.io/library/alpine".into(), ERROR, "db update"),
        ("convert none.json".into(), USAGE, "none.json"),
        ("convert empty.json".into(), USAGE, "empty.json"),
        ("diff empty.json empty.json".into(), USAGE, "empty.json"),
        ("explain CVE-1 none.json".into(), USAGE, "none.json"),
        ("policy check bad.toml".into(), USAGE, "bad.toml:3"),
        ("policy import grype.yaml".into(), USAGE, "--only-fixed"),
        ("db show CVE-1".into(), ERROR, "db update"),
        ("coordinator".into(), USAGE, "--nats"),
        ("completions ksh".into(), USAGE, "ksh"),
    ];
    for (line, code, word) in rows {
        let run = program.run(line.split(' '));
        assert_eq!((run.code, run.stdout.as_str()), (*code, ""), "{line}: {}", run.stderr);
        assert!(!run.stderr.is_empty() && run.stderr.contains(word), "{line}: {word:?} is not in {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{line}: {}", run.stderr);
    }
}

/// What means the same elsewhere simply works.
#[test]
fn old_habits_work_where_they_mean_the_same() {
    let program = Program::default();
    let home = program.home.path();
    fs::write(
        home.join(".trivyignore"),
        "# not parsed\nCVE-2023-4863\nCVE-2023-5363 exp:2099-01-01\nDSA-5523-1\nCVE-2021-23337\n",
    )
    .unwrap();
    fs::write(home.join("old"), "CVE-2021-23337 exp:2020-01-01\n").unwrap();
    let (db, shop) = (fixture("advisories"), format!("oci:{}", fixture("images/shop")));
    let with = format!("--offline --quiet --as-of 2026-11-21 --db {db}");
    let rows: &[(String, i32, &str)] = &[
        (format!("image {with} {shop}"), 1, "FAIL"),
        (format!("scan {with} -f json {shop}"), 1, "\"layergate.report/v1\""),
        (format!("scan {with} --format sarif {shop}"), 1, "sarif"),
        (format!("scan {with} --ignore-unfixed {shop}"), 1, "FAIL"),
        (format!("scan {with} --only-fixed=false {shop}"), 1, "FAIL"),
        (format!("scan {with} --only-fixed=0 {shop}"), 1, "FAIL"),
        (format!("scan {with} --only-fixed=yes {shop}"), 1, "FAIL"),
        // What is exploited fails whatever the severity.
        (format!("scan {with} --fail-on never {shop}"), 1, "CISA KEV"),
        (format!("scan {with} --ignore-file .trivyignore {shop}"), 0, "exception .trivyignore:2: not parsed"),
        (format!("scan {with} --ignore-file old {shop}"), 1, "FAIL"),
        ("policy import .trivyignore".into(), 0, "advisory = \"CVE-2023-5363\""),
    ];
    for (line, code, word) in rows {
        let run = program.run(line.split(' '));
        assert_eq!(run.code, *code, "{line}: {} {}", run.stdout, run.stderr);
        assert!(run.stdout.contains(word), "{line}: {word:?} is not in {}", run.stdout);
    }
}
