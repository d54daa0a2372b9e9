//! What follows one attempt at a layer: done, another try, a failure record, quarantine (invariant 3: none of the last
//! three is ever a cached value).
//!
//! The number of deliveries is the only memory: it survives whoever dies. A source that fails is given up after
//! `source_attempts`; a layer that kills or stalls its workers goes to quarantine after `quarantine_after` deliveries.

use std::time::Duration;

use layergate_model::{Backoff, GapKind};
use layergate_ports::{
    FailureKind, LayerFailure,
    observe::LayerEnd,
    values::{LayerKey, SourceId},
};

/// How often and how long to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Deliveries of one task, transient failures of its source included, after which the source has failed for good.
    pub source_attempts: u64,
    /// Deliveries after which a layer goes to quarantine. More than `source_attempts`.
    pub quarantine_after: u64,
    /// Waits between tries.
    pub backoff: Backoff,
    /// How long a failure of a source is believed by those who wait for it. A worker makes it three ack waits at least:
    /// a job that lost the event must still find the record when it looks again.
    pub failure_ttl: Duration,
    /// How long a layer rests in quarantine.
    pub quarantine_ttl: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            source_attempts: 4,
            quarantine_after: 8,
            backoff: Backoff::default(),
            failure_ttl: Duration::from_secs(90),
            quarantine_ttl: Duration::from_secs(15 * 60),
        }
    }
}

/// How an attempt at a layer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Its inventory is stored now.
    Stored,
    /// It was in the cache already.
    AlreadyThere,
    /// The source did not give the bytes this time.
    Transient {
        /// What happened.
        detail: String,
        /// How long the source asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The source will not give the bytes to this task, however often it is asked.
    Refused {
        /// What it is in a report.
        gap: GapKind,
        /// What happened.
        detail: String,
    },
    /// The reading did not end in time, or something in it failed that is no fault of the source.
    Stalled {
        /// What happened.
        detail: String,
    },
    /// Our own stores did not answer: nobody's fault but ours.
    LocalError {
        /// What happened.
        detail: String,
    },
    /// The message cannot be read by this version.
    Undecodable {
        /// What is wrong with it.
        detail: String,
    },
    /// The worker stops.
    HandedBack,
}

/// What to do with the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Report that the layer is there, and ack.
    Done(LayerEnd),
    /// Hand the message back.
    Again {
        /// For how long it should rest.
        delay: Duration,
        /// How that is counted.
        end: LayerEnd,
    },
    /// Write the failure record, take the message off the queue, and show that the layer failed.
    GiveUp {
        /// The record.
        failure: LayerFailure,
        /// How long it is believed.
        ttl: Duration,
        /// How that is counted.
        end: LayerEnd,
    },
}

/// What follows `attempt`, the `deliveries`-th of the task of `key` from `source` (unknown when the message cannot be
/// read).
pub fn after(
    attempt: &Attempt,
    key: &LayerKey,
    source: Option<SourceId>,
    deliveries: u64,
    policy: &RetryPolicy,
) -> Next {
    let wait = || policy.backoff.after(deliveries, &key.to_string());
    let quarantine = |detail: String| Next::GiveUp {
        failure: LayerFailure { kind: FailureKind::Quarantined, gap: GapKind::Quarantined, detail },
        ttl: policy.quarantine_ttl,
        end: LayerEnd::Quarantined,
    };
    let refuse = |gap, detail: String| {
        let kind = source.map_or(FailureKind::Quarantined, FailureKind::Source);
        Next::GiveUp { failure: LayerFailure { kind, gap, detail }, ttl: policy.failure_ttl, end: LayerEnd::Failed }
    };
    match attempt {
        Attempt::Stored => Next::Done(LayerEnd::Stored),
        Attempt::AlreadyThere => Next::Done(LayerEnd::AlreadyThere),
        Attempt::HandedBack => Next::Again { delay: Duration::ZERO, end: LayerEnd::HandedBack },
        Attempt::Refused { gap, detail } => refuse(*gap, detail.clone()),
        Attempt::Undecodable { detail } => quarantine(format!("the task cannot be read: {detail}")),
        Attempt::Transient { detail, .. } if deliveries >= policy.source_attempts => {
            refuse(GapKind::LayerUnavailable, detail.clone())
        }
        Attempt::Transient { retry_after, .. } => {
            Next::Again { delay: wait().max(retry_after.unwrap_or_default()), end: LayerEnd::Retried }
        }
        Attempt::Stalled { detail } if deliveries >= policy.quarantine_after => {
            quarantine(format!("tried {deliveries} times, the last time: {detail}"))
        }
        // Our own trouble never quarantines anything: the layer is not at fault, and jobs have deadlines.
        Attempt::Stalled { .. } | Attempt::LocalError { .. } => Next::Again { delay: wait(), end: LayerEnd::Retried },
    }
}

impl RetryPolicy {
    /// The quarantine of a layer that has been delivered too often, decided before its message is even parsed.
    pub fn delivered_too_often(&self, deliveries: u64) -> Option<Next> {
        (deliveries > self.quarantine_after).then(|| Next::GiveUp {
            failure: LayerFailure {
                kind: FailureKind::Quarantined,
                gap: GapKind::Quarantined,
                detail: format!(
                    "workers took the layer up {} times and none came to an end with it; it rests for {} s",
                    deliveries - 1,
                    self.quarantine_ttl.as_secs()
                ),
            },
            ttl: self.quarantine_ttl,
            end: LayerEnd::Quarantined,
        })
    }
}

#[cfg(test)]
mod tests {
    use layergate_model::{Digest, Limits};

    use super::*;
    use layergate_ports::values::KeyScope;

    #[test]
    fn each_end_has_its_consequence() {
        let scope = KeyScope { namespace: Default::default(), analyzers: "a".into(), limits: Limits::default() };
        let key = scope.fingerprint().key(Digest::of(b"l"));
        let policy = RetryPolicy::default();
        let transient = |after| Attempt::Transient { detail: "503".into(), retry_after: after };
        let end = |attempt: &Attempt, deliveries| match after(attempt, &key, None, deliveries, &policy) {
            Next::Done(end) | Next::Again { end, .. } | Next::GiveUp { end, .. } => end,
        };
        let stalled = Attempt::Stalled { detail: "no bytes".into() };
        let trouble = Attempt::LocalError { detail: "no server".into() };
        for (attempt, deliveries, want) in [
            (&Attempt::Stored, 99, LayerEnd::Stored),
            (&Attempt::AlreadyThere, 1, LayerEnd::AlreadyThere),
            (&Attempt::HandedBack, 99, LayerEnd::HandedBack),
            (&transient(None), 3, LayerEnd::Retried),
            (&transient(None), 4, LayerEnd::Failed),
            (&stalled, 7, LayerEnd::Retried),
            (&stalled, 8, LayerEnd::Quarantined),
            (&trouble, 8, LayerEnd::Retried),
            (&Attempt::Undecodable { detail: String::new() }, 1, LayerEnd::Quarantined),
        ] {
            assert_eq!(end(attempt, deliveries), want, "{attempt:?} {deliveries}");
        }
        let asked = Duration::from_secs(45);
        let Next::Again { delay, .. } = after(&transient(Some(asked)), &key, None, 1, &policy) else { panic!() };
        assert_eq!(delay, asked);
        assert!(policy.delivered_too_often(8).is_none() && policy.delivered_too_often(9).is_some());
    }
}
