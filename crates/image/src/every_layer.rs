//! What is reported of every layer, shown or not: gaps and secrets.
//!
//! A gap goes only with the file that it is about: when an upper layer hides the file, nothing is missing any more. A
//! gap that names no file of its layer stays. A secret stays always: who can pull the image can read every layer.

use layergate_model::{Gap, GapKind, Secret};

use crate::{evidence::is_about_a_file, overlay::MAX_PLACES, view::View};

/// The gaps of the image, sorted. Places that are not paths carry the layer's digest.
pub(crate) fn gaps(view: &View<'_>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for (layer, merge) in (0u32..).zip(view.layers) {
        let sections = merge.inventory.sections.values().flat_map(|s| &s.gaps);
        for gap in merge.inventory.gaps.iter().chain(sections) {
            let of_file = is_about_a_file(gap.kind) && view.is_path(layer, &gap.place);
            if !of_file {
                gaps.push(located(view, layer, gap));
            } else if !view.is_hidden(layer, &gap.place) {
                gaps.push(gap.clone());
            }
        }
    }
    for (layer, path) in &view.overlay.unsure {
        let detail = format!(
            "layer {} has a link here and something else, too: runtimes disagree on what is there, and what the link leads \
             to was not read under its name",
            view.digest(*layer)
        );
        gaps.push(Gap::new(GapKind::UnreadLink, path, detail));
    }
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
