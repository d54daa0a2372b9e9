//! What a layer contains: the [`Analyzer`]s, one file each under `analyzers/`, one visible [`Catalogue`], and the one
//! pass that feeds them ([`inventory_layer`]).
//!
//! A layer inventory is a pure function of the layer's bytes, the analyzers' revisions and the limits. Nothing here
//! knows a network; the only files are unlinked temporary ones for claimed files that are too large for memory.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod analyzer;
pub mod analyzers;
mod catalogue;
mod gathered;
mod layer;
pub mod links;
mod place;
mod spool;
#[cfg(test)]
mod testing;

pub use analyzer::{AnalyzeError, Analyzer, Entry, File, Interest};
pub use catalogue::Catalogue;
pub use layer::{LayerError, inventory_layer, look_again};
pub use spool::{Scratch, Spool};
