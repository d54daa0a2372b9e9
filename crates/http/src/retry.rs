//! Trying again: how often, how long in between, and that a fleet does not come back in step.
//!
//! The waits grow, are bounded and spread by a jitter ([`Backoff`]). A server's `Retry-After` is obeyed; when it asks for
//! more than the longest wait, the failure is handed up with the number, and the caller decides.

use std::{future::Future, time::Duration};

use layergate_model::Backoff;
use tokio::time::Instant;

/// How persistent a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Further tries after the first.
    pub times: u64,
    /// The first wait; it doubles.
    pub first_wait: Duration,
    /// The longest wait, and the most that a `Retry-After` may ask for.
    pub longest_wait: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 4, first_wait: Duration::from_millis(400), longest_wait: Duration::from_secs(60) }
    }
}

/// Whether a failure is worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is final.
    No,
    /// It may pass.
    Yes,
    /// It may pass, and the server asks for this pause.
    After(Duration),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Times(u64),
    At(Instant),
}

/// The waits between the tries of one thing, of one client among many.
#[derive(Clone, Debug)]
pub struct Pauses {
    backoff: Backoff,
    end: End,
    tries: u64,
    /// Tells this client from all others: after a restart of the server they all come back.
    who: String,
}

impl Pauses {
    fn new(first: Duration, most: Duration, end: End) -> Self {
        Self { backoff: Backoff { first, most }, end, tries: 0, who: format!("{:016x}", rand::random::<u64>()) }
    }

    /// Waits that grow from `first_wait` to `longest_wait` until `patience` from now is over.
    pub fn within(patience: Duration, first_wait: Duration, longest_wait: Duration) -> Self {
        Self::new(first_wait, longest_wait, End::At(Instant::now() + patience))
    }

    /// The wait before the next try; `None` when there is none, or when the server asks for a longer one than may be.
    pub fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.tries += 1;
        let wait = self.backoff.after(self.tries, &self.who).max(asked.unwrap_or_default());
        let goes_on = match self.end {
            End::Times(times) => self.tries <= times,
            End::At(end) => Instant::now() + wait <= end,
        };
        (goes_on && asked.is_none_or(|asked| asked <= self.backoff.most)).then_some(wait)
    }
}

impl Retry {
    /// The waits alone, for loops that keep their own state.
    pub fn pauses(self) -> Pauses {
        Pauses::new(self.first_wait, self.longest_wait, End::Times(self.times))
    }

    /// Runs `work` until it succeeds, fails for good, or has been tried often enough; the error is then that of the last
    /// try. `again` reads a failure, `before` sees each that is tried again, and the wait before that.
    pub async fn run<T, E, F: Future<Output = Result<T, E>>>(
        self,
        mut work: impl FnMut() -> F,
        again: impl Fn(&E) -> Again,
        before: impl Fn(&E, Duration),
    ) -> Result<T, E> {
        let mut pauses = self.pauses();
        loop {
            let error = match work().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let wait = match again(&error) {
                Again::No => None,
                Again::Yes => pauses.next(None),
                Again::After(asked) => pauses.next(Some(asked)),
            };
            let Some(wait) = wait else { return Err(error) };
            before(&error, wait);
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const RETRY: Retry = Retry { times: 3, first_wait: SECOND, longest_wait: Duration::from_secs(10) };

    #[test]
    fn waits_grow_end_and_differ_between_clients() {
        let all = |mut pauses: Pauses| std::iter::from_fn(move || pauses.next(None)).collect::<Vec<_>>();
        let (one, other) = (all(RETRY.pauses()), all(RETRY.pauses()));
        assert_eq!((one.len(), other.len()), (3, 3));
        assert!((SECOND / 2..=SECOND).contains(&one[0]) && (SECOND * 2..=SECOND * 4).contains(&one[2]), "{one:?}");
        assert_ne!(one, other, "two clients in step");
        // Of a patience that is shorter than the first wait nothing is left; a long one has an end in sight.
        assert_eq!(Pauses::within(SECOND / 4, SECOND, SECOND).next(None), None);
        assert!(Pauses::within(SECOND * 60, SECOND, SECOND).next(None).is_some());
    }

    #[test]
    fn servers_may_ask_for_a_pause_but_not_for_any() {
        assert_eq!(RETRY.pauses().next(Some(SECOND * 9)), Some(SECOND * 9));
        assert_eq!(RETRY.pauses().next(Some(SECOND * 11)), None);
        assert!(
            RETRY.pauses().next(Some(Duration::ZERO)).is_some_and(|wait| wait >= SECOND / 2),
            "it comes back at once"
        );
    }

    #[tokio::test]
    async fn what_is_tried_again() {
        let retry = Retry { first_wait: Duration::ZERO, ..RETRY };
        for (again, answers_at, tries, good) in [
            (Again::Yes, 2, 2, true),
            (Again::Yes, 9, 4, false),
            (Again::No, 2, 1, false),
            (Again::After(SECOND * 11), 2, 1, false),
        ] {
            let (tried, reported) = (Cell::new(0), Cell::new(0));
            let work = || {
                tried.set(tried.get() + 1);
                let result = if tried.get() >= answers_at { Ok(()) } else { Err("busy") };
                async move { result }
            };
            let result = retry.run(work, |_| again, |_, _| reported.set(reported.get() + 1)).await;
            assert_eq!((tried.get(), result.is_ok(), reported.get()), (tries, good, tries - 1), "{again:?}");
        }
    }
}
