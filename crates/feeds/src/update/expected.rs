//! How much an update will fetch, asked before it begins: whoever starts a download of hundreds of megabytes by a scan
//! is reported so first.

use std::sync::Arc;

use futures::{StreamExt as _, stream};

use super::{
    error::UpdateError,
    event::EventSink,
    fetch::Fetcher,
    mirror::plan,
    options::UpdateOptions,
    sources::{Method, join},
};

/// What there is to fetch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Files that servers reported the size of.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files whose size nobody reported: they may be missing, or lie behind another document.
    pub unknown: usize,
}

/// Asks for the sizes of all files, and for nothing else. What does not answer is counted, not waited for; where
/// nothing answers at all that is the error.
pub async fn expected(options: &UpdateOptions, sink: EventSink) -> Result<Expected, UpdateError> {
    let fetcher = Fetcher::new(options.limits, Arc::clone(&sink));
    fetcher.unless_silent(sizes(options, &fetcher)).await.map_err(UpdateError::NothingCame)?
}

async fn sizes(options: &UpdateOptions, fetcher: &Fetcher) -> Result<Expected, UpdateError> {
    let jobs = plan(&options.sources, fetcher).await?;
    let sizes = jobs.into_iter().map(async |job| match (job.bytes, job.method) {
        (Some(bytes), _) => Some(bytes),
        (None, Method::File) => fetcher.size(&join(&job.base, &job.path).ok()?).await,
        (None, _) => None,
    });
    let sizes: Vec<Option<u64>> = stream::iter(sizes).buffer_unordered(options.limits.parallel.max(1)).collect().await;
    let known = || sizes.iter().flatten();
    Ok(Expected { files: known().count(), bytes: known().sum(), unknown: sizes.len() - known().count() })
}
