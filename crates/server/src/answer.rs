//! What the API answers about a job: types of its own, so that a change of what is stored is no change of what clients
//! read.
//!
//! Enumerations are words here. The published schema lists those of this version; a client reads an answer of a newer
//! coordinator all the same, where a word that it does not know counts as the worst and is reported
//! ([`VerdictAnswer::read`]).

use jiff::Timestamp;
use layergate_model::{Digest, Effect, FindingId, Gap, GapKind, Inputs, Reason, Summary, Verdict};
use layergate_ports::values::{
    ErrorDetail, ImageVerdict, JobError, JobId, Lane, ReportKey, SourceError, Tenant, VerdictRecord,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The answer to a submission.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Submitted {
    /// The job; the earlier one when the idempotency key was known.
    #[schemars(with = "String")]
    pub job: JobId,
}

/// The answer to a question about a job.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct JobAnswer {
    /// The job.
    #[schemars(with = "String")]
    pub job: JobId,
    /// The verdict; absent while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictAnswer>,
}

/// An answer that is not what was asked for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ErrorAnswer {
    /// What is wrong, in a sentence.
    pub error: String,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictAnswer {
    /// The job.
    #[schemars(with = "String")]
    pub job: JobId,
    /// The image, or `sbom:` and the SBOM's name, as it was asked for.
    pub reference: String,
    /// Who asked.
    #[schemars(with = "String")]
    pub tenant: Tenant,
    /// On which lane.
    #[schemars(with = "crate::submission::LaneWord")]
    pub lane: String,
    /// The worst of the images' verdicts; `error` when there are none.
    #[schemars(with = "Verdict")]
    pub verdict: String,
    /// One for each platform, in the index's order; empty when the image could not be had.
    pub images: Vec<ImageAnswer>,
    /// Why there is no image to judge, or nothing to judge it by.
    #[schemars(with = "Option<FailureAnswer>")]
    pub error: Option<Value>,
    /// What was missing when the deadline passed or a layer could not be had.
    pub missing: Vec<GapAnswer>,
    /// What a newer process of the fleet wrote that the answering one does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// When it was accepted.
    #[schemars(with = "String")]
    pub submitted_at: Timestamp,
    /// When it ended.
    #[schemars(with = "String")]
    pub finished_at: Timestamp,
}

/// The outcome for one image of one platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageAnswer {
    /// The reference as it stands in the report.
    pub reference: String,
    /// What was judged: the manifest, or the SBOM's bytes.
    pub digest: Digest,
    /// The platform, `os/arch[/variant]`.
    pub platform: Option<String>,
    /// The outcome.
    #[schemars(with = "Verdict")]
    pub verdict: String,
    /// Why, worst first; at most 20 (the report has all).
    pub reasons: Vec<ReasonAnswer>,
    /// The counts, as in the report.
    pub summary: Summary,
    /// The pins, as in the report.
    pub inputs: Inputs,
    /// The name of the kept report.
    #[schemars(with = "String")]
    pub report: ReportKey,
}

/// A rule of the policy that had something to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonAnswer {
    /// The rule.
    pub rule: String,
    /// What it does to the verdict.
    #[schemars(with = "Effect")]
    pub effect: String,
    /// The reason in a sentence.
    pub text: String,
    /// The findings behind it; some of them where they are very many.
    pub finding_ids: Vec<FindingId>,
}

/// Something that was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GapAnswer {
    /// The sort of gap.
    #[schemars(with = "GapKind")]
    pub kind: String,
    /// Where.
    #[serde(rename = "where")]
    pub place: String,
    /// What happened.
    pub detail: String,
}

/// Why a job ended without a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureAnswer {
    /// The image could not be had.
    Source(SourceFailure),
    /// There is nothing to judge by.
    Judge(String),
    /// Time was up before the image was known.
    Deadline(String),
    /// The job was taken up too often without an end.
    Abandoned(String),
    /// For a reason that a newer process of the fleet knows, in its words.
    Unknown(String),
}

/// Why an image could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceFailure {
    /// There is no such image, platform, blob or document.
    NotFound(FailureDetail),
    /// The registry wants other credentials.
    Unauthorized(FailureDetail),
    /// Something else than an image or an SBOM.
    NotAnImage(FailureDetail),
    /// An image of a kind that is refused, or over a bound.
    Unsupported(FailureDetail),
    /// The source is out of reach or busy.
    Unavailable {
        /// What happened.
        trouble: FailureDetail,
        /// How long the source asks to be left alone.
        retry_after: Option<Pause>,
    },
    /// The source's answer, or the document, is not what it must be.
    Malformed(FailureDetail),
}

/// Where, what, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureDetail {
    /// The reference, URL, file or digest.
    pub place: String,
    /// What happened.
    pub what: String,
    /// What to do about it; may be empty.
    pub advice: String,
}

/// A time span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// Whole seconds.
    pub secs: u64,
    /// Nanoseconds besides.
    pub nanos: u32,
}

