//! Which advisories touch which packages. Pure: an inventory and a snapshot in, findings and gaps out.
//!
//! For each package: whose advisories speak of it (`scope.rs`), under which name and version (`subject.rs`), whether
//! the version lies in an affected range (`hit.rs`), and how the hits of one vulnerability become one finding
//! (`merge.rs`, `severity.rs`, `advice.rs`) and one upgrade (`upgrade.rs`). What cannot be decided is a gap.

mod advice;
mod frameworks;
mod hit;
mod merge;
mod programs;
mod publisher;
mod scope;
mod severity;
mod signed;
mod sources;
mod streams;
mod subject;
mod unidentified;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet};

use layergate_advisory::{Namespace, Snapshot};
use layergate_model::{Finding, Gap, GapKind, ImageInventory, ImagePackage, PackageId, PackageKind, Provenance};
use rustc_hash::FxHashMap;

use crate::Matches;
use hit::{Hit, Undecided};
use programs::Asked;
use publisher::{Contents, Publisher};
use scope::{AdvisoryScope, UnknownScope};
pub use sources::of_namespace as sources_of;
use streams::Streams;
use subject::Subject;

/// What was found so far: a list for each package that has findings, never empty.
#[derive(Default)]
struct Collected {
    found: Vec<Vec<Finding>>,
    gaps: Vec<Gap>,
    upgrades: BTreeMap<PackageId, String>,
    asked: BTreeSet<Namespace>,
}

/// Matches every package of an image. Findings carry the effect `ignore` and no suppression; they are sorted by package
/// and advisory.
pub fn match_image(image: &ImageInventory, snapshot: &Snapshot) -> Matches {
    let mut out = Collected::default();
    let os: Vec<&ImagePackage> = image.packages.iter().filter(|p| p.package.kind.is_os()).collect();
    let scope = distribution(image, &os, snapshot, &mut out.gaps);
    let covered = scope.as_ref().filter(|s| s.covered(snapshot));
    let mut publishers: FxHashMap<&PackageId, Publisher> = FxHashMap::default();
    if let Some(scope) = &scope {
        let mut others = Others::default();
        let mut streams = Streams::of(image, scope, snapshot);
        out.asked.extend(scope.namespaces.iter().cloned());
        for package in os.iter().filter(|p| p.package.kind == scope.row.manager) {
            let publisher = publisher::of(&package.package, scope, snapshot);
            match_os(package, scope, &publisher, snapshot, &mut out, &mut others, streams.as_mut());
            publishers.insert(&package.id, publisher);
        }
        out.gaps.extend(others.gaps(scope));
        out.gaps.extend(streams.into_iter().flat_map(Streams::gaps));
        scope::extended_support(scope, &os, snapshot).into_iter().for_each(|gap| out.gaps.push(gap));
    }
    let owners: FxHashMap<&PackageId, &ImagePackage> = os.iter().map(|p| (&p.id, *p)).collect();
    let mut registries: BTreeMap<PackageKind, Option<Namespace>> = BTreeMap::new();
    let mut partial_programs: BTreeSet<Namespace> = BTreeSet::new();
    // Language packages that no distribution's advisories speak for.
    let mut own: Vec<&ImagePackage> = Vec::new();
    for package in image.packages.iter().filter(|p| !p.package.kind.is_os()) {
        // The distribution's own advisories know about its backports. Without them the registry's are better than none.
        let owner = package.owned_by.as_ref().and_then(|o| owners.get(o));
        if let (Some(owner), Some(scope)) = (owner, covered) {
            match publisher::contents(owner, publishers.get(&owner.id), package, scope) {
                Contents::Judged => continue,
                Contents::ToBeJudged => {}
                Contents::Claimed => out.gaps.push(claimed(owner, package)),
            }
        }
        // What its advisories judge needs no others: a distribution's bash is not a program that nobody watches.
        let program = programs::asked(package, image, snapshot);
        let registry = if program.is_empty() {
            let entry = registries.entry(package.package.kind);
            entry.or_insert_with_key(|kind| layergate_advisory::registry(*kind)).as_ref()
        } else {
            None
        };
        own.push(package);
        // What the project itself is called says nothing of the registry's package of that name.
        if package.package.provenance == Provenance::Project {
            continue;
        }
        out.asked.extend(program.iter().map(|asked| &asked.namespace).chain(registry).cloned());
        if let Some(first) = program.first() {
            let is_partial = |asked: &Asked| snapshot.coverage(&asked.namespace).is_some_and(|c| c.partial().is_some());
            partial_programs.extend(program.iter().all(is_partial).then(|| first.namespace.clone()));
            match_program(package, &program, snapshot, &mut out);
        } else if let Some(namespace) = registry {
            match_registry(package, namespace, snapshot, &mut out);
        }
    }
    out.gaps.extend(unidentified::gaps(own.into_iter(), snapshot));
    out.gaps.extend(partial_programs.iter().filter_map(|namespace| partial(namespace, snapshot)));
    for (kind, namespace) in &registries {
        out.gaps.extend(uncovered(*kind, namespace.as_ref(), snapshot));
    }
    out.gaps.sort();
    out.gaps.dedup();
    // Within a package they are in the order of their advisories already (vulnerabilities are numbered in it).
    out.found.sort_by(|a, b| a[0].package.cmp(&b[0].package));
    Matches {
        findings: out.found.into_iter().flatten().collect(),
        gaps: out.gaps,
        upgrades: out.upgrades,
        sources: sources::of(&out.asked, snapshot),
    }
}

