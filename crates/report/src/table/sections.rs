//! The table's sections beside its vulnerabilities.

use std::{cmp::Reverse, collections::BTreeMap};

use layergate_model::{Check, Effect, GapKind, Report, ReportGap};

use super::{cut, effect_text, severity_ink};
use crate::{
    advice,
    page::{Ink, Page},
    text::{clean, count, fit, pad, width},
    view,
};

/// Gaps of one kind that are shown before "and N more".
const GAPS: usize = 3;
/// Places of one check that are shown before "and N more".
const PLACES: usize = 3;

/// Findings that one exception or statement took out, before "and N more".
const TAKEN_OUT: usize = 5;

pub(super) fn secrets(page: &mut Page, report: &Report) {
    if report.secrets.is_empty() {
        return;
    }
    page.heading("Secrets");
    let mut secrets: Vec<_> = report.secrets.iter().collect();
    secrets.sort_by_key(|s| (Reverse(s.severity), &s.path, s.line));
    for secret in secrets {
        let head = format!("  {}  ", pad(&secret.severity.as_str().to_uppercase(), 10));
        let line = if secret.line > 0 { format!(":{}", secret.line) } else { String::new() };
        let text = format!("{}{line}: {} {} [{}]", secret.path, secret.title, secret.redacted, secret.rule);
        page.hang_inked(&head, severity_ink(secret.severity), &text);
    }
    page.hang("  → ", "revoke them first; then take them out of the layer that holds them", Ink::Good);
}

/// Failed checks, each once with the places where it failed.
pub(super) fn checks(page: &mut Page, report: &Report, details: bool) {
    if report.checks.is_empty() {
        return;
    }
    page.heading("Misconfiguration");
    let mut checks: Vec<_> = report.checks.iter().collect();
    let rank = |c: &Check| (Reverse((c.effect, c.severity)), c.id.clone(), c.title.clone(), c.remediation.clone());
    checks.sort_by_key(|c| (rank(c), c.location.clone()));
    for same in checks.chunk_by(|a, b| rank(a) == rank(b)) {
        let Some(check) = same.first() else { continue };
        let head = format!("  {}  ", pad(&check.severity.as_str().to_uppercase(), 10));
        let stop = if check.effect >= Effect::Fail { " (stops the image)" } else { "" };
        let shown = if details { same.len() } else { same.len().min(PLACES) };
        let mut places = same[..shown].iter().map(|c| c.location.as_str()).collect::<Vec<_>>().join(", ");
        if shown < same.len() {
            places += &format!(" and {} more", same.len() - shown);
        }
        page.hang_inked(&head, severity_ink(check.severity), &format!("{places}: {}{stop}", check.title));
        // What stops the image is among the things to do.
        if check.effect < Effect::Fail {
            page.hang("              → ", &check.remediation, Ink::Good);
        }
    }
}

/// Findings that VEX or an exception took out, and what else exceptions did.
pub(super) fn suppressed(page: &mut Page, report: &Report) {
    let by_id = view::packages(report);
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for f in &report.findings {
        let Some(by) = &f.suppressed_by else { continue };
        let name = by_id.get(&f.package).map_or(f.package.as_str(), |p| &p.name);
        let until = by.expires.as_deref().map(|e| format!(" until {e}")).unwrap_or_default();
        let why = format!("{} {}{until}: {}", by.kind, by.id, by.justification);
        lines.entry(why).or_default().push(format!("{} {} in {name}", f.severity, f.advisory));
    }
    let others = report.reasons.iter().filter(|r| {
        r.effect == Effect::Ignore && r.finding_ids.is_empty() && matches!(r.rule.as_str(), "exception" | "vex")
    });
    let mut others = others.peekable();
    if lines.is_empty() && others.peek().is_none() {
        return;
    }
    page.heading("Taken out of the verdict");
    for (why, what) in &lines {
        let more = what.len().saturating_sub(TAKEN_OUT);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        page.hang("  - ", &format!("{}{more} ({why})", what[..what.len().min(TAKEN_OUT)].join(", ")), Ink::Plain);
    }
    others.for_each(|r| page.hang("  - ", &r.text, Ink::Plain));
}

/// What was not looked at, each kind once with what to do about it.
pub(super) fn gaps(page: &mut Page, report: &Report, details: bool) {
    if report.gaps.is_empty() {
        return;
    }
    page.heading("Not looked at");
    let mut kinds: BTreeMap<(Reverse<Effect>, GapKind), Vec<&ReportGap>> = BTreeMap::new();
    report.gaps.iter().for_each(|g| kinds.entry((Reverse(g.effect), g.kind)).or_default().push(g));
    for ((Reverse(effect), kind), gaps) in kinds {
        let ink = if effect >= Effect::Error { Ink::Bad } else { Ink::Plain };
        let head = format!("  {}  ", pad(effect_text(effect), 5));
        page.hang_inked(&head, ink, kind.as_str());
        let shown = if details { gaps.len() } else { gaps.len().min(GAPS) };
        for gap in &gaps[..shown] {
            let place = if gap.place.is_empty() || gap.detail.starts_with(&gap.place) {
                String::new()
            } else {
                format!("{}: ", gap.place)
            };
            let text = format!("{place}{}", gap.detail);
            let indent = "         ";
            let text = if details { text } else { cut(page, indent, &text) };
            page.text(indent, &text, Ink::Faint);
        }
        if shown < gaps.len() {
            let more = count(gaps.len() - shown, "more", "more");
            page.text("         ", &format!("and {more}; --details lists them"), Ink::Faint);
        }
        // What stops the image is among the things to do.
        if effect < Effect::Fail {
            page.hang("         → ", advice::for_gap(kind), Ink::Good);
        }
    }
}

/// Which layer is which.
pub(super) fn layers(page: &mut Page, report: &Report) {
    if report.image.layers.is_empty() {
        return;
    }
    page.heading("Layers");
    for layer in &report.image.layers {
        let by = layer.created_by.as_deref().map(clean).unwrap_or("(build step unknown)".into());
        let head = format!("  {:>3}  {}  ", layer.index, &layer.digest.to_hex()[..12]);
        page.put(&head, Ink::Plain);
        let rest = page.width().saturating_sub(width(&head));
        page.put(&fit(&by, rest), Ink::Faint);
        page.end();
    }
}
