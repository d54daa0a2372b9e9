//! `layergate submit` and `layergate wait`: the two halves of `scan --server`, for whoever does not want to stand by.

use layergate_model::{Report, Verdict};
use layergate_ports::values::{CredentialName, JobId, Tenant, VerdictRecord};
use layergate_registry::Location;
use layergate_server::{LaneWord, Submission};
use tokio::time::Instant;

use super::{failures::print_record, remote::answers, scan::platforms};
use crate::{
    args::{SubmitArgs, WaitArgs},
    client::{Client, check_travels},
    exit::{Failure, Outcome, print_error, usage},
    output, unscanned,
};

/// `layergate submit`: one job id a line.
pub(crate) async fn submit(args: SubmitArgs) -> Result<Outcome, Failure> {
    let locations: Vec<Location> =
        args.images.iter().map(|text| text.parse().map_err(usage)).collect::<Result<_, _>>()?;
    locations.iter().try_for_each(check_travels)?;
    let tenant: Option<Tenant> = args.tenant.as_deref().map(|t| t.parse().map_err(usage)).transpose()?;
    let credential: Option<CredentialName> =
        args.credential.as_deref().map(|c| c.parse().map_err(usage)).transpose()?;
    let platforms = platforms(&args.platforms)?;
    let client = Client::new(&args.server.server, &args.server.api)?;
    for location in locations {
        let subject = client.subject(&location).await?;
        let job = client
            .submit(Submission {
                platforms: platforms.clone().into(),
                lane: if args.bulk { LaneWord::Bulk } else { LaneWord::Interactive },
                tenant: tenant.clone(),
                credential: credential.clone(),
                timeout_seconds: args.timeout.map(|t| t.as_secs()),
                ..Submission::of(subject)
            })
            .await?;
        output::to_stdout(format!("{job}\n").as_bytes())?;
    }
    Ok(Outcome::Done)
}

/// `layergate wait`.
pub(crate) async fn wait(args: WaitArgs) -> Result<Outcome, Failure> {
    output::begin(&args.output.outputs, false, &[], &args.jobs)?;
    let jobs: Vec<JobId> = args.jobs.iter().map(|j| j.parse().map_err(usage)).collect::<Result<_, _>>()?;
    output::check_number(&args.output.outputs, jobs.len())?;
    let client = Client::new(&args.server.server, &args.server.api)?;
    let end = args.timeout.map(|t| Instant::now() + t);
    let one = async |job: &JobId| -> Result<(VerdictRecord, Vec<Report>), Failure> {
        let record = client.wait(job, end).await?;
        let reports = if record.images.is_empty() { Vec::new() } else { client.reports(job).await? };
        answers(&record.reference, &record, &reports)?;
        Ok((record, reports))
    };
    let (mut worst, mut reports) = (Verdict::Pass, Vec::new());
    for job in &jobs {
        match one(job).await {
            Ok((record, of_image)) => {
                print_record(&record);
                worst = worst.max(record.verdict);
                let why = unscanned::why(&record);
                reports.extend(why.map(|why| unscanned::without_pins(&record.reference, &why)));
                reports.extend(of_image);
            }
            Err(Failure::Error(error)) => {
                print_error(&error);
                reports.push(unscanned::without_pins(&format!("job {job}"), &format!("{error:#}")));
                worst = Verdict::Error;
            }
            Err(usage) => return Err(usage),
        }
    }
    output::write(&reports, &args.output)?;
    Ok(Outcome::Judged(worst))
}
