//! What a client calls an SBOM that it uploads: a file's path, which stands in the report as it was given.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize, de};

/// Bytes of a name; a path of more cannot be opened on Linux either.
const MAX: usize = 4096;

/// The text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an SBOM is called by 1 to {MAX} bytes without control characters")]
pub struct SbomNameError;

/// The name of an uploaded SBOM: 1 to 4096 bytes without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SbomName(Arc<str>);

impl SbomName {
    /// Reads a name.
    pub fn new(text: &str) -> Result<Self, SbomNameError> {
        let fits = !text.is_empty() && text.len() <= MAX && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.into())) } else { Err(SbomNameError) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SbomName {
    type Err = SbomNameError;

    fn from_str(text: &str) -> Result<Self, SbomNameError> {
        Self::new(text)
    }
}

impl fmt::Display for SbomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for SbomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for SbomName {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SbomName {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::new(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_line_that_a_path_could_be() {
        for good in ["bom.json", "./a b/\u{e9}.spdx", &"x".repeat(4096)] {
            assert_eq!(SbomName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a\nb", "a\u{1b}[2J", &"x".repeat(4097)] {
            assert!(SbomName::new(bad).is_err(), "{bad:?}");
        }
        assert!(serde_json::from_str::<SbomName>("\"a\\tb\"").is_err());
    }
}
