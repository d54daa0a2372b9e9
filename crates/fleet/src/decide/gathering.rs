//! What a job still lacks: the state of each distinct layer of its images. State is derived from the cache and the
//! failure records, never counted (any event may be lost, doubled or late).

use std::collections::BTreeMap;

use layergate_model::GapKind;

use layergate_ports::{
    DoneEvent, DoneOutcome, FailureKind, LayerFailure,
    values::{LayerKey, SourceId},
};

/// How often a layer may be said to be there without being there, before the job calls it a gap.
const MAX_BODY_MISSES: u8 = 4;

/// What is known of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerState {
    /// Not there yet.
    Pending,
    /// In the cache, as far as is known.
    Stored,
    /// Not to be had for now.
    Failed(LayerFailure),
}

#[derive(Debug)]
struct Wanted {
    source: SourceId,
    state: LayerState,
    body_misses: u8,
    refused: bool,
}

/// The layers that a job wants.
#[derive(Debug)]
pub struct Gathering {
    layers: BTreeMap<LayerKey, Wanted>,
    open: usize,
}

impl Gathering {
    /// Nothing is known of any of them. The same layer twice is one.
    pub fn new(wanted: impl IntoIterator<Item = (LayerKey, SourceId)>) -> Self {
        let layers: BTreeMap<_, _> = wanted
            .into_iter()
            .map(|(key, source)| (key, Wanted { source, state: LayerState::Pending, body_misses: 0, refused: false }))
            .collect();
        Self { open: layers.len(), layers }
    }

    /// All layers, in the order of their keys.
    pub fn keys(&self) -> Vec<LayerKey> {
        self.layers.keys().copied().collect()
    }

    /// Those of which nothing is known yet.
    pub fn pending(&self) -> Vec<(LayerKey, SourceId)> {
        let open = self.layers.iter().filter(|(_, w)| w.state == LayerState::Pending);
        open.map(|(key, w)| (*key, w.source)).collect()
    }

    /// Whether every layer is there or failed.
    pub fn is_complete(&self) -> bool {
        self.open == 0
    }

    /// What is known of a layer.
    pub fn state(&self, key: &LayerKey) -> Option<&LayerState> {
        self.layers.get(key).map(|w| &w.state)
    }

    fn set(&mut self, key: &LayerKey, state: LayerState) {
        if let Some(wanted) = self.layers.get_mut(key) {
            let was_open = wanted.state == LayerState::Pending;
            wanted.state = state;
            let is_open = wanted.state == LayerState::Pending;
            self.open = self.open + usize::from(is_open) - usize::from(was_open);
        }
    }

    /// The layer is in the cache.
    pub fn stored(&mut self, key: &LayerKey) {
        self.set(key, LayerState::Stored);
    }

    /// A failure record was found that concerns this job.
    pub fn failed(&mut self, key: &LayerKey, failure: LayerFailure) {
        if self.state(key) == Some(&LayerState::Pending) {
            self.set(key, LayerState::Failed(failure));
        }
    }

    /// Word came that a layer is done. `true` when its failure records must be looked up, because it did not end well
    /// and the failure may be another source's.
    pub fn heard(&mut self, event: &DoneEvent) -> bool {
        if self.state(&event.key) != Some(&LayerState::Pending) {
            return false;
        }
        match event.outcome {
            DoneOutcome::Stored => {
                self.stored(&event.key);
                false
            }
            DoneOutcome::Failed => true,
        }
    }

    /// The cache said that the layer was there and then did not give it. It is wanted again, a few times.
    pub fn body_missing(&mut self, key: &LayerKey) {
        let Some(wanted) = self.layers.get_mut(key) else { return };
        wanted.body_misses += 1;
        let state = if wanted.body_misses < MAX_BODY_MISSES {
            LayerState::Pending
        } else {
            LayerState::Failed(LayerFailure {
                kind: FailureKind::Source(wanted.source),
                gap: GapKind::LayerUnavailable,
                detail: format!(
                    "the layer was read {MAX_BODY_MISSES} times and its inventory was gone from the cache each time; \
                     is the cache's size budget too small?"
                ),
            })
        };
        self.set(key, state);
    }

    /// Whether the task could be queued; one that was refused for want of room is tried again soon.
    pub fn queued(&mut self, key: &LayerKey, accepted: bool) {
        if let Some(wanted) = self.layers.get_mut(key) {
            wanted.refused = !accepted;
        }
    }

    /// Whether a pending layer's task found no room in the queue.
    pub fn has_refused(&self) -> bool {
        self.layers.values().any(|w| w.refused && w.state == LayerState::Pending)
    }

    /// Time is up: what is still open fails with this sentence.
    pub fn give_up(&mut self, detail: &str) -> Vec<LayerKey> {
        let open = self.pending();
        for (key, source) in &open {
            let failure = LayerFailure {
                kind: FailureKind::Source(*source),
                gap: GapKind::LayerUnavailable,
                detail: detail.to_owned(),
            };
            self.failed(key, failure);
        }
        open.into_iter().map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use layergate_model::{Digest, Limits};

    use super::*;
    use layergate_ports::values::{KeyScope, LayerLocator, LocalBlob};

    fn key(n: u8) -> LayerKey {
        let scope = KeyScope { namespace: Default::default(), analyzers: "a".into(), limits: Limits::default() };
        scope.fingerprint().key(Digest::of(&[n]))
    }

    fn source() -> SourceId {
        let blob = LocalBlob { source: "s".into(), entry: None, digest: Digest::of(b""), size: 0 };
        SourceId::of(&LayerLocator::Local(blob))
    }

    #[test]
    fn events_may_be_lost_doubled_and_foreign() {
        let mut wanted = Gathering::new([(key(1), source()), (key(2), source()), (key(1), source())]);
        assert_eq!(wanted.pending().len(), 2);
        let stored = |n| DoneEvent { key: key(n), outcome: DoneOutcome::Stored };
        assert!(!wanted.heard(&stored(9)) && !wanted.heard(&stored(1)) && !wanted.heard(&stored(1)));
        assert_eq!(wanted.pending().len(), 1);
        let failed = DoneEvent { key: key(2), outcome: DoneOutcome::Failed };
        assert!(wanted.heard(&failed), "a failure is looked up: it may be another source's");
        assert!(!wanted.is_complete());
        wanted.stored(&key(2));
        assert!(wanted.is_complete() && !wanted.heard(&failed), "stored stays stored");
    }

    #[test]
    fn a_body_that_is_always_gone_becomes_a_gap() {
        let mut wanted = Gathering::new([(key(1), source())]);
        for _ in 1..MAX_BODY_MISSES {
            wanted.stored(&key(1));
            assert!(wanted.is_complete());
            wanted.body_missing(&key(1));
            assert!(!wanted.is_complete());
        }
        wanted.stored(&key(1));
        wanted.body_missing(&key(1));
        assert!(wanted.is_complete());
        assert!(matches!(wanted.state(&key(1)), Some(LayerState::Failed(_))));
    }

    #[test]
    fn giving_up_names_what_was_open() {
        let mut wanted = Gathering::new([(key(1), source()), (key(2), source())]);
        wanted.stored(&key(1));
        wanted.queued(&key(2), false);
        assert!(wanted.has_refused());
        assert_eq!(wanted.give_up("late"), [key(2)]);
        assert!(wanted.is_complete() && !wanted.has_refused());
    }
}
