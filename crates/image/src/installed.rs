//! What a lock file says beside what is installed from it.
//!
//! A lock names everything that may be installed: for development, for other systems, for an installation that somebody
//! did or did not make here. In an image the package manager's own records show which of it is there, and where they
//! are at hand only they count. A lock of which less than half is installed speaks of something else (a bundle, another
//! directory) and stays whole: nothing is hidden by a record of another thing. So does what has files where it would be
//! installed, and no record of itself there. A source directory is what will be installed, and keeps its locks.

use std::collections::{BTreeMap, HashMap, HashSet};

use layergate_model::{Gap, GapKind, ImagePackage, PackageKind, Provenance, Scope};

use crate::packages::Found;

/// Where the packages of a lock are installed.
#[derive(Clone, Copy)]
enum Place {
    /// In this directory beside it.
    Beside(&'static str),
    /// In a directory of the machine's or of an environment somewhere.
    Anywhere,
}

/// npm's own list of what it has installed, in the `node_modules` that it speaks of.
const HIDDEN: &str = ".package-lock.json";

/// Lock files by name.
const LOCKS: [(&str, PackageKind, Place); 16] = [
    (HIDDEN, PackageKind::Npm, Place::Beside("")),
    ("package-lock.json", PackageKind::Npm, Place::Beside("node_modules")),
    ("npm-shrinkwrap.json", PackageKind::Npm, Place::Beside("node_modules")),
    ("yarn.lock", PackageKind::Npm, Place::Beside("node_modules")),
    ("pnpm-lock.yaml", PackageKind::Npm, Place::Beside("node_modules")),
    ("bun.lock", PackageKind::Npm, Place::Beside("node_modules")),
    ("composer.lock", PackageKind::Composer, Place::Beside("vendor")),
    ("Gemfile.lock", PackageKind::Gem, Place::Anywhere),
    ("gems.locked", PackageKind::Gem, Place::Anywhere),
    ("poetry.lock", PackageKind::Pypi, Place::Anywhere),
    ("uv.lock", PackageKind::Pypi, Place::Anywhere),
    ("pdm.lock", PackageKind::Pypi, Place::Anywhere),
    ("pylock.toml", PackageKind::Pypi, Place::Anywhere),
    ("Pipfile.lock", PackageKind::Pypi, Place::Anywhere),
    ("requirements.txt", PackageKind::Pypi, Place::Anywhere),
    ("requirements.lock", PackageKind::Pypi, Place::Anywhere),
];

/// The directory of a lock (with a slash, unless it is the root), its kind of packages and where they are installed.
fn lock(path: &str) -> Option<(&str, PackageKind, Place)> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (_, kind, place) = LOCKS.iter().find(|(lock, ..)| *lock == name)?;
    Some((&path[..path.len() - name.len()], *kind, *place))
}

/// A directory in one that is written with a slash at its end.
fn below(directory: &str, name: &str) -> String {
    if name.is_empty() { directory.to_owned() } else { format!("{directory}{name}/") }
}

/// The name by which a registry knows a package.
fn name(kind: PackageKind, name: &str) -> String {
    match kind {
        PackageKind::Pypi => name.to_ascii_lowercase().replace(['_', '.'], "-"),
        PackageKind::Composer => name.to_ascii_lowercase(),
        _ => name.to_owned(),
    }
}

