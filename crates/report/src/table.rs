//! `-o table`: for a tired engineer at night. What stops the image comes first and in full, what is only told after it
//! in short, then what was not looked at, and last, nearest to the prompt, the verdict, its reasons and what to do.
//!
//! Lines keep to the width they are given (60 to 240 columns, counted in cells); colours only when asked.

use std::collections::BTreeSet;

use layergate_model::{Effect, Report, Severity, Verdict};

use crate::{
    RenderOptions, advice,
    page::{Ink, Page},
    plan,
    text::{clean, count, fit, pad, width},
    view::{self, Group},
};

/// How many things to do are named before "and N more".
const ACTIONS: usize = 10;

pub(crate) fn render(reports: &[Report], options: &RenderOptions) -> String {
    let mut page = Page::new(options.width, options.color);
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
        one(&mut page, report, options.verbose);
    }
    if reports.len() > 1 {
        page.heading("All images");
        for report in reports {
            let head = format!("  {}  ", pad(&report.verdict.as_str().to_uppercase(), 5));
            page.hang(&head, &title(report), verdict_ink(report.verdict));
        }
    }
    page.finish()
}

fn one(page: &mut Page, report: &Report, verbose: bool) {
    facts(page, report);
    let groups = view::groups(report);
    let (stops, told): (Vec<_>, Vec<_>) = groups.iter().partition(|g| g.effect >= Effect::Fail);
    if !stops.is_empty() {
        page.heading("Stops the image");
        stops.iter().for_each(|g| full(page, g, verbose));
    }
    let (told, ignored): (Vec<_>, Vec<_>) = told.into_iter().partition(|g| verbose || g.effect > Effect::Ignore);
    if !told.is_empty() {
        page.heading(if stops.is_empty() {
            "Known, does not stop the image"
        } else {
            "Also known, does not stop the image"
        });
        told.iter().for_each(|g| if verbose { full(page, g, true) } else { short(page, g) });
    }
    if !ignored.is_empty() {
        let tally = view::tally(ignored.iter().flat_map(|g| &g.rows).map(|r| r.finding));
        page.blank();
        page.text("  ", &format!("Ignored by the policy: {} (-v shows them).", view::tally_text(&tally)), Ink::Faint);
    }
    suppressed(page, report);
    checks(page, report);
    secrets(page, report);
    layers(page, report, verbose);
    gaps(page, report);
    verdict(page, report);
}

/// The image, what is in it, and by what it was judged.
fn facts(page: &mut Page, report: &Report) {
    page.text("", &title(report), Ink::Strong);
    let image = &report.image;
    if let Some(digest) = &image.digest {
        page.hang("  digest ", &digest.to_string(), Ink::Plain);
    }
    let mut system = view::distro_text(report).unwrap_or_else(|| "no distribution recognised".into());
    if let Some(end) = image.distro.as_ref().and_then(|d| d.end_of_life.as_deref()) {
        let ended = end < report.inputs.as_of.as_str();
        system.push_str(&if ended {
            format!(", not supported since {end}")
        } else {
            format!(", supported until {end}")
        });
    }
    page.hang("  system ", &system, Ink::Plain);
    let mut contents = count(report.packages.len(), "package", "packages");
    if !image.layers.is_empty() {
        contents.push_str(&format!(" in {}", count(image.layers.len(), "layer", "layers")));
    }
    if let Some(base) = view::base_text(report) {
        contents.push_str(&format!("; {base}"));
    }
    page.hang("  holds  ", &contents, Ink::Plain);
    let advisories = match (&report.inputs.snapshot_date, &report.inputs.snapshot) {
        (Some(date), _) => format!("with advisories up to {date}"),
        (None, Some(_)) => "with advisories of unknown date".into(),
        (None, None) => "without advisories".into(),
    };
    page.hang("  judged ", &format!("as of {}, {advisories}", report.inputs.as_of), Ink::Plain);
    if !image.other_platforms.is_empty() {
        let others = format!("{} (not asked for)", image.other_platforms.join(", "));
        page.hang("  others ", &others, Ink::Plain);
    }
    if let Some(left_out) = view::left_out_text(report) {
        page.hang("  beside ", &left_out, Ink::Plain);
    }
}

fn title(report: &Report) -> String {
    let platform = report.image.platform.as_ref().map(|p| format!(" ({p})")).unwrap_or_default();
    format!("{}{platform}", report.image.reference)
}

/// `openssl 3.0.11-1 (deb)   layer 0, base image`, on two lines where one is too narrow.
fn group_head(page: &mut Page, group: &Group<'_>) {
    let name = format!("{} {}", clean(group.name), clean(group.version));
    let kind = if group.kind.is_empty() { String::new() } else { format!(" ({})", group.kind) };
    let layer = view::layer_text(&group.layers, group.origin);
    page.blank();
    page.text("  ", &format!("{}{kind}", name.trim_end()), Ink::Strong);
    let also = group.packages.len() > 1 || group.packages.first().is_some_and(|p| *p != group.name);
    let mut place = layer;
    if also {
        let packages: Vec<&str> = group.packages.iter().copied().collect();
        let sep = if place.is_empty() { "" } else { "; " };
        place.push_str(&format!("{sep}installed as {}", packages.join(", ")));
    }
    if let Some(location) = group.location {
        let sep = if place.is_empty() { "" } else { "; " };
        place.push_str(&format!("{sep}{location}"));
    }
    if !place.is_empty() {
        page.text("    ", &place, Ink::Faint);
    }
}

