//! A job (one image to judge) and a layer task (one layer to read).

use jiff::Timestamp;
use layergate_model::{Alias, Digest, Severity};
use serde::{Deserialize, Serialize};

use super::{
    CredentialName, IdempotencyKey, ImageLocator, ImageRequest, JobId, LayerKey, LayerLocator, PlatformSelection,
    Tenant,
};

/// Who goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// Somebody waits: a CI step, an admission.
    #[default]
    Interactive,
    /// Nobody waits: a rescan of the estate.
    Bulk,
}

impl Lane {
    /// Both, the one that goes first first.
    pub const ALL: [Self; 2] = [Self::Interactive, Self::Bulk];

    /// The word in subjects, metrics and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Bulk => "bulk",
        }
    }
}

/// What a job asks of the policy beyond the coordinator's own. It can only make the verdict stricter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyOverrides {
    /// Fail from this severity on, where the policy would begin higher.
    pub fail_on: Option<Severity>,
    /// Whether only findings with a fix count; `false` makes a policy that says `true` stricter.
    pub only_fixed: Option<bool>,
    /// A whole policy (TOML) that must hold besides the coordinator's: the worse of both verdicts stands.
    pub policy: Option<String>,
}

/// One image to judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The image.
    pub image: ImageLocator,
    /// Which platforms.
    pub platforms: PlatformSelection,
    /// The name of the credential for the registry.
    pub credential: Option<CredentialName>,
    /// What the policy must be besides.
    pub policy: PolicyOverrides,
    /// Who goes first.
    pub lane: Lane,
    /// Who asks.
    pub tenant: Tenant,
    /// What the client calls this submission.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The snapshot to judge by; `None` is the coordinator's current one.
    pub snapshot: Option<Digest>,
    /// The day (ISO 8601) to judge for; set by whoever accepts the job, so that a redelivery after midnight agrees.
    pub as_of: String,
    /// When it was accepted.
    pub submitted_at: Timestamp,
    /// When it ends as `error` if it has not ended before.
    pub deadline: Timestamp,
    /// W3C trace context (`traceparent`) of the submission.
    pub trace: Option<String>,
}

impl Job {
    /// The question to the image source.
    pub fn request(&self) -> ImageRequest {
        ImageRequest {
            image: self.image.clone(),
            platforms: self.platforms.clone(),
            credential: self.credential.clone(),
        }
    }
}

/// One layer to read. It carries where the blob is, never an inventory and never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerTask {
    /// What is to be stored. Its digest is that of the blob, or of a second look at it (`Alias::digest`).
    pub key: LayerKey,
    /// Where its bytes can be had.
    pub locator: LayerLocator,
    /// The names for whose sake the layer is read once more; empty the first time.
    pub aliases: Vec<Alias>,
    /// The lane of the job that asked first.
    pub lane: Lane,
    /// The tenant of the job that asked first.
    pub tenant: Tenant,
    /// W3C trace context of the job that asked first.
    pub trace: Option<String>,
}
