//! Paths that one layer has as two things: a directory and a file, a link, or a whiteout of the same path.
//!
//! containerd unpacks a layer entry by entry. A directory that comes after a file takes its place, and then overlayfs
//! merges it with the directory of the layers below as if the file had never been; whiteouts, opaque marks and files
//! that stood below it are gone with what was there before. Where layers are unpacked one over the other, a whiteout
//! removes what its own layer had there, links included. So a layer hides nothing at such a path or below it, what it
//! has there itself is shown, and where the path leads is not known. Few builders
//! write such layers, and those as the lowest one, where nothing is hidden; an adversary does.

use std::collections::{HashMap, HashSet};

use layergate_model::{EntryKind, PathTable};

use crate::{MergeLayer, overlay::split, spread::Spread};

/// The paths of one layer.
#[derive(Debug, Default)]
pub(crate) struct Twofold {
    /// Directories whose whiteout comes before all that the layer has there: overlayfs merges them with those below.
    pub(crate) whited: HashSet<String>,
    /// Paths that were one thing first and are another then.
    pub(crate) replaced: HashSet<String>,
    /// Whether an entry goes through a link of the layer. Then one place may have two names, and what comes under one
    /// of them may take away what stands under the other: the layer hides nothing at all.
    pub(crate) additive: bool,
}

impl Twofold {
    /// Those of each layer.
    pub(crate) fn of(layers: &[MergeLayer<'_>]) -> Vec<Self> {
        layers.iter().map(|layer| paths(&layer.inventory.paths)).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.whited.is_empty() && self.replaced.is_empty()
    }

    /// Whether a path goes through one that was replaced, or is one.
    pub(crate) fn is_below(&self, path: &str) -> bool {
        if self.replaced.is_empty() {
            return false;
        }
        let mut parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        self.replaced.contains(path) || parents.any(|parent| self.replaced.contains(parent))
    }

    /// Whether a whiteout of this path hides nothing.
    pub(crate) fn hides_nothing(&self, path: &str) -> bool {
        self.whited.contains(path) || self.replaced.contains(path)
    }
}

/// Directories of one layer that are remembered; a large image has 100,000. A layer with more hides nothing.
const MAX_DIRECTORIES: usize = 2_000_000;

/// What a layer has of a directory: whether it has an entry of its own, and which entry was the first there or in it.
struct Directory {
    explicit: bool,
    first: u32,
}

/// The path that a whiteout hides.
fn hidden(path: &str) -> Option<String> {
    let (parent, name) = split(path);
    let hidden = name.strip_prefix(".wh.").filter(|h| !h.is_empty() && *h != ".wh..opq")?;
    Some(if parent.is_empty() { hidden.to_owned() } else { format!("{parent}/{hidden}") })
}

/// Finds them, in one walk where the layer has none and in two where it has some. Directories are known by a hash of
/// their path: two that share one cost a hidden file that is shown, nothing else.
fn paths(table: &PathTable) -> Twofold {
    let mut directories: HashMap<u64, Directory, Spread> = HashMap::with_hasher(Spread::new());
    let mut whiteouts: HashSet<String> = HashSet::new();
    let mut found = Twofold::default();
    let mut others: Vec<u64> = Vec::new();
    let mut way = Way::default();
    let mut number = 0u32;
    table.visit(|entry| {
        let (parent, name) = split(entry.path);
        if name.starts_with(".wh.") {
            whiteouts.extend(hidden(entry.path));
        }
        way.enter(parent, |directory| {
            if directories.len() < MAX_DIRECTORIES {
                directories.entry(directory).or_insert(Directory { explicit: false, first: number });
            }
        });
        if entry.kind == EntryKind::Directory {
            let own = directories.entry(way.hash_of(name)).or_insert(Directory { explicit: true, first: number });
            own.explicit = true;
        } else {
            others.push(way.hash_of(name));
        }
        number = number.saturating_add(1);
    });
    if directories.len() >= MAX_DIRECTORIES {
        return Twofold { additive: true, ..Twofold::default() };
    }
    if whiteouts.is_empty() && !others.iter().any(|other| directories.contains_key(other)) {
        return found;
    }
    drop(others);
    number = 0;
    let mut seen: HashSet<String> = HashSet::new();
    let mut way = Way::default();
    table.visit(|entry| {
        if let Some(path) = entry.path.contains(".wh.").then(|| hidden(entry.path)).flatten() {
            match directories.get(&hash(&path)) {
                _ if seen.contains(&path) => drop(found.replaced.insert(path)),
                Some(d) if d.first < number => drop(found.replaced.insert(path)),
                Some(_) => drop(found.whited.insert(path)),
                None => {}
            }
        } else if entry.kind != EntryKind::Directory {
            let (parent, name) = split(entry.path);
            way.enter(parent, |_| ());
            let directory = directories.get(&way.hash_of(name));
            found.additive |= entry.kind == EntryKind::Symlink && directory.is_some();
            if directory.is_some_and(|d| d.explicit || d.first < number) {
                found.replaced.insert(entry.path.to_owned());
            }
            if entry.kind == EntryKind::Symlink && whiteouts.contains(entry.path) {
                seen.insert(entry.path.to_owned());
            }
        }
        number = number.saturating_add(1);
    });
    found
}

/// The directory of the last entry, with the hash of its path and of each one above: archives are written directory by
/// directory, so that little is hashed for each entry.
#[derive(Default)]
struct Way {
    path: String,
    /// Where each part ends, and the hash of the path up to there.
    parts: Vec<(usize, u64)>,
}

impl Way {
    /// Goes to a directory, and says the hash of it and of those above it that were not on the way before.
    fn enter(&mut self, directory: &str, mut new: impl FnMut(u64)) {
        if self.path == directory {
            return;
        }
        let is_end = |end: usize| directory.len() == end || directory.as_bytes().get(end) == Some(&b'/');
        let same = self.path.bytes().zip(directory.bytes()).take_while(|(a, b)| a == b).count();
        while self.parts.last().is_some_and(|(end, _)| *end > same || !is_end(*end)) {
            self.parts.pop();
        }
        let (mut at, mut hash) = self.parts.last().copied().unwrap_or((0, EMPTY));
        while at < directory.len() {
            hash = step(hash, directory.as_bytes()[at]);
            at += 1;
            if is_end(at) {
                self.parts.push((at, hash));
                new(hash);
            }
        }
        self.path.clear();
        self.path.push_str(directory);
    }

