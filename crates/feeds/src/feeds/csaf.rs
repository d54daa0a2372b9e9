//! CSAF 2.0 of Red Hat and SUSE (docs.oasis-open.org/csaf/csaf/v2.0): VEX documents, one for each CVE, and advisories.
//!
//! A product that a status names is a component of a platform: the component's purl, name or build says which package,
//! the platform's CPE or name says whose. Components of modules carry the stream (`rpmmod`, `nodejs:18/nodejs`, or a
//! module between component and platform). `fixed` and SUSE's `recommended` fix; what is `known_affected` will not be
//! fixed where a remediation says `no_fix_planned`; `known_not_affected` gives nothing. Platforms that are no
//! distribution (middleware, containers) are passed over.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use layergate_advisory::{Affected, Day, Namespace, Rating, Record};
use layergate_model::{Cwe, Severity, Status};
use serde::Deserialize;

use crate::{
    cvss_score::cvss,
    ecosystem,
    feed::{Feed, FeedFile, FeedRow, Sink},
    rpm_rows::{Build, FixedBuilds, is_debug, nevr, nevra},
};

pub(crate) struct Csaf;

const ROWS: &[FeedRow] = &[
    FeedRow {
        id: "redhat-csaf",
        name: "Red Hat CSAF",
        url: "https://security.access.redhat.com/data/csaf/v2/vex",
        license: "CC-BY-4.0",
    },
    FeedRow {
        id: "suse-csaf",
        name: "SUSE CSAF",
        url: "https://ftp.suse.com/pub/projects/security/csaf-vex",
        license: "CC-BY-4.0",
    },
];
/// Branches, and components of components, nested deeper than this are nothing that was ever seen.
const MAX_DEPTH: usize = 16;

#[derive(Deserialize)]
struct Doc {
    document: Head,
    product_tree: Option<Tree>,
    vulnerabilities: Option<Vec<Vulnerability>>,
}

#[derive(Deserialize)]
struct Head {
    publisher: Publisher,
    title: Option<String>,
    tracking: Tracking,
}

#[derive(Deserialize)]
struct Publisher {
    name: String,
}

#[derive(Deserialize)]
struct Tracking {
    id: String,
    current_release_date: Option<String>,
}

#[derive(Deserialize)]
struct Tree {
    branches: Option<Vec<Branch>>,
    relationships: Option<Vec<Relationship>>,
}

#[derive(Deserialize)]
struct Branch {
    branches: Option<Vec<Branch>>,
    product: Option<Product>,
}

#[derive(Deserialize)]
struct Product {
    name: String,
    product_id: String,
    product_identification_helper: Option<Helper>,
}

#[derive(Deserialize)]
struct Helper {
    cpe: Option<String>,
    purl: Option<String>,
}

#[derive(Deserialize)]
struct Relationship {
    full_product_name: FullName,
    product_reference: String,
    relates_to_product_reference: String,
}

#[derive(Deserialize)]
struct FullName {
    product_id: String,
}

#[derive(Deserialize)]
struct Weakness {
    id: String,
}

#[derive(Deserialize)]
struct Vulnerability {
    cve: Option<String>,
    title: Option<String>,
    cwe: Option<Weakness>,
    product_status: Option<BTreeMap<String, Vec<String>>>,
    remediations: Option<Vec<Remediation>>,
    scores: Option<Vec<Score>>,
    threats: Option<Vec<Threat>>,
}

#[derive(Deserialize)]
struct Remediation {
    category: String,
    product_ids: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Score {
    cvss_v3: Option<Vector>,
    cvss_v4: Option<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    #[serde(rename = "vectorString")]
    vector: String,
}

#[derive(Deserialize)]
struct Threat {
    category: String,
    details: Option<String>,
    product_ids: Option<Vec<String>>,
}

impl Feed for Csaf {
    fn id(&self) -> &'static str {
        "csaf"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        let all = usize::MAX;
        file.trimmed().starts_with(b"{")
            && file.has("\"csaf_version\"", all)
            && file.has("\"product_status\"", all)
            && (file.has("\"Red Hat Product Security\"", all) || file.has("\"SUSE Product Security Team\"", all))
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let doc: Doc = match serde_json::from_slice(file.trimmed()) {
            Ok(doc) => doc,
            Err(error) => return sink.problem(error.to_string()),
        };
        let (feed, source) = if doc.document.publisher.name.starts_with("Red Hat") {
            ("redhat-csaf", "redhat")
        } else {
            ("suse-csaf", "suse")
        };
        let products = Products::read(doc.product_tree);
        for vulnerability in doc.vulnerabilities.into_iter().flatten() {
            let id = vulnerability.cve.clone().unwrap_or_else(|| doc.document.tracking.id.clone());
            let mut record = Record::new(feed, id);
            record.title = vulnerability.title.clone().or_else(|| doc.document.title.clone());
            record.modified = doc.document.tracking.current_release_date.as_deref().and_then(Day::parse);
            let vectors = vulnerability.scores.iter().flatten().flat_map(|s| [&s.cvss_v3, &s.cvss_v4]).flatten();
            let vectors: BTreeSet<&str> = vectors.map(|v| v.vector.as_str()).collect();
            record.cvss = vectors.into_iter().filter_map(|v| cvss(source, v)).collect();
            let impacts = Impacts::read(&vulnerability);
            record.ratings.extend(impacts.gravest.map(|severity| Rating { source: source.into(), severity }));
            record.cwes.extend(vulnerability.cwe.as_ref().and_then(|w| w.id.parse::<Cwe>().ok()));
            record.affected = affected(&vulnerability, &products, &impacts);
            if !record.affected.is_empty() {
                sink.record(record);
            }
        }
    }
}

