//! A verdict record. It must always be storable: one that is too large loses the ids of findings beyond the first
//! hundred of each reason, then all of them; the report has them all.
//!
//! In a fleet that is upgraded process by process a record may hold values that a newer process knows and this one does
//! not. It is read all the same: what is not known counts as the worst, and is reported as `unknown` with the record.

use bytes::Bytes;
use layergate_model::{Effect, FindingCounts, Inputs, Reason, Summary};
use layergate_ports::values::{ErrorDetail, ImageVerdict, JobError, JobId, ReportKey, SourceError, VerdictRecord};
use layergate_wire::{WireError, v1};

use super::parts::{self, Newer, Reader};

const READ: Reader = Reader("a verdict record");
const SOME_IDS: usize = 100;

/// The value of a verdict.
pub fn verdict_to_wire(record: &VerdictRecord) -> Result<Bytes, WireError> {
    let mut refused = None;
    for ids in [usize::MAX, SOME_IDS, 0] {
        match layergate_wire::encode(to_wire(record, ids)) {
            Ok(bytes) => return Ok(bytes),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| READ.bad("size", "too large")))
}

fn to_wire(record: &VerdictRecord, ids: usize) -> v1::VerdictRecord {
    v1::VerdictRecord {
        version: 0,
        job: record.job.to_string(),
        reference: record.reference.clone(),
        tenant: record.tenant.to_string(),
        lane: parts::lane(record.lane),
        verdict: parts::verdict(record.verdict),
        images: record.images.iter().map(|image| image_to_wire(image, ids)).collect(),
        error: record.error.as_ref().map(error_to_wire),
        missing: record.missing.iter().map(parts::gap).collect(),
        submitted_at: parts::time(record.submitted_at),
        finished_at: parts::time(record.finished_at),
    }
}

fn image_to_wire(image: &ImageVerdict, ids: usize) -> v1::ImageVerdict {
    let counts = &image.summary.findings;
    v1::ImageVerdict {
        reference: image.reference.clone(),
        digest: parts::digest(&image.digest),
        platform: parts::text(image.platform.as_ref()),
        verdict: parts::verdict(image.verdict),
        reasons: image.reasons.iter().map(|reason| reason_to_wire(reason, ids)).collect(),
        summary: Some(v1::Summary {
            packages: image.summary.packages,
            critical: counts.critical,
            high: counts.high,
            medium: counts.medium,
            low: counts.low,
            negligible: counts.negligible,
            unknown: counts.unknown,
            fixable: image.summary.fixable,
            suppressed: image.summary.suppressed,
            gaps: image.summary.gaps,
        }),
        inputs: Some(v1::Inputs {
            snapshot: image.inputs.snapshot.as_ref().map(parts::digest).unwrap_or_default(),
            snapshot_date: image.inputs.snapshot_date.clone().unwrap_or_default(),
            policy: parts::digest(&image.inputs.policy),
            exceptions: parts::digest(&image.inputs.exceptions),
            vex: image.inputs.vex.iter().map(parts::digest).collect(),
            limits: image.inputs.limits.clone(),
            analyzers: image.inputs.analyzers.clone(),
            judge: image.inputs.judge.clone(),
            as_of: image.inputs.as_of.clone(),
        }),
        report: image.report.to_string(),
    }
}

fn reason_to_wire(reason: &Reason, ids: usize) -> v1::Reason {
    use v1::reason::Effect as Wire;
    let effect = match reason.effect {
        Effect::Ignore => Wire::Ignore,
        Effect::Warn => Wire::Warn,
        Effect::Fail => Wire::Fail,
        Effect::Error => Wire::Error,
    };
    v1::Reason {
        rule: reason.rule.clone(),
        effect: effect.into(),
        text: reason.text.clone(),
        finding_ids: reason.finding_ids.iter().take(ids).map(ToString::to_string).collect(),
    }
}

fn error_to_wire(error: &JobError) -> v1::JobError {
    use v1::job_error::Kind;
    let kind = match error {
        JobError::Source(error) => Kind::Source(source_to_wire(error)),
        JobError::Judge(text) => Kind::Judge(text.clone()),
        JobError::Deadline(text) => Kind::Deadline(text.clone()),
        JobError::Abandoned(text) => Kind::Abandoned(text.clone()),
        // Only read, never made: whoever stores it again stores what it says.
        JobError::Unknown(text) => Kind::Judge(text.clone()),
    };
    v1::JobError { kind: Some(kind) }
}

fn source_to_wire(error: &SourceError) -> v1::SourceError {
    use v1::source_error::Kind;
    let (kind, trouble) = match error {
        SourceError::NotFound(trouble) => (Kind::NotFound, trouble),
        SourceError::Unauthorized(trouble) => (Kind::Unauthorized, trouble),
        SourceError::NotAnImage(trouble) => (Kind::NotAnImage, trouble),
        SourceError::Unsupported(trouble) => (Kind::Unsupported, trouble),
        SourceError::Unavailable { trouble, .. } => (Kind::Unavailable, trouble),
        SourceError::Malformed(trouble) => (Kind::Malformed, trouble),
    };
    v1::SourceError {
        kind: kind.into(),
        place: trouble.place.clone(),
        what: trouble.what.clone(),
        advice: trouble.advice.clone(),
        retry_after_ms: error.retry_after().map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
    }
}

