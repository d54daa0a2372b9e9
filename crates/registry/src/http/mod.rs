//! Registries over HTTP (OCI distribution spec v1.1, pull).

mod blob;
mod challenge;
mod repository;
mod retry;
mod token;
mod transport;

pub(crate) use repository::{Repository, Slots};
pub(crate) use transport::Transport;

pub use retry::RetryPolicy;
pub use transport::Timeouts;