/// The gap of a file list that no distribution has written.
fn claimed(owner: &ImagePackage, package: &ImagePackage) -> Gap {
    let place = owner.package.locations.first().map_or("", String::as_str);
    let detail = format!(
        "{} claims {}, where no distribution puts files: its list of files is not the one that it was installed with",
        owner.package.name,
        package.package.locations.first().map_or("", String::as_str)
    );
    Gap::new(GapKind::ForgedFileList, place, detail)
}

/// Whose advisories the distribution's packages have, or the gap.
fn distribution(
    image: &ImageInventory,
    os: &[&ImagePackage],
    snapshot: &Snapshot,
    gaps: &mut Vec<Gap>,
) -> Option<AdvisoryScope> {
    if os.is_empty() {
        return None;
    }
    let versions = os.iter().map(|p| p.package.version.as_str());
    match scope::distribution(image.distro.as_ref(), versions) {
        Ok(scope) => {
            let foreign: Vec<PackageKind> =
                os.iter().map(|p| p.package.kind).filter(|kind| *kind != scope.row.manager).collect();
            if let Some(kind) = foreign.first() {
                let detail = format!(
                    "{} packages are {kind} packages, and {} has none: they were not judged, and what names the distribution may be wrong",
                    foreign.len(),
                    scope.name
                );
                gaps.push(Gap::new(GapKind::UnknownDistribution, format!("{} ({kind})", scope.name), detail));
            }
            if !scope.covered(snapshot) {
                let detail = format!(
                    "the snapshot has no advisories for {}: its {} packages were not judged",
                    scope.name,
                    os.len()
                );
                gaps.push(Gap::new(GapKind::NoAdvisories, scope.name.clone(), detail));
            }
            gaps.extend(scope.namespaces.first().and_then(|n| partial(n, snapshot)));
            Some(scope)
        }
        Err(UnknownScope { place, detail }) => {
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
    let share = snapshot.coverage(namespace)?.partial()?;
    let detail = format!(
        "only a part of the advisories on it is in the snapshot: {share}, and vulnerabilities that only the others describe are not found"
    );
    Some(Gap::new(GapKind::PartialAdvisories, namespace.as_str(), detail))
}

/// The packages that are not the distribution's, by publisher.
#[derive(Default)]
struct Others(BTreeMap<String, (BTreeSet<String>, Option<Namespace>)>);

impl Others {
    fn add(&mut self, who: &str, package: &ImagePackage, epel: Option<&Namespace>) {
        let entry = self.0.entry(who.to_owned()).or_default();
        entry.0.insert(package.package.name.clone());
        entry.1 = epel.cloned();
    }

    /// One gap for each publisher.
    fn gaps(self, scope: &AdvisoryScope) -> Vec<Gap> {
        let gap = |(who, (names, epel)): (String, (BTreeSet<String>, Option<Namespace>))| {
            let some: Vec<&str> = names.iter().map(String::as_str).take(5).collect();
            let more = names.len().saturating_sub(some.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let some = some.join(", ");
            let detail = match epel {
                Some(epel) => format!(
                    "{} packages are Fedora's for this release ({some}{more}), and the snapshot has no advisories for {epel}: they were not judged",
                    names.len()
                ),
                None => format!(
                    "{} packages are published by {who} ({some}{more}), of which the advisories of {} say nothing: only what is recognised inside them was judged",
                    names.len(),
                    scope.name
                ),
            };
            Gap::new(GapKind::ThirdPartyPackage, who, detail)
        };
        self.0.into_iter().map(gap).collect()
    }
}

fn match_os(
    package: &ImagePackage,
    scope: &AdvisoryScope,
    publisher: &Publisher,
    snapshot: &Snapshot,
    out: &mut Collected,
    others: &mut Others,
    streams: Option<&mut Streams>,
) {
    let both: Vec<Namespace>;
    let namespaces = match publisher {
        Publisher::ThirdParty(who) => return others.add(who, package, None),
        Publisher::Epel { contradicted } => {
            if let Some(epel) = scope.epel.as_ref().filter(|epel| snapshot.coverage(epel).is_none()) {
                others.add("Fedora Project", package, Some(epel));
            }
            both = scope.epel.iter().chain(scope.namespaces.iter().filter(|_| *contradicted)).cloned().collect();
            &both
        }
        Publisher::Distribution | Publisher::Doubtful => scope.namespaces.as_slice(),
    };
    let flavour = scope.flavour(&package.package.version);
    if let Some(flavour) = flavour.as_ref().filter(|f| snapshot.coverage(f).is_none()) {
        let detail = format!("the snapshot has no advisories for {flavour}: packages of this flavour were not judged");
        out.gaps.push(Gap::new(GapKind::NoAdvisories, flavour.as_str(), detail));
    }
    let namespaces = flavour.as_ref().map_or(namespaces, std::slice::from_ref);
    if let Some(other) = namespaces.iter().find(|n| !scope.namespaces.contains(n)) {
        out.asked.insert(other.clone());
    }
    let mut hits = Vec::new();
    let mut undecided = BTreeSet::new();
    let subjects = subject::subjects(&package.package, scope.row.names);
    for subject in &subjects {
        for namespace in namespaces {
            hit::collect(subject, &package.package, namespace, snapshot, &mut hits, &mut undecided);
        }
    }
    if let Some(pro) = namespaces.iter().find(|n| n.family() == "ubuntu-esm") {
        // The release's own tracker goes on calling open what Ubuntu Pro has fixed, in this very build.
        let of = |s: &Subject<'_>| hit::fixed_in(&s.name, &s.version, &package.package, pro, snapshot);
        let fixed: BTreeSet<&str> = subjects.iter().flat_map(of).collect();
        let is_fixed =
            |hit: &Hit<'_, '_>| hit::cves(hit.entry.vulnerability, snapshot).iter().all(|c| fixed.contains(c));
        hits.retain(|hit| fixed.is_empty() || !is_fixed(hit));
    }
    if let Some(streams) = streams.filter(|_| namespaces == scope.namespaces.as_slice()) {
        let asked = streams.asked(package);
        streams::settle(&subjects, package, &asked, snapshot, &mut hits, &mut undecided);
        out.asked.extend(asked);
    }
    // A distribution's ranges begin at the beginning: what is fixed stays fixed.
    let upgrade = upgrade::target(&hits, Vec::new, |_| true);
    finish(package, hits, undecided, upgrade, snapshot, out);
}

/// Matches a program by every source that knows it.
fn match_program(package: &ImagePackage, asked: &[Asked], snapshot: &Snapshot, out: &mut Collected) {
    let mut undecided = BTreeSet::new();
    let hits = programs::hits(&package.package, asked, snapshot, &mut undecided);
    let upgrade = upgrade::target(
        &hits,
        || asked.iter().flat_map(|a| hit::fixed(&a.subject, &a.namespace, snapshot)).collect(),
        |version| !asked.iter().any(|a| hit::affects(version, &a.subject, &a.namespace, snapshot)),
    );
    finish(package, hits, undecided, upgrade, snapshot, out);
}

fn match_registry(package: &ImagePackage, namespace: &Namespace, snapshot: &Snapshot, out: &mut Collected) {
    match_as(package, &frameworks::subjects(&package.package, namespace), namespace, snapshot, out);
}

/// Matches a package under the names and versions that the namespace's records have for it.
fn match_as(
    package: &ImagePackage,
    subjects: &[Subject<'_>],
    namespace: &Namespace,
    snapshot: &Snapshot,
    out: &mut Collected,
) {
    let mut hits = Vec::new();
    let mut undecided = BTreeSet::new();
    for subject in subjects {
        hit::collect(subject, &package.package, namespace, snapshot, &mut hits, &mut undecided);
    }
    if package.package.provenance == Provenance::Elsewhere {
        undecided.extend(hits.drain(..).map(|hit| Undecided::not_of_the_registry(&hit, snapshot)));
    }
    let upgrade = upgrade::target(
        &hits,
        || subjects.iter().flat_map(|s| hit::fixed(s, namespace, snapshot)).collect(),
        |version| !subjects.iter().any(|s| hit::affects(version, s, namespace, snapshot)),
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
    for kind in [GapKind::UnreadableVersion, GapKind::UncomparableVersion] {
        let of_kind: Vec<&Undecided> = undecided.iter().filter(|u| u.kind == kind).collect();
        let Some(first) = of_kind.first() else { continue };
        let vulnerabilities: Vec<&str> = of_kind.iter().map(|u| u.vulnerability.as_str()).take(5).collect();
        let more = of_kind.len().saturating_sub(vulnerabilities.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let detail = format!("{}; undecided: {}{more}", first.why, vulnerabilities.join(", "));
        out.gaps.push(Gap::new(kind, package.purl.as_str(), detail));
    }
}
