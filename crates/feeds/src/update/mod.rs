//! From upstream to a snapshot: which sources there are, how a file is fetched, how a mirror becomes a snapshot and
//! when a new one is refused.

mod check;
mod content;
mod event;
mod fetch;
mod lock;
mod mirror;
mod repomd;
mod run;
mod sources;
mod state;

pub use check::Regression;
pub use event::{Event, Tell, quiet};
pub use fetch::{FetchError, FetchLimits};
pub use lock::LockError;
pub use mirror::{FileFailure, MirrorReport, SourceReport, mirror};
pub use run::{UpdateError, UpdateOptions, UpdateReport, update};
pub use sources::{Method, Source, Sources, SourcesError};
