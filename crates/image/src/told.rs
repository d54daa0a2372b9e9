//! What is told of every layer, shown or not: gaps and secrets.
//!
//! A gap goes only with the file that it is about: when an upper layer hides the file, nothing is missing any more. A
//! gap that names no file of its layer stays. A secret stays always: who can pull the image can read every layer.

use std::collections::HashSet;

use layergate_model::{EntryKind, Gap, GapKind, Secret};

use crate::{
    overlay::MAX_PLACES,
    proofs::{is_about_a_file, outer},
    view::View,
};

/// The gaps of the image, sorted. Places that are not paths carry the layer's digest.
pub(crate) fn gaps(view: &View<'_>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut links = Vec::new();
    for (layer, merge) in (0u32..).zip(view.layers) {
        let sections = merge.inventory.sections.values().flat_map(|s| &s.gaps);
        for gap in merge.inventory.gaps.iter().chain(sections) {
            if gap.kind == GapKind::UnreadLink {
                links.push((layer, gap));
                continue;
            }
            let of_file = is_about_a_file(gap.kind) && view.is_path(layer, &gap.place);
            if !of_file {
                gaps.push(located(view, layer, gap));
            } else if !view.is_hidden(layer, &gap.place) && !content_was_read(view, layer, gap) {
                gaps.push(gap.clone());
            }
        }
    }
    gaps.extend(unread(view, &links));
    if let Some(layer) = view.overlay.full {
        let detail = format!(
            "the image has more than {MAX_PLACES} symbolic links and package files; links from this layer on were not \
             followed, so that hidden packages may be listed"
        );
        gaps.push(Gap::new(GapKind::LayerLimit, view.digest(layer).to_string(), detail));
    }
    gaps.sort();
    gaps.dedup();
    gaps
}

/// The links of which the image still has the place, that lead to a file, and to none in which something was found.
fn unread(view: &View<'_>, links: &[(u32, &Gap)]) -> Vec<Gap> {
    let mut places: Vec<(&Gap, String)> = Vec::new();
    for (layer, gap) in links {
        if view.is_hidden(*layer, &gap.place) || content_was_read(view, *layer, gap) {
            continue;
        }
        let read = |id: u32| view.proofs.all[id as usize].solid;
        let node = view.overlay.find(&gap.place).and_then(|n| view.overlay.tree.node(n).proof);
        if node.and_then(|v| v.proof).is_some_and(read) {
            continue;
        }
        places.extend(view.overlay.tree.real_path(&gap.place).map(|path| (*gap, path)));
    }
    let wanted: HashSet<&str> = places.iter().map(|(_, path)| path.as_str()).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut files: Vec<(u32, &str)> = Vec::new();
    for (layer, merge) in (0u32..).zip(view.layers) {
        merge.inventory.paths.visit(|entry| {
            let is_file = matches!(entry.kind, EntryKind::File | EntryKind::HardLink);
            files.extend(wanted.get(entry.path).filter(|_| is_file).map(|path| (layer, *path)));
        });
    }
    let there: HashSet<&str> =
        files.iter().zip(view.shown(&files)).filter(|(_, shown)| *shown).map(|((_, path), _)| *path).collect();
    places.iter().filter(|(_, path)| there.contains(path.as_str())).map(|(gap, _)| (*gap).clone()).collect()
}

fn located(view: &View<'_>, layer: u32, gap: &Gap) -> Gap {
    let digest = view.digest(layer).to_string();
    let mut gap = gap.clone();
    if gap.place.is_empty() {
        gap.place = digest;
    } else if !gap.place.contains(&digest) {
        gap.place = format!("{} in layer {digest}", gap.place);
    }
    gap
}

/// Whether the gap is a hard link to a file of a lower layer in which something was found.
fn content_was_read(view: &View<'_>, layer: u32, gap: &Gap) -> bool {
    let link = view.proofs.find(layer, outer(&gap.place)).map(|id| &view.proofs.all[id as usize]);
    let target = link.and_then(|l| l.target).map(|t| &view.proofs.all[t as usize]);
    matches!(gap.kind, GapKind::HardLink | GapKind::UnreadLink) && target.is_some_and(|t| t.solid)
}

/// The secrets of all layers, sorted; one that only a lower layer still holds says so.
pub(crate) fn secrets(view: &View<'_>) -> Vec<Secret> {
    let (mut shown, mut hidden) = (Vec::new(), Vec::new());
    for (layer, section) in view.sections() {
        for secret in &section.secrets {
            if view.is_hidden(layer, &secret.path) {
                hidden.push((layer, secret));
            } else {
                shown.push(secret.clone());
            }
        }
    }
    shown.sort();
    shown.dedup();
    let visible = shown.len();
    for (layer, secret) in hidden {
        let same = |s: &Secret| (&s.rule, &s.path, &s.redacted) == (&secret.rule, &secret.path, &secret.redacted);
        if shown[..visible].iter().any(same) {
            continue;
        }
        let title = format!(
            "{} (deleted or replaced by a later layer, still readable in layer {layer}, {})",
            secret.title,
            view.digest(layer)
        );
        shown.push(Secret { title, ..secret.clone() });
    }
    shown.sort();
    shown.dedup();
    shown
}
