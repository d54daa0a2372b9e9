//! The estate that is scanned: images and layers that are numbers, shared as real ones are.
//!
//! A few dozen base images with Zipf's popularity; on them stacks of middle layers (language runtimes, frameworks) with
//! Zipf's popularity; on a stack the applications, each with a chain of versions that often share their dependencies' layer
//! and always have a top layer of their own. Sizes are log-normal with a cap. What is wrong with a layer is fixed here, so that
//! the right verdict on an image follows from the image alone.

use layergate_model::{Digest, Verdict};

use crate::rng::{Rng, Zipf, mix};

/// What is in a layer, or wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Nothing against it.
    Clean,
    /// A finding.
    Vulnerable,
    /// A broken archive: a gap that is cached.
    Corrupt,
    /// Reading it never ends.
    Hangs,
    /// Reading it breaks the reading thread down.
    Panics,
    /// Reading it kills the worker.
    Kills,
    /// Its registry does not have it.
    Gone,
    /// It is larger than it says.
    TooLarge,
}

impl Nature {
    /// What an image is that has such a layer.
    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::Clean => Verdict::Pass,
            Self::Vulnerable => Verdict::Fail,
            Self::Corrupt | Self::Hangs | Self::Panics | Self::Kills | Self::Gone | Self::TooLarge => Verdict::Error,
        }
    }

    /// Whether an inventory of such a layer exists.
    pub(crate) fn is_readable(self) -> bool {
        matches!(self, Self::Clean | Self::Vulnerable | Self::Corrupt)
    }
}

/// One layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub(crate) size: u64,
    pub(crate) nature: Nature,
}

/// One image.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) app: u32,
    /// Bottom first.
    pub(crate) layers: Box<[u32]>,
    /// The registry does not know it.
    pub(crate) unknown: bool,
}

/// Everything there is.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) layers: Vec<Layer>,
    pub(crate) images: Vec<Image>,
    verdicts: Vec<Verdict>,
}

/// No layer is larger: what one worker reads in about a minute.
const MAX_SIZE: f64 = 512e6;
const BASES: usize = 40;
/// Versions of one application in a row.
const VERSIONS: usize = 20;

struct Maker {
    rng: Rng,
    layers: Vec<Layer>,
}

impl Maker {
    fn layer(&mut self, median: f64, sigma: f64, nature: Nature) -> u32 {
        let size = self.rng.log_normal(median, sigma).clamp(500.0, MAX_SIZE) as u64;
        self.layers.push(Layer { size, nature });
        self.layers.len() as u32 - 1
    }

    fn stack(&mut self, below: &[u32], most: usize, median: f64, sigma: f64, nature: Nature) -> Vec<u32> {
        let mut stack = below.to_vec();
        let count = 1 + self.rng.below(most);
        for n in 0..count {
            let nature = if n + 1 == count { nature } else { Nature::Clean };
            stack.push(self.layer(median, sigma, nature));
        }
        stack
    }

    fn top_nature(&mut self, poison: bool) -> Nature {
        let draw = self.rng.unit();
        match draw {
            _ if draw < 0.08 => Nature::Vulnerable,
            _ if !poison || draw > 0.0817 => Nature::Clean,
            _ if draw < 0.0809 => Nature::Corrupt,
            _ if draw < 0.0812 => Nature::Gone,
            _ if draw < 0.0814 => Nature::TooLarge,
            _ if draw < 0.0815 => Nature::Hangs,
            _ if draw < 0.0816 => Nature::Panics,
            _ => Nature::Kills,
        }
    }
}

