//! `-o sarif`: SARIF 2.1.0 (OASIS standard, errata 01) for code-scanning dashboards; one run for each image.
//!
//! A rule is an advisory, a check or a secret's rule; suppressed findings are results with a `suppressions` entry, as
//! the standard has it. Gaps are notifications of the invocation, and a verdict `error` is an execution that did not
//! succeed.

mod document;

use std::collections::BTreeMap;

use document::{
    Artifact, Driver, Id, Invocation, Level, Location, Log, Logical, Notification, Outcome, Physical, Region, Rule,
    RuleProperties, Run, RunProperties, Suppressed, Text, Tool,
};
use layergate_model::{Digest, Effect, Finding, Report, ReportPackage, Severity, Verdict};

use crate::{
    stamp,
    text::{clean, uri_path},
    view,
};

pub(crate) fn render(reports: &[Report]) -> Result<String, serde_json::Error> {
    // What a run says of the program's end is what the program ends with: the worst of all.
    let worst = reports.iter().map(|r| r.verdict).max().unwrap_or(Verdict::Error);
    let mut runs: Vec<Run> = reports.iter().map(|report| run(report, worst)).collect();
    // Two tags of one repository in one document are two categories: one would take the other's alerts away.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for run in &mut runs {
        let id = &mut run.automation_details.id;
        let times = seen.entry(id.clone()).or_default();
        *times += 1;
        if *times > 1 {
            id.push_str(&format!("{times}/"));
        }
    }
    crate::json::pretty(&Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs,
    })
}

/// Results of one run.
const MAX_RESULTS: usize = 25_000;

/// The order in which results are left out, last first.
fn rank(level: &str) -> u8 {
    match level {
        "error" => 0,
        "warning" => 1,
        _ => 2,
    }
}

/// A result before its rule has a number.
struct Draft {
    rule: Rule,
    outcome: Outcome,
}

fn run(report: &Report, worst: Verdict) -> Run {
    let by_id = view::packages(report);
    let mut drafts = Vec::new();
    for f in &report.findings {
        drafts.push(finding(report, f, by_id.get(&f.package).copied()));
    }
    for c in &report.checks {
        // A part of the config is no file; the image stands for it.
        let path = if c.location.starts_with("config") || c.location.starts_with("history") { "" } else { &c.location };
        let location = place(report, None, path, 0, &c.location);
        let print = format!("{}\n{}", c.id, c.location);
        let text = format!("{}: {}", c.location, c.title);
        let help = format!("{} {}", c.reason, c.remediation);
        let what = What { id: &c.id, name: "ImageCheck", title: &c.title, help: help.trim(), tag: "misconfiguration" };
        drafts.push(plain(what, c.severity, c.effect, text, location, &print));
    }
    for s in &report.secrets {
        let location = place(report, None, &s.path, s.line, &s.path);
        let print = format!("{}\n{}\n{}", s.rule, s.path, s.redacted);
        let text = format!("{} {} in {}", s.title, s.redacted, s.path);
        let help = "Revoke the secret, then take it out of the layer that holds it.";
        let what = What { id: &s.rule, name: "Secret", title: &s.title, help, tag: "secret" };
        // A secret is never a mere note, whatever the policy does about it.
        let effect = view::secret_effect(report, s.severity).max(Effect::Warn);
        drafts.push(plain(what, s.severity, effect, text, location, &print));
    }
    // The worst stay: GitHub refuses the whole file when a run has more.
    let left_out = drafts.len().saturating_sub(MAX_RESULTS);
    if left_out > 0 {
        drafts.sort_by_key(|draft| rank(draft.outcome.level));
        drafts.truncate(MAX_RESULTS);
    }
    let mut rules: BTreeMap<String, Rule> = BTreeMap::new();
    let mut results = Vec::new();
    for Draft { rule, outcome } in drafts {
        rules.entry(rule.id.clone()).or_insert(rule);
        results.push(outcome);
    }
    let order: BTreeMap<String, usize> = rules.keys().cloned().zip(0..).collect();
    for outcome in &mut results {
        outcome.rule_index = order.get(&outcome.rule_id).copied().unwrap_or_default();
    }
    let platform = report.image.platform.as_ref().map(ToString::to_string);
    let name = repository(&report.image.reference);
    Run {
        tool: Tool {
            driver: Driver {
                name: "layergate",
                version: stamp::VERSION,
                semantic_version: stamp::VERSION,
                information_uri: env!("CARGO_PKG_REPOSITORY"),
                rules: rules.into_values().collect(),
            },
        },
        automation_details: Id { id: format!("layergate/{}/{}/", clean(name), platform.as_deref().unwrap_or("-")) },
        invocations: [invocation(report, worst, left_out)],
        results,
        column_kind: "unicodeCodePoints",
        properties: RunProperties {
            verdict: report.verdict.as_str(),
            reference: clean(&report.image.reference).into(),
            digest: report.image.digest,
            platform,
            snapshot: report.inputs.snapshot,
            policy: report.inputs.policy,
            as_of: report.inputs.as_of.clone(),
        },
    }
}

