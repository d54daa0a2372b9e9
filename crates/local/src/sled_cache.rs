//! The layer cache of a process that owns its directory, the worker: sled, in generations.
//!
//! sled 0.34 gives little of its disk space back. So the records live in generations, a database each: when the younger
//! one has grown to half of the budget, the older one is deleted with its directory and a new one begun. A hit in the
//! older is carried over, which makes this roughly "least recently used". A database that does not open is set aside
//! (renamed, the last such one kept) and begun anew; one that another process has open is left alone.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

use async_trait::async_trait;
use layergate_model::LayerInventory;
use layergate_ports::{CacheError, LayerCache, codec, values::LayerKey};

use crate::pack::{Stored, blocking, unpack_all};

const PREFIX: &str = "gen-";
const ASIDE: &str = "damaged";
/// sled's own page cache, for each generation.
const PAGE_CACHE: u64 = 8 << 20;

struct Generations {
    number: u64,
    young: sled::Db,
    old: Option<sled::Db>,
}

struct Inner {
    dir: PathBuf,
    budget: u64,
    generations: RwLock<Generations>,
}

/// A layer cache in sled.
#[derive(Clone)]
pub struct SledCache(Arc<Inner>);

impl SledCache {
    /// The cache in `dir`, kept within about `budget` bytes. An error only when the directory cannot be used at all or
    /// another process has it open.
    pub fn open(dir: impl Into<PathBuf>, budget: u64) -> Result<Self, CacheError> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(|e| trouble(&dir, e))?;
        let mut numbers: Vec<u64> = fs::read_dir(&dir)
            .map_err(|e| trouble(&dir, e))?
            .flatten()
            .filter_map(|e| e.file_name().to_str()?.strip_prefix(PREFIX)?.parse().ok())
            .collect();
        numbers.sort_unstable();
        let number = numbers.pop().unwrap_or(1);
        let young = open_or_begin_anew(&dir, number)?;
        let old = match numbers.pop() {
            Some(number) => Some(open_or_begin_anew(&dir, number)?),
            None => None,
        };
        for forgotten in numbers {
            let _ = fs::remove_dir_all(path(&dir, forgotten));
        }
        let generations = RwLock::new(Generations { number, young, old });
        Ok(Self(Arc::new(Inner { dir, budget, generations })))
    }
}

fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{number:08}"))
}

fn trouble(dir: &Path, what: impl ToString) -> CacheError {
    CacheError { place: dir.display().to_string(), what: what.to_string() }
}

fn open_db(path: &Path) -> Result<sled::Db, sled::Error> {
    sled::Config::new().path(path).cache_capacity(PAGE_CACHE).flush_every_ms(Some(1000)).open()
}

fn open_or_begin_anew(dir: &Path, number: u64) -> Result<sled::Db, CacheError> {
    let path = path(dir, number);
    let error = match open_db(&path) {
        Ok(db) => return Ok(db),
        Err(error) => error,
    };
    if is_locked(&error) {
        let what = "another process has the cache open; give each worker a --cache-dir of its own";
        return Err(trouble(&path, what));
    }
    tracing::warn!(path = %path.display(), %error, "the layer cache does not open; it is set aside and begun anew");
    let aside = dir.join(ASIDE);
    let _ = fs::remove_dir_all(&aside);
    fs::rename(&path, &aside).or_else(|_| fs::remove_dir_all(&path)).map_err(|e| trouble(&path, e))?;
    open_db(&path).map_err(|e| trouble(&path, e))
}

/// sled shows a held lock as an error whose text names it; its kind is lost in a wrapper.
fn is_locked(error: &sled::Error) -> bool {
    match error {
        sled::Error::Io(e) => e.kind() == std::io::ErrorKind::WouldBlock || e.to_string().contains("WouldBlock"),
        _ => false,
    }
}

fn raw(key: &LayerKey) -> [u8; 68] {
    let mut raw = [0; 68];
    raw.copy_from_slice(key.to_string().as_bytes());
    raw
}

