//! Which image is asked for, what it was resolved to, and where the bytes of its layers can be had.

use std::{fmt, sync::Arc};

use layergate_model::{Digest, Gap, ImageConfig, ImageInventory, ImageReference, Platform, Registry, RepoPath};
use serde::{Deserialize, Serialize};

use super::{CredentialName, SbomName};

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageLocator {
    /// In a registry.
    Registry(ImageReference),
    /// On this machine: `docker-archive:FILE`, `oci-archive:FILE`, `oci:DIR[:TAG]`, `dir:ROOTFS`, or the path of a tar
    /// archive, or `sbom:FILE`. Never accepted from a client of a fleet.
    Local(String),
    /// An SBOM that a client of a fleet uploaded.
    Sbom(UploadedSbom),
}

/// An SBOM in the fleet's store ([`crate::SbomStore`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadedSbom {
    /// The digest of the document's bytes.
    pub digest: Digest,
    /// What the client calls it: the file's path as it was given, for the report.
    pub name: SbomName,
}

impl fmt::Display for ImageLocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(f),
            Self::Local(text) => f.write_str(text),
            Self::Sbom(sbom) => write!(f, "sbom:{}", sbom.name),
        }
    }
}

/// Which platforms of an index are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlatformSelection {
    /// `linux/amd64` when the reference is an index, else the one there is.
    #[default]
    Default,
    /// These, each of which must be there.
    List(Vec<Platform>),
    /// All of them.
    All,
}

/// A question to an image source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageRequest {
    /// Where the image is.
    pub image: ImageLocator,
    /// Which platforms.
    pub platforms: PlatformSelection,
    /// The name of the credential; `None` is whatever the machine has for the registry.
    pub credential: Option<CredentialName>,
}

/// One image of one platform, resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedImage {
    /// The reference as it stands in the report (normalised for registries, as given for local sources).
    pub reference: String,
    /// The digest of the platform's manifest; of what was read for a root file system; of the document for an SBOM.
    pub digest: Digest,
    /// The digest of the index it was chosen from.
    pub index_digest: Option<Digest>,
    /// The platform, from the index or the configuration.
    pub platform: Option<Platform>,
    /// What it is besides its layers.
    pub content: ImageContent,
    /// The layers, bottom first; a root file system is one, an SBOM has none.
    pub layers: Vec<LayerDescriptor>,
    /// What of the image (not of one layer) could not be looked at.
    pub gaps: Vec<Gap>,
    /// Platforms of the index that were not asked for, sorted.
    pub other_platforms: Vec<String>,
    /// Attestations and `unknown/unknown` children that were left out, for people.
    pub left_out: Vec<String>,
}

/// What an image is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageContent {
    /// Layers and a configuration.
    Image(Box<ImageConfig>),
    /// A root file system (a directory, a plain tar archive) in the place of a layer: it has no configuration, and the
    /// report lists no layers.
    RootFileSystem,
    /// What an SBOM lists. There is nothing to read.
    Sbom(Arc<ImageInventory>),
}

impl ImageContent {
    /// The configuration, where there is one.
    pub fn config(&self) -> Option<&ImageConfig> {
        match self {
            Self::Image(config) => Some(config),
            Self::RootFileSystem | Self::Sbom(_) => None,
        }
    }
}

/// One layer of one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerDescriptor {
    /// The digest of the blob, which the manifest pins.
    pub digest: Digest,
    /// Compressed bytes, as the manifest says.
    pub size: u64,
    /// The digest of the uncompressed layer as the configuration claims it: reported, never a key.
    pub diff_id: Option<Digest>,
    /// Where its bytes can be had.
    pub locator: LayerLocator,
    /// Set when nothing will ever read it (foreign, encrypted): it is not scanned and its gap goes to the verdict.
    pub unsupported: Option<Gap>,
}

/// Where a layer's bytes can be had. Travels in tasks: it names a credential, it never holds one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerLocator {
    /// In a registry.
    Registry(RegistryBlob),
    /// On this machine.
    Local(LocalBlob),
}

/// A blob in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RegistryBlob {
    /// The registry.
    pub registry: Registry,
    /// The repository.
    pub repository: RepoPath,
    /// The blob.
    pub digest: Digest,
    /// Its media type, as the manifest writes it.
    pub media_type: String,
    /// Its size, as the manifest says: more bytes than this are refused.
    pub size: u64,
    /// The name of the credential to ask with.
    pub credential: Option<CredentialName>,
}

/// A blob on this machine; the adapter that made it understands its texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LocalBlob {
    /// The archive, layout or directory.
    pub source: String,
    /// Which part of it: a member's name, a digest; `None` for the whole.
    pub entry: Option<String>,
    /// The blob.
    pub digest: Digest,
    /// Its size, where known.
    pub size: u64,
}

impl LayerLocator {
    /// The blob's digest.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Registry(blob) => blob.digest,
            Self::Local(blob) => blob.digest,
        }
    }

    /// The blob's size as it was reported.
    pub fn size(&self) -> u64 {
        match self {
            Self::Registry(blob) => blob.size,
            Self::Local(blob) => blob.size,
        }
    }

    /// The registry whose limits a download counts against; `None` for this machine.
    pub fn registry(&self) -> Option<&Registry> {
        match self {
            Self::Registry(blob) => Some(&blob.registry),
            Self::Local(_) => None,
        }
    }
}

impl fmt::Display for LayerLocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(blob) => write!(f, "{}/{}@{}", blob.registry, blob.repository, blob.digest),
            Self::Local(LocalBlob { source, entry: Some(entry), .. }) => write!(f, "{source}:{entry}"),
            Self::Local(LocalBlob { source, entry: None, .. }) => f.write_str(source),
        }
    }
}
