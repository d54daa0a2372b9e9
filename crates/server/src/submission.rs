//! What a client sends to have an image judged, and how it becomes a job.
//!
//! A client chooses the image, or the SBOM that it uploaded, and how urgent it is. It may make the policy stricter,
//! never laxer, and it chooses neither the advisories nor the day: otherwise nobody could trust a pass.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use layergate_model::{Digest, ImageReference, Platform, Severity};
use layergate_ports::values::{
    CredentialName, IdempotencyKey, ImageLocator, Job, JobId, Lane, PlatformSelection, PolicyOverrides, SbomName,
    Tenant, UploadedSbom,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest time that a client may give a job.
const LONGEST: u64 = 24 * 3600;

/// The body of `POST /api/v1/jobs`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// A registry reference. An image or an SBOM is submitted, not both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub image: Option<ImageReference>,
    /// An SBOM that was uploaded before (`POST /api/v1/sboms`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sbom: Option<SbomRef>,
    /// Which platforms.
    #[serde(default)]
    pub platforms: Platforms,
    /// What must hold besides the server's policy.
    #[serde(default)]
    pub policy: PolicyWishes,
    /// Who goes first.
    #[serde(default)]
    pub lane: LaneWord,
    /// Who asks.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub tenant: Option<Tenant>,
    /// The name of the registry credential.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub credential: Option<CredentialName>,
    /// The same key again is the same job.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub idempotency_key: Option<IdempotencyKey>,
    /// Seconds until the job ends as `error`; an hour without it, a day at most.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
}

/// An SBOM that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SbomRef {
    /// The digest of the document's bytes, as the upload answered.
    pub digest: Digest,
    /// What the report calls it: 1 to 4096 bytes without control characters.
    #[schemars(with = "String")]
    pub name: SbomName,
}

/// Which platforms of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Platforms {
    /// `linux/amd64` when the reference is an index, else the one there is.
    #[default]
    Default,
    /// These (`os/arch[/variant]`), each of which must be there.
    List(#[schemars(with = "Vec<String>")] Vec<Platform>),
    /// All of them.
    All,
}

/// Who goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LaneWord {
    /// Somebody waits: a CI step, an admission.
    #[default]
    Interactive,
    /// Nobody waits.
    Bulk,
}

/// What must hold besides the server's policy: it can only make the verdict stricter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyWishes {
    /// Fail from this severity on.
    pub fail_on: Option<Severity>,
    /// Whether only findings with a fix count.
    pub only_fixed: Option<bool>,
    /// A whole policy (TOML).
    pub policy: Option<String>,
}

impl From<PlatformSelection> for Platforms {
    fn from(selection: PlatformSelection) -> Self {
        match selection {
            PlatformSelection::Default => Self::Default,
            PlatformSelection::List(list) => Self::List(list),
            PlatformSelection::All => Self::All,
        }
    }
}

impl From<Platforms> for PlatformSelection {
    fn from(platforms: Platforms) -> Self {
        match platforms {
            Platforms::Default => Self::Default,
            Platforms::List(list) => Self::List(list),
            Platforms::All => Self::All,
        }
    }
}

impl From<LaneWord> for Lane {
    fn from(lane: LaneWord) -> Self {
        match lane {
            LaneWord::Interactive => Self::Interactive,
            LaneWord::Bulk => Self::Bulk,
        }
    }
}

/// What is submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An image in a registry.
    Image(ImageReference),
    /// An uploaded SBOM.
    Sbom(SbomRef),
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
            platforms: Platforms::default(),
            policy: PolicyWishes::default(),
            lane: LaneWord::default(),
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
            (None, Some(SbomRef { digest, name })) => ImageLocator::Sbom(UploadedSbom { digest, name }),
            _ => return Err(NoSubject),
        };
        let seconds = self.timeout_seconds.unwrap_or(3600).clamp(1, LONGEST);
        let PolicyWishes { fail_on, only_fixed, policy } = self.policy;
        let patience = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(3600));
        Ok(Job {
            id,
            image,
            platforms: self.platforms.into(),
            credential: self.credential,
            policy: PolicyOverrides { fail_on, only_fixed, policy },
            lane: self.lane.into(),
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
