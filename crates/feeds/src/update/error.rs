//! Why an update ends without a new snapshot.

use std::{io, path::PathBuf};

use layergate_advisory::OpenError;

use super::{
    check::Regression,
    fetch_error::{FetchError, disk},
    lock::LockError,
};
use crate::FeedsError;

/// Why there is no new snapshot. The old one is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// Another update is at work.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Nothing could be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// No source gave anything.
    #[error("no advisory source could be reached: {}; is this machine offline? (a prebuilt snapshot can be used with --db)", .0)]
    NothingCame(String),
    /// The snapshot could not be built.
    #[error(transparent)]
    Build(#[from] FeedsError),
    /// The new snapshot cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It lost too much.
    #[error("the new advisories are refused, the old ones stay in force: {}; --force takes them nevertheless", list(.0))]
    Regressed(Vec<Regression>),
    /// A file could not be kept.
    #[error("cannot write {path}: {}", disk(source))]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn list(regressions: &[Regression]) -> String {
    const SHOWN: usize = 5;
    let mut text: Vec<String> = regressions.iter().take(SHOWN).map(ToString::to_string).collect();
    if regressions.len() > SHOWN {
        text.push(format!("and {} more", regressions.len() - SHOWN));
    }
    text.join(", ")
}
