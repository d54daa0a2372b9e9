//! `-o html`: one page that needs nothing else, for a mail, an artefact store or an auditor. It reads without its script,
//! which only sorts and filters; a content security policy allows that very script by its hash and nothing else, should an
//! escape ever be forgotten. Light and dark, on a telephone and on paper.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use layergate_model::{Digest, Effect, Report, Severity, Verdict};

use crate::{
    advice, plan,
    rows::{self, Row},
    text::{count, html as h},
    view,
};

const STYLE: &str = include_str!("html.css");
const SCRIPT: &str = include_str!("html.js");

pub(crate) fn render(reports: &[Report]) -> String {
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    let hash = |text: &str| STANDARD.encode(Digest::of(text.as_bytes()).as_bytes());
    let _ = writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'\">",
        hash(STYLE),
        hash(SCRIPT)
    );
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    let title = reports.first().map_or_else(String::new, |r| h(&r.image.reference));
    let _ = write!(out, "<title>layergate: {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n");
    if reports.is_empty() {
        out.push_str("<p class=\"box error\">Nothing was scanned.</p>\n");
    }
    reports.iter().for_each(|r| one(&mut out, r));
    let _ = writeln!(out, "<p class=\"dim\">layergate {}</p>", crate::stamp::VERSION);
    let _ = write!(out, "<script>{SCRIPT}</script>\n</body>\n</html>\n");
    out
}

fn one(out: &mut String, report: &Report) {
    let platform = report.image.platform.as_ref().map(|p| format!(" ({})", h(&p.to_string()))).unwrap_or_default();
    let verdict = report.verdict.as_str();
    let _ = writeln!(out, "<h1>{}{platform}</h1>", h(&report.image.reference));
    let _ = writeln!(out, "<div class=\"box {verdict}\"><span class=\"verdict\">{}</span>", verdict.to_uppercase());
    if report.verdict == Verdict::Error {
        out.push_str(": no verdict can be given, because something that matters was not read.");
    }
    let (weighs, rest): (Vec<_>, Vec<_>) = report.reasons.iter().partition(|r| r.effect >= Effect::Fail);
    list(out, weighs.iter().map(|r| h(&r.text)));
    out.push_str("</div>\n");
    counts(out, report);
    let todo = plan::todo(report);
    if !todo.is_empty() {
        out.push_str("<h2>What to do</h2>\n<ol>");
        todo.iter().for_each(|text| {
            let _ = write!(out, "<li>{}</li>", h(text));
        });
        out.push_str("</ol>\n");
    }
    facts(out, report);
    findings(out, report);
    others(out, report);
    gaps(out, report);
    suppressed(out, report);
    if !rest.is_empty() {
        out.push_str("<h2>Also</h2>\n");
        list(out, rest.iter().map(|r| format!("{}: {}", word(r.effect), h(&r.text))));
    }
    layers(out, report);
    packages(out, report);
}

fn counts(out: &mut String, report: &Report) {
    let s = &report.summary;
    let f = &s.findings;
    let counts = [f.critical, f.high, f.medium, f.low, f.negligible, f.unknown];
    out.push_str("<ul class=\"counts\">");
    for (n, severity) in counts.into_iter().zip(Severity::ALL).filter(|(n, s)| *n > 0 || *s >= Severity::Low) {
        let class = if n == 0 { "dim" } else { severity.as_str() };
        let _ = write!(out, "<li class=\"{class}\">{n} {severity}</li>");
    }
    let _ = write!(out, "<li>{} with a fix</li>", s.fixable);
    if s.suppressed > 0 {
        let _ = write!(out, "<li>{} taken out</li>", s.suppressed);
    }
    let _ = writeln!(out, "<li>{}</li></ul>", count(report.gaps.len(), "gap", "gaps"));
}

fn facts(out: &mut String, report: &Report) {
    let mut facts = Vec::new();
    facts.extend(report.image.digest.map(|d| format!("<code>{d}</code>")));
    facts.extend(view::distro_text(report).map(|d| h(&d)));
    facts.push(count(report.packages.len(), "package", "packages"));
    facts.push(count(report.image.layers.len(), "layer", "layers"));
    facts.extend(view::base_text(report).map(|b| h(&b)));
    facts.push(format!("as of {}", h(&report.inputs.as_of)));
    facts.extend(report.inputs.snapshot_date.as_deref().map(|d| format!("advisories up to {}", h(d))));
    facts.extend(view::left_out_text(report).map(|l| h(&l)));
    let _ = writeln!(out, "<p class=\"dim\">{}</p>", facts.join(" · "));
}

