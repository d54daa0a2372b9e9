//! The HTTP API of a coordinator: submit jobs, wait for verdicts, fetch reports, see the fleet.
//!
//! Thin: requests become values of the fleet's ports, verdicts become JSON. `docs/api.md` describes it for clients.
//! Beyond loopback every route but the health probes asks for a bearer token.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod api;
mod auth;
mod fleet;
mod health;
mod metrics;
mod sboms;
mod serve;
mod submission;
mod tls;

pub use api::{Api, JobAnswer, Submitted, router};
pub use auth::Token;
pub use fleet::{FleetStatus, HoldingStatus, MemberStatus};
pub use health::{Readiness, health_router};
pub use metrics::Metrics;
pub use sboms::UploadedDigest;
pub use serve::serve;
pub use submission::{Subject, Submission};
pub use tls::TlsListener;
