//! `-o gitlab`: GitLab's container-scanning report (security-report-schemas 15.x), shown in merge requests.
//!
//! Suppressed findings are left out: GitLab has no place for them, and would show them as open.

use std::collections::BTreeSet;

use layergate_model::{Digest, Finding, Report, ReportPackage, Severity, Verdict};
use serde_json::{Value, json};

use crate::{stamp, text::clean, view};

pub(crate) fn render(reports: &[Report]) -> Result<String, serde_json::Error> {
    let mut vulnerabilities: Vec<Value> = reports
        .iter()
        .flat_map(|r| {
            let by_id = view::packages(r);
            let open = r.findings.iter().filter(|f| f.suppressed_by.is_none());
            open.map(move |f| vulnerability(r, f, by_id.get(&f.package).copied())).collect::<Vec<_>>()
        })
        .collect();
    // One image named twice has its vulnerabilities once.
    let mut seen = BTreeSet::new();
    vulnerabilities.retain(|v| seen.insert(v["id"].to_string()));
    let time = reports.first().map_or_else(|| "1970-01-01T00:00:00".into(), stamp::local_time);
    let worst = reports.iter().map(|r| r.verdict).max().unwrap_or(Verdict::Error);
    let tool = json!({
        "id": "layergate", "name": "layergate", "version": stamp::VERSION,
        "vendor": {"name": "layergate"}, "url": env!("CARGO_PKG_REPOSITORY"),
    });
    let whole = reports.iter().filter(|r| r.image.digest.is_none() && r.verdict == Verdict::Error).flat_map(|r| {
        let reported = r.reasons.iter().map(|reason| format!("{}: {}", r.image.reference, reason.text));
        reported.map(|text| json!({"level": "fatal", "value": some(&text)}))
    });
    let messages: Vec<Value> = reports
        .iter()
        .flat_map(|r| &r.gaps)
        .map(|g| {
            let level = if g.effect >= layergate_model::Effect::Error { "fatal" } else { "warn" };
            json!({"level": level, "value": some(&format!("{}: {}: {}", g.kind, g.place, g.detail))})
        })
        .chain(whole)
        .chain(reports.iter().flat_map(|r| &r.image.left_out).map(|what| {
            let text = format!("of the index, left aside because it is no image: {what}");
            json!({"level": "info", "value": some(&text)})
        }))
        .collect();
    crate::json::pretty(&json!({
        "$schema": "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v15.2.1/dist/container-scanning-report-format.json",
        "version": "15.2.1",
        "scan": {
            "type": "container_scanning",
            "status": if worst == Verdict::Error { "failure" } else { "success" },
            "start_time": time,
            "end_time": time,
            "analyzer": tool,
            "scanner": tool,
            "messages": messages,
        },
        "vulnerabilities": vulnerabilities,
        "remediations": [],
    }))
}

fn vulnerability(report: &Report, f: &Finding, package: Option<&ReportPackage>) -> Value {
    let name = package.map_or(f.package.as_str(), |p| p.name.as_str());
    let version = package.map_or("", |p| p.version.as_str());
    let system = view::distro_text(report).unwrap_or_else(|| "unknown".into());
    // The finding's id, spread over the image, so that two images or platforms in one report do not share one.
    let platform = report.image.platform.as_ref().map(ToString::to_string).unwrap_or_default();
    let id = Digest::of(format!("{}\n{platform}\n{}", report.image.reference, f.id).as_bytes()).to_hex();
    let identifiers: Vec<Value> = std::iter::once(&f.advisory)
        .chain(&f.aliases)
        .map(|a| {
            let kind = a.split('-').next().unwrap_or_default().to_ascii_lowercase();
            let kind = if kind.is_empty() { "other".to_owned() } else { some(&kind) };
            match stamp::advisory_url(a) {
                Some(url) => json!({"type": kind, "name": some(a), "value": some(a), "url": url}),
                None => json!({"type": kind, "name": some(a), "value": some(a)}),
            }
        })
        .chain(f.cwe.iter().map(|c| {
            let url = format!("https://cwe.mitre.org/data/definitions/{}.html", c.number());
            json!({"type": "cwe", "name": c, "value": c.number().to_string(), "url": url})
        }))
        .collect();
    let links: Vec<Value> = stamp::advisory_url(&f.advisory).map(|url| json!({"url": url})).into_iter().collect();
    let mut value = json!({
        "id": id,
        "name": some(f.title.as_deref().unwrap_or(&f.advisory)).chars().take(255).collect::<String>(),
        "description": some(&format!("{} in {name} {version}. {} says {}.", f.advisory, f.evidence.feed, f.evidence.range)),
        "severity": severity(f.severity),
        "identifiers": identifiers,
        "links": links,
        "location": {
            "dependency": {"package": {"name": some(name)}, "version": some(version)},
            "operating_system": some(&system),
            "image": some(&report.image.reference),
        },
    });
    let vectors = cvss_vectors(f);
    if !vectors.is_empty() {
        value["cvss_vectors"] = vectors.into();
    }
    if !f.remediation.is_empty() {
        value["solution"] = clean(&f.remediation).into();
    }
    value
}

/// The vectors of the versions that the schema knows (2.0 and 3.x), one for each source and at most ten.
fn cvss_vectors(f: &Finding) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let known = f.cvss.iter().filter(|c| matches!(c.version.as_str(), "2.0" | "3.0" | "3.1"));
    let known = known.filter(|c| seen.insert((c.source.as_str(), c.vector.as_str())));
    known.take(10).map(|c| json!({"vendor": some(&c.source), "vector": clean(&c.vector)})).collect()
}

/// The schema wants texts that are not empty.
fn some(text: &str) -> String {
    let text = clean(text);
    if text.is_empty() { "unknown".into() } else { text.into() }
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Negligible => "Info",
        Severity::Unknown => "Unknown",
    }
}
