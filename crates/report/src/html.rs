//! `-o html`: one page that needs nothing else, for a mail, an artefact store or an auditor. No script, no external
//! resource; a content security policy says so to the browser too, should an escape ever be forgotten. Light and dark.

use std::fmt::Write as _;

use layergate_model::{Effect, Report, Verdict};

use crate::{
    advice, plan,
    text::{count, html as h},
    view::{self, Group},
};

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#5b636d;--line:#d5dae0;--bad:#b42318;--worst:#8b0f0f;\
--warn:#8a5a00;--good:#1a6b34;--box:#f5f7f9}\
@media(prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e3e7ec;--dim:#98a2ad;--line:#333a43;--bad:#ff8577;\
--worst:#ff6f61;--warn:#e5b567;--good:#74c98c;--box:#1c2127}}\
body{margin:2rem auto;max-width:72rem;padding:0 1rem;background:var(--bg);color:var(--fg);\
font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid var(--line)}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;\
border-bottom:1px solid var(--line)}th{color:var(--dim);font-weight:600}\
code{font-family:ui-monospace,monospace;font-size:.9em}.dim{color:var(--dim)}.box{background:var(--box);padding:.6rem 1rem;\
border-left:.3rem solid var(--line)}.pass{border-color:var(--good)}.fail,.error{border-color:var(--bad)}\
.critical{color:var(--worst);font-weight:700}.high{color:var(--bad);font-weight:600}.medium{color:var(--warn)}\
.low,.negligible,.unknown{color:var(--dim)}summary{cursor:pointer}h3{font-size:1rem;margin:1.2rem 0 .2rem}";

pub(crate) fn render(reports: &[Report]) -> String {
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    );
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    let title = reports.first().map_or_else(String::new, |r| h(&r.image.reference));
    let _ = write!(out, "<title>layergate: {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n");
    if reports.is_empty() {
        out.push_str("<p class=\"box error\">Nothing was scanned.</p>\n");
    }
    reports.iter().for_each(|r| one(&mut out, r));
    let _ = write!(out, "<p class=\"dim\">layergate {}</p>\n</body>\n</html>\n", crate::stamp::VERSION);
    out
}

fn one(out: &mut String, report: &Report) {
    let platform = report.image.platform.as_ref().map(|p| format!(" ({})", h(&p.to_string()))).unwrap_or_default();
    let verdict = report.verdict.as_str();
    let _ = writeln!(out, "<h1>{}{platform}</h1>", h(&report.image.reference));
    let _ = writeln!(out, "<div class=\"box {verdict}\"><strong>{}</strong>", verdict.to_uppercase());
    if report.verdict == Verdict::Error {
        out.push_str(": no verdict can be given, because something that matters was not read.");
    }
    list(out, report.reasons.iter().map(|r| format!("{}: {}", word(r.effect), h(&r.text))));
    out.push_str("</div>\n<p>");
    let mut facts = Vec::new();
    facts.extend(report.image.digest.map(|d| format!("<code>{d}</code>")));
    facts.extend(view::distro_text(report).map(|d| h(&d)));
    facts.push(count(report.packages.len(), "package", "packages"));
    facts.push(count(report.image.layers.len(), "layer", "layers"));
    facts.extend(view::base_text(report).map(|b| h(&b)));
    facts.push(format!("as of {}", h(&report.inputs.as_of)));
    facts.extend(report.inputs.snapshot_date.as_deref().map(|d| format!("advisories up to {}", h(d))));
    facts.extend(view::left_out_text(report).map(|l| h(&l)));
    let _ = writeln!(out, "{}</p>", facts.join(" · "));
    let todo = plan::todo(report);
    if !todo.is_empty() {
        out.push_str("<h2>What to do</h2>\n");
        list(out, todo.iter().map(|text| h(text)));
    }
    let groups = view::groups(report);
    let (stops, reported): (Vec<_>, Vec<_>) = groups.iter().partition(|g| g.effect >= Effect::Fail);
    section(out, "Stops the image", &stops, true);
    gaps(out, report);
    others(out, report);
    section(out, "Known, does not stop the image", &reported, false);
    suppressed(out, report);
    layers(out, report);
    packages(out, report);
}

fn list(out: &mut String, items: impl Iterator<Item = String>) {
    out.push_str("<ul>");
    items.for_each(|i| {
        let _ = write!(out, "<li>{i}</li>");
    });
    out.push_str("</ul>\n");
}

fn table(out: &mut String, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    out.push_str("<table><tr>");
    heads.iter().for_each(|head| {
        let _ = write!(out, "<th>{head}</th>");
    });
    out.push_str("</tr>\n");
    for row in rows {
        out.push_str("<tr>");
        row.iter().for_each(|cell| {
            let _ = write!(out, "<td>{cell}</td>");
        });
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}

fn severity(severity: layergate_model::Severity) -> String {
    format!("<span class=\"{severity}\">{severity}</span>")
}

fn section(out: &mut String, title: &str, groups: &[&Group<'_>], open: bool) {
    if groups.is_empty() {
        return;
    }
    let open = if open { " open" } else { "" };
    let _ = writeln!(
        out,
        "<details{open}><summary><h2>{title} ({})</h2></summary>",
        count(groups.len(), "package", "packages")
    );
    for group in groups {
        let _ = write!(out, "<h3>{} {}", h(group.name), h(group.version));
        let _ = writeln!(
            out,
            " <span class=\"dim\">{} {}</span></h3>",
            group.kind,
            view::layer_text(&group.layers, group.origin)
        );
        let rows = group.rows.iter().map(|r| {
            let f = r.finding;
            let id = match crate::stamp::advisory_url(&f.advisory) {
                Some(url) => format!("<a rel=\"noreferrer\" href=\"{}\">{}</a>", h(&url), h(&f.advisory)),
                None => h(&f.advisory),
            };
            let mut about = f.title.as_deref().map(h).unwrap_or_default();
            for mark in view::marks(f) {
                about = format!("<strong>{}</strong> {about}", h(&mark));
            }
            let evidence = format!("<span class=\"dim\">{} says {}</span>", h(&f.evidence.feed), h(&f.evidence.range));
            vec![severity(f.severity), id, h(&view::fix(f)), about, evidence, h(&f.remediation)]
        });
        table(out, &["Severity", "Advisory", "Fixed in", "About", "Evidence", "What to do"], rows);
    }
    out.push_str("</details>\n");
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
        Effect::Ignore => "ignored",
    }
}
