//! The books of the layer tasks and of the cache: who holds which message until when, what was stored before its
//! message was acked, what was lost, and whether what is judged is what the layer holds.

use std::{sync::Arc, time::Duration};

use layergate_model::{GapKind, LayerInventory};
use layergate_ports::{
    FailureKind, LayerFailure,
    observe::LayerEnd,
    values::{Lane, LayerTask},
};

use super::{Event, Oracle};
use crate::{catalogue, net::lock};

/// What is known of one layer.
#[derive(Clone, Copy, Default)]
pub(super) struct LayerBook {
    pub(super) deliveries: u16,
    pub(super) troubles: u8,
    pub(super) forgotten: u8,
    pub(super) whole: bool,
    stored: bool,
    /// Which message of the layer is the present one: they are counted as they are queued.
    message: u32,
}

/// A message in somebody's hands.
pub(super) struct Hold {
    life: u32,
    layer: u32,
    message: u32,
    pub(super) until: Duration,
}

impl Oracle {
    pub(crate) fn published(&self, task: &LayerTask, queued: bool, waiting: u64) {
        let now = self.now();
        let n = catalogue::number(&task.key.digest);
        let mut state = lock(&self.state);
        state.note(now, Event::Published, u64::from(n), u64::from(queued));
        if queued {
            state.layers[n as usize].message += 1;
            if task.lane == Lane::Interactive {
                state.interactive.insert(n);
            }
        }
        state.counts.most_waiting = state.counts.most_waiting.max(waiting);
        let bound = self.bounds.waiting + state.interactive.len() as u64;
        if waiting > bound {
            state.violation(now, format!("{waiting} layer tasks wait, more than {bound}"));
        }
    }

    /// The server gave a task out; the hold's number.
    pub(crate) fn delivered(&self, layer: u32, deliveries: u64, life: u32) -> u64 {
        let now = self.now();
        let mut state = lock(&self.state);
        state.note(now, Event::Delivered, u64::from(layer), u64::from(life) << 16 | deliveries);
        state.counts.layer_deliveries += 1;
        state.counts.layer_redeliveries += u64::from(deliveries > 1);
        let book = &mut state.layers[layer as usize];
        book.deliveries = book.deliveries.saturating_add(1);
        let message = book.message;
        state.next_hold += 1;
        let hold = state.next_hold;
        state.holds.insert(hold, Hold { life, layer, message, until: now + self.bounds.ack_wait });
        state.latest.insert((life, layer), hold);
        hold
    }

    pub(crate) fn progressed(&self, hold: u64) {
        let now = self.now();
        let until = now + self.bounds.ack_wait;
        let mut state = lock(&self.state);
        state.note(now, Event::Progressed, hold, 0);
        if let Some(hold) = state.holds.get_mut(&hold).filter(|hold| hold.until > now) {
            hold.until = until;
        }
    }

    /// The server heard the last of a hold; `acked` when the task is said to be done.
    pub(crate) fn released(&self, layer: u32, hold: u64, acked: bool, off: bool) {
        let now = self.now();
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        state.note(now, Event::Released, hold, u64::from(acked) << 1 | u64::from(off));
        if acked && !state.layers[layer as usize].stored {
            state.violation(now, format!("layer {layer} was acked before its inventory was stored"));
        }
        let Some(gone) = state.holds.remove(&hold) else { return };
        if state.latest.get(&(gone.life, gone.layer)) == Some(&hold) {
            state.latest.remove(&(gone.life, gone.layer));
        }
        if !off || gone.message != state.layers[layer as usize].message {
            return;
        }
        state.interactive.remove(&layer);
        // An earlier holder, whose time ran out, may end the message under a later one's hands: that one then reads
        // without a claim to be the only one.
        let expired = gone.until <= now;
        for reading in state.reading.get(&layer).into_iter().flatten().filter(|_| expired) {
            let other = reading.hold.and_then(|hold| state.holds.get_mut(&hold));
            if let Some(other) = other.filter(|other| other.message == gone.message) {
                other.until = now;
            }
        }
    }

    /// A failure record was written.
    pub(crate) fn failure(&self, layer: u32, failure: &LayerFailure) {
        let now = self.now();
        let mut state = lock(&self.state);
        let quarantined = failure.kind == FailureKind::Quarantined;
        state.counts.quarantines += u64::from(quarantined);
        state.note(now, Event::Failure, u64::from(layer), u64::from(quarantined));
    }

    pub(crate) fn announced(&self, layer: u32) {
        let now = self.now();
        lock(&self.state).note(now, Event::Announced, u64::from(layer), 0);
    }

    pub(crate) fn finished(&self, layer: u32, end: LayerEnd) {
        let now = self.now();
        lock(&self.state).note(now, Event::Finished, u64::from(layer), end as u64);
    }

    /// The cache loses one of the layers that it has: the one that `chance` (in `0..1`) picks.
    pub(crate) fn forget(&self, chance: f64) -> Option<u32> {
        let now = self.now();
        let mut state = lock(&self.state);
        let at = (state.kept.len() as f64 * chance) as usize;
        let layer = *state.kept.get(at)?;
        state.note(now, Event::Forgotten, u64::from(layer), 0);
        let book = &mut state.layers[layer as usize];
        book.forgotten = book.forgotten.saturating_add(1);
        Some(layer)
    }

    /// Somebody had a layer taken off the cache, or reported that it is lost.
    pub(crate) fn removed(&self, layer: u32) {
        let now = self.now();
        lock(&self.state).note(now, Event::Removed, u64::from(layer), 0);
    }

    /// Whether an inventory is that of its layer.
    fn is_true(&self, inventory: &LayerInventory) -> bool {
        let n = catalogue::number(&inventory.blob);
        let layer = self.catalogue.layers[n as usize];
        layer.nature.is_readable() && inventory.unpacked == catalogue::mark(n, layer.nature)
    }

    pub(crate) fn stored(&self, inventory: &LayerInventory) {
        let now = self.now();
        let n = catalogue::number(&inventory.blob);
        let true_one = self.is_true(inventory) && inventory.is_cacheable();
        let mut state = lock(&self.state);
        state.note(now, Event::Stored, u64::from(n), 0);
        if !std::mem::replace(&mut state.layers[n as usize].stored, true) {
            state.kept.push(n);
        }
        if !true_one || !state.layers[n as usize].whole {
            state.violation(now, format!("what is stored of layer {n} is not what it holds"));
        }
    }

    /// An image is judged by these inventories.
    pub(crate) fn judged(&self, layers: &[Arc<LayerInventory>]) {
        let now = self.now();
        for inventory in layers.iter().filter(|i| i.gaps.iter().all(|gap| gap.kind == GapKind::CorruptLayer)) {
            if !self.is_true(inventory) {
                let n = catalogue::number(&inventory.blob);
                self.accuse(format!("an image is judged by what layer {n} does not hold"));
            }
        }
        lock(&self.state).note(now, Event::Judged, layers.len() as u64, 0);
    }
}
