//! Reasons out of findings: one for each rule and effect; those of failing severities apart, gravest first.

use std::{cmp::Reverse, collections::BTreeMap};

use layergate_model::{Effect, FindingId, Reason, Scope, Severity, Signal, SignalName};
use layergate_policy::FindingRule;

use super::reason;
use crate::{
    findings::Judged,
    text::{by_package, count, listed},
};

type Group<'a> = Vec<&'a Judged<'a>>;

pub(super) fn reasons<'a>(findings: &'a [Judged<'a>]) -> Vec<Reason> {
    let open: Group<'a> = findings.iter().filter(|f| !f.suppressed()).collect();
    let mut out = Vec::new();
    let mut by_rule: BTreeMap<(&FindingRule, Reverse<Effect>), Group<'a>> = BTreeMap::new();
    for finding in open {
        by_rule.entry((&finding.rule, Reverse(finding.finding.effect))).or_default().push(finding);
    }
    for ((rule, Reverse(effect)), group) in by_rule {
        match rule {
            FindingRule::Malicious => out.push(reason(rule.as_str(), effect, malicious(&group), ids(&group))),
            FindingRule::Signal(name) => {
                out.push(reason(rule.as_str(), effect, signal(name, &group), ids(&group)));
            }
            FindingRule::Severity if effect >= Effect::Fail => out.extend(failing(effect, &group)),
            FindingRule::Severity => {
                let verb = match (effect, group.len()) {
                    (Effect::Warn, 1) => "does not fail the image",
                    (Effect::Warn, _) => "do not fail the image",
                    (_, 1) => "is ignored by the policy",
                    (_, _) => "are ignored by the policy",
                };
                let text = format!("{} {verb}: {}", count(group.len(), "finding", "findings"), tally(&group));
                out.push(reason(rule.as_str(), effect, text, ids(&group)));
            }
        }
    }
    out
}

fn ids(group: &Group<'_>) -> Vec<FindingId> {
    group.iter().map(|f| f.finding.id.clone()).collect()
}

fn plain(group: &Group<'_>) -> String {
    by_package(group.iter().map(|f| (f.package_name(), f.finding.advisory.clone())))
}

fn malicious(group: &Group<'_>) -> String {
    let items = by_package(group.iter().map(|f| (f.package_name(), f.finding.advisory.clone())));
    let mut names: Vec<&str> = group.iter().map(|f| f.package_name()).collect();
    names.sort_unstable();
    names.dedup();
    match names.len() {
        1 => format!("1 package is malicious: {items}; remove it, and renew every secret that it could reach"),
        n => format!("{n} packages are malicious: {items}; remove them, and renew every secret that they could reach"),
    }
}

fn signal(name: &SignalName, group: &Group<'_>) -> String {
    let (one, many, show): (_, _, fn(&Judged<'_>, &SignalName) -> String) = match name.word() {
        Some("kev") => {
            ("is known to be exploited (CISA KEV)".into(), "are known to be exploited (CISA KEV)".into(), listed_on)
        }
        Some("epss") => {
            ("is likely to be exploited soon (EPSS)".into(), "are likely to be exploited soon (EPSS)".into(), likely)
        }
        _ => (format!("has the signal `{name}`"), format!("have the signal `{name}`"), said),
    };
    let items =
        by_package(group.iter().map(|f| (f.package_name(), format!("{}{}", f.finding.advisory, show(f, name)))));
    match group.len() {
        1 => format!("1 finding {one}: {items}"),
        n => format!("{n} findings {many}: {items}"),
    }
}

/// ` since 2024-01-02, used by ransomware`.
fn listed_on(judged: &Judged<'_>, _: &SignalName) -> String {
    let Some(kev) = judged.finding.signals.kev() else { return String::new() };
    let ransomware = if kev.ransomware { ", used by ransomware" } else { "" };
    format!(" since {}{ransomware}", kev.date_added)
}

/// ` 31.2 %`.
fn likely(judged: &Judged<'_>, _: &SignalName) -> String {
    let tenths = (judged.finding.signals.epss().unwrap_or_default() + 500) / 1000;
    format!(" {}.{} %", tenths / 10, tenths % 10)
}

/// ` (cisa-ssvc 2024-01-02)`: what each source says that the rule asks.
fn said(judged: &Judged<'_>, name: &SignalName) -> String {
    let signals = judged.finding.signals.iter().filter(|s| name.covers(&s.source, &s.kind));
    let one = |s: &Signal| {
        let value = s.value.map(|v| format!(" {}", f64::from(v) / 1e6)).unwrap_or_default();
        format!("{}{value}{}", s.source, s.date.as_ref().map(|d| format!(" {d}")).unwrap_or_default())
    };
    format!(" ({})", signals.map(one).collect::<Vec<_>>().join(", "))
}

/// One reason for each severity, with and without a fix.
fn failing(effect: Effect, group: &Group<'_>) -> Vec<Reason> {
    let mut parts: BTreeMap<(Reverse<Severity>, bool, bool), Group<'_>> = BTreeMap::new();
    for finding in group {
        let unrated = finding.finding.severity == Severity::Unknown;
        parts.entry((Reverse(finding.counted), unrated, !finding.fixable())).or_default().push(finding);
    }
    parts
        .into_iter()
        .map(|((Reverse(counted), unrated, unfixed), part)| {
            let one = part.len() == 1;
            let what = match (unrated, one) {
                (true, true) => "finding without a severity".to_owned(),
                (true, false) => "findings without a severity".to_owned(),
                (false, true) => format!("{counted} finding"),
                (false, false) => format!("{counted} findings"),
            };
            let has = match (unfixed, one) {
                (false, true) => "has a fix",
                (false, false) => "have a fix",
                (true, true) => "has no fix yet",
                (true, false) => "have no fix yet",
            };
            let as_what = match (unrated && counted != Severity::Unknown, one) {
                (true, true) => format!(" and counts as {counted}"),
                (true, false) => format!(" and count as {counted}"),
                (false, _) => String::new(),
            };
            let text = format!("{} {what} {has}{as_what}: {}", part.len(), plain(&part));
            reason(FindingRule::Severity.as_str(), effect, text, ids(&part))
        })
        .collect()
}

/// `3 high without a fix, 2 high in development dependencies, 6 medium`.
fn tally(group: &Group<'_>) -> String {
    let mut counts: BTreeMap<(Reverse<Severity>, &str), usize> = BTreeMap::new();
    for finding in group {
        let is_dev = finding.package.is_some_and(|p| p.package.scope == Scope::Dev);
        let why = match (is_dev, finding.fixable()) {
            (true, _) => " in development dependencies",
            (false, false) => " without a fix",
            (false, true) => "",
        };
        *counts.entry((Reverse(finding.finding.severity), why)).or_default() += 1;
    }
    let items: Vec<String> = counts
        .into_iter()
        .map(|((Reverse(severity), why), n)| match severity {
            Severity::Unknown => format!("{n} of no known severity{why}"),
            severity => format!("{n} {severity}{why}"),
        })
        .collect();
    listed(&items, items.len(), ", ")
}