/// All findings in one table, a body for each target, the most pressing first.
fn findings(out: &mut String, report: &Report) {
    let targets = rows::targets(report);
    if targets.is_empty() {
        return;
    }
    out.push_str(
        "<h2>Vulnerabilities</h2>\n<div class=\"filter\" hidden><input type=\"search\" placeholder=\"filter\" \
         aria-label=\"filter\"><select aria-label=\"severity\"><option value=\"\">every severity</option>",
    );
    for severity in [Severity::Critical, Severity::High, Severity::Medium, Severity::Low] {
        let _ = write!(out, "<option value=\"{severity}\">{severity} or worse</option>");
    }
    out.push_str(
        "</select><label><input type=\"checkbox\"> only what stops the image</label><output class=\"dim\"></output></div>\n<table><thead><tr>",
    );
    let heads = ["Severity", "Vulnerability", "Package", "Installed", "Fixed in", "EPSS", "Layer", "About"];
    heads.iter().for_each(|head| {
        let _ = write!(out, "<th scope=\"col\">{head}</th>");
    });
    out.push_str("</tr></thead>\n");
    for target in &targets {
        let title = h(&target.title);
        let _ = writeln!(out, "<tbody><tr><th class=\"path\" colspan=\"{}\">{title}</th></tr>", heads.len());
        target.rows.iter().for_each(|r| finding(out, r));
        out.push_str("</tbody>\n");
    }
    out.push_str("</table>\n");
}

fn finding(out: &mut String, row: &Row<'_>) {
    let f = row.finding;
    let calm = if f.effect >= Effect::Fail { "" } else { " class=\"calm\"" };
    let rank = Severity::ALL.iter().position(|s| *s == f.severity).unwrap_or(0);
    let _ = write!(
        out,
        "<tr data-severity=\"{0}\"{calm}><td data-key=\"{rank}\">{1}</td>",
        f.severity,
        severity(f.severity)
    );
    let id = match crate::stamp::advisory_url(&f.advisory) {
        Some(url) => format!("<a rel=\"noreferrer\" href=\"{}\">{}</a>", h(&url), h(&f.advisory)),
        None => h(&f.advisory),
    };
    let _ = write!(out, "<td class=\"id\">{id}</td><td data-head=\"Package\">{}</td>", h(&row.name()));
    let _ = write!(out, "<td class=\"version\" data-head=\"Installed\">{}</td>", h(row.version));
    let _ = write!(out, "<td class=\"version\" data-head=\"Fixed in\">{}</td>", h(&rows::fix(f)));
    let key = format!("{:09}", f.signals.epss().unwrap_or(0));
    let _ = write!(out, "<td data-head=\"EPSS\" data-key=\"{key}\">{}</td>", h(&rows::epss(f)));
    let _ = write!(out, "<td data-head=\"Layer\">{}</td><td>", h(&row.layer()));
    for mark in view::marks(f).iter().filter(|m| !m.starts_with("EPSS")) {
        let _ = write!(out, "<span class=\"mark\">{}</span> ", h(mark));
    }
    let _ = write!(out, "{}<div class=\"dim\">", f.title.as_deref().map(h).unwrap_or_default());
    let _ = write!(out, "{} lists {}", h(&f.evidence.feed), h(&f.evidence.range));
    row.locations.iter().take(5).for_each(|l| {
        let _ = write!(out, "; <code>{}</code>", h(l));
    });
    out.push_str("</div></td></tr>\n");
}

fn list(out: &mut String, items: impl Iterator<Item = String>) {
    out.push_str("<ul>");
    items.for_each(|i| {
        let _ = write!(out, "<li>{i}</li>");
    });
    out.push_str("</ul>\n");
}

/// Columns of paths and the like, which may be broken anywhere; words are not.
const LONG: [&str; 6] = ["Where", "Digest", "File", "Text", "Build step", "What happened"];

