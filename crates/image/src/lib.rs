//! Ordered layer inventories to one image inventory: overlay, ownership, provenance, base image, config checks.
//!
//! Everything here is a pure function of its arguments. [`merge`] is the way in; [`checks::CATALOGUE`] lists what an
//! image's configuration is held against.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod base;
pub mod checks;
mod contradiction;
mod distro;
mod every_layer;
mod evidence;
mod installed;
mod links;
mod merge;
mod orphaned;
mod overlay;
mod ownership;
mod packages;
mod removed;
mod repositories;
mod spread;
mod tree;
mod twofold;
mod view;

pub use links::{Look, Looks, Readers, looks};
pub use merge::{MergeLayer, MergeOptions, merge};
