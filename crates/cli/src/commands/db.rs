//! `layergate db`: build, look into and compare snapshots.

use std::{fmt::Write as _, path::Path};

use anyhow::{Context, anyhow};
use jiff::civil::Date;
use layergate_advisory::{ChangeKind, Entry, Snapshot, diff};
use layergate_feeds::{BuildReport, build_from_dir_with};
use layergate_model::Purl;

use super::update;
use crate::{
    args::{BuildArgs, DbArgs, DbCommand, DiffArgs, ShowArgs},
    exit::{Failure, Outcome, usage},
    judge, output,
    progress::Spinner,
    signature::{self, SigningKey},
    snapshot,
};

/// Unused files and unreadable records that are reported one by one without -v.
const LISTED: usize = 20;

pub(crate) async fn run(args: DbArgs, quiet: bool, verbose: bool) -> Result<Outcome, Failure> {
    match args.command {
        DbCommand::Build(args) => build(&args, quiet, verbose),
        DbCommand::Update(args) => update::update(&args, quiet).await,
        DbCommand::Mirror(args) => update::mirror(&args, quiet).await,
        DbCommand::Push(args) => update::push(&args, quiet).await,
        DbCommand::Status { db } => status(db.as_deref()),
        DbCommand::Show(args) => show(&args, quiet),
        DbCommand::Diff(args) => difference(&args),
    }
}

fn build(args: &BuildArgs, quiet: bool, verbose: bool) -> Result<Outcome, Failure> {
    if !args.from.is_dir() {
        return Err(usage(anyhow!("{} is not a directory of feeds", args.from.display())));
    }
    let key = args.sign_key.as_deref().map(SigningKey::read).transpose()?;
    let spinner = Spinner::new(quiet, format!("compiling {}", args.from.display()));
    let report = build_from_dir_with(&args.from, &args.output, &mut |p| {
        spinner.say(&format!("{} files, {} records", p.files, p.records));
    })?;
    drop(spinner);
    signature::write_beside(&args.output, key.zip(report.digest).map(|(key, digest)| key.sign(&digest)).as_deref())?;
    if !quiet {
        crate::exit::inform(summary(&report, &args.output, verbose).trim_end());
    }
    Ok(Outcome::Done)
}

fn summary(report: &BuildReport, output: &Path, verbose: bool) -> String {
    let mut out = String::new();
    let most = if verbose { usize::MAX } else { LISTED };
    // Writing to a String cannot fail.
    for feed in &report.feeds {
        let newest = feed.newest.as_deref().unwrap_or("undated");
        let errors = if feed.errors > 0 { format!(", {} unreadable", feed.errors) } else { String::new() };
        let whole = whole(feed.records, feed.at_least);
        let _ = writeln!(out, "{:32} {:>8} records, newest {newest}{errors}{whole}", feed.info.id, feed.records);
    }
    for (namespace, share) in report.partial.iter().take(most) {
        let _ = writeln!(out, "partial: {namespace}: {share}");
    }
    if report.partial.len() > most {
        let _ = writeln!(out, "partial: {} namespaces in all (-v lists them)", report.partial.len());
    }
    for problem in report.problems.iter().take(most) {
        let _ = writeln!(out, "unreadable: {} ({}): {}", problem.path, problem.feed, problem.detail);
    }
    if report.problem_count > report.problems.len().min(most) as u64 {
        let _ = writeln!(out, "unreadable: {} in all", report.problem_count);
    }
    for file in report.unused.iter().take(most) {
        let _ = writeln!(out, "not used: {}: {}", file.path, file.reason);
    }
    if report.unused_count > report.unused.len().min(most) as u64 {
        let _ = writeln!(out, "not used: {} files in all (-v lists them)", report.unused_count);
    }
    let digest = report.digest.map(|d| d.to_string()).unwrap_or_default();
    let _ = writeln!(out, "{}: {} records, {} bytes, {digest}", output.display(), report.records, report.size);
    out
}

/// Days since a feed's newest record.
pub(crate) fn days_since(newest: &str, today: Date) -> Option<i32> {
    today.since(newest.parse::<Date>().ok()?).ok().map(|span| span.get_days())
}

/// What is said of a feed of which only a part is here.
fn whole(records: u64, at_least: Option<u64>) -> String {
    let floor = at_least.filter(|floor| records < *floor);
    floor.map(|floor| format!("  partial: {records} of at least {floor}")).unwrap_or_default()
}

fn open(db: Option<&Path>, quiet: bool) -> Result<Snapshot, Failure> {
    snapshot::open(db, None, quiet)
}

