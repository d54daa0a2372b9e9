//! Why a file could not be fetched, in sentences that say what happened, where, and what to do.

use std::{io, path::PathBuf, time::Duration};

use layergate_http::ClientError;
use layergate_model::Digest;

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No request can be made: a proxy's variable, the system's certificates.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Nobody answered, or the connection broke.
    #[error("{url}: {why}")]
    Unreachable {
        /// The URL, without its query.
        url: String,
        /// What happened.
        why: String,
    },
    /// The server says no.
    #[error("{url}: the server answered {status}{}", advice(*status))]
    Refused {
        /// The URL.
        url: String,
        /// The status.
        status: u16,
    },
    /// The server has no time.
    #[error("{url}: the server is busy or broken ({status}){}", retry_after.map(|w| format!(" and asks for a pause of {} s", w.as_secs())).unwrap_or_default())]
    Busy {
        /// The URL.
        url: String,
        /// The status.
        status: u16,
        /// The pause that it asks for.
        retry_after: Option<Duration>,
    },
    /// Fewer bytes came than were declared.
    #[error("{url}: the download ended after {received} of {declared} bytes")]
    Truncated {
        /// The URL.
        url: String,
        /// Bytes that came.
        received: u64,
        /// Bytes that were declared.
        declared: u64,
    },
    /// Something else came.
    #[error("{url}: what came is {found}")]
    WrongContent {
        /// The URL.
        url: String,
        /// What it is.
        found: String,
    },
    /// Other bytes came.
    #[error("{url}: what came has the digest {found}, and {wanted} was promised; it was thrown away")]
    WrongDigest {
        /// The URL.
        url: String,
        /// What was promised.
        wanted: Digest,
        /// What came.
        found: Digest,
    },
    /// Too much came.
    #[error("{url}: larger than the {limit} bytes that this source may have")]
    TooLarge {
        /// The URL.
        url: String,
        /// The cap.
        limit: u64,
    },
    /// The file could not be kept.
    #[error("cannot write {path}: {}", disk(source))]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 => " (access refused; is a proxy or a block list in between?)",
        404 | 410 => " (there is no such file any more)",
        _ => "",
    }
}

pub(crate) fn disk(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full; make room and try again".into(),
        _ => error.to_string(),
    }
}

impl FetchError {
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. } | Self::Truncated { .. })
    }

    /// Whether the server says that there is no such file.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404 | 410, .. })
    }
}
