//! Answers as tables, JSON and CSV.

use std::collections::BTreeMap;

use layergate_estate::{Flip, Ledger, Standing, TagEntry};
use layergate_model::{Verdict, visible};
use serde::Serialize;
use serde_json::json;

use crate::{
    args::EstateFormat,
    exit::{Failure, Outcome},
    output,
};

/// Errors that a table names one by one.
const NAMED: usize = 20;

/// Rows for people or spreadsheets.
pub(super) struct Table {
    pub(super) head: &'static [&'static str],
    pub(super) rows: Vec<Vec<String>>,
    /// What stands below the table.
    pub(super) foot: String,
}

/// Writes an answer to standard output.
pub(super) fn answer(json: &impl Serialize, table: &Table, format: EstateFormat) -> Result<(), Failure> {
    let text = match format {
        EstateFormat::Json => {
            let mut text = serde_json::to_string_pretty(json)?;
            text.push('\n');
            text
        }
        EstateFormat::Csv => csv(table),
        EstateFormat::Table => plain(table),
    };
    Ok(output::to_stdout(text.as_bytes())?)
}

fn plain(table: &Table) -> String {
    let shown: Vec<Vec<String>> =
        table.rows.iter().map(|row| row.iter().map(|cell| visible(cell).into_owned()).collect()).collect();
    let mut widths: Vec<usize> = table.head.iter().map(|h| h.len()).collect();
    for row in &shown {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut row = String::new();
        for (cell, width) in cells.zip(&widths) {
            row.push_str(cell);
            row.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    };
    if !shown.is_empty() {
        line(&mut table.head.iter().copied());
    }
    for row in &shown {
        line(&mut row.iter().map(String::as_str));
    }
    if !table.foot.is_empty() {
        if !shown.is_empty() {
            text.push('\n');
        }
        text.push_str(&table.foot);
        text.push('\n');
    }
    text
}

/// RFC 4180, with a guard against cells that spreadsheets would run.
fn csv(table: &Table) -> String {
    let cell = |text: &str| {
        let guarded = match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            true => format!("'{text}"),
            false => text.to_owned(),
        };
        match guarded.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", guarded.replace('"', "\"\"")),
            false => guarded,
        }
    };
    let mut text = table.head.join(",").to_ascii_lowercase().replace(' ', "_");
    text.push_str("\r\n");
    for row in &table.rows {
        text.push_str(&row.iter().map(|c| cell(c)).collect::<Vec<_>>().join(","));
        text.push_str("\r\n");
    }
    text
}

/// Why a reference counts as error, if it does.
pub(super) fn trouble(entry: &TagEntry) -> Option<String> {
    match &entry.standing {
        Standing::Unreadable(why) => Some(why.clone()),
        standing if standing.is_watched() => {
            let wrong = |u: &&layergate_estate::Unit| u.verdict.as_ref().is_none_or(|v| v.verdict == Verdict::Error);
            entry.units.iter().find(wrong).map(|unit| match unit.complete {
                true => "no verdict could be given: `layergate scan` tells why".to_owned(),
                false => "not all of it could be read".to_owned(),
            })
        }
        _ => None,
    }
}

/// What a run came to; its exit code is 0 when it closed and nothing in it ended as error.
pub(super) fn run(
    ledger: &Ledger,
    flips: &[Flip],
    errors: &BTreeMap<String, String>,
    format: EstateFormat,
) -> Result<Outcome, Failure> {
    let mut document = serde_json::to_value(ledger)?;
    if let Some(fields) = document.as_object_mut() {
        fields.insert("flips".to_owned(), flip_values(flips));
        fields.insert("errors".to_owned(), json!(errors));
    }
    let mut foot = String::new();
    for flip in flips.iter().take(NAMED) {
        foot.push_str(&format!(
            "{} → {}  {} ({} {})\n",
            flip.from.as_str(),
            flip.to.as_str(),
            flip.image,
            word(flip),
            flip.cause.id
        ));
    }
    if flips.len() > NAMED {
        foot.push_str(&format!("and {} more: layergate estate flips --run {}\n", flips.len() - NAMED, ledger.run));
    }
    for (name, why) in errors.iter().take(NAMED) {
        foot.push_str(&format!("error  {name}: {why}\n"));
    }
    if errors.len() > NAMED {
        foot.push_str(&format!("and {} more errors\n", errors.len() - NAMED));
    }
    if !errors.is_empty() {
        foot.push_str(&format!("try them again: layergate estate retry {}\n", ledger.run));
    }
    let table = Table { rows: vec![ledger_row(ledger)], foot: layergate_model_lines(&foot), head: LEDGER };
    answer(&document, &table, format)?;
    Ok(Outcome::Judged(match ledger.closed && ledger.error == 0 {
        true => Verdict::Pass,
        false => Verdict::Error,
    }))
}

