//! CycloneDX VEX (cyclonedx.org, 1.4 and later): `vulnerabilities` with `analysis` and `affects`. A `ref` is a package
//! URL, a component's `bom-ref`, or a BOM link (`urn:cdx:SERIAL/VERSION#REF`).

use std::collections::HashMap;

use serde::Deserialize;

use super::{Parsed, VexProduct, VexProductKind, VexStatement, VexStatus, time};
use crate::PurlParts;

const DEEPEST: usize = 32;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(default)]
    serial_number: Option<String>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    timestamp: Option<String>,
    component: Option<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref", default)]
    bom_ref: Option<String>,
    #[serde(default)]
    purl: Option<String>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(default)]
    analysis: Option<Analysis>,
    #[serde(default)]
    affects: Vec<Affects>,
    #[serde(default)]
    updated: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    justification: Option<String>,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    last_updated: Option<String>,
    #[serde(default)]
    first_issued: Option<String>,
}

#[derive(Deserialize)]
struct Affects {
    #[serde(rename = "ref", default)]
    reference: String,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    range: Option<String>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, serde_json::Error> {
    let bom: Bom = serde_json::from_slice(bytes)?;
    let mut purls = HashMap::new();
    collect(&bom.components, 0, &mut purls);
    let subject = bom.metadata.component.as_ref();
    if let Some(subject) = subject {
        collect(std::slice::from_ref(subject), 0, &mut purls);
    }
    // A document about one image speaks of no other.
    let scope = subject
        .and_then(|c| c.purl.as_deref().or(c.bom_ref.as_deref()))
        .and_then(VexProduct::named)
        .filter(|p| matches!(p.kind, VexProductKind::Image { .. }))
        .map_or(VexProductKind::Anything, |p| p.kind);
    let subject_ref = subject.and_then(|c| c.bom_ref.as_deref());
    let mut out = Parsed { id: bom.serial_number.clone(), ..Parsed::default() };
    for raw in bom.vulnerabilities.iter().filter(|v| v.analysis.is_some()) {
        let id = raw.id.as_deref().unwrap_or("a vulnerability without id").to_owned();
        match read(raw, &bom, &purls, &scope, subject_ref, &mut out.problems) {
            Ok(Some(statement)) => out.statements.push(statement),
            Ok(None) => {}
            Err(problem) => out.problems.push(format!("{id}: {problem}")),
        }
    }
    Ok(out)
}

fn collect(components: &[Component], depth: usize, into: &mut HashMap<String, String>) {
    if depth > DEEPEST {
        return;
    }
    for component in components {
        if let (Some(reference), Some(purl)) = (&component.bom_ref, &component.purl) {
            into.insert(reference.clone(), purl.clone());
        }
        collect(&component.components, depth + 1, into);
    }
}

fn read(
    raw: &Vulnerability,
    bom: &Bom,
    purls: &HashMap<String, String>,
    scope: &VexProductKind,
    subject_ref: Option<&str>,
    problems: &mut Vec<String>,
) -> Result<Option<VexStatement>, String> {
    let vulnerabilities: Vec<String> =
        raw.id.iter().cloned().chain(raw.references.iter().filter_map(|r| r.id.clone())).collect();
    if vulnerabilities.is_empty() {
        return Err("it names no vulnerability".into());
    }
    let Some(analysis) = &raw.analysis else { return Ok(None) };
    let status = match analysis.state.as_deref() {
        Some("resolved" | "resolved_with_pedigree") => VexStatus::Fixed,
        Some("not_affected" | "false_positive") => VexStatus::NotAffected,
        Some("exploitable") => VexStatus::Affected,
        Some("in_triage") => VexStatus::UnderInvestigation,
        Some(other) => return Err(format!("the state {other:?} is not one of CycloneDX's")),
        None => return Ok(None),
    };
    let mut words: Vec<&str> = [&analysis.justification, &analysis.detail]
        .into_iter()
        .flatten()
        .map(|t| t.trim())
        .filter(|t| !t.is_empty())
        .collect();
    if words.is_empty() {
        match analysis.state.as_deref() {
            Some(state @ ("false_positive" | "resolved_with_pedigree")) => words.push(state),
            _ if status == VexStatus::NotAffected => {
                return Err("not_affected needs a justification or a detail".into());
            }
            _ => {}
        }
    }
    let mut products = Vec::new();
    for affects in &raw.affects {
        let exact: Vec<String> = affects.versions.iter().filter_map(|v| v.version.clone()).collect();
        if exact.is_empty() && affects.versions.iter().any(|v| v.range.is_some()) {
            problems.push(format!("{}: version ranges in `affects` are not used", vulnerabilities[0]));
            continue;
        }
        let local = affects.reference.rsplit_once('#').map_or(affects.reference.as_str(), |(_, r)| r);
        if subject_ref == Some(local) && !matches!(scope, VexProductKind::Anything) {
            products.push(VexProduct { kind: scope.clone(), parts: Vec::new(), versions: exact });
            continue;
        }
        let purl = purls.get(local).map(String::as_str).unwrap_or(local);
        if let Some(parts) = PurlParts::read(purl) {
            let product = VexProduct::purl(parts.clone());
            if matches!(product.kind, VexProductKind::Image { .. }) {
                products.push(product);
            } else {
                products.push(VexProduct { kind: scope.clone(), parts: vec![parts], versions: exact });
            }
        }
    }
    if products.is_empty() {
        return Err(format!("none of the {} things that it affects is a known component", raw.affects.len()));
    }
    let stamps = [&analysis.last_updated, &analysis.first_issued, &raw.updated, &bom.metadata.timestamp];
    let time = stamps.into_iter().find_map(|t| time(t.as_deref()));
    Ok(Some(VexStatement { vulnerabilities, products, status, justification: words.join(": "), time }))
}
