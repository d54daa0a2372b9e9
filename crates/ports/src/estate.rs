//! The estate's memory: an ordered log of records for each of 64 shards, and named blobs beside it (kept inventories,
//! checkpoints of derived state).
//!
//! What a record says is the estate's own affair; a store keeps bytes in order. Whatever is derived from the logs can be
//! made again from them.

use std::fmt;

use async_trait::async_trait;
use layergate_model::Digest;

use crate::StoreError;

/// One of the estate's logs. A repository's events are in one shard, so that they are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u8);

impl Shard {
    /// The number of shards; fixed, for it decides where a repository's events lie.
    pub const COUNT: u8 = 64;

    /// Every shard.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// The shard of a name (`registry/repository`, the id of a run).
    pub fn of(name: &str) -> Self {
        Self(Digest::of(name.as_bytes()).as_bytes()[0] % Self::COUNT)
    }

    /// Its number, below [`Shard::COUNT`].
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A blob's name: `kind/name`, both of letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobName(String);

impl BlobName {
    /// The longest name in bytes.
    pub const LONGEST: usize = 200;

    /// The name `kind/name`; `None` when one of them has other characters, begins with a dot or is too long.
    pub fn new(kind: &str, name: &str) -> Option<Self> {
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let text = format!("{kind}/{name}");
        (plain(kind) && plain(name) && text.len() <= Self::LONGEST).then_some(Self(text))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A record could not be appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The shard has records that the writer has not read: read on and decide again.
    #[error("shard {shard} is at record {last}, not at {expected}: another process has written to the estate")]
    Conflict {
        /// The shard's number.
        shard: u8,
        /// Where the writer thought that it was.
        expected: u64,
        /// Where it is.
        last: u64,
    },
    /// The record is over [`MAX_RECORD`].
    #[error("a record of {0} bytes is over the limit of {MAX_RECORD}")]
    TooLarge(usize),
    /// The store could not be asked, or did not say whether it has the record.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Bytes of one record: below the 1 MiB that NATS carries in a message.
pub const MAX_RECORD: usize = 768 << 10;
/// Bytes of one blob.
pub const MAX_BLOB: usize = 2 << 30;

/// A record with its place in its shard, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub sequence: u64,
    /// What was appended.
    pub bytes: Vec<u8>,
}

/// Logs and blobs.
#[async_trait]
pub trait EstateStore: Send + Sync {
    /// Appends a record when `after` is the place of the shard's last one (0 where there is none); the record's place.
    /// Once it has returned, the record outlives the process. A record is there whole or not at all.
    async fn append(&self, shard: Shard, after: u64, record: &[u8]) -> Result<u64, AppendError>;

    /// The records of a shard behind place `after`, in order; at most `limit` (at least one where there is any).
    async fn read(&self, shard: Shard, after: u64, limit: usize) -> Result<Vec<Record>, StoreError>;

    /// Stores a blob, over an older one of that name: a reader sees one of them, whole.
    async fn put_blob(&self, name: &BlobName, bytes: Vec<u8>) -> Result<(), StoreError>;

    /// A blob; `None` when there is none.
    async fn get_blob(&self, name: &BlobName) -> Result<Option<Vec<u8>>, StoreError>;

    /// Removes a blob, where it is there.
    async fn remove_blob(&self, name: &BlobName) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_directory() {
        for (kind, name, good) in [
            ("images", "sha256-00", true),
            ("state", "checkpoint", true),
            ("a", "../b", false),
            ("a", "..", false),
            ("", "b", false),
            ("a", "", false),
            ("a/b", "c", false),
            ("a", &"x".repeat(300), false),
        ] {
            assert_eq!(BlobName::new(kind, name).is_some(), good, "{kind} {name}");
        }
    }

    #[test]
    fn shards_are_spread_and_stay_where_they_are() {
        let used: std::collections::BTreeSet<_> = (0..2000).map(|n| Shard::of(&format!("r/{n}"))).collect();
        assert_eq!(used.len(), usize::from(Shard::COUNT));
        assert_eq!(Shard::of("registry.example/team/app").number(), 58, "logs lie where this says");
    }
}
