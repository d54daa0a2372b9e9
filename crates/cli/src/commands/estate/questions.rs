//! `estate list`, `ledger`, `flips` and `search`.

use anyhow::anyhow;
use layergate_estate::question::{Estate, Filter, Wanted};
use layergate_model::{Platform, Verdict};
use layergate_policy::ImagePattern;
use serde_json::json;

use super::{
    open,
    print::{LEDGER, Table, answer, flip_row, flip_values, ledger_row},
};
use crate::{
    args::{FlipsArgs, LedgerArgs, ListArgs, SearchArgs, StateOnlyArgs, TagsArgs},
    exit::{Failure, Outcome, usage},
};

fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| v.to_string())
}

/// `layergate estate list`.
pub(super) async fn list(args: &ListArgs) -> Result<Outcome, Failure> {
    let images = args.image.iter().map(|p| ImagePattern::new(p)).collect::<Result<_, _>>().map_err(usage)?;
    let filter = Filter { states: args.states.clone(), verdicts: args.verdicts.clone(), images, in_use: args.in_use };
    let opened = open(&args.state).await?;
    let estate = Estate { state: &opened.state, index: &opened.index, judgement: &opened.judgement };
    let rows = estate.list(&filter);
    let document: Vec<_> = rows
        .iter()
        .map(|row| {
            let verdict = row.unit.and_then(|u| u.verdict.as_ref());
            json!({
                "reference": row.reference,
                "digest": row.unit.map(|u| u.digest).or(row.entry.root),
                "platform": row.unit.and_then(|u| u.platform.clone()),
                "state": row.entry.standing.word(),
                "detail": row.entry.standing.detail(),
                "verdict": verdict.map(|v| v.verdict),
                "findings": verdict.map_or(0, |v| v.total()),
                "first_seen": row.entry.first_seen,
                "in_use": row.unit.is_some_and(|u| opened.state.is_in_use(row.entry, u)),
            })
        })
        .collect();
    let cells = rows.iter().map(|row| {
        let verdict = row.unit.and_then(|u| u.verdict.as_ref());
        let state = match row.entry.standing.detail() {
            Some(detail) => format!("{} ({detail})", row.entry.standing.word()),
            None => row.entry.standing.word().to_owned(),
        };
        vec![
            row.reference.to_owned(),
            text(row.unit.and_then(|u| u.platform.as_ref())),
            state,
            text(verdict.map(|v| v.verdict.as_str())),
            text(verdict.map(layergate_estate::UnitVerdict::total)),
            text(row.unit.map(|u| u.digest).or(row.entry.root)),
        ]
    });
    let head = &["REFERENCE", "PLATFORM", "STATE", "VERDICT", "FINDINGS", "DIGEST"];
    let foot = if rows.is_empty() { "no image" } else { "" };
    let table = Table { head, rows: cells.collect(), foot: foot.to_owned() };
    answer(&json!({ "images": document }), &table, args.state.output)?;
    Ok(Outcome::Done)
}

/// `layergate estate ledger`.
pub(super) async fn ledger(args: &LedgerArgs) -> Result<Outcome, Failure> {
    let opened = open(&args.state).await?;
    let state = &opened.state;
    if args.all {
        let ledgers: Vec<_> = state.runs.keys().filter_map(|id| state.ledger(id)).collect();
        let rows = ledgers.iter().map(ledger_row).collect();
        answer(&json!({ "runs": ledgers }), &Table { head: LEDGER, rows, foot: String::new() }, args.state.output)?;
        return Ok(Outcome::Done);
    }
    let id = match &args.id {
        Some(id) => id.clone(),
        None => match state.runs.last_key_value() {
            Some((id, _)) => id.clone(),
            None => return Err(anyhow!("there was no run yet: `layergate estate sync REGISTRY` is the first").into()),
        },
    };
    let Some(ledger) = state.ledger(&id) else {
        return Err(usage(anyhow!("there is no run {id}; `layergate estate ledger --all` lists them")));
    };
    let errors = state.runs.get(&id).map(|run| run.errors.clone()).unwrap_or_default();
    let mut foot: Vec<String> = errors.iter().map(|(name, why)| format!("error  {name}: {why}")).collect();
    if !ledger.closed {
        foot.push(format!("the run was cut off: layergate estate retry {id} finishes it"));
    }
    let mut document = serde_json::to_value(&ledger)?;
    if let Some(fields) = document.as_object_mut() {
        fields.insert("errors".to_owned(), json!(errors));
    }
    let table = Table { head: LEDGER, rows: vec![ledger_row(&ledger)], foot: foot.join("\n") };
    answer(&document, &table, args.state.output)?;
    Ok(Outcome::Judged(match ledger.closed && ledger.error == 0 {
        true => Verdict::Pass,
        false => Verdict::Error,
    }))
}

