//! The verdict record of a job: small, so that millions can be kept; the reports lie beside it.

use jiff::Timestamp;
use layergate_model::{Digest, Gap, Inputs, Platform, Reason, Report, Summary, Verdict};
use serde::{Deserialize, Serialize};

use super::{JobId, Lane, ReportKey, SourceError, Tenant};

/// The outcome for one image of one platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageVerdict {
    /// The reference as it stands in the report.
    pub reference: String,
    /// The manifest.
    pub digest: Digest,
    /// The platform.
    pub platform: Option<Platform>,
    /// The outcome.
    pub verdict: Verdict,
    /// Why, worst first; at most 20 (the report has all).
    pub reasons: Vec<Reason>,
    /// The counts.
    pub summary: Summary,
    /// The pins.
    pub inputs: Inputs,
    /// The report, if it is still kept.
    pub report: ReportKey,
}

impl ImageVerdict {
    /// Whether `report` is the one that this verdict was taken from.
    pub fn is_of(&self, report: &Report) -> bool {
        let reported = &report.image;
        reported.digest == Some(self.digest)
            && (&reported.reference, &reported.platform) == (&self.reference, &self.platform)
            && (report.verdict, &report.inputs) == (self.verdict, &self.inputs)
    }
}

/// Why a job ended without a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobError {
    /// The image could not be had.
    #[error(transparent)]
    Source(SourceError),
    /// There is nothing to judge by: the snapshot or the policy cannot be used.
    #[error("{0}")]
    Judge(String),
    /// Time was up before the image was known.
    #[error("{0}")]
    Deadline(String),
    /// The job was taken up too often without an end.
    #[error("{0}")]
    Abandoned(String),
    /// A reason of a newer version of this program, in its words.
    #[error("{0}")]
    Unknown(String),
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictRecord {
    /// The job.
    pub job: JobId,
    /// The image as it was asked for.
    pub reference: String,
    /// Who asked.
    pub tenant: Tenant,
    /// On which lane.
    pub lane: Lane,
    /// The worst of the images' verdicts; `error` when there are none.
    pub verdict: Verdict,
    /// One for each platform, in the index's order; empty when the image could not be had.
    pub images: Vec<ImageVerdict>,
    /// Why there is no image to judge, or nothing to judge it by.
    pub error: Option<JobError>,
    /// What was missing when the deadline passed or a layer could not be had.
    pub missing: Vec<Gap>,
    /// What a newer version wrote into the record that this one does not know; what stands in its place is the worst.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// When it was accepted.
    pub submitted_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}
