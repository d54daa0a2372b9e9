//! Language packages whose metadata an upper layer has removed or rewritten, although their code is still there: whoever
//! deletes `node_modules/lodash/package.json` or `requests-2.19.0.dist-info` has removed nothing but what is reported of it.
//!
//! Package managers write a package's code and its metadata together, so the code is asked: where at least half of the
//! files that lay in the package's own directory are shown as its layer, or one below, wrote them, the package is still
//! there as that layer tells. Where the code lies is known for npm, PyPI (by the package's name; some import another one),
//! gems and Composer. What the image lists anyhow, somewhere, is not reported again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use layergate_model::{EntryKind, Gap, GapKind, Package, PackageKind};

use crate::{removed::Kept, view::View};

/// Files of one package that are looked for.
const MAX_FILES: usize = 64;
/// Packages that are looked for.
const MAX_PACKAGES: usize = 50_000;

/// What the image still contains of packages whose metadata is hidden, and the gaps.
pub(crate) fn find<'a>(view: &View<'a>) -> (Vec<Kept<'a>>, Vec<Gap>) {
    let mut shown: HashSet<(PackageKind, &str, &str)> = HashSet::new();
    let mut hidden: Vec<Kept<'a>> = Vec::new();
    for (layer, section) in view.sections() {
        for package in section.packages.iter().filter(|p| !places(p).is_empty()) {
            if view.shows(layer, package.evidence()) {
                shown.insert((package.kind, &package.name, &package.version));
            } else if hidden.len() < MAX_PACKAGES {
                hidden.push(Kept { package, layer });
            }
        }
    }
    // Of several layers with the same metadata the uppermost speaks.
    let mut last: BTreeMap<(PackageKind, &str, &str), Kept<'a>> = BTreeMap::new();
    for kept in hidden {
        let p = kept.package;
        if !shown.contains(&(p.kind, &p.name, &p.version)) {
            last.insert((p.kind, p.evidence(), &p.name), kept);
        }
    }
    let candidates: Vec<Kept<'a>> = last.into_values().collect();
    let counts = counts(view, &candidates);
    let still = |(_, (all, left)): &(Kept<'a>, (usize, usize))| *left > 0 && left * 2 >= *all;
    let kept: Vec<_> = candidates.into_iter().zip(counts).filter(still).map(|(kept, _)| kept).collect();
    let mut layers: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    for item in &kept {
        layers.entry(item.layer).or_default().insert(&item.package.name);
    }
    let gaps = layers.into_iter().map(|(layer, names)| {
        let some: Vec<_> = names.iter().take(3).copied().collect();
        let detail = format!(
            "a layer above has removed or rewritten the metadata of {} packages of this one, and their code is still in the \
             image ({}{}): they are listed as this layer has them",
            names.len(),
            some.join(", "),
            if names.len() > some.len() { ", …" } else { "" },
        );
        Gap::new(GapKind::PackageDatabaseRemoved, view.digest(layer).to_string(), detail)
    });
    let gaps = gaps.collect();
    (kept, gaps)
}

/// Where the package's code lies: directories, or files. Empty where its evidence is no record of an installation.
fn places(package: &Package) -> Vec<String> {
    let evidence = package.evidence();
    let Some((directory, last)) = evidence.rsplit_once('/') else { return Vec::new() };
    let (above, name) = directory.rsplit_once('/').unwrap_or(("", directory));
    match package.kind {
        PackageKind::Npm if last == "package.json" => {
            let scope = above.rsplit('/').next().unwrap_or(above);
            let of_scope = above.rsplit_once('/').map_or("", |(above, _)| above);
            let modules = if scope.starts_with('@') { of_scope } else { above };
            if modules.rsplit('/').next() == Some("node_modules") { vec![directory.to_owned()] } else { Vec::new() }
        }
        PackageKind::Pypi => {
            let site = match last {
                "METADATA" | "PKG-INFO" if name.ends_with(".dist-info") || name.ends_with(".egg-info") => above,
                _ if last.ends_with(".egg-info") => directory,
                _ => return Vec::new(),
            };
            let under = package.name.replace('-', "_");
            let mut names =
                vec![package.name.clone(), under.to_lowercase(), under.replace('.', "/").to_lowercase(), under];
            names.sort();
            names.dedup();
            names.iter().flat_map(|n| [format!("{site}/{n}"), format!("{site}/{n}.py")]).collect()
        }
        PackageKind::Gem if name == "specifications" => {
            last.strip_suffix(".gemspec").map(|gem| format!("{above}/gems/{gem}")).into_iter().collect()
        }
        PackageKind::Composer if last == "installed.json" && name == "composer" => {
            vec![format!("{above}/{}", package.name)]
        }
        _ => Vec::new(),
    }
}

/// For each candidate how many files of its code there were, and how many of these the image still shows.
fn counts<'a>(view: &View<'a>, candidates: &[Kept<'a>]) -> Vec<(usize, usize)> {
    let mut counts = vec![(0, 0); candidates.len()];
    if candidates.is_empty() {
        return counts;
    }
    let mut of_place: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, kept) in candidates.iter().enumerate() {
        for place in places(kept.package) {
            of_place.entry(place).or_default().push(index);
        }
    }
    let mut files: Vec<usize> = vec![0; candidates.len()];
    let mut wanted: Vec<(usize, u32, String)> = Vec::new();
    for (layer, merge) in (0u32..).zip(view.layers) {
        merge.inventory.paths.visit(|entry| {
            if !matches!(entry.kind, EntryKind::File | EntryKind::HardLink) || is_metadata(entry.path) {
                return;
            }
            let mut place = entry.path;
            loop {
                for index in of_place.get(place).into_iter().flatten() {
                    if layer <= candidates[*index].layer && files[*index] < MAX_FILES {
                        files[*index] += 1;
                        wanted.push((*index, layer, entry.path.to_owned()));
                    }
                }
                // What lies in a node_modules of its own is another package's.
                match place.rsplit_once('/') {
                    Some((above, last)) if last != "node_modules" => place = above,
                    _ => break,
                }
            }
        });
    }
    let paths: Vec<(u32, &str)> = wanted.iter().map(|(_, layer, path)| (*layer, path.as_str())).collect();
    let mut each: HashMap<(usize, &str), bool> = HashMap::new();
    for ((index, _, path), shown) in wanted.iter().zip(view.shown(&paths)) {
        *each.entry((*index, path)).or_default() |= shown;
    }
    for ((index, _), shown) in each {
        counts[index].0 += 1;
        counts[index].1 += usize::from(shown);
    }
    counts
}

