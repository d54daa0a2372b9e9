//! SBOMs to an image inventory: CycloneDX JSON and XML, SPDX 2 JSON and tag-value, SPDX 3 JSON-LD and Syft's own JSON,
//! bare or in an in-toto attestation (a statement, a DSSE envelope or a Sigstore bundle; its signature is not verified
//! here).
//!
//! What an SBOM does not say well enough to be matched (a component without a package URL or version, a Debian or
//! Alpine package without its source package) is a gap with its number and names, never dropped in silence; gaps that
//! our own SBOMs carry come back as the gaps that they were. Bounds: 256 MiB, nesting of 128, a million components.

mod attestation;
mod component;
mod cyclonedx;
mod cyclonedx_xml;
mod distro;
mod gaps;
mod spdx;
mod spdx3;
mod spdx_tag_value;
mod syft;

use std::collections::{HashMap, HashSet};

use layergate_model::{Gap, GapKind, ImageInventory, ImagePackage, PackageId, PackageKind};
use serde::{Deserialize, Deserializer};

use component::Component;
use distro::System;

/// Bytes of a document that are read; estates' largest are some tens of MiB.
pub const MAX_BYTES: usize = 256 << 20;
/// Components of one document.
const MAX_COMPONENTS: usize = 1_000_000;
/// Names that a gap lists before "and N more".
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
    #[error("{name} is {what}; CycloneDX (JSON, XML), SPDX (JSON, tag-value, JSON-LD) and Syft's JSON can be read")]
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
        /// What is wrong, with the position where the format's reader knows it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What a document says, in the words of neither format.
#[derive(Default)]
struct Document {
    system: Option<System>,
    components: Vec<Component>,
    /// What the document says that it does not cover.
    gaps: Vec<String>,
    /// The tool writes a source package wherever it differs from the package, so that none means the same name.
    tool_names_sources: bool,
}

impl Document {
    /// Notes a tool that wrote the document.
    fn written_by(&mut self, tool: &str) {
        let tool = tool.to_ascii_lowercase();
        self.tool_names_sources |= ["layergate", "syft", "trivy"].iter().any(|known| tool.contains(known));
    }
}

/// Only what shows the formats apart; the rest of the document is passed over without being kept.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    #[serde(default)]
    bom_format: Option<String>,
    #[serde(default)]
    spdx_version: Option<String>,
    #[serde(default, rename = "@context")]
    context: Option<serde::de::IgnoredAny>,
    /// DSSE.
    #[serde(default)]
    payload_type: Option<serde::de::IgnoredAny>,
    /// An in-toto statement without an envelope, as BuildKit attaches it to images.
    #[serde(default)]
    predicate_type: Option<serde::de::IgnoredAny>,
    /// A Sigstore bundle.
    #[serde(default)]
    dsse_envelope: Option<serde::de::IgnoredAny>,
    /// Syft's own format.
    #[serde(default)]
    artifacts: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    descriptor: Option<serde::de::IgnoredAny>,
}

/// Reads an SBOM; `name` is the file's, for messages and as the evidence of packages that name no better one.
pub fn read(bytes: &[u8], name: &str) -> Result<ImageInventory, SbomError> {
    read_within(bytes, name, MAX_COMPONENTS)
}

/// Reads an SBOM of at most `components` components, where a narrower bound than [`MAX_COMPONENTS`] is wanted.
pub fn read_within(bytes: &[u8], name: &str, components: usize) -> Result<ImageInventory, SbomError> {
    let document = parse(bytes, name, false)?;
    if document.components.len() > components {
        let what = format!("{} components, {components} are read", document.components.len());
        return Err(SbomError::TooLarge { name: name.to_owned(), what });
    }
    Ok(inventory(document, name))
}

fn parse(bytes: &[u8], name: &str, unwrapped: bool) -> Result<Document, SbomError> {
    let owned = || name.to_owned();
    if bytes.len() > MAX_BYTES {
        let what = format!("{} bytes, {MAX_BYTES} are read", bytes.len());
        return Err(SbomError::TooLarge { name: owned(), what });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let other = |what| SbomError::NotAnSbom { name: owned(), what };
    let malformed = |format| {
        move |source: Box<dyn std::error::Error + Send + Sync>| SbomError::Malformed {
            name: name.to_owned(),
            format,
            source,
        }
    };
    let json = |format| move |source: serde_json::Error| malformed(format)(source.into());
    Ok(match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
        None => return Err(other("an empty file")),
        Some(b'{') => {
            let probe: Probe = serde_json::from_slice(bytes).map_err(json("JSON"))?;
            match (probe.bom_format.as_deref(), probe.spdx_version.as_deref()) {
                (Some("CycloneDX"), _) => cyclonedx::read(bytes).map_err(json("CycloneDX JSON"))?,
                (_, Some(v)) if v.starts_with("SPDX-2.") => spdx::read(bytes).map_err(json("SPDX JSON"))?,
                (_, Some(_)) => return Err(other("SPDX of an unknown version")),
                _ if unwrapped && (probe.payload_type.is_some() || probe.predicate_type.is_some()) => {
                    return Err(other("an attestation inside an attestation"));
                }
                _ if probe.payload_type.is_some()
                    || probe.predicate_type.is_some()
                    || probe.dsse_envelope.is_some() =>
                {
                    let inner = attestation::predicate(bytes).map_err(json("in-toto attestation"))?;
                    let inner = inner.ok_or_else(|| other("an attestation of something else"))?;
                    return parse(&inner, name, true);
                }
                _ if probe.context.is_some() => match spdx3::read(bytes).map_err(json("SPDX 3 JSON-LD"))? {
                    Some(document) => document,
                    None => return Err(other("JSON-LD of another sort")),
                },
                _ if probe.artifacts.is_some() && probe.descriptor.is_some() => {
                    syft::read(bytes).map_err(json("Syft JSON"))?
                }
                _ => return Err(other("JSON of another sort")),
            }
        }
        Some(b'<') => match cyclonedx_xml::read(bytes).map_err(|e| malformed("CycloneDX XML")(e.into()))? {
            Some(document) => document,
            None => return Err(other("XML of another sort")),
        },
        _ if spdx_tag_value::is_one(bytes) => {
            spdx_tag_value::read(bytes).map_err(|e| malformed("SPDX tag-value")(e.into()))?
        }
        Some(_) => return Err(other("not a JSON object")),
    })
}

