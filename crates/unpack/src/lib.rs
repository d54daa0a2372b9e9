//! Compressed bytes to a bounded stream of tar entries. Knows only the model; opens nothing and writes nothing.
//!
//! A layer is written by an adversary: no length field is trusted, nothing is allocated because a header says so, and
//! every bound that ends a reading is an [`UnpackError::Limit`] that names itself and its number.
//!
//! ```
//! use layergate_model::Limits;
//! use layergate_unpack::{Archive, decompress};
//! # let blob: &[u8] = &[0; 1024];
//! let limits = Limits::default();
//! let mut archive = Archive::new(decompress(blob, &limits)?, &limits);
//! while let Some(entry) = archive.next_entry()? {
//!     println!("{} {:?}", entry.path, entry.kind);
//! }
//! # Ok::<(), layergate_unpack::UnpackError>(())
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod archive;
mod decompress;
mod error;
mod extended;
mod hashed;
mod header;
mod sparse;

pub use archive::{Archive, Entry};
pub use decompress::{Compression, Decompressed, decompress};
pub use error::UnpackError;
pub use hashed::{Hashed, HashedSummary, with_hash};
pub use header::is_tar;
