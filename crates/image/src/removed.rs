//! Packages that an upper layer's package database does not describe any more, although their files are still there.
//!
//! A package manager that removes or upgrades a package changes its database and its files; whoever deletes, empties or
//! rewrites the database alone has removed nothing but the record. Each layer's database is known, so what a hidden one
//! said is held against the image: a package is still there
//! - when files that it installed are shown as its layer, or one below, wrote them: any of them where the databases
//!   that are shown do not know its name, half of them where they know another version;
//! - where no file list describes it: when the image shows no package of its kind at all, or when the layers above have
//!   neither deleted nor replaced a file outside of the managers' own directories.
//!
//! It stays listed and is judged, and a gap names the layer whose word is not believed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
};

use layergate_model::{EntryKind, Gap, GapKind, LayerPath, Package, PackageKind};

use crate::{overlay::split, spread::Spread, view::View};

/// A package of a hidden database that is still there.
pub(crate) struct Kept<'a> {
    pub(crate) package: &'a Package,
    pub(crate) layer: u32,
}

/// Files of one package that are looked for.
const MAX_FILES: usize = 64;
/// Packages that are looked for; an image has a few thousand.
const MAX_PACKAGES: usize = 50_000;
/// Where package managers keep records, logs and caches: changes there change no program.
const RECORDS: [&str; 9] =
    ["var", "run", "tmp", "etc/apk", "lib/apk", "usr/lib/apk", "usr/lib/sysimage", "usr/share/rpm", "usr/lib/opkg"];

type Name<'a> = (PackageKind, &'a str);

/// What the image still contains of what hidden databases said, and the gaps.
pub(crate) fn find<'a>(view: &View<'a>) -> (Vec<Kept<'a>>, Vec<Gap>) {
    let mut shown: HashMap<Name<'a>, HashSet<&'a str>> = HashMap::new();
    let mut hidden: Vec<Kept<'a>> = Vec::new();
    for (layer, section) in view.sections() {
        for package in section.packages.iter().filter(|p| p.kind.is_os()) {
            if view.shows(layer, package.evidence()) {
                shown.entry((package.kind, &package.name)).or_default().insert(&package.version);
            } else {
                hidden.push(Kept { package, layer });
            }
        }
    }
    // Of several layers that know a package the uppermost speaks. Keys have no files, and apk's virtual packages
    // neither.
    let mut last: BTreeMap<(PackageKind, &str, &str, Option<&str>), Kept<'a>> = BTreeMap::new();
    for kept in hidden {
        let p = kept.package;
        let known = shown.get(&(p.kind, p.name.as_str())).is_some_and(|versions| versions.contains(p.version.as_str()));
        let record = p.name == "gpg-pubkey" || p.name.starts_with('.');
        if !known && !record && last.len() < MAX_PACKAGES {
            let key = (p.kind, p.name.as_str(), p.version.as_str(), p.arch.as_deref());
            if last.get(&key).is_none_or(|other| other.layer < kept.layer) {
                last.insert(key, kept);
            }
        }
    }
    if last.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let candidates: Vec<Kept<'a>> = last.into_values().collect();
    let kinds: HashSet<PackageKind> = shown.keys().map(|(kind, _)| *kind).collect();
    let evidence = evidence(view, &candidates);
    // Walked only where it is asked for: real databases have file lists.
    let unlisted =
        candidates.iter().zip(&evidence).any(|(kept, (all, _))| *all == 0 && kinds.contains(&kept.package.kind));
    let untouched = if unlisted { untouched(view) } else { Vec::new() };
    let still_there = |(kept, (all, left)): &(Kept<'a>, (usize, usize))| {
        let p = kept.package;
        match (*all, *left) {
            (0, _) => !kinds.contains(&p.kind) || untouched.get(kept.layer as usize).copied().unwrap_or(false),
            (_, left) if !shown.contains_key(&(p.kind, p.name.as_str())) => left > 0,
            (all, left) => left * 2 >= all,
        }
    };
    let kept: Vec<_> = candidates.into_iter().zip(evidence).filter(still_there).map(|(kept, _)| kept).collect();
    let gaps = gaps(view, &kept);
    (kept, gaps)
}

/// One gap for each database that is not believed.
fn gaps(view: &View<'_>, kept: &[Kept<'_>]) -> Vec<Gap> {
    let mut databases: BTreeMap<(PackageKind, u32), BTreeSet<&str>> = BTreeMap::new();
    for item in kept {
        databases.entry((item.package.kind, item.layer)).or_default().insert(&item.package.name);
    }
    databases
        .into_iter()
        .map(|((kind, layer), names)| {
            let some: Vec<_> = names.iter().take(3).copied().collect();
            let detail = format!(
                "a layer above has removed, emptied or replaced the {kind} database of this one, and {} of its packages are \
                 still in the image ({}{}): they are listed as this layer has them",
                names.len(),
                some.join(", "),
                if names.len() > some.len() { ", …" } else { "" },
            );
            Gap::new(GapKind::PackageDatabaseRemoved, view.digest(layer).to_string(), detail)
        })
        .collect()
}

