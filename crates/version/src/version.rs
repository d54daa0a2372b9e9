//! A version that was checked once, with its scheme.

use std::cmp::Ordering;
use std::fmt;

use crate::{Scheme, VersionError};

/// A checked version of one scheme. Equality is the scheme's (`1.0` equals `1.0.0` in Maven), so there
/// is no `Hash`. Two schemes have no order: the `Ord` between them only keeps their versions apart
/// in a sorted list; [`Version::compare`] refuses.
#[derive(Debug, Clone)]
pub struct Version {
    scheme: Scheme,
    text: Box<str>,
}

impl Version {
    pub(crate) fn new(scheme: Scheme, text: &str) -> Self {
        Version { scheme, text: text.into() }
    }

    /// The scheme it was read by.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The text as it was read.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Compares two versions of one scheme.
    pub fn compare(&self, other: &Version) -> Result<Ordering, VersionError> {
        if self.scheme == other.scheme {
            Ok(self.scheme.order(&self.text, &other.text))
        } else {
            Err(VersionError::SchemeMismatch { left: self.scheme, right: other.scheme })
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.scheme.cmp(&other.scheme).then_with(|| self.scheme.order(&self.text, &other.text))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}
