//! Inventories in memory, unpacked, within a budget of bytes; the least recently used go. In front of a slower cache it
//! spares a coordinator the unpacking of base layers that every image has.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use layergate_model::LayerInventory;
use layergate_ports::{CacheError, LayerCache, values::LayerKey};

use crate::lock;

struct Entry {
    inventory: Arc<LayerInventory>,
    weight: u64,
    used: u64,
}

#[derive(Default)]
struct State {
    entries: HashMap<LayerKey, Entry>,
    by_use: BTreeMap<u64, LayerKey>,
    weight: u64,
    uses: u64,
}

/// Inventories in memory.
pub struct MemoryCache {
    budget: u64,
    state: Mutex<State>,
}

impl MemoryCache {
    /// Keeps about `budget` bytes.
    pub fn new(budget: u64) -> Self {
        Self { budget, state: Mutex::default() }
    }
}

/// About how many bytes of memory an inventory takes.
fn weigh(inventory: &LayerInventory) -> u64 {
    let mut weight = 512 + inventory.paths.size();
    for section in inventory.sections.values() {
        weight += 512
            + 600 * section.packages.len()
            + 256 * (section.secrets.len() + section.gaps.len() + section.facts.len() + section.licenses.len());
        weight += section.owned.iter().map(|o| 96 + 64 * o.paths.len()).sum::<usize>();
    }
    weight as u64
}

impl State {
    fn touch(&mut self, key: &LayerKey) -> Option<Arc<LayerInventory>> {
        self.uses += 1;
        let entry = self.entries.get_mut(key)?;
        self.by_use.remove(&entry.used);
        entry.used = self.uses;
        self.by_use.insert(self.uses, *key);
        Some(entry.inventory.clone())
    }

    fn drop_entry(&mut self, key: &LayerKey) {
        if let Some(entry) = self.entries.remove(key) {
            self.by_use.remove(&entry.used);
            self.weight -= entry.weight;
        }
    }
}

#[async_trait]
impl LayerCache for MemoryCache {
    async fn get_many(&self, keys: &[LayerKey]) -> Result<Vec<Option<Arc<LayerInventory>>>, CacheError> {
        let mut state = lock(&self.state);
        Ok(keys.iter().map(|key| state.touch(key)).collect())
    }

    async fn contains_many(&self, keys: &[LayerKey]) -> Result<Vec<bool>, CacheError> {
        let state = lock(&self.state);
        Ok(keys.iter().map(|key| state.entries.contains_key(key)).collect())
    }

    async fn put(&self, key: &LayerKey, inventory: &Arc<LayerInventory>) -> Result<(), CacheError> {
        let weight = weigh(inventory);
        let mut state = lock(&self.state);
        state.drop_entry(key);
        state.uses += 1;
        let used = state.uses;
        state.weight += weight;
        state.by_use.insert(used, *key);
        state.entries.insert(*key, Entry { inventory: inventory.clone(), weight, used });
        // The newest stays, however large: it is wanted now.
        while state.weight > self.budget && state.entries.len() > 1 {
            let Some(oldest) = state.by_use.first_key_value().map(|(_, key)| *key) else { break };
            state.drop_entry(&oldest);
        }
        Ok(())
    }

    async fn remove(&self, key: &LayerKey) -> Result<(), CacheError> {
        lock(&self.state).drop_entry(key);
        Ok(())
    }
}
