//! OpenVEX (github.com/openvex/spec, v0.0.1 to v0.2.0): a list of statements with products and subcomponents.
//! v0.0.x writes vulnerability and products as strings, v0.2.0 as objects; both are read.

use serde::Deserialize;

use super::{Parsed, VexProduct, VexStatement, VexStatus, time};
use crate::PurlParts;

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "@id", default)]
    id: Option<String>,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    last_updated: Option<String>,
    #[serde(default)]
    statements: Vec<Statement>,
}

#[derive(Deserialize)]
struct Statement {
    vulnerability: Vulnerability,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    last_updated: Option<String>,
    #[serde(default)]
    products: Vec<Product>,
    #[serde(default)]
    subcomponents: Vec<Product>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    justification: Option<String>,
    #[serde(default)]
    impact_statement: Option<String>,
    #[serde(default)]
    status_notes: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vulnerability {
    Name(String),
    Object {
        #[serde(rename = "@id", default)]
        id: Option<String>,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        aliases: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Product {
    Name(String),
    Object {
        #[serde(rename = "@id", default)]
        id: Option<String>,
        #[serde(default)]
        identifiers: std::collections::BTreeMap<String, String>,
        #[serde(default)]
        hashes: std::collections::BTreeMap<String, String>,
        #[serde(default)]
        subcomponents: Vec<Product>,
    },
}

impl Product {
    /// Everything that may name it: the purl first, then the id, then a SHA-256.
    fn names(&self) -> Vec<String> {
        match self {
            Self::Name(name) => vec![name.clone()],
            Self::Object { id, identifiers, hashes, .. } => identifiers
                .get("purl")
                .cloned()
                .into_iter()
                .chain(id.clone())
                .chain(hashes.get("sha-256").or(hashes.get("sha256")).map(|h| format!("sha256:{h}")))
                .collect(),
        }
    }

    fn subcomponents(&self) -> &[Product] {
        match self {
            Self::Name(_) => &[],
            Self::Object { subcomponents, .. } => subcomponents,
        }
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, serde_json::Error> {
    let document: Document = serde_json::from_slice(bytes)?;
    let mut out = Parsed { id: document.id.clone(), ..Parsed::default() };
    for (at, statement) in document.statements.iter().enumerate() {
        match read(&document, statement) {
            Ok(statement) => out.statements.push(statement),
            Err(problem) => out.problems.push(format!("statement {}: {problem}", at + 1)),
        }
    }
    Ok(out)
}

fn read(document: &Document, raw: &Statement) -> Result<VexStatement, String> {
    let mut vulnerabilities: Vec<String> = match &raw.vulnerability {
        Vulnerability::Name(name) => vec![name.clone()],
        Vulnerability::Object { id, name, aliases } => {
            let last = id.as_ref().and_then(|i| i.rsplit('/').next()).map(str::to_owned);
            name.clone().or(last).into_iter().chain(aliases.iter().cloned()).collect()
        }
    };
    vulnerabilities.retain(|v| !v.trim().is_empty());
    if vulnerabilities.is_empty() {
        return Err("it names no vulnerability".into());
    }
    let name = vulnerabilities[0].clone();
    let status = match raw.status.as_str() {
        "not_affected" => VexStatus::NotAffected,
        "fixed" => VexStatus::Fixed,
        "affected" => VexStatus::Affected,
        "under_investigation" => VexStatus::UnderInvestigation,
        other => return Err(format!("{name}: the status {other:?} is none of OpenVEX's four")),
    };
    let words: Vec<&str> = [&raw.justification, &raw.impact_statement, &raw.status_notes]
        .into_iter()
        .flatten()
        .map(|t| t.trim())
        .filter(|t| !t.is_empty())
        .collect();
    let reasoned = [&raw.justification, &raw.impact_statement].into_iter().flatten().any(|t| !t.trim().is_empty());
    if status == VexStatus::NotAffected && !reasoned {
        return Err(format!("{name}: not_affected needs a justification or an impact statement"));
    }
    let shared = parts(&raw.subcomponents);
    let mut products = Vec::new();
    for product in &raw.products {
        let mut inner = parts(product.subcomponents());
        inner.extend(shared.iter().cloned());
        let stated_parts = !product.subcomponents().is_empty() || !raw.subcomponents.is_empty();
        if stated_parts && inner.is_empty() {
            continue;
        }
        if let Some(found) = product.names().iter().find_map(|n| VexProduct::named(n)) {
            products.push(found.with_parts(inner));
        }
    }
    if products.is_empty() {
        return Err(format!("{name}: none of its {} products is a package URL or a digest", raw.products.len()));
    }
    let stamp = [&raw.last_updated, &raw.timestamp, &document.last_updated, &document.timestamp];
    let time = stamp.into_iter().find_map(|t| time(t.as_deref()));
    Ok(VexStatement { vulnerabilities, products, status, justification: words.join(": "), time })
}

fn parts(list: &[Product]) -> Vec<PurlParts> {
    list.iter().filter_map(|p| p.names().iter().find_map(|n| PurlParts::read(n))).collect()
}