impl Inner {
    fn generations(&self) -> std::sync::RwLockReadGuard<'_, Generations> {
        self.generations.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn read(&self, key: &LayerKey) -> Option<Vec<u8>> {
        let raw = raw(key);
        let generations = self.generations();
        if let Ok(Some(value)) = generations.young.get(raw) {
            return Some(value.to_vec());
        }
        let value = generations.old.as_ref()?.get(raw).ok()??;
        // Used lately: it must not go with the old generation.
        let _ = generations.young.insert(raw, value.clone());
        Some(value.to_vec())
    }

    fn contains(&self, key: &LayerKey) -> bool {
        let raw = raw(key);
        let generations = self.generations();
        let has = |db: &sled::Db| db.contains_key(raw).unwrap_or(false);
        has(&generations.young) || generations.old.as_ref().is_some_and(has)
    }

    fn write(&self, key: &LayerKey, bytes: &[u8]) -> Result<(), CacheError> {
        let full = {
            let generations = self.generations();
            generations.young.insert(raw(key), bytes).map_err(|e| trouble(&self.dir, e))?;
            generations.young.size_on_disk().is_ok_and(|size| size > self.budget / 2)
        };
        if full { self.turn_over() } else { Ok(()) }
    }

    fn turn_over(&self) -> Result<(), CacheError> {
        let mut generations = self.generations.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if generations.young.size_on_disk().is_ok_and(|size| size <= self.budget / 2) {
            return Ok(());
        }
        let number = generations.number + 1;
        let young = open_or_begin_anew(&self.dir, number)?;
        let was_young = std::mem::replace(&mut generations.young, young);
        let dropped = generations.old.replace(was_young);
        generations.number = number;
        drop(generations);
        if dropped.is_some() {
            drop(dropped);
            let _ = fs::remove_dir_all(path(&self.dir, number - 2));
        }
        Ok(())
    }

    fn forget(&self, key: &LayerKey) -> Result<(), CacheError> {
        let raw = raw(key);
        let generations = self.generations();
        for db in std::iter::once(&generations.young).chain(&generations.old) {
            db.remove(raw).map_err(|e| trouble(&self.dir, e))?;
        }
        Ok(())
    }
}

const PLACE: &str = "sled";

#[async_trait]
impl LayerCache for SledCache {
    async fn get_many(&self, keys: &[LayerKey]) -> Result<Vec<Option<Arc<LayerInventory>>>, CacheError> {
        let (inner, keys) = (self.0.clone(), keys.to_vec());
        blocking(PLACE, move || {
            let found = unpack_all(&keys, |key| inner.read(key));
            let answers = keys.iter().zip(found).map(|(key, stored)| match stored {
                Stored::Value(value) => Some(value),
                Stored::Missing => None,
                Stored::Damaged(why) => {
                    tracing::warn!(layer = %key.digest, why, "a record of the layer cache is damaged and thrown away");
                    let _ = inner.forget(key);
                    None
                }
            });
            Ok(answers.collect())
        })
        .await
    }

    async fn contains_many(&self, keys: &[LayerKey]) -> Result<Vec<bool>, CacheError> {
        let (inner, keys) = (self.0.clone(), keys.to_vec());
        blocking(PLACE, move || Ok(keys.iter().map(|key| inner.contains(key)).collect())).await
    }

    async fn put(&self, key: &LayerKey, inventory: &Arc<LayerInventory>) -> Result<(), CacheError> {
        let (inner, key, inventory) = (self.0.clone(), *key, inventory.clone());
        blocking(PLACE, move || {
            let bytes = codec::encode_inventory(&inventory).map_err(|e| trouble(&inner.dir, e))?;
            inner.write(&key, &bytes)
        })
        .await
    }

    async fn remove(&self, key: &LayerKey) -> Result<(), CacheError> {
        let (inner, key) = (self.0.clone(), *key);
        blocking(PLACE, move || inner.forget(&key)).await
    }

    async fn flush(&self) -> Result<(), CacheError> {
        let inner = self.0.clone();
        blocking(PLACE, move || {
            let generations = inner.generations();
            for db in std::iter::once(&generations.young).chain(&generations.old) {
                db.flush().map_err(|e| trouble(&inner.dir, e))?;
            }
            Ok(())
        })
        .await
    }
}
