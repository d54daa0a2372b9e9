//! `-o table`: for a tired engineer at night. The verdict and why come first, then counts, a line for each
//! vulnerability by target, what was not looked at, what to do in as few steps as fix the most, and the verdict again,
//! nearest to the prompt. What is evidence rather than news waits for `--details`.
//!
//! Lines keep to the width they are given (60 to 240 columns, counted in cells); colors and links only when asked.

mod findings;
mod sections;

use layergate_model::{Effect, Reason, Report, Severity, Verdict};

use crate::{
    RenderOptions,
    page::{Ink, Page},
    plan, rows,
    text::{clean, count, fit, pad, width, wrap},
    view,
};

/// How many things to do are named before "and N more".
const ACTIONS: usize = 10;
/// Lines of one reason; the JSON report and `--details` have all of it.
const REASON_LINES: usize = 2;
/// Rules whose warnings have a section of their own.
const SHOWN_ELSEWHERE: [&str; 10] =
    ["severity", "kev", "epss", "signal", "malicious", "gap", "check", "secret", "stale_advisories", "end_of_life"];

pub(crate) fn render(reports: &[Report], options: &RenderOptions) -> String {
    let mut page = Page::new(options);
    if reports.is_empty() {
        page.line("", "Nothing was scanned.", Ink::Bad);
    }
    for (i, report) in reports.iter().enumerate() {
        if i > 0 {
            let rule = "─".repeat(page.width());
            page.blank();
            page.line("", &rule, Ink::Faint);
            page.blank();
        }
        one(&mut page, report, options.details);
    }
    if reports.len() > 1 {
        page.heading("All images");
        for report in reports {
            let head = format!("{}  ", pad(&report.verdict.as_str().to_uppercase(), 5));
            page.hang_inked(&head, verdict_ink(report.verdict), &title(report));
        }
    }
    page.finish()
}

fn one(page: &mut Page, report: &Report, details: bool) {
    page.hang_inked(&verdict_head(report), verdict_ink(report.verdict), &title(report));
    if report.verdict == Verdict::Error {
        page.text("  ", "No verdict can be given: something that matters was not read.", Ink::Bad);
    }
    let weighs = |r: &&Reason| r.effect >= Effect::Fail;
    report.reasons.iter().filter(weighs).for_each(|r| reason(page, r, details));
    page.blank();
    counts(page, report);
    facts(page, report);
    let targets = rows::targets(report);
    targets.iter().for_each(|t| findings::target(page, t, details));
    findings::ignored(page, &targets, details);
    sections::secrets(page, report);
    sections::checks(page, report, details);
    sections::suppressed(page, report);
    sections::gaps(page, report, details);
    if details {
        sections::layers(page, report);
    }
    let others: Vec<_> = report.reasons.iter().filter(|r| !weighs(r) && is_reported_here(r, details)).collect();
    if !others.is_empty() {
        page.heading("Also");
        others.into_iter().for_each(|r| reason(page, r, details));
    }
    last(page, report);
}

fn is_reported_here(reason: &Reason, details: bool) -> bool {
    reason.effect >= Effect::Warn && !SHOWN_ELSEWHERE.contains(&reason.rule.as_str())
        || details && !matches!(reason.rule.as_str(), "exception" | "vex")
}

fn verdict_head(report: &Report) -> String {
    format!("{}  ", report.verdict.as_str().to_uppercase())
}

/// One reason in a line or two.
fn reason(page: &mut Page, reason: &Reason, details: bool) {
    let ink = if reason.effect >= Effect::Fail { Ink::Plain } else { Ink::Faint };
    let head = format!("  {}  ", pad(effect_text(reason.effect), 5));
    let text = format!("{} [{}]", reason.text, reason.rule);
    if details {
        page.hang(&head, &text, ink);
    } else {
        page.hang(&head, &cut(page, &head, &text), ink);
    }
}

/// As much of a text as goes into two lines behind a head.
fn cut(page: &Page, head: &str, text: &str) -> String {
    let text = clean(text);
    let room = page.width().saturating_sub(width(head));
    let lines = wrap(&text, room);
    if lines.len() <= REASON_LINES {
        return text.into_owned();
    }
    let rest = lines[REASON_LINES - 1..].join(" ");
    format!("{} {}", lines[..REASON_LINES - 1].join(" "), fit(&rest, room))
}

