//! What can be wrong with a version, a scheme's name or a constraint.

use crate::Scheme;

/// A version, scheme or constraint that cannot be used. The caller turns it into a gap: a package
/// whose version nobody can order must not pass silently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The text is empty or only blanks.
    #[error("empty {0} version")]
    Empty(Scheme),
    /// The text is longer than [`crate::MAX_VERSION_LEN`].
    #[error("{scheme} version of {len} bytes is longer than {max}", max = crate::MAX_VERSION_LEN)]
    TooLong {
        /// The scheme it was read as.
        scheme: Scheme,
        /// Its length in bytes.
        len: usize,
    },
    /// The text is not a version of the scheme.
    #[error("{version:?} is not a {scheme} version: {why}")]
    Invalid {
        /// The scheme it was read as.
        scheme: Scheme,
        /// The text.
        version: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two versions of different schemes have no order.
    #[error("a {left} version cannot be compared with a {right} version")]
    SchemeMismatch {
        /// The left version's scheme.
        left: Scheme,
        /// The right version's scheme.
        right: Scheme,
    },
    /// No scheme has this name.
    #[error("unknown version scheme {0:?}")]
    UnknownScheme(String),
    /// A constraint that does not parse.
    #[error("{text:?} is not a {scheme} constraint: {why}")]
    Constraint {
        /// The scheme it was read as.
        scheme: Scheme,
        /// The text, cut to a readable length.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
}
