//! The index: images as lists of package sets, sets as lists of parts, parts as packages in their surroundings.
//!
//! A **part** is what the judge needs to judge one package of an image: the package with everything that matching and policy
//! see of it, the distribution package that owns it, and the image's [`Scope`]. A **set** holds the parts that one layer
//! brought. Both are hash-consed, so that images built on one base share nearly everything. What an image has besides
//! packages (gaps, checks, secrets) is its **shell**.
//!
//! Derived: it can be made again from the kept images.

use std::{
    collections::BTreeMap,
    hash::{Hash, Hasher},
    sync::Arc,
};

use layergate_model::{
    Check, Digest, Distro, Gap, ImageInventory, ImagePackage, PackageId, PackageKind, ReportImage, Secret,
};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use serde::{Deserialize, Serialize};

use crate::{
    ImageKey, KeptImage,
    pool::{Pool, Pooled},
};

/// A package apart from the image that it was found in: no layer, no owner, an id that follows from its content.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Content(pub(crate) Arc<ImagePackage>);

impl Pooled for Content {
    fn content_hash(&self) -> u64 {
        hash_package(&self.0)
    }

    fn same(&self, other: &Self) -> bool {
        same_package(&self.0, &other.0)
    }
}

fn hash_package(p: &ImagePackage) -> u64 {
    let mut h = FxHasher::default();
    p.purl.as_str().hash(&mut h);
    let package = &p.package;
    (package.kind, &package.name, &package.version, &package.locations, p.origin).hash(&mut h);
    (&package.arch, &package.source, &package.module, &package.vendor, &package.licenses).hash(&mut h);
    (package.scope, package.provenance, &package.uuid).hash(&mut h);
    h.finish()
}

/// Whether two packages are the same for matching and policy, which ask for all of these and for no layer.
fn same_package(a: &ImagePackage, b: &ImagePackage) -> bool {
    let (p, q) = (&a.package, &b.package);
    a.purl == b.purl
        && a.origin == b.origin
        && (p.kind, p.scope, p.provenance) == (q.kind, q.scope, q.provenance)
        && p.name == q.name
        && p.version == q.version
        && p.locations == q.locations
        && (&p.arch, &p.source, &p.module, &p.uuid, &p.vendor) == (&q.arch, &q.source, &q.module, &q.uuid, &q.vendor)
        && p.licenses == q.licenses
}

/// What an image has in common for all its packages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scope {
    pub(crate) distro: Option<Distro>,
    /// A package whose version shows that extended support is in use: the judge then asks for its advisories too.
    pub(crate) witness: Option<u32>,
}

impl Hash for Scope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.distro.as_ref().map(|d| (&d.id, &d.version)).hash(state);
        self.witness.hash(state);
    }
}

/// A package in its surroundings, by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) scope: u32,
    pub(crate) package: u32,
    pub(crate) owner: Option<u32>,
}

/// What an image has besides packages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shell {
    pub(crate) distro: Option<Distro>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) checks: Vec<Check>,
    pub(crate) secrets: Vec<Secret>,
    /// The index that it was chosen from, where that has other platforms.
    pub(crate) index: Option<Digest>,
    pub(crate) other_platforms: Vec<String>,
}

impl Hash for Shell {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Few shells differ in nothing but what is left out here; they are compared whole.
        (self.gaps.len(), self.checks.len(), self.secrets.len(), self.index).hash(state);
        self.gaps.iter().for_each(|g| (g.kind, &g.place, &g.detail).hash(state));
        self.checks.iter().for_each(|c| (&c.id, &c.location, &c.title).hash(state));
        self.secrets.iter().for_each(|s| (&s.rule, &s.path, s.line).hash(state));
        self.other_platforms.hash(state);
    }
}

/// An image in the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub(crate) sets: Box<[u32]>,
    pub(crate) shell: u32,
    pub(crate) created: Option<String>,
    /// Its packages depend on each other in a way that parts do not show: it is judged whole.
    pub(crate) whole: bool,
    /// Name of its base image, where it is known.
    pub(crate) base: Option<Box<str>>,
}

/// All images.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Index {
    pub(crate) packages: Pool<Content>,
    pub(crate) scopes: Pool<Scope>,
    pub(crate) parts: Pool<Part>,
    pub(crate) sets: Pool<Box<[u32]>>,
    pub(crate) shells: Pool<Shell>,
    pub(crate) images: BTreeMap<ImageKey, Entry>,
}

