//! Which distribution package installed a language package or binary: its advisories judge it, and it is reported once.
//!
//! A file list says which paths a package installed, not who wrote them last. So a package counts as owned only when
//! all its locations are in lists, and when it did not come in a later layer than its owner: then somebody has
//! upgraded it past the package manager (`pip install --upgrade` over a Debian package).

use std::collections::{HashMap, HashSet};

use layergate_model::PackageKind;

use crate::{packages::Listed, tree::NodeId, view::View};

/// Sets `owned_by`.
pub(crate) fn assign(view: &View<'_>, listed: &mut [Listed]) {
    let asked: HashSet<NodeId> =
        listed.iter().filter(|l| !l.package.package.kind.is_os()).flat_map(|l| l.nodes.iter().copied()).collect();
    if asked.is_empty() {
        return;
    }
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, item) in listed.iter().enumerate().filter(|(_, l)| l.package.package.kind.is_os()) {
        by_name.entry(&item.package.package.name).or_default().push(index);
    }

    let mut owners: HashMap<NodeId, usize> = HashMap::new();
    for (layer, section) in view.sections() {
        for owned in &section.owned {
            let Some(shown) = view.places(layer, owned.evidence.as_str()).first().copied() else { continue };
            let Some(owner) = owner(listed, &by_name, &owned.package, shown.node) else { continue };
            for path in &owned.paths {
                let node = view.overlay.find(path.as_str()).or_else(|| view.overlay.find(&merged(path.as_str())?));
                if let Some(node) = node.filter(|n| asked.contains(n)) {
                    owners.entry(node).or_insert(owner);
                }
            }
        }
    }

    for index in 0..listed.len() {
        let item = &listed[index];
        if item.package.package.kind.is_os() || item.nodes.is_empty() {
            continue;
        }
        let all: Option<Vec<usize>> = item.nodes.iter().map(|n| owners.get(n).copied()).collect();
        let Some(all) = all.filter(|all| all.iter().all(|owner| item.layer <= listed[*owner].layer)) else { continue };
        listed[index].package.owned_by = all.first().map(|owner| listed[*owner].package.id.clone());
    }
}

/// Where a path of a list lies in an image whose `/bin`, `/sbin` and `/lib` are those of `/usr`. Lists keep the old
/// path, and an image that lost the links (a root file system copied without them) keeps the file.
fn merged(path: &str) -> Option<String> {
    let first = path.split('/').next()?;
    matches!(first, "bin" | "sbin" | "lib" | "lib32" | "lib64" | "libx32").then(|| format!("usr/{path}"))
}

/// The distribution package of a file list. dpkg shows lists of several architectures apart as `name:arch`; of several
/// packages of one name, the one that the list's own file proves is meant, else Debian's, whose lists are files apart.
fn owner(
    listed: &[Listed],
    by_name: &HashMap<&str, Vec<usize>>,
    name: &str,
    evidence: Option<NodeId>,
) -> Option<usize> {
    let (plain, arch) = name.split_once(':').map_or((name, None), |(n, a)| (n, Some(a)));
    let candidates = by_name.get(name).or_else(|| by_name.get(plain))?;
    candidates.iter().copied().min_by_key(|index| {
        let item = &listed[*index];
        let same_file = evidence.is_some_and(|p| item.nodes.contains(&p));
        let same_arch = arch.is_none_or(|a| item.package.package.arch.as_deref() == Some(a));
        (!same_file, !same_arch, item.package.package.kind != PackageKind::Deb)
    })
}
