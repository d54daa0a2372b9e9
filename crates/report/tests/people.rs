//! The table at several widths, and the JSON: goldens, and what must hold for every report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{golden, samples};
use layergate_report::{Format, RenderOptions, render};
use unicode_width::UnicodeWidthStr;

fn table(report: &layergate_model::Report, width: usize, color: bool, details: bool) -> String {
    render(Format::Table, std::slice::from_ref(report), &RenderOptions { width, color, details, links: false }).unwrap()
}

#[test]
fn tables_are_as_they_were() {
    for (name, report) in samples() {
        golden(&format!("{name}.80.txt"), &table(&report, 80, false, false));
    }
    golden("failing.200.txt", &table(&common::failing(), 200, false, false));
    golden("failing.details.txt", &table(&common::failing(), 120, false, true));
    golden("failing.color.txt", &table(&common::failing(), 80, true, false));
    let both = [common::failing(), common::error()];
    golden(
        "several.80.txt",
        &render(Format::Table, &both, &RenderOptions { width: 80, ..Default::default() }).unwrap(),
    );
}

#[test]
fn no_line_is_too_long_and_none_drives_the_terminal() {
    for (name, report) in samples() {
        for width in [1, 40, 60, 80, 120, 200, 1000] {
            for details in [false, true] {
                for line in table(&report, width, false, details).lines() {
                    let max = width.clamp(60, 240);
                    assert!(line.width() <= max, "{name} at {width}: {line:?} has {} cells", line.width());
                    assert!(!line.chars().any(char::is_control), "{name}: {line:?}");
                    assert!(!line.ends_with(' '), "{name}: {line:?}");
                }
            }
        }
    }
}

#[test]
fn the_verdict_comes_first_and_last() {
    for (name, report) in samples() {
        for width in [60, 80, 200] {
            let text = table(&report, width, false, false);
            let word = report.verdict.as_str().to_uppercase();
            assert!(text.starts_with(&word), "{name}: {text}");
            let lines: Vec<&str> = text.lines().collect();
            let last = lines.iter().rposition(|l| l.starts_with(&word)).unwrap();
            assert!(last > 0, "{name}: {text}");
            assert!(lines[last + 1..].iter().all(|l| l.starts_with("    ")), "{name}: {text}");
        }
    }
    assert!(render(Format::Table, &[], &RenderOptions::default()).unwrap().contains("Nothing was scanned"));
}

/// One row for all packages of a source, and no more of what does not stop the image than a person reads.
#[test]
fn a_row_is_one_vulnerability_of_what_one_upgrades() {
    let report = common::failing();
    let text = table(&report, 120, false, false);
    let rows: Vec<&str> = text.lines().filter(|l| l.contains("CVE-2024-5535")).collect();
    assert_eq!(rows.len(), 1, "{text}");
    for cell in ["✗ libssl3, openssl", "3.0.11-1~deb12u2", "3.0.15-1~deb12u1", "CRITICAL", "0 base"] {
        assert!(rows[0].contains(cell), "{cell}: {text}");
    }
    assert!(!text.contains("CVE-2005-2541"), "ignored ones wait for --details: {text}");
    assert!(table(&report, 120, false, true).contains("CVE-2005-2541"));
    let mut many = report.clone();
    let calm = many.findings.iter().find(|f| f.advisory == "CVE-2024-2511").unwrap().clone();
    many.findings.extend((0..100).map(|n| {
        let mut f = calm.clone();
        f.advisory = format!("CVE-2030-{n:04}");
        f
    }));
    let text = table(&many, 120, false, false);
    assert_eq!(text.matches("CVE-2030-").count(), 13, "{text}");
    assert!(text.contains("and 88 that do not stop the image"), "{text}");
    assert_eq!(table(&many, 120, false, true).matches("CVE-2030-").count(), 100);
}

#[test]
fn ids_are_links_where_the_terminal_can() {
    let links = RenderOptions { links: true, ..RenderOptions::default() };
    let text = render(Format::Table, &[common::failing()], &links).unwrap();
    let link = "\x1b]8;;https://nvd.nist.gov/vuln/detail/CVE-2021-23337\x1b\\CVE-2021-23337\x1b]8;;\x1b\\";
    assert!(text.contains(link), "{text}");
    // What an adversary writes makes no address.
    let mut report = common::failing();
    report.findings[0].advisory = "CVE-1\x1b]8;;https://evil.example\x07".into();
    let text = render(Format::Table, &[report], &links).unwrap();
    assert!(!text.contains("\x1b]8;;https://evil"), "{text}");
}

#[test]
fn json_is_the_report_and_never_changes() {
    for (name, report) in samples() {
        let text = render(Format::Json, std::slice::from_ref(&report), &RenderOptions::default()).unwrap();
        golden(&format!("{name}.json"), &text);
        assert!(text.ends_with("}\n"));
        let again: layergate_model::Report = serde_json::from_str(&text).unwrap();
        assert_eq!(again, report, "{name}");
        let options = RenderOptions { width: 40, color: true, links: true, details: true };
        assert_eq!(render(Format::Json, &[report], &options).unwrap(), text);
    }
    let several = render(Format::Json, &[common::empty(), common::error()], &RenderOptions::default()).unwrap();
    let value: serde_json::Value = serde_json::from_str(&several).unwrap();
    assert_eq!((&value["schema"], &value["verdict"]), (&"layergate.reports/v1".into(), &"error".into()));
    let none: serde_json::Value =
        serde_json::from_str(&render(Format::Json, &[], &RenderOptions::default()).unwrap()).unwrap();
    assert_eq!(none["verdict"], "error");
}

#[test]
fn the_published_schema_is_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/report.schema.json");
    let want = format!("{:#}\n", layergate_report::schema());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &want).unwrap();
    }
    let have = std::fs::read_to_string(path).unwrap_or_default();
    assert!(have == want, "run UPDATE_GOLDEN=1 cargo test -p layergate-report --test people, and read the difference");
}

#[test]
fn what_an_index_has_beside_images_is_shown() {
    let mut report = common::empty();
    let people = [Format::Table, Format::Markdown, Format::Html];
    for format in people.into_iter().chain([Format::Json, Format::Sarif, Format::Junit, Format::Gitlab]) {
        let text = |report: &layergate_model::Report| {
            render(format, std::slice::from_ref(report), &RenderOptions::default()).unwrap()
        };
        report.image.left_out = Vec::new();
        assert!(!text(&report).contains("attestation"), "{format}");
        report.image.left_out = (0..5).map(|n| format!("attestation n{n}")).collect();
        let shown = text(&report);
        assert!(shown.contains("attestation n0"), "{format}: {shown}");
        assert_eq!(shown.contains("and 2 more"), people.contains(&format), "{format}: {shown}");
        assert_eq!(shown.contains("attestation n4"), !people.contains(&format), "{format}: {shown}");
    }
}

#[test]
fn format_names_round_trip() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse::<Format>().unwrap(), *format);
    }
    assert!("yaml".parse::<Format>().unwrap_err().to_string().contains("table, json"));
}
