//! Which advisories touch which packages. Pure: an inventory and a snapshot in, findings and gaps out.
//!
//! For each package: whose advisories speak of it (`space.rs`), under which name and version (`subject.rs`), whether
//! the version lies in an affected range (`hit.rs`), and how the hits of one flaw become one finding (`merge.rs`,
//! `severity.rs`, `advice.rs`) and one upgrade (`upgrade.rs`). What cannot be decided is a gap.

mod advice;
mod hit;
mod merge;
mod severity;
mod space;
mod subject;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet};

use layergate_advisory::{Namespace, Share, Snapshot};
use layergate_model::{Finding, Gap, GapKind, ImageInventory, ImagePackage, PackageId, PackageKind};
use rustc_hash::FxHashMap;

use crate::Matches;
use hit::{Hit, Undecided};
use space::{DistroSpace, NoSpace};

/// What was found so far: a list for each package that has findings, never empty.
#[derive(Default)]
struct Collected {
    found: Vec<Vec<Finding>>,
    gaps: Vec<Gap>,
    upgrades: BTreeMap<PackageId, String>,
}

/// Matches every package of an image. Findings carry the effect `ignore` and no suppression; they are sorted by package
/// and advisory.
pub fn match_image(image: &ImageInventory, snapshot: &Snapshot) -> Matches {
    let mut out = Collected::default();
    let os: Vec<&ImagePackage> = image.packages.iter().filter(|p| p.package.kind.is_os()).collect();
    let space = distribution(image, &os, snapshot, &mut out.gaps);
    let owned_judged = space.as_ref().is_some_and(|s| s.covered(snapshot));
    if let Some(space) = &space {
        os.iter().for_each(|package| match_os(package, space, snapshot, &mut out));
        space::extended_support(space, &os, snapshot).into_iter().for_each(|gap| out.gaps.push(gap));
    }
    let owners: FxHashMap<&PackageId, ()> = os.iter().map(|p| (&p.id, ())).collect();
    let mut registries: BTreeMap<PackageKind, Option<Namespace>> = BTreeMap::new();
    for package in image.packages.iter().filter(|p| !p.package.kind.is_os()) {
        let registry = registries.entry(package.package.kind).or_insert_with_key(|kind| space::registry(*kind));
        // The distribution's own advisories know about its backports. Without them the registry's are better than none.
        let by_distribution = package.owned_by.as_ref().is_some_and(|o| owners.contains_key(o));
        if by_distribution && owned_judged {
            continue;
        }
        if let Some(namespace) = registry {
            match_registry(package, namespace, snapshot, &mut out);
        }
    }
    for (kind, namespace) in &registries {
        out.gaps.extend(uncovered(*kind, namespace.as_ref(), snapshot));
    }
    out.gaps.sort();
    out.gaps.dedup();
    // Within a package they are in the order of their advisories already (flaws are numbered in it).
    out.found.sort_by(|a, b| a[0].package.cmp(&b[0].package));
    Matches { findings: out.found.into_iter().flatten().collect(), gaps: out.gaps, upgrades: out.upgrades }
}

/// Whose advisories the distribution's packages have, or the gap.
fn distribution(
    image: &ImageInventory,
    os: &[&ImagePackage],
    snapshot: &Snapshot,
    gaps: &mut Vec<Gap>,
) -> Option<DistroSpace> {
    if os.is_empty() {
        return None;
    }
    let versions = os.iter().map(|p| p.package.version.as_str());
    match space::distribution(image.distro.as_ref(), versions) {
        Ok(space) => {
            if !space.covered(snapshot) {
                let detail = format!(
                    "the snapshot has no advisories for {}: its {} packages were not judged",
                    space.name,
                    os.len()
                );
                gaps.push(Gap::new(GapKind::NoAdvisories, space.name.clone(), detail));
            }
            gaps.extend(space.namespaces.first().and_then(|n| partial(n, snapshot)));
            Some(space)
        }
        Err(NoSpace { place, detail }) => {
            gaps.push(Gap::new(
                GapKind::UnknownDistribution,
                place,
                format!("{detail}: {} packages were not judged", os.len()),
            ));
            None
        }
    }
}

/// The gap of a kind of package that the snapshot, or nobody at all, has advisories on.
fn uncovered(kind: PackageKind, namespace: Option<&Namespace>, snapshot: &Snapshot) -> Option<Gap> {
    match namespace {
        Some(namespace) if snapshot.coverage(namespace).is_some() => partial(namespace, snapshot),
        Some(namespace) => Some(Gap::new(
            GapKind::NoAdvisories,
            namespace.as_str(),
            format!("the snapshot has no advisories for {kind} packages"),
        )),
        None => Some(Gap::new(
            GapKind::UnwatchedEcosystem,
            kind.as_str(),
            format!("no advisory database speaks of {kind} packages: they are listed and not judged"),
        )),
    }
}

/// The gap of a namespace of whose advisories only a part is in the snapshot.
fn partial(namespace: &Namespace, snapshot: &Snapshot) -> Option<Gap> {
    let Share { feed, records, at_least } = snapshot.coverage(namespace)?.partial()?;
    let detail = format!(
        "only a part of the advisories on it is in the snapshot: {feed} is here with {records} of at least {at_least} records, and flaws that only the others tell of are not found"
    );
    Some(Gap::new(GapKind::PartialAdvisories, namespace.as_str(), detail))
}

fn match_os(package: &ImagePackage, space: &DistroSpace, snapshot: &Snapshot, out: &mut Collected) {
    let mut hits = Vec::new();
    let mut undecided = BTreeSet::new();
    let subjects = subject::subjects(&package.package, space.names);
    for subject in &subjects {
        for namespace in &space.namespaces {
            hit::collect(subject, &package.package, namespace, snapshot, &mut hits, &mut undecided);
        }
    }
    // A distribution's ranges begin at the beginning: what is mended stays mended.
    let upgrade = upgrade::target(&hits, Vec::new, |_| true);
    finish(package, hits, undecided, upgrade, snapshot, out);
}

fn match_registry(package: &ImagePackage, namespace: &Namespace, snapshot: &Snapshot, out: &mut Collected) {
    let subject = subject::plain(&package.package, namespace);
    let mut hits = Vec::new();
    let mut undecided = BTreeSet::new();
    hit::collect(&subject, &package.package, namespace, snapshot, &mut hits, &mut undecided);
    let upgrade = upgrade::target(
        &hits,
        || hit::mended(&subject, namespace, snapshot),
        |version| !hit::touches(version, &subject, namespace, snapshot),
    );
    finish(package, hits, undecided, upgrade, snapshot, out);
}

fn finish(
    package: &ImagePackage,
    hits: Vec<Hit<'_, '_>>,
    undecided: BTreeSet<Undecided>,
    upgrade: Option<String>,
    snapshot: &Snapshot,
    out: &mut Collected,
) {
    if let Some(version) = upgrade {
        out.upgrades.insert(package.id.clone(), version);
    }
    let findings = merge::findings(package, hits, snapshot);
    if !findings.is_empty() {
        out.found.push(findings);
    }
    if undecided.is_empty() {
        return;
    }
    let flaws: Vec<&str> = undecided.iter().map(|u| u.flaw.as_str()).take(5).collect();
    let more = undecided.len().saturating_sub(flaws.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let why = undecided.first().map(|u| u.why.as_str()).unwrap_or_default();
    let detail = format!("{why}; undecided: {}{more}", flaws.join(", "));
    out.gaps.push(Gap::new(GapKind::UncomparableVersion, package.purl.as_str(), detail));
}
