//! The table at several widths, and the JSON: goldens, and what must hold for every report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{golden, samples};
use layergate_report::{Format, RenderOptions, render};
use unicode_width::UnicodeWidthStr;

fn table(report: &layergate_model::Report, width: usize, color: bool, verbose: bool) -> String {
    render(Format::Table, std::slice::from_ref(report), &RenderOptions { width, color, verbose }).unwrap()
}

#[test]
fn tables_are_as_they_were() {
    for (name, report) in samples() {
        golden(&format!("{name}.80.txt"), &table(&report, 80, false, false));
    }
    golden("failing.200.txt", &table(&common::failing(), 200, false, false));
    golden("failing.verbose.txt", &table(&common::failing(), 120, false, true));
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
            for verbose in [false, true] {
                for line in table(&report, width, false, verbose).lines() {
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
fn the_verdict_comes_last() {
    for (name, report) in samples() {
        let text = table(&report, 80, false, false);
        let word = report.verdict.as_str().to_uppercase();
        let at = text.lines().position(|l| l.starts_with(&word)).unwrap();
        let rest: Vec<&str> = text.lines().skip(at + 1).collect();
        assert!(rest.iter().all(|l| l.starts_with("  ")), "{name}: {rest:?}");
    }
    assert!(render(Format::Table, &[], &RenderOptions::default()).unwrap().contains("Nothing was scanned"));
}

#[test]
fn json_is_the_report_and_never_changes() {
    for (name, report) in samples() {
        let text = render(Format::Json, std::slice::from_ref(&report), &RenderOptions::default()).unwrap();
        golden(&format!("{name}.json"), &text);
        assert!(text.ends_with("}\n"));
        let again: layergate_model::Report = serde_json::from_str(&text).unwrap();
        assert_eq!(again, report, "{name}");
        let options = RenderOptions { width: 40, color: true, verbose: true };
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
    let have = std::fs::read_to_string(path).unwrap_or_default();
    assert!(have == want, "run: cargo run -p layergate-report --example schema > docs/report.schema.json");
}

#[test]
fn what_an_index_has_beside_images_is_shown_where_people_read() {
    let mut report = common::empty();
    for format in [Format::Table, Format::Markdown, Format::Html, Format::Json] {
        let text = |report: &layergate_model::Report| {
            render(format, std::slice::from_ref(report), &RenderOptions::default()).unwrap()
        };
        report.image.left_out = Vec::new();
        assert!(!text(&report).contains("attestation"), "{format}");
        report.image.left_out = (0..5).map(|n| format!("attestation n{n}")).collect();
        let shown = text(&report);
        assert!(shown.contains("attestation n0"), "{format}: {shown}");
        assert!(format == Format::Json || shown.contains("and 2 more"), "{format}: {shown}");
    }
}

#[test]
fn format_names_round_trip() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse::<Format>().unwrap(), *format);
    }
    assert!("yaml".parse::<Format>().unwrap_err().to_string().contains("table, json"));
}