impl From<VerdictRecord> for VerdictAnswer {
    fn from(record: VerdictRecord) -> Self {
        let error = record.error.map(FailureAnswer::from);
        Self {
            job: record.job,
            reference: record.reference,
            tenant: record.tenant,
            lane: record.lane.as_str().to_owned(),
            verdict: record.verdict.as_str().to_owned(),
            images: record.images.into_iter().map(ImageAnswer::from).collect(),
            // Texts and numbers: it can be written.
            error: error.map(|e| serde_json::to_value(e).unwrap_or_default()),
            missing: record.missing.into_iter().map(GapAnswer::from).collect(),
            unknown: record.unknown,
            submitted_at: record.submitted_at,
            finished_at: record.finished_at,
        }
    }
}

impl From<ImageVerdict> for ImageAnswer {
    fn from(image: ImageVerdict) -> Self {
        Self {
            reference: image.reference,
            digest: image.digest,
            platform: image.platform.map(|p| p.to_string()),
            verdict: image.verdict.as_str().to_owned(),
            reasons: image.reasons.into_iter().map(ReasonAnswer::from).collect(),
            summary: image.summary,
            inputs: image.inputs,
            report: image.report,
        }
    }
}

impl From<Reason> for ReasonAnswer {
    fn from(reason: Reason) -> Self {
        let effect = match reason.effect {
            Effect::Ignore => "ignore",
            Effect::Warn => "warn",
            Effect::Fail => "fail",
            Effect::Error => "error",
        };
        Self { rule: reason.rule, effect: effect.to_owned(), text: reason.text, finding_ids: reason.finding_ids }
    }
}

impl From<Gap> for GapAnswer {
    fn from(gap: Gap) -> Self {
        Self { kind: gap.kind.as_str().to_owned(), place: gap.place, detail: gap.detail }
    }
}

impl From<JobError> for FailureAnswer {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Source(error) => Self::Source(error.into()),
            JobError::Judge(text) => Self::Judge(text),
            JobError::Deadline(text) => Self::Deadline(text),
            JobError::Abandoned(text) => Self::Abandoned(text),
            JobError::Unknown(text) => Self::Unknown(text),
        }
    }
}

impl From<SourceError> for SourceFailure {
    fn from(error: SourceError) -> Self {
        let detail = |t: ErrorDetail| FailureDetail { place: t.place, what: t.what, advice: t.advice };
        match error {
            SourceError::NotFound(t) => Self::NotFound(detail(t)),
            SourceError::Unauthorized(t) => Self::Unauthorized(detail(t)),
            SourceError::NotAnImage(t) => Self::NotAnImage(detail(t)),
            SourceError::Unsupported(t) => Self::Unsupported(detail(t)),
            SourceError::Unavailable { trouble, retry_after } => Self::Unavailable {
                trouble: detail(trouble),
                retry_after: retry_after.map(|d| Pause { secs: d.as_secs(), nanos: d.subsec_nanos() }),
            },
            SourceError::Malformed(t) => Self::Malformed(detail(t)),
        }
    }
}

impl From<FailureAnswer> for JobError {
    fn from(failure: FailureAnswer) -> Self {
        let trouble = |d: FailureDetail| ErrorDetail::new(d.place, d.what, d.advice);
        let source = match failure {
            FailureAnswer::Judge(text) => return Self::Judge(text),
            FailureAnswer::Deadline(text) => return Self::Deadline(text),
            FailureAnswer::Abandoned(text) => return Self::Abandoned(text),
            FailureAnswer::Unknown(text) => return Self::Unknown(text),
            FailureAnswer::Source(source) => source,
        };
        Self::Source(match source {
            SourceFailure::NotFound(d) => SourceError::NotFound(trouble(d)),
            SourceFailure::Unauthorized(d) => SourceError::Unauthorized(trouble(d)),
            SourceFailure::NotAnImage(d) => SourceError::NotAnImage(trouble(d)),
            SourceFailure::Unsupported(d) => SourceError::Unsupported(trouble(d)),
            SourceFailure::Unavailable { trouble: detail, retry_after } => SourceError::Unavailable {
                trouble: trouble(detail),
                retry_after: retry_after.map(|p| std::time::Duration::new(p.secs, p.nanos.min(999_999_999))),
            },
            SourceFailure::Malformed(d) => SourceError::Malformed(trouble(d)),
        })
    }
}

/// Reads words; those of a newer version are kept apart.
struct Words(Vec<String>);

impl Words {
    fn read<T: DeserializeOwned>(&mut self, what: &str, word: &str, worst: T) -> T {
        serde_json::from_value(Value::String(word.to_owned())).unwrap_or_else(|_| {
            self.0.push(format!("{what} {word:?}"));
            worst
        })
    }
}

