//! A flip: a verdict that changed, with its cause.

use jiff::Timestamp;
use layergate_model::{Digest, Inputs, Verdict};
use serde::{Deserialize, Serialize};

use crate::{Cause, RunId};

/// A verdict that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flip {
    /// What it is known again by: the same change under the same pins has the same id, however often it is found.
    pub id: Digest,
    /// The run that found it.
    pub run: RunId,
    /// The reference.
    pub image: String,
    /// The manifest's digest now.
    pub digest: Digest,
    /// The platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The verdict before.
    pub from: Verdict,
    /// The verdict now.
    pub to: Verdict,
    /// Why.
    pub cause: Cause,
    /// When it was found.
    pub at: Timestamp,
}

impl Flip {
    /// The id of a change of an image between two sets of pins.
    pub fn id(
        image: &str,
        platform: Option<&str>,
        before: (Option<Digest>, &Inputs),
        after: (Option<Digest>, &Inputs),
    ) -> Digest {
        let pins = |(digest, inputs): (Option<Digest>, &Inputs)| {
            format!("{digest:?} {}", serde_json::to_string(inputs).unwrap_or_default())
        };
        let platform = platform.unwrap_or_default();
        Digest::of(format!("{image}\n{platform}\n{}\n{}", pins(before), pins(after)).as_bytes())
    }
}
