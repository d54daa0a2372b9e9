//! Which files of which layers the image shows under a name by which nobody has read them.
//!
//! A layer is read alone, so that its inventory serves every image; only when the layers lie upon each other is it
//! known where a link leads. What a container finds at `var/lib/dpkg/status`, through whatever links, is then asked of
//! the layer that holds it, once more and for such names alone. Links are followed as the kernel does, from the image's
//! root: the last part too, over layers, in chains, and no further than the root. Hard links are names of the file that
//! was there when they were made, in the same layer or one below.
//!
//! Three sources of names: the places where analyzers look (`var/lib/dpkg/status`), resolved to their end; every
//! symbolic link, with what lies below the directory that it leads to; and links below such a directory, whose names
//! its name begins (`node_modules` to a store whose packages are links).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use layergate_model::{Alias, EntryKind, Gap, GapKind, LayerPath};

use crate::{
    MergeLayer,
    evidence::EvidenceSet,
    overlay::{Overlay, split},
    tree::Tree,
    twofold::Twofold,
    view,
};

/// Names through links of one image, directories and files.
const MAX_NAMES: usize = 200_000;
/// Pairs of a file or link and a name that are looked at.
const MAX_TRIED: usize = 5_000_000;
/// Directory links in directory links that are followed for their names. No name that means something is made of more: the
/// longest is `META-INF/maven/GROUP/ARTIFACT/pom.properties`, and what a link's own path means is known without the others.
const MAX_DEPTH: usize = 4;
/// Hard links to hard links that are followed.
const MAX_LINKS: usize = 8;
/// What one look at a layer asks for: names, and bytes of them. A message of a fleet has 256 KiB.
const MAX_ASKED: usize = 2000;
const MAX_TEXT: usize = 160 << 10;

/// What names mean to those who read files.
pub trait Readers {
    /// Paths at which packages are looked for, and directories below which they are.
    fn places(&self) -> Vec<LayerPath>;
    /// Whether a file of this name may be wanted wherever it lies.
    fn wants_name(&self, name: &str) -> bool;
    /// Whether a file called `name` would show more than it did under `path`.
    fn tells_more(&self, name: &LayerPath, path: &LayerPath) -> bool;
}

/// One thing to be read again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look {
    /// The position of the layer that holds the content.
    pub layer: u32,
    /// What to read, and as what.
    pub alias: Alias,
    /// The entry with which what is found is shown or hidden, where that is another (a hard link of layer and path).
    pub shown_by: Option<(u32, LayerPath)>,
}

/// What an image's links ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// What to read again, sorted.
    pub looks: Vec<Look>,
    /// What cannot be, and in which layer.
    pub gaps: Vec<(u32, Gap)>,
}

/// A file that the image may show under `name`.
struct Candidate {
    name: LayerPath,
    layer: u32,
    path: LayerPath,
    /// Of a hard link.
    target: Option<LayerPath>,
    /// The directory link that gave the name, where the file's path was written without links.
    of: Option<Alias>,
}

