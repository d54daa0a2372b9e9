//! A target's vulnerabilities, a line each, in columns that fit the page. Where the page is narrow, the columns that say
//! least are left out, then texts are shortened (`…`); where it is wide, the title stands behind.

use layergate_model::Effect;

use super::severity_ink;
use crate::{
    page::{Ink, Page},
    rows::{self, Row, Target, stopping},
    stamp::advisory_url,
    text::{clean, count, fit, pad, width},
    view,
};

/// Rows of one target that do not stop the image, before "and N more".
const CALM: usize = 15;
/// Cells below which a column that may be shortened is not shortened further.
const LEAST: usize = 9;
/// Cells that a title needs to say anything.
const TITLE: usize = 24;
/// Columns of a page on which every cell counts.
const NARROW: usize = 100;
/// What stops the image is marked, in color or not.
const STOPS: &str = "✗ ";

/// The columns, in their order.
const HEADS: [&str; 8] = ["PACKAGE", "INSTALLED", "FIXED IN", "VULNERABILITY", "SEVERITY", "EPSS", "KEV", "LAYER"];
const ID: usize = 3;
const SEVERITY: usize = 4;
const KEV: usize = 6;
/// Columns that may be shortened; an id that is cut cannot be looked up.
const ELASTIC: [usize; 3] = [0, 1, 2];
/// Columns that are left out when shortening is not enough, the first one first.
const DISPENSABLE: [usize; 3] = [5, 7, KEV];

pub(super) fn target(page: &mut Page, target: &Target<'_>, details: bool) {
    let all: Vec<&Row<'_>> = target.rows.iter().filter(|r| details || r.finding.effect > Effect::Ignore).collect();
    if all.is_empty() {
        return;
    }
    let stops = stopping(&target.rows);
    let shown = if details { all.len() } else { all.len().min(stops + CALM) };
    page.blank();
    let mut counted = count(all.len(), "vulnerability", "vulnerabilities");
    if stops > 0 {
        counted.push_str(&format!(", {stops} ✗ stopping the image"));
    }
    let title = clean(&target.title);
    page.put(&fit(&title, page.width().saturating_sub(width(&counted) + 2)), Ink::Strong);
    page.put(&format!("  {counted}"), Ink::Faint);
    page.end();
    let cells: Vec<[String; 8]> = all[..shown].iter().map(|r| cells(r)).collect();
    let gap = gap(page);
    let widths = widths(&cells, page.width() - width(STOPS), gap);
    let mut heads = Line { page, widths: &widths, gap };
    heads.page.put("  ", Ink::Plain);
    (0..HEADS.len()).for_each(|i| heads.cell(i, HEADS[i], Ink::Faint, None));
    heads.page.end();
    for (row, cells) in all.iter().zip(&cells) {
        line(page, row, cells, &widths, details);
        if details {
            evidence(page, row);
        }
    }
    if shown < all.len() {
        let rest = view::tally(all[shown..].iter().map(|r| r.finding));
        let text = format!("and {} that do not stop the image ({})", all.len() - shown, view::tally_text(&rest));
        page.text("  ", &format!("{text}; --details lists them"), Ink::Faint);
    }
}

