//! Writing and reading one message: its size and its version are checked here and nowhere else.

use bytes::Bytes;
use prost::Message;

use crate::v1;

/// The most bytes that a message has. A server's own limit is 1 MiB unless somebody lowered it; what is larger than this
/// (an inventory, a report) does not travel in one message.
pub const MAX_MESSAGE: usize = 256 << 10;

/// The newest version of every message here.
const KNOWN: u32 = 1;

/// Bytes that are no message of ours, or a message that may not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// More bytes than a message may have.
    #[error("{what} of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Which message.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Written by a newer program, or by none of ours.
    #[error("{what} of version {version}, where only up to {KNOWN} is known; update this program")]
    Version {
        /// Which message.
        what: &'static str,
        /// Its version; 0 where it says none.
        version: u32,
    },
    /// Not protobuf, or not this message.
    #[error("{what} cannot be read: {why}")]
    Malformed {
        /// Which message.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl WireError {
    /// A field that does not hold what it must.
    pub fn field(what: &'static str, field: &str, why: impl std::fmt::Display) -> Self {
        Self::Malformed { what, why: format!("{field}: {why}") }
    }
}

/// A message that travels or is stored on its own.
pub trait Versioned: Message + Default {
    /// What it is called in errors.
    const NAME: &'static str;

    /// The version it was written in.
    fn version(&self) -> u32;

    /// Sets the version.
    fn set_version(&mut self, version: u32);
}

macro_rules! versioned {
    ($($message:ident = $name:literal;)*) => {$(
        impl Versioned for v1::$message {
            const NAME: &'static str = $name;

            fn version(&self) -> u32 {
                self.version
            }

            fn set_version(&mut self, version: u32) {
                self.version = version;
            }
        }
    )*};
}

versioned! {
    Job = "a job";
    LayerTask = "a layer task";
    DoneEvent = "a done event";
    LayerFailure = "a layer failure";
    BlobHead = "a blob's head";
    VerdictRecord = "a verdict record";
    Member = "a member's heartbeat";
    DrainRequest = "a drain request";
    SnapshotAnnouncement = "a snapshot announcement";
}

/// The bytes of a message, its version set.
pub fn encode<M: Versioned>(message: M) -> Result<Bytes, WireError> {
    encode_bounded(message, MAX_MESSAGE)
}

/// The bytes of a message with a limit of its own.
pub fn encode_bounded<M: Versioned>(mut message: M, limit: usize) -> Result<Bytes, WireError> {
    message.set_version(KNOWN);
    let size = message.encoded_len();
    if size > limit {
        return Err(WireError::TooLarge { what: M::NAME, size, limit });
    }
    Ok(message.encode_to_vec().into())
}

/// Reads a message, and refuses a version that it does not know.
pub fn decode<M: Versioned>(bytes: Bytes) -> Result<M, WireError> {
    decode_bounded(bytes, MAX_MESSAGE)
}

/// Reads a message with a limit of its own.
pub fn decode_bounded<M: Versioned>(bytes: Bytes, limit: usize) -> Result<M, WireError> {
    if bytes.len() > limit {
        return Err(WireError::TooLarge { what: M::NAME, size: bytes.len(), limit });
    }
    // The version first, alone: a newer message may use a field of ours for something else.
    let version = Head::decode(bytes.clone()).map_err(|e| malformed::<M>(&e))?.version;
    if version == 0 || version > KNOWN {
        return Err(WireError::Version { what: M::NAME, version });
    }
    M::decode(bytes).map_err(|e| malformed::<M>(&e))
}

fn malformed<M: Versioned>(why: &prost::DecodeError) -> WireError {
    WireError::Malformed { what: M::NAME, why: why.to_string() }
}

/// What all messages begin with.
#[derive(Clone, PartialEq, Message)]
struct Head {
    #[prost(uint32, tag = "1")]
    version: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_checked_before_fields_and_unknown_fields_are_tolerated() {
        let bytes = encode(v1::DoneEvent { version: 77, outcome: 1 }).unwrap();
        assert_eq!(&bytes[..], [8, 1, 16, 1]);
        assert_eq!(decode::<v1::DoneEvent>(bytes.clone()).unwrap().outcome, 1);
        // Field 100, a string: from a later minor version.
        let more = [&bytes[..], &[0xa2, 0x06, 1, b'x']].concat();
        assert_eq!(decode::<v1::DoneEvent>(more.into()).unwrap().outcome, 1);
        // Version 2 where field 2 became a string.
        let newer = Bytes::from_static(&[8, 2, 18, 1, b'x']);
        let refused = decode::<v1::DoneEvent>(newer).unwrap_err();
        assert_eq!(refused, WireError::Version { what: "a done event", version: 2 });
        for bad in [&[][..], b"\x08", b"hello", &[8, 0, 16, 1], &[8, 1, 18, 200, 1]] {
            assert!(decode::<v1::DoneEvent>(Bytes::copy_from_slice(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn large_messages_are_refused_both_ways() {
        let large = v1::LayerFailure { detail: "x".repeat(MAX_MESSAGE), ..Default::default() };
        assert!(matches!(encode(large), Err(WireError::TooLarge { .. })));
        let bytes = Bytes::from(vec![0; MAX_MESSAGE + 1]);
        assert!(matches!(decode::<v1::LayerFailure>(bytes), Err(WireError::TooLarge { .. })));
    }
}
