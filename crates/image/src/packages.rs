//! The packages that the image shows, each once, with the layer that introduced it.
//!
//! Package databases are rewritten whole by every layer that installs something, so the layer of the visible database
//! says nothing. A package belongs to the lowest layer from which on every version of its file, up to the visible one,
//! has had it with this name, version and architecture. Lockfiles and archives follow the same rule.
//!
//! Packages with equal purls are one package with several locations: the same npm package in two directories is listed
//! once, its layer being the lowest that shows it, its scope the runtime one if any is. Deciding locations come first.

use std::collections::{BTreeSet, HashMap, HashSet};

use layergate_model::{Distro, ImagePackage, Origin, Package, PackageId, PackageKind, Scope};

use crate::{
    evidence::outer,
    installed,
    removed::Kept,
    tree::NodeId,
    view::{Shown, View},
};

/// A package of the image, and the files that prove it.
pub(crate) struct Listed {
    pub(crate) package: ImagePackage,
    /// The nodes of its deciding locations; empty when one of them is not known.
    pub(crate) nodes: Vec<NodeId>,
    /// The layer, also where the image shows none.
    pub(crate) layer: u32,
}

/// What makes two entries of a database the same package.
type Key<'a> = (PackageKind, &'a str, &'a str, Option<&'a str>);

fn key(package: &Package) -> Key<'_> {
    (package.kind, &package.name, &package.version, package.arch.as_deref())
}

/// A package at one place, and the layer that introduced it.
pub(crate) struct Found<'a> {
    pub(crate) package: &'a Package,
    pub(crate) shown: Shown<'a>,
    pub(crate) layer: u32,
}

/// Every package that the image shows, and those `kept` that only a hidden database describes, sorted.
pub(crate) fn list<'a>(view: &View<'a>, kept: &[Kept<'a>], distro: Option<&Distro>, has_layers: bool) -> Vec<Listed> {
    let mut by_purl: HashMap<_, Vec<Found<'_>>> = HashMap::new();
    let kept = kept.iter().map(|k| {
        let shown = Shown { layer: k.layer, path: outer(k.package.evidence()), node: None };
        Found { package: k.package, shown, layer: k.layer }
    });
    let mut found = find(view);
    if has_layers {
        installed::only(&mut found, |directories| view.has_files(directories));
    }
    for found in found.into_iter().chain(kept) {
        by_purl.entry(found.package.purl(distro)).or_default().push(found);
    }
    let mut listed: Vec<_> = by_purl
        .into_iter()
        .map(|(purl, mut same)| {
            same.sort_by(|a, b| (a.layer, a.shown.path, a.package).cmp(&(b.layer, b.shown.path, b.package)));
            let layer = same.first().map_or(0, |f| f.layer);
            let nodes: Option<BTreeSet<_>> = same.iter().map(|f| f.shown.node).collect();
            let package = merge(same);
            let shown_layer = has_layers.then_some(layer);
            let id = PackageId::derive(&purl, shown_layer, package.locations.first().map_or("", |l| l));
            let package =
                ImagePackage { id, purl, package, layer: shown_layer, origin: Origin::Unknown, owned_by: None };
            Listed { package, nodes: nodes.unwrap_or_default().into_iter().collect(), layer }
        })
        .collect();
    listed.sort_by(|a, b| {
        let key = |l: &'_ Listed| (l.package.package.kind, l.layer);
        let (x, y) = (&a.package.package, &b.package.package);
        (x.kind, &x.name, &x.version, key(a).1, &x.locations, &a.package.purl).cmp(&(
            y.kind,
            &y.name,
            &y.version,
            key(b).1,
            &y.locations,
            &b.package.purl,
        ))
    });
    listed
}

