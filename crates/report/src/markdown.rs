//! `-o markdown`: a comment for a pull request. The verdict and its reasons first (a comment is read from the top),
//! what stops the image in a table, the rest folded. Never longer than the 65,536 characters that GitHub takes: what
//! does not fit is counted, "and N more".

use layergate_model::{Effect, Report, Verdict};

use crate::{
    advice, plan,
    rows::{self, Row},
    stamp::advisory_url,
    text::{clean, count, fit, markdown as md},
    view,
};

/// GitHub's limit of a comment. Bytes are counted, of which there are never fewer than characters.
const LIMIT: usize = 65_536;
/// Room that is kept for closing what is open and for the counts of what did not fit.
const RESERVE: usize = 2_048;
/// Cells of one text: longer ones are cut, so that one hostile name does not eat the comment.
const CELL: usize = 160;

pub(crate) fn render(reports: &[Report]) -> String {
    if reports.is_empty() {
        return "## layergate: ERROR\n\nNothing was scanned.\n".into();
    }
    // Each image gets its share; what the first ones leave, the later ones may use.
    let mut out = String::new();
    if let Some(worst) = reports.iter().map(|r| r.verdict).max().filter(|_| reports.len() > 1) {
        // The first line is what is read.
        let images = count(reports.len(), "image", "images");
        out.push_str(&format!("# layergate: {} for {images}\n\n", worst.as_str().to_uppercase()));
    }
    for (i, report) in reports.iter().enumerate() {
        let left = LIMIT.saturating_sub(RESERVE).saturating_sub(out.len());
        let share = left / (reports.len() - i);
        // A share too small for a heading and a verdict would be a comment of fragments.
        if share < 4_096 && i > 0 {
            let rest: Vec<_> = reports[i..].iter().map(|r| r.verdict).collect();
            let worst = rest.iter().max().copied().unwrap_or(Verdict::Error);
            out.push_str(&format!(
                "\nAnd {}, the worst of them {}.\n",
                count(rest.len(), "more image", "more images"),
                worst.as_str()
            ));
            break;
        }
        if i > 0 {
            out.push_str("\n---\n\n");
        }
        let mut page = Page { limit: out.len() + share, out };
        one(&mut page, report);
        out = page.out;
    }
    out
}

struct Page {
    out: String,
    limit: usize,
}

impl Page {
    /// Lines under a head, as many as fit; the others counted. Nothing at all for no lines.
    fn section(&mut self, head: &str, lines: &[String], foot: &str) {
        if lines.is_empty() {
            return;
        }
        let start = self.out.len();
        self.out.push_str(head);
        let mut shown = 0;
        for line in lines {
            if self.out.len() + line.len() + foot.len() + 64 > self.limit {
                break;
            }
            self.out.push_str(line);
            self.out.push('\n');
            shown += 1;
        }
        if shown == 0 {
            self.out.truncate(start);
            let title = head.trim_start_matches(['\n', '#', ' ']).lines().next().unwrap_or_default();
            let title = title.replace("<details><summary>", "").replace("</summary>", "");
            self.out.push_str(&format!("\n{title}: {} not shown here\n", lines.len()));
            return;
        }
        if shown < lines.len() {
            self.out.push_str(&format!("\nand {} more\n", lines.len() - shown));
        }
        self.out.push_str(foot);
    }
}

fn cell(text: &str) -> String {
    md(&fit(&clean(text), CELL))
}

/// A vulnerability as a row of a table, its id leading to its page.
fn row(row: &Row<'_>) -> String {
    let f = row.finding;
    let mut title = f.title.clone().unwrap_or_default();
    for mark in view::marks(f) {
        title = if title.is_empty() { mark } else { format!("{mark}; {title}") };
    }
    let id = match advisory_url(&f.advisory) {
        Some(url) => format!("[{}]({url})", f.advisory),
        None => cell(&f.advisory),
    };
    format!(
        "| {} | {id} | {} {} | {} | {} | {} |",
        f.severity,
        cell(&row.name()),
        cell(row.version),
        row.layer(),
        cell(&rows::fix(f)),
        cell(&title)
    )
}

