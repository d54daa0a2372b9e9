//! `cargo run -p layergate-judge --example golden_findings -- SNAPSHOT RESULTS.jsonl ADVISORY_CVES.tsv [FILTER]`
//!
//! Takes the package lists that Trivy recorded as image inventories, matches them here, and compares the findings with
//! Trivy's recorded ones as sets, after alias expansion. Shows the matcher's differences without the scanner's.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

use layergate_advisory::Snapshot;
use layergate_judge::match_image;
use layergate_model::{
    Distro, ImageInventory, ImagePackage, LayerPath, Origin, Package, PackageId, PackageKind, SourcePackage,
};
use serde_json::Value;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [snapshot, results, cves, rest @ ..] = arguments.as_slice() else {
        return Err("usage: golden_findings SNAPSHOT RESULTS.jsonl ADVISORY_CVES.tsv [FILTER]".into());
    };
    let snapshot = Snapshot::open(Path::new(snapshot))?;
    let expand: BTreeMap<String, BTreeSet<String>> = std::fs::read_to_string(cves)?
        .lines()
        .filter_map(|l| l.split_once('\t'))
        .map(|(id, list)| (id.to_owned(), list.split([' ', ',']).filter(|w| !w.is_empty()).map(str::to_owned).collect()))
        .collect();
    let (mut total, mut found, mut beyond, mut spent, mut packages) = (0, 0, 0, Duration::ZERO, 0);
    for line in std::fs::read_to_string(results)?.lines() {
        let record: Value = serde_json::from_str(line)?;
        let name = record["image"].as_str().unwrap_or_default();
        if rest.first().is_some_and(|f| !name.contains(f.as_str())) {
            continue;
        }
        let inventory = inventory(&record["trivy"])?;
        packages += inventory.packages.len();
        let start = Instant::now();
        let matches = match_image(&inventory, &snapshot);
        spent += start.elapsed();
        let names: BTreeMap<&PackageId, &Package> = inventory.packages.iter().map(|p| (&p.id, &p.package)).collect();
        let ours: BTreeMap<(String, String), BTreeSet<String>> = matches
            .findings
            .iter()
            .map(|f| {
                let ids = f.aliases.iter().chain([&f.advisory]).cloned().collect();
                ((names.get(&f.package).map_or_else(String::new, |p| p.name.clone()), f.id.to_string()), ids)
            })
            .collect();
        let theirs: BTreeSet<(String, String)> = results_of(&record["trivy"])
            .flat_map(|r| r["vulns"].as_array().into_iter().flatten())
            .filter_map(|v| Some((v["pkg"].as_str()?.to_owned(), v["id"].as_str()?.to_owned())))
            .collect();
        let mut met = BTreeSet::new();
        let mut missing = Vec::new();
        for (package, id) in &theirs {
            let ids: BTreeSet<&String> = expand.get(id).into_iter().flatten().chain([id]).collect();
            let hits: Vec<_> = ours.iter().filter(|((p, _), known)| p == package && ids.iter().any(|i| known.contains(*i))).collect();
            if hits.is_empty() {
                missing.push(format!("{package} {id}"));
            }
            met.extend(hits.into_iter().map(|(key, _)| key.clone()));
        }
        let extra: Vec<String> = ours
            .iter()
            .filter(|(key, _)| !met.contains(*key))
            .map(|((p, _), ids)| format!("{p} {}", ids.iter().cloned().collect::<Vec<_>>().join("/")))
            .collect();
        total += theirs.len();
        found += theirs.len() - missing.len();
        beyond += extra.len();
        if !theirs.is_empty() || !ours.is_empty() {
            println!("{name}: {} of {} found, {} beyond", theirs.len() - missing.len(), theirs.len(), extra.len());
        }
        missing.iter().for_each(|m| println!("    missing {m}"));
        extra.iter().for_each(|m| println!("    beyond  {m}"));
        for gap in &matches.gaps {
            println!("    gap     {} {}: {}", gap.kind, gap.place, gap.detail);
        }
    }
    println!("findings {found}/{total}, beyond {beyond}; {packages} packages in {spent:.2?}");
    Ok(())
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
            let joined = |version: String, release: String| if release.is_empty() { version } else { format!("{version}-{release}") };
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