/// A reference without tag and digest: a category by which dashboards keep alerts must be the same from build to build.
fn repository(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or_default();
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') && before.contains('/') => before,
        _ => name,
    }
}

fn invocation(report: &Report, worst: Verdict, left_out: usize) -> Invocation {
    let gaps = report.gaps.iter().map(|g| Notification {
        descriptor: Id { id: format!("gap/{}", g.kind) },
        level: level(g.effect),
        message: text(&format!("{}: {}", g.place, g.detail)),
    });
    let reasons = report.reasons.iter().filter(|r| r.effect == Effect::Error).map(|r| Notification {
        descriptor: Id { id: format!("reason/{}", clean(&r.rule)) },
        level: "error",
        message: text(&r.text),
    });
    let cut = (left_out > 0).then(|| Notification {
        descriptor: Id { id: "results/left-out".into() },
        level: "warning",
        message: text(&format!("{left_out} results are left out: a run holds {MAX_RESULTS} at most, the worst first")),
    });
    let aside = report.image.left_out.iter().map(|what| Notification {
        descriptor: Id { id: "index/left-out".into() },
        level: "note",
        message: text(&format!("of the index, left aside because it is no image: {what}")),
    });
    Invocation {
        execution_successful: worst != Verdict::Error,
        exit_code: worst.exit_code(),
        tool_execution_notifications: gaps.chain(reasons).chain(cut).chain(aside).collect(),
    }
}

fn finding(report: &Report, f: &Finding, package: Option<&ReportPackage>) -> Draft {
    let name = package.map_or(f.package.as_str(), |p| p.name.as_str());
    let version = package.map_or("", |p| p.version.as_str());
    let path = package.and_then(|p| p.locations.first()).map_or("", String::as_str);
    let title = f.title.clone().unwrap_or_else(|| format!("{} in {name}", f.advisory));
    let message = format!(
        "{name} {version} is affected by {} ({}). Fix: {}. {}",
        f.advisory,
        f.severity,
        view::fix(f),
        f.remediation
    );
    let score = f.cvss.iter().map(|c| c.score_tenths).max();
    let mut tags = vec!["security".to_owned(), "vulnerability".to_owned(), f.severity.to_string()];
    tags.extend(f.signals.exploited().then(|| "known-exploited".to_owned()));
    // The form that code-scanning groups weaknesses by.
    tags.extend(f.cwe.iter().map(|c| format!("external/cwe/cwe-{}", c.number())));
    tags.extend(f.malicious.then(|| "malicious".to_owned()));
    let stable = package.map_or(name, |p| p.purl.as_str().split('@').next().unwrap_or(name));
    let mut prints = BTreeMap::new();
    prints.insert("layergateFinding/v1", f.id.to_string());
    // The same vulnerability of the same package stays one alert when the version or the layer changes.
    prints.insert("primaryLocationLineHash", short(&format!("{}\n{stable}\n{path}", f.advisory)));
    let mut properties: BTreeMap<&'static str, serde_json::Value> = BTreeMap::new();
    properties.insert("effect", serde_json::to_value(f.effect).unwrap_or_default());
    properties.insert("status", serde_json::to_value(f.status).unwrap_or_default());
    properties.insert("fixedVersions", f.fixed_versions.iter().map(|v| clean(v).into_owned()).collect());
    properties.insert("layer", f.layer.into());
    if let Some(p) = package {
        properties.insert("purl", p.purl.as_str().into());
    }
    let suppressions = f.suppressed_by.iter().map(|s| Suppressed {
        kind: "external",
        status: "accepted",
        justification: clean(&format!("{} {}: {}", s.kind, s.id, s.justification)).into(),
    });
    let id = clean(&f.advisory).into_owned();
    Draft {
        rule: Rule {
            name: if f.malicious { "MaliciousPackage" } else { "Vulnerability" },
            short_description: text(&title),
            full_description: text(&title),
            help_uri: stamp::advisory_url(&f.advisory),
            help: text(&format!(
                "{} ({}). Evidence: {} says {}.",
                title, f.severity, f.evidence.feed, f.evidence.range
            )),
            default_configuration: Level { level: severity_level(f.severity) },
            properties: RuleProperties {
                precision: "very-high",
                security_severity: score.map_or_else(|| nominal(f.severity).into(), tenths),
                tags,
            },
            id: id.clone(),
        },
        outcome: Outcome {
            rule_id: id,
            rule_index: 0,
            level: level(f.effect),
            message: text(message.trim_end()),
            locations: vec![place(report, f.layer, path, 0, &format!("{name} {version}"))],
            partial_fingerprints: prints,
            suppressions: suppressions.collect(),
            properties,
        },
    }
}

