//! `layergate fleet status|top|drain`.

use std::{collections::HashMap, fmt::Write as _, io::IsTerminal, time::Duration};

use anyhow::{Context, anyhow};
use console::{Key, Term};
use jiff::Timestamp;
use layergate_server::{FleetStatus, MemberStatus, SnapshotStatus};
use tokio::time::Instant;

use crate::{
    args::{FleetArgs, FleetCommand},
    client::Client,
    commands::db::days_since,
    exit::{Failure, Outcome, usage},
    judge, output,
};

/// The slowest layers that `top` shows.
const SLOWEST: usize = 8;

pub(crate) async fn run(args: FleetArgs) -> Result<Outcome, Failure> {
    match args.command {
        FleetCommand::Status { server, json } => {
            let status = Client::new(&server.server, &server.api)?.fleet().await?;
            let text = if json {
                serde_json::to_string_pretty(&status).context("the status cannot be written")? + "\n"
            } else {
                render(&status, &HashMap::new(), usize::MAX)
            };
            output::to_stdout(text.as_bytes())?;
            Ok(Outcome::Done)
        }
        FleetCommand::Top { server } => top(Client::new(&server.server, &server.api)?).await,
        FleetCommand::Drain { server, worker } => {
            Client::new(&server.server, &server.api)?.drain(worker.as_deref()).await?;
            crate::exit::inform(&format!(
                "asked {} to leave: what is in hand is finished first",
                worker.as_deref().unwrap_or("all workers")
            ));
            Ok(Outcome::Done)
        }
    }
}

/// The live view: once a second until q or Ctrl-C.
async fn top(client: Client) -> Result<Outcome, Failure> {
    let terminal = Term::stdout();
    if !std::io::stdout().is_terminal() {
        return Err(usage(anyhow!("`fleet top` draws on a terminal; `fleet status` prints once")));
    }
    let keys = terminal.clone();
    let quit = tokio::task::spawn_blocking(move || {
        while !matches!(keys.read_key(), Ok(Key::Char('q') | Key::Escape | Key::CtrlC) | Err(_)) {}
    });
    let mut before: Option<(Instant, FleetStatus)> = None;
    let draw = async {
        loop {
            let status = client.fleet().await?;
            let now = Instant::now();
            let rates = before.as_ref().map(|(then, old)| rates(old, &status, now - *then)).unwrap_or_default();
            let (rows, columns) = terminal.size();
            let mut text = render(&status, &rates, SLOWEST);
            text =
                text.lines().take(usize::from(rows).saturating_sub(1)).map(|l| clip(l, usize::from(columns))).collect();
            terminal.clear_screen().context("the terminal cannot be drawn on")?;
            output::to_stdout(text.as_bytes())?;
            before = Some((now, status));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        #[allow(unreachable_code)]
        Ok::<(), Failure>(())
    };
    tokio::select! {
        result = draw => result?,
        _ = quit => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(Outcome::Done)
}

fn clip(line: &str, columns: usize) -> String {
    let mut line: String = line.chars().take(columns).collect();
    line.push('\n');
    line
}

/// Done and bytes a second, by member.
fn rates(old: &FleetStatus, new: &FleetStatus, between: Duration) -> HashMap<String, (f64, f64)> {
    let seconds = between.as_secs_f64().max(0.001);
    let before: HashMap<_, _> = old.members.iter().map(|m| (m.id.as_str(), (m.done, m.bytes))).collect();
    new.members
        .iter()
        .filter_map(|m| {
            let (done, bytes) = before.get(m.id.as_str())?;
            let rate = |new: u64, old: u64| new.saturating_sub(old) as f64 / seconds;
            Some((m.id.clone(), (rate(m.done, *done), rate(m.bytes, *bytes))))
        })
        .collect()
}

fn render(status: &FleetStatus, rates: &HashMap<String, (f64, f64)>, slowest: usize) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for (lane, jobs) in &status.waiting {
        let _ = write!(out, "{lane}: {jobs} waiting   ");
    }
    let of = |kind: &str| status.members.iter().filter(|m| m.kind == kind).count();
    let _ = writeln!(out, "\n{} coordinators, {} workers", of("coordinator"), of("worker"));
    let _ = writeln!(out, "{}\n", advisories(status.snapshot.as_ref()));
    let _ = writeln!(
        out,
        "{:11} {:24} {:20} {:>9} {:>9} {:>7} {:>9} {:>10}  state",
        "kind", "id", "host", "holding", "done", "failed", "done/s", "MiB/s"
    );
    for member in &status.members {
        let (done, bytes) = rates.get(&member.id).copied().unwrap_or_default();
        let _ = writeln!(
            out,
            "{:11} {:24} {:20} {:>9} {:>9} {:>7} {:>9.1} {:>10.1}  {}",
            member.kind,
            member.id,
            member.host,
            format!("{}/{}", member.holding.len(), member.slots),
            member.done,
            member.failed,
            done,
            bytes / f64::from(1 << 20),
            if member.draining { "draining" } else { "running" }
        );
    }
    let layers = held_longest(&status.members);
    if !layers.is_empty() {
        let _ = writeln!(out, "\nlayers in hand, longest first");
        for (seconds, line) in layers.into_iter().take(slowest) {
            let _ = writeln!(out, "{seconds:>6} s  {line}");
        }
    }
    out
}

/// The line on the fleet's advisories.
fn advisories(snapshot: Option<&SnapshotStatus>) -> String {
    let Some(SnapshotStatus { digest, newest, vulnerabilities, namespaces }) = snapshot else {
        return "no advisories: nothing can be judged until a coordinator is started with --db or --renew".to_owned();
    };
    let newest = newest.as_deref().unwrap_or("undated");
    let age = match days_since(newest, judge::today()) {
        Some(1) => " (1 day old)".to_owned(),
        Some(days) => format!(" ({} days old)", days.max(0)),
        None => String::new(),
    };
    format!(
        "advisories {digest}, newest record {newest}{age}, {vulnerabilities} vulnerabilities of {namespaces} namespaces"
    )
}

fn held_longest(members: &[MemberStatus]) -> Vec<(i64, String)> {
    let now = Timestamp::now();
    let mut all: Vec<(i64, String)> = members
        .iter()
        .filter(|m| m.kind == "worker")
        .flat_map(|m| m.holding.iter().map(move |h| (m, h)))
        .map(|(member, h)| {
            let since: Option<Timestamp> = h.since.parse().ok();
            let seconds = since.map_or(0, |s| now.duration_since(s).as_secs());
            let part = h.bytes.saturating_mul(100).checked_div(h.size).map(|p| format!("{p:3} %")).unwrap_or_default();
            (seconds, format!("{part} of {} on {}", h.source, member.host))
        })
        .collect();
    all.sort_by(|a, b| b.cmp(a));
    all
}
