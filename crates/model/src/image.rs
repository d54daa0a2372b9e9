//! What one image contains once its layers lie upon each other.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Check, Digest, Distro, FindingId, Gap, Package, Purl, Secret};

/// One layer of an image, bottom first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Layer {
    /// Its position, from 0 at the bottom.
    pub index: u32,
    /// The digest of the blob, as the manifest pins it.
    pub digest: Digest,
    /// The digest of the uncompressed layer as the image's config claims it; reported, never used as a key.
    pub diff_id: Option<Digest>,
    /// The build step, where history and layers agree.
    pub created_by: Option<String>,
    /// Compressed bytes.
    pub size: u64,
}

/// A package's id: derived from purl, layer and location, so that it is the same in every run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct PackageId(String);

impl PackageId {
    /// The id of the package `purl` that `location` proves in layer number `layer`.
    pub fn derive(purl: &Purl, layer: Option<u32>, location: &str) -> Self {
        let layer = layer.map_or_else(|| "-".to_owned(), |l| l.to_string());
        let digest = Digest::of(format!("{purl}\n{layer}\n{location}").as_bytes());
        Self(hex::encode(&digest.as_bytes()[..8]))
    }

    /// Sixteen hexadecimal characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the finding of `advisory` on this package.
    pub fn finding(&self, advisory: &str) -> FindingId {
        FindingId::derive(self, advisory)
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who brought a package: whoever made the base image, or whoever built upon it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A layer of the base image.
    Base,
    /// A layer above the base image.
    Application,
    /// Nobody can show where the base ends.
    #[default]
    Unknown,
}

/// The base image, as far as labels, history or the estate show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BaseImage {
    /// Its name, where a label shows it.
    pub name: Option<String>,
    /// Its digest, where a label shows it.
    pub digest: Option<Digest>,
    /// How many layers, from the bottom, are the base's.
    pub layers: u32,
    /// What reported it: `label`, `history`, `estate`.
    pub source: String,
}

/// One package of one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePackage {
    /// Derived id.
    pub id: PackageId,
    /// The package URL, distribution included.
    pub purl: Purl,
    /// The package as its layer proved it.
    pub package: Package,
    /// The layer that brought this version; `None` where there are no layers (root file systems, SBOMs).
    pub layer: Option<u32>,
    /// Base or application.
    pub origin: Origin,
    /// The distribution package that installed this one: its advisories judge it.
    pub owned_by: Option<PackageId>,
}

/// The repositories that a layer's packages come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Repositories {
    /// The layer that says so; `None` where there are no layers, and for what the image's labels say.
    pub layer: Option<u32>,
    /// Content sets (`rhel-9-for-x86_64-baseos-eus-rpms`) and CPEs (`cpe:/o:redhat:rhel_eus:9.2::baseos`).
    pub names: Vec<String>,
}

/// The merged layers of one image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageInventory {
    /// The distribution.
    pub distro: Option<Distro>,
    /// Packages, sorted by kind, name, version, layer and location.
    pub packages: Vec<ImagePackage>,
    /// Secrets that the image shows, or that a lower layer still holds.
    pub secrets: Vec<Secret>,
    /// Misconfiguration; effects are the policy's to set.
    pub checks: Vec<Check>,
    /// Everything that was not looked at.
    pub gaps: Vec<Gap>,
    /// Where the base ends.
    pub base: Option<BaseImage>,
    /// Where the distribution's packages come from, as far as files and labels of Red Hat's builders say, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<Repositories>,
}
