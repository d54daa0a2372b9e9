//! The fleet's messages: what `proto/` defines, compiled, with the two checks that every message passes.
//!
//! - A message has a `version`. Whoever reads one of a version that it does not know refuses it (a newer process wrote it
//!   and means something by it); unknown *fields* of a known version are tolerated.
//! - A message is at most [`MAX_MESSAGE`] bytes, when it is written and before it is read.
//!
//! The conversion to the house's values is with whoever sends them (`layergate-nats`, `convert`), because jobs and
//! verdicts are values of `fleet`; nothing but adapters sees generated code.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod envelope;

/// Version 1 of the messages, generated from `proto/layergate/v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated; the .proto files say what things mean")]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/layergate.v1.rs"));
}

pub use envelope::{MAX_MESSAGE, Versioned, WireError, decode, decode_bounded, encode, encode_bounded};