/// What would be another verdict.
pub(super) fn what_if(flips: &[Flip], images: usize, format: EstateFormat) -> Result<Outcome, Failure> {
    let mut turns: BTreeMap<String, usize> = BTreeMap::new();
    for flip in flips {
        *turns.entry(format!("{} -> {}", flip.from.as_str(), flip.to.as_str())).or_default() += 1;
    }
    let parts: Vec<String> = turns.iter().map(|(turn, n)| format!("{n} {turn}")).collect();
    let foot = format!(
        "{images} images: {}",
        if parts.is_empty() { "every verdict stays".to_owned() } else { parts.join(", ") }
    );
    let head = &["AT", "IMAGE", "FROM", "TO", "CAUSE", "ID"];
    let table = Table { head, rows: flips.iter().map(flip_row).collect(), foot };
    answer(&json!({ "images": images, "turns": turns, "flips": flip_values(flips) }), &table, format)?;
    Ok(Outcome::Done)
}

/// Text from outside, line by line without what deceives.
fn layergate_model_lines(text: &str) -> String {
    text.trim_end().split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

pub(super) const LEDGER: &[&str] = &["RUN", "KIND", "ENUMERATED", "PASS", "FAIL", "ERROR", "SKIPPED", "CLOSED"];

pub(super) fn ledger_row(ledger: &Ledger) -> Vec<String> {
    let skipped: Vec<String> = ledger.skipped.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    vec![
        ledger.run.to_string(),
        ledger.kind.as_str().to_owned(),
        ledger.enumerated.to_string(),
        ledger.pass.to_string(),
        ledger.fail.to_string(),
        ledger.error.to_string(),
        if skipped.is_empty() { "0".to_owned() } else { skipped.join("; ") },
        if ledger.closed { "yes" } else { "no" }.to_owned(),
    ]
}

fn word(flip: &Flip) -> String {
    serde_json::to_value(flip.cause.kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Flips as the JSON interface has them.
pub(super) fn flip_values(flips: &[Flip]) -> serde_json::Value {
    let value = |flip: &Flip| {
        json!({
            "image": flip.image,
            "digest": flip.digest,
            "platform": flip.platform,
            "from": flip.from,
            "to": flip.to,
            "cause": {"kind": flip.cause.kind, "id": flip.cause.id},
            "at": flip.at,
            "run": flip.run,
        })
    };
    flips.iter().map(value).collect()
}

pub(super) fn flip_row(flip: &Flip) -> Vec<String> {
    vec![
        flip.at.strftime("%Y-%m-%d %H:%M").to_string(),
        flip.image.clone(),
        flip.from.as_str().to_owned(),
        flip.to.as_str().to_owned(),
        word(flip),
        flip.cause.id.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_cells() {
        let rows = vec![vec!["=1+1".to_owned(), "a,b".to_owned(), "say \"x\"".to_owned()]];
        let table = Table { head: &["A", "B B", "C"], rows, foot: String::new() };
        assert_eq!(csv(&table), "a,b_b,c\r\n'=1+1,\"a,b\",\"say \"\"x\"\"\"\r\n");
        assert!(plain(&table).starts_with("A     B B  C\n=1+1  a,b  say"), "{}", plain(&table));
    }
}
