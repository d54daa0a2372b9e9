//! What the image shows of its layers' items: asked by everything that turns layer inventories into image values.

use std::collections::HashMap;

use layergate_model::{Digest, EntryKind, Section};

use crate::{
    MergeLayer,
    evidence::{EvidenceSet, outer},
    links::Across,
    overlay::{Overlay, split},
    tree::NodeId,
    twofold::Twofold,
};

/// One place where the image shows an item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    /// The layer that put the file there.
    pub(crate) layer: u32,
    /// The file's path as that layer names it.
    pub(crate) path: &'a str,
    /// The file; `None` where its place could not be found out.
    pub(crate) node: Option<NodeId>,
}

/// The layers, laid upon each other.
pub(crate) struct View<'a> {
    pub(crate) layers: &'a [MergeLayer<'a>],
    pub(crate) evidence_set: EvidenceSet<'a>,
    pub(crate) overlay: Overlay,
    /// Visible evidence_set of upper layers that are hard links to a evidence.
    linked: HashMap<u32, Vec<u32>>,
    /// For each layer; found once, for every question is a walk over all of it.
    twofold: Vec<Twofold>,
}

impl<'a> View<'a> {
    /// `hard_links` are those to files of lower layers.
    pub(crate) fn new(layers: &'a [MergeLayer<'a>], hard_links: &'a [Across]) -> Self {
        let mut evidence_set = EvidenceSet::of(layers);
        evidence_set.hard_links(hard_links);
        let twofold = Twofold::of(layers);
        let overlay = Overlay::new(layers, &twofold, &mut evidence_set);
        let mut linked: HashMap<_, Vec<u32>> = HashMap::new();
        for (id, evidence) in (0u32..).zip(&evidence_set.all) {
            if let (Some(target), true) = (evidence.target, overlay.shows(id)) {
                linked.entry(target).or_default().push(id);
            }
        }
        Self { layers, evidence_set, overlay, linked, twofold }
    }

    /// Every section with its layer's position.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (u32, &'a Section)> + use<'a> {
        let layers = (0u32..).zip(self.layers);
        layers.flat_map(|(layer, merge)| merge.inventory.sections.values().map(move |section| (layer, section)))
    }

    /// Where the image shows what was found in `location` of `layer`; empty when it is hidden.
    pub(crate) fn places(&self, layer: u32, location: &str) -> Vec<Shown<'a>> {
        let Some(id) = self.evidence_set.find(layer, outer(location)) else { return Vec::new() };
        let linked = self.linked.get(&id).map_or(&[][..], Vec::as_slice);
        std::iter::once(id)
            .filter(|id| self.overlay.shows(*id))
            .chain(linked.iter().copied())
            .map(|id| {
                let evidence = &self.evidence_set.all[id as usize];
                Shown { layer: evidence.layer, path: evidence.path, node: self.overlay.node(id) }
            })
            .collect()
    }

    /// Whether the image shows the item at all.
    pub(crate) fn shows(&self, layer: u32, location: &str) -> bool {
        !self.places(layer, location).is_empty()
    }

    /// Which of these entries, each a path as its layer names it, the image still shows.
    pub(crate) fn shown(&self, wanted: &[(u32, &str)]) -> Vec<bool> {
        shown(self.layers, &self.twofold, wanted)
    }

    /// Below which of these directories the image shows a file.
    pub(crate) fn has_files(&self, directories: &[String]) -> Vec<bool> {
        let mut has = vec![false; directories.len()];
        if directories.is_empty() {
            return has;
        }
        let known: HashMap<&str, usize> = directories.iter().enumerate().map(|(i, d)| (d.as_str(), i)).collect();
        let mut wanted: Vec<(usize, u32, String)> = Vec::new();
        for (layer, merge) in (0u32..).zip(self.layers) {
            // One file of each layer and directory at a time: archives are written directory by directory.
            let (mut last, mut directory, mut below) = (None, String::new(), None);
            merge.inventory.paths.visit(|entry| {
                if !matches!(entry.kind, EntryKind::File | EntryKind::HardLink) {
                    return;
                }
                let (parent, _) = split(entry.path);
                if directory != parent {
                    let above = parent.match_indices('/').map(|(at, _)| &parent[..at]);
                    below = above.chain([parent]).find_map(|directory| known.get(directory));
                    directory.clear();
                    directory.push_str(parent);
                }
                if let Some(index) = below.filter(|index| last.replace(**index) != Some(**index)) {
                    wanted.push((*index, layer, entry.path.to_owned()));
                }
            });
        }
        let paths: Vec<(u32, &str)> = wanted.iter().map(|(_, layer, path)| (*layer, path.as_str())).collect();
        for ((index, ..), shown) in wanted.iter().zip(self.shown(&paths)) {
            has[*index] |= shown;
        }
        has
    }

    /// Whether `place` is a path of the layer that upper layers hide.
    pub(crate) fn is_hidden(&self, layer: u32, place: &str) -> bool {
        self.evidence_set
            .find(layer, outer(place))
            .is_some_and(|id| self.evidence_set.all[id as usize].seen && self.places(layer, place).is_empty())
    }

    /// Whether `place` is a path of the layer.
    pub(crate) fn is_path(&self, layer: u32, place: &str) -> bool {
        self.evidence_set.find(layer, outer(place)).is_some_and(|id| self.evidence_set.all[id as usize].seen)
    }

    /// The digest of a layer.
    pub(crate) fn digest(&self, layer: u32) -> Digest {
        self.layers[layer as usize].digest
    }
}

/// Which of these entries, each a path as its layer names it, an image of these layers still shows.
pub(crate) fn shown(layers: &[MergeLayer<'_>], twofold: &[Twofold], wanted: &[(u32, &str)]) -> Vec<bool> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut evidence_set = EvidenceSet::entries(layers.len(), wanted);
    let overlay = Overlay::new(layers, twofold, &mut evidence_set);
    wanted.iter().map(|(layer, path)| evidence_set.find(*layer, path).is_some_and(|id| overlay.shows(id))).collect()
}