/// What the vendor calls the impact, on the whole and for single products.
struct Impacts<'d> {
    gravest: Option<Severity>,
    of: HashMap<&'d str, Severity>,
}

impl<'d> Impacts<'d> {
    fn read(vulnerability: &'d Vulnerability) -> Self {
        let mut impacts = Self { gravest: None, of: HashMap::new() };
        let threats: Vec<_> = vulnerability.threats.iter().flatten().filter(|t| t.category == "impact").collect();
        for threat in &threats {
            let Some(severity) = threat.details.as_deref().and_then(|d| d.parse().ok()) else { continue };
            impacts.gravest = impacts.gravest.max(Some(severity));
            // One impact for everything need not be said of each.
            if threats.len() > 1 {
                impacts.of.extend(threat.product_ids.iter().flatten().map(|id| (id.as_str(), severity)));
            }
        }
        impacts
    }
}

/// Packages that nothing fixes, by release, name and module.
type Open = BTreeMap<(Namespace, String, Option<String>), (Status, Option<Severity>)>;

fn affected(vulnerability: &Vulnerability, products: &Products, impacts: &Impacts<'_>) -> Vec<Affected> {
    let mut fixed = FixedBuilds::default();
    let mut open: Open = BTreeMap::new();
    let hopeless: BTreeSet<&str> = vulnerability
        .remediations
        .iter()
        .flatten()
        .filter(|r| r.category == "no_fix_planned")
        .flat_map(|r| r.product_ids.iter().flatten())
        .map(String::as_str)
        .collect();
    for (status, ids) in vulnerability.product_status.iter().flatten() {
        for id in ids {
            let Some(found) = products.find(id) else { continue };
            let severity = impacts.of.get(id.as_str()).copied();
            let status = match (status.as_str(), &found.evr) {
                ("fixed" | "recommended" | "first_fixed", Some(evr)) => {
                    let module = found.module.as_deref();
                    // A source package shows nothing that its binaries do not.
                    if !matches!(found.arch, "src" | "nosrc") {
                        let build = Build { name: &found.name, evr, arch: found.arch, module, severity };
                        fixed.add(&found.namespace, &build);
                    }
                    continue;
                }
                ("known_affected" | "first_affected" | "last_affected", None) if hopeless.contains(id.as_str()) => {
                    Status::WillNotFix
                }
                ("known_affected" | "first_affected" | "last_affected", None) => Status::Affected,
                ("under_investigation", None) => Status::UnderInvestigation,
                _ => continue,
            };
            if !is_debug(&found.name) {
                // Several products are one release here: what is known of one of them is not taken back by another.
                let known = open.entry((found.namespace, found.name, found.module)).or_insert((status, severity));
                *known = (known.0.min(status), known.1.max(severity));
            }
        }
    }
    let mut all = fixed.finish();
    for ((namespace, name, module), (status, severity)) in open {
        // What one update fixes is not open because another line of the same product has none.
        let fixed = |a: &Affected| a.namespace == namespace && a.name == name && a.module == module;
        if !all.iter().any(fixed) {
            all.push(Affected { module, severity, ..Affected::unfixed(namespace, name, status) });
        }
    }
    all
}

/// A package of a distribution.
struct Found<'d> {
    namespace: Namespace,
    name: String,
    /// The build, where one is named.
    evr: Option<String>,
    arch: &'d str,
    module: Option<String>,
}

#[derive(Default)]
struct Products {
    /// Name, CPE and purl by id.
    by_id: HashMap<String, Product>,
    /// Component and platform of a product, by its id.
    parts: HashMap<String, (String, String)>,
}

impl Products {
    fn read(tree: Option<Tree>) -> Self {
        let mut products = Self::default();
        let Some(tree) = tree else { return products };
        let mut waiting: Vec<(usize, Branch)> = tree.branches.into_iter().flatten().map(|b| (0, b)).collect();
        while let Some((depth, branch)) = waiting.pop() {
            if let Some(product) = branch.product {
                products.by_id.insert(product.product_id.clone(), product);
            }
            if depth < MAX_DEPTH {
                waiting.extend(branch.branches.into_iter().flatten().map(|b| (depth + 1, b)));
            }
        }
        for r in tree.relationships.into_iter().flatten() {
            products
                .parts
                .insert(r.full_product_name.product_id, (r.product_reference, r.relates_to_product_reference));
        }
        products
    }