/// The counts in a row, severities by color.
fn counts(page: &mut Page, report: &Report) {
    let s = &report.summary;
    let f = &s.findings;
    let counts = [f.critical, f.high, f.medium, f.low, f.negligible, f.unknown];
    // The upper four are always there, so that their places do not move from run to run.
    let shown = counts.into_iter().zip(Severity::ALL).filter(|(n, severity)| *n > 0 || *severity >= Severity::Low);
    let shown: Vec<(String, Ink)> = shown
        .map(|(n, severity)| (format!("{n} {severity}"), if n == 0 { Ink::Faint } else { severity_ink(severity) }))
        .collect();
    let mut used = 0;
    for (text, ink) in &shown {
        if used > 0 && used + 3 + width(text) > page.width() {
            page.end();
            used = 0;
        }
        let gap = if used == 0 { "  " } else { "   " };
        page.put(gap, Ink::Plain);
        page.put(text, *ink);
        used += gap.len() + width(text);
    }
    page.end();
    let count = |n: usize, one: &str, many: &str| (n > 0).then(|| count(n, one, many));
    let others = [
        (s.fixable > 0).then(|| format!("{} with a fix", s.fixable)),
        count(report.secrets.len(), "secret", "secrets"),
        count(report.checks.len(), "misconfiguration", "misconfigurations"),
        (s.suppressed > 0).then(|| format!("{} taken out", s.suppressed)),
        count(s.gaps as usize, "gap", "gaps"),
    ];
    let others: Vec<String> = others.into_iter().flatten().collect();
    if !others.is_empty() {
        page.text("  ", &others.join(", "), Ink::Plain);
    }
    page.blank();
}

/// What the image is, what is in it, and by what it was judged.
fn facts(page: &mut Page, report: &Report) {
    let image = &report.image;
    let mut system = view::distro_text(report).unwrap_or_else(|| "no distribution recognized".into());
    if let Some(end) = image.distro.as_ref().and_then(|d| d.end_of_life.as_deref()) {
        let ended = end < report.inputs.as_of.as_str();
        let how = if ended { "not supported since" } else { "supported until" };
        system.push_str(&format!(", {how} {end}"));
    }
    let mut contents = count(report.packages.len(), "package", "packages");
    if !image.layers.is_empty() {
        contents.push_str(&format!(" in {}", count(image.layers.len(), "layer", "layers")));
    }
    let mut facts = vec![system, contents];
    facts.extend(view::base_text(report));
    facts.push(match (&report.inputs.snapshot_date, &report.inputs.snapshot) {
        (Some(date), _) => format!("advisories up to {date}, judged as of {}", report.inputs.as_of),
        (None, Some(_)) => format!("advisories of unknown date, judged as of {}", report.inputs.as_of),
        (None, None) => "without advisories".into(),
    });
    if !image.other_platforms.is_empty() {
        facts.push(format!("not asked for: {}", image.other_platforms.join(", ")));
    }
    facts.extend(view::left_out_text(report));
    page.text("  ", &facts.join(" · "), Ink::Faint);
    if let Some(digest) = &image.digest {
        page.text("  ", &digest.to_string(), Ink::Faint);
    }
}

fn title(report: &Report) -> String {
    let platform = report.image.platform.as_ref().map(|p| format!(" ({p})")).unwrap_or_default();
    format!("{}{platform}", report.image.reference)
}

/// What to do, and the verdict once more where the prompt is.
fn last(page: &mut Page, report: &Report) {
    let todo = plan::todo(report);
    if !todo.is_empty() {
        page.heading("What to do");
        for (i, text) in todo.iter().take(ACTIONS).enumerate() {
            page.hang(&format!("  {:>2}. ", i + 1), text, Ink::Plain);
        }
        if todo.len() > ACTIONS {
            page.text("      ", &format!("and {} more", todo.len() - ACTIONS), Ink::Faint);
        }
    }
    page.blank();
    page.hang_inked(&verdict_head(report), verdict_ink(report.verdict), &format!("{}: {}", title(report), sum(report)));
}

/// `2 critical, 1 high; 3 with a fix`.
fn sum(report: &Report) -> String {
    let s = &report.summary;
    let f = &s.findings;
    let counts = [f.critical, f.high, f.medium, f.low, f.negligible, f.unknown];
    let found: Vec<_> =
        counts.iter().zip(Severity::ALL).filter(|(n, _)| **n > 0).map(|(n, s)| format!("{n} {s}")).collect();
    if s.packages == 0 {
        "no package was found".to_owned()
    } else if found.is_empty() && s.suppressed > 0 {
        format!(
            "{} taken out of the verdict, and nothing else is known",
            count(s.suppressed as usize, "finding", "findings")
        )
    } else if found.is_empty() {
        format!("nothing known against the {} that were read", count(s.packages as usize, "package", "packages"))
    } else {
        format!("{}; {} with a fix", found.join(", "), s.fixable)
    }
}

const fn effect_text(effect: Effect) -> &'static str {
    match effect {
        Effect::Error => "error",
        Effect::Fail => "fail",
        Effect::Warn => "warn",
        Effect::Ignore => "note",
    }
}

const fn severity_ink(severity: Severity) -> Ink {
    match severity {
        Severity::Critical => Ink::Worst,
        Severity::High => Ink::Bad,
        Severity::Medium => Ink::Warn,
        _ => Ink::Faint,
    }
}

const fn verdict_ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Pass => Ink::Good,
        Verdict::Fail | Verdict::Error => Ink::Worst,
    }
}
