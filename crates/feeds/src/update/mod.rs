//! From upstream to a snapshot: which sources there are, how a file is fetched, how a mirror becomes a snapshot and
//! when a new one is refused.

mod check;
mod content;
mod error;
mod event;
mod expected;
mod fetch;
mod fetch_error;
mod lock;
mod mirror;
mod options;
pub(crate) mod repomd;
mod run;
mod sources;
mod state;

pub use check::{Regression, regressions};
pub use error::UpdateError;
pub use event::{Event, EventSink, quiet};
pub use expected::{Expected, expected};
pub use fetch::FetchLimits;
pub use fetch_error::FetchError;
pub use lock::LockError;
pub use mirror::{FileFailure, MirrorReport, SourceReport, mirror};
pub use options::UpdateOptions;
pub use run::{UpdateReport, update};
pub use sources::{Method, Source, Sources, SourcesError};
