//! Where things lie on this machine: the data directory (snapshots) and the cache directory (layer inventories,
//! compiled directories of advisories), by the XDG base directory specification.

use std::{path::PathBuf, sync::OnceLock};

/// The directories that flags, environment or configuration named; set once, before anything is looked for.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// `--data-dir`.
    pub(crate) data: Option<PathBuf>,
    /// `--cache-dir`.
    pub(crate) cache: Option<PathBuf>,
}

static NAMED: OnceLock<Named> = OnceLock::new();

/// Sets what was named, once.
pub(crate) fn name(named: Named) {
    // The first one holds; there is one call, in `main`.
    let _ = NAMED.set(named);
}

fn named() -> &'static Named {
    NAMED.get_or_init(Named::default)
}

/// `--data-dir`, else `$XDG_DATA_HOME/layergate` or `~/.local/share/layergate`.
pub(crate) fn data_dir() -> PathBuf {
    named().data.clone().unwrap_or_else(|| directory("XDG_DATA_HOME", ".local/share"))
}

/// `--cache-dir`, else `$XDG_CACHE_HOME/layergate` or `~/.cache/layergate`.
pub(crate) fn cache_dir() -> PathBuf {
    named().cache.clone().unwrap_or_else(|| directory("XDG_CACHE_HOME", ".cache"))
}

/// `--cache-dir`, else a directory beside what other commands keep: a worker's cache has one process.
pub(crate) fn worker_cache_dir() -> PathBuf {
    named().cache.clone().unwrap_or_else(|| cache_dir().join("worker"))
}

fn directory(xdg: &str, home: &str) -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = set(xdg).filter(|p| p.is_absolute());
    let base = base.or_else(|| set("HOME").map(|h| h.join(home)));
    base.map(|base| base.join("layergate")).unwrap_or_else(temporary)
}

/// A process without a home (a container's arbitrary user) keeps its things where temporary ones go, under its own
/// number: another user's of the same name would not be its own.
fn temporary() -> PathBuf {
    let user = layergate_local::user().map_or_else(|| "unknown".to_owned(), |user| user.to_string());
    std::env::temp_dir().join(format!("layergate-{user}"))
}

/// The key that seals kept reports, made when there is none: 32 bytes in `$XDG_STATE_HOME/layergate/seal` or
/// `~/.local/state/layergate/seal`, which no cache of a CI system holds. `None` where there is no place that is this
/// user's alone; then no reports are kept.
pub(crate) fn seal() -> Option<[u8; 32]> {
    use std::io::Write;
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").filter(|p| p.is_absolute());
    let dir = state.or_else(|| set("HOME").map(|h| h.join(".local/state")))?.join("layergate");
    let file = dir.join("seal");
    let read = || -> Option<[u8; 32]> {
        layergate_local::check_private(&dir).and_then(|()| layergate_local::check_private(&file)).ok()?;
        std::fs::read(&file).ok()?.try_into().ok()
    };
    if let Some(key) = read() {
        return Some(key);
    }
    layergate_local::create_private(&dir).ok()?;
    let mut key = [0; 32];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut key).ok()?;
    let mut fresh = layergate_disk::NewFile::in_directory(&dir, layergate_disk::Access::Private).ok()?;
    fresh.write_all(&key).ok()?;
    // Of two processes at once the first one's key holds for both.
    match fresh.name_new(&file) {
        Ok(_) => Some(key),
        Err(_) => read(),
    }
}