impl Index {
    /// The number of images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Whether an image is in the index.
    pub fn contains(&self, key: &ImageKey) -> bool {
        self.images.contains_key(key)
    }

    /// Numbers of distinct packages, parts and sets, for people who look at sizes.
    pub fn sizes(&self) -> [usize; 3] {
        [self.packages.len(), self.parts.len(), self.sets.len()]
    }

    /// Takes an image up, over an older one of its key.
    pub fn insert(&mut self, key: ImageKey, kept: &KeptImage) {
        let inventory = &kept.inventory;
        let numbers: Vec<u32> = inventory.packages.iter().map(|p| self.package(p)).collect();
        let mut by_id: FxHashMap<&PackageId, u32> = FxHashMap::default();
        let mut doubled = false;
        for (package, number) in inventory.packages.iter().zip(&numbers) {
            doubled |= by_id.insert(&package.id, *number).is_some();
        }
        let extended = |p: &ImagePackage| {
            let version = &p.package.version;
            p.package.kind.is_os() && (version.contains("+esm") || version.contains("~esm"))
        };
        let witness = inventory.packages.iter().zip(&numbers).find(|(p, _)| extended(p)).map(|(_, n)| *n);
        let scope = self.scopes.number(Scope { distro: inventory.distro.clone(), witness });
        let mut layers: BTreeMap<Option<u32>, Vec<u32>> = BTreeMap::new();
        for (package, number) in inventory.packages.iter().zip(&numbers) {
            let owner = package.owned_by.as_ref().and_then(|id| by_id.get(id)).copied();
            let part = self.parts.number(Part { scope, package: *number, owner });
            layers.entry(package.layer).or_default().push(part);
        }
        let sets = layers.into_values().map(|mut parts| {
            parts.sort_unstable();
            self.sets.number(parts.into_boxed_slice())
        });
        let sets: Box<[u32]> = sets.collect();
        let shell = self.shells.number(shell(&kept.image, inventory));
        let base = inventory.base.as_ref().and_then(|b| b.name.as_deref()).map(Into::into);
        let entry =
            Entry { sets, shell, created: kept.created.clone(), whole: doubled || is_entangled(inventory), base };
        self.images.insert(key, entry);
    }

    /// Forgets an image. Its packages are forgotten when most parts are of images that were removed.
    pub fn remove(&mut self, key: &ImageKey) {
        self.images.remove(key);
    }

    /// The number of a package's content.
    fn package(&mut self, package: &ImagePackage) -> u32 {
        // The hash is of what is compared, so that a known package costs no copy.
        let probe = hash_package(package);
        if let Some(known) = self.packages.find(probe, |known| same_package(&known.0, package)) {
            return known;
        }
        let id = PackageId::derive(&package.purl, None, package.package.evidence());
        let mut apart = ImagePackage { id, layer: None, owned_by: None, ..package.clone() };
        // What it needs is shown in reports and asked by no rule.
        apart.package.dependencies = Vec::new();
        apart.package.hashes = Vec::new();
        self.packages.number(Content(Arc::new(apart)))
    }