impl VerdictAnswer {
    /// The record that was answered, read by a client that may be older than the coordinator: what it does not know
    /// counts as the worst and stands in `unknown`.
    pub fn read(self) -> VerdictRecord {
        let mut words = Words(self.unknown);
        let images = self.images.into_iter().map(|image| ImageVerdict {
            reference: image.reference,
            digest: image.digest,
            platform: image.platform.as_deref().and_then(|p| p.parse().ok()),
            verdict: words.read("verdict", &image.verdict, Verdict::Error),
            reasons: (image.reasons.into_iter())
                .map(|r| Reason {
                    rule: r.rule,
                    effect: words.read("effect", &r.effect, Effect::Error),
                    text: r.text,
                    finding_ids: r.finding_ids,
                })
                .collect(),
            summary: image.summary,
            inputs: image.inputs,
            report: image.report,
        });
        let images = images.collect();
        let mut missing = Vec::new();
        for gap in self.missing {
            match serde_json::from_value(Value::String(gap.kind.clone())) {
                Ok(kind) => missing.push(Gap { kind, place: gap.place, detail: gap.detail }),
                Err(_) => words.0.push(format!("gap {:?} at {}: {}", gap.kind, gap.place, gap.detail)),
            }
        }
        let error = self.error.map(|error| match serde_json::from_value::<FailureAnswer>(error.clone()) {
            Ok(failure) => JobError::from(failure),
            Err(_) => {
                words.0.push("error".to_owned());
                JobError::Unknown(error.to_string())
            }
        });
        VerdictRecord {
            job: self.job,
            reference: self.reference,
            tenant: self.tenant,
            lane: words.read("lane", &self.lane, Lane::default()),
            verdict: words.read("verdict", &self.verdict, Verdict::Error),
            images,
            error,
            missing,
            unknown: words.0,
            submitted_at: self.submitted_at,
            finished_at: self.finished_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use layergate_ports::conformance;
    use serde_json::json;

    use super::*;

    fn sample() -> VerdictRecord {
        let report = conformance::report("registry.example/a:1");
        let mut record = conformance::verdict("one", Verdict::Fail);
        record.missing = vec![Gap::new(GapKind::LayerUnavailable, "sha256:1", "time")];
        record.images = vec![ImageVerdict {
            reference: report.image.reference.clone(),
            digest: Digest::of(b"manifest"),
            platform: Some("linux/arm64/v8".parse().unwrap()),
            verdict: Verdict::Fail,
            reasons: vec![Reason {
                rule: "severity".into(),
                effect: Effect::Fail,
                text: "3 high".into(),
                finding_ids: Vec::new(),
            }],
            summary: report.summary,
            inputs: report.inputs.clone(),
            report: ReportKey::of_job(&record.job, 0),
        }];
        record
    }

    #[test]
    fn what_is_answered_is_what_is_stored() {
        let trouble = || ErrorDetail::new("a", "b", "c");
        let retry_after = Some(std::time::Duration::from_millis(1500));
        let errors = [
            JobError::Judge("a".into()),
            JobError::Deadline("b".into()),
            JobError::Abandoned("c".into()),
            JobError::Unknown("d".into()),
            JobError::Source(SourceError::NotFound(trouble())),
            JobError::Source(SourceError::Unauthorized(trouble())),
            JobError::Source(SourceError::NotAnImage(trouble())),
            JobError::Source(SourceError::Unsupported(trouble())),
            JobError::Source(SourceError::Unavailable { trouble: trouble(), retry_after }),
            JobError::Source(SourceError::Malformed(trouble())),
        ];
        for error in errors.into_iter().map(Some).chain([None]) {
            let record = VerdictRecord { error, ..sample() };
            let json = serde_json::to_string(&VerdictAnswer::from(record.clone())).unwrap();
            assert_eq!(serde_json::from_str::<VerdictAnswer>(&json).unwrap().read(), record, "{json}");
        }
    }

    #[test]
    fn words_of_a_newer_coordinator_never_pass_and_are_reported() {
        let record = VerdictRecord { verdict: Verdict::Pass, ..sample() };
        let answer = serde_json::to_value(VerdictAnswer::from(record)).unwrap();
        for (pointer, word, listed, verdict) in [
            ("/verdict", json!("deferred"), "verdict \"deferred\"", Verdict::Error),
            ("/images/0/verdict", json!("deferred"), "verdict \"deferred\"", Verdict::Pass),
            ("/images/0/reasons/0/effect", json!("nag"), "effect \"nag\"", Verdict::Pass),
            ("/lane", json!("scenic"), "lane \"scenic\"", Verdict::Pass),
            ("/missing/0/kind", json!("moon_phase"), "gap \"moon_phase\" at sha256:1: time", Verdict::Pass),
            ("/error", json!({"weather": "rain"}), "error", Verdict::Pass),
            ("/error", json!({"source": {"struck": {"place": "a"}}}), "error", Verdict::Pass),
        ] {
            let mut newer = answer.clone();
            *newer.pointer_mut(pointer).unwrap() = word;
            newer["something_more"] = json!(1);
            let read = serde_json::from_value::<VerdictAnswer>(newer).unwrap().read();
            assert_eq!((read.unknown.join(", ").as_str(), read.verdict), (listed, verdict), "{pointer}");
            if pointer == "/images/0/verdict" {
                assert_eq!(read.images[0].verdict, Verdict::Error);
            }
            assert_eq!(read.error.is_some(), pointer == "/error");
        }
    }
}
