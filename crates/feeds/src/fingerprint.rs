//! A cheap name for the state of a directory of feeds: paths, sizes and times of change, not contents.
//!
//! A snapshot compiled from a directory is cached under this; it changes with any file, with the catalogue's revision
//! and with the snapshot format.

use std::{fs, io, path::Path, time::UNIX_EPOCH};

use layergate_advisory::FORMAT_VERSION;
use layergate_model::Digest;

use crate::CATALOGUE_REVISION;

/// The fingerprint of everything below `dir`.
pub fn directory_fingerprint(dir: &Path) -> io::Result<Digest> {
    let mut text = format!("layergate feeds {CATALOGUE_REVISION} {FORMAT_VERSION} {}\n", env!("CARGO_PKG_VERSION"));
    let mut folders = vec![dir.to_owned()];
    let mut lines = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if meta.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let changed = meta.modified().ok().and_then(|m| m.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
            let path = entry.path();
            let path = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().into_owned();
            lines.push(format!("{path}\0{}\0{}\n", meta.len(), changed.as_nanos()));
        }
    }
    lines.sort_unstable();
    lines.iter().for_each(|line| text.push_str(line));
    Ok(Digest::of(text.as_bytes()))
}