/// `layergate estate flips`.
pub(super) async fn flips(args: &FlipsArgs) -> Result<Outcome, Failure> {
    let opened = open(&args.state).await?;
    let mut flips = opened.state.flips;
    flips.retain(|flip| args.run.as_ref().is_none_or(|run| flip.run == *run));
    let foot = if flips.is_empty() { "no verdict has changed" } else { "" };
    let head = &["AT", "IMAGE", "FROM", "TO", "CAUSE", "ID"];
    let table = Table { head, rows: flips.iter().map(flip_row).collect(), foot: foot.to_owned() };
    answer(&json!({ "flips": flip_values(&flips) }), &table, args.state.output)?;
    Ok(Outcome::Done)
}

/// `layergate estate search`.
pub(super) async fn search(args: &SearchArgs) -> Result<Outcome, Failure> {
    let wanted = Wanted::read(&args.what, args.range.as_deref()).map_err(usage)?;
    let opened = open(&args.state).await?;
    let estate = Estate { state: &opened.state, index: &opened.index, judgement: &opened.judgement };
    let found = estate.search(&wanted);
    let mut rows = Vec::new();
    for image in &found.images {
        for package in &image.packages {
            rows.push(vec![
                image.reference.clone(),
                text(image.platform.as_ref().and_then(|p| p.parse::<Platform>().ok())),
                package.name.clone(),
                package.version.clone(),
                image.digest.clone(),
            ]);
        }
    }
    let foot = match found.count {
        0 => "no image".to_owned(),
        1 => "1 image".to_owned(),
        n => format!("{n} images"),
    };
    let head = &["REFERENCE", "PLATFORM", "PACKAGE", "VERSION", "DIGEST"];
    answer(&found, &Table { head, rows, foot }, args.state.output)?;
    Ok(Outcome::Done)
}

/// `layergate estate plan`.
pub(super) async fn plan(args: &StateOnlyArgs) -> Result<Outcome, Failure> {
    let opened = open(&args.state).await?;
    let estate = Estate { state: &opened.state, index: &opened.index, judgement: &opened.judgement };
    let plans = estate.plan();
    let rows = plans.iter().map(|p| {
        let worst: Vec<String> = p.vulnerabilities.iter().take(3).map(|(id, n)| format!("{id} ({n})")).collect();
        let numbers = [p.images, p.failing, p.cleared, p.helped, p.unhelped].map(|n| n.to_string());
        std::iter::once(p.base.clone()).chain(numbers).chain([worst.join(", ")]).collect()
    });
    let totals = estate.totals();
    let foot = format!(
        "{} vulnerabilities in {} places; CLEARED: a rebuild on a fixed base makes the image pass; UNHELPED: what fails it is its own or has no fix",
        totals.vulnerabilities, totals.occurrences
    );
    let head = &["BASE", "IMAGES", "FAILING", "CLEARED", "HELPED", "UNHELPED", "BY"];
    let table = Table { head, rows: rows.collect(), foot };
    answer(
        &json!({ "bases": plans, "vulnerabilities": totals.vulnerabilities, "occurrences": totals.occurrences }),
        &table,
        args.state.output,
    )?;
    Ok(Outcome::Done)
}

/// `layergate estate tags`.
pub(super) async fn tags(args: &TagsArgs) -> Result<Outcome, Failure> {
    let image = ImagePattern::new(&args.image).map_err(usage)?;
    let opened = open(&args.state).await?;
    let mut rows = Vec::new();
    let mut document = Vec::new();
    for (reference, entry) in opened.state.tags.iter().filter(|(reference, _)| image.matches(reference)) {
        for past in &entry.history {
            rows.push(vec![
                reference.clone(),
                past.root.to_string(),
                past.until.strftime("until %Y-%m-%d %H:%M").to_string(),
                text(past.verdict.map(Verdict::as_str)),
            ]);
        }
        let now = entry.verdict();
        let standing = format!("{} since {}", entry.standing.word(), entry.since.strftime("%Y-%m-%d %H:%M"));
        rows.push(vec![reference.clone(), text(entry.root), standing, text(now.map(Verdict::as_str))]);
        document.push(json!({
            "reference": reference,
            "state": entry.standing.word(),
            "digest": entry.root,
            "verdict": now,
            "first_seen": entry.first_seen,
            "since": entry.since,
            "before": entry.history,
        }));
    }
    let foot = if rows.is_empty() { "no such tag" } else { "" };
    let table = Table { head: &["REFERENCE", "DIGEST", "WHEN", "VERDICT"], rows, foot: foot.to_owned() };
    answer(&json!({ "tags": document }), &table, args.state.output)?;
    Ok(Outcome::Done)
}
