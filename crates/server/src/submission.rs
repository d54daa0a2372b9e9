//! What a client sends to have an image judged, and how it becomes a job.
//!
//! A client chooses the image, or the SBOM that it uploaded, and how urgent it is. It may make the policy stricter,
//! never laxer, and it chooses neither the advisories nor the day: otherwise nobody could trust a pass.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use layergate_model::{Digest, ImageReference};
use layergate_ports::values::{
    CredentialName, IdempotencyKey, ImageLocator, Job, JobId, Lane, PlatformSelection, PolicyOverrides, Tenant,
    UploadedSbom,
};
use serde::{Deserialize, Serialize};

/// The longest time that a client may give a job.
const LONGEST: u64 = 24 * 3600;

/// The body of `POST /api/v1/jobs`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// A registry reference. An image or an SBOM is submitted, not both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageReference>,
    /// An SBOM that was uploaded before (`POST /api/v1/sboms`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sbom: Option<UploadedSbom>,
    /// Which platforms.
    #[serde(default)]
    pub platforms: PlatformSelection,
    /// What must hold besides the server's policy.
    #[serde(default)]
    pub policy: PolicyOverrides,
    /// Who goes first.
    #[serde(default)]
    pub lane: Lane,
    /// Who asks.
    #[serde(default)]
    pub tenant: Option<Tenant>,
    /// The name of the registry credential.
    #[serde(default)]
    pub credential: Option<CredentialName>,
    /// The same key again is the same job.
    #[serde(default)]
    pub idempotency_key: Option<IdempotencyKey>,
    /// Seconds until the job ends as `error`; an hour without it, a day at most.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
}

/// What is submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An image in a registry.
    Image(ImageReference),
    /// An uploaded SBOM.
    Sbom(UploadedSbom),
}

/// A submission that does not say what is to be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("name one thing to be judged: an `image`, or an `sbom` that was uploaded before")]
pub struct NoSubject;

impl Submission {
    /// A submission of `subject` and nothing else.
    pub fn of(subject: Subject) -> Self {
        let (image, sbom) = match subject {
            Subject::Image(image) => (Some(image), None),
            Subject::Sbom(sbom) => (None, Some(sbom)),
        };
        Self {
            image,
            sbom,
            platforms: PlatformSelection::default(),
            policy: PolicyOverrides::default(),
            lane: Lane::default(),
            tenant: None,
            credential: None,
            idempotency_key: None,
            timeout_seconds: None,
        }
    }

    /// What the client asks for, whatever it calls it: two submissions with one key must agree in it.
    pub fn digest(&self) -> Digest {
        let asked = Self { idempotency_key: None, ..self.clone() };
        // Every part is text or a number: it can be written.
        Digest::of(&serde_json::to_vec(&asked).unwrap_or_default())
    }

    /// The job, accepted at `now`.
    pub fn job(self, id: JobId, now: Timestamp, trace: Option<String>) -> Result<Job, NoSubject> {
        let image = match (self.image, self.sbom) {
            (Some(image), None) => ImageLocator::Registry(image),
            (None, Some(sbom)) => ImageLocator::Sbom(sbom),
            _ => return Err(NoSubject),
        };
        let seconds = self.timeout_seconds.unwrap_or(3600).clamp(1, LONGEST);
        let patience = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(3600));
        Ok(Job {
            id,
            image,
            platforms: self.platforms,
            credential: self.credential,
            policy: self.policy,
            lane: self.lane,
            tenant: self.tenant.unwrap_or_default(),
            idempotency_key: self.idempotency_key,
            snapshot: None,
            as_of: now.to_zoned(TimeZone::UTC).date().to_string(),
            submitted_at: now,
            deadline: now.checked_add(patience).unwrap_or(Timestamp::MAX),
            trace,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_chooses_neither_the_day_nor_the_advisories() {
        for forged in ["as_of", "snapshot", "vex", "exceptions", "deadline"] {
            let text = format!(r#"{{"image": "registry.example/a:1", "{forged}": "2000-01-01"}}"#);
            assert!(serde_json::from_str::<Submission>(&text).is_err(), "{forged} was accepted");
        }
        let submission: Submission =
            serde_json::from_str(r#"{"image": "registry.example/a:1", "timeout_seconds": 99999999}"#).unwrap();
        let now: Timestamp = "2026-11-21T23:59:59Z".parse().unwrap();
        let job = submission.job(JobId::random(), now, None).unwrap();
        assert_eq!((job.as_of.as_str(), job.snapshot), ("2026-11-21", None));
        assert_eq!(job.deadline.duration_since(now).as_secs(), 24 * 3600);
    }
}
