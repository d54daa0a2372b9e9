//! How long to wait before the next try: exponential, bounded, spread by a jitter that is a function of who and when, so
//! that a simulation replays and a thousand workers still do not come back in one moment.

use std::time::Duration;

use crate::Digest;

/// Waiting times between tries of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait.
    pub first: Duration,
    /// The longest wait.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), most: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// The wait after `attempt` tries (from 1): between half of the full wait and the whole, chosen by `who`.
    pub fn after(&self, attempt: u64, who: &str) -> Duration {
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(30);
        let full = self.first.saturating_mul(1 << doublings).min(self.most);
        let hash = Digest::of(format!("{who}\n{attempt}").as_bytes());
        let fraction = f64::from(u16::from_be_bytes([hash.as_bytes()[0], hash.as_bytes()[1]])) / f64::from(u16::MAX);
        full.mul_f64(0.5 + fraction / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_bound_and_differ() {
        let backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_secs(1) };
        for (attempt, full) in [(1, 100), (2, 200), (4, 800), (5, 1000), (u64::MAX, 1000)] {
            let wait = backoff.after(attempt, "a").as_millis();
            assert!((full / 2..=full).contains(&wait), "{attempt}: {wait}");
        }
        assert_eq!(backoff.after(3, "a"), backoff.after(3, "a"));
        assert_ne!(backoff.after(3, "a"), backoff.after(3, "b"));
    }
}
