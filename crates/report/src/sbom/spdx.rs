//! SPDX 2.2 and 2.3: the document model and its JSON form (`spdx_tag_value.rs` reads the other one). A package's URL is
//! its external reference of type `purl`; source packages stand in `sourceInfo` (`built package from: NAME VERSION`:
//! Trivy's words and ours) or in the URL's `upstream`.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::{Document, component, component::Component, distro::System, gaps, nullable};
use crate::hashes;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spdx {
    #[serde(deserialize_with = "nullable")]
    pub(super) comment: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) creation_info: Creation,
    #[serde(deserialize_with = "nullable")]
    pub(super) document_describes: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub(super) packages: Vec<Raw>,
    #[serde(deserialize_with = "nullable")]
    pub(super) relationships: Vec<Relationship>,
    #[serde(deserialize_with = "nullable")]
    pub(super) has_extracted_licensing_infos: Vec<Extracted>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Creation {
    /// `Tool: syft-1.57.1`, `Organization: …`.
    #[serde(deserialize_with = "nullable")]
    pub(super) creators: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Raw {
    #[serde(rename = "SPDXID", deserialize_with = "nullable")]
    pub(super) id: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) name: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) version_info: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) supplier: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) source_info: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) license_declared: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) license_concluded: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) primary_package_purpose: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) checksums: Vec<Checksum>,
    #[serde(deserialize_with = "nullable")]
    pub(super) external_refs: Vec<External>,
    #[serde(deserialize_with = "nullable")]
    pub(super) annotations: Vec<Annotation>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Checksum {
    #[serde(deserialize_with = "nullable")]
    pub(super) algorithm: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) checksum_value: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct External {
    #[serde(deserialize_with = "nullable")]
    pub(super) reference_type: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) reference_locator: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Annotation {
    #[serde(deserialize_with = "nullable")]
    pub(super) comment: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Extracted {
    #[serde(deserialize_with = "nullable")]
    pub(super) license_id: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) extracted_text: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) name: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Relationship {
    #[serde(deserialize_with = "nullable")]
    pub(super) spdx_element_id: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) relationship_type: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) related_spdx_element: String,
}

pub(super) fn read(bytes: &[u8]) -> Result<Document, serde_json::Error> {
    Ok(document(serde_json::from_slice(bytes)?))
}

