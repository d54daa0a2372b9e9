//! Registries over HTTP (OCI distribution spec v1.1, pull).

mod blob;
mod challenge;
mod repository;
mod retry;
mod said;
mod token;
mod transport;

pub(crate) use repository::{Repository, Slots};
pub(crate) use retry::run as with_retries;
pub(crate) use transport::Transport;

pub use transport::Timeouts;

/// Whether one of the `WWW-Authenticate` headers wants what we can do.
pub(crate) fn is_known_challenge(headers: &[&str]) -> bool {
    challenge::choose(headers.iter().copied()).is_some()
}
