//! SBOMs to an image inventory: CycloneDX JSON and SPDX 2 JSON, as layergate, Syft and Trivy write them, bare or in an
//! in-toto attestation (whose signature is somebody else's to verify).
//!
//! An SBOM is somebody's word about an image. What it does not say well enough to be matched (a component without a
//! package URL, or with one of an unknown type) is a gap with its number and names, never dropped in silence; gaps that
//! our own SBOMs carry come back as gaps. Bounds: 256 MiB, JSON nesting of 128 (`serde_json`'s), a million components.

mod attestation;
mod component;
mod cyclonedx;
mod distro;
mod spdx;

use std::collections::{HashMap, HashSet};

use layergate_model::{Gap, GapKind, ImageInventory, ImagePackage, PackageId};
use serde::{Deserialize, Deserializer};

use component::Component;
use distro::System;

/// Bytes of a document that are read; estates' largest are some tens of MiB.
pub const MAX_BYTES: usize = 256 << 20;
/// Components of one document.
const MAX_COMPONENTS: usize = 1_000_000;
/// Names that a gap tells before "and N more".
const NAMES: usize = 10;

/// Why a file is not an SBOM that can be read.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// Over a bound.
    #[error("the SBOM {name} is over the limit: {what}")]
    TooLarge {
        /// The file.
        name: String,
        /// Which bound, with the number.
        what: String,
    },
    /// It is something else.
    #[error("{name} is {what}; CycloneDX JSON and SPDX 2 JSON can be read")]
    NotAnSbom {
        /// The file.
        name: String,
        /// What it seems to be.
        what: &'static str,
    },
    /// It claims to be one and is broken.
    #[error("the SBOM {name} is not valid {format}")]
    Malformed {
        /// The file.
        name: String,
        /// What it claims to be.
        format: &'static str,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
}

/// What a document says, in the words of neither format.
#[derive(Default)]
struct Document {
    system: Option<System>,
    components: Vec<Component>,
    /// What the document says that it does not cover.
    gaps: Vec<String>,
}

/// Only what tells the formats apart; the rest of the document is passed over without being kept.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    #[serde(default)]
    bom_format: Option<String>,
    #[serde(default)]
    spdx_version: Option<String>,
    #[serde(default, rename = "@context")]
    context: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    payload_type: Option<serde::de::IgnoredAny>,
}

/// Reads an SBOM; `name` is the file's, for messages and as the proof of packages that tell no better one.
pub fn read(bytes: &[u8], name: &str) -> Result<ImageInventory, SbomError> {
    Ok(inventory(parse(bytes, name, false)?, name))
}

fn parse(bytes: &[u8], name: &str, unwrapped: bool) -> Result<Document, SbomError> {
    let owned = || name.to_owned();
    if bytes.len() > MAX_BYTES {
        let what = format!("{} bytes, {MAX_BYTES} are read", bytes.len());
        return Err(SbomError::TooLarge { name: owned(), what });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let other = |what| SbomError::NotAnSbom { name: owned(), what };
    match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
        None => return Err(other("an empty file")),
        Some(b'{') => {}
        Some(b'<') => {
            return Err(other("XML (CycloneDX XML can be converted: cyclonedx convert --output-format json)"));
        }
        _ if bytes.starts_with(b"SPDXVersion:") => return Err(other("an SPDX tag-value document")),
        Some(_) => return Err(other("not a JSON object")),
    }
    let malformed = |format| move |source| SbomError::Malformed { name: name.to_owned(), format, source };
    let probe: Probe = serde_json::from_slice(bytes).map_err(malformed("JSON"))?;
    let document = match (probe.bom_format.as_deref(), probe.spdx_version.as_deref()) {
        (Some("CycloneDX"), _) => cyclonedx::read(bytes).map_err(malformed("CycloneDX JSON"))?,
        (_, Some(version)) if version.starts_with("SPDX-2.") => spdx::read(bytes).map_err(malformed("SPDX JSON"))?,
        (_, Some(_)) => return Err(other("SPDX of an unknown version")),
        _ if probe.payload_type.is_some() && !unwrapped => {
            let inner = attestation::predicate(bytes).map_err(malformed("in-toto attestation"))?;
            let inner = inner.ok_or_else(|| other("an attestation of something else"))?;
            return parse(&inner, name, true);
        }
        _ if probe.context.is_some() => return Err(other("JSON-LD, perhaps SPDX 3")),
        _ => return Err(other("JSON of another sort")),
    };
    if document.components.len() > MAX_COMPONENTS {
        let what = format!("{} components, {MAX_COMPONENTS} are read", document.components.len());
        return Err(SbomError::TooLarge { name: owned(), what });
    }
    Ok(document)
}

