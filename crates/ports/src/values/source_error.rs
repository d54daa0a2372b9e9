//! Why an image or a layer could not be had. It travels in verdict records, so that a client of the fleet reads the
//! same sentence as somebody who scans alone.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// What went wrong with a source: where, what, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// The reference, URL, file or digest.
    pub place: String,
    /// What happened.
    pub what: String,
    /// What to do about it; may be empty.
    pub advice: String,
}

impl ErrorDetail {
    /// ErrorDetail at `place`.
    pub fn new(place: impl Into<String>, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into(), advice: advice.into() }
    }
}

impl fmt::Display for ErrorDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}

/// Why an image or a layer could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceError {
    /// There is no such image, platform, blob or file (404).
    #[error("not found: {0}")]
    NotFound(ErrorDetail),
    /// The registry wants other credentials (401, 403).
    #[error("not allowed: {0}")]
    Unauthorized(ErrorDetail),
    /// A Helm chart, a signature, an SBOM: something else than an image.
    #[error("not an image: {0}")]
    NotAnImage(ErrorDetail),
    /// An image of a kind that is refused (Docker schema 1).
    #[error("not supported: {0}")]
    Unsupported(ErrorDetail),
    /// The source is out of reach or busy: another try may succeed.
    #[error("out of reach: {trouble}")]
    Unavailable {
        /// What happened.
        trouble: ErrorDetail,
        /// How long the source asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The source's answer is not what it must be: a wrong digest, a broken manifest.
    #[error("malformed: {0}")]
    Malformed(ErrorDetail),
}

impl SourceError {
    /// Whether another try later may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// How long the source asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
