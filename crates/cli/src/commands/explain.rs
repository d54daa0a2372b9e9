//! `layergate explain WHAT REPORT`: why something is in a report, with the evidence.

use std::fmt::Write;

use anyhow::anyhow;
use layergate_model::{Finding, Report, ReportPackage};

use crate::{
    args::ExplainArgs,
    exit::{Failure, Outcome, usage},
    output, reports,
};

pub(crate) fn run(args: &ExplainArgs) -> Result<Outcome, Failure> {
    let what = args.what.as_str();
    let mut text = String::new();
    for report in reports::read(&args.report)? {
        let package = |finding: &Finding| report.packages.iter().find(|p| p.id == finding.package);
        let named = |p: &ReportPackage| p.id.as_str() == what || p.name == what || p.purl.as_str() == what;
        for finding in &report.findings {
            let matches = finding.id.as_str() == what
                || finding.advisory == what
                || finding.aliases.iter().any(|a| a == what)
                || package(finding).is_some_and(named);
            if matches {
                explain(&mut text, &report, finding, package(finding));
            }
        }
        for package in report.packages.iter().filter(|p| named(p)) {
            if !report.findings.iter().any(|f| f.package == package.id) {
                let found = format!(
                    "nothing in snapshot {} affects it",
                    report.inputs.snapshot_date.as_deref().unwrap_or("(none)")
                );
                let _ = writeln!(
                    text,
                    "{} {}: {found}\n  proved by {}",
                    package.name,
                    package.version,
                    package.locations.join(", ")
                );
            }
        }
    }
    if text.is_empty() {
        return Err(usage(anyhow!("{what} is neither an advisory nor a package of {}", args.report.display())));
    }
    output::to_stdout(text.as_bytes())?;
    Ok(Outcome::Done)
}

/// Writing to a `String` cannot fail, hence the ignored results.
fn explain(out: &mut String, report: &Report, finding: &Finding, package: Option<&ReportPackage>) {
    let _ = writeln!(out, "{} ({})", finding.advisory, finding.severity);
    if !finding.aliases.is_empty() {
        let _ = writeln!(out, "  also known as   {}", finding.aliases.join(", "));
    }
    if let Some(title) = &finding.title {
        let _ = writeln!(out, "  what            {title}");
    }
    if let Some(package) = package {
        let _ = writeln!(out, "  package         {} {} ({})", package.name, package.version, package.kind);
        let _ = writeln!(out, "  proved by       {}", package.locations.join(", "));
        let layer = package.layer.and_then(|l| report.image.layers.iter().find(|x| x.index == l));
        if let Some(layer) = layer {
            let step = layer.created_by.as_deref().unwrap_or("unknown step");
            let _ = writeln!(out, "  brought by      layer {} {} ({step})", layer.index, layer.digest);
        }
    }
    let name = finding.evidence.matched_name.as_deref().map(|n| format!(" (as {n})")).unwrap_or_default();
    let _ = writeln!(out, "  matched         {}{name}, says {}", finding.evidence.range, finding.evidence.feed);
    if let Some(source) = &finding.severity_source {
        let _ = writeln!(out, "  severity from   {source}");
    }
    for cvss in &finding.cvss {
        let score = f64::from(cvss.score_tenths) / 10.0;
        let _ = writeln!(out, "  CVSS {:<4}       {score:.1} {} ({})", cvss.version, cvss.vector, cvss.source);
    }
    if let Some(kev) = finding.signals.kev() {
        let _ = writeln!(out, "  exploited       listed by CISA on {}", kev.date_added);
    }
    if let Some(epss) = finding.signals.epss() {
        let _ = writeln!(out, "  EPSS            {:.2} %", f64::from(epss) / 10_000.0);
    }
    for signal in finding.signals.others() {
        let _ = writeln!(out, "  signal          {}", signal);
    }
    let _ = writeln!(out, "  what to do      {}", finding.remediation);
    if let Some(by) = &finding.suppressed_by {
        let _ = writeln!(out, "  suppressed by   {} {}: {}", by.kind, by.id, by.justification);
    }
    for reason in report.reasons.iter().filter(|r| r.finding_ids.contains(&finding.id)) {
        let _ = writeln!(out, "  in the verdict  {}: {}", reason.rule, reason.text);
    }
    out.push('\n');
}
