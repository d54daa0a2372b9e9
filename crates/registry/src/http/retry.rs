//! Trying again: which failures, how often, and how long in between.
//!
//! Only what [`SourceError::is_transient`] says is tried again: refused and cut connections, 429 and 5xx. The waits
//! grow and are jittered, so that a fleet does not come back in step. A server's `Retry-After` is obeyed; when it asks
//! for more than the cap, the failure is handed up with the number, and the job's queue waits instead of a worker.

use std::{future::Future, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use layergate_ports::values::SourceError;

/// How persistent a registry client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Further tries after the first.
    pub times: usize,
    /// The first wait; it doubles.
    pub first_wait: Duration,
    /// The longest wait, and the most that a `Retry-After` may ask for.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { times: 4, first_wait: Duration::from_millis(400), longest_wait: Duration::from_secs(60) }
    }
}

impl RetryPolicy {
    /// Runs `work` until it succeeds, fails for good, or has been tried often enough.
    pub(crate) async fn run<T, W, F>(self, work: W) -> Result<T, SourceError>
    where
        W: FnMut() -> F,
        F: Future<Output = Result<T, SourceError>>,
    {
        work.retry(self.waits())
            .when(SourceError::is_transient)
            .adjust(move |error: &SourceError, next| match error.retry_after() {
                Some(asked) if asked > self.longest_wait => None,
                Some(asked) => next.map(|planned| planned.max(asked)),
                None => next,
            })
            .notify(|error, wait| tracing::debug!(%error, ?wait, "registry request is tried again"))
            .await
    }

    /// The waits alone, for loops that keep their own state.
    pub(crate) fn waits(self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .with_max_times(self.times)
            .with_jitter()
    }
}
