//! Registries over HTTP (OCI distribution spec v1.1, pull).

mod blob;
mod challenge;
mod proxy;
mod repository;
mod retry;
mod said;
mod token;
mod transport;
mod trust;

pub(crate) use repository::{Repository, Slots};
pub(crate) use transport::Transport;

pub use retry::RetryPolicy;
pub use transport::Timeouts;

/// Whether one of the `WWW-Authenticate` headers wants what we can do.
pub(crate) fn is_known_challenge(headers: &[&str]) -> bool {
    challenge::choose(headers.iter().copied()).is_some()
}
