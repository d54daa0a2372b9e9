//! From upstream to a snapshot: which sources there are, how a file is fetched, how a mirror becomes a snapshot and
//! when a new one is refused.

mod check;
mod content;
mod event;
mod expected;
mod fetch;
mod fetch_error;
mod lock;
mod mirror;
pub(crate) mod repomd;
mod run;
mod sources;
mod state;

pub use check::Regression;
pub use event::{Event, EventSink, quiet};
pub use expected::{Expected, expected};
pub use fetch::FetchLimits;
pub use fetch_error::FetchError;
pub use lock::LockError;
pub use mirror::{FileFailure, MirrorReport, SourceReport, mirror};
pub use run::{UpdateError, UpdateOptions, UpdateReport, update};
pub use sources::{Method, Source, Sources, SourcesError};
