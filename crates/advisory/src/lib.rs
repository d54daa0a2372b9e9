//! The snapshot: every advisory of every feed in one immutable, memory-mapped file.
//!
//! Feeds give [`Record`]s; the [`Builder`] collapses aliases (one vulnerability, one entry in the vulnerability table),
//! sorts everything and writes the file; [`Snapshot`] maps it and answers look-ups by namespace and package name
//! without reading the rest. `layout.rs` describes the bytes. Nothing here knows what a feed looks like or what a match
//! is.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod build_error;
mod builder;
mod collapse;
mod consulted;
mod delta;
mod diff;
mod encode;
mod entry;
mod floors;
mod format2;
mod intern;
mod layout;
mod manifest;
mod namespace;
mod pools;
mod programs;
mod record;
mod red_hat_streams;
mod registries;
mod shares;
mod signals;
mod snapshot;
mod title;
mod vulnerability;

pub use build_error::BuildError;
pub use builder::Builder;
pub use consulted::{Consulted, Question};
pub use delta::{DeltaError, apply_delta, delta};
pub use diff::{Change, ChangeKind, diff};
pub use entry::{Entries, Entry, List, Ranges};
pub use floors::{Floor, FloorOf};
pub use layergate_model::distributions::{
    Cut, DEBIAN_CODENAMES, DISTRIBUTIONS, Distribution, Names, UBUNTU_CODENAMES, begins_with, codename, hosts,
    is_below, oracle_flavour,
};
pub use layergate_model::unjudged::{UNJUDGED, unjudged};
pub use layout::{FORMAT_VERSION, OLDEST_FORMAT};
pub use manifest::{Completeness, Coverage, EndOfLife, FeedInfo, FeedSummary, Manifest};
pub use namespace::{Namespace, NamespaceError};
pub use programs::{PROGRAMS, Program, program_version};
pub use record::{Affected, Day, End, Rating, Record, Start, VersionRange};
pub use red_hat_streams::{Repository, STREAM_FAMILIES, built_for, stream_family};
pub use registries::{REGISTRIES, registry};
pub use snapshot::{OpenError, PackageKey, Snapshot};
pub use vulnerability::Vulnerability;
