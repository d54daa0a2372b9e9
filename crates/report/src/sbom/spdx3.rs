//! SPDX 3.0 JSON-LD (spdx.github.io/spdx-spec/v3.0.1) to the document model of `spdx.rs`: the packages, relationships and
//! tools of its `@graph`, whose short names the SPDX context fixes.

use serde::Deserialize;

use super::{
    Document, nullable,
    spdx::{self, Checksum, External, Raw, Relationship, Spdx},
};

#[derive(Deserialize)]
struct Graph {
    #[serde(rename = "@context")]
    context: serde_json::Value,
    #[serde(rename = "@graph", default, deserialize_with = "nullable")]
    graph: Vec<Element>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Element {
    #[serde(rename = "type", alias = "@type", deserialize_with = "nullable")]
    kind: String,
    #[serde(rename = "spdxId", alias = "@id", deserialize_with = "nullable")]
    id: String,
    #[serde(deserialize_with = "nullable")]
    name: String,
    #[serde(rename = "software_packageVersion", deserialize_with = "nullable")]
    version: String,
    #[serde(rename = "software_packageUrl", deserialize_with = "nullable")]
    purl: String,
    #[serde(rename = "software_primaryPurpose", deserialize_with = "nullable")]
    purpose: String,
    #[serde(rename = "software_sourceInfo", deserialize_with = "nullable")]
    source_info: String,
    #[serde(rename = "externalIdentifier", deserialize_with = "nullable")]
    identifiers: Vec<Identifier>,
    #[serde(rename = "verifiedUsing", deserialize_with = "nullable")]
    verified: Vec<Hash>,
    #[serde(rename = "rootElement", deserialize_with = "nullable")]
    roots: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    from: String,
    #[serde(deserialize_with = "nullable")]
    to: Vec<String>,
    #[serde(rename = "relationshipType", deserialize_with = "nullable")]
    relationship: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Identifier {
    #[serde(deserialize_with = "nullable")]
    external_identifier_type: String,
    #[serde(deserialize_with = "nullable")]
    identifier: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Hash {
    #[serde(deserialize_with = "nullable")]
    algorithm: String,
    #[serde(deserialize_with = "nullable")]
    hash_value: String,
}

/// Reads the document; `None` where its context is not SPDX's.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Document>, serde_json::Error> {
    let graph: Graph = serde_json::from_slice(bytes)?;
    if !graph.context.to_string().contains("spdx.org/rdf/3") {
        return Ok(None);
    }
    let mut spdx = Spdx::default();
    for element in graph.graph {
        match element.kind.trim_start_matches("software_") {
            "Package" => spdx.packages.push(element.package()),
            "Relationship" | "LifecycleScopedRelationship" => spdx.relationships.extend(element.relationships()),
            "Sbom" | "Bom" | "SpdxDocument" => spdx.document_describes.extend(element.roots),
            "Tool" | "SoftwareAgent" => spdx.creation_info.creators.push(format!("Tool: {}", element.name)),
            _ => {}
        }
    }
    Ok(Some(spdx::document(spdx)))
}

impl Element {
    fn package(self) -> Raw {
        let listed = self.identifiers.into_iter();
        let mut urls = listed.filter(|i| i.external_identifier_type.eq_ignore_ascii_case("packageUrl"));
        let purl = if self.purl.is_empty() { urls.next().map(|i| i.identifier) } else { Some(self.purl) };
        let refs = purl.map(|locator| External { reference_type: "purl".to_owned(), reference_locator: locator });
        let checksum = |h: Hash| Checksum { algorithm: h.algorithm.to_ascii_uppercase(), checksum_value: h.hash_value };
        let purpose = match self.purpose.as_str() {
            "operatingSystem" => "OPERATING-SYSTEM".to_owned(),
            other => other.to_ascii_uppercase(),
        };
        Raw {
            id: self.id,
            name: self.name,
            version_info: self.version,
            source_info: self.source_info,
            primary_package_purpose: purpose,
            checksums: self.verified.into_iter().map(checksum).collect(),
            external_refs: refs.into_iter().collect(),
            ..Raw::default()
        }
    }

    fn relationships(self) -> Vec<Relationship> {
        let kind = match self.relationship.as_str() {
            "dependsOn" => "DEPENDS_ON",
            "contains" => "CONTAINS",
            "describes" => "DESCRIBES",
            _ => return Vec::new(),
        };
        let from = self.from;
        let one = |to| Relationship {
            spdx_element_id: from.clone(),
            relationship_type: kind.to_owned(),
            related_spdx_element: to,
        };
        self.to.into_iter().map(one).collect()
    }
}
