//! The command line (design, section 3): one type for each command, one file for each group of them.

mod db;
mod estate;
mod fleet;
mod scan;

pub(crate) use db::{BuildArgs, DbArgs, DbCommand, DiffArgs, MirrorArgs, PushArgs, ShowArgs, UpdateArgs};
pub(crate) use estate::{
    EstateArgs, EstateCommand, EstateFormat, FlipsArgs, InUseArgs, LedgerArgs, ListArgs, RescanArgs, RetryArgs,
    RunArgs, SearchArgs, StateArgs, StateOnlyArgs, SyncArgs, TagsArgs, WhatIfArgs,
};
pub(crate) use fleet::{
    ApiArgs, CoordinatorArgs, FleetArgs, FleetCommand, NatsArgs, SubmitArgs, TelemetryArgs, WaitArgs, WorkerArgs,
};
pub(crate) use scan::{JudgeArgs, LimitArgs, OutputArgs, OutputSpec, RefreshArgs, SbomArgs, ScanArgs, SourceArgs};

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The gate between a container registry and production.
///
/// Exit codes: 0 pass, 1 fail (the policy says no), 2 usage or configuration is wrong, 3 error (could not be scanned
/// to the end, or a gap that the policy does not allow).
#[derive(Debug, Parser)]
#[command(name = "layergate", version, max_term_width = 110, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Say nothing but the report (and errors)
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Say more; twice, everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Configuration file; otherwise layergate.toml in the working directory, where there is one
    #[arg(long, global = true, env = "LAYERGATE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where what was read and made once is kept between runs; otherwise $XDG_CACHE_HOME/layergate or
    /// ~/.cache/layergate
    #[arg(long, global = true, env = "LAYERGATE_CACHE_DIR", value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Where advisories are kept; otherwise $XDG_DATA_HOME/layergate or ~/.local/share/layergate
    #[arg(long, global = true, env = "LAYERGATE_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Give the verdict on images, here or by a fleet (--server)
    #[command(alias = "image")]
    Scan(ScanArgs),
    /// List what is in an image, as CycloneDX (or any -o FORMAT)
    Sbom(SbomArgs),
    /// Build, update and look into the advisory database
    Db(DbArgs),
    /// Check a policy file and show what it says
    Policy(PolicyArgs),
    /// Explain one finding of a JSON report: why it matched and what to do
    Explain(ExplainArgs),
    /// Compare two JSON reports: what came, what went; exit 1 when a finding is new, 3 when the newer verdict is error
    Diff(ReportDiffArgs),
    /// Keep whole registries: sync, judge again when the world changes, search
    Estate(EstateArgs),
    /// Write a JSON report in other formats
    Convert(ConvertArgs),
    /// Run a coordinator of a fleet
    Coordinator(CoordinatorArgs),
    /// Run a worker of a fleet
    Worker(WorkerArgs),
    /// Hand images to a fleet and return their job ids
    Submit(SubmitArgs),
    /// Wait for jobs of a fleet and end with their verdict
    Wait(WaitArgs),
    /// See and steer a fleet
    Fleet(FleetArgs),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Read a policy file; exit 2 with the line when something in it is wrong
    Check {
        /// The policy (TOML)
        file: PathBuf,
    },
    /// Print other scanners' ignore files (.trivyignore, .trivyignore.yaml, .grype.yaml) as exceptions of a policy
    Import {
        /// The ignore files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Judge kept reports again and hold the verdicts against those that a file of cases expects; exit 1 when one differs
    Test {
        /// The cases (TOML, `[[case]]`)
        cases: PathBuf,
        /// The policy to test; otherwise the built-in one
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
    /// List which verdicts of kept reports would be others under a policy, and why; always exit 0
    WhatIf {
        /// Reports written with -o json, or directories of them
        #[arg(required = true)]
        reports: Vec<PathBuf>,
        /// The policy to try; otherwise the built-in one
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// Judge as of this day (UTC, YYYY-MM-DD); otherwise each report's own
        #[arg(long, value_name = "DATE")]
        as_of: Option<jiff::civil::Date>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// An advisory (CVE-…, GHSA-…), a finding id, a package id or a package name
    pub(crate) what: String,
    /// A report written with -o json
    pub(crate) report: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReportDiffArgs {
    /// The older report (JSON)
    pub(crate) old: PathBuf,
    /// The newer report (JSON)
    pub(crate) new: PathBuf,
    /// How it is shown
    #[arg(long = "output", short = 'o', value_name = "FORMAT", default_value = "table")]
    pub(crate) output: DiffFormat,
}

/// The forms of a difference.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum DiffFormat {
    /// Lines for people
    Table,
    /// `layergate.diff/v1`
    Json,
    /// A comment for a pull request
    Markdown,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ConvertArgs {
    /// A report written with -o json
    pub(crate) report: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