/// What the document says of packages.
pub(super) fn document(spdx: Spdx) -> Document {
    let mut roots: HashSet<String> = spdx.document_describes.into_iter().collect();
    let mut needs: HashMap<String, Vec<String>> = HashMap::new();
    let mut dev = HashSet::new();
    // Trivy writes no purpose before 2.3, and holders (an image, a lockfile) have no URL: what contains packages and
    // has none is no package.
    let mut holders = HashSet::new();
    for r in spdx.relationships {
        match r.relationship_type.as_str() {
            "DESCRIBES" => drop(roots.insert(r.related_spdx_element)),
            "DESCRIBED_BY" => drop(roots.insert(r.spdx_element_id)),
            "CONTAINS" => drop(holders.insert(r.spdx_element_id)),
            "CONTAINED_BY" => drop(holders.insert(r.related_spdx_element)),
            "DEPENDS_ON" => needs.entry(r.spdx_element_id).or_default().push(r.related_spdx_element),
            "DEPENDENCY_OF" => needs.entry(r.related_spdx_element).or_default().push(r.spdx_element_id),
            "DEV_DEPENDENCY_OF" => drop(dev.insert(r.spdx_element_id)),
            _ => {}
        }
    }
    let texts: HashMap<String, String> = spdx
        .has_extracted_licensing_infos
        .into_iter()
        .map(|e| {
            // What a package manager called it; a whole license text is no name.
            let text =
                [e.name, e.extracted_text].into_iter().find(|t| !t.is_empty() && t.len() <= 200 && t != "NOASSERTION");
            (e.license_id.clone(), text.unwrap_or(e.license_id))
        })
        .collect();
    let mut document = Document::default();
    if let Some(gaps) = spdx.comment.strip_prefix("Not looked at: ") {
        document.gaps.extend(gaps::split(gaps));
    }
    spdx.creation_info.creators.iter().filter(|c| c.starts_with("Tool:")).for_each(|c| document.written_by(c));
    for raw in spdx.packages {
        let is_purl = |e: &&External| e.reference_type.rsplit('/').next() == Some("purl");
        let purl = raw.external_refs.iter().find(is_purl).map(|e| e.reference_locator.as_str());
        if matches!(raw.primary_package_purpose.as_str(), "OPERATING-SYSTEM" | "OPERATING_SYSTEM")
            || raw.id.contains("OperatingSystem")
        {
            document.system = document.system.or_else(|| System::new(&raw.name, &raw.version_info));
            continue;
        }
        let purpose = matches!(raw.primary_package_purpose.as_str(), "CONTAINER" | "FILE" | "SOURCE" | "DEVICE");
        let image = purl.is_some_and(|p| p.starts_with("pkg:oci/") || p.starts_with("pkg:docker/"));
        let unpackaged = purl.is_none() && (holders.contains(&raw.id) || purpose);
        if (roots.contains(&raw.id) && (purl.is_none() || image)) || unpackaged {
            continue;
        }
        let purl = purl.and_then(|p| p.parse().ok());
        let needs = needs.remove(&raw.id).unwrap_or_default();
        let dev = dev.contains(&raw.id);
        document.components.push(raw.component(purl, needs, dev, &texts));
    }
    document
}

impl Raw {
    fn component(
        self,
        purl: Option<layergate_model::Purl>,
        needs: Vec<String>,
        dev: bool,
        texts: &HashMap<String, String>,
    ) -> Component {
        let reported = |l: &&String| !l.is_empty() && *l != "NOASSERTION" && *l != "NONE";
        let license = [&self.license_declared, &self.license_concluded].into_iter().find(reported);
        let license = license.map(|l| texts.get(l).unwrap_or(l).clone());
        let all = |prefix: &str| {
            let found = self.annotations.iter().filter_map(|a| a.comment.strip_prefix(prefix));
            found.map(str::to_owned).collect::<Vec<_>>()
        };
        let mut licenses = all("layergate:license: ");
        if licenses.is_empty() {
            licenses.extend(license);
        }
        let reported = |prefix: &str| self.annotations.iter().find_map(|a| a.comment.strip_prefix(prefix));
        let kind = reported("layergate:type: ").and_then(|k| k.parse().ok());
        let origin = component::origin(reported("layergate:origin: "));
        let owner = reported("layergate:owned-by: ").map(str::to_owned);
        let module = reported("layergate:module: ").map(str::to_owned);
        let source = self.source_info.strip_prefix("built package from: ").map(|s| {
            let (name, version) = s.trim().split_once(' ').unwrap_or((s.trim(), ""));
            (name.to_owned(), version.to_owned())
        });
        // Syft shows the files in sourceInfo, we in annotations.
        let mut locations = all("layergate:location: ");
        if let Some((_, files)) =
            self.source_info.split_once(": ").filter(|(h, _)| h.starts_with("acquired package info"))
            && locations.is_empty()
        {
            let path = |f: &&str| f.contains('/') && !f.contains(' ');
            locations.extend(files.split(", ").filter(path).map(str::to_owned));
        }
        Component {
            group: String::new(),
            name: self.name,
            version: self.version_info,
            purl,
            source,
            module,
            kind,
            origin,
            owner,
            vendor: self.supplier.strip_prefix("Organization: ").map(str::to_owned),
            licenses,
            hashes: self.checksums.iter().filter_map(|c| hashes::join(&c.algorithm, &c.checksum_value)).collect(),
            locations,
            dev,
            needs,
            reference: self.id,
        }
    }
}
