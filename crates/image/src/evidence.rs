//! The files that items stand on: one number for each (layer, path), given before the layers are laid upon each other.

use std::collections::HashMap;

use layergate_model::{Gap, GapKind, LayerPath, Section};

use crate::{MergeLayer, links::Across};

/// A file of one layer that something was found in.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    /// The layer's position.
    pub(crate) layer: u32,
    /// The path, as the layer names it.
    pub(crate) path: &'a str,
    /// Whether an item stands on it. Gaps and secrets name places that need not be paths, so they do not count.
    pub(crate) solid: bool,
    /// Whether the layer has an entry of this path.
    pub(crate) seen: bool,
    /// Of a hard link to a file of a lower layer: that file.
    pub(crate) link: Option<&'a str>,
    /// The evidence that its target is, once it is known.
    pub(crate) target: Option<u32>,
}

/// All evidence_set of an image, and for each layer the evidence_set by path.
#[derive(Debug, Default)]
pub(crate) struct EvidenceSet<'a> {
    pub(crate) all: Vec<Evidence<'a>>,
    by_layer: Vec<HashMap<&'a str, u32>>,
}

impl<'a> EvidenceSet<'a> {
    pub(crate) fn of(layers: &[MergeLayer<'a>]) -> Self {
        let mut evidence_set = Self::default();
        for (layer, merge) in (0u32..).zip(layers) {
            evidence_set.by_layer.push(HashMap::new());
            for section in merge.inventory.sections.values() {
                evidence_set.section(layer, section);
            }
            evidence_set.gaps(layer, &merge.inventory.gaps);
        }
        evidence_set
    }

    /// EvidenceSet of nothing but that these entries are there.
    pub(crate) fn entries(layers: usize, wanted: &[(u32, &'a str)]) -> Self {
        let mut evidence_set = Self { all: Vec::new(), by_layer: vec![HashMap::new(); layers] };
        for (layer, path) in wanted {
            evidence_set.add(*layer, path, false);
        }
        evidence_set
    }

    /// Adds hard links to files of lower layers: what was found there is shown here, too.
    pub(crate) fn hard_links(&mut self, links: &'a [Across]) {
        for link in links {
            let evidence = self.add(link.layer, &link.path, false);
            self.all[evidence as usize].link = Some(&link.target);
        }
    }

    fn section(&mut self, layer: u32, section: &'a Section) {
        for package in &section.packages {
            self.add(layer, package.evidence(), true);
        }
        let paths: [&mut dyn Iterator<Item = &'a LayerPath>; 4] = [
            &mut section.os_releases.iter().map(|o| &o.path),
            &mut section.owned.iter().map(|o| &o.evidence),
            &mut section.licenses.iter().map(|l| &l.evidence),
            &mut section.facts.iter().map(|f| &f.path),
        ];
        for path in paths.into_iter().flatten() {
            self.add(layer, path.as_str(), true);
        }
        for secret in &section.secrets {
            self.add(layer, outer(&secret.path), false);
        }
        self.gaps(layer, &section.gaps);
    }

    fn gaps(&mut self, layer: u32, gaps: &'a [Gap]) {
        for gap in gaps.iter().filter(|g| is_about_a_file(g.kind)) {
            self.add(layer, outer(&gap.place), false);
        }
    }

    fn add(&mut self, layer: u32, path: &'a str, solid: bool) -> u32 {
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let id = *self.by_layer[layer as usize].entry(path).or_insert(next);
        if id == next {
            self.all.push(Evidence { layer, path, solid, seen: false, link: None, target: None });
        }
        self.all[id as usize].solid |= solid;
        id
    }

    /// The evidence that `path` of `layer` is.
    pub(crate) fn find(&self, layer: u32, path: &str) -> Option<u32> {
        self.by_layer.get(layer as usize)?.get(path).copied()
    }

    /// The evidence_set of one layer.
    pub(crate) fn of_layer(&self, layer: u32) -> impl Iterator<Item = (&'a str, u32)> + '_ {
        self.by_layer.get(layer as usize).into_iter().flatten().map(|(path, id)| (*path, *id))
    }
}

/// Whether a gap of this kind may name a file as its place, and goes with that file.
pub(crate) fn is_about_a_file(kind: GapKind) -> bool {
    matches!(
        kind,
        GapKind::UnreadableDatabase
            | GapKind::UnreadableFile
            | GapKind::FileLimit
            | GapKind::AnalyzerFailed
            | GapKind::HardLink
            | GapKind::UnreadLink
            | GapKind::PackedProgram
            | GapKind::UnreadPackages
            | GapKind::UnreadCarrier
    )
}

/// The part of a location that is a path of the layer (`app.jar` of `app.jar!lib/x.jar`).
pub(crate) fn outer(location: &str) -> &str {
    location.split('!').next().unwrap_or(location)
}
