//! The `layergate` binary: reads arguments and configuration, composes the parts, ends with the right exit code.
//!
//! Everything that decides lives in the crates below; here are files, terminals, signals and clocks.
// What is said goes through `exit::say`, which takes out what deceives.
#![deny(clippy::print_stderr, clippy::print_stdout)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod allocator;
mod args;
mod baseline;
mod bounded;
mod client;
mod commands;
mod deltas;
mod exit;
mod judge;
mod node;
mod output;
mod output_places;
mod places;
mod progress;
mod proved;
mod reports;
mod settings;
mod signature;
mod snapshot;
mod telemetry;
mod template;
mod unscanned;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::CommandFactory;
use exit::{Failure, Outcome};

fn main() -> ExitCode {
    let mut cli = match settings::parse() {
        Ok(cli) => cli,
        Err(failure) => return exit::finish(Err(failure)),
    };
    places::name(places::Named { data: cli.data_dir.take(), cache: cli.cache_dir.take() });
    if matches!(cli.command, Command::Scan(_) | Command::Sbom(_)) {
        allocator::limit_arenas();
    }
    layergate_http::provide_tls();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            exit::say(&format!("the runtime cannot be started: {error}"));
            return ExitCode::from(3);
        }
    };
    let result = runtime.block_on(run(cli));
    // A thread that hangs in a parser must not hold the process after its verdict.
    runtime.shutdown_background();
    exit::finish(result)
}

async fn run(cli: Cli) -> Result<Outcome, Failure> {
    let Cli { quiet, verbose, command, .. } = cli;
    let service = match &command {
        Command::Coordinator(args) => Some(("coordinator", &args.telemetry)),
        Command::Worker(args) => Some(("worker", &args.telemetry)),
        _ => None,
    };
    let _telemetry = telemetry::start(quiet, verbose, service)?;
    match command {
        Command::Scan(args) => commands::scan::run(args, quiet).await,
        Command::Sbom(args) => commands::scan::sbom(args, quiet).await,
        Command::Db(args) => commands::db::run(args, quiet, verbose > 0).await,
        Command::Policy(args) => commands::policy::run(args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Diff(args) => commands::diff::run(&args),
        Command::Estate(args) => commands::estate::run(args, quiet).await,
        Command::Convert(args) => commands::diff::convert(&args),
        Command::Coordinator(args) => commands::coordinator::run(args).await,
        Command::Worker(args) => commands::worker::run(args).await,
        Command::Submit(args) => commands::submit::submit(args).await,
        Command::Wait(args) => commands::submit::wait(args).await,
        Command::Fleet(args) => commands::fleet::run(args).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "layergate", &mut script);
            output::to_stdout(&script)?;
            Ok(Outcome::Done)
        }
    }
}