impl Catalogue {
    /// An estate of this many images; `poison` puts a few layers among them that cannot be read.
    pub(crate) fn new(seed: u64, images: usize, poison: bool) -> Self {
        let mut maker = Maker { rng: Rng::new(seed, 1), layers: Vec::new() };
        let bases: Vec<_> = (0..BASES)
            .map(|n| {
                let nature = if n % 8 == 5 { Nature::Vulnerable } else { Nature::Clean };
                maker.stack(&[], 5, 20e6, 0.8, nature)
            })
            .collect();
        let popular = Zipf::new(BASES, 1.1);
        let middles: Vec<_> = (0..(images / 50).max(20))
            .map(|n| {
                let base = &bases[popular.draw(&mut maker.rng)];
                // One unpopular framework is poison to every image that stands on it.
                let nature = match n {
                    12 if poison => Nature::Hangs,
                    _ if n % 11 == 7 => Nature::Vulnerable,
                    _ => Nature::Clean,
                };
                maker.stack(base, 4, 10e6, 1.2, nature)
            })
            .collect();
        let popular = Zipf::new(middles.len(), 1.0);
        let mut made: Vec<Image> = Vec::with_capacity(images);
        let mut app = 0;
        while made.len() < images {
            let middle = &middles[popular.draw(&mut maker.rng)];
            let mut dependencies = maker.layer(6e6, 1.4, Nature::Clean);
            for _ in 0..(1 + maker.rng.below(2 * VERSIONS)).min(images - made.len()) {
                if maker.rng.chance(0.3) {
                    dependencies = maker.layer(6e6, 1.4, Nature::Clean);
                }
                let below = [middle.as_slice(), &[dependencies]].concat();
                let nature = maker.top_nature(poison);
                let layers = maker.stack(&below, 2, 1.5e6, 1.8, nature).into();
                made.push(Image { app, layers, unknown: poison && maker.rng.chance(0.0005) });
            }
            app += 1;
        }
        // Versions of one application are not submitted one after the other.
        for n in (1..made.len()).rev() {
            made.swap(n, maker.rng.below(n + 1));
        }
        let layers = maker.layers;
        let verdict = |image: &Image| {
            let worst = image.layers.iter().map(|l| layers[*l as usize].nature.verdict()).max();
            if image.unknown { Verdict::Error } else { worst.unwrap_or(Verdict::Pass) }
        };
        let verdicts = made.iter().map(verdict).collect();
        Self { images: made, verdicts, layers }
    }

    /// The right verdict on an image, from the image alone.
    pub(crate) fn verdict(&self, image: usize) -> Verdict {
        self.verdicts[image]
    }

    /// Whether an image has a layer that costs many deliveries before it is given up.
    pub(crate) fn is_poisoned(&self, image: usize) -> bool {
        let layers = &self.images[image].layers;
        layers.iter().any(|l| matches!(self.layers[*l as usize].nature, Nature::Hangs | Nature::Panics | Nature::Kills))
    }

    /// Distinct layers of those of these images that can be resolved.
    pub(crate) fn wanted(&self, images: impl IntoIterator<Item = usize>) -> Vec<u32> {
        let mut wanted = vec![false; self.layers.len()];
        for image in images.into_iter().map(|n| &self.images[n]).filter(|image| !image.unknown) {
            image.layers.iter().for_each(|l| wanted[*l as usize] = true);
        }
        (0..self.layers.len() as u32).filter(|l| wanted[*l as usize]).collect()
    }
}

/// The digest of layer number `n`: looks like one, and can be read back.
pub(crate) fn digest(n: u32) -> Digest {
    let mut bytes = [0; 32];
    let word = mix(u64::from(n));
    bytes[..8].copy_from_slice(&word.to_be_bytes());
    bytes[8..16].copy_from_slice(&mix(word).to_be_bytes());
    bytes[28..].copy_from_slice(&n.to_be_bytes());
    Digest::from_bytes(bytes)
}

/// The number of a layer.
pub(crate) fn number(digest: &Digest) -> u32 {
    let bytes = digest.as_bytes();
    u32::from_be_bytes([bytes[28], bytes[29], bytes[30], bytes[31]])
}

/// What the bytes of a layer say: an inventory that was not made from them has another mark.
pub(crate) fn mark(n: u32, nature: Nature) -> u64 {
    (mix(u64::from(n) ^ 0x6c61_7965_7267_6174) & !7) | u64::from(nature == Nature::Vulnerable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estate_shares_its_layers_and_repeats() {
        let estate = Catalogue::new(3, 5000, true);
        assert_eq!(estate.images.len(), 5000);
        let references: usize = estate.images.iter().map(|i| i.layers.len()).sum();
        let distinct = estate.wanted(0..5000).len();
        assert!(references > 3 * distinct, "{references} references, {distinct} layers");
        for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Error] {
            assert!((0..5000).any(|i| estate.verdict(i) == verdict), "{verdict:?}");
        }
        assert!((0..5000).any(|i| estate.is_poisoned(i)));
        let again = Catalogue::new(3, 5000, true);
        assert_eq!(again.images[77].layers, estate.images[77].layers);
        let sound = Catalogue::new(3, 5000, false);
        assert!((0..5000).all(|i| !sound.is_poisoned(i)));
        assert_eq!(number(&digest(123_456)), 123_456);
    }
}
