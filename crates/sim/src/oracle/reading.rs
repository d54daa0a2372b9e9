//! The books of the readers: which member reads which layer, that no two do at a time, and that their bytes stay in
//! bounds.

use std::sync::Arc;

use super::{Event, Oracle};
use crate::net::lock;

/// A reading as the other readers of its layer see it.
pub(super) struct Reading {
    life: u32,
    pub(super) hold: Option<u64>,
}

/// What a member reads at present.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) dead: bool,
    count: u32,
    bytes: u64,
}

/// A reading in progress; ends when dropped.
pub(crate) struct ReadGuard {
    oracle: Arc<Oracle>,
    layer: u32,
    life: u32,
    hold: Option<u64>,
    whole: bool,
}

impl Oracle {
    /// Whether the source of a layer (or image) fails this time, where chance wants it: twice at most.
    pub(crate) fn trouble(&self, layer: u32) -> bool {
        let now = self.now();
        let mut state = lock(&self.state);
        let book = &mut state.layers[layer as usize];
        if book.troubles >= 2 {
            return false;
        }
        book.troubles += 1;
        state.note(now, Event::ErrorDetail, u64::from(layer), 0);
        true
    }

    pub(crate) fn read(self: &Arc<Self>, layer: u32, life: u32) -> ReadGuard {
        let now = self.now();
        let size = self.catalogue.layers[layer as usize].size;
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        state.note(now, Event::Read, u64::from(layer), u64::from(life));
        state.counts.reads += 1;
        let hold = state.latest.get(&(life, layer)).copied();
        let others = state.reading.entry(layer).or_default();
        let mut clash = None;
        // Whose message went to somebody else meanwhile (it was cut off, it waited for its registry) may come second.
        let own = hold.and_then(|hold| state.holds.get(&hold)).is_none_or(|hold| hold.until > now);
        for other in others.iter().filter(|other| !state.lives[other.life as usize].dead) {
            // One without a hold reads on although it has let the message go.
            let valid = other.hold.and_then(|hold| state.holds.get(&hold)).is_none_or(|hold| hold.until > now);
            if own && valid {
                clash = Some(other.life);
            } else {
                state.counts.overlapping_reads += 1;
            }
        }
        others.push(Reading { life, hold });
        if let Some(other) = clash {
            state.violation(now, format!("layer {layer} is read by members {other} and {life} at a time"));
        }
        let reader = &mut state.lives[life as usize];
        reader.count += 1;
        reader.bytes += size;
        if reader.count > 1 && reader.bytes > self.bounds.byte_budget {
            let (count, bytes) = (reader.count, reader.bytes);
            state.violation(now, format!("member {life} reads {count} layers of {bytes} bytes, over its budget"));
        }
        ReadGuard { oracle: self.clone(), layer, life, hold, whole: false }
    }
}

impl ReadGuard {
    /// The reading came to an inventory.
    pub(crate) fn whole(mut self) {
        self.whole = true;
        let now = self.oracle.now();
        let size = self.oracle.catalogue.layers[self.layer as usize].size;
        let mut guard = lock(&self.oracle.state);
        let state = &mut *guard;
        state.counts.whole_reads += 1;
        state.counts.bytes += size;
        let book = &mut state.layers[self.layer as usize];
        if book.whole {
            state.counts.redundant_reads += 1;
            state.counts.redundant_bytes += size;
            state.counts.redundant_after_forgetting += u64::from(book.forgotten > 0);
        }
        book.whole = true;
        state.note(now, Event::ReadWhole, u64::from(self.layer), u64::from(self.life));
    }
}

impl Drop for ReadGuard {
    fn drop(&mut self) {
        let size = self.oracle.catalogue.layers[self.layer as usize].size;
        let mut guard = lock(&self.oracle.state);
        let state = &mut *guard;
        state.counts.broken_reads += u64::from(!self.whole);
        if let Some(readings) = state.reading.get_mut(&self.layer) {
            if let Some(at) = readings.iter().position(|r| r.life == self.life && r.hold == self.hold) {
                readings.swap_remove(at);
            }
            if readings.is_empty() {
                state.reading.remove(&self.layer);
            }
        }
        let reader = &mut state.lives[self.life as usize];
        reader.count -= 1;
        reader.bytes -= size;
    }
}
