//! Well-known programs that lie in an image without a package manager, as official images install node, python, redis
//! or nginx: judged by their project's own records (Node's), by Bitnami's (github.com/bitnami/vulndb, Apache-2.0),
//! which follow the projects' releases, and by NVD's configurations of products.
//!
//! They are asked in this order, and what one knows of a vulnerability the later ones are not asked about: NVD's ranges
//! are the widest. What a distribution's package installed never comes here: the distribution knows its backports.

use std::{borrow::Cow, collections::BTreeSet};

use layergate_advisory::{Namespace, Program, Snapshot, program_version};
use layergate_model::{ImageInventory, ImagePackage, Package, PackageKind};

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
/// empty where none does, where the version cannot be put into their form, or where Bitnami's own package of it is in
/// the image and judged already.
pub(super) fn asked(package: &ImagePackage, image: &ImageInventory, snapshot: &Snapshot) -> Vec<Asked> {
    let package = &package.package;
    if package.kind != PackageKind::Generic {
        return Vec::new();
    }
    let Some(program) = Program::named(&package.name) else { return Vec::new() };
    let bitnamis =
        |p: &ImagePackage| p.package.kind == PackageKind::Bitnami && Some(p.package.name.as_str()) == program.bitnami;
    if image.packages.iter().any(bitnamis) {
        return Vec::new();
    }
    let Some(version) = program_version(&package.version) else { return Vec::new() };
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

/// What the sources have against a program, each vulnerability by the first of them that knows it, whether it finds it
/// in this version or not.
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
        let entries = source.iter().flat_map(|a| snapshot.lookup(&a.namespace, &a.subject.name));
        known.extend(entries.flat_map(|entry| hit::cves(entry.vulnerability, snapshot)));
        out.append(&mut own);
    }
    out
}
