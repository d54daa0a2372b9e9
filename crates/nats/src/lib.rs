//! The ports on NATS JetStream: one connection, and adapters over it that pass the suite of
//! `layergate_ports::conformance`.
//!
//! | what | where | why so |
//! |---|---|---|
//! | layer tasks | stream `layers`, one subject for each layer, one message for each subject | the server itself refuses a second flight |
//! | jobs | stream `jobs`, a consumer for each lane and shard | tenants take turns, whoever has most jobs |
//! | done | bucket `done`, small | one watch for each coordinator, batched look-ups |
//! | inventories, reports, snapshots | buckets of values in parts | larger than a message may be |
//! | verdicts | bucket `verdicts`, created once | the first verdict stands |
//! | uploaded SBOMs | bucket of values in parts that ends by itself | a day is the longest job |
//! | failures, idempotency keys, heartbeats | buckets with a time to live | they end by themselves |
//!
//! **Durability.** A publish is answered when the server has written it, which is before its disk has: one server with
//! the default `sync_interval` (2 minutes) may lose what it took last when the *machine* loses power (not when the
//! server is killed). With one replica set `sync_interval: always` (no group commit: about one fsync for each message)
//! or accept that; with three replicas a quorum holds every message. Whatever is lost costs a scan or a submission
//! again, never a wrong verdict: a job is acked after its verdict is stored, a layer after its inventory is.
//!
//! **Reconnecting.** The client reconnects by itself for ever. Operations are tried again within a bounded time, with
//! jitter, and then end as unavailable; pulls and watches begin anew where they were.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod blobs;
mod bucket;
mod cache;
pub mod convert;
mod error;
mod estate;
mod failures;
mod fleet;
mod jobs;
mod layers;
mod lease;
mod link;
mod locks;
mod login;
mod membership;
mod names;
mod options;
mod puller;
mod sboms;
mod snapshots;
mod streams;
mod trace;

mod url_login;
mod verdicts;

pub use cache::NatsCache;
pub use error::{ConnectError, NatsError, OptionsError};
pub use estate::NatsEstate;
pub use failures::NatsFailures;
pub use fleet::Fleet;
pub use jobs::NatsJobs;
pub use layers::NatsLayers;
pub use locks::{Lock, NatsLocks};
pub use membership::NatsMembership;
pub use options::NatsOptions;
pub use sboms::NatsSboms;
pub use snapshots::NatsSnapshots;
pub use verdicts::NatsVerdicts;
