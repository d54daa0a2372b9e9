//! Where an image's packages come from, by the content manifests of its layers and by the CPE in its labels. A manifest
//! that an upper layer has removed still describes its own layer.

use layergate_model::{ImageConfig, Repositories};

use crate::{MergeOptions, view::View};

/// The label in which Red Hat's builders name the product of an image as a CPE.
const CPE_LABEL: &str = "cpe";

/// What each layer says, then what the labels say of them all.
pub(crate) fn find(view: &View<'_>, config: Option<&ImageConfig>, options: &MergeOptions<'_>) -> Vec<Repositories> {
    let mut out: Vec<Repositories> = Vec::new();
    for (layer, section) in view.sections() {
        for sets in &section.content_sets {
            let layer = (!options.without_layers).then_some(layer);
            match out.iter_mut().find(|r| r.layer == layer) {
                Some(known) => known.names.extend(sets.names.iter().cloned()),
                None => out.push(Repositories { layer, names: sets.names.clone() }),
            }
        }
    }
    let cpe =
        config.and_then(|c| c.config.labels.get(CPE_LABEL)).filter(|cpe| cpe.starts_with("cpe:") && cpe.len() <= 256);
    if let Some(cpe) = cpe {
        out.push(Repositories { layer: None, names: vec![cpe.clone()] });
    }
    for known in &mut out {
        known.names.sort();
        known.names.dedup();
    }
    out.sort();
    out
}
