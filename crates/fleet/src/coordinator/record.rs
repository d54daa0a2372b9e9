//! The small record of a job's end, from its reports or from the reason why there are none.

use std::time::Duration;

use jiff::Timestamp;
use layergate_model::{Effect, Gap, Reason, Report, Verdict};

use layergate_ports::values::{ImageVerdict, Job, JobError, ReportKey, ResolvedImage, SourceError, VerdictRecord};

/// Reasons that a record carries; the report has all.
const MAX_REASONS: usize = 20;

/// Whether a report speaks of this image and platform.
pub(super) fn is_on(image: &ResolvedImage, report: &Report) -> bool {
    let reported = &report.image;
    reported.reference == image.reference
        && reported.digest == Some(image.digest)
        && reported.index_digest == image.index_digest
        && reported.platform == image.platform
}

/// One image's line of the record.
pub(super) fn image_verdict(image: &ResolvedImage, report: &Report, key: ReportKey) -> ImageVerdict {
    let mut reasons: Vec<Reason> = report.reasons.iter().take(MAX_REASONS).cloned().collect();
    for reason in &mut reasons {
        reason.finding_ids.truncate(MAX_REASONS);
    }
    ImageVerdict {
        reference: image.reference.clone(),
        digest: image.digest,
        platform: image.platform.clone(),
        verdict: report.verdict,
        reasons,
        summary: report.summary,
        inputs: report.inputs.clone(),
        report: key,
    }
}

/// The record of a job that came to its end.
pub(super) fn judged(job: &Job, images: Vec<ImageVerdict>, missing: Vec<Gap>, now: Timestamp) -> VerdictRecord {
    let verdict = images.iter().map(|i| i.verdict).max().unwrap_or(Verdict::Error);
    VerdictRecord {
        job: job.id.clone(),
        reference: job.image.to_string(),
        tenant: job.tenant.clone(),
        lane: job.lane,
        verdict,
        images,
        error: None,
        missing,
        unknown: Vec::new(),
        submitted_at: job.submitted_at,
        finished_at: now,
    }
}

/// The record of a job without a report.
pub(super) fn failed(job: &Job, error: JobError, now: Timestamp) -> VerdictRecord {
    VerdictRecord { error: Some(error), ..judged(job, Vec::new(), Vec::new(), now) }
}

/// A job past its deadline is `error`, whatever its policy makes of missing layers.
pub(super) fn past_deadline(report: &mut Report, job: &Job, missing: usize) {
    report.verdict = Verdict::Error;
    let text = format!("{missing} layers were not read by the job's deadline ({})", job.deadline);
    report.reasons.insert(0, Reason { rule: "deadline".into(), effect: Effect::Error, text, finding_ids: Vec::new() });
}

/// What is reported when a source asks for a longer pause than the job has time: nothing has passed yet.
pub(super) fn long_pause(job: &Job, error: &SourceError, asked: Duration, left: Duration) -> JobError {
    JobError::Deadline(format!(
        "the registry asks for a pause of {} s, which is longer than the {} s that are left for {} (--timeout); {error}{}",
        asked.as_secs(),
        left.as_secs(),
        job.image,
        if job.credential.is_none() {
            "; a registry often limits those who are not logged in more (`docker login`)"
        } else {
            ""
        },
    ))
}

/// What is reported when time was up before the image was known.
pub(super) fn late(job: &Job, last: Option<&SourceError>) -> JobError {
    let why = last.map(|e| format!("; the last answer was: {e}")).unwrap_or_default();
    JobError::Deadline(format!("the deadline ({}) passed before {} was known{why}", job.deadline, job.image))
}
