//! Lays the layers of an image upon each other and says which evidence_set the image still shows, and where.
//!
//! The rules are those of the OCI image-spec, "Layer Filesystem Changeset", as far as the two ways of putting layers
//! together agree on them: containerd's applier, which unpacks one layer over the other, and the kernel's overlayfs. An
//! entry replaces what was at its path, except that a directory over a directory is merged; `.wh.NAME` removes NAME of
//! the layers below, `.wh..wh..opq` everything that the layers below have in its directory, wherever in the archive
//! they stand; the directory part of a path goes through the symbolic links that the image shows at that moment, the
//! last part never does. So `lib/apk/db/installed` in a layer upon `lib` → `usr/lib` is `usr/lib/apk/db/installed`, but
//! a layer with an entry for the *directory* `lib` has replaced the link.
//!
//! Where the two differ, nothing is hidden, for the container may show it: overlayfs ignores an opaque mark on a
//! layer's root; a directory of its own, and does not follow it, where an upper layer writes through a lower layer's
//! link; and merges a directory with the one below whatever else the same layer had in its place before
//! ([`crate::twofold`]).
//!
//! Each layer's table is walked once, bottom first, over a [`Tree`] that knows only evidence_set and links. A evidence
//! that its own table does not have, or whose links go in circles, stays visible: nothing is hidden by what is not
//! understood.

use std::collections::HashSet;

use layergate_model::{EntryKind, EntryRef};

use crate::{
    MergeLayer,
    evidence::EvidenceSet,
    tree::{Kind, Links, NodeId, Place, ROOT, Tree, Version},
    twofold::Twofold,
};

/// Places that are remembered for one image, about 200 bytes each. Real images need under 100,000; behind the bound a
/// link is taken for a file, a evidence is taken for visible, and a gap shows it.
pub(crate) const MAX_PLACES: usize = 1_000_000;

/// What the layers show together.
#[derive(Debug)]
pub(crate) struct Overlay {
    pub(crate) tree: Tree,
    /// For each evidence: hidden, or shown; the node is unknown where it could not be placed.
    shown: Vec<Option<Option<NodeId>>>,
    /// The layer at which there were too many places to remember.
    pub(crate) full: Option<u32>,
    /// Links of which it is not known whether they are there, with their layers.
    pub(crate) unsure: Vec<(u32, String)>,
}

impl Overlay {
    /// Applies the layers, bottom first, with what [`Twofold::of`] found in them. Marks evidence_set as seen and links
    /// as resolved on the way.
    pub(crate) fn new(layers: &[MergeLayer<'_>], twofold: &[Twofold], evidence_set: &mut EvidenceSet<'_>) -> Self {
        let mut overlay =
            Self { tree: Tree::new(), shown: vec![None; evidence_set.all.len()], full: None, unsure: vec![] };
        for ((layer, merge), twofold) in (0u32..).zip(layers).zip(twofold) {
            let wanted = evidence_set.of_layer(layer).map(|(path, _)| split(path).0).collect();
            hard_links(&overlay.tree, evidence_set, layer);
            let mut state = Applying {
                tree: &mut overlay.tree,
                evidence_set,
                layer,
                wanted,
                twofold,
                way: Way::default(),
                stray: vec![],
                unsure: vec![],
            };
            merge.inventory.paths.visit(|entry| state.entry(entry));
            let unseen: Vec<_> = state
                .evidence_set
                .of_layer(layer)
                .filter(|(_, id)| {
                    state.evidence_set.all[*id as usize].solid && !state.evidence_set.all[*id as usize].seen
                })
                .map(|(path, _)| path)
                .collect();
            for path in unseen {
                state.unseen(path);
            }
            if state.tree.len() >= MAX_PLACES {
                overlay.full.get_or_insert(layer);
            }
            overlay.unsure.extend(std::mem::take(&mut state.unsure).into_iter().map(|path| (layer, path)));
            for evidence in std::mem::take(&mut state.stray) {
                overlay.shown[evidence as usize] = Some(None);
            }
        }
        for (node, version) in overlay.tree.evidence_set() {
            if let Some(evidence) = version.evidence {
                overlay.shown[evidence as usize] = Some(Some(node));
            }
        }
        overlay
    }

    /// Whether the image shows the file.
    pub(crate) fn shows(&self, evidence: u32) -> bool {
        self.shown[evidence as usize].is_some()
    }

    /// Where the file is, without links in its path.
    pub(crate) fn node(&self, evidence: u32) -> Option<NodeId> {
        self.shown[evidence as usize].flatten()
    }

    /// The node of a path, links followed to the end.
    pub(crate) fn find(&self, path: &str) -> Option<NodeId> {
        self.tree.resolve(path).and_then(Place::known)
    }
}

/// Remembers which evidence_set the files are that hard links of `layer` to lower layers lead to, before the layer
/// hides them.
fn hard_links(tree: &Tree, evidence_set: &mut EvidenceSet<'_>, layer: u32) {
    let of_layer: Vec<u32> = evidence_set.of_layer(layer).map(|(_, id)| id).collect();
    for evidence in of_layer {
        let Some(link) = evidence_set.all[evidence as usize].link else { continue };
        let below = tree.resolve(link).and_then(Place::known).and_then(|n| tree.node(n).evidence);
        // A link to a link leads to where the content is.
        let found = below.and_then(|v| v.evidence).map(|p| evidence_set.all[p as usize].target.unwrap_or(p));
        evidence_set.all[evidence as usize].target = found;
    }
}

/// A path's directory and last part.
pub(crate) fn split(path: &str) -> (&str, &str) {
    // Last parts are short: a walk from the end is quicker than a search made for long texts.
    match path.bytes().rposition(|b| b == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => ("", path),
    }
}

/// The directory of the last entry, resolved part by part; archives are written directory by directory.
#[derive(Default)]
struct Way {
    path: String,
    /// For each part: where it ends in `path`, its place (`None`: links in circles), and whether a lower layer's link
    /// was on the way there.
    steps: Vec<(usize, Option<Place>, bool)>,
    wanted: bool,
    /// Whether a link was on the way: then what happens in the directory may happen to the way itself.
    linked: bool,
    /// Whether a lower layer's link was on the way (overlayfs shows a directory there instead), or a path that is
    /// twofold: where it leads is not known.
    unsure: bool,
    /// Whether files on the way have been taken for directories.
    cleared: bool,
    valid: bool,
}

struct Applying<'t, 'p, 'a> {
    tree: &'t mut Tree,
    evidence_set: &'p mut EvidenceSet<'a>,
    layer: u32,
    /// Directories, as the layer names them, that evidence_set of this layer lie in.
    wanted: HashSet<&'a str>,
    /// Directories of this layer that are something else in it, too.
    twofold: &'t Twofold,
    way: Way,
    /// EvidenceSet that could not be placed.
    stray: Vec<u32>,
    unsure: Vec<String>,
}

