//! Strings kept once each while a snapshot is built.
//!
//! One text arena and a table of numbers: a hundred thousand equal version strings cost one. Numbers are given in
//! order of arrival, which depends on the order of the feeds' files; the builder renumbers before it writes.

use crate::layout::hash;

/// The interned strings. Number 0 is the empty string.
pub(crate) struct Interner {
    arena: String,
    spans: Vec<(u32, u32)>,
    slots: Vec<u32>,
}

impl Interner {
    pub(crate) fn new() -> Self {
        let mut new = Self { arena: String::new(), spans: Vec::new(), slots: vec![u32::MAX; 1024] };
        new.intern("");
        new
    }

    /// The number of `text`. The arena holds 4 GiB; what does not fit any more becomes the empty string, and the
    /// builder refuses to finish.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = hash([text.as_bytes(), b""]) as usize & mask;
        while self.slots[at] != u32::MAX {
            if self.get(self.slots[at]) == text {
                return self.slots[at];
            }
            at = (at + 1) & mask;
        }
        let Ok(start) = u32::try_from(self.arena.len()) else { return 0 };
        let Ok(len) = u32::try_from(text.len()) else { return 0 };
        let number = self.spans.len() as u32;
        self.arena.push_str(text);
        self.spans.push((start, len));
        self.slots[at] = number;
        if self.spans.len() * 2 > self.slots.len() {
            self.grow();
        }
        number
    }

    pub(crate) fn get(&self, number: u32) -> &str {
        let Some(&(start, len)) = self.spans.get(number as usize) else { return "" };
        self.arena.get(start as usize..start as usize + len as usize).unwrap_or("")
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Bytes of text held; the format's references are 32 bits wide.
    pub(crate) fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// For each number its place in the alphabet.
    pub(crate) fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.spans.len() as u32).collect();
        order.sort_unstable_by(|a, b| self.get(*a).cmp(self.get(*b)));
        let mut ranks = vec![0; order.len()];
        for (rank, number) in order.into_iter().enumerate() {
            ranks[number as usize] = rank as u32;
        }
        ranks
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let mut slots = vec![u32::MAX; size];
        for number in 0..self.spans.len() as u32 {
            let mut at = hash([self.get(number).as_bytes(), b""]) as usize & (size - 1);
            while slots[at] != u32::MAX {
                at = (at + 1) & (size - 1);
            }
            slots[at] = number;
        }
        self.slots = slots;
    }
}
