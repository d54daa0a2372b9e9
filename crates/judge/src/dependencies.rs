//! From the names that packages need to the packages of this image that answer to them.

use layergate_model::{ImagePackage, PackageId, PackageKind};
use rustc_hash::FxHashMap;

/// An image's packages by kind and name; empty where no package says what it needs.
pub(crate) struct Needs<'a>(FxHashMap<(PackageKind, &'a str), Vec<&'a ImagePackage>>);

impl<'a> Needs<'a> {
    pub(crate) fn new(packages: &[&'a ImagePackage]) -> Self {
        let mut by_name: FxHashMap<_, Vec<&ImagePackage>> = FxHashMap::default();
        if packages.iter().any(|p| !p.package.dependencies.is_empty()) {
            for package in packages {
                by_name.entry((package.package.kind, package.package.name.as_str())).or_default().push(package);
            }
        }
        Self(by_name)
    }

    /// The ids of what `package` needs, sorted. Of several packages of one name the pinned version counts, then the one
    /// that the same file proves; where neither shows, none is named rather than a wrong one.
    pub(crate) fn of(&self, package: &ImagePackage) -> Vec<PackageId> {
        let mut out: Vec<PackageId> = package
            .package
            .dependencies
            .iter()
            .filter_map(|need| {
                let named = self.0.get(&(package.package.kind, need.name.as_str()))?;
                let fits = |p: &&&ImagePackage| need.version.as_ref().is_none_or(|v| *v == p.package.version);
                let mut fitting = named.iter().filter(fits);
                let (first, second) = (fitting.next()?, fitting.next());
                if second.is_none() {
                    return Some(first.id.clone());
                }
                let beside = |p: &&&ImagePackage| p.package.evidence() == package.package.evidence();
                named.iter().filter(fits).find(beside).map(|p| p.id.clone())
            })
            .filter(|id| *id != package.id)
            .collect();
        out.sort();
        out.dedup();
        out
    }
}