impl Applying<'_, '_, '_> {
    /// The place of the directory `path`.
    fn directory(&mut self, path: &str) -> Option<Place> {
        let way = &mut self.way;
        if way.valid && way.path == path {
            return way.steps.last().map_or(Some(Place { node: ROOT, beyond: 0 }), |s| s.1);
        }
        if !way.valid {
            way.steps.clear();
            way.linked = false;
        }
        let shared = path.bytes().zip(way.path.bytes()).take_while(|(a, b)| a == b).count();
        let ends = |end: usize| end <= shared && (end == path.len() || path.as_bytes().get(end) == Some(&b'/'));
        while way.steps.last().is_some_and(|(end, ..)| !ends(*end)) {
            way.steps.pop();
        }
        let mut from = way.steps.last().map_or(0, |(end, ..)| end + 1);
        let mut place = way.steps.last().map_or(Some(Place { node: ROOT, beyond: 0 }), |s| s.1);
        while from < path.len() {
            let end = path[from..].find('/').map_or(path.len(), |length| from + length);
            let mut links = Links::default();
            place = place.and_then(|p| self.tree.enter(p, &path[from..end], &mut links));
            way.linked |= links.lowest.is_some();
            let foreign = way.steps.last().is_some_and(|s| s.2) || links.lowest.is_some_and(|l| l < self.layer);
            way.steps.push((end, place, foreign));
            from = end + 1;
        }
        way.path.clear();
        way.path.push_str(path);
        way.unsure = way.steps.last().is_some_and(|s| s.2) || self.twofold.is_below(path);
        way.wanted = self.wanted.contains(path);
        way.cleared = false;
        way.valid = true;
        place
    }

    fn entry(&mut self, entry: EntryRef<'_>) {
        let (parent, name) = split(entry.path);
        if name.is_empty() {
            return;
        }
        let place = self.directory(parent);
        if name.starts_with('.')
            && let Some(hidden) = name.strip_prefix(".wh.")
        {
            return self.whiteout(place, parent, hidden);
        }
        let evidence = if self.way.wanted { self.evidence_set.find(self.layer, entry.path) } else { None };
        if let Some(evidence) = evidence {
            self.evidence_set.all[evidence as usize].seen = true;
        }
        let twofold = self.twofold.replaced.contains(entry.path);
        if twofold && entry.kind == EntryKind::Symlink && self.unsure.len() < 100 {
            self.unsure.push(entry.path.to_owned());
        }
        if twofold && !self.way.unsure {
            self.unsure(place, parent, name);
        }
        let Some(place) = place.filter(|_| !twofold && !self.way.unsure) else {
            self.stray.extend(evidence);
            return;
        };
        let known = place.known();
        if !self.way.cleared && !self.twofold.additive {
            self.tree.clear_way(place.node);
            self.way.cleared = true;
        }
        let existing = known.and_then(|p| self.tree.child(p, name));
        let room = self.tree.len() < MAX_PLACES;
        let is_link = entry.kind == EntryKind::Symlink && room;
        if existing.is_none() && evidence.is_none() && !is_link {
            return;
        }
        let node = match (existing, known) {
            (Some(node), _) => node,
            _ if !room => {
                self.stray.extend(evidence);
                return;
            }
            (None, Some(parent)) => self.tree.child_or_new(parent, name),
            (None, None) => {
                let made = self.make_way(parent);
                self.way.valid = false;
                let Some(directory) = made else {
                    self.stray.extend(evidence);
                    return;
                };
                self.tree.clear_way(directory);
                self.tree.child_or_new(directory, name)
            }
        };
        self.put(node, evidence, entry, is_link);
        if existing.is_some() {
            self.changed();
        }
    }

    /// From here on it is not known what the place is.
    fn unsure(&mut self, place: Option<Place>, parent: &str, name: &str) {
        let directory = match place.map(|p| p.known()) {
            Some(Some(directory)) => Some(directory),
            Some(None) if self.tree.len() < MAX_PLACES => self.make_way(parent),
            _ => None,
        };
        if let Some(directory) = directory.filter(|_| self.tree.len() < MAX_PLACES) {
            let node = self.tree.child_or_new(directory, name);
            let node = self.tree.node_mut(node);
            (node.kind, node.layer) = (Kind::Unsure, self.layer);
        }
        self.way.valid = false;
    }

    /// Something in the last entry's directory was replaced or removed.
    fn changed(&mut self) {
        self.way.valid &= !self.way.linked;
    }

    /// Makes nodes for the last entry's directory. What is not known of its way has no links in it, but for one that
    /// leads to where nothing is.
    fn make_way(&mut self, path: &str) -> Option<NodeId> {
        let known = self.way.steps.iter().rev().find_map(|(end, place, _)| Some((*end + 1, (*place)?.known()?)));
        let (mut from, mut node) = known.unwrap_or((0, ROOT));
        while from < path.len() {
            let end = path[from..].find('/').map_or(path.len(), |length| from + length);
            let name = &path[from..end];
            node = match self.tree.child(node, name) {
                Some(_) => self.tree.make_directory(&path[..end])?,
                None => self.tree.child_or_new(node, name),
            };
            from = end + 1;
        }
        Some(node)
    }

    /// A evidence that its own layer's table does not have: it counts as a file that is there.
    fn unseen(&mut self, path: &str) {
        let name = split(path).1;
        if name.is_empty() || name.starts_with(".wh.") {
            self.stray.extend(self.evidence_set.find(self.layer, path));
        } else {
            self.entry(EntryRef { path, kind: EntryKind::File, mode: 0, target: "" });
        }
    }

    fn put(&mut self, id: NodeId, evidence: Option<u32>, entry: EntryRef<'_>, is_link: bool) {
        let version = Version { layer: self.layer, evidence };
        if self.twofold.additive {
            let below = self.tree.node(id).evidence.filter(|v| v.layer < self.layer);
            self.stray.extend(below.and_then(|v| v.evidence));
        } else if entry.kind != EntryKind::Directory {
            self.tree.remove_below(id);
        }
        if entry.kind == EntryKind::Directory {
            let node = self.tree.node_mut(id);
            if matches!(node.kind, Kind::Leaf | Kind::Link(_) | Kind::Unsure) {
                node.evidence = None;
                node.history.clear();
            }
            node.kind = Kind::Directory;
            node.layer = self.layer;
            // A directory merged with the one below still proves what that one proved.
            if evidence.is_none() {
                return;
            }
            node.evidence = Some(version);
            remember(&mut node.history, version);
            return;
        }
        let node = self.tree.node_mut(id);
        if node.kind != Kind::Leaf {
            node.history.clear();
        }
        node.kind = if is_link { Kind::Link(entry.target.into()) } else { Kind::Leaf };
        node.layer = self.layer;
        node.evidence = evidence.map(|_| version);
        remember(&mut node.history, version);
    }

    fn whiteout(&mut self, place: Option<Place>, parent: &str, hidden: &str) {
        let Some(directory) = place.and_then(Place::known) else { return };
        let opaque = hidden == ".wh..opq";
        if self.way.unsure || self.twofold.additive || (opaque && parent.is_empty()) {
            return;
        }
        if !self.twofold.is_empty() && !opaque {
            let path = if parent.is_empty() { hidden.to_owned() } else { format!("{parent}/{hidden}") };
            if self.twofold.hides_nothing(&path) {
                return;
            }
        }
        if opaque {
            self.tree.prune(directory, self.layer, true);
            self.changed();
        } else if let Some(node) = self.tree.child(directory, hidden) {
            self.tree.prune(node, self.layer, false);
            self.changed();
        }
    }
}

/// Adds a version; a layer that has a path twice has only its last entry.
fn remember(history: &mut Vec<Version>, version: Version) {
    match history.last_mut() {
        Some(last) if last.layer == version.layer => *last = version,
        _ => history.push(version),
    }
}
