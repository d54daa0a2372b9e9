//! The HTTP API of a coordinator: submit jobs, wait for verdicts, fetch reports, see the fleet.
//!
//! Thin: requests become values of the fleet's ports, verdicts become JSON. The bodies have types of their own ([`schema`],
//! published as `docs/api.schema.json`); `docs/api.md` describes them for clients.
//! Beyond loopback every route but the health probes asks for a bearer token.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod answer;
mod api;
mod auth;
mod fleet;
mod health;
mod metrics;
mod routes;
mod sboms;
mod schema;
mod serve;
mod submission;
mod tls;

pub use answer::{
    ErrorAnswer, FailureAnswer, FailureDetail, GapAnswer, ImageAnswer, JobAnswer, Pause, ReasonAnswer, SourceFailure,
    Submitted, VerdictAnswer,
};
pub use api::Api;
pub use auth::Token;
pub use fleet::{FleetStatus, HoldingStatus, MemberStatus, SnapshotStatus};
pub use health::{Readiness, health_router};
pub use metrics::{Metrics, Renewal};
pub use routes::router;
pub use sboms::UploadedDigest;
pub use schema::schema;
pub use serve::serve;
pub use submission::{LaneWord, NoSubject, Platforms, PolicyWishes, SbomRef, Subject, Submission};
pub use tls::TlsListener;
