//! `layergate diff OLD NEW` and `layergate convert REPORT`: reports that were kept are looked at again.

use anyhow::anyhow;
use layergate_model::Verdict;
use layergate_report::Difference;

use crate::{
    args::{ConvertArgs, DiffFormat, ReportDiffArgs},
    exit::{Failure, Outcome, usage},
    output, reports, unscanned,
};

/// `layergate diff`: 1 when the newer report has a finding that the older one has not, 3 when the newer one is no verdict.
pub(crate) fn run(args: &ReportDiffArgs) -> Result<Outcome, Failure> {
    let single = |path| {
        let mut all = reports::read(path)?;
        match (all.pop(), all.is_empty()) {
            (Some(report), true) => Ok(report),
            _ => Err(usage(anyhow!("{} holds several reports; compare one with one", path.display()))),
        }
    };
    let difference = Difference::between(&single(&args.old)?, &single(&args.new)?);
    let text = match args.output {
        DiffFormat::Table => difference.table(),
        DiffFormat::Json => difference.json()?,
        DiffFormat::Markdown => difference.markdown(),
    };
    output::to_stdout(text.as_bytes())?;
    Ok(Outcome::Judged(match difference.new_verdict {
        // What was not looked at may hide what is new.
        Verdict::Error => Verdict::Error,
        _ if difference.new_findings.is_empty() => Verdict::Pass,
        _ => Verdict::Fail,
    }))
}

/// `layergate convert`: nothing is judged, so that it ends with 0 whatever the verdict. A list of what could not be
/// scanned is not written, which is an error.
pub(crate) fn convert(args: &ConvertArgs) -> Result<Outcome, Failure> {
    let reports = reports::read(&args.report)?;
    let names: Vec<String> = reports.iter().map(|r| r.image.reference.clone()).collect();
    output::begin(&args.output.outputs, false, &[&args.report], &names)?;
    output::check_number(&args.output.outputs, reports.len())?;
    output::write(&reports, &args.output)?;
    let unlisted = args.output.outputs.iter().any(|o| o.format.is_single()) && reports.iter().all(unscanned::is_one);
    Ok(if unlisted { Outcome::Judged(Verdict::Error) } else { Outcome::Done })
}
