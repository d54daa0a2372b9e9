//! `-o csv`: every finding as a line for spreadsheets (RFC 4180, CRLF, every field quoted), suppressed ones too. Gaps and the
//! verdict of images without findings are not lost: each image has a first line of its own with them.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, some after spaces and in full width too
//! (OWASP, "CSV Injection"); such texts get an apostrophe in front.

use layergate_model::{Finding, Report, ReportPackage};

use crate::{
    rows,
    text::{clean, count},
    view,
};

const HEADS: [&str; 21] = [
    "image",
    "platform",
    "digest",
    "verdict",
    "effect",
    "severity",
    "vulnerability",
    "aliases",
    "title",
    "package",
    "type",
    "installed",
    "fixed_in",
    "status",
    "epss",
    "kev",
    "layer",
    "origin",
    "location",
    "taken_out_by",
    "signals",
];

pub(crate) fn render(reports: &[Report]) -> String {
    let mut out = String::new();
    line(&mut out, &HEADS.map(str::to_owned));
    for report in reports {
        let by_id = view::packages(report);
        let mut head = image(report);
        head[8] = format!(
            "{}, {}, {}",
            count(report.packages.len(), "package", "packages"),
            count(report.findings.len(), "finding", "findings"),
            count(report.gaps.len(), "gap", "gaps")
        );
        line(&mut out, &head);
        for finding in &report.findings {
            line(&mut out, &cells(report, finding, by_id.get(&finding.package).copied()));
        }
    }
    out
}

/// A line with what all lines of an image have.
fn image(report: &Report) -> [String; 21] {
    let mut cells: [String; 21] = Default::default();
    cells[0].clone_from(&report.image.reference);
    cells[1] = report.image.platform.as_ref().map(ToString::to_string).unwrap_or_default();
    cells[2] = report.image.digest.map(|d| d.to_string()).unwrap_or_default();
    cells[3] = report.verdict.as_str().into();
    cells
}

fn cells(report: &Report, f: &Finding, package: Option<&ReportPackage>) -> [String; 21] {
    let [reference, platform, digest, verdict, ..] = image(report);
    let by = f.suppressed_by.as_ref().map(|by| format!("{} {}: {}", by.kind, by.id, by.justification));
    let origin = package.map(|p| match p.origin {
        layergate_model::Origin::Base => "base",
        layergate_model::Origin::Application => "application",
        layergate_model::Origin::Unknown => "",
    });
    [
        reference,
        platform,
        digest,
        verdict,
        format!("{:?}", f.effect).to_lowercase(),
        f.severity.to_string(),
        f.advisory.clone(),
        f.aliases.join(" "),
        f.title.clone().unwrap_or_default(),
        package.map_or_else(|| f.package.to_string(), |p| p.name.clone()),
        package.map_or("", |p| p.kind.as_str()).into(),
        package.map_or_else(String::new, |p| p.version.clone()),
        f.fixed_versions.join(" "),
        if f.fixed_versions.is_empty() { rows::fix(f) } else { "fixed".into() },
        f.signals.epss().map(|e| format!("0.{e:06}")).unwrap_or_default(),
        f.signals.kev().map(|k| k.date_added).unwrap_or_default(),
        f.layer.map(|l| l.to_string()).unwrap_or_default(),
        origin.unwrap_or_default().into(),
        package.and_then(|p| p.locations.first().cloned()).unwrap_or_default(),
        by.unwrap_or_default(),
        f.signals.others().map(view::signal).collect::<Vec<_>>().join("; "),
    ]
}

fn line(out: &mut String, cells: &[String]) {
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        let cell = clean(cell);
        let formula = cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
        out.push('"');
        out.push_str(if formula { "'" } else { "" });
        out.push_str(&cell.replace('"', "\"\""));
        out.push('"');
    }
    out.push_str("\r\n");
}
