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
            Ok(canonical(&purl))
        };
        Self(attempt(kind).or_else(|_| attempt("generic")).unwrap_or_else(|_| "pkg:generic/unnamed".into()))
    }

    /// The same with a subpath; one that the spec refuses (`..`) is left out.
    #[must_use]
    pub fn with_subpath(self, subpath: &str) -> Self {
        let with = self.parts().and_then(|mut purl| {
            purl.with_subpath(subpath.to_owned()).ok()?;
            Some(canonical(&purl))
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

/// The canonical text. A slash in the version, which the library leaves as it is, would make the version a part of the name
/// for whoever reads it.
fn canonical(purl: &packageurl::PackageUrl<'_>) -> String {
    let text = purl.to_string();
    if !purl.version().is_some_and(|version| version.contains('/')) {
        return text;
    }
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let at = text[..end].rfind('@').unwrap_or(end);
    format!("{}{}{}", &text[..at], text[at..end].replace('/', "%2F"), &text[end..])
}

impl FromStr for Purl {
    type Err = PurlError;

    fn from_str(text: &str) -> Result<Self, PurlError> {
        let refused = |cause| PurlError { text: text.chars().take(200).collect(), cause };
        let canonical = canonical(&packageurl::PackageUrl::from_str(text).map_err(refused)?);
        // A namespace of dots is one to the library until it is written: what cannot be read again was not one.
        packageurl::PackageUrl::from_str(&canonical).map_err(refused)?;
        Ok(Self(canonical))
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

/// The text as it was written: a type's rules (a vendor for Composer, a UUID for Julia) are not every image's, and a report
/// whose packages break them must still be read. [`Purl::from_str`] is for what people and other programs give.
impl<'de> Deserialize<'de> for Purl {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        if text.strip_prefix("pkg:").is_some_and(|rest| rest.contains('/')) {
            return Ok(Self(text));
        }
        Err(de::Error::custom(format_args!("{:?} is not a package URL", text.chars().take(200).collect::<String>())))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and versions that an adversary, or an ecosystem without the specification's rules, gives: the text is stored
    /// in reports, which must be read again.
    #[test]
    fn whatever_is_built_is_read_again_the_same() {
        for (kind, namespace, name, version, want) in [
            ("julia", None, "A", "1.2.0", "pkg:julia/A@1.2.0"),
            ("composer", None, "a", "1", "pkg:composer/a@1"),
            ("swift", None, "b", "1", "pkg:swift/b@1"),
            ("deb", Some("debian"), "a", "1/../2", "pkg:deb/debian/a@1%2F..%2F2?arch=x%2Fy"),
            ("npm", Some("@s"), "", "1", "pkg:generic/unnamed"),
            ("npm", Some(".."), "x", "1", "pkg:npm/../x@1"),
            ("npm", None, "\0", "\u{7f}", ""),
            ("ä ?", None, "n@1", "2#3?4", ""),
        ] {
            let arch = if version.contains('/') { "x/y" } else { "" };
            let built = Purl::build(kind, namespace, name, version, &[("arch", arch)]);
            let json = serde_json::to_string(&built).unwrap();
            assert_eq!(serde_json::from_str::<Purl>(&json).unwrap(), built);
            if !want.is_empty() {
                assert_eq!(built.as_str().replace("x/y", "x%2Fy"), want);
            }
        }
        let read: Purl = "pkg:npm/a@1%2F2?x=y/z#p/q".parse().unwrap();
        assert_eq!(read.as_str().split('?').next(), Some("pkg:npm/a@1%2F2"));
        assert_eq!(read.as_str().parse::<Purl>().unwrap(), read);
        for bad in ["", "pkg:", "pkg:npm", "http://x/y"] {
            assert!(serde_json::from_str::<Purl>(&format!("{bad:?}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_could_not_be_read_again_is_refused() {
        // Found by the fuzzer.
        for bad in ["pkg:composer/./nB%", "pkg:composer//n"] {
            assert!(bad.parse::<Purl>().is_err(), "{bad}");
        }
        assert_eq!("pkg:composer/a/./n@1".parse::<Purl>().unwrap().as_str(), "pkg:composer/a/n@1");
    }
}
