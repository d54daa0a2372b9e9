//! Reports that were kept as JSON, looked at again: in other formats, as a baseline, side by side.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;

use layergate_tests::program::{FORMATS, Program, fixture, scan, shop};
use serde_json::Value;

/// The report on an image that could not be scanned.
fn unscanned(program: &Program) -> String {
    let file = program.home.path().join("gone.json").display().to_string();
    assert_eq!(scan(program, &["-o", &format!("json={file}"), "oci:/no/where"]).code, 3);
    file
}

/// A kept report in other formats is what the scan would have written itself.
#[test]
fn a_kept_report_is_converted_to_every_format() {
    let program = Program::default();
    let kept = program.home.path().join("kept.json");
    assert_eq!(scan(&program, &["-o", &format!("json={}", kept.display()), &shop()]).code, 1);
    for format in FORMATS {
        let scanned = scan(&program, &["-o", format, &shop()]);
        let converted = program.run(["convert", kept.to_str().unwrap(), "-o", format]);
        assert_eq!((converted.code, converted.stderr.as_str()), (0, ""), "{format}");
        assert!(!converted.stdout.is_empty() && converted.stdout == scanned.stdout, "{format}: {}", converted.stdout);
    }
    // Of what could not be scanned there is no list, and no exit code of one.
    let gone = unscanned(&program);
    for (format, code, written) in [("cyclonedx", 3, false), ("spdx", 3, false), ("table", 0, true), ("junit", 0, true)]
    {
        let run = program.run(["convert", &gone, "-o", format]);
        assert_eq!((run.code, !run.stdout.is_empty()), (code, written), "{format}: {} {}", run.stdout, run.stderr);
    }
    let wrong = program.run(["convert", "/no/where.json"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""), "{}", wrong.stderr);
}

#[test]
fn a_baseline_takes_out_what_is_known_already() {
    let program = Program::default();
    let kiosk = format!("oci:{}", fixture("images/kiosk"));
    let (old, other) = (program.home.path().join("old.json"), program.home.path().join("other.json"));
    scan(&program, &["-o", &format!("json={}", old.display()), &shop()]);
    scan(&program, &["-o", &format!("json={}", other.display()), &kiosk]);
    let (old, other) = (old.to_str().unwrap(), other.to_str().unwrap());
    for (baseline, code) in [(old, 0), (&shop(), 0), (other, 1), (&kiosk, 1), ("oci:/no/where", 3), ("no.json", 2)] {
        let run = scan(&program, &["--baseline", baseline, &shop()]);
        assert_eq!(run.code, code, "{baseline}: {} {}", run.stdout, run.stderr);
        if code == 0 {
            assert!(run.stdout.contains("exception baseline: known in the baseline"), "{}", run.stdout);
        }
    }
    // What has become worse since is new.
    let worse = program.home.path().join("worse.json");
    for (advisory, key, value, code) in [
        ("CVE-2023-4863", "kev", Value::Null, 1),
        ("CVE-2021-23337", "severity", "medium".into(), 1),
        ("CVE-2021-23337", "severity", "critical".into(), 0),
        ("CVE-2023-5363", "severity", "medium".into(), 1),
    ] {
        let mut report: Value = serde_json::from_str(&fs::read_to_string(old).unwrap()).unwrap();
        for finding in report["findings"].as_array_mut().unwrap().iter_mut().filter(|f| f["advisory"] == advisory) {
            finding[key] = value.clone();
        }
        fs::write(&worse, report.to_string()).unwrap();
        let run = scan(&program, &["--baseline", worse.to_str().unwrap(), &shop()]);
        assert_eq!(run.code, code, "{advisory} {key}: {} {}", run.stdout, run.stderr);
    }
    let gone = unscanned(&program);
    for (a, b, code) in [(old, old, 0), (other, old, 1), (old, other, 0), (old, &gone, 3)] {
        for format in ["table", "json", "markdown"] {
            let run = program.run(["diff", a, b, "-o", format]);
            assert_eq!((run.code, run.stderr.as_str()), (code, ""), "{a} {b} {format}: {}", run.stdout);
            assert_eq!(run.stdout.contains("CVE-2023-4863"), a != b, "{}", run.stdout);
        }
    }
}