fn status(db: Option<&Path>) -> Result<Outcome, Failure> {
    let snapshot = open(db, true)?;
    let manifest = snapshot.manifest();
    let today = judge::today();
    let mut out = format!(
        "snapshot {}\n{} bytes, {} vulnerabilities, newest record {}\n\n{:32} {:>8} {:>10} {:>6} {:>7}  {}\n",
        snapshot.digest(),
        snapshot.size(),
        manifest.vulnerabilities,
        snapshot.newest().unwrap_or("undated"),
        "feed",
        "records",
        "newest",
        "age",
        "errors",
        "license"
    );
    for feed in &manifest.feeds {
        let newest = feed.newest.as_deref().or(feed.fetched.as_deref()).unwrap_or("-");
        let age = days_since(newest, today).map_or_else(|| "-".to_owned(), |days| format!("{days}d"));
        let _ = writeln!(
            out,
            "{:32} {:>8} {newest:>10} {age:>6} {:>7}  {}{}",
            feed.info.id,
            feed.records,
            feed.errors,
            feed.info.license,
            whole(feed.records, feed.at_least)
        );
    }
    let _ = writeln!(out, "\n{:32} {:>8} {:>10} {:>10} {:>6}", "covers", "packages", "advisories", "newest", "age");
    for (namespace, coverage) in &manifest.coverage {
        let partial = coverage.partial().map(|share| format!("  partial: {share}")).unwrap_or_default();
        let sources = layergate_judge::matching::sources_of(namespace, &snapshot);
        let days =
            |whole: bool| sources.iter().filter(|s| s.is_whole() == whole).filter_map(|s| s.date.as_deref()).max();
        let newest = days(true).or_else(|| days(false));
        let old =
            newest.and_then(|day| days_since(day, today)).map_or_else(|| "-".to_owned(), |days| format!("{days}d"));
        let _ = writeln!(
            out,
            "{:32} {:>8} {:>10} {:>10} {old:>6}{partial}",
            namespace.as_str(),
            coverage.packages,
            coverage.entries,
            newest.unwrap_or("-")
        );
    }
    output::to_stdout(out.as_bytes())?;
    Ok(Outcome::Done)
}

fn show(args: &ShowArgs, quiet: bool) -> Result<Outcome, Failure> {
    let snapshot = open(args.db.as_deref(), quiet)?;
    let mut out = String::new();
    if args.what.starts_with("pkg:") {
        let purl: Purl = args.what.parse().map_err(usage)?;
        let parts = purl.parts().ok_or_else(|| usage(anyhow!("{purl} cannot be read")))?;
        let separator = if parts.ty() == "maven" { ":" } else { "/" };
        let name = parts.namespace().map_or(parts.name().to_owned(), |n| format!("{n}{separator}{}", parts.name()));
        for (key, entries) in snapshot.packages() {
            if key.name.eq_ignore_ascii_case(&name) || key.name.eq_ignore_ascii_case(parts.name()) {
                for entry in entries {
                    let id = snapshot.vulnerability(entry.vulnerability).map_or("", |f| f.id);
                    line(&mut out, &snapshot, key.namespace, key.name, id, &entry);
                }
            }
        }
    } else {
        let vulnerabilities = snapshot.vulnerabilities_named(&args.what);
        for number in &vulnerabilities {
            let Some(vulnerability) = snapshot.vulnerability(*number) else { continue };
            let _ = writeln!(out, "{} {}", vulnerability.id, vulnerability.title.unwrap_or_default());
            let aliases: Vec<_> = vulnerability.aliases.clone().collect();
            if !aliases.is_empty() {
                let _ = writeln!(out, "  also known as {}", aliases.join(", "));
            }
            for (source, severity) in vulnerability.ratings() {
                let _ = writeln!(out, "  {source} says {severity}");
            }
            for cvss in vulnerability.cvss() {
                let _ = writeln!(out, "  {} {:.1} ({})", cvss.vector, f64::from(cvss.score_tenths) / 10.0, cvss.source);
            }
            let cwes: Vec<String> = vulnerability.cwes().map(|c| c.to_string()).collect();
            if !cwes.is_empty() {
                let _ = writeln!(out, "  weakness {}", cwes.join(", "));
            }
            for signal in vulnerability.signals().iter() {
                let _ = writeln!(out, "  {signal}");
            }
        }
        for (key, entries) in snapshot.packages() {
            for entry in entries.filter(|e| vulnerabilities.contains(&e.vulnerability)) {
                line(&mut out, &snapshot, key.namespace, key.name, &args.what, &entry);
            }
        }
    }
    if out.is_empty() {
        let _ = writeln!(out, "nothing is known of {}", args.what);
    }
    output::to_stdout(out.as_bytes())?;
    Ok(Outcome::Done)
}

fn line(out: &mut String, snapshot: &Snapshot, namespace: &str, name: &str, id: &str, entry: &Entry<'_>) {
    let ranges: Vec<String> = entry.ranges.clone().map(|r| r.to_string()).collect();
    let versions: Vec<_> = entry.versions.clone().take(20).collect();
    let what = if ranges.is_empty() { versions.join(", ") } else { ranges.join(" or ") };
    let status = serde_json::to_value(entry.status).ok();
    let status = status.as_ref().and_then(|s| s.as_str()).unwrap_or_default();
    let _ = writeln!(out, "  {namespace:20} {name:24} {id:20} {status:12} {what} ({})", snapshot.feed_id(entry.feed));
}

fn difference(args: &DiffArgs) -> Result<Outcome, Failure> {
    let open = |path: &Path| snapshot::file(path).with_context(|| format!("comparing {}", path.display()));
    let (old, new) = (open(&args.old)?, open(&args.new)?);
    let mut out = String::new();
    let changes = diff(&old, &new);
    for change in &changes {
        let sign = match change.kind {
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
            ChangeKind::Changed => '~',
        };
        let _ = writeln!(out, "{sign} {} {}", change.namespace, change.name);
    }
    let _ = writeln!(out, "{} packages' advisories differ", changes.len());
    output::to_stdout(out.as_bytes())?;
    Ok(Outcome::Done)
}
