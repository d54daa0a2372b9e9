//! `layergate scan --server`: the fleet does the work; the verdict, the report and the exit code are as if it had been
//! done here.
//!
//! The server's advisories, policy and day hold. What the client passes can only make the verdict stricter; what could
//! loosen it (VEX, another day) or names this machine's files is a usage error.

use std::time::Duration;

use anyhow::anyhow;
use futures::{StreamExt, stream};
use layergate_model::{Report, Verdict};
use layergate_policy::Threshold;
use layergate_ports::values::{CredentialName, PlatformSelection, Tenant, VerdictRecord};
use layergate_registry::Location;
use layergate_server::{PolicyWishes, Subject, Submission};
use tokio::time::Instant;

use super::failures::print_record;
use crate::{
    args::{JudgeArgs, ScanArgs},
    client::{Client, check_travels},
    exit::{Failure, print_error, usage},
    judge, unscanned,
};

/// Images that one command has in flight.
const AT_ONCE: usize = 64;

pub(crate) async fn scan(
    args: ScanArgs,
    locations: Vec<Location>,
    platforms: PlatformSelection,
) -> Result<(Vec<Report>, Verdict), Failure> {
    if args.as_of.is_some() {
        return Err(usage(anyhow!("--as-of has no place beside --server: the server's day holds")));
    }
    let policy = wishes(&args.judge)?;
    let tenant: Option<Tenant> = args.tenant.as_deref().map(|t| t.parse().map_err(usage)).transpose()?;
    let credential: Option<CredentialName> =
        args.credential.as_deref().map(|c| c.parse().map_err(usage)).transpose()?;
    let client = Client::new(&args.server, &args.api)?;
    let references: Vec<String> = locations.iter().map(ToString::to_string).collect();
    locations.iter().try_for_each(check_travels)?;
    let submission = |subject| Submission {
        platforms: platforms.clone().into(),
        policy: policy.clone(),
        tenant: tenant.clone(),
        credential: credential.clone(),
        timeout_seconds: args.timeout.map(|t| t.as_secs()),
        ..Submission::of(subject)
    };
    // The job ends by itself at its deadline; a little later the client ends even if nobody shows it.
    let end = args.timeout.map(|t| Instant::now() + t + Duration::from_secs(30));
    let one = async |location: Location| -> Result<(VerdictRecord, Vec<Report>), Failure> {
        let reference = location.to_string();
        let subject = client.subject(&location).await?;
        let sent = match &subject {
            Subject::Image(_) => None,
            Subject::Sbom(sbom) => Some(sbom.digest),
        };
        let job = client.submit(submission(subject)).await?;
        let record = client.wait(&job, end).await?;
        let reports = if record.images.is_empty() { Vec::new() } else { client.reports(&job).await? };
        answers(&reference, &record, &reports)?;
        if sent.is_some() && reports.iter().any(|r| r.image.digest != sent) {
            return Err(anyhow!("{reference}: job {job} was answered for another document").into());
        }
        Ok((record, reports))
    };
    let ended: Vec<_> = stream::iter(locations).map(one).buffered(AT_ONCE).collect().await;
    let mut worst = Verdict::Pass;
    let mut reports = Vec::new();
    for (result, reference) in ended.into_iter().zip(references) {
        match result {
            Ok((record, of_image)) => {
                print_record(&record);
                worst = worst.max(record.verdict);
                let why = unscanned::why(&record).filter(|_| of_image.is_empty());
                reports.extend(why.map(|why| unscanned::without_pins(&reference, &why)));
                reports.extend(of_image);
            }
            Err(Failure::Error(error)) => {
                print_error(&error);
                reports.push(unscanned::without_pins(&reference, &format!("{error:#}")));
                worst = Verdict::Error;
            }
            Err(usage) => return Err(usage),
        }
    }
    Ok((reports, worst))
}

/// Refuses an answer that is not on what was asked: no other image's pass counts for this one.
pub(super) fn answers(reference: &str, record: &VerdictRecord, reports: &[Report]) -> Result<(), Failure> {
    let worst = reports.iter().map(|r| r.verdict).max();
    let fits = record.images.len() == reports.len() && record.images.iter().zip(reports).all(|(i, r)| i.is_of(r));
    if record.reference == reference && fits && worst.is_none_or(|worst| worst <= record.verdict) {
        return Ok(());
    }
    Err(anyhow!(
        "{reference}: job {} was answered for {}, or by reports that do not fit its verdict",
        record.job,
        record.reference
    )
    .into())
}

/// What the client asks of the policy.
fn wishes(args: &JudgeArgs) -> Result<PolicyWishes, Failure> {
    let refused = |flag, why| Err(usage(anyhow!("{flag} has no place beside --server: {why}")));
    if !args.vex.is_empty() {
        return refused("--vex", "the server's VEX documents hold");
    }
    if args.db.is_some() {
        return refused("--db", "the server's advisories hold");
    }
    let policy = match &args.policy {
        Some(path) => {
            // Read here first, so that a mistake is reported with its line before anything is sent.
            judge::policy(path)?;
            Some(crate::bounded::text(path)?)
        }
        None => None,
    };
    // `never` could only soften the server's policy, which rules.
    let fail_on = args.fail_on.and_then(|t| if let Threshold::From(severity) = t { Some(severity) } else { None });
    Ok(PolicyWishes { fail_on, only_fixed: args.only_fixed, policy })
}
