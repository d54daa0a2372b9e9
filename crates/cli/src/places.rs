//! Where things lie on this machine: the data directory (snapshots) and the cache directory (layer inventories,
//! compiled directories of advisories), by the XDG base directory specification.

use std::path::PathBuf;

/// `$LAYERGATE_DATA_DIR`, `$XDG_DATA_HOME/layergate` or `~/.local/share/layergate`.
pub(crate) fn data_dir() -> PathBuf {
    directory("LAYERGATE_DATA_DIR", "XDG_DATA_HOME", ".local/share")
}

/// `$LAYERGATE_CACHE_DIR`, `$XDG_CACHE_HOME/layergate` or `~/.cache/layergate`.
pub(crate) fn cache_dir() -> PathBuf {
    directory("LAYERGATE_CACHE_DIR", "XDG_CACHE_HOME", ".cache")
}

fn directory(own: &str, xdg: &str, home: &str) -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set(own).unwrap_or_else(|| {
        let base = set(xdg).filter(|p| p.is_absolute());
        let base = base.or_else(|| set("HOME").map(|h| h.join(home)));
        // A process without a home (a container's arbitrary user) keeps its things where temporary ones go.
        base.unwrap_or_else(std::env::temp_dir).join("layergate")
    })
}
