//! Why a file could not be fetched, in sentences that say what happened, where, and what to do.

use std::{io, path::PathBuf, time::Duration};

use layergate_model::Digest;
use url::Url;

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
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

/// A URL without what may be secret.
pub(crate) fn shown(url: &Url) -> String {
    let mut plain = url.clone();
    plain.set_query(None);
    plain.set_fragment(None);
    // Both only fail on URLs that have no host, which have no user either.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.to_string()
}

/// The outermost and the innermost cause; reqwest's own words repeat the URL with its query.
pub(super) fn reason(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "nothing came within the time allowed"
    } else if error.is_connect() {
        "no connection could be made"
    } else if error.is_redirect() {
        "a redirect was refused"
    } else if error.is_body() || error.is_decode() {
        "the connection broke before the answer was complete"
    } else {
        "the request failed"
    };
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    match cause {
        Some(cause) => format!("{what} ({})", cause.to_string().chars().take(200).collect::<String>()),
        None => what.to_owned(),
    }
}
