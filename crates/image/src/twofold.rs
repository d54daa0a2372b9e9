//! Paths that one layer has as a directory and as something else: a whiteout, a file, a link.
//!
//! containerd unpacks a layer entry by entry. A directory that comes after a file takes its place, and then overlayfs merges it
//! with the directory of the layers below as if the file had never been; whiteouts, opaque marks and files that stood below
//! it are gone with what was there before. So a layer hides nothing at such a path or below it, and what it has there
//! itself is shown. No builder writes such layers, but an adversary does.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use layergate_model::{EntryKind, PathTable};

use crate::overlay::split;

/// The paths of one layer.
#[derive(Debug, Default)]
pub(crate) struct Twofold {
    /// Directories that the layer whites out, too.
    pub(crate) whited: HashSet<String>,
    /// Directories that are a file, a link or a device of the layer, too.
    pub(crate) replaced: HashSet<String>,
}

impl Twofold {
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

/// What a layer has of a directory: whether it has an entry of its own, and which entry was the first in it.
struct Directory {
    explicit: bool,
    first: u32,
}

/// Finds them in two walks. Directories are told by a hash of their path: two that share one cost a hidden file that is
/// shown, nothing else.
pub(crate) fn paths(table: &PathTable) -> Twofold {
    let mut directories: HashMap<u64, Directory> = HashMap::new();
    let mut last = String::new();
    let mut number = 0u32;
    table.visit(|entry| {
        if entry.kind == EntryKind::Directory {
            let own = directories.entry(hash(entry.path)).or_insert(Directory { explicit: true, first: u32::MAX });
            own.explicit = true;
        }
        let mut parent = split(entry.path).0;
        if parent != last {
            last.clear();
            last.push_str(parent);
            while !parent.is_empty() {
                let known = directories.entry(hash(parent)).or_insert(Directory { explicit: false, first: u32::MAX });
                if known.first != u32::MAX {
                    break;
                }
                known.first = number;
                parent = split(parent).0;
            }
        }
        number = number.saturating_add(1);
    });
    let mut found = Twofold::default();
    number = 0;
    table.visit(|entry| {
        let (parent, name) = split(entry.path);
        if let Some(hidden) = name.strip_prefix(".wh.").filter(|h| !h.is_empty() && *h != ".wh..opq") {
            let path = if parent.is_empty() { hidden.to_owned() } else { format!("{parent}/{hidden}") };
            if directories.contains_key(&hash(&path)) {
                found.whited.insert(path);
            }
        } else if entry.kind != EntryKind::Directory
            && directories.get(&hash(entry.path)).is_some_and(|d| d.explicit || d.first < number)
        {
            found.replaced.insert(entry.path.to_owned());
        }
        number = number.saturating_add(1);
    });
    found
}

fn hash(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use layergate_model::{LayerPath, PathTableBuilder};

    use super::*;

    #[test]
    fn which_paths_are_two_things() {
        for (entries, whited, replaced) in [
            (&["a/", "a/x", "b@", "b/x", "a/.wh.y", ".wh.c", "a/.wh..wh..opq"][..], &[][..], &[][..]),
            (&[".wh.a", "a/"], &["a"], &[]),
            (&["a/x", ".wh.a"], &["a"], &[]),
            (&["a/b/.wh.x", ".wh.a"], &["a"], &[]),
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
