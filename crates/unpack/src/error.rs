//! Why a layer could not be read to its end. The three families are treated differently: a source's failure is tried
//! again, the bytes' own faults and the limits are facts about the layer and become gaps.

use std::io;

/// Why unpacking ended early.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The bytes did not arrive: network, disk, registry. Not the layer's fault.
    #[error("the layer's bytes stopped arriving")]
    Source(#[source] io::Error),
    /// The bytes are not what they say they are.
    #[error("{0}")]
    Corrupt(String),
    /// A bound was reached.
    #[error("{what} is over the limit of {limit} ({name})")]
    Limit {
        /// What grew too large, in words.
        what: &'static str,
        /// The setting's name: `max-unpacked-bytes`.
        name: &'static str,
        /// The bound's number.
        limit: u64,
    },
}

/// Marks an `io::Error` as coming from the blob's source rather than from a decoder, so that it can be distinguished
/// after it has passed through a decompressor.
#[derive(Debug)]
pub(crate) struct FromSource(pub(crate) io::Error);

impl std::fmt::Display for FromSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for FromSource {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// A limit on its way through `io::Read`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Bound(pub(crate) UnpackErrorLimit);

/// The fields of [`UnpackError::Limit`], as a value that can travel inside an `io::Error`.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{what} is over the limit of {limit} ({name})")]
pub(crate) struct UnpackErrorLimit {
    pub(crate) what: &'static str,
    pub(crate) name: &'static str,
    pub(crate) limit: u64,
}

impl UnpackErrorLimit {
    pub(crate) fn into_io(self) -> io::Error {
        io::Error::other(Bound(self))
    }
}

impl From<io::Error> for UnpackError {
    fn from(error: io::Error) -> Self {
        if let Some(bound) = error.get_ref().and_then(|inner| inner.downcast_ref::<Bound>()) {
            let UnpackErrorLimit { what, name, limit } = bound.0;
            return Self::Limit { what, name, limit };
        }
        if error.get_ref().is_some_and(|inner| inner.is::<FromSource>()) {
            return Self::Source(error);
        }
        Self::Corrupt(match error.kind() {
            io::ErrorKind::UnexpectedEof => "the compressed stream ends in the middle".into(),
            _ => format!("the compressed stream is broken: {error}"),
        })
    }
}