    /// The package that a product's id names.
    fn find(&self, id: &str) -> Option<Found<'_>> {
        let (component, above) = self.parts.get(id)?;
        let mut platform = above;
        let mut module = None;
        // A module may stand between the component and the platform.
        for _ in 0..MAX_DEPTH {
            let Some((between, above)) = self.parts.get(platform.as_str()) else { break };
            module = module.or_else(|| self.module(between));
            platform = above;
        }
        let namespace = self.namespace(platform)?;
        let text = self.by_id.get(component.as_str());
        let purl = text.and_then(|p| p.product_identification_helper.as_ref()?.purl.as_deref());
        match purl {
            Some(purl) if purl.starts_with("pkg:rpm/") => {
                let purl = Purl::read(purl)?;
                let module = module.or_else(|| purl.module.and_then(|m| stream(&m)));
                Some(Found { namespace, name: purl.name, evr: purl.evr, arch: known_arch(&purl.arch), module })
            }
            // Containers and jars have a purl of another type.
            Some(_) => None,
            None => {
                if let Some((name, evr, arch)) = nevra(component) {
                    return Some(Found { namespace, name: name.to_owned(), evr: Some(evr), arch, module });
                }
                if let Some((name, evr)) = nevr(component).filter(|(_, evr)| evr.contains('.') && module.is_none()) {
                    return Some(Found { namespace, name: name.to_owned(), evr: Some(evr), arch: "", module });
                }
                let (of, name) = component.rsplit_once('/').map_or((None, component.as_str()), |(m, n)| (stream(m), n));
                let plain = !name.is_empty() && !name.contains([' ', ':', '/']);
                plain.then(|| Found { namespace, name: name.to_owned(), evr: None, arch: "", module: module.or(of) })
            }
        }
    }

    fn module(&self, id: &str) -> Option<String> {
        let purl = self.by_id.get(id).and_then(|p| p.product_identification_helper.as_ref()?.purl.clone());
        match purl.as_deref().and_then(|p| p.strip_prefix("pkg:rpmmod/")) {
            // `pkg:rpmmod/redhat/postgresql@15:8080020230…`
            Some(rest) => {
                let (name, version) = rest.split('?').next()?.rsplit('/').next()?.split_once('@')?;
                Some(format!("{name}:{}", decoded(version).split(':').next()?))
            }
            None => stream(id),
        }
    }

    fn namespace(&self, id: &str) -> Option<Namespace> {
        let product = self.by_id.get(id)?;
        let cpe = product.product_identification_helper.as_ref().and_then(|h| h.cpe.as_deref());
        let tail = |vendor: &str| {
            let cpe = cpe?.trim_start_matches("cpe:/").trim_start_matches("cpe:2.3:");
            cpe.split_once(':')?.1.strip_prefix(vendor)?.strip_prefix(':')
        };
        if let Some(tail) = tail("redhat") {
            return ecosystem::red_hat(tail);
        }
        let name = product.name.as_str();
        if let Some(rest) = name.strip_prefix("openSUSE ") {
            return ecosystem::namespace(&format!("openSUSE:{rest}"));
        }
        ecosystem::suse_product(name.strip_prefix("SUSE ")?)
    }
}

/// `postgresql:15` of `postgresql:15:8080020230…:abc` and of itself.
fn stream(text: &str) -> Option<String> {
    let mut parts = text.split(':');
    let (name, stream) = (parts.next()?, parts.next()?);
    let plain = |t: &str| !t.is_empty() && !t.contains([' ', '/']);
    (plain(name) && plain(stream)).then(|| format!("{name}:{stream}"))
}

struct Purl {
    name: String,
    evr: Option<String>,
    arch: String,
    module: Option<String>,
}

impl Purl {
    /// `pkg:rpm/redhat/name@version-release?arch=x&epoch=1&rpmmod=…`
    fn read(text: &str) -> Option<Self> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let last = path.rsplit('/').next()?;
        let (name, version) = last.split_once('@').map_or((last, None), |(n, v)| (n, Some(decoded(v))));
        let qualifier = |key: &str| {
            query.split('&').filter_map(|p| p.split_once('=')).find(|(k, _)| *k == key).map(|(_, v)| decoded(v))
        };
        let epoch = qualifier("epoch").filter(|e| e != "0");
        let evr = version.map(|v| epoch.map_or(v.clone(), |e| format!("{e}:{v}")));
        let module = qualifier("rpmmod");
        Some(Self { name: decoded(name), evr, arch: qualifier("arch").unwrap_or_default(), module })
    }
}

/// Architectures as words that live as long as the program.
fn known_arch(arch: &str) -> &'static str {
    const KNOWN: &[&str] = &[
        "x86_64", "aarch64", "ppc64le", "ppc64", "s390x", "s390", "i386", "i586", "i686", "noarch", "src", "nosrc",
        "riscv64",
    ];
    KNOWN.iter().find(|k| **k == arch).copied().unwrap_or("")
}

/// Percent-encoded text as it is meant.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let digit = |i: usize| bytes.get(i).and_then(|b| (*b as char).to_digit(16));
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
