//! Which failures of a registry are tried again: what [`SourceError::is_transient`] says, which is refused and cut
//! connections, 429 and 5xx. How often and how long in between is [`Retry`]'s.

use std::future::Future;

use layergate_http::{Again, Retry};
use layergate_ports::values::SourceError;

/// Runs `work` until it succeeds, fails for good, or has been tried often enough.
pub(crate) async fn run<T, F>(retry: Retry, work: impl FnMut() -> F) -> Result<T, SourceError>
where
    F: Future<Output = Result<T, SourceError>>,
{
    let again = |error: &SourceError| match error.retry_after() {
        _ if !error.is_transient() => Again::No,
        Some(asked) => Again::After(asked),
        None => Again::Yes,
    };
    retry.run(work, again, |error, wait| tracing::debug!(%error, ?wait, "registry request is tried again")).await
}
