//! Syft's own JSON (anchore/syft, schema/json, versions 1 to 16 as far as a package goes): artifacts with their package URLs,
//! the metadata of dpkg, apk and rpm for source packages, the distribution, and relationships.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Document, component, component::Component, distro::System, nullable};

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Syft {
    #[serde(deserialize_with = "nullable")]
    artifacts: Vec<Artifact>,
    #[serde(deserialize_with = "nullable")]
    artifact_relationships: Vec<Relationship>,
    #[serde(deserialize_with = "nullable")]
    distro: Release,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Artifact {
    #[serde(deserialize_with = "nullable")]
    id: String,
    #[serde(deserialize_with = "nullable")]
    name: String,
    #[serde(deserialize_with = "nullable")]
    version: String,
    #[serde(deserialize_with = "nullable")]
    locations: Vec<Location>,
    #[serde(deserialize_with = "nullable")]
    licenses: Vec<License>,
    #[serde(deserialize_with = "nullable")]
    purl: String,
    #[serde(deserialize_with = "nullable")]
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Location {
    #[serde(deserialize_with = "nullable")]
    path: String,
}

/// A word until schema 9, an object since.
#[derive(Deserialize)]
#[serde(untagged)]
enum License {
    Word(String),
    Object {
        #[serde(default, deserialize_with = "nullable")]
        value: String,
    },
}

/// Some ecosystems' metadata is no object, and none of it matters here.
#[derive(Deserialize)]
#[serde(untagged)]
enum Metadata {
    Known(Box<Fields>),
    Other(serde::de::IgnoredAny),
}

impl Default for Metadata {
    fn default() -> Self {
        Self::Other(serde::de::IgnoredAny)
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Fields {
    #[serde(deserialize_with = "nullable")]
    source: String,
    #[serde(deserialize_with = "nullable")]
    source_version: String,
    #[serde(deserialize_with = "nullable")]
    origin_package: String,
    #[serde(deserialize_with = "nullable")]
    source_rpm: String,
    #[serde(deserialize_with = "nullable")]
    epoch: u32,
    #[serde(deserialize_with = "nullable")]
    modularity_label: String,
    #[serde(deserialize_with = "nullable")]
    vendor: String,
    #[serde(deserialize_with = "nullable")]
    maintainer: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Relationship {
    #[serde(deserialize_with = "nullable")]
    parent: String,
    #[serde(deserialize_with = "nullable")]
    child: String,
    #[serde(rename = "type", deserialize_with = "nullable")]
    kind: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Release {
    #[serde(deserialize_with = "nullable")]
    id: String,
    /// Schema 1 to 2.
    #[serde(deserialize_with = "nullable")]
    name: String,
    #[serde(rename = "versionID", deserialize_with = "nullable")]
    version_id: String,
    #[serde(deserialize_with = "nullable")]
    version: String,
    #[serde(rename = "versionCodename", deserialize_with = "nullable")]
    codename: String,
}

/// Reads the document.
pub(super) fn read(bytes: &[u8]) -> Result<Document, serde_json::Error> {
    let syft: Syft = serde_json::from_slice(bytes)?;
    let mut needs: HashMap<String, Vec<String>> = HashMap::new();
    let mut owners: HashMap<String, String> = HashMap::new();
    for r in syft.artifact_relationships {
        match r.kind.as_str() {
            "dependency-of" => needs.entry(r.child).or_default().push(r.parent),
            "ownership-by-file-overlap" => drop(owners.insert(r.child, r.parent)),
            _ => {}
        }
    }
    let mut document = Document::default();
    document.written_by("syft");
    document.system = syft.distro.system();
    for artifact in syft.artifacts {
        let needs = needs.remove(&artifact.id).unwrap_or_default();
        let owner = owners.remove(&artifact.id);
        document.components.push(artifact.component(needs, owner));
    }
    Ok(document)
}

impl Release {
    fn system(self) -> Option<System> {
        let first = |a: String, b: String| if a.is_empty() { b } else { a };
        let system = System::new(&first(self.id, self.name), &first(self.version_id, self.version))?;
        Some(System { codename: Some(self.codename).filter(|c| !c.is_empty()), ..system })
    }
}

impl Artifact {
    fn component(self, needs: Vec<String>, owner: Option<String>) -> Component {
        let fields = match self.metadata {
            Metadata::Known(fields) => *fields,
            Metadata::Other(_) => Fields::default(),
        };
        let text = |s: String| (!s.is_empty()).then_some(s);
        let epoch = if fields.epoch == 0 { String::new() } else { format!("{}:", fields.epoch) };
        let purl: Option<layergate_model::Purl> = self.purl.parse().ok();
        let kind = purl.as_ref().and_then(|p| Some(p.parts()?.ty().to_owned()));
        // `source` is dpkg's word; the metadata of other ecosystems has fields of the same name and another meaning.
        let source = match kind.as_deref() {
            Some("deb") => text(fields.source).map(|name| (name, fields.source_version)),
            Some("apk") => text(fields.origin_package).map(|name| (name, String::new())),
            Some("rpm") => {
                fields.source_rpm.strip_suffix(".src.rpm").and_then(|file| component::source_rpm(file, &epoch))
            }
            _ => None,
        };
        Component {
            purl,
            source,
            owner,
            needs,
            module: text(fields.modularity_label),
            vendor: text(fields.vendor).or_else(|| text(fields.maintainer)),
            licenses: self
                .licenses
                .into_iter()
                .map(|l| match l {
                    License::Word(value) | License::Object { value } => value,
                })
                .filter(|l| !l.is_empty())
                .collect(),
            locations: self.locations.into_iter().map(|l| l.path).collect(),
            reference: self.id,
            name: self.name,
            version: self.version,
            ..Component::default()
        }
    }
}
