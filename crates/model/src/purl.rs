//! Package URLs (purl-spec): `pkg:type/namespace/name@version?qualifiers#subpath`, always in canonical form.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de};

/// A canonical package URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purl(String);

/// Why a text is not a package URL.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a package URL: {cause}")]
pub struct PurlError {
    text: String,
    #[source]
    cause: packageurl::Error,
}

impl Purl {
    /// Builds the canonical form from its parts. A part that the spec refuses (an empty name, a strange type) falls
    /// back to `pkg:generic`, so that a package whose name an adversary chose is still listed.
    pub fn build(kind: &str, namespace: Option<&str>, name: &str, version: &str, qualifiers: &[(&str, &str)]) -> Self {
        let attempt = |kind: &str| -> Result<String, packageurl::Error> {
            let mut purl = packageurl::PackageUrl::new(kind.to_owned(), name.to_owned())?;
            if let Some(namespace) = namespace.filter(|n| !n.is_empty()) {
                purl.with_namespace(namespace.to_owned())?;
            }
            if !version.is_empty() {
                purl.with_version(version.to_owned())?;
            }
            for (key, value) in qualifiers.iter().filter(|(_, value)| !value.is_empty()) {
                purl.add_qualifier((*key).to_owned(), (*value).to_owned())?;
            }
            Ok(purl.to_string())
        };
        Self(attempt(kind).or_else(|_| attempt("generic")).unwrap_or_else(|_| "pkg:generic/unnamed".into()))
    }

    /// The same with a subpath; one that the spec refuses (`..`) is left out.
    #[must_use]
    pub fn with_subpath(self, subpath: &str) -> Self {
        let with = self.parts().and_then(|mut purl| {
            purl.with_subpath(subpath.to_owned()).ok()?;
            Some(purl.to_string())
        });
        with.map_or(self, Self)
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts, parsed again.
    pub fn parts(&self) -> Option<packageurl::PackageUrl<'_>> {
        self.0.parse().ok()
    }

    /// The purl without qualifiers and subpath, which is how VEX statements often name a product.
    pub fn without_qualifiers(&self) -> &str {
        self.0.split(['?', '#']).next().unwrap_or(&self.0)
    }
}

impl FromStr for Purl {
    type Err = PurlError;

    fn from_str(text: &str) -> Result<Self, PurlError> {
        packageurl::PackageUrl::from_str(text)
            .map(|purl| Self(purl.to_string()))
            .map_err(|cause| PurlError { text: text.chars().take(200).collect(), cause })
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Purl {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Purl {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Purl {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Purl".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^pkg:"})
    }
}
