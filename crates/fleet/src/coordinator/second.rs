//! The second look: what an image's links show under names by which their layers were not read, is asked of these
//! layers once more. It is a layer task like the first, under a key of its own (the blob and the names), so that the
//! queue, the cache and the failure records serve it as they do any other, and two images with the same links share it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
    time::Duration,
};

use layergate_image::{Look, Looks, MergeLayer, Readers, looks};
use layergate_inventory::Catalogue;
use layergate_model::{Alias, Gap, GapKind, LayerInventory, LayerPath};
use layergate_ports::values::{Job, LayerKey, ResolvedImage, SourceId};

use super::{Coordinator, gather::Wanted, job::HandBack};
use crate::decide::{Gathering, LayerState};

/// The names that analyzers read by. An image is asked with those of this program, as its fingerprint says.
static NAMES: LazyLock<Names> = LazyLock::new(|| Names(Catalogue::standard()));

struct Names(Catalogue);

impl Readers for Names {
    fn places(&self) -> Vec<LayerPath> {
        self.0.places()
    }

    fn wants_name(&self, name: &str) -> bool {
        self.0.wants_name(name)
    }

    fn tells_more(&self, name: &LayerPath, path: &LayerPath) -> bool {
        self.0.tells_more(name, path)
    }
}

/// What one layer is asked again.
struct Question {
    layer: u32,
    key: LayerKey,
    aliases: Vec<Alias>,
    /// Where what is found at a path is shown instead.
    shown_by: Vec<(LayerPath, u32, LayerPath)>,
}

impl Coordinator {
    /// The inventories with what a second look shows, and gaps for what it does not.
    pub(super) async fn look_again(
        &self,
        job: &Job,
        image: &ResolvedImage,
        mut layers: Vec<Arc<LayerInventory>>,
        deadline: Duration,
    ) -> Result<(Vec<Arc<LayerInventory>>, Vec<Gap>), HandBack> {
        if layers.iter().all(|layer| layer.paths.is_empty()) {
            return Ok((layers, Vec::new()));
        }
        let digests: Vec<_> = image.layers.iter().map(|l| l.digest).collect();
        let inventories = layers.clone();
        let found = tokio::task::spawn_blocking(move || {
            let merged =
                digests.iter().zip(&inventories).map(|(digest, i)| MergeLayer { digest: *digest, inventory: i });
            looks(&merged.collect::<Vec<_>>(), &*NAMES)
        });
        let broken = |error| Looks {
            looks: Vec::new(),
            gaps: vec![(0, Gap::new(GapKind::AnalyzerFailed, "links", format!("following links broke down: {error}")))],
        };
        let Looks { looks, gaps } = found.await.unwrap_or_else(broken);
        for (layer, gap) in gaps {
            add_gap(&mut layers, layer, gap);
        }
        let questions = self.questions(image, looks);
        if questions.is_empty() {
            return Ok((layers, Vec::new()));
        }
        let wanted = || -> Wanted {
            let locator = |q: &Question| image.layers.get(q.layer as usize).map(|l| l.locator.clone());
            questions.iter().filter_map(|q| Some((q.key, (locator(q)?, q.aliases.clone())))).collect()
        };
        let mut gathering = Gathering::new(wanted().iter().map(|(key, (locator, _))| (*key, SourceId::of(locator))));
        let mut bodies: HashMap<LayerKey, Arc<LayerInventory>> = HashMap::new();
        loop {
            let wait = self.begin(job, &wanted(), &mut gathering, false).await;
            self.finish(job, wanted, &mut gathering, deadline, wait).await;
            let mut keys = gathering.keys();
            keys.retain(|k| gathering.state(k) == Some(&LayerState::Stored) && !bodies.contains_key(k));
            if keys.is_empty() {
                break;
            }
            bodies.extend(self.bodies(&mut gathering, &keys).await.map_err(|e| HandBack(e.to_string()))?);
        }
        let mut lacking = Vec::new();
        for question in &questions {
            if let Some(body) = bodies.get(&question.key) {
                take_in(&mut layers, question, body);
                continue;
            }
            let (kind, detail) = match gathering.state(&question.key) {
                Some(LayerState::Failed(failure)) => (failure.gap, failure.detail.clone()),
                _ => (GapKind::LayerUnavailable, "the layer was not read".to_owned()),
            };
            let digest = image.layers.get(question.layer as usize).map(|l| l.digest.to_string()).unwrap_or_default();
            let first = question.aliases.first().map(|a| a.name.to_string()).unwrap_or_default();
            let detail = format!("{detail} (a second look, for {first} and what else links lead to)");
            let gap = Gap::new(kind, digest, detail);
            add_gap(&mut layers, question.layer, gap.clone());
            lacking.push(gap);
        }
        Ok((layers, lacking))
    }

    fn questions(&self, image: &ResolvedImage, looks: Vec<Look>) -> Vec<Question> {
        let mut by_layer: BTreeMap<u32, Vec<Look>> = BTreeMap::new();
        for look in looks {
            by_layer.entry(look.layer).or_default().push(look);
        }
        let question = |(layer, looks): (u32, Vec<Look>)| {
            let digest = image.layers.get(layer as usize)?.digest;
            let shown_by =
                looks.iter().filter_map(|l| l.shown_by.clone().map(|(at, path)| (l.alias.path.clone(), at, path)));
            let shown_by = shown_by.collect();
            let mut aliases: Vec<_> = looks.into_iter().map(|l| l.alias).collect();
            aliases.sort();
            aliases.dedup();
            let key = self.config.fingerprint.key(Alias::digest(&digest, &aliases));
            Some(Question { layer, key, aliases, shown_by })
        };
        by_layer.into_iter().filter_map(question).collect()
    }
}

fn add_gap(layers: &mut [Arc<LayerInventory>], layer: u32, gap: Gap) {
    if let Some(layer) = layers.get_mut(layer as usize) {
        Arc::make_mut(layer).gaps.push(gap);
    }
}

/// Puts what was found where the image shows it.
fn take_in(layers: &mut [Arc<LayerInventory>], question: &Question, body: &LayerInventory) {
    if let Some(layer) = layers.get_mut(question.layer as usize) {
        Arc::make_mut(layer).absorb(body.clone());
    }
    for (path, at, shown_by) in &question.shown_by {
        let Some(layer) = layers.get_mut(*at as usize) else { continue };
        let mut copy = LayerInventory { gaps: Vec::new(), ..body.clone() };
        for section in copy.sections.values_mut() {
            section.forget_where(|_, _, evidence| evidence.split('!').next() != Some(path.as_str()));
            section.rename(|name| (name == path.as_str()).then_some(shown_by));
        }
        copy.sections.retain(|_, section| !section.is_empty());
        Arc::make_mut(layer).absorb(copy);
    }
}
