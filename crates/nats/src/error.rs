//! What goes wrong between us and the server.

use layergate_ports::{CacheError, QueueError, SnapshotError, StoreError};

/// Options that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{option}: {why}")]
pub struct OptionsError {
    /// Which.
    pub option: &'static str,
    /// What is wrong with it and what to do.
    pub why: String,
}

/// Why no fleet could be had.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The options make no sense.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// A file with an identity or a certificate cannot be used.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What happened.
        #[source]
        source: std::io::Error,
    },
    /// No server answers, or it does not let us in.
    #[error("NATS at {urls} cannot be used: {why}")]
    Unreachable {
        /// The servers, without passwords.
        urls: String,
        /// What happened.
        why: String,
    },
    /// The server is too old: it would ignore what it does not know.
    #[error("NATS server {version} at {urls} is too old: layergate needs 2.12 or later (single flight, TTLs)")]
    TooOld {
        /// The servers.
        urls: String,
        /// Its version.
        version: String,
    },
    /// JetStream is off.
    #[error("NATS at {urls} has JetStream off: start nats-server with `-js`, or enable it for the account")]
    NoJetStream {
        /// The servers.
        urls: String,
    },
    /// A stream is there, but not as it must be.
    #[error(
        "the stream {stream} is not as this fleet needs it: {differences}. Give all processes the same options, or, \
         to have it made anew, delete it (what it holds is lost)"
    )]
    Different {
        /// The stream.
        stream: String,
        /// `field: there … needed …`, separated by commas.
        differences: String,
    },
    /// A stream cannot be made.
    #[error("the stream {stream} cannot be made: {why}")]
    Refused {
        /// The stream.
        stream: String,
        /// What the server says.
        why: String,
    },
}

/// An operation that failed for good, for now: what it was on, and what happened.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{place}: {what}")]
pub struct NatsError {
    /// The stream, bucket or subject.
    pub place: String,
    /// What happened, the operation named.
    pub what: String,
    /// There is no room on the server.
    pub full: bool,
}

impl NatsError {
    pub(crate) fn new(place: impl Into<String>, what: impl ToString) -> Self {
        Self { place: place.into(), what: what.to_string(), full: false }
    }

    pub(crate) fn full(place: impl Into<String>) -> Self {
        let what = "there is no room: give NATS more disk, or take something away".to_owned();
        Self { place: place.into(), what, full: true }
    }
}

impl From<NatsError> for QueueError {
    fn from(NatsError { place, what, .. }: NatsError) -> Self {
        Self::Unavailable { place, what }
    }
}

impl From<NatsError> for StoreError {
    fn from(NatsError { place, what, full }: NatsError) -> Self {
        Self { place, what, full }
    }
}

impl From<NatsError> for CacheError {
    fn from(NatsError { place, what, .. }: NatsError) -> Self {
        Self { place, what }
    }
}

impl From<NatsError> for SnapshotError {
    fn from(NatsError { place, what, .. }: NatsError) -> Self {
        Self::Unavailable { place, what }
    }
}