/// A group with every flaw on its own line, and what mends it.
fn full(page: &mut Page, group: &Group<'_>, verbose: bool) {
    group_head(page, group);
    let ids = group.rows.iter().map(|r| width(&clean(&r.finding.advisory))).max().unwrap_or(0).min(page.width() - 38);
    let fixes = group.rows.iter().map(|r| width(&clean(&view::fix(r.finding)))).max().unwrap_or(0);
    let fixes = fixes.min(page.width() - (4 + 12 + ids + 2 + 2)).min(36);
    for row in &group.rows {
        let f = row.finding;
        let head = format!("    {}  ", pad(&f.severity.as_str().to_uppercase(), 10));
        let id = pad(&fit(&clean(&f.advisory), ids), ids);
        let fix = view::fix(f);
        let fix = clean(&fix);
        let arrow = if f.fixed_versions.is_empty() { "" } else { "→ " };
        let body = format!("{id}  {}", pad(&fit(&format!("{arrow}{fix}"), fixes + 2), fixes + 2));
        let used = width(&head) + width(&body) + 2;
        let title = f.title.as_deref().map(clean).unwrap_or_default();
        // A title of three letters and an ellipsis tells nobody anything.
        let rest = page.width().saturating_sub(used);
        let title = if rest >= 16 { fit(&title, rest) } else { "".into() };
        page.put(&head, severity_ink(f.severity));
        page.put(format!("{body}  {title}").trim_end(), Ink::Plain);
        page.end();
        let mut marks = view::marks(f);
        if verbose {
            marks.push(format!("{} says {}", f.evidence.feed, f.evidence.range));
            if !f.aliases.is_empty() {
                marks.push(format!("also {}", f.aliases.join(", ")));
            }
        }
        if group.effect >= Effect::Fail && f.effect < Effect::Fail {
            marks.push("does not stop the image".into());
        }
        if !marks.is_empty() {
            page.text(
                "                ",
                &marks.join("; "),
                if f.kev.is_some() || f.malicious { Ink::Bad } else { Ink::Faint },
            );
        }
    }
    // What mends those that stop the image; the others may wait.
    let todo = group.todo(|f| f.effect >= group.effect.min(Effect::Fail));
    todo.iter().for_each(|t| page.hang("    do: ", t, Ink::Good));
}

/// A group in three lines: how many, which, and whether something mends them.
fn short(page: &mut Page, group: &Group<'_>) {
    group_head(page, group);
    let mut rows = Vec::new();
    for severity in Severity::ALL {
        let ids: Vec<&str> =
            group.rows.iter().filter(|r| r.finding.severity == severity).map(|r| r.finding.advisory.as_str()).collect();
        if !ids.is_empty() {
            rows.push((severity, ids));
        }
    }
    for (severity, ids) in rows {
        let head = format!("    {}  ", pad(&severity.as_str().to_uppercase(), 10));
        page.hang_inked(&head, severity_ink(severity), &ids.join(", "));
    }
    let fixable = group.rows.iter().filter(|r| !r.finding.fixed_versions.is_empty()).count();
    let todo = group.todo(|f| !f.fixed_versions.is_empty());
    if fixable == 0 {
        page.text("    ", "nothing mends them yet", Ink::Faint);
    }
    todo.iter().for_each(|t| page.hang("    do: ", t, Ink::Good));
}

fn suppressed(page: &mut Page, report: &Report) {
    let by_id = view::packages(report);
    let mut first = true;
    for f in &report.findings {
        let Some(by) = &f.suppressed_by else { continue };
        if std::mem::take(&mut first) {
            page.heading("Taken out of the verdict");
        }
        let name = by_id.get(&f.package).map_or(f.package.as_str(), |p| &p.name);
        let until = by.expires.as_deref().map(|e| format!(" until {e}")).unwrap_or_default();
        let text =
            format!("{} {} in {name}: {} {}{until}: {}", f.severity, f.advisory, by.kind, by.id, by.justification);
        page.hang("  - ", &text, Ink::Plain);
    }
}

fn checks(page: &mut Page, report: &Report) {
    if report.checks.is_empty() {
        return;
    }
    page.heading("Misconfiguration");
    let mut checks: Vec<_> = report.checks.iter().collect();
    checks.sort_by_key(|c| (std::cmp::Reverse((c.effect, c.severity)), &c.id, &c.location));
    for check in checks {
        let head = format!("  {}  ", pad(&check.severity.as_str().to_uppercase(), 10));
        let stop = if check.effect >= Effect::Fail { " (stops the image)" } else { "" };
        page.hang_inked(&head, severity_ink(check.severity), &format!("{}: {}{stop}", check.location, check.title));
        page.hang("              do: ", &check.remediation, Ink::Good);
    }
}