fn table(out: &mut String, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    out.push_str("<table><thead><tr>");
    heads.iter().for_each(|head| {
        let _ = write!(out, "<th scope=\"col\">{head}</th>");
    });
    out.push_str("</tr></thead>\n<tbody>");
    for row in rows {
        out.push_str("<tr>");
        for (cell, head) in row.iter().zip(heads) {
            let path = if LONG.contains(head) { " class=\"path\"" } else { "" };
            let _ = write!(out, "<td{path} data-head=\"{head}\">{cell}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table>\n");
}

fn severity(severity: Severity) -> String {
    format!("<span class=\"{severity}\">{severity}</span>")
}

fn gaps(out: &mut String, report: &Report) {
    if report.gaps.is_empty() {
        return;
    }
    out.push_str("<h2>Not looked at</h2>\n");
    let rows = report.gaps.iter().map(|g| {
        vec![word(g.effect).into(), g.kind.to_string(), h(&g.place), h(&g.detail), advice::for_gap(g.kind).into()]
    });
    table(out, &["Effect", "Kind", "Where", "What happened", "What to do"], rows);
}

fn others(out: &mut String, report: &Report) {
    if !report.checks.is_empty() {
        out.push_str("<h2>Misconfiguration</h2>\n");
        let rows = report.checks.iter().map(|c| {
            let what = format!("{} <span class=\"dim\">{}</span>", h(&c.title), h(&c.reason));
            vec![severity(c.severity), word(c.effect).into(), h(&c.location), what, h(&c.remediation)]
        });
        table(out, &["Severity", "Effect", "Where", "What", "What to do"], rows);
    }
    if !report.secrets.is_empty() {
        out.push_str("<h2>Secrets</h2>\n<p>Revoke them first, then take them out of the layer that holds them.</p>\n");
        let rows = report.secrets.iter().map(|s| {
            vec![
                severity(s.severity),
                h(&s.path),
                s.line.to_string(),
                h(&s.title),
                format!("<code>{}</code>", h(&s.redacted)),
            ]
        });
        table(out, &["Severity", "File", "Line", "What", "Text"], rows);
    }
}

fn suppressed(out: &mut String, report: &Report) {
    let by_id = view::packages(report);
    let mut taken = report.findings.iter().filter_map(|f| f.suppressed_by.as_ref().map(|by| (f, by))).peekable();
    if taken.peek().is_none() {
        return;
    }
    out.push_str("<h2>Taken out of the verdict</h2>\n");
    let rows = taken.map(|(f, by)| {
        let name = by_id.get(&f.package).map_or(f.package.as_str(), |p| &p.name);
        let until = by.expires.as_deref().map(h).unwrap_or_default();
        let who = format!("{} {}", h(&by.kind), h(&by.id));
        vec![severity(f.severity), h(&f.advisory), h(name), who, h(&by.justification), until]
    });
    table(out, &["Severity", "Advisory", "Package", "By", "Reason", "Until"], rows);
}

fn layers(out: &mut String, report: &Report) {
    if report.image.layers.is_empty() {
        return;
    }
    out.push_str("<details><summary><h2>Layers</h2></summary>\n");
    let rows = report.image.layers.iter().map(|l| {
        let by = l.created_by.as_deref().map(h).unwrap_or_default();
        vec![l.index.to_string(), format!("<code>{}</code>", l.digest), l.size.to_string(), by]
    });
    table(out, &["", "Digest", "Bytes", "Build step"], rows);
    out.push_str("</details>\n");
}

fn packages(out: &mut String, report: &Report) {
    if report.packages.is_empty() {
        return;
    }
    out.push_str("<details><summary><h2>Packages</h2></summary>\n");
    let rows = report.packages.iter().map(|p| {
        let at = p.locations.first().map(|l| h(l)).unwrap_or_default();
        let layer = p.layer.map(|l| l.to_string()).unwrap_or_default();
        vec![p.kind.to_string(), h(&p.name), h(&p.version), layer, h(&p.licenses.join(", ")), at]
    });
    table(out, &["Type", "Name", "Version", "Layer", "Licenses", "Where"], rows);
    out.push_str("</details>\n");
}

const fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Error => "error",
        Effect::Fail => "fail",
        Effect::Warn => "warn",
        Effect::Ignore => "note",
    }
}
