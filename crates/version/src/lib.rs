//! How each ecosystem orders its versions, and ranges over them.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod digits;
mod error;
mod order;
mod scheme;
mod version;

pub use error::VersionError;
pub use scheme::Scheme;
pub use version::Version;

/// The longest version that is read, in bytes.
pub const MAX_VERSION_LEN: usize = 1024;
