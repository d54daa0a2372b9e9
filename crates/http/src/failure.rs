//! Why a request failed, in a sentence without the URL: the HTTP library's own repeat it with its query.

use std::{error::Error as _, io};

/// At which step a request failed, as far as advice differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing listens on the port.
    Refused,
    /// The host's name does not resolve.
    Name,
    /// TLS: a certificate that is not trusted, or a server that does not speak it.
    Tls,
    /// Anything else: time, a cut connection, a proxy.
    Other,
}

impl Failure {
    /// Reads the causes of an error.
    pub fn of(error: &reqwest::Error) -> Self {
        let mut source = error.source();
        while let Some(inner) = source {
            if let Some(io) = inner.downcast_ref::<io::Error>()
                && io.kind() == io::ErrorKind::ConnectionRefused
            {
                return Self::Refused;
            }
            let text = inner.to_string();
            if text.contains("dns error") || text.contains("failed to lookup address") {
                return Self::Name;
            }
            if inner.is::<rustls::Error>() || text.contains("certificate") || text.contains("InvalidContentType") {
                return Self::Tls;
            }
            source = inner.source();
        }
        Self::Other
    }
}

/// Whether the handshake got as far as a certificate.
pub fn mentions_certificate(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.to_string().contains("certificate") {
            return true;
        }
        source = inner.source();
    }
    false
}

/// What happened, with the innermost cause: `no TLS connection could be made: invalid peer certificate: Expired`.
pub fn describe(error: &reqwest::Error) -> String {
    let what = match Failure::of(error) {
        Failure::Refused => return "the connection was refused".into(),
        Failure::Name => "the host's name cannot be resolved",
        Failure::Tls => "no TLS connection could be made",
        Failure::Other if error.is_timeout() && error.is_connect() => {
            return "no connection within the time allowed".into();
        }
        Failure::Other if error.is_timeout() => return "nothing came within the time allowed".into(),
        Failure::Other if error.is_connect() => "no connection could be made",
        Failure::Other if error.is_redirect() => "a redirect was refused",
        Failure::Other if error.is_body() || error.is_decode() => "the connection broke before the answer was complete",
        Failure::Other => "the request failed",
    };
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(|c| c.source()) {
        cause = Some(inner);
    }
    let text = cause.map(|cause| layergate_model::one_line(cause.to_string().trim(), 200));
    text.map_or_else(|| what.to_owned(), |text| format!("{what}: {}", text.trim()))
}