    /// The hash of what is called `name` in the directory.
    fn hash_of(&self, name: &str) -> u64 {
        match self.parts.last() {
            Some((_, hash)) => name.bytes().fold(step(*hash, b'/'), step),
            None => hash(name),
        }
    }
}

/// FNV-1a, because a path's directories are hashed on the way.
fn hash(path: &str) -> u64 {
    path.bytes().fold(EMPTY, step)
}

const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use layergate_model::{LayerPath, PathTableBuilder};

    use super::*;

    #[test]
    fn deep_directories_of_their_own_end_soon() {
        let mut table = PathTableBuilder::default();
        for n in 0..2000 {
            let path = format!("d{n}/{}x", "a/".repeat(1900));
            table.push(&LayerPath::normalise(&path).unwrap(), EntryKind::File, 0o644, "");
        }
        let begin = std::time::Instant::now();
        assert!(paths(&table.finish()).additive, "there are too many to remember");
        assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
    }

    #[test]
    fn which_paths_are_two_things() {
        for (entries, whited, replaced) in [
            (&["a/", "a/x", "b@", "b/x", "a/.wh.y", ".wh.c", "a/.wh..wh..opq"][..], &[][..], &[][..]),
            (&[".wh.a", "a/"], &["a"], &[]),
            (&[".wh.a", "a/x"], &["a"], &[]),
            (&[".wh.a", "a"], &[], &[]),
            (&["a", ".wh.a"], &[], &[]),
            (&["a@", ".wh.a"], &[], &["a"]),
            (&["a/", ".wh.a"], &[], &["a"]),
            (&["a/x", ".wh.a"], &[], &["a"]),
            (&["a/b/.wh.x", ".wh.a"], &[], &["a"]),
            (&["a", "a/"], &[], &["a"]),
            (&["a/", "a@"], &[], &["a"]),
            (&["a/b/c/x", "a/b@"], &[], &["a/b"]),
            // An ordinary way through a link.
            (&["a@", "a/b/x"], &[], &[]),
            (&["a@", "a/x", "a@"], &[], &["a"]),
        ] {
            let mut table = PathTableBuilder::default();
            for entry in entries {
                let (kind, path) = match (entry.strip_suffix('/'), entry.strip_suffix('@')) {
                    (Some(path), _) => (EntryKind::Directory, path),
                    (_, Some(path)) => (EntryKind::Symlink, path),
                    _ => (EntryKind::File, *entry),
                };
                table.push(&LayerPath::normalise(path).unwrap(), kind, 0o755, "t");
            }
            let found = paths(&table.finish());
            let set = |paths: &[&str]| paths.iter().map(|p| (*p).to_owned()).collect::<HashSet<_>>();
            assert_eq!((found.whited, found.replaced), (set(whited), set(replaced)), "{entries:?}");
        }
    }
}