fn one(page: &mut Page, report: &Report) {
    let verdict = report.verdict.as_str().to_uppercase();
    let platform = report.image.platform.as_ref().map(|p| format!(" ({p})")).unwrap_or_default();
    page.out.push_str(&format!(
        "## layergate: {verdict}\n\n**{}**{}\n",
        cell(&report.image.reference),
        cell(&platform)
    ));
    let mut facts = Vec::new();
    facts.extend(report.image.digest.map(|d| format!("`{d}`")));
    facts.extend(view::distro_text(report).map(|d| cell(&d)));
    facts.push(count(report.packages.len(), "package", "packages"));
    facts.extend(view::base_text(report).map(|b| cell(&b)));
    facts.push(format!("as of {}", cell(&report.inputs.as_of)));
    facts.extend(report.inputs.snapshot_date.as_deref().map(|d| format!("advisories up to {}", cell(d))));
    facts.extend(view::left_out_text(report).map(|l| cell(&l)));
    page.out.push_str(&format!("{}\n\n", facts.join(" · ")));
    if report.verdict == Verdict::Error {
        page.out.push_str("No verdict can be given: something that matters was not read.\n\n");
    }
    let reasons: Vec<_> =
        report.reasons.iter().map(|r| format!("- **{}** {}", word(r.effect), cell(&r.text))).collect();
    page.section("", &reasons, "");

    let todo: Vec<_> = plan::todo(report).iter().take(20).map(|text| format!("1. {}", cell(text))).collect();
    page.section("\n### What to do\n\n", &todo, "");

    let targets = rows::targets(report);
    let rows = |stops: bool| -> Vec<String> {
        let all = targets.iter().flat_map(|t| &t.rows);
        let mut wanted: Vec<&Row<'_>> = all.filter(|r| (r.finding.effect >= Effect::Fail) == stops).collect();
        // The worst first over all targets: what is cut off is the least.
        wanted.sort_by_key(|r| {
            std::cmp::Reverse((r.finding.signals.exploited(), r.finding.severity, r.finding.signals.epss()))
        });
        wanted.into_iter().map(row).collect()
    };
    let columns = "| Severity | Vulnerability | Package | Layer | Fixed in | |\n|---|---|---|---|---|---|\n";
    page.section(&format!("\n### Stops the image\n\n{columns}"), &rows(true), "");

    let checks: Vec<_> = report
        .checks
        .iter()
        .map(|c| format!("- {} **{}**: {}: {}", c.severity, cell(&c.location), cell(&c.title), cell(&c.remediation)))
        .collect();
    page.section("\n### Misconfiguration\n\n", &checks, "");
    let secrets: Vec<_> = report
        .secrets
        .iter()
        .map(|s| {
            let line = if s.line > 0 { format!(":{}", s.line) } else { String::new() };
            format!("- {} **{}**{line}: {} {}", s.severity, cell(&s.path), cell(&s.title), cell(&s.redacted))
        })
        .collect();
    page.section("\n### Secrets\n\n", &secrets, "");
    let gaps: Vec<_> = report
        .gaps
        .iter()
        .map(|g| {
            let detail = format!("{}: {}", g.place, g.detail);
            format!("- **{}** {}: {}; {}", word(g.effect), md(g.kind.as_str()), cell(&detail), advice::for_gap(g.kind))
        })
        .collect();
    page.section("\n### Not looked at\n\n", &gaps, "");

    let others = rows(false);
    let head =
        format!("\n<details><summary>Also known, does not stop the image ({})</summary>\n\n{columns}", others.len());
    page.section(&head, &others, "\n</details>\n");
    let by_id = view::packages(report);
    let suppressed: Vec<_> = report
        .findings
        .iter()
        .filter_map(|f| {
            let by = f.suppressed_by.as_ref()?;
            let name = by_id.get(&f.package).map_or(f.package.as_str(), |p| &p.name);
            let until = by.expires.as_deref().map(|e| format!(" until {}", cell(e))).unwrap_or_default();
            Some(format!(
                "- {} {} in {}: {} {}{until}: {}",
                f.severity,
                cell(&f.advisory),
                cell(name),
                cell(&by.kind),
                cell(&by.id),
                cell(&by.justification)
            ))
        })
        .collect();
    let head = format!("\n<details><summary>Taken out of the verdict ({})</summary>\n\n", suppressed.len());
    page.section(&head, &suppressed, "\n</details>\n");
}

const fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Error => "error",
        Effect::Fail => "fail",
        Effect::Warn => "warn",
        Effect::Ignore => "note",
    }
}
