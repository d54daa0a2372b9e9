//! The platform of an image: `os/architecture[/variant]` (OCI image-spec, "image index", platform object).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de};

/// An operating system, an architecture and sometimes a variant of it, in the words of the OCI image index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// `linux`, `windows`, …
    pub os: String,
    /// Go's name of the architecture: `amd64`, `arm64`, `s390x`, …
    pub architecture: String,
    /// `v7`, `v8`, … where the architecture has several.
    pub variant: Option<String>,
}

/// Why a text is not a platform.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a platform (os/architecture or os/architecture/variant, for example linux/arm64/v8)")]
pub struct PlatformError(String);

impl Platform {
    /// What is scanned when nobody says otherwise.
    pub fn linux_amd64() -> Self {
        Self { os: "linux".into(), architecture: "amd64".into(), variant: None }
    }

    /// Whether an image of platform `offered` answers a request for `self`: a variant that was not asked for is free,
    /// and `arm64` is `arm64/v8`, as containerd has it.
    pub fn accepts(&self, offered: &Platform) -> bool {
        fn variant(p: &Platform) -> Option<&str> {
            match (p.architecture.as_str(), p.variant.as_deref()) {
                ("arm64", None) => Some("v8"),
                (_, v) => v,
            }
        }
        self.os == offered.os
            && self.architecture == offered.architecture
            && (self.variant.is_none() || variant(self) == variant(offered))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let plain = |s: &str| {
            !s.is_empty() && s.len() <= 32 && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            [os, arch] if plain(os) && plain(arch) => {
                Ok(Self { os: (*os).into(), architecture: (*arch).into(), variant: None })
            }
            [os, arch, variant] if plain(os) && plain(arch) && plain(variant) => {
                Ok(Self { os: (*os).into(), architecture: (*arch).into(), variant: Some((*variant).into()) })
            }
            _ => Err(PlatformError(text.chars().take(100).collect())),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |v| write!(f, "/{v}"))
    }
}

impl Serialize for Platform {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Platform {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Platform".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "examples": ["linux/amd64", "linux/arm/v7"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_answers_it() {
        let p = |s: &str| s.parse::<Platform>().unwrap();
        assert!(p("linux/arm64").accepts(&p("linux/arm64/v8")));
        assert!(p("linux/arm64/v8").accepts(&p("linux/arm64")));
        assert!(p("linux/arm").accepts(&p("linux/arm/v6")));
        assert!(!p("linux/arm/v7").accepts(&p("linux/arm/v6")));
        assert!(!p("linux/amd64").accepts(&p("windows/amd64")));
        for bad in ["", "linux", "linux/", "a/b/c/d", "linux/amd 64"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }
}
