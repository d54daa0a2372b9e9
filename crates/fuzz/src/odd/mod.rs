//! Odd documents from bytes: every byte is a choice, so that a fuzzer can steer them and a seed can repeat them. They are
//! near to what readers read, and differ where two readers do: headers, records and layers of tar, keys of JSON.

mod json;
mod layers;
mod tar;

pub use json::{config, manifest};
pub use layers::layers;
pub use tar::tar;

/// Choices that are left; when none are, the first of everything is chosen.
#[derive(Debug)]
pub struct Choices<'a> {
    bytes: &'a [u8],
}

impl<'a> Choices<'a> {
    /// Choices by these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// One of `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(*first) % n.max(1)
    }

    /// One chance in `n`; never when no choices are left.
    pub fn one_in(&mut self, n: usize) -> bool {
        !self.bytes.is_empty() && self.below(n) == n - 1
    }

    /// One of several.
    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// Choices of a seed: so many bytes that no generator comes to their end.
pub fn seeded(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    for _ in 0..16 {
        next();
    }
    (0..8192).map(|_| next()).collect()
}