/// Reads the verdict of `job` (its key says so).
pub fn verdict_from_wire(bytes: Bytes, job: &JobId) -> Result<VerdictRecord, WireError> {
    let wire: v1::VerdictRecord = layergate_wire::decode(bytes)?;
    if wire.job != job.as_str() {
        return Err(READ.bad("job", format!("{:?} under the key of {job}", wire.job)));
    }
    let mut newer = Newer::default();
    Ok(VerdictRecord {
        job: job.clone(),
        reference: wire.reference,
        tenant: READ.parse("tenant", &wire.tenant)?,
        lane: newer.lane(READ, wire.lane)?,
        verdict: newer.verdict(READ, wire.verdict)?,
        images: wire.images.into_iter().map(|i| image_from_wire(i, &mut newer)).collect::<Result<_, _>>()?,
        error: wire.error.map(|error| error_from_wire(error, &mut newer)).transpose()?,
        missing: wire.missing.into_iter().filter_map(|gap| newer.gap(gap)).collect(),
        unknown: newer.0,
        submitted_at: READ.time("submitted_at", wire.submitted_at)?,
        finished_at: READ.time("finished_at", wire.finished_at)?,
    })
}

fn image_from_wire(image: v1::ImageVerdict, newer: &mut Newer) -> Result<ImageVerdict, WireError> {
    let summary = READ.required("summary", image.summary)?;
    let inputs = READ.required("inputs", image.inputs)?;
    Ok(ImageVerdict {
        reference: image.reference,
        digest: READ.digest("digest", &image.digest)?,
        platform: READ.optional("platform", &image.platform)?,
        verdict: newer.verdict(READ, image.verdict)?,
        reasons: image.reasons.into_iter().map(|r| reason_from_wire(r, newer)).collect::<Result<_, _>>()?,
        summary: Summary {
            packages: summary.packages,
            findings: FindingCounts {
                critical: summary.critical,
                high: summary.high,
                medium: summary.medium,
                low: summary.low,
                negligible: summary.negligible,
                unknown: summary.unknown,
            },
            fixable: summary.fixable,
            suppressed: summary.suppressed,
            gaps: summary.gaps,
        },
        inputs: Inputs {
            snapshot: READ.optional_digest("snapshot", &inputs.snapshot)?,
            snapshot_date: (!inputs.snapshot_date.is_empty()).then_some(inputs.snapshot_date),
            policy: READ.digest("policy", &inputs.policy)?,
            exceptions: READ.digest("exceptions", &inputs.exceptions)?,
            vex: inputs.vex.iter().map(|digest| READ.digest("vex", digest)).collect::<Result<_, _>>()?,
            limits: inputs.limits,
            analyzers: inputs.analyzers,
            judge: inputs.judge,
            as_of: inputs.as_of,
        },
        report: ReportKey::parse(&image.report).ok_or_else(|| READ.bad("report", &image.report))?,
    })
}

fn reason_from_wire(reason: v1::Reason, newer: &mut Newer) -> Result<Reason, WireError> {
    use v1::reason::Effect as Wire;
    let known = |effect| match effect {
        Wire::Ignore => Some(Effect::Ignore),
        Wire::Warn => Some(Effect::Warn),
        Wire::Fail => Some(Effect::Fail),
        Wire::Error => Some(Effect::Error),
        Wire::Unspecified => None,
    };
    let effect = newer.known(READ, "effect", reason.effect, known, Effect::Error)?;
    let ids = reason.finding_ids.into_iter().map(|id| finding_id(&id));
    Ok(Reason { rule: reason.rule, effect, text: reason.text, finding_ids: ids.collect::<Result<_, _>>()? })
}

/// The model derives ids and reads them only with serde.
fn finding_id(text: &str) -> Result<layergate_model::FindingId, WireError> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|e| READ.bad("finding_ids", e))
}

fn error_from_wire(error: v1::JobError, newer: &mut Newer) -> Result<JobError, WireError> {
    use v1::job_error::Kind;
    let Some(kind) = error.kind else {
        newer.0.push("error".to_owned());
        return Ok(JobError::Unknown("for a reason that a newer version knows".to_owned()));
    };
    Ok(match kind {
        Kind::Source(error) => source_from_wire(error, newer)?,
        Kind::Judge(text) => JobError::Judge(text),
        Kind::Deadline(text) => JobError::Deadline(text),
        Kind::Abandoned(text) => JobError::Abandoned(text),
    })
}

fn source_from_wire(error: v1::SourceError, newer: &mut Newer) -> Result<JobError, WireError> {
    use v1::source_error::Kind;
    let trouble = ErrorDetail { place: error.place, what: error.what, advice: error.advice };
    let retry_after = error.retry_after_ms.map(std::time::Duration::from_millis);
    let Ok(kind) = Kind::try_from(error.kind) else {
        newer.0.push(format!("source error {}", error.kind));
        return Ok(JobError::Unknown(trouble.to_string()));
    };
    Ok(JobError::Source(match kind {
        Kind::NotFound => SourceError::NotFound(trouble),
        Kind::Unauthorized => SourceError::Unauthorized(trouble),
        Kind::NotAnImage => SourceError::NotAnImage(trouble),
        Kind::Unsupported => SourceError::Unsupported(trouble),
        Kind::Unavailable => SourceError::Unavailable { trouble, retry_after },
        Kind::Malformed => SourceError::Malformed(trouble),
        Kind::Unspecified => return Err(READ.bad("source", error.kind)),
    }))
}