fn inventory(document: Document, name: &str) -> ImageInventory {
    let system = document.system.or_else(|| distro::from_purls(&document.components));
    let distro = system.map(System::into_distro);
    let mut unusable = Vec::new();
    let mut strangers = Vec::new();
    let (mut owned, mut ids) = (Vec::new(), HashMap::new());
    let identities: Vec<_> = document.components.iter().map(Component::identity).collect();
    let index = component::index(&document.components, &identities);
    let mut packages: Vec<ImagePackage> = Vec::with_capacity(document.components.len());
    for (component, identity) in document.components.iter().zip(&identities) {
        let Some(identity) = identity else {
            unusable.push(component.label());
            continue;
        };
        let package = component.package(identity, &index, name);
        if package.kind.is_os()
            && let Some(other) = distro::from_purl(component)
            && distro.as_ref().is_some_and(|d| d.id != other.id)
        {
            strangers.push(component.label());
        }
        let purl = package.purl(distro.as_ref());
        let location = package.locations.first().map_or("", String::as_str);
        let id = PackageId::derive(&purl, None, location);
        if let Some(owner) = &component.owner {
            owned.push((id.clone(), owner.as_str()));
        }
        ids.insert(component.reference.as_str(), id.clone());
        packages.push(ImagePackage { id, purl, package, layer: None, origin: component.origin, owned_by: None });
    }
    // An owner's advisories judge what it installed, so only a package of a distribution can be one.
    let owners: HashSet<_> = packages.iter().filter(|p| p.package.kind.is_os()).map(|p| p.id.clone()).collect();
    let owned: HashMap<_, _> =
        owned.into_iter().filter_map(|(id, owner)| Some((id, ids.get(owner)?.clone()))).collect();
    for package in packages.iter_mut().filter(|p| !p.package.kind.is_os()) {
        package.owned_by = owned.get(&package.id).filter(|o| owners.contains(o)).cloned();
    }
    packages.sort_by(|a, b| {
        let (x, y) = (&a.package, &b.package);
        (x.kind, &x.name, &x.version, &x.locations, &a.id).cmp(&(y.kind, &y.name, &y.version, &y.locations, &b.id))
    });
    packages.dedup_by(|later, first| later.id == first.id);
    let mut gaps = Vec::new();
    let mut gap = |labels: Vec<String>, what: &str| {
        if !labels.is_empty() {
            gaps.push(Gap::new(GapKind::SbomIncomplete, name, told(&labels, what)));
        }
    };
    gap(unusable, "without a package URL that can be matched");
    gap(strangers, "of another distribution than the SBOM's own, matched as if they were of it");
    for text in document.gaps {
        let text: String = text.chars().take(2_000).collect();
        gaps.push(Gap::new(GapKind::SbomIncomplete, name, format!("the SBOM says of itself: not looked at: {text}")));
    }
    gaps.sort();
    gaps.dedup();
    ImageInventory { distro, packages, gaps, ..ImageInventory::default() }
}

/// `12 components without …: a, b and 10 more`.
fn told(labels: &[String], what: &str) -> String {
    let mut names: Vec<&str> = labels.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let mut text = format!("{} {what}: ", crate::text::count(labels.len(), "component", "components"));
    text.push_str(&names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", "));
    if names.len() > NAMES {
        text.push_str(&format!(" and {} more", names.len() - NAMES));
    }
    text
}

/// Tools write `null` where the formats have an absent field.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}
