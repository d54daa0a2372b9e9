//! A hasher for keys that are hashes already.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Spreads what is a hash already, by a key that nobody who writes a layer knows: chosen paths must not meet in one
/// place.
#[derive(Clone)]
pub(crate) struct Spread(u64);

impl Spread {
    /// With a random key.
    pub(crate) fn new() -> Self {
        Self(RandomState::new().hash_one(0))
    }
}

impl BuildHasher for Spread {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        self.clone()
    }
}

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Keys are numbers; anything else is only right, not fast.
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        // MurmurHash3's last step, of the number and the key.
        let mut mixed = self.0 ^ number;
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        self.0 = mixed ^ (mixed >> 33);
    }
}