/// Drops what only a lock describes, where what is installed from it is in the image. `has_files` answers below which
/// directories the image has a file: what lies in a package's own directory is that package, though nothing there gives
/// its version.
pub(crate) fn only(found: &mut Vec<Found<'_>>, has_files: impl FnOnce(&[String]) -> Vec<bool>) {
    let mut locks: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut installed: BTreeMap<(PackageKind, &str), Vec<usize>> = BTreeMap::new();
    for (index, item) in found.iter().enumerate() {
        match lock(item.shown.path) {
            Some((_, kind, _)) if kind == item.package.kind => locks.entry(item.shown.path).or_default().push(index),
            _ => installed.entry((item.package.kind, item.shown.path)).or_default().push(index),
        }
    }
    let mut gone = HashSet::new();
    // Gone, unless the image has files where it would be installed.
    let mut unsure: Vec<(usize, String)> = Vec::new();
    // A Plug'n'Play map names what the lock beside it names, but not what of it is for development only.
    for (at, item) in found.iter().enumerate().filter(|(_, item)| item.package.kind == PackageKind::Npm) {
        let (directory, name) = item.shown.path.rsplit_once('/').unwrap_or(("", item.shown.path));
        let slash = if directory.is_empty() { "" } else { "/" };
        if name.starts_with(".pnp.") && locks.contains_key(format!("{directory}{slash}yarn.lock").as_str()) {
            gone.insert(at);
        }
    }
    // Everything that is installed of a kind, for the locks that do not say where.
    let mut anywhere: HashMap<PackageKind, HashMap<String, HashSet<&str>>> = HashMap::new();
    for (path, entries) in locks {
        let Some((directory, kind, place)) = lock(path) else { continue };
        let gather = |below: &str| {
            let mut there: HashMap<String, HashSet<&str>> = HashMap::new();
            let from = installed.range((kind, below)..);
            for ((_, _), indices) in from.take_while(|((k, path), _)| *k == kind && path.starts_with(below)) {
                for package in indices.iter().map(|i| found[*i].package) {
                    there.entry(name(kind, &package.name)).or_default().insert(&package.version);
                }
            }
            there
        };
        let beside;
        let there = match place {
            Place::Beside(name) => {
                beside = gather(&below(directory, name));
                &beside
            }
            Place::Anywhere => anywhere.entry(kind).or_insert_with(|| gather("")),
        };
        let needed = entries.iter().map(|i| found[*i].package);
        let needed = needed.filter(|p| p.scope == Scope::Runtime && p.provenance != Provenance::Project);
        let (mut all, mut here) = (0, 0);
        for package in needed {
            all += 1;
            // Elsewhere another version is another installation.
            let is_here = |versions: &HashSet<&str>| {
                matches!(place, Place::Beside(_)) || versions.contains(package.version.as_str())
            };
            here += usize::from(there.get(&name(kind, &package.name)).is_some_and(is_here));
        }
        // The hidden lock only tells what has lost its own package.json.
        let hidden = path.ends_with(HIDDEN);
        if !hidden && (there.is_empty() || here * 2 < all) {
            continue;
        }
        for index in entries {
            let package = found[index].package;
            match (there.get(&name(kind, &package.name)), place) {
                _ if package.provenance == Provenance::Project => continue,
                (Some(versions), _) if !hidden && versions.contains(package.version.as_str()) => continue,
                (None, Place::Beside(modules)) => {
                    unsure.push((index, format!("{}{}", below(directory, modules), package.name)))
                }
                _ => {}
            }
            gone.insert(index);
        }
    }
    if !unsure.is_empty() {
        let (indices, directories): (Vec<_>, Vec<_>) = unsure.into_iter().unzip();
        for (index, _) in indices.into_iter().zip(has_files(&directories)).filter(|(_, has)| *has) {
            gone.remove(&index);
        }
    }
    if !gone.is_empty() {
        let mut index = 0..;
        found.retain(|_| index.next().is_none_or(|index| !gone.contains(&index)));
    }
}

/// Drops the gaps of locks without a reader beside what is installed from them.
pub(crate) fn drop_gaps(gaps: &mut Vec<Gap>, packages: &[ImagePackage]) {
    gaps.retain(|gap| {
        let Some(directory) = gap.place.strip_suffix("bun.lockb").filter(|_| gap.kind == GapKind::UnreadPackages)
        else {
            return true;
        };
        let beside = format!("{directory}node_modules/");
        !packages.iter().any(|p| p.package.locations.iter().any(|at| at.starts_with(&beside)))
    });
}

#[cfg(test)]
mod tests {
    use layergate_model::{LayerPath, Package};

    use super::*;
    use crate::view::Shown;