/// For each candidate how many of the files in its list were there, and how many of these the image still shows.
fn evidence<'a>(view: &View<'a>, candidates: &[Kept<'a>]) -> Vec<(usize, usize)> {
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, kept) in candidates.iter().enumerate() {
        by_name.entry(&kept.package.name).or_default().push(index);
    }
    // Which candidates a path is of. Lists of a later layer are those of another version.
    let mut lists: Vec<Option<(u32, &'a [LayerPath])>> = vec![None; candidates.len()];
    for (layer, section) in view.sections() {
        for owned in &section.owned {
            let name = owned.package.split(':').next().unwrap_or_default();
            for index in by_name.get(name).into_iter().flatten() {
                let known = lists[*index].as_ref().is_some_and(|(known, paths)| {
                    *known > layer || *known == layer && paths.len() >= owned.paths.len()
                });
                if layer <= candidates[*index].layer && !known {
                    lists[*index] = Some((layer, &owned.paths));
                }
            }
        }
    }
    let mut of_path: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, list) in lists.iter().enumerate() {
        for path in list.iter().flat_map(|(_, paths)| paths.iter()).take(MAX_FILES) {
            of_path.entry(path.as_str()).or_default().push(index);
        }
    }
    let of_directory: HashSet<&str> = of_path.keys().map(|path| split(path).0).collect();
    let mut wanted: Vec<(u32, &str)> = Vec::new();
    let mut of_wanted: Vec<&Vec<usize>> = Vec::new();
    for (layer, merge) in (0u32..).zip(view.layers) {
        let (mut last, mut is_asked) = (String::from("\0"), false);
        merge.inventory.paths.visit(|entry| {
            if matches!(entry.kind, EntryKind::Directory | EntryKind::Special) {
                return;
            }
            // Archives are written directory by directory: most hold nothing that is asked for.
            let (parent, _) = split(entry.path);
            if last != parent {
                last.clear();
                last.push_str(parent);
                is_asked = of_directory.contains(parent)
                    || parent.strip_prefix("usr").is_some_and(|p| of_directory.contains(p.trim_start_matches('/')));
            }
            if !is_asked {
                return;
            }
            // A merged /usr: the list still says bin/sh.
            let plain = entry.path.strip_prefix("usr/");
            let found = of_path.get_key_value(entry.path).or_else(|| of_path.get_key_value(plain?));
            if let Some((path, indices)) = found {
                wanted.push((layer, *path));
                of_wanted.push(indices);
            }
        });
    }
    let usr: Vec<String> = wanted.iter().map(|(_, path)| format!("usr/{path}")).collect();
    let under_usr: Vec<(u32, &str)> =
        wanted.iter().zip(&usr).map(|((layer, _), path)| (*layer, path.as_str())).collect();
    let both = view.shown(&[wanted.as_slice(), &under_usr].concat());
    let (plain, under_usr) = both.split_at(wanted.len());
    let shown = plain.iter().zip(under_usr).map(|(a, b)| *a || *b);
    let mut files: HashMap<(usize, &str), bool> = HashMap::new();
    for (((layer, path), indices), shown) in wanted.iter().zip(of_wanted).zip(shown) {
        for index in indices.iter().filter(|i| *layer <= candidates[**i].layer) {
            *files.entry((*index, *path)).or_default() |= shown;
        }
    }
    let mut counts = vec![(0, 0); candidates.len()];
    for ((index, _), shown) in files {
        counts[index].0 += 1;
        counts[index].1 += usize::from(shown);
    }
    counts
}

/// For each layer whether the layers above it neither delete nor replace a file of it or below it, records apart.
fn untouched(view: &View<'_>) -> Vec<bool> {
    let is_record = |path: &str| {
        RECORDS.iter().any(|d| path.strip_prefix(d).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    let mut untouched = vec![true; view.layers.len()];
    // The lowest layer that has a path, by the path's hash under a key that nobody who writes a layer knows: 150,000
    // paths are 3 MB so, and 15 MB as text.
    let mut below: HashMap<u64, u32, Spread> = HashMap::with_hasher(Spread::new());
    let key = RandomState::new();
    for (layer, merge) in (0u32..).zip(view.layers) {
        let uppermost = layer as usize + 1 == view.layers.len();
        // Archives are written directory by directory: what is true of a directory is asked once.
        let mut directory = String::new();
        let (mut is_below_record, mut hash_of_directory) = (false, key.hash_one(""));
        merge.inventory.paths.visit(|entry| {
            if entry.kind == EntryKind::Directory {
                return;
            }
            let (parent, name) = split(entry.path);
            if directory != parent {
                directory.clear();
                directory.push_str(parent);
                is_below_record = is_record(parent);
                hash_of_directory = key.hash_one(parent);
            }
            if is_below_record || RECORDS.contains(&entry.path) {
                return;
            }
            let from = if name.starts_with(".wh.") {
                0
            } else {
                let hash = key.hash_one((hash_of_directory, name));
                match uppermost {
                    true => below.get(&hash).copied().unwrap_or(layer),
                    false => *below.entry(hash).or_insert(layer),
                }
            };
            untouched[from as usize..layer as usize].fill(false);
        });
    }
    untouched
}
