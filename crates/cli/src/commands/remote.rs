//! `layergate scan --server`: the fleet does the work; the verdict, the report and the exit code are as if it had been
//! done here.
//!
//! The server's advisories, policy and day hold. What the client passes can only make the verdict stricter; what could
//! loosen it (VEX, another day) or names this machine's files is a usage error.

use std::time::Duration;

use anyhow::anyhow;
use futures::{StreamExt, stream};
use layergate_model::{Limits, Report, Verdict};
use layergate_policy::Policy;
use layergate_ports::values::{PlatformSelection, PolicyOverrides, VerdictRecord};
use layergate_registry::Location;
use layergate_server::Submission;
use tokio::time::Instant;

use super::scan::tell_record;
use crate::{
    args::{JudgeArgs, ScanArgs},
    client::Client,
    exit::{Failure, Outcome, tell, usage},
    judge, output, unscanned,
};

/// Images that one command has in flight.
const AT_ONCE: usize = 64;

pub(crate) async fn scan(
    args: ScanArgs,
    locations: Vec<Location>,
    platforms: PlatformSelection,
    verbose: bool,
) -> Result<Outcome, Failure> {
    if args.as_of.is_some() {
        return Err(usage(anyhow!("--as-of has no place beside --server: the server's day holds")));
    }
    let policy = wishes(&args.judge)?;
    let (rules, limits) = (Policy::default(), Limits::default());
    // The pins are the server's to tell; of a job that told nothing there are none.
    let pins = unscanned::Pins { snapshot: None, policy: &rules, vex: &[], limits: &limits, as_of: judge::today() };
    let client = Client::new(&args.server, &args.api)?;
    let references: Vec<String> = locations.iter().map(ToString::to_string).collect();
    let mut submissions = Vec::with_capacity(locations.len());
    for location in locations {
        let Location::Registry(image) = location else {
            return Err(usage(anyhow!(
                "{location} lies on this machine, where the fleet cannot read it: scan it here, without --server"
            )));
        };
        submissions.push(Submission {
            platforms: platforms.clone(),
            policy: policy.clone(),
            timeout_seconds: args.timeout.map(|t| t.as_secs()),
            ..Submission::of(image)
        });
    }
    // The job ends by itself at its deadline; a little later the client ends even if nobody tells it.
    let end = args.timeout.map(|t| Instant::now() + t + Duration::from_secs(30));
    let one = async |submission: Submission| -> Result<(VerdictRecord, Vec<Report>), Failure> {
        let job = client.submit(submission).await?;
        let record = client.wait(&job, end).await?;
        let reports = if record.images.is_empty() { Vec::new() } else { client.reports(&job).await? };
        Ok((record, reports))
    };
    let ended: Vec<_> = stream::iter(submissions).map(one).buffered(AT_ONCE).collect().await;
    let mut worst = Verdict::Pass;
    let mut reports = Vec::new();
    for (result, reference) in ended.into_iter().zip(references) {
        match result {
            Ok((record, of_image)) => {
                tell_record(&record);
                worst = worst.max(record.verdict);
                reports.extend(unscanned::of_record(&record, &pins).filter(|_| of_image.is_empty()));
                reports.extend(of_image);
            }
            Err(Failure::Error(error)) => {
                tell(&error);
                reports.push(unscanned::report(&reference, &format!("{error:#}"), &pins));
                worst = Verdict::Error;
            }
            Err(usage) => return Err(usage),
        }
    }
    if !reports.is_empty() {
        output::write(&reports, &args.outputs, verbose)?;
    }
    Ok(Outcome::Judged(worst))
}

/// What the client asks of the policy.
fn wishes(args: &JudgeArgs) -> Result<PolicyOverrides, Failure> {
    let refused = |flag, why| Err(usage(anyhow!("{flag} has no place beside --server: {why}")));
    if !args.vex.is_empty() {
        return refused("--vex", "the server's VEX documents hold");
    }
    if args.db.is_some() {
        return refused("--db", "the server's advisories hold");
    }
    let policy = match &args.policy {
        Some(path) => {
            // Read here first, so that a mistake is told with its line before anything is sent.
            judge::policy(path)?;
            Some(std::fs::read_to_string(path)?)
        }
        None => None,
    };
    Ok(PolicyOverrides { fail_on: args.fail_on, only_fixed: args.only_fixed, policy })
}
