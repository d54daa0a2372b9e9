//! An image as the estate keeps it: what was found in it, apart from how, when and by what it is judged.
//!
//! Checks that ask for the reference or the day are taken out and found anew at each judgement, so that an image judged from
//! here and one that is scanned have the same report, byte for byte.

use std::{fmt, str::FromStr};

use jiff::civil::Date;
use layergate_image::checks;
use layergate_judge::{AssessInput, assess};
use layergate_model::{Digest, ImageConfig, ImageInventory, ImageReference, Report, ReportImage};
use serde::{Deserialize, Serialize};

use crate::Pins;

/// What names a kept image: the hash of all that a report says of the image itself but its reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageKey(Digest);

impl fmt::Display for ImageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

impl FromStr for ImageKey {
    type Err = layergate_model::DigestError;
    fn from_str(hex: &str) -> Result<Self, Self::Err> {
        format!("sha256:{hex}").parse().map(Self)
    }
}

/// An image that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptImage {
    /// The image as its report names it, before it is judged.
    pub image: ReportImage,
    /// When its configuration says that it was made.
    pub created: Option<String>,
    /// What is in it, without the checks that ask for reference or day.
    pub inventory: ImageInventory,
}

impl KeptImage {
    /// What is kept of an image that was put together.
    pub fn new(image: ReportImage, config: &ImageConfig, inventory: &ImageInventory) -> Self {
        let mut inventory = inventory.clone();
        inventory.checks.retain(|check| !checks::is_situational(&check.id));
        Self { image, created: config.created.clone(), inventory }
    }

    /// Its name in the store.
    pub fn key(&self) -> ImageKey {
        let anonymous = ReportImage { reference: String::new(), ..self.image.clone() };
        // Plain structs, strings and numbers do not fail to serialize.
        ImageKey(Digest::of(&serde_json::to_vec(&anonymous).unwrap_or_default()))
    }

    /// Whether everything that belongs to it was read: what another day may be read is not known.
    pub fn is_complete(&self) -> bool {
        self.inventory.gaps.iter().all(|gap| gap.kind.is_deterministic())
    }

    /// The report on it under a reference, as a scan would make it.
    pub fn report(&self, reference: &str, pins: &Pins<'_>) -> Report {
        let mut inventory = self.inventory.clone();
        inventory.checks.extend(situational(self.created.as_deref(), reference, pins.as_of));
        inventory.checks.sort();
        assess(AssessInput {
            image: ReportImage { reference: reference.to_owned(), ..self.image.clone() },
            inventory: &inventory,
            snapshot: Some(pins.snapshot),
            policy: pins.policy,
            vex: pins.vex,
            limits: pins.limits,
            analyzers: pins.analyzers,
            as_of: pins.as_of,
        })
    }
}

/// The checks that ask for reference and day.
pub(crate) fn situational(created: Option<&str>, reference: &str, as_of: Date) -> Vec<layergate_model::Check> {
    let config = ImageConfig { created: created.map(str::to_owned), ..ImageConfig::default() };
    let reference: Option<ImageReference> = reference.parse().ok();
    checks::situational(Some(&config), reference.as_ref(), Some(as_of))
}
