//! Why there is no client for a request.

/// Why no request can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// A proxy's variable cannot be used. Its value may hold a password and is not repeated.
    #[error(
        "the environment variable {variable} names no proxy that can be used: {why}; write http://HOST:PORT, or unset it"
    )]
    Proxy {
        /// The variable.
        variable: &'static str,
        /// What is wrong with its value.
        why: &'static str,
    },
    /// The system's certificates are missing or cannot be used.
    #[error("{0}; install them (ca-certificates), or name them with SSL_CERT_FILE")]
    Certificates(String),
    /// The HTTP library refuses.
    #[error("the HTTP client cannot be made: {0}")]
    Library(String),
}
