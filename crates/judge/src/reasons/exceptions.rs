//! Reasons out of exceptions and VEX: what was taken out and by whose word, and which exceptions have run out.

use std::collections::BTreeMap;

use layergate_model::{Effect, FindingId, Reason, one_line};
use layergate_policy::Exception;

use super::{Case, reason};
use crate::text::{count, listed};

/// Expired exceptions that mattered and get a sentence each; the rest is counted.
const SINGLY: usize = 20;

pub(super) fn reasons(case: &Case<'_>) -> Vec<Reason> {
    let mut out = suppressed(case);
    out.extend(expired(case));
    out
}

fn suppressed(case: &Case<'_>) -> Vec<Reason> {
    let mut out = Vec::new();
    for (kind, one, many) in [
        ("vex", "finding is taken out by VEX", "findings are taken out by VEX"),
        ("exception", "finding is excepted", "findings are excepted"),
    ] {
        let mut texts = Vec::new();
        let mut ids = Vec::new();
        for finding in case.findings {
            let Some(by) = finding.finding.suppressed_by.as_ref().filter(|s| s.kind == kind) else { continue };
            let until = by.expires.as_ref().map(|e| format!(", until {e}")).unwrap_or_default();
            texts.push(format!(
                "{} on {} ({}: {}{until})",
                finding.finding.advisory,
                finding.package_name(),
                one_line(&by.id, 80),
                one_line(&by.justification, 120)
            ));
            ids.push(finding.finding.id.clone());
        }
        if !texts.is_empty() {
            let text = format!("{}: {}", count(texts.len(), one, many), listed(&texts, 3, "; "));
            out.push(reason(kind, Effect::Ignore, text, ids));
        }
    }
    let gaps = case.gaps.iter().map(|g| (g.value.kind.as_str(), g.value.place.as_str(), g.exception));
    let checks = case.checks.iter().map(|c| (c.value.id.as_str(), c.value.location.as_str(), c.exception));
    let secrets = case.secrets.iter().map(|s| (s.value.rule.as_str(), s.value.path.as_str(), s.exception));
    let texts: Vec<String> = gaps
        .chain(checks)
        .chain(secrets)
        .filter_map(|(what, place, exception)| {
            let e = exception?;
            Some(format!("{what} at {} ({}: {})", one_line(place, 120), one_line(&e.id, 80), one_line(&e.reason, 120)))
        })
        .collect();
    if !texts.is_empty() {
        let what = count(texts.len(), "other thing is excepted", "other things are excepted");
        out.push(reason("exception", Effect::Ignore, format!("{what}: {}", listed(&texts, 3, "; ")), Vec::new()));
    }
    out
}

#[derive(Default)]
struct Missed {
    what: Vec<String>,
    ids: Vec<FindingId>,
}

fn expired(case: &Case<'_>) -> Vec<Reason> {
    let key = |e: &Exception| (e.file.clone(), e.line, e.id.clone());
    let mut missed: BTreeMap<(String, usize, String), (&Exception, Missed)> = BTreeMap::new();
    for finding in case.findings {
        for exception in &finding.expired {
            let entry = &mut missed.entry(key(exception)).or_insert_with(|| (exception, Missed::default())).1;
            entry.what.push(format!("{} on {}", finding.finding.advisory, finding.package_name()));
            entry.ids.push(finding.finding.id.clone());
        }
    }
    let gaps = case.gaps.iter().map(|g| (g.value.kind.as_str(), g.value.place.as_str(), &g.expired));
    let checks = case.checks.iter().map(|c| (c.value.id.as_str(), c.value.location.as_str(), &c.expired));
    let secrets = case.secrets.iter().map(|s| (s.value.rule.as_str(), s.value.path.as_str(), &s.expired));
    for (what, place, list) in gaps.chain(checks).chain(secrets) {
        for exception in list {
            let entry = &mut missed.entry(key(exception)).or_insert_with(|| (exception, Missed::default())).1;
            entry.what.push(format!("{what} at {}", one_line(place, 120)));
        }
    }
    let mut out = Vec::new();
    let total = missed.len();
    for (exception, missed) in missed.values().take(SINGLY) {
        let text = format!(
            "the exception {} expired on {} and no longer covers {}: renew it with a reason, or fix the finding",
            named(exception),
            exception.last_day().unwrap_or_default(),
            listed(&missed.what, 4, ", ")
        );
        out.push(reason("exception", Effect::Warn, text, missed.ids.clone()));
    }
    if total > SINGLY {
        let ids = missed.values().skip(SINGLY).flat_map(|(_, m)| m.ids.iter().cloned()).collect();
        let text = format!("{} more exceptions have expired and no longer cover what they did", total - SINGLY);
        out.push(reason("exception", Effect::Warn, text, ids));
    }
    let idle: Vec<String> = case
        .policy
        .exceptions()
        .iter()
        .filter(|e| e.expired(case.as_of) && e.concerns_image(case.reference) && !missed.contains_key(&key(e)))
        .map(|e| format!("{} on {}", named(e), e.last_day().unwrap_or_default()))
        .collect();
    if !idle.is_empty() {
        let what = count(idle.len(), "exception has", "exceptions have");
        let text = format!("{what} expired, without effect on this image: {}", listed(&idle, 5, ", "));
        out.push(reason("exception", Effect::Ignore, text, Vec::new()));
    }
    out
}

/// `EX-1 (policy.toml:12)`, or `policy.toml:12` where that is its id.
fn named(exception: &Exception) -> String {
    let place = format!("{}:{}", exception.file, exception.line);
    if exception.id == place { place } else { format!("{} ({place})", one_line(&exception.id, 80)) }
}
