//! Why the verdict is what it is, worst first, in sentences for somebody who was just woken up.
//!
//! Whatever has an effect of `warn` or more stands behind a reason of that effect, so the worst reason is the verdict.

mod exceptions;
mod findings;
mod gaps;
mod others;

use jiff::civil::Date;
use layergate_model::{Check, Effect, FindingId, GapKind, Reason, ReportGap, Secret};
use layergate_policy::Policy;

use crate::{
    findings::Judged,
    items::{Item, Refused},
};

/// Everything that has been judged.
pub(crate) struct Case<'a> {
    pub(crate) findings: &'a [Judged<'a>],
    pub(crate) gaps: &'a [Item<'a, ReportGap>],
    pub(crate) checks: &'a [Item<'a, Check>],
    pub(crate) secrets: &'a [Item<'a, Secret>],
    pub(crate) licenses: &'a [Refused<'a>],
    pub(crate) packages: usize,
    pub(crate) reference: &'a str,
    pub(crate) policy: &'a Policy,
    pub(crate) as_of: Date,
}

/// Characters of a reason; the lists in it are short, so only names of absurd length reach this.
const LONGEST: usize = 4000;

/// The order of rules of one effect.
const ORDER: &[&str] = &[
    "gap",
    "malicious",
    "kev",
    "epss",
    "signal",
    "severity",
    "secret",
    "license",
    "check",
    "exception",
    "vex",
    "end_of_life",
    "stale_advisories",
    "policy",
    "clean",
];

/// A reason. Names in it come from images and feeds: what would move a terminal's cursor is taken out.
pub(crate) fn reason(rule: &str, effect: Effect, text: String, mut finding_ids: Vec<FindingId>) -> Reason {
    finding_ids.sort();
    finding_ids.dedup();
    Reason { rule: rule.to_owned(), effect, text: layergate_model::one_line(&text, LONGEST), finding_ids }
}

/// All reasons, worst first.
pub(crate) fn of(case: &Case<'_>) -> Vec<Reason> {
    let mut out = gaps::reasons(case.gaps);
    out.extend(findings::reasons(case.findings));
    out.extend(others::secrets(case.secrets));
    out.extend(others::licenses(case.licenses));
    out.extend(others::checks(case.checks));
    out.extend(exceptions::reasons(case));
    out.extend(case.policy.notes().iter().map(|n| reason("policy", Effect::Ignore, n.clone(), Vec::new())));
    // "Nothing found" is said only of what was read: never where a gap may hide packages or their advisories.
    let unsuppressed = case.findings.iter().filter(|f| !f.suppressed()).count();
    if case.packages > 0
        && unsuppressed == 0
        && !case.gaps.iter().any(|g| g.value.kind.hides_packages() || g.value.kind == GapKind::PartialAdvisories)
        // A policy may make an error of anything: "clean" beside "no verdict" would confuse.
        && out.iter().all(|r| r.effect < Effect::Error)
    {
        let text = match case.packages {
            1 => "1 package was compared with the advisories and nothing stands against it".to_owned(),
            n => format!("{n} packages were compared with the advisories and nothing stands against them"),
        };
        out.push(reason("clean", Effect::Ignore, text, Vec::new()));
    }
    let rank = |rule: &str| ORDER.iter().position(|r| *r == rule).unwrap_or(ORDER.len());
    // Stable: within one rule the order in which its file gave them stays.
    out.sort_by_key(|r| (std::cmp::Reverse(r.effect), rank(&r.rule)));
    out
}
