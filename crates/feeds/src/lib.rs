//! Upstream advisory feeds to a snapshot: walk a directory or its archives, recognise each feed by its content, parse,
//! merge, build.
//!
//! Each feed is one file under `feeds/` and one line in [`catalogue`]. A parser turns one file into records; it never
//! sees the disk, and a record that does not parse is counted and named without sinking the rest.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod build;
pub mod bytes;
mod catalogue;
mod csv;
mod cvss_score;
mod ecosystem;
mod eol;
mod feed;
mod feeds;
mod fingerprint;
mod floors;
mod known_unused;
mod oval;
mod oval_criteria;
mod rpm_rows;
mod update;
mod walk;

pub use build::{BuildReport, FeedsError, Progress, RecordProblem, UnusedFile, build_from_dir, build_from_dir_with};
pub use catalogue::{CATALOGUE_REVISION, catalogue_ids, known_feeds};
pub use ecosystem::{ECOSYSTEMS, Read};
pub use fingerprint::directory_fingerprint;
pub use update::{
    Event, EventSink, Expected, FetchError, FetchLimits, FileFailure, LockError, Method, MirrorReport, Regression,
    Source, SourceReport, Sources, SourcesError, UpdateError, UpdateOptions, UpdateReport, expected, mirror, quiet,
    regressions, update,
};
