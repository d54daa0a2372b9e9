//! Seeded chance: the same seed, the same choices. The seed is printed, and `LAYERGATE_SEED` replays it.

/// A generator (SplitMix64, after Steele, Lea and Flood 2014): small, and good enough to choose victims by.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// From `LAYERGATE_SEED`, or from the clock; printed either way.
    pub fn printed(test: &str) -> Self {
        let given = std::env::var("LAYERGATE_SEED").ok().map(|s| s.parse().expect("LAYERGATE_SEED is a number"));
        let seed = given.unwrap_or_else(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            u64::from(since.subsec_nanos()) ^ since.as_secs()
        });
        println!("{test}: replay with LAYERGATE_SEED={seed}");
        Self(seed)
    }

    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Sixty-four bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// One of `0..n`; `n` is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.bits() % n as u64).unwrap_or(0)
    }

    /// `count` different ones of `0..n`, in order of choice.
    pub fn sample(&mut self, n: usize, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        (0..count.min(n)).map(|_| all.swap_remove(self.below(all.len()))).collect()
    }

    /// Bytes that no compressor makes smaller.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8)).flat_map(|_| self.bits().to_le_bytes()).take(count).collect()
    }
}
