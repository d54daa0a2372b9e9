//! `-o cyclonedx`: a CycloneDX 1.6 SBOM with the vulnerabilities of the report (cyclonedx.org, bom-1.6.schema.json).
//!
//! Trivy's property names for source packages and layers are written beside ours, because Trivy reads them back and
//! without them would match Debian's advisories by the wrong name. A document describes one image.

mod vulnerability;

use std::collections::{BTreeMap, BTreeSet};

use layergate_model::{Distro, Origin, PackageKind, Report, ReportPackage, Scope};
use serde::Serialize;

use crate::{
    hashes,
    license::{self, License},
    listed, stamp,
    text::clean,
    trivy,
};
use vulnerability::{Vulnerability, vulnerability};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Serialize)]
struct Metadata {
    timestamp: String,
    tools: Tools,
    component: Component,
}

#[derive(Serialize)]
struct Tools {
    components: [Tool; 1],
}

#[derive(Serialize)]
struct Tool {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize, Default)]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Supplier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenseChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Supplier {
    name: String,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum LicenseChoice {
    License(NamedLicense),
    Expression(String),
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum NamedLicense {
    Id(&'static str),
    Name(String),
}

#[derive(Serialize)]
struct Evidence {
    occurrences: Vec<Occurrence>,
}

#[derive(Serialize)]
struct Occurrence {
    location: String,
}

#[derive(Serialize)]
struct Property {
    name: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    of: String,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    depends_on: BTreeSet<String>,
}

pub(crate) fn render(report: &Report) -> Result<String, serde_json::Error> {
    let root = stamp::image_purl(&report.image).map_or_else(|| "image".to_owned(), |p| p.to_string());
    let mut components = Vec::new();
    let mut dependencies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut top = BTreeSet::new();
    let os = report.image.distro.as_ref().map(|d| {
        components.push(Component {
            kind: "operating-system",
            bom_ref: "os".into(),
            name: clean(trivy::family(&d.id)).into(),
            version: d.version.as_deref().map(clean).unwrap_or_default().into(),
            properties: system(d),
            ..Component::default()
        });
        top.insert("os".to_owned());
        "os".to_owned()
    });
    let packages = listed::packages(report);
    let known: BTreeSet<&str> = packages.iter().map(|p| p.id.as_str()).collect();
    for p in &packages {
        components.push(component(report, p));
        match &os {
            Some(os) if p.kind.is_os() => dependencies.entry(os.clone()).or_default().insert(p.id.to_string()),
            _ => top.insert(p.id.to_string()),
        };
    }
    for p in &packages {
        let needs = p.depends_on.iter().filter(|d| **d != p.id && known.contains(d.as_str())).map(ToString::to_string);
        dependencies.entry(p.id.to_string()).or_default().extend(needs);
    }
    dependencies.insert(root.clone(), top);
    let vulnerabilities = report.findings.iter().filter(|f| known.contains(f.package.as_str()));
    let mut seen = BTreeSet::new();
    crate::json::pretty(&Bom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: format!("urn:uuid:{}", stamp::uuid(report, "cyclonedx")?),
        version: 1,
        metadata: Metadata {
            timestamp: stamp::time(report),
            tools: Tools { components: [Tool { kind: "application", name: "layergate", version: stamp::VERSION }] },
            component: image(report, root),
        },
        components,
        dependencies: dependencies.into_iter().map(|(of, depends_on)| Dependency { of, depends_on }).collect(),
        vulnerabilities: vulnerabilities.filter(|f| seen.insert(f.id.clone())).map(vulnerability).collect(),
    })
}

/// Whose packages these are: in our words, and in Syft's, which takes the component's name otherwise.
fn system(distro: &Distro) -> Vec<Property> {
    let mut properties = vec![property("layergate:distro:id", &distro.id), property("syft:distro:id", &distro.id)];
    properties.extend(distro.codename.iter().map(|c| property("layergate:distro:codename", c)));
    properties
}

fn property(name: &str, value: &str) -> Property {
    Property { name: name.into(), value: clean(value).into() }
}

fn image(report: &Report, bom_ref: String) -> Component {
    let image = &report.image;
    let mut properties = Vec::new();
    for layer in &image.layers {
        properties.push(property(&format!("layergate:layer:{}:digest", layer.index), &layer.digest.to_string()));
        if let Some(diff) = &layer.diff_id {
            properties.push(property("aquasecurity:trivy:DiffID", &diff.to_string()));
        }
    }
    properties.extend(image.platform.as_ref().map(|p| property("layergate:platform", &p.to_string())));
    properties.push(property("layergate:verdict", report.verdict.as_str()));
    // An SBOM that does not say what was not read would be a silent clean.
    for gap in &report.gaps {
        properties.push(property("layergate:gap", &format!("{}: {}: {}", gap.kind, gap.place, gap.detail)));
    }
    Component {
        kind: "container",
        bom_ref,
        name: clean(&image.reference).into(),
        version: image.digest.map(|d| d.to_string()).unwrap_or_default(),
        purl: stamp::image_purl(image).map(|p| p.to_string()),
        properties,
        ..Component::default()
    }
}

fn component(report: &Report, p: &ReportPackage) -> Component {
    let mut properties = vec![property("layergate:type", p.kind.as_str())];
    if let Some(index) = p.layer {
        properties.push(property("layergate:layer", &index.to_string()));
        if let Some(layer) = report.image.layers.iter().find(|l| l.index == index) {
            properties.push(property("aquasecurity:trivy:LayerDigest", &layer.digest.to_string()));
            properties.extend(layer.diff_id.map(|d| property("aquasecurity:trivy:LayerDiffID", &d.to_string())));
        }
    }
    if let Some(source) = &p.source {
        properties.push(property("layergate:source:name", &source.name));
        properties.push(property("layergate:source:version", &source.version));
        let (epoch, rest) = match source.version.split_once(':') {
            Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => (epoch, rest),
            _ => ("", source.version.as_str()),
        };
        let (version, release) = match p.kind {
            PackageKind::Deb | PackageKind::Rpm => rest.rsplit_once('-').unwrap_or((rest, "")),
            _ => (rest, ""),
        };
        properties.push(property("aquasecurity:trivy:SrcName", &source.name));
        properties.push(property("aquasecurity:trivy:SrcVersion", version));
        for (name, value) in [("SrcRelease", release), ("SrcEpoch", epoch)] {
            if !value.is_empty() {
                properties.push(property(&format!("aquasecurity:trivy:{name}"), value));
            }
        }
    }
    if !p.kind.is_os() {
        properties.extend(p.locations.first().map(|l| property("aquasecurity:trivy:FilePath", l)));
    }
    properties.extend(p.owned_by.as_ref().map(|o| property("layergate:owned-by", o.as_str())));
    let licenses = licenses(&p.licenses);
    match p.origin {
        Origin::Base => properties.push(property("layergate:origin", "base")),
        Origin::Application => properties.push(property("layergate:origin", "application")),
        Origin::Unknown => {}
    }
    // One expression of several licenses does not say which they were.
    if let ([_, _, ..], [LicenseChoice::Expression(_)]) = (p.licenses.as_slice(), licenses.as_slice()) {
        properties.extend(p.licenses.iter().map(|l| property("layergate:license", l)));
    }
    properties.extend(p.module.as_ref().map(|m| property("aquasecurity:trivy:Modularitylabel", m)));
    let mut hashes: Vec<_> = p
        .hashes
        .iter()
        .filter_map(|h| hashes::parse(h))
        .map(|(alg, content)| Hash { alg: alg.cyclonedx(), content })
        .collect();
    hashes.sort();
    hashes.dedup();
    // An npm scope stays in the name: Syft reads the name alone, and would list `@babel/core` as `core`.
    let (group, name) = match p.kind {
        PackageKind::Maven => p.name.split_once(':'),
        _ => None,
    }
    .map_or((None, p.name.as_str()), |(group, name)| (Some(group), name));
    // The schema's `location` must not be empty.
    let occurrences: Vec<_> = p.locations.iter().filter(|l| !l.is_empty()).collect();
    let occurrences: Vec<_> = occurrences.into_iter().map(|l| Occurrence { location: clean(l).into() }).collect();
    Component {
        kind: if p.kind == PackageKind::Generic { "application" } else { "library" },
        bom_ref: p.id.to_string(),
        supplier: p.vendor.as_ref().map(|v| Supplier { name: clean(v).into() }),
        group: group.map(|g| clean(g).into()),
        name: clean(name).into(),
        version: clean(&p.version).into(),
        scope: (p.scope == Scope::Dev).then_some("excluded"),
        hashes,
        licenses,
        purl: Some(trivy::purl(report, p)),
        evidence: (!occurrences.is_empty()).then_some(Evidence { occurrences }),
        properties,
    }
}

/// The schema takes either one expression alone or any number of single licenses. Several licenses hold together; an
/// expression among them makes one of them all, as far as all of them can be said in one.
fn licenses(all: &[String]) -> Vec<LicenseChoice> {
    let read: Vec<_> = all.iter().filter(|l| !l.trim().is_empty()).map(|l| license::read(l)).collect();
    let compound = read.iter().any(|l| matches!(l, License::Expression(_)));
    if compound && let Some(expression) = license::together(&read) {
        return vec![LicenseChoice::Expression(expression)];
    }
    let single = read.into_iter().map(|l| match l {
        License::Id(id) => NamedLicense::Id(id),
        License::Expression(text) | License::Name(text) => NamedLicense::Name(clean(text).into()),
    });
    single.map(LicenseChoice::License).collect()
}
