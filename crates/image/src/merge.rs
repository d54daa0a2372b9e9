//! The way from layer inventories to an image inventory, step by step.

use layergate_model::{BaseImage, CheckFact, Digest, ImageConfig, ImageInventory, ImageReference, LayerInventory};

use crate::{
    base, checks, distro, every_layer, installed, links, orphaned, ownership, packages, removed, repositories,
    view::View,
};

/// One layer of the image.
#[derive(Clone, Copy, Debug)]
pub struct MergeLayer<'a> {
    /// The digest of the blob, as the manifest pins it.
    pub digest: Digest,
    /// What is in it.
    pub inventory: &'a LayerInventory,
}

/// What else is known of the image.
#[derive(Clone, Copy, Debug, Default)]
pub struct MergeOptions<'a> {
    /// The reference that the image was asked for by.
    pub reference: Option<&'a ImageReference>,
    /// The day against which ages are counted; without it nothing is too old.
    pub as_of: Option<jiff::civil::Date>,
    /// The base image, where the estate has found it by its layers.
    pub base: Option<&'a BaseImage>,
    /// The "layer" is a root file system or an SBOM: packages name no layer.
    pub without_layers: bool,
}

/// Lays `layers` upon each other, bottom first, as an overlay file system would show them, and shows what is in the
/// image: packages with the layer that introduced each, owners, origins, secrets, failed checks and gaps. All lists are
/// sorted; the same arguments give the same inventory.
pub fn merge(layers: &[MergeLayer<'_>], config: Option<&ImageConfig>, options: &MergeOptions<'_>) -> ImageInventory {
    let hard_links = links::across(layers);
    let view = View::new(layers, &hard_links);
    let (mut kept, mut gaps) = removed::find(&view);
    let (distro, of_distro) = distro::find(&view, &kept);
    gaps.extend(of_distro);
    let (orphaned, of_orphaned) = orphaned::find(&view);
    kept.extend(orphaned);
    gaps.extend(of_orphaned);
    let mut listed = packages::list(&view, &kept, distro.as_ref(), !options.without_layers);
    packages::add_licenses(&view, &mut listed);
    ownership::assign(&view, &mut listed);
    let base = if options.without_layers { None } else { base::find(config, layers.len(), options.base) };
    let mut packages: Vec<_> = listed.into_iter().map(|l| l.package).collect();
    for package in &mut packages {
        package.origin = base::origin(base.as_ref(), package.layer);
    }
    let facts = facts(&view);
    let checks = checks::run(&checks::Subject {
        config,
        reference: options.reference,
        as_of: options.as_of,
        distro: distro.as_ref(),
        packages: &packages,
        base: base.as_ref(),
        facts: &facts,
    });
    gaps.extend(every_layer::gaps(&view));
    installed::drop_gaps(&mut gaps, &packages);
    gaps.sort();
    gaps.dedup();
    ImageInventory {
        distro,
        packages,
        secrets: every_layer::secrets(&view),
        checks,
        gaps,
        base,
        repositories: repositories::find(&view, config, options),
    }
}

/// The facts that still hold: their file is shown as the layer wrote it. A directory that an upper layer has again may
/// have got another mode there.
fn facts(view: &View<'_>) -> Vec<CheckFact> {
    let mut facts = Vec::new();
    for (layer, section) in view.sections() {
        for fact in &section.facts {
            let holds = view.evidence_set.find(layer, fact.path.as_str()).is_some_and(|id| {
                view.overlay.shows(id)
                    && view.overlay.node(id).is_none_or(|node| view.overlay.tree.node(node).layer == layer)
            });
            if holds {
                facts.push(fact.clone());
            }
        }
    }
    facts.sort();
    facts.dedup();
    facts
}