/// What the links of these layers ask for.
pub fn looks(layers: &[MergeLayer<'_>], readers: &dyn Readers) -> Looks {
    let has = |kind| layers.iter().any(|layer| layer.inventory.paths.has(kind));
    if !has(EntryKind::Symlink) && !has(EntryKind::HardLink) {
        return Looks::default();
    }
    let twofold = Twofold::of(layers);
    let overlay = Overlay::new(layers, &twofold, &mut EvidenceSet::entries(layers.len(), &[]));
    let places = readers.places();
    let mut found = Looks::default();
    let names = names(&overlay.tree, &places, &mut found.gaps);
    let mut candidates = candidates(layers, &overlay.tree, &names, &places, readers, &mut found.gaps);
    let wanted: Vec<_> = candidates.iter().map(|c| (c.layer, c.path.as_str())).collect();
    let mut shown = view::shown(layers, &twofold, &wanted).into_iter();
    candidates.retain(|_| shown.next().unwrap_or(false));
    resolve(layers, &overlay.tree, candidates, readers, &mut found);
    found.looks.sort();
    found.looks.dedup();
    bound(found)
}

/// A name made of links, and where it leads.
struct Composed {
    name: String,
    to: String,
    /// Where the links lead that it is made of.
    over: Vec<String>,
    /// Whether it is made of links alone, none of which leads where another one does: a name that goes on like this may mean
    /// anything. Workspaces refer to each other in circles, and by paths that mean something by themselves.
    goes_on: bool,
}

impl Composed {
    fn new(name: &str, to: &str) -> Self {
        Self { name: name.to_owned(), to: to.to_owned(), over: vec![to.to_owned()], goes_on: true }
    }

    fn then(&self, below: &str, to: &str) -> Self {
        let mut over = self.over.clone();
        over.push(to.to_owned());
        let goes_on = self.goes_on && !below.contains('/') && !self.over.iter().any(|o| o == to);
        Self { name: format!("{}/{below}", self.name), to: to.to_owned(), over, goes_on }
    }

    fn pair(self) -> (String, String) {
        (self.name, self.to)
    }
}

/// For each path without links the other names that it has.
fn names(tree: &Tree, places: &[LayerPath], gaps: &mut Vec<(u32, Gap)>) -> HashMap<String, Vec<String>> {
    let links: BTreeMap<String, String> = tree
        .links()
        .into_iter()
        .filter_map(|link| {
            let to = tree.real_path(&link)?;
            (!to.is_empty() && to != link).then_some((link, to))
        })
        .collect();
    let of_places = places.iter().filter_map(|place| {
        let to = tree.real_path(place.as_str())?;
        (!to.is_empty() && to != place.as_str()).then(|| (place.to_string(), to))
    });
    let mut all: BTreeSet<(String, String)> = of_places.collect();
    let mut new: Vec<Composed> = links.iter().map(|(a, b)| Composed::new(a, b)).collect();
    new.extend(all.iter().map(|(a, b)| Composed::new(a, b)));
    let mut tried = 0;
    for _ in 0..MAX_DEPTH {
        let mut next = Vec::new();
        for from in &new {
            let (name, to) = (&from.name, &from.to);
            // A merged /usr changes nothing of what a name means.
            if to.strip_prefix("usr/") == Some(name) {
                continue;
            }
            let begin = format!("{to}/");
            for (link, target) in links.range(begin.clone()..).take_while(|(l, _)| l.starts_with(&begin)) {
                tried += 1;
                if tried > MAX_TRIED || all.len() + next.len() >= MAX_NAMES {
                    break;
                }
                let loops = *to == *target || to.starts_with(&format!("{target}/"));
                if !loops {
                    next.push(from.then(&link[begin.len()..], target));
                }
            }
        }
        all.extend(new.into_iter().map(Composed::pair));
        next.retain(|n| !all.contains(&(n.name.clone(), n.to.clone())));
        new = next;
        if new.is_empty() {
            break;
        }
    }
    if let Some(deeper) = new.iter().find(|n| n.goes_on) {
        let detail = format!(
            "links lie in links more than {MAX_DEPTH} deep, as {} does: what lies deeper was not read under these names",
            deeper.name
        );
        gaps.push((0, Gap::new(GapKind::UnreadLink, "links", detail)));
    }
    all.extend(new.into_iter().map(Composed::pair));
    if tried > MAX_TRIED || all.len() >= MAX_NAMES {
        let detail =
            format!("there are more than {MAX_NAMES} names through links; what the others lead to was not read");
        gaps.push((0, Gap::new(GapKind::UnreadLink, "links", detail)));
    }
    let mut names: HashMap<String, Vec<String>> = HashMap::new();
    for (name, to) in all {
        names.entry(to).or_default().push(name);
    }
    names
}

fn too_many() -> Gap {
    let detail = format!(
        "links give files more than {MAX_NAMES} names, or {MAX_TRIED} in all layers together; what the others lead to was \
         not read under them"
    );
    Gap::new(GapKind::UnreadLink, "links", detail)
}

/// A directory of a layer, resolved: archives are written directory by directory.
#[derive(Default)]
struct Directory {
    raw: Option<String>,
    /// The path without links.
    real: String,
    /// The names of the directory, each with the link that gives it and whether analyzers look below it.
    names: Vec<(String, Alias, bool)>,
    /// Whether analyzers look below the directory itself.
    looked_below: bool,
    /// Whether a file in it has another name of its own.
    has_named: bool,
}

fn candidates(
    layers: &[MergeLayer<'_>],
    tree: &Tree,
    names: &HashMap<String, Vec<String>>,
    places: &[LayerPath],
    readers: &dyn Readers,
    gaps: &mut Vec<(u32, Gap)>,
) -> Vec<Candidate> {
    let mut tried = 0;
    let looked = |path: &str| {
        places.iter().any(|p| path.strip_prefix(p.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('/')))
    };
    // Directories in which a file has another name of its own.
    let with_named: HashSet<&str> = names.keys().map(|path| split(path).0).collect();
    let mut found = Vec::new();
    for (layer, merge) in (0u32..).zip(layers) {
        let (mut directory, mut real) = (Directory::default(), String::new());
        merge.inventory.paths.visit(|entry| {
            if !matches!(entry.kind, EntryKind::File | EntryKind::HardLink) {
                return;
            }
            let (parent, last) = split(entry.path);
            if directory.raw.as_deref() != Some(parent) {
                directory = if tried > MAX_TRIED { Directory::default() } else { enter(parent, tree, names, &looked) };
                directory.raw = Some(parent.to_owned());
                directory.has_named = with_named.contains(directory.real.as_str());
                tried += directory.names.len();
            }
            if tried > MAX_TRIED {
                return;
            }
            let target = (entry.kind == EntryKind::HardLink).then_some(entry.target);
            if target.is_none() && directory.names.is_empty() && !directory.has_named {
                return;
            }
            let wanted = readers.wants_name(last);
            let mut add = |name: &str, of: Option<&Alias>| {
                let paths = (
                    LayerPath::normalise(name),
                    LayerPath::normalise(entry.path),
                    target.map(LayerPath::normalise).transpose(),
                );
                let (Ok(name), Ok(path), Ok(target)) = paths else { return };
                if readers.tells_more(&name, target.as_ref().unwrap_or(&path)) {
                    let of = of.filter(|of| of.name_of(&path).as_ref() == Some(&name)).cloned();
                    found.push(Candidate { name, layer, path, target, of });
                }
            };
            if target.is_some() && (wanted || directory.looked_below || looked(entry.path)) {
                add(entry.path, None);
            }
            tried += directory.names.len();
            for (name, of, below) in &directory.names {
                // The places themselves have names of their own.
                if wanted || *below {
                    add(&format!("{name}/{last}"), Some(of));
                }
            }
            if !directory.has_named {
                return;
            }
            real.clear();
            real.push_str(&directory.real);
            real.push_str(if real.is_empty() { "" } else { "/" });
            real.push_str(last);
            let of_file = names.get(real.as_str()).map_or(&[][..], Vec::as_slice);
            tried += of_file.len();
            for name in of_file {
                if readers.wants_name(split(name).1) || looked(name) {
                    add(name, None);
                }
            }
        });
    }
    if tried > MAX_TRIED {
        gaps.push((0, too_many()));
    }
    found
}

fn enter(raw: &str, tree: &Tree, names: &HashMap<String, Vec<String>>, looked: &dyn Fn(&str) -> bool) -> Directory {
    let Some(real) = tree.real_path(raw) else { return Directory::default() };
    let mut found = Vec::new();
    let mut above = real.as_str();
    while !above.is_empty() {
        for name in names.get(above).into_iter().flatten() {
            let whole = format!("{name}{}", &real[above.len()..]);
            let paths = (LayerPath::normalise(name), LayerPath::normalise(above));
            if let (Ok(name), Ok(path)) = paths {
                let below = looked(&whole);
                found.push((whole, Alias { name, path }, below));
            }
        }
        above = split(above).0;
    }
    let looked_below = looked(&real);
    Directory { raw: None, real, names: found, looked_below, has_named: false }
}

/// Finds the content of hard links, and turns what is left into looks and gaps.
fn resolve(
    layers: &[MergeLayer<'_>],
    tree: &Tree,
    candidates: Vec<Candidate>,
    readers: &dyn Readers,
    found: &mut Looks,
) {
    let mut there = Targets::default();
    let targets = candidates.iter().filter_map(|c| Some((c.layer, c.target.clone()?)));
    there.find(layers, tree, targets.collect());
    for candidate in candidates {
        let Candidate { name, layer, path, target, of } = candidate;
        let Some(target) = target else {
            let alias = of.unwrap_or(Alias { name, path });
            found.looks.push(Look { layer, alias, shown_by: None });
            continue;
        };
        match there.content(layer, &target) {
            // A layer's own links are read with it.
            Some((holder, _)) if holder == layer && name == path => {}
            Some((holder, content)) if readers.tells_more(&name, &content) => {
                let alias = Alias { name, path: content };
                found.looks.push(Look { layer: holder, alias, shown_by: Some((layer, path)) });
            }
            Some(_) => {}
            None => {
                let detail = format!("a hard link to {target}, which is in none of the layers");
                found.gaps.push((layer, Gap::new(GapKind::HardLink, path.as_str(), detail)));
            }
        }
    }
}

/// Files and hard links at the targets of hard links.
#[derive(Default)]
struct Targets {
    /// By path without links in its directory: layer, path as the layer has it, and where a hard link leads.
    by_path: HashMap<String, Vec<(u32, String, Option<String>)>>,
    real: HashMap<String, String>,
}

impl Targets {
    fn find(&mut self, layers: &[MergeLayer<'_>], tree: &Tree, wanted: Vec<(u32, LayerPath)>) {
        let mut wanted: HashSet<String> = wanted.into_iter().map(|(_, path)| path.to_string()).collect();
        for _ in 0..MAX_LINKS {
            wanted.retain(|path| !self.real.contains_key(path));
            if wanted.is_empty() {
                return;
            }
            let mut asked: HashSet<String> = HashSet::new();
            for path in wanted.drain() {
                let real = in_directory(tree, &path);
                asked.insert(real.clone());
                self.real.insert(path, real);
            }
            for (layer, merge) in (0u32..).zip(layers) {
                let (mut raw, mut real) = (String::from("\0"), String::new());
                merge.inventory.paths.visit(|entry| {
                    if !matches!(entry.kind, EntryKind::File | EntryKind::HardLink) {
                        return;
                    }
                    let (parent, last) = split(entry.path);
                    if raw != parent {
                        raw = parent.to_owned();
                        real = tree.real_path(parent).unwrap_or_else(|| parent.to_owned());
                    }
                    let path = if real.is_empty() { last.to_owned() } else { format!("{real}/{last}") };
                    if asked.contains(&path) {
                        let target = (entry.kind == EntryKind::HardLink).then(|| entry.target.to_owned());
                        wanted.extend(target.clone());
                        self.by_path.entry(path).or_default().push((layer, entry.path.to_owned(), target));
                    }
                });
            }
        }
    }

    /// The layer and path of the file that a hard link of `layer` to `target` is.
    fn content(&self, layer: u32, target: &LayerPath) -> Option<(u32, LayerPath)> {
        let (mut layer, mut target) = (layer, target.to_string());
        for _ in 0..MAX_LINKS {
            let versions = self.by_path.get(self.real.get(&target)?)?;
            let (holder, path, next) = versions.iter().rev().find(|(l, ..)| *l <= layer)?;
            match next {
                None => return Some((*holder, LayerPath::normalise(path).ok()?)),
                Some(next) => (layer, target) = (*holder, next.clone()),
            }
        }
        None
    }
}

/// A path whose directory is without links.
fn in_directory(tree: &Tree, path: &str) -> String {
    let (parent, last) = split(path);
    match tree.real_path(parent) {
        Some(real) if !real.is_empty() => format!("{real}/{last}"),
        _ => path.to_owned(),
    }
}

/// Leaves out what would be too much for one look at a layer, and says so.
fn bound(mut found: Looks) -> Looks {
    let mut asked: HashMap<u32, (usize, usize, usize)> = HashMap::new();
    let mut first: BTreeMap<u32, LayerPath> = BTreeMap::new();
    found.looks.retain(|look| {
        let (count, text, left_out) = asked.entry(look.layer).or_default();
        *count += 1;
        *text += look.alias.name.len() + look.alias.path.len() + 16;
        let fits = *count <= MAX_ASKED && *text <= MAX_TEXT;
        if !fits {
            *left_out += 1;
            first.entry(look.layer).or_insert_with(|| look.alias.path.clone());
        }
        fits
    });
    for (layer, path) in first {
        let left_out = asked.get(&layer).map_or(0, |a| a.2);
        let detail = format!(
            "{left_out} files that links give other names, this one among them, were not read under these: one look at a \
             layer takes {MAX_ASKED} names and {MAX_TEXT} bytes of them"
        );
        found.gaps.push((layer, Gap::new(GapKind::UnreadLink, path.as_str(), detail)));
    }
    found.gaps.sort();
    found
}

/// A hard link to a file of a lower layer.
#[derive(Debug)]
pub(crate) struct Across {
    pub(crate) layer: u32,
    pub(crate) path: String,
    /// The file, links to links followed.
    pub(crate) target: String,
}

/// The hard links to files of lower layers.
pub(crate) fn across(layers: &[MergeLayer<'_>]) -> Vec<Across> {
    let mut found = Vec::new();
    let with_links = |(_, merge): &(u32, &MergeLayer<'_>)| merge.inventory.paths.has(EntryKind::HardLink);
    for (layer, merge) in (0u32..).zip(layers).skip(1).filter(with_links) {
        let mut links: HashMap<String, String> = HashMap::new();
        merge.inventory.paths.visit(|entry| {
            if entry.kind == EntryKind::HardLink {
                links.insert(entry.path.to_owned(), entry.target.to_owned());
            }
        });
        let end = |path: &str| {
            let mut path = path;
            for _ in 0..MAX_LINKS {
                path = links.get(path).map_or(path, String::as_str);
            }
            path.to_owned()
        };
        let ends: HashMap<&String, String> = links.keys().map(|path| (path, end(path))).collect();
        let targets: HashSet<&str> = ends.values().map(String::as_str).collect();
        let mut own: HashSet<String> = HashSet::new();
        merge.inventory.paths.visit(|entry| {
            if entry.kind == EntryKind::File && targets.contains(entry.path) {
                own.insert(entry.path.to_owned());
            }
        });
        let to_lower = ends.iter().filter(|(_, target)| !own.contains(*target));
        found.extend(to_lower.map(|(path, target)| Across { layer, path: (*path).clone(), target: target.clone() }));
    }
    found.sort_by(|a, b| (a.layer, &a.path).cmp(&(b.layer, &b.path)));
    found
}