/// What a check's or secret's rule says.
struct What<'a> {
    id: &'a str,
    name: &'static str,
    title: &'a str,
    help: &'a str,
    tag: &'static str,
}

fn plain(what: What<'_>, severity: Severity, effect: Effect, message: String, at: Location, print: &str) -> Draft {
    let id = clean(what.id).into_owned();
    let mut prints = BTreeMap::new();
    prints.insert("primaryLocationLineHash", short(print));
    Draft {
        rule: Rule {
            id: id.clone(),
            name: what.name,
            short_description: text(what.title),
            full_description: text(what.title),
            help_uri: None,
            help: text(what.help),
            default_configuration: Level { level: severity_level(severity) },
            properties: RuleProperties {
                precision: "high",
                security_severity: nominal(severity).into(),
                tags: vec!["security".into(), what.tag.into(), severity.to_string()],
            },
        },
        outcome: Outcome {
            rule_id: id,
            rule_index: 0,
            level: level(effect),
            message: text(&message),
            locations: vec![at],
            partial_fingerprints: prints,
            suppressions: Vec::new(),
            properties: BTreeMap::new(),
        },
    }
}

/// A path of the image, relative as code-scanning wants it, with the layer as the module that holds it.
fn place(report: &Report, layer: Option<u32>, path: &str, line: u32, message: &str) -> Location {
    let file = path.split('!').next().unwrap_or(path);
    let uri = if file.is_empty() { uri_path(&report.image.reference) } else { uri_path(file) };
    let layer = layer.and_then(|l| report.image.layers.iter().find(|x| x.index == l));
    Location {
        physical_location: Physical { artifact_location: Artifact { uri }, region: Region { start_line: line.max(1) } },
        logical_locations: layer
            .map(|l| Logical {
                name: format!("layer {}", l.index),
                fully_qualified_name: format!("{}!{}", l.digest, clean(path)),
                kind: "module",
            })
            .into_iter()
            .collect(),
        message: text(message),
    }
}

/// The standard wants no empty message.
fn text(text: &str) -> Text {
    let text = clean(text);
    Text { text: if text.trim().is_empty() { "-".into() } else { text.into() } }
}

fn short(text: &str) -> String {
    Digest::of(text.as_bytes()).to_hex()[..32].to_owned()
}

fn tenths(score: u8) -> String {
    format!("{}.{}", score / 10, score % 10)
}

/// A score in the middle of the band, where nobody gave one; code-scanning sorts by it.
const fn nominal(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Negligible => "0.5",
        Severity::Unknown => "0.0",
    }
}

const fn severity_level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        _ => "note",
    }
}

const fn level(effect: Effect) -> &'static str {
    match effect {
        Effect::Error | Effect::Fail => "error",
        Effect::Warn => "warning",
        Effect::Ignore => "note",
    }
}