/// Every visible package at every place, with the layer that introduced it.
fn find<'a>(view: &View<'a>) -> Vec<Found<'a>> {
    // Files of which the image shows a later version: their packages are needed to show since when a package is there.
    let rewritten: Vec<_> = view
        .overlay
        .tree
        .evidence_set()
        .into_iter()
        .filter(|(n, _)| view.overlay.tree.node(*n).history.len() > 1)
        .collect();
    let earlier: HashSet<u32> = rewritten
        .iter()
        .flat_map(|(node, _)| view.overlay.tree.node(*node).history.iter().filter_map(|v| v.evidence))
        .collect();

    let mut found = Vec::new();
    let mut had: HashMap<u32, HashSet<Key<'a>>> = HashMap::new();
    for (layer, section) in view.sections() {
        for package in &section.packages {
            let evidence = view.evidence_set.find(layer, package.evidence());
            if let Some(evidence) = evidence.filter(|p| earlier.contains(p)) {
                had.entry(evidence).or_default().insert(key(package));
            }
            let places = view.places(layer, package.evidence());
            found.extend(places.into_iter().map(|shown| Found { package, shown, layer: shown.layer }));
        }
    }

    let mut at: HashMap<NodeId, Vec<usize>> = HashMap::new();
    for (index, item) in found.iter().enumerate() {
        if let Some(node) = item.shown.node.filter(|n| view.overlay.tree.node(*n).history.len() > 1) {
            at.entry(node).or_default().push(index);
        }
    }
    for (node, mut since) in at {
        for version in view.overlay.tree.node(node).history.iter().rev().skip(1) {
            let Some(packages) = version.evidence.and_then(|p| had.get(&p)) else { break };
            since.retain(|index| packages.contains(&key(found[*index].package)));
            for index in &since {
                found[*index].layer = version.layer;
            }
        }
    }
    found
}

/// One package of equal ones; what they show together.
fn merge(same: Vec<Found<'_>>) -> Package {
    let mut found = same.into_iter();
    let Some(first) = found.next() else {
        return Package::new(PackageKind::Generic, "", "", &layergate_model::LayerPath::root());
    };
    let mut package = first.package.clone();
    let (mut deciding, mut others) = (BTreeSet::new(), BTreeSet::new());
    let mut place = |item: &Found<'_>| {
        for (i, location) in item.package.locations.iter().enumerate() {
            let location = match location.strip_prefix(item.package.evidence()) {
                Some(inside) if inside.is_empty() || inside.starts_with('!') => format!("{}{inside}", item.shown.path),
                _ => location.clone(),
            };
            if i == 0 {
                deciding.insert(location)
            } else {
                others.insert(location)
            };
        }
    };
    place(&first);
    for item in found {
        place(&item);
        let other = item.package;
        if other.scope == Scope::Runtime {
            package.scope = Scope::Runtime;
        }
        // One evidence that it is the registry's is enough, whatever the others say.
        package.provenance = package.provenance.min(other.provenance);
        package.source = package.source.or_else(|| other.source.clone());
        package.module = package.module.or_else(|| other.module.clone());
        package.vendor = package.vendor.or_else(|| other.vendor.clone());
        union(&mut package.licenses, &other.licenses);
        union(&mut package.hashes, &other.hashes);
        union(&mut package.dependencies, &other.dependencies);
    }
    others.retain(|o| !deciding.contains(o));
    package.locations = deciding.into_iter().chain(others).collect();
    package
}

fn union<T: Clone + Ord>(all: &mut Vec<T>, more: &[T]) {
    if all.as_slice() != more {
        all.extend_from_slice(more);
        all.sort();
        all.dedup();
    }
}

/// Gives distribution packages without a license what a file beside the database says (`usr/share/doc/*/copyright`).
pub(crate) fn add_licenses(view: &View<'_>, listed: &mut [Listed]) {
    let mut by_name: HashMap<&str, &[String]> = HashMap::new();
    let mut by_node: HashMap<NodeId, &[String]> = HashMap::new();
    for (layer, section) in view.sections() {
        for fact in section.licenses.iter().filter(|f| !f.licenses.is_empty()) {
            for shown in view.places(layer, outer(fact.evidence.as_str())) {
                by_name.insert(&fact.package, &fact.licenses);
                by_node.extend(shown.node.map(|n| (n, fact.licenses.as_slice())));
            }
        }
    }
    for item in listed.iter_mut().filter(|l| l.package.package.kind.is_os() && l.package.package.licenses.is_empty()) {
        let package = &mut item.package.package;
        // Packages of one source often share the directory: `usr/share/doc/libssl-dev` → `libssl3`.
        let shared = || view.overlay.find(&format!("usr/share/doc/{}/copyright", package.name));
        let licenses =
            by_name.get(package.name.as_str()).copied().or_else(|| by_node.get(&shared()?).copied()).unwrap_or(&[]);
        package.licenses = licenses.to_vec();
    }
}