    /// What is left of packages, each `path kind name version`, a `dev` behind it.
    fn left(lines: &[&str]) -> Vec<String> {
        let packages: Vec<Package> = lines
            .iter()
            .map(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let kind = [PackageKind::Npm, PackageKind::Composer, PackageKind::Gem, PackageKind::Pypi]
                    .into_iter()
                    .find(|k| k.as_str() == words[1])
                    .unwrap();
                let mut package = Package::new(kind, words[2], words[3], &LayerPath::normalise(words[0]).unwrap());
                package.scope = if words.len() > 4 { Scope::Dev } else { Scope::Runtime };
                package
            })
            .collect();
        let shown = |p| Found { package: p, shown: Shown { layer: 0, path: p.evidence(), node: None }, layer: 0 };
        let mut found: Vec<_> = packages.iter().map(shown).collect();
        only(&mut found, |directories| directories.iter().map(|d| d == "app/node_modules/bare").collect());
        found.iter().map(|f| format!("{} {} {}", f.shown.path, f.package.name, f.package.version)).collect()
    }

    #[test]
    fn locks_beside_what_is_installed() {
        for (what, lines, gone) in [
            (
                "development and other systems",
                &[
                    "app/package-lock.json npm a 1",
                    "app/package-lock.json npm b 1 dev",
                    "app/package-lock.json npm fsevents 2",
                    "app/package-lock.json npm c 1",
                    "app/node_modules/a/package.json npm a 1",
                    "app/node_modules/.pnpm/c@1/node_modules/c/package.json npm c 1",
                ][..],
                &[1, 2][..],
            ),
            ("nothing installed", &["app/yarn.lock npm a 1", "app/yarn.lock npm b 1 dev"], &[]),
            ("installed elsewhere", &["app/yarn.lock npm a 1", "srv/node_modules/b/package.json npm b 1"], &[]),
            ("at the root", &["yarn.lock npm a 1 dev", "node_modules/b/package.json npm b 1"], &[0]),
            (
                "a bundle beside some packages",
                &[
                    "app/bun.lock npm a 1",
                    "app/bun.lock npm b 1",
                    "app/bun.lock npm c 1",
                    "app/node_modules/a/package.json npm a 1",
                ],
                &[],
            ),
            ("another version than locked", &["app/bun.lock npm a 1", "app/node_modules/a/package.json npm a 2"], &[0]),
            (
                "an installed package without a package.json",
                &[
                    "app/package-lock.json npm a 1",
                    "app/package-lock.json npm bare 1",
                    "app/package-lock.json npm gone 1",
                    "app/package-lock.json npm b 1",
                    "app/node_modules/a/package.json npm a 1",
                    "app/node_modules/b/package.json npm b 1",
                ],
                &[2],
            ),
            (
                "what lost its package.json, by npm's hidden lock",
                &[
                    "app/node_modules/.package-lock.json npm a 1",
                    "app/node_modules/.package-lock.json npm bare 1",
                    "app/node_modules/.package-lock.json npm gone 1",
                    "app/node_modules/a/package.json npm a 1",
                ],
                &[0, 2],
            ),
            ("nothing but npm's hidden lock", &["srv/node_modules/.package-lock.json npm a 1"], &[0]),
            (
                "a map beside a lock",
                &["app/yarn.lock npm a 1 dev", "app/.pnp.cjs npm a 1", "srv/.pnp.cjs npm b 1"],
                &[1],
            ),
            (
                "composer without development",
                &[
                    "a/composer.lock composer v/a 1",
                    "a/composer.lock composer v/t 1 dev",
                    "a/vendor/composer/installed.json composer V/a 1",
                ],
                &[1],
            ),
            (
                "gems and Python packages, wherever",
                &[
                    "a/Gemfile.lock gem a 1",
                    "a/Gemfile.lock gem t 1",
                    "usr/local/bundle/specifications/a-1.gemspec gem a 1",
                    "a/poetry.lock pypi Py_Yaml 6",
                    "a/poetry.lock pypi colorama 1",
                    "v/lib/python3/site-packages/x/METADATA pypi py.yaml 6",
                ],
                &[1, 4],
            ),
            (
                "the distribution's own of another version",
                &["a/uv.lock pypi a 1", "usr/lib/python3/dist-packages/a/METADATA pypi a 2"],
                &[],
            ),
        ] {
            let word = |line: &str| {
                line.split(' ')
                    .filter(|w| !["npm", "gem", "pypi", "composer", "dev"].contains(w))
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            let want: Vec<_> =
                lines.iter().enumerate().filter(|(i, _)| !gone.contains(i)).map(|(_, l)| word(l)).collect();
            assert_eq!(left(lines), want, "{what}");
        }
    }
}
