//! `-o spdx`: an SPDX 2.3 JSON document (spdx.github.io/spdx-spec/v2.3). A document describes one image.
//!
//! What a package's licenses are stands in `licenseDeclared`; texts that are no SPDX expression become extracted
//! licenses, as the specification asks. Source packages are reported in Trivy's words (`built package from: …`), which
//! Trivy reads back. The distribution is a package of its own, as Trivy has it: without it Trivy drops every package of
//! the distribution in silence; the price is that Syft lists it as a row without a type.

use std::collections::{BTreeMap, BTreeSet};

use layergate_model::{Digest, Origin, PackageKind, Report, ReportPackage, Scope};
use serde::Serialize;

use crate::{
    hashes,
    license::{self, License},
    listed, stamp,
    text::clean,
    trivy,
};

const NOTHING: &str = "NOASSERTION";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    spdx_id: &'static str,
    name: String,
    document_namespace: String,
    creation_info: Creation,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    packages: Vec<Package>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    has_extracted_licensing_infos: Vec<Extracted>,
    relationships: Vec<Relationship>,
}

#[derive(Serialize)]
struct Creation {
    created: String,
    creators: [String; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID")]
    spdx_id: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version_info: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<String>,
    primary_package_purpose: &'static str,
    download_location: &'static str,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    license_concluded: &'static str,
    license_declared: String,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<External>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: String,
    checksum_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct External {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotation {
    annotator: String,
    annotation_date: String,
    annotation_type: &'static str,
    comment: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extracted {
    license_id: String,
    name: String,
    extracted_text: String,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    relationship_type: &'static str,
    related_spdx_element: String,
}

const IMAGE: &str = "SPDXRef-Image";
const SYSTEM: &str = "SPDXRef-OperatingSystem";

pub(crate) fn render(report: &Report) -> Result<String, serde_json::Error> {
    let mut extracted = BTreeMap::new();
    let mut packages = vec![image(report)];
    let mut relations = BTreeSet::new();
    let mut relate = |from: &str, kind, to: &str| {
        relations.insert(Relationship {
            spdx_element_id: from.into(),
            relationship_type: kind,
            related_spdx_element: to.into(),
        });
    };
    relate("SPDXRef-DOCUMENT", "DESCRIBES", IMAGE);
    if let Some(distro) = &report.image.distro {
        let version = distro.version.as_deref().map(clean).unwrap_or_default().into();
        packages.push(bare(SYSTEM.into(), clean(trivy::family(&distro.id)).into(), version, "OPERATING_SYSTEM"));
        relate(IMAGE, "CONTAINS", SYSTEM);
    }
    let listed = listed::packages(report);
    let known: BTreeSet<_> = listed.iter().map(|p| &p.id).collect();
    for p in &listed {
        packages.push(package(report, p, &mut extracted));
        let parent = if p.kind.is_os() && report.image.distro.is_some() { SYSTEM } else { IMAGE };
        relate(parent, "CONTAINS", &id(p.id.as_str()));
    }
    for p in &listed {
        for needed in p.depends_on.iter().filter(|d| **d != p.id && known.contains(d)) {
            relate(&id(p.id.as_str()), "DEPENDS_ON", &id(needed.as_str()));
        }
        if p.scope == Scope::Dev {
            relate(&id(p.id.as_str()), "DEV_DEPENDENCY_OF", IMAGE);
        }
    }
    let gaps: Vec<_> =
        report.gaps.iter().map(|g| clean(&format!("{}: {}: {}", g.kind, g.place, g.detail)).into_owned()).collect();
    crate::json::pretty(&Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        spdx_id: "SPDXRef-DOCUMENT",
        name: clean(&report.image.reference).into(),
        document_namespace: format!("https://layergate.invalid/spdx/{}", stamp::uuid(report, "spdx")?),
        creation_info: Creation {
            created: stamp::time(report),
            creators: [format!("Tool: layergate-{}", stamp::VERSION)],
        },
        // An SBOM that does not say what was not read would be a silent clean.
        comment: (!gaps.is_empty()).then(|| format!("Not looked at: {}", gaps.join("; "))),
        packages,
        has_extracted_licensing_infos: extracted.into_values().collect(),
        relationships: relations.into_iter().collect(),
    })
}

fn id(package: &str) -> String {
    format!("SPDXRef-Package-{package}")
}

fn bare(spdx_id: String, name: String, version_info: String, purpose: &'static str) -> Package {
    Package {
        spdx_id,
        name,
        version_info,
        supplier: None,
        primary_package_purpose: purpose,
        download_location: NOTHING,
        files_analyzed: false,
        checksums: Vec::new(),
        source_info: None,
        license_concluded: NOTHING,
        license_declared: NOTHING.into(),
        copyright_text: NOTHING,
        external_refs: Vec::new(),
        annotations: Vec::new(),
    }
}

fn purl(locator: String) -> External {
    External { reference_category: "PACKAGE-MANAGER", reference_type: "purl", reference_locator: locator }
}

fn image(report: &Report) -> Package {
    let version = report.image.digest.map(|d| d.to_string()).unwrap_or_default();
    let mut package = bare(IMAGE.into(), clean(&report.image.reference).into(), version, "CONTAINER");
    if let Some(digest) = &report.image.digest {
        package.checksums.push(Checksum { algorithm: "SHA256".into(), checksum_value: digest.to_hex() });
    }
    package.external_refs.extend(stamp::image_purl(&report.image).map(|p| purl(p.to_string())));
    for layer in &report.image.layers {
        package.annotations.push(note(report, format!("LayerDigest: {}", layer.digest)));
        package.annotations.extend(layer.diff_id.map(|d| note(report, format!("LayerDiffID: {d}"))));
    }
    package
}

fn note(report: &Report, comment: String) -> Annotation {
    Annotation {
        annotator: format!("Tool: layergate-{}", stamp::VERSION),
        annotation_date: stamp::time(report),
        annotation_type: "OTHER",
        comment: clean(&comment).into(),
    }
}

fn package(report: &Report, p: &ReportPackage, extracted: &mut BTreeMap<String, Extracted>) -> Package {
    let purpose = if p.kind == PackageKind::Generic { "APPLICATION" } else { "LIBRARY" };
    let mut out = bare(id(p.id.as_str()), clean(&p.name).into(), clean(&p.version).into(), purpose);
    out.checksums = p
        .hashes
        .iter()
        .filter_map(|h| hashes::parse(h))
        .map(|(algorithm, checksum_value)| Checksum { algorithm: algorithm.spdx(), checksum_value })
        .collect();
    out.checksums.sort();
    out.checksums.dedup();
    out.source_info = match &p.source {
        Some(s) => Some(clean(&format!("built package from: {} {}", s.name, s.version)).into()),
        None => p.locations.first().map(|l| clean(&format!("package found in: {l}")).into()),
    };
    out.supplier = p.vendor.as_ref().map(|v| clean(&format!("Organization: {v}")).into());
    out.license_declared = declared(&p.licenses, extracted);
    out.external_refs.push(purl(trivy::purl(report, p)));
    out.annotations.push(note(report, format!("layergate:type: {}", p.kind)));
    out.annotations.extend(p.locations.iter().map(|l| note(report, format!("layergate:location: {l}"))));
    if let Some(layer) = p.layer {
        out.annotations.push(note(report, format!("layergate:layer: {layer}")));
        if let Some(layer) = report.image.layers.iter().find(|l| l.index == layer) {
            out.annotations.push(note(report, format!("LayerDigest: {}", layer.digest)));
            out.annotations.extend(layer.diff_id.map(|d| note(report, format!("LayerDiffID: {d}"))));
        }
    }
    match p.origin {
        Origin::Base => out.annotations.push(note(report, "layergate:origin: base".into())),
        Origin::Application => out.annotations.push(note(report, "layergate:origin: application".into())),
        Origin::Unknown => {}
    }
    let owner = p.owned_by.as_ref().map(|o| format!("layergate:owned-by: {}", id(o.as_str())));
    out.annotations.extend(owner.map(|o| note(report, o)));
    // One expression of several licenses does not say which they were.
    if p.licenses.len() > 1 {
        out.annotations.extend(p.licenses.iter().map(|l| note(report, format!("layergate:license: {l}"))));
    }
    out.annotations.extend(p.module.as_ref().map(|m| note(report, format!("layergate:module: {m}"))));
    out
}

/// All licenses hold at once, as far as a list without words between them can be read.
fn declared(all: &[String], extracted: &mut BTreeMap<String, Extracted>) -> String {
    let mut known = BTreeSet::new();
    let parts: Vec<String> = all
        .iter()
        .filter(|l| !l.trim().is_empty())
        .map(|l| match license::read(l) {
            License::Id(id) => id.to_owned(),
            License::Expression(text) if !text.contains("Ref-") => text.to_owned(),
            License::Expression(text) | License::Name(text) => {
                let id = format!("LicenseRef-{}", &Digest::of(text.as_bytes()).to_hex()[..16]);
                extracted.entry(id.clone()).or_insert_with(|| Extracted {
                    license_id: id.clone(),
                    name: clean(text).chars().take(200).collect(),
                    extracted_text: clean(text).into(),
                });
                id
            }
        })
        .filter(|part| known.insert(part.clone()))
        .collect();
    match parts.len() {
        0 => NOTHING.into(),
        1 => parts.into_iter().collect(),
        _ => {
            let wrap = |p: String| if p.contains(' ') { format!("({p})") } else { p };
            parts.into_iter().map(wrap).collect::<Vec<_>>().join(" AND ")
        }
    }
}
