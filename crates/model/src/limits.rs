//! The deterministic limits of reading a layer. They are part of a layer's cache key, for they decide what is in its
//! inventory; time and memory are not among them.

use serde::{Deserialize, Serialize};

/// What one layer may cost. Every limit that ends a reading becomes a gap that names the limit and its number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Limits {
    /// Compressed bytes of one layer.
    pub max_layer_bytes: u64,
    /// Bytes of one layer after decompression.
    pub max_unpacked_bytes: u64,
    /// Unpacked bytes for each compressed byte, once more than 64 MiB have come out.
    pub max_ratio: u64,
    /// Entries of one layer.
    pub max_entries: u64,
    /// Bytes of one path.
    pub max_path_bytes: u32,
    /// Bytes of one file that an analyzer wants whole.
    pub max_file_bytes: u64,
    /// Archives in archives (JAR in WAR in EAR).
    pub max_nesting: u32,
    /// Window of a zstd frame or dictionary of an xz stream, in bytes.
    pub max_window_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_layer_bytes: 10 << 30,
            max_unpacked_bytes: 64 << 30,
            max_ratio: 200,
            max_entries: 5_000_000,
            max_path_bytes: 4096,
            max_file_bytes: 1 << 30,
            max_nesting: 8,
            max_window_bytes: 128 << 20,
        }
    }
}

impl Limits {
    /// The limits in one line, as they stand in a report and in a layer's key.
    pub fn fingerprint(&self) -> String {
        format!(
            "layer={},unpacked={},ratio={},entries={},path={},file={},nesting={},window={}",
            self.max_layer_bytes,
            self.max_unpacked_bytes,
            self.max_ratio,
            self.max_entries,
            self.max_path_bytes,
            self.max_file_bytes,
            self.max_nesting,
            self.max_window_bytes
        )
    }
}
