//! Arguments of `estate`: whole registries, kept and judged again.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};
use layergate_estate::RunId;
use layergate_model::Verdict;

use super::scan::{JudgeArgs, LimitArgs, RefreshArgs, SourceArgs};
use crate::settings::duration;

#[derive(Debug, Args)]
pub(crate) struct EstateArgs {
    #[command(subcommand)]
    pub(crate) command: EstateCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EstateCommand {
    /// Enumerate registries or repositories, read what is new, and judge everything in them
    Sync(SyncArgs),
    /// Judge every known image again: only those are looked at that a change can touch, and nothing is pulled
    Rescan(RescanArgs),
    /// Try again what ended as error in a run, or finish a run that was cut off
    Retry(RetryArgs),
    /// List the images with their references, state and verdict
    List(ListArgs),
    /// Show where the images of a run ended (the last run, unless another is named)
    Ledger(LedgerArgs),
    /// List the verdicts that changed, with their causes
    Flips(FlipsArgs),
    /// Tell which verdicts would be others under another policy (or database, VEX, day); nothing is written
    WhatIf(WhatIfArgs),
    /// Tell which base image's rebuild clears most failures, and where a rebuild does not help
    Plan(StateOnlyArgs),
    /// Show what a tag pointed at when, with the verdict then
    Tags(TagsArgs),
    /// Take in what a cluster runs (`kubectl get pods -A -o json`), for `list --in-use` and searches
    InUse(InUseArgs),
    /// Find the images that hold a package (pkg:TYPE/NAME, a name) or that a vulnerability (CVE-…) affects
    #[command(disable_version_flag = true)]
    Search(SearchArgs),
}

/// Where the estate is kept.
#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// Where the estate is kept; otherwise `estate` in the data directory
    #[arg(long, env = "LAYERGATE_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Output format
    #[arg(long = "output", short = 'o', value_enum, default_value_t = EstateFormat::Table, value_name = "FORMAT")]
    pub(crate) output: EstateFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EstateFormat {
    /// For people
    Table,
    /// For programs
    Json,
    /// For spreadsheets (RFC 4180)
    Csv,
}

/// What the images are judged by.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) state: StateArgs,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    /// Judge as of this day (UTC, YYYY-MM-DD); otherwise today
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<jiff::civil::Date>,
    #[command(flatten)]
    pub(crate) refresh: RefreshArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// Who is notified of verdicts that change.
#[derive(Debug, Default, Args)]
pub(crate) struct TeamArgs {
    /// Teams with their images, webhooks and secrets (TOML, docs/estate.md)
    #[arg(long, env = "LAYERGATE_TEAMS", value_name = "FILE")]
    pub(crate) teams: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// REGISTRY (all its repositories, where it lists them), REGISTRY/REPOSITORY (all its tags) or REGISTRY/REPOSITORY:TAG
    #[arg(required = true, value_name = "REGISTRY[/REPOSITORY[:TAG]]")]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) teams: TeamArgs,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Platform OS/ARCH[/VARIANT], repeatable, or "all"; otherwise linux/amd64's image of an index, or the one there is
    #[arg(long = "platform", value_name = "PLATFORM")]
    pub(crate) platforms: Vec<String>,
    /// End an image as error when it takes longer (for example 90s, 10m)
    #[arg(long, env = "LAYERGATE_TIMEOUT", value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct RescanArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) teams: TeamArgs,
}

#[derive(Debug, Args)]
pub(crate) struct WhatIfArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The run (`layergate estate ledger` names it)
    pub(crate) id: RunId,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) teams: TeamArgs,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Platform OS/ARCH[/VARIANT], repeatable, or "all"; otherwise linux/amd64's image of an index, or the one there is
    #[arg(long = "platform", value_name = "PLATFORM")]
    pub(crate) platforms: Vec<String>,
    /// End an image as error when it takes longer (for example 90s, 10m)
    #[arg(long, env = "LAYERGATE_TIMEOUT", value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) state: StateArgs,
    /// Only images of these references (`registry.example.com/team/*`), repeatable
    #[arg(long, value_name = "PATTERN")]
    pub(crate) image: Vec<String>,
    /// Only those that stand so: new, current, moved, gone, unwatched, not-an-image, unreadable
    #[arg(long = "state", value_name = "STATE", value_parser = ["new", "current", "moved", "gone", "unwatched", "not-an-image", "unreadable"])]
    pub(crate) states: Vec<String>,
    /// Only those with this verdict: pass, fail, error
    #[arg(long = "verdict", value_name = "VERDICT", value_parser = verdict)]
    pub(crate) verdicts: Vec<Verdict>,
    /// Only what runs somewhere (`layergate estate in-use` tells)
    #[arg(long)]
    pub(crate) in_use: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    /// The run; otherwise the last one
    pub(crate) id: Option<RunId>,
    #[command(flatten)]
    pub(crate) state: StateArgs,
    /// List all runs
    #[arg(long, conflicts_with = "id")]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FlipsArgs {
    #[command(flatten)]
    pub(crate) state: StateArgs,
    /// Only those that this run found
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<RunId>,
}

#[derive(Debug, Args)]
pub(crate) struct StateOnlyArgs {
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TagsArgs {
    /// REGISTRY/REPOSITORY (all its tags) or REGISTRY/REPOSITORY:TAG
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

#[derive(Debug, Args)]
pub(crate) struct InUseArgs {
    /// The list of pods; - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// The cluster's name: its list replaces the one before; otherwise the file's name
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// pkg:TYPE/NAMESPACE/NAME, a package's name, or a vulnerability's id (CVE-2021-44228)
    pub(crate) what: String,
    /// Only packages of these versions, as the package's ecosystem writes ranges (`<2.17.1`, `>=2.0, <2.17.1`)
    #[arg(long = "version", value_name = "RANGE")]
    pub(crate) range: Option<String>,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

fn verdict(text: &str) -> Result<Verdict, String> {
    let all = [Verdict::Pass, Verdict::Fail, Verdict::Error];
    all.into_iter().find(|v| v.as_str() == text).ok_or_else(|| "pass, fail or error".to_owned())
}