    /// The packages of an image, with the numbers of their parts.
    pub(crate) fn packages_of<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = (u32, &'a ImagePackage)> + 'a {
        entry.sets.iter().filter_map(|set| self.sets.get(*set)).flat_map(|set| set.iter()).filter_map(|number| {
            let part = self.parts.get(*number)?;
            Some((*number, &*self.packages.get(part.package)?.0))
        })
    }

    /// The inventory in which the judge judges a part: the package, its owner and the witness, where they are others.
    pub(crate) fn surroundings(&self, part: &Part) -> Option<(ImageInventory, PackageId)> {
        let scope = self.scopes.get(part.scope)?;
        let mut subject = ImagePackage::clone(&self.packages.get(part.package)?.0);
        let mut packages = Vec::with_capacity(3);
        for other in [part.owner, scope.witness].into_iter().flatten().filter(|n| *n != part.package) {
            let other = &self.packages.get(other)?.0;
            if !packages.iter().any(|p: &ImagePackage| p.id == other.id) {
                packages.push(ImagePackage::clone(other));
            }
        }
        subject.owned_by = part.owner.and_then(|n| self.packages.get(n)).map(|owner| owner.0.id.clone());
        let id = subject.id.clone();
        packages.retain(|p| p.id != id);
        packages.push(subject);
        Some((ImageInventory { distro: scope.distro.clone(), packages, ..ImageInventory::default() }, id))
    }

    /// A part's name, which is the same in every index.
    pub(crate) fn part_name(&self, number: u32) -> Option<Digest> {
        let part = self.parts.get(number)?;
        let scope = self.scopes.get(part.scope)?;
        let content = |n: u32| self.packages.get(n).map(|c| c.0.clone());
        let witness = scope.witness.and_then(content).map(|w| w.purl.clone());
        let whole = (&scope.distro, witness, content(part.package)?, part.owner.and_then(content));
        Some(Digest::of(&serde_json::to_vec(&whole).ok()?))
    }

    /// Whether most parts are of images that were removed.
    pub(crate) fn is_mostly_removed(&self) -> bool {
        let sets: FxHashSet<u32> = self.images.values().flat_map(|e| e.sets.iter().copied()).collect();
        let sets = sets.iter().filter_map(|set| self.sets.get(*set));
        let used: FxHashSet<u32> = sets.flat_map(|set| set.iter().copied()).collect();
        used.len() < self.parts.len() / 2
    }

    /// The same images with nothing left of those that were removed, and the new numbers of the parts.
    #[must_use]
    pub(crate) fn compacted(&self) -> (Self, FxHashMap<u32, u32>) {
        let mut out = Self::default();
        let mut numbers: FxHashMap<u32, u32> = FxHashMap::default();
        for (key, entry) in &self.images {
            let sets = entry.sets.iter().filter_map(|set| self.sets.get(*set));
            let sets: Vec<Box<[u32]>> = sets
                .map(|set| {
                    let parts = set.iter().filter_map(|n| Some((*n, *self.parts.get(*n)?)));
                    let mut adopt = |(number, part)| {
                        let new = out.adopt(self, part)?;
                        numbers.insert(number, new);
                        Some(new)
                    };
                    let mut moved: Vec<u32> = parts.filter_map(&mut adopt).collect();
                    moved.sort_unstable();
                    moved.into_boxed_slice()
                })
                .collect();
            let sets = sets.into_iter().map(|set| out.sets.number(set)).collect();
            let Some(shell) = self.shells.get(entry.shell) else { continue };
            let shell = out.shells.number(shell.clone());
            out.images.insert(*key, Entry { sets, shell, ..entry.clone() });
        }
        (out, numbers)
    }

    fn adopt(&mut self, from: &Self, part: Part) -> Option<u32> {
        let package = self.packages.number(from.packages.get(part.package)?.clone());
        let owner = part.owner.and_then(|n| from.packages.get(n)).map(|owner| self.packages.number(owner.clone()));
        let scope = from.scopes.get(part.scope)?;
        let witness = scope.witness.and_then(|n| from.packages.get(n)).map(|w| self.packages.number(w.clone()));
        let scope = self.scopes.number(Scope { witness, ..scope.clone() });
        Some(self.parts.number(Part { scope, package, owner }))
    }
}

fn shell(image: &ReportImage, inventory: &ImageInventory) -> Shell {
    // Every field by its name: a new one is either in the shell, in the parts, or a reason to judge whole.
    let ImageInventory { distro, packages: _, secrets, checks, gaps, base: _, repositories: _ } = inventory;
    Shell {
        distro: distro.clone(),
        gaps: gaps.clone(),
        checks: checks.clone(),
        secrets: secrets.clone(),
        index: image.index_digest.filter(|_| !image.other_platforms.is_empty()),
        other_platforms: image.other_platforms.clone(),
    }
}

/// Whether the judge lets one package's answer depend on others that are no owners: packages of several foreign managers,
/// of which one gap names the first; a program beside Bitnami's own package of it; layers that say from which repositories of
/// Red Hat's they come.
fn is_entangled(inventory: &ImageInventory) -> bool {
    let kinds = || inventory.packages.iter().map(|p| p.package.kind);
    let mut managers: Vec<PackageKind> = kinds().filter(|k| k.is_os()).collect();
    managers.sort();
    managers.dedup();
    let bitnami = kinds().any(|k| k == PackageKind::Bitnami) && kinds().any(|k| k == PackageKind::Generic);
    managers.len() > 1 || bitnami || !inventory.repositories.is_empty()
}

#[cfg(test)]
mod tests;
