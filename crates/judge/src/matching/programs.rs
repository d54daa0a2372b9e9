//! Well-known programs that lie in an image without a package manager, as official images install node, python, redis
//! or nginx: judged by their project's own records (Node's), by Bitnami's (github.com/bitnami/vulndb, Apache-2.0),
//! which follow the projects' releases, and by NVD's configurations of products.
//!
//! They are asked in this order, and what one says of a vulnerability in a line of versions the later ones are not asked
//! about. Node's advisories name the lines that are still kept (`20.x || 22.x`): of an older one they say nothing, and
//! the next source is asked. What a distribution's package installed never comes here: the distribution knows its
//! backports.

use std::{borrow::Cow, collections::BTreeSet};

use layergate_advisory::{End, Entry, Namespace, Program, Snapshot, Start, program_version};
use layergate_model::{ImageInventory, ImagePackage, Package, PackageKind, Status};

use super::{
    hit::{self, Hit, Undecided},
    subject::Subject,
};

/// One source's name of a program.
pub(super) struct Asked {
    pub(super) namespace: Namespace,
    pub(super) subject: Subject<'static>,
}

/// Under which names and version the snapshot's sources speak of a program, in the order in which they are believed;
/// empty where none does, where the version cannot be put into their form, or where Bitnami's own package of it, of
/// this version, is in the image and judged already.
pub(super) fn asked(package: &ImagePackage, image: &ImageInventory, snapshot: &Snapshot) -> Vec<Asked> {
    let package = &package.package;
    if package.kind != PackageKind::Generic {
        return Vec::new();
    }
    let Some(program) = Program::named(&package.name) else { return Vec::new() };
    let Some(version) = program_version(&package.version) else { return Vec::new() };
    // Of this version: whoever adds Bitnami's word on another one has not judged this program.
    let bitnamis = |p: &ImagePackage| {
        p.package.kind == PackageKind::Bitnami
            && Some(p.package.name.as_str()) == program.bitnami
            && program_version(&p.package.version).as_ref() == Some(&version)
    };
    if image.packages.iter().any(bitnamis) {
        return Vec::new();
    }
    let own = (program.name == "node").then_some(("nodejs", "node"));
    let bitnami = program.bitnami.map(|name| ("bitnami", name));
    let nvd = program.cpes.iter().map(|name| ("nvd", *name));
    let names = own.into_iter().chain(bitnami).chain(nvd);
    let namespaced = names.filter_map(|(family, name)| Some((Namespace::new(family).ok()?, name)));
    let covered = namespaced.filter(|(namespace, _)| snapshot.coverage(namespace).is_some());
    covered
        .map(|(namespace, name)| {
            let subject =
                Subject { name: Cow::Borrowed(name), version: Cow::Owned(version.clone()), unfixed_only: false };
            Asked { namespace, subject }
        })
        .collect()
}

/// What the sources have against a program, each vulnerability by the first of them that speaks of it in this version's
/// line, whether it finds it in this version or not.
pub(super) fn hits<'s, 'p>(
    package: &Package,
    asked: &'p [Asked],
    snapshot: &'s Snapshot,
    undecided: &mut BTreeSet<Undecided>,
) -> Vec<Hit<'s, 'p>> {
    let mut out = Vec::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for source in asked.chunk_by(|a, b| a.namespace == b.namespace) {
        let mut own = Vec::new();
        let mut doubts = BTreeSet::new();
        for Asked { namespace, subject } in source {
            hit::collect(subject, package, namespace, snapshot, &mut own, &mut doubts);
        }
        own.retain(|hit| !hit::cves(hit.entry.vulnerability, snapshot).iter().all(|cve| known.contains(cve)));
        undecided.extend(doubts.into_iter().filter(|doubt| !known.contains(doubt.vulnerability.as_str())));
        known.extend(own.iter().flat_map(|hit| hit::cves(hit.entry.vulnerability, snapshot)));
        for asked in source {
            let entries = snapshot.lookup(&asked.namespace, &asked.subject.name);
            let spoken = entries.filter(|entry| speaks_of(entry, &asked.subject.version));
            known.extend(spoken.flat_map(|entry| hit::cves(entry.vulnerability, snapshot)));
        }
        // "Not affected" has silenced the later sources; it is no finding.
        out.extend(own.into_iter().filter(|hit| hit.entry.status != Status::NotAffected));
    }
    out
}

/// Whether an entry says something of the line (the first number) of a version: it names the line, or the version comes after
/// every line that it names.
fn speaks_of(entry: &Entry<'_>, version: &str) -> bool {
    let line = |version: &str| version.split('.').next().and_then(|first| first.parse::<u64>().ok());
    let Some(own) = line(version) else { return true };
    let bounds = entry.ranges.clone().flat_map(|range| {
        let start = match range.start {
            Start::Beginning => None,
            Start::From(v) | Start::After(v) => Some(v),
        };
        let end = match range.end {
            End::Open => None,
            End::Fixed(v) | End::Before(v) | End::Last(v) => Some(v),
        };
        start.into_iter().chain(end)
    });
    let named: Vec<u64> = bounds.chain(entry.versions.clone()).filter_map(line).collect();
    named.contains(&own) || named.iter().all(|line| *line < own)
}
