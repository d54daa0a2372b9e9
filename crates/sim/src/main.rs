//! `layergate-sim`: runs seeds, prints what it measured, and for a seed that fails the command that runs it again.

use std::{process::ExitCode, time::Instant};

use anyhow::{Context, Result};
use clap::Parser;
use layergate_sim::{Faults, Plan, Sabotage, run};

/// Simulates a fleet in virtual time and checks it at every event.
#[derive(Parser)]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds, counted up.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Workers.
    #[arg(long, default_value_t = 1000)]
    workers: usize,
    /// Coordinators.
    #[arg(long, default_value_t = 4)]
    coordinators: usize,
    /// Jobs, almost all of an image of its own.
    #[arg(long, default_value_t = 100_000)]
    images: usize,
    /// What goes wrong: none, light, standard or heavy.
    #[arg(long, default_value = "standard")]
    faults: String,
    /// A rule to break, to see that it is noticed.
    #[arg(long, value_enum, default_value_t)]
    sabotage: Sabotage,
    /// The outcome as JSON, one line for each seed.
    #[arg(long)]
    json: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let faults = Faults::named(&arguments.faults)
        .with_context(|| format!("{:?} is no set of faults (none, light, standard, heavy)", arguments.faults))?;
    let mut code = ExitCode::SUCCESS;
    for seed in arguments.seed..arguments.seed + arguments.seeds {
        let plan = Plan {
            seed,
            workers: arguments.workers.max(1),
            coordinators: arguments.coordinators.max(1),
            images: arguments.images,
            faults: faults.clone(),
            sabotage: arguments.sabotage,
        };
        let begun = Instant::now();
        let outcome = run(&plan)?;
        if arguments.json {
            println!("{}", serde_json::to_string(&outcome)?);
        } else {
            println!("seed {seed}, {} workers, {} images, faults {}", plan.workers, plan.images, plan.faults.name);
            println!("{outcome}");
            println!("this took     {:.1} s, peak memory {} MiB", begun.elapsed().as_secs_f64(), peak_memory());
        }
        if !outcome.violations.is_empty() {
            code = ExitCode::FAILURE;
            for violation in &outcome.violations {
                eprintln!("VIOLATION {violation}");
            }
            eprintln!("seed {seed} fails; again with:\n  {}", plan.command());
        }
    }
    Ok(code)
}

/// The most memory that this process ever had, in MiB; 0 where the system does not show.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) >> 10
}
