//! CSAF 2.0 VEX (docs.oasis-open.org/csaf): products are ids that a tree explains; a relationship joins a component to
//! the product that ships it (an image, or a distribution that a CPE names).
//!
//! Limits: the tree is followed 32 levels deep. A product that has neither a package URL, nor an image's digest, nor a
//! CPE that we know is left out; a vulnerability of which nothing is left is reported as a problem.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::{Parsed, VexProduct, VexProductKind, VexStatement, VexStatus, time};
use crate::PurlParts;

const DEEPEST: usize = 32;

#[derive(Deserialize)]
struct Document {
    document: Head,
    #[serde(default)]
    product_tree: Tree,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    tracking: Tracking,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tracking {
    id: Option<String>,
    current_release_date: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tree {
    branches: Vec<Branch>,
    full_product_names: Vec<Product>,
    relationships: Vec<Relationship>,
    product_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    branches: Vec<Branch>,
    #[serde(default)]
    product: Option<Product>,
}

#[derive(Deserialize)]
struct Product {
    product_id: String,
    #[serde(default)]
    product_identification_helper: Option<Helper>,
}

#[derive(Deserialize)]
struct Helper {
    #[serde(default)]
    purl: Option<String>,
    #[serde(default)]
    purls: Vec<String>,
    #[serde(default)]
    cpe: Option<String>,
}

#[derive(Deserialize)]
struct Relationship {
    product_reference: String,
    relates_to_product_reference: String,
    full_product_name: Product,
}

#[derive(Deserialize)]
struct Group {
    group_id: String,
    #[serde(default)]
    product_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    cve: Option<String>,
    #[serde(default)]
    ids: Vec<Id>,
    #[serde(default)]
    product_status: Status,
    #[serde(default)]
    flags: Vec<Flag>,
    #[serde(default)]
    threats: Vec<Threat>,
}

#[derive(Deserialize)]
struct Id {
    text: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    fixed: Vec<String>,
    first_fixed: Vec<String>,
    known_affected: Vec<String>,
    known_not_affected: Vec<String>,
    last_affected: Vec<String>,
    first_affected: Vec<String>,
    under_investigation: Vec<String>,
}

#[derive(Deserialize)]
struct Flag {
    label: String,
    #[serde(default)]
    product_ids: Vec<String>,
    #[serde(default)]
    group_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Threat {
    #[serde(default)]
    category: String,
    #[serde(default)]
    details: String,
    #[serde(default)]
    product_ids: Vec<String>,
    #[serde(default)]
    group_ids: Vec<String>,
}

/// The tree, flat.
struct Products<'a> {
    helpers: HashMap<&'a str, &'a Helper>,
    relationships: HashMap<&'a str, (&'a str, &'a str)>,
    groups: HashMap<&'a str, &'a [String]>,
}

impl<'a> Products<'a> {
    fn of(tree: &'a Tree) -> Self {
        let mut helpers = HashMap::new();
        let mut add = |p: &'a Product| {
            if let Some(helper) = &p.product_identification_helper {
                helpers.insert(p.product_id.as_str(), helper);
            }
        };
        tree.full_product_names.iter().for_each(&mut add);
        let mut waiting: Vec<(&Branch, usize)> = tree.branches.iter().map(|b| (b, 0)).collect();
        while let Some((branch, depth)) = waiting.pop() {
            branch.product.iter().for_each(&mut add);
            if depth < DEEPEST {
                waiting.extend(branch.branches.iter().map(|b| (b, depth + 1)));
            }
        }
        let mut relationships = HashMap::new();
        for r in &tree.relationships {
            add(&r.full_product_name);
            let ends = (r.product_reference.as_str(), r.relates_to_product_reference.as_str());
            relationships.insert(r.full_product_name.product_id.as_str(), ends);
        }
        let groups = tree.product_groups.iter().map(|g| (g.group_id.as_str(), g.product_ids.as_slice())).collect();
        Self { helpers, relationships, groups }
    }

    fn purls(&self, id: &str) -> Vec<PurlParts> {
        self.helpers
            .get(id)
            .map_or_else(Vec::new, |h| h.purl.iter().chain(&h.purls).filter_map(|p| PurlParts::read(p)).collect())
    }

    /// What the product `id` names; several when it has several package URLs.
    fn resolve(&self, id: &str) -> Vec<VexProduct> {
        let own: Vec<VexProduct> = self.purls(id).into_iter().map(VexProduct::purl).collect();
        let Some((component, whole)) = self.relationships.get(id) else { return own };
        let parts = match self.relationships.get(component) {
            // A package of a module of a distribution: two relationships deep, never more in practice.
            Some((inner, _)) if self.purls(component).is_empty() => self.purls(inner),
            _ => self.purls(component),
        };
        if parts.is_empty() {
            return own;
        }
        // An image that a product ships is that image wherever it is found.
        let images: Vec<VexProduct> = parts
            .iter()
            .map(|p| VexProduct::purl(p.clone()))
            .filter(|p| matches!(p.kind, VexProductKind::Image { .. }))
            .collect();
        if !images.is_empty() {
            return images;
        }
        let wholes: Vec<VexProduct> = self.purls(whole).into_iter().map(VexProduct::purl).collect();
        if !wholes.is_empty() {
            return wholes.into_iter().map(|w| w.with_parts(parts.clone())).collect();
        }
        let platform = self.helpers.get(whole).and_then(|h| h.cpe.as_deref()).and_then(distribution);
        match platform {
            Some(kind) => vec![VexProduct { kind, parts, versions: Vec::new() }],
            None => own,
        }
    }

    fn covers(&self, ids: &[String], groups: &[String], product: &str) -> bool {
        let grouped =
            || groups.iter().filter_map(|g| self.groups.get(g.as_str())).any(|g| g.iter().any(|p| p == product));
        (ids.is_empty() && groups.is_empty()) || ids.iter().any(|p| p == product) || grouped()
    }
}

/// The distribution that a CPE 2.2 URI or 2.3 string of an operating system names.
fn distribution(cpe: &str) -> Option<VexProductKind> {
    let rest = cpe.strip_prefix("cpe:/").or_else(|| cpe.strip_prefix("cpe:2.3:"))?;
    let mut parts = rest.split(':').skip(1);
    let (vendor, product, version) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    let id = match (vendor, product) {
        ("redhat", "enterprise_linux") => "rhel",
        ("suse", "sles" | "linux_enterprise_server") => "sles",
        ("oracle", "linux") => "ol",
        ("almalinux", "almalinux") => "almalinux",
        ("rocky" | "rockylinux", "rocky" | "rocky_linux") => "rocky",
        ("amazon", "linux" | "amazon_linux") => "amzn",
        ("debian", "debian_linux") => "debian",
        ("canonical", "ubuntu_linux") => "ubuntu",
        ("alpinelinux", "alpine_linux") => "alpine",
        _ => return None,
    };
    let release = if matches!(version, "*" | "-") { "" } else { version };
    Some(VexProductKind::Distribution { id: id.to_owned(), release: release.to_owned() })
}

pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, serde_json::Error> {
    let document: Document = serde_json::from_slice(bytes)?;
    let products = Products::of(&document.product_tree);
    let when = time(document.document.tracking.current_release_date.as_deref());
    let mut out = Parsed { id: document.document.tracking.id.clone(), ..Parsed::default() };
    for raw in &document.vulnerabilities {
        let vulnerabilities: Vec<String> =
            raw.cve.iter().cloned().chain(raw.ids.iter().map(|i| i.text.clone())).collect();
        let Some(name) = vulnerabilities.first().cloned() else {
            out.problems.push("a vulnerability has neither a CVE nor another id".into());
            continue;
        };
        let status = &raw.product_status;
        let lists: [(VexStatus, &[&Vec<String>]); 4] = [
            (VexStatus::NotAffected, &[&status.known_not_affected]),
            (VexStatus::Fixed, &[&status.fixed, &status.first_fixed]),
            (VexStatus::Affected, &[&status.known_affected, &status.first_affected, &status.last_affected]),
            (VexStatus::UnderInvestigation, &[&status.under_investigation]),
        ];
        for (status, ids) in lists {
            // One statement for each justification, so that each product keeps its own words.
            let mut by_words: BTreeMap<String, Vec<VexProduct>> = BTreeMap::new();
            let (mut unreasoned, mut unresolved, mut named) = (0_usize, 0_usize, 0_usize);
            for id in ids.iter().copied().flatten() {
                named += 1;
                let words = justification(raw, &products, id);
                if status == VexStatus::NotAffected && words.is_empty() {
                    unreasoned += 1;
                    continue;
                }
                let resolved = products.resolve(id);
                unresolved += usize::from(resolved.is_empty());
                by_words.entry(words).or_default().extend(resolved);
            }
            if unreasoned > 0 {
                out.problems
                    .push(format!("{name}: {unreasoned} products are known_not_affected without a flag or an impact"));
            }
            if status.suppresses() && named > 0 && unresolved == named {
                out.problems.push(format!(
                    "{name}: none of the {named} products that are {} can be recognised",
                    status.as_str()
                ));
            }
            for (justification, products) in by_words.into_iter().filter(|(_, p)| !p.is_empty()) {
                let vulnerabilities = vulnerabilities.clone();
                out.statements.push(VexStatement { vulnerabilities, products, status, justification, time: when });
            }
        }
    }
    Ok(out)
}

fn justification(raw: &Vulnerability, products: &Products<'_>, product: &str) -> String {
    let mut words: Vec<&str> = raw
        .flags
        .iter()
        .filter(|f| products.covers(&f.product_ids, &f.group_ids, product))
        .map(|f| f.label.as_str())
        .collect();
    words.extend(
        raw.threats
            .iter()
            .filter(|t| t.category == "impact" && products.covers(&t.product_ids, &t.group_ids, product))
            .map(|t| t.details.trim()),
    );
    words.retain(|w| !w.is_empty());
    words.dedup();
    words.join(": ")
}