fn secrets(page: &mut Page, report: &Report) {
    if report.secrets.is_empty() {
        return;
    }
    page.heading("Secrets");
    let mut secrets: Vec<_> = report.secrets.iter().collect();
    secrets.sort_by_key(|s| (std::cmp::Reverse(s.severity), &s.path, s.line));
    for secret in secrets {
        let head = format!("  {}  ", pad(&secret.severity.as_str().to_uppercase(), 10));
        let line = if secret.line > 0 { format!(":{}", secret.line) } else { String::new() };
        let text = format!("{}{line}: {} {} [{}]", secret.path, secret.title, secret.redacted, secret.rule);
        page.hang_inked(&head, severity_ink(secret.severity), &text);
    }
    page.hang("  do: ", "revoke them first; then take them out of the layer that holds them", Ink::Good);
}

/// Which layer is which, for those that were named above.
fn layers(page: &mut Page, report: &Report, verbose: bool) {
    let named: BTreeSet<u32> =
        report.findings.iter().filter(|f| f.suppressed_by.is_none()).filter_map(|f| f.layer).collect();
    let mut shown = report.image.layers.iter().filter(|l| verbose || named.contains(&l.index)).peekable();
    if shown.peek().is_none() {
        return;
    }
    page.heading("Layers named above");
    for layer in shown {
        let by = layer.created_by.as_deref().map(clean).unwrap_or("(build step unknown)".into());
        let head = format!("  {:>3}  {}  ", layer.index, &layer.digest.to_hex()[..12]);
        page.put(&head, Ink::Plain);
        let rest = page.width().saturating_sub(width(&head));
        page.put(&fit(&by, rest), Ink::Faint);
        page.end();
    }
}

fn gaps(page: &mut Page, report: &Report) {
    if report.gaps.is_empty() {
        return;
    }
    page.heading("Not looked at");
    let mut gaps: Vec<_> = report.gaps.iter().collect();
    gaps.sort_by_key(|g| (std::cmp::Reverse(g.effect), g.kind, &g.place));
    for gap in gaps {
        let ink = if gap.effect >= Effect::Error { Ink::Bad } else { Ink::Plain };
        page.hang(&format!("  {}  ", pad(effect_text(gap.effect), 5)), &format!("{}: {}", gap.kind, gap.place), ink);
        page.text("         ", &gap.detail, Ink::Plain);
        page.hang("         do: ", advice::for_gap(gap.kind), Ink::Good);
    }
}

fn verdict(page: &mut Page, report: &Report) {
    let heading = match report.verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Error => "ERROR",
    };
    let reasons: Vec<_> = report.reasons.iter().collect();
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
    page.hang_inked(&format!("{heading}  "), verdict_ink(report.verdict), &title(report));
    if report.verdict == Verdict::Error {
        page.text("  ", "No verdict can be given: something that matters was not read.", Ink::Bad);
    }
    let s = &report.summary;
    let counts = [
        s.findings.critical,
        s.findings.high,
        s.findings.medium,
        s.findings.low,
        s.findings.negligible,
        s.findings.unknown,
    ];
    let found: Vec<_> =
        counts.iter().zip(Severity::ALL).filter(|(n, _)| **n > 0).map(|(n, s)| format!("{n} {s}")).collect();
    let mut sum = if s.packages == 0 {
        "no package was found".to_owned()
    } else if found.is_empty() {
        format!("nothing known against the {} that were read", count(s.packages as usize, "package", "packages"))
    } else {
        format!("{}; {} with a fix", found.join(", "), s.fixable)
    };
    if s.suppressed > 0 {
        sum.push_str(&format!("; {} taken out", s.suppressed));
    }
    if s.gaps > 0 {
        sum.push_str(&format!("; {}", count(s.gaps as usize, "gap", "gaps")));
    }
    page.text("  ", &sum, Ink::Plain);
    for reason in reasons {
        let ink = if reason.effect >= Effect::Fail { Ink::Bad } else { Ink::Plain };
        page.hang(
            &format!("  {}  ", pad(effect_text(reason.effect), 5)),
            &format!("{} [{}]", reason.text, reason.rule),
            ink,
        );
    }
}

fn effect_text(effect: Effect) -> &'static str {
    match effect {
        Effect::Error => "error",
        Effect::Fail => "fail",
        Effect::Warn => "warn",
        Effect::Ignore => "told",
    }
}

fn severity_ink(severity: Severity) -> Ink {
    match severity {
        Severity::Critical => Ink::Worst,
        Severity::High => Ink::Bad,
        Severity::Medium => Ink::Warn,
        _ => Ink::Faint,
    }
}

fn verdict_ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Pass => Ink::Good,
        Verdict::Fail | Verdict::Error => Ink::Worst,
    }
}