fn inventory(document: Document, name: &str) -> ImageInventory {
    let Document { system, components, gaps: reported, tool_names_sources } = document;
    let system = system.or_else(|| distro::from_purls(&components));
    let distro = system.map(System::into_distro);
    let mut unusable = Vec::new();
    let mut unknown_type = Vec::new();
    let mut foreign = Vec::new();
    let mut sourceless = Vec::new();
    let (mut owned, mut ids) = (Vec::new(), HashMap::new());
    let mut names_sources = tool_names_sources;
    let index = component::index(&components);
    let owners: HashSet<String> = components.iter().filter_map(|c| c.owner.clone()).collect();
    let mut packages: Vec<ImagePackage> = Vec::with_capacity(components.len());
    // Each component is let go when its package is made.
    for component in components {
        let Some(identity) = component.identity() else {
            if component.is_of_unknown_type() { &mut unknown_type } else { &mut unusable }.push(component.label());
            continue;
        };
        let package = component.package(&identity, &index, name);
        if package.kind.is_os()
            && let Some(other) = distro::from_purl(&component)
            && distro.as_ref().is_some_and(|d| d.id != other.id)
        {
            foreign.push(component.label());
        }
        if matches!(package.kind, PackageKind::Deb | PackageKind::Apk) && package.source.is_none() {
            sourceless.push(component.label());
        } else {
            names_sources |= matches!(package.kind, PackageKind::Deb | PackageKind::Apk);
        }
        let purl = package.purl(distro.as_ref());
        let location = package.locations.first().map_or("", String::as_str);
        let id = PackageId::derive(&purl, None, location);
        if let Some(owner) = &component.owner {
            owned.push((id.clone(), owner.clone()));
        }
        if owners.contains(&component.reference) {
            ids.insert(component.reference.clone(), id.clone());
        }
        packages.push(ImagePackage { id, purl, package, layer: None, origin: component.origin, owned_by: None });
    }
    // An owner's advisories judge what it installed, so only a package of a distribution can be one.
    let owners: HashSet<_> = packages.iter().filter(|p| p.package.kind.is_os()).map(|p| p.id.clone()).collect();
    let owned: HashMap<_, _> =
        owned.into_iter().filter_map(|(id, owner)| Some((id, ids.get(&owner)?.clone()))).collect();
    for package in packages.iter_mut().filter(|p| !p.package.kind.is_os()) {
        package.owned_by = owned.get(&package.id).filter(|o| owners.contains(o)).cloned();
    }
    packages.sort_by(|a, b| {
        let (x, y) = (&a.package, &b.package);
        (x.kind, &x.name, &x.version, &x.locations, &a.id).cmp(&(y.kind, &y.name, &y.version, &y.locations, &b.id))
    });
    packages.dedup_by(|later, first| later.id == first.id);
    let mut gaps = Vec::new();
    let mut gap = |kind: GapKind, labels: Vec<String>, what: &str| {
        if !labels.is_empty() {
            gaps.push(Gap::new(kind, name, listed(&labels, what)));
        }
    };
    gap(GapKind::SbomIncomplete, unusable, "without a package URL and a version that can be matched");
    gap(
        GapKind::SbomIncomplete,
        foreign,
        "of another distribution than the SBOM's own, whose advisories do not fit them",
    );
    // Debian's and Alpine's advisories are filed by source package: under its own name such a package finds nothing.
    let sourceless = if names_sources { Vec::new() } else { sourceless };
    gap(GapKind::SbomIncomplete, sourceless, "without the source package that the distribution's advisories speak of");
    gap(GapKind::UnwatchedEcosystem, unknown_type, "of a package URL type that no advisory database speaks of");
    if packages.is_empty() && gaps.is_empty() {
        gaps.push(Gap::new(GapKind::SbomIncomplete, name, "the SBOM lists no package"));
    }
    gaps.extend(reported.iter().filter_map(|text| gaps::carried(text, name)));
    gaps.sort();
    gaps.dedup();
    ImageInventory { distro, packages, gaps, ..ImageInventory::default() }
}

/// `12 components without …: a, b and 10 more`.
fn listed(labels: &[String], what: &str) -> String {
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
