//! CycloneDX: the document model and its JSON form (`cyclonedx_xml.rs` reads the other one), versions 1.2 to 1.7 as far
//! as a component goes (they only added), with the properties that Trivy (`aquasecurity:trivy:…`), Syft (`syft:…`) and
//! we (`layergate:…`) write.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Document, component, component::Component, distro::System, nullable};
use crate::hashes;

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Bom {
    #[serde(deserialize_with = "nullable")]
    pub(super) metadata: Metadata,
    #[serde(deserialize_with = "nullable")]
    pub(super) components: Vec<Raw>,
    #[serde(deserialize_with = "nullable")]
    pub(super) dependencies: Vec<Needs>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Metadata {
    #[serde(deserialize_with = "nullable")]
    pub(super) component: Option<Raw>,
    #[serde(deserialize_with = "nullable")]
    pub(super) tools: Tools,
}

/// A list until 1.4, an object with components from 1.5 on.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Tools {
    List(Vec<Named>),
    Components {
        #[serde(default, deserialize_with = "nullable")]
        components: Vec<Named>,
    },
    Other(serde::de::IgnoredAny),
}

impl Default for Tools {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Needs {
    #[serde(rename = "ref", deserialize_with = "nullable")]
    pub(super) of: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) depends_on: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Raw {
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub(super) kind: String,
    #[serde(rename = "bom-ref", deserialize_with = "nullable")]
    pub(super) reference: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) group: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) name: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) version: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) publisher: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) supplier: Named,
    #[serde(deserialize_with = "nullable")]
    pub(super) scope: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) purl: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) hashes: Vec<Hash>,
    #[serde(deserialize_with = "nullable")]
    pub(super) licenses: Vec<License>,
    #[serde(deserialize_with = "nullable")]
    pub(super) properties: Vec<Property>,
    #[serde(deserialize_with = "nullable")]
    pub(super) evidence: Evidence,
    #[serde(deserialize_with = "nullable")]
    pub(super) components: Vec<Raw>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Named {
    #[serde(deserialize_with = "nullable")]
    pub(super) id: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Hash {
    #[serde(deserialize_with = "nullable")]
    pub(super) alg: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) content: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct License {
    #[serde(deserialize_with = "nullable")]
    pub(super) license: Named,
    #[serde(deserialize_with = "nullable")]
    pub(super) expression: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Property {
    #[serde(deserialize_with = "nullable")]
    pub(super) name: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) value: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Evidence {
    #[serde(deserialize_with = "nullable")]
    pub(super) occurrences: Vec<Occurrence>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Occurrence {
    #[serde(deserialize_with = "nullable")]
    pub(super) location: String,
}

pub(super) fn read(bytes: &[u8]) -> Result<Document, serde_json::Error> {
    Ok(document(serde_json::from_slice(bytes)?))
}

/// What the document says of packages.
pub(super) fn document(bom: Bom) -> Document {
    let mut needs: HashMap<String, Vec<String>> = HashMap::new();
    for Needs { of, depends_on } in bom.dependencies {
        needs.entry(of).or_default().extend(depends_on);
    }
    let mut document = Document::default();
    if let Some(root) = &bom.metadata.component {
        document.gaps.extend(root.all("layergate:gap").map(str::to_owned));
    }
    if let Tools::List(tools) | Tools::Components { components: tools } = &bom.metadata.tools {
        tools.iter().for_each(|t| document.written_by(&t.name));
    }
    // Components may hold components; the readers have bounded their depth.
    let mut open: Vec<Raw> = bom.components;
    open.extend(bom.metadata.component.map(|c| c.components).unwrap_or_default());
    while let Some(mut raw) = open.pop() {
        open.append(&mut raw.components);
        match raw.kind.as_str() {
            "operating-system" => document.system = document.system.or_else(|| raw.system()),
            // Files and what holds packages are no packages; with a package URL they are what it says.
            "file" | "container" | "device" | "firmware" | "data" | "platform" if raw.purl.is_empty() => {}
            "application" if raw.purl.is_empty() && raw.one("aquasecurity:trivy:Class").is_some() => {}
            _ => document.components.push(raw.component(&mut needs)),
        }
    }
    document
}

impl Raw {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.properties.iter().filter(move |p| p.name == name && !p.value.is_empty()).map(|p| p.value.as_str())
    }

    fn one(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|p| p.name == name && !p.value.is_empty()).map(|p| p.value.as_str())
    }

    fn system(&self) -> Option<System> {
        let name = self.one("layergate:distro:id").or(self.one("syft:distro:id")).unwrap_or(&self.name);
        let mut system = System::new(name, self.one("syft:distro:versionID").unwrap_or(&self.version))?;
        let codename = self.one("syft:distro:versionCodename").or(self.one("layergate:distro:codename"));
        system.codename = codename.map(str::to_owned);
        Some(system)
    }

    fn component(self, needs: &mut HashMap<String, Vec<String>>) -> Component {
        let purl = self.purl.parse().ok();
        let text = |s: &str| (!s.is_empty()).then(|| s.to_owned());
        let module = self.one("aquasecurity:trivy:Modularitylabel").or(self.one("syft:metadata:modularityLabel"));
        let mut locations: Vec<String> = self.evidence.occurrences.iter().map(|o| o.location.clone()).collect();
        locations.extend(self.all("aquasecurity:trivy:FilePath").map(str::to_owned));
        let syft = |p: &&Property| p.name.starts_with("syft:location:") && p.name.ends_with(":path");
        locations.extend(self.properties.iter().filter(syft).map(|p| p.value.clone()));
        let mut seen = std::collections::HashSet::new();
        locations.retain(|l| seen.insert(l.clone()));
        let license =
            |l: &License| [&l.expression, &l.license.id, &l.license.name].into_iter().find(|s| !s.is_empty()).cloned();
        let mut licenses: Vec<String> = self.all("layergate:license").map(str::to_owned).collect();
        if licenses.is_empty() {
            licenses = self.licenses.iter().filter_map(license).collect();
        }
        Component {
            source: self.source(),
            module: module.map(str::to_owned),
            vendor: text(&self.supplier.name).or_else(|| text(&self.publisher)),
            licenses,
            hashes: self.hashes.iter().filter_map(|h| hashes::join(&h.alg, &h.content)).collect(),
            locations,
            dev: self.scope == "excluded",
            kind: self.one("layergate:type").and_then(|k| k.parse().ok()),
            origin: component::origin(self.one("layergate:origin")),
            owner: self.one("layergate:owned-by").map(str::to_owned),
            needs: needs.remove(&self.reference).unwrap_or_default(),
            reference: self.reference,
            group: self.group,
            name: self.name,
            version: self.version,
            purl,
        }
    }

    /// The source package's name and full version, in our words, Trivy's or Syft's.
    fn source(&self) -> Option<(String, String)> {
        if let Some(name) = self.one("layergate:source:name") {
            return Some((name.to_owned(), self.one("layergate:source:version").unwrap_or_default().to_owned()));
        }
        if let Some(name) = self.one("aquasecurity:trivy:SrcName") {
            let mut version = self.one("aquasecurity:trivy:SrcVersion").unwrap_or_default().to_owned();
            if let Some(release) = self.one("aquasecurity:trivy:SrcRelease") {
                version = format!("{version}-{release}");
            }
            if let Some(epoch) = self.one("aquasecurity:trivy:SrcEpoch").filter(|e| *e != "0") {
                version = format!("{epoch}:{version}");
            }
            return Some((name.to_owned(), version));
        }
        let name = self.one("syft:metadata:source").or(self.one("syft:metadata:originPackage"));
        if let Some(name) = name {
            return Some((name.to_owned(), self.one("syft:metadata:sourceVersion").unwrap_or_default().to_owned()));
        }
        let file = self.one("syft:metadata:sourceRpm")?;
        let own = self.one("syft:metadata:epoch").filter(|e| *e != "0").map(|e| format!("{e}:")).unwrap_or_default();
        component::source_rpm(file.strip_suffix(".src.rpm")?, &own)
    }
}
