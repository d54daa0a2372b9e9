//! Values that are kept once: equal ones have one number.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Numbered values, each once.
#[derive(Clone, Debug)]
pub(crate) struct Pool<T> {
    values: Vec<T>,
    by_hash: FxHashMap<u64, Vec<u32>>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { values: Vec::new(), by_hash: FxHashMap::default() }
    }
}

/// What a value is known again by.
pub(crate) trait Pooled: Sized {
    /// A hash of everything that [`Pooled::same`] compares.
    fn content_hash(&self) -> u64;
    /// Whether two values are one.
    fn same(&self, other: &Self) -> bool;
}

impl<T: Hash + Eq> Pooled for T {
    fn content_hash(&self) -> u64 {
        let mut hasher = FxHasher::default();
        self.hash(&mut hasher);
        hasher.finish()
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

impl<T: Pooled> Pool<T> {
    /// The number of a value, made where it is new.
    pub(crate) fn number(&mut self, value: T) -> u32 {
        let hash = value.content_hash();
        let numbers = self.by_hash.entry(hash).or_default();
        let found = numbers.iter().find(|n| self.values.get(**n as usize).is_some_and(|known| known.same(&value)));
        match found {
            Some(number) => *number,
            None => {
                // Four thousand million values do not fit into the memory that would be needed to get here.
                let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
                self.values.push(value);
                numbers.push(number);
                number
            }
        }
    }

    /// The number of the value with this hash that is the one.
    pub(crate) fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<u32> {
        let numbers = self.by_hash.get(&hash)?;
        numbers.iter().copied().find(|n| self.values.get(*n as usize).is_some_and(&is_it))
    }

    fn restore(values: Vec<T>) -> Self {
        let mut by_hash: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
        for (number, value) in (0..).zip(&values) {
            by_hash.entry(value.content_hash()).or_default().push(number);
        }
        Self { values, by_hash }
    }
}

impl<T> Pool<T> {
    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        self.values.get(number as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..).zip(&self.values)
    }
}

impl<T: Serialize> Serialize for Pool<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.values.serialize(serializer)
    }
}

impl<'de, T: Pooled + Deserialize<'de>> Deserialize<'de> for Pool<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::restore)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_number() {
        let mut pool = Pool::default();
        let numbers: Vec<u32> = ["a", "b", "a", "c"].iter().map(|t| pool.number(t.to_string())).collect();
        assert_eq!(numbers, [0, 1, 0, 2]);
        let mut again: Pool<String> = serde_json::from_str(&serde_json::to_string(&pool).unwrap()).unwrap();
        assert_eq!((again.number("c".into()), again.number("d".into()), again.len()), (2, 3, 4));
    }
}