/// Whether the file tells of a package, and is no code.
fn is_metadata(path: &str) -> bool {
    path.ends_with("/package.json") || path.contains(".dist-info/") || path.contains(".egg-info")
}

#[cfg(test)]
mod tests {
    use layergate_model::LayerPath;

    use super::*;

    #[test]
    fn where_code_lies() {
        for (kind, name, at, want) in [
            (PackageKind::Npm, "a", "srv/node_modules/a/package.json", &["srv/node_modules/a"][..]),
            (PackageKind::Npm, "@s/a", "node_modules/@s/a/package.json", &["node_modules/@s/a"]),
            (PackageKind::Npm, "app", "srv/app/package.json", &[]),
            (PackageKind::Npm, "a", "srv/package-lock.json", &[]),
            (PackageKind::Npm, "a", "package.json", &[]),
            (PackageKind::Pypi, "a", "lib/a-1.dist-info/METADATA", &["lib/a", "lib/a.py"]),
            (PackageKind::Pypi, "a", "lib/a-1.egg-info", &["lib/a", "lib/a.py"]),
            (PackageKind::Pypi, "a", "srv/poetry.lock", &[]),
            (PackageKind::Gem, "a", "g/specifications/a-1.gemspec", &["g/gems/a-1"]),
            (PackageKind::Gem, "a", "g/specifications/default/a-1.gemspec", &[]),
            (PackageKind::Composer, "v/a", "w/vendor/composer/installed.json", &["w/vendor/v/a"]),
            (PackageKind::Cargo, "a", "w/Cargo.lock", &[]),
        ] {
            let package = Package::new(kind, name, "1", &LayerPath::normalise(at).unwrap());
            assert_eq!(places(&package), want, "{at}");
        }
        let dotted = Package::new(
            PackageKind::Pypi,
            "zope.Interface",
            "4",
            &LayerPath::normalise("l/z.dist-info/METADATA").unwrap(),
        );
        assert!(places(&dotted).contains(&"l/zope/interface".to_owned()));
    }
}