/// How many findings the policy ignores.
pub(super) fn ignored(page: &mut Page, targets: &[Target<'_>], details: bool) {
    let rows = || targets.iter().flat_map(|t| &t.rows).filter(|r| r.finding.effect == Effect::Ignore);
    if !details && rows().next().is_some() {
        let tally = view::tally_text(&view::tally(rows().map(|r| r.finding)));
        page.blank();
        page.text("  ", &format!("Ignored by the policy: {tally}; --details lists them."), Ink::Faint);
    }
}

fn cells(row: &Row<'_>) -> [String; 8] {
    let f = row.finding;
    let severity = f.severity.as_str().to_uppercase();
    let kev = match f.signals.kev() {
        _ if f.malicious => "BAD",
        Some(_) => "KEV",
        None => "",
    };
    let texts = [
        row.name(),
        row.version.to_owned(),
        rows::fix(f),
        f.advisory.clone(),
        severity,
        rows::epss(f),
        kev.into(),
        row.layer(),
    ];
    texts.map(|t| clean(&t).into_owned())
}

/// Cells between two columns.
fn gap(page: &Page) -> usize {
    if page.width() < NARROW { 1 } else { 2 }
}

/// The width of each column, 0 for one that is left out.
fn widths(rows: &[[String; 8]], room: usize, gap: usize) -> [usize; 8] {
    let mut widths = [0; 8];
    for (i, w) in widths.iter_mut().enumerate() {
        let most = rows.iter().map(|r| width(&r[i])).max().unwrap_or(0);
        *w = if most == 0 { 0 } else { most.max(width(HEADS[i])) };
    }
    let used =
        |widths: &[usize; 8]| widths.iter().filter(|w| **w > 0).map(|w| w + gap).sum::<usize>().saturating_sub(gap);
    let mut dispensable = DISPENSABLE.into_iter();
    while used(&widths) > room {
        match ELASTIC.into_iter().filter(|i| widths[*i] > LEAST).max_by_key(|i| widths[*i]) {
            Some(i) => widths[i] -= 1,
            None => match dispensable.next() {
                Some(i) => widths[i] = 0,
                None if widths[ID] > LEAST => widths[ID] -= 1,
                None => break,
            },
        }
    }
    widths
}

/// A line being written.
struct Line<'p, 'w> {
    page: &'p mut Page,
    widths: &'w [usize; 8],
    gap: usize,
}

impl Line<'_, '_> {
    fn cell(&mut self, column: usize, text: &str, ink: Ink, url: Option<&str>) {
        let cells = self.widths[column];
        if cells > 0 {
            let text = fit(text, cells);
            self.page.link(&text, ink, url);
            self.page.put(&pad("", cells - width(&text) + self.gap), Ink::Plain);
        }
    }
}

fn line(page: &mut Page, row: &Row<'_>, cells: &[String; 8], widths: &[usize; 8], details: bool) {
    let f = row.finding;
    let stops = f.effect >= Effect::Fail;
    page.put(if stops { STOPS } else { "  " }, Ink::Bad);
    let gap = gap(page);
    let mut line = Line { page, widths, gap };
    let calm = if stops { Ink::Plain } else { Ink::Faint };
    for (i, cell) in cells.iter().enumerate() {
        let ink = match i {
            0 if stops => Ink::Strong,
            2 if stops && !f.fixed_versions.is_empty() => Ink::Good,
            SEVERITY => severity_ink(f.severity),
            KEV => Ink::Worst,
            _ => calm,
        };
        let url = if i == ID { advisory_url(&f.advisory) } else { None };
        line.cell(i, cell, ink, url.as_deref());
    }
    let used = width(STOPS) + widths.iter().filter(|w| **w > 0).map(|w| w + gap).sum::<usize>();
    let rest = page.width().saturating_sub(used);
    let title = f.title.as_deref().map(clean).unwrap_or_default();
    if rest >= TITLE && !details && !title.is_empty() {
        page.put(&fit(&title, rest), Ink::Faint);
    }
    page.end();
}

/// What `--details` has on a row: what it is, why it matched, where it lies.
fn evidence(page: &mut Page, row: &Row<'_>) {
    let f = row.finding;
    let mut text = |text: &str, ink| page.text("    ", text, ink);
    if let Some(title) = &f.title {
        text(title, Ink::Plain);
    }
    let marks = view::marks(f);
    if !marks.is_empty() {
        text(&marks.join("; "), Ink::Bad);
    }
    let mut why = format!("{} lists {}", f.evidence.feed, f.evidence.range);
    if let Some(name) = &f.evidence.matched_name {
        why.push_str(&format!(" of {name}"));
    }
    if let Some(source) = &f.severity_source {
        why.push_str(&format!("; severity by {source}"));
    }
    why.extend(f.cvss.iter().map(|c| format!("; {} {}.{}", c.vector, c.score_tenths / 10, c.score_tenths % 10)));
    if !f.aliases.is_empty() {
        why.push_str(&format!("; also {}", f.aliases.join(", ")));
    }
    text(&why, Ink::Faint);
    if row.packages.len() > 1 {
        let names: Vec<&str> = row.packages.iter().copied().collect();
        text(&format!("installed as {}", names.join(", ")), Ink::Faint);
    }
    row.locations.iter().for_each(|l| text(l, Ink::Faint));
}
