//! Package lists and findings that Trivy recorded (`golden/peer-results-dev.jsonl`), as inventories and sets.

use std::collections::{BTreeMap, BTreeSet};

use layergate_advisory::Snapshot;
use layergate_judge::{Matches, match_image};
use layergate_model::{
    Distro, ImageInventory, ImagePackage, LayerPath, Origin, Package, PackageId, PackageKind, SourcePackage,
};
use serde_json::Value;

pub(crate) type Failure = Box<dyn std::error::Error>;

/// An advisory id to the CVEs it stands for.
pub(crate) type Expansion = BTreeMap<String, BTreeSet<String>>;

/// Reads `advisory-cves.tsv`.
pub(crate) fn expansion(text: &str) -> Expansion {
    text.lines()
        .filter_map(|l| l.split_once('\t'))
        .map(|(id, list)| {
            (id.to_owned(), list.split([' ', ',']).filter(|w| !w.is_empty()).map(str::to_owned).collect())
        })
        .collect()
}

/// One recorded item, compared.
pub(crate) struct Comparison {
    pub(crate) name: String,
    pub(crate) packages: usize,
    pub(crate) theirs: usize,
    /// `package id` that Trivy has and we have not.
    pub(crate) missing: Vec<String>,
    /// `package id/id…` that we have and Trivy has not.
    pub(crate) beyond: Vec<String>,
    pub(crate) matches: Matches,
    pub(crate) took: std::time::Duration,
}

/// Matches a recorded package list and compares the findings.
pub(crate) fn compare(record: &Value, snapshot: &Snapshot, expand: &Expansion) -> Result<Comparison, Failure> {
    let inventory = inventory(&record["trivy"])?;
    let start = std::time::Instant::now();
    let matches = match_image(&inventory, snapshot);
    let took = start.elapsed();
    let names: BTreeMap<&PackageId, &str> =
        inventory.packages.iter().map(|p| (&p.id, p.package.name.as_str())).collect();
    let ours: BTreeMap<(String, String), BTreeSet<String>> = matches
        .findings
        .iter()
        .map(|f| {
            let ids = f.aliases.iter().chain([&f.advisory]).cloned().collect();
            ((names.get(&f.package).map_or_else(String::new, |n| (*n).to_owned()), f.id.to_string()), ids)
        })
        .collect();
    let theirs: BTreeSet<(String, String)> = results_of(&record["trivy"])
        .flat_map(|r| r["vulns"].as_array().into_iter().flatten())
        .filter_map(|v| Some((v["pkg"].as_str()?.to_owned(), v["id"].as_str()?.to_owned())))
        .collect();
    let (mut met, mut missing) = (BTreeSet::new(), Vec::new());
    for (package, id) in &theirs {
        let ids: BTreeSet<&String> = expand.get(id).into_iter().flatten().chain([id]).collect();
        let hit = |((p, _), known): &(&(String, String), &BTreeSet<String>)| {
            p == package && ids.iter().any(|i| known.contains(*i))
        };
        let hits: Vec<_> = ours.iter().filter(hit).map(|(key, _)| key.clone()).collect();
        if hits.is_empty() {
            missing.push(format!("{package} {id}"));
        }
        met.extend(hits);
    }
    let beyond = ours
        .iter()
        .filter(|(key, _)| !met.contains(*key))
        .map(|((p, _), ids)| format!("{p} {}", ids.iter().cloned().collect::<Vec<_>>().join("/")))
        .collect();
    let name = record["image"].as_str().unwrap_or_default().to_owned();
    Ok(Comparison { name, packages: inventory.packages.len(), theirs: theirs.len(), missing, beyond, matches, took })
}

fn results_of(trivy: &Value) -> impl Iterator<Item = &Value> {
    trivy["results"].as_array().into_iter().flatten()
}

fn inventory(trivy: &Value) -> Result<ImageInventory, Failure> {
    let word = |v: &Value, key: &str| v[key].as_str().unwrap_or_default().to_owned();
    let family = word(&trivy["os"], "Family");
    let distro = (!family.is_empty() && family != "none").then(|| Distro {
        id: family,
        version: Some(word(&trivy["os"], "Name")),
        codename: None,
        like: Vec::new(),
        name: None,
        end_of_life: None,
    });
    let mut packages = Vec::new();
    for result in results_of(trivy) {
        let Some(kind) = kind_of(&word(result, "type")) else { continue };
        for p in result["packages"].as_array().into_iter().flatten() {
            let epoch = p["epoch"].as_u64().filter(|e| *e != 0).map(|e| format!("{e}:")).unwrap_or_default();
            let joined = |version: String, release: String| {
                if release.is_empty() { version } else { format!("{version}-{release}") }
            };
            let version = joined(word(p, "version"), word(p, "release"));
            let source = joined(word(p, "srcver"), word(p, "srcrel"));
            let at = LayerPath::normalise(p["path"].as_str().unwrap_or("lockfile"))?;
            let mut package = Package::new(kind, word(p, "name"), format!("{epoch}{version}"), &at);
            if let Some(name) = p["src"].as_str() {
                // The record has no epoch for the source. It is the binary's where the versions are the same, but for two
                // packages of Ubuntu whose binaries alone have an epoch.
                let own = !matches!(p["name"].as_str(), Some("bsdutils" | "libgcc1"));
                let epoch = if source == version && own { epoch } else { String::new() };
                package.source = Some(SourcePackage { name: name.to_owned(), version: format!("{epoch}{source}") });
            }
            package.arch = p["arch"].as_str().map(str::to_owned);
            let purl = package.purl(distro.as_ref());
            packages.push(ImagePackage {
                id: PackageId::derive(&purl, None, &format!("{}{}", word(result, "target"), word(p, "path"))),
                purl,
                package,
                layer: None,
                origin: Origin::Unknown,
                owned_by: None,
            });
        }
    }
    Ok(ImageInventory { distro, packages, ..ImageInventory::default() })
}

fn kind_of(trivy_type: &str) -> Option<PackageKind> {
    Some(match trivy_type {
        "alpine" => PackageKind::Apk,
        "debian" | "ubuntu" => PackageKind::Deb,
        "alma" | "centos" | "cbl-mariner" | "sles" => PackageKind::Rpm,
        "jar" | "pom" | "gradle" | "sbt" => PackageKind::Maven,
        "node-pkg" | "npm" | "yarn" | "pnpm" | "bun" => PackageKind::Npm,
        "cargo" | "rustbinary" => PackageKind::Cargo,
        "gomod" | "gobinary" => PackageKind::Golang,
        "pip" | "pipenv" | "poetry" | "uv" | "pylock" | "python-pkg" => PackageKind::Pypi,
        "composer" => PackageKind::Composer,
        "nuget" | "dotnet-core" | "packages-props" => PackageKind::Nuget,
        "hex" => PackageKind::Hex,
        "pub" => PackageKind::Pub,
        "swift" => PackageKind::Swift,
        _ => return None,
    })
}
