//! What exceptions and overrides point at: packages, images and paths, with wildcards.
//!
//! - package: `openssl` (the package or the source package of that name), `pkg:npm/*`,
//!   `pkg:deb/debian/openssl@3.0.11-*?distro=debian-12`. What the pattern does not name (version, qualifiers) is free.
//! - image: `registry.example.com/team/*`, `debian`, `docker.io/library/debian:12`. Without a tag any tag is meant.
//! - path: `srv/app/node_modules/**`; a leading `/` is as good as none.

use layergate_model::ImagePackage;
use serde::{Serialize, Serializer};

use crate::{
    PurlParts,
    glob::{Flavour, Glob},
};

const LONGEST: usize = 512;

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing there.
    #[error("the pattern is empty (leave the key out to mean everything)")]
    Empty,
    /// Longer than a pattern may be.
    #[error("the pattern has more than {LONGEST} bytes")]
    TooLong,
    /// A package pattern whose type is missing.
    #[error("{0:?} names no package (write pkg:TYPE/NAME, for example pkg:npm/lodash, or a bare name)")]
    Purl(String),
}

fn checked(text: &str) -> Result<&str, PatternError> {
    match text.trim() {
        "" => Err(PatternError::Empty),
        t if t.len() > LONGEST => Err(PatternError::TooLong),
        t => Ok(t),
    }
}

/// Which packages are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackagePattern {
    text: String,
    name: Glob,
    purl: bool,
    version: Option<Glob>,
    qualifiers: Vec<(String, Glob)>,
}

impl PackagePattern {
    /// Reads a pattern.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let text = checked(text)?;
        let glob = |t: &str| Glob::new(t, Flavour::Name);
        let Some(parts) = PurlParts::read(text) else {
            return Ok(Self {
                text: text.to_owned(),
                name: glob(text),
                purl: false,
                version: None,
                qualifiers: Vec::new(),
            });
        };
        if parts.base == "pkg:" || !parts.base.contains('/') && !parts.base.contains('*') {
            return Err(PatternError::Purl(text.to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            name: glob(&parts.base),
            purl: true,
            version: (!parts.version.is_empty()).then(|| glob(&parts.version)),
            qualifiers: parts.qualifiers.iter().map(|(k, v)| (k.clone(), glob(v))).collect(),
        })
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `package` is meant; `purl` are the parts of its package URL.
    pub fn matches(&self, package: &ImagePackage, purl: &PurlParts) -> bool {
        let source = package.package.source.as_ref().map(|s| s.name.as_str());
        if !self.purl {
            return self.name.matches(&package.package.name) || source.is_some_and(|s| self.name.matches(s));
        }
        self.name.matches(&purl.base)
            && self.version.as_ref().is_none_or(|v| v.matches(&purl.version) || v.matches(&package.package.version))
            && self.qualifiers.iter().all(|(k, v)| purl.qualifier(k).is_some_and(|have| v.matches(have)))
    }
}

/// Which images are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePattern(Glob);

impl ImagePattern {
    /// Reads a pattern.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        checked(text).map(|t| Self(Glob::new(t, Flavour::Name)))
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the image of `reference` (as in a report) is meant.
    pub fn matches(&self, reference: &str) -> bool {
        let no_digest = reference.split_once('@').map_or(reference, |(name, _)| name);
        let no_tag = match no_digest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => name,
            _ => no_digest,
        };
        let short = |t: &str| {
            let t = t.strip_prefix("docker.io/").unwrap_or(t);
            t.strip_prefix("library/").unwrap_or(t).to_owned()
        };
        [reference, no_digest, no_tag].iter().any(|t| self.0.matches(t) || self.0.matches(&short(t)))
    }
}

/// Which paths are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern(Glob);

impl PathPattern {
    /// Reads a pattern.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        checked(text).map(|t| Self(Glob::new(t.strip_prefix('/').unwrap_or(t), Flavour::Path)))
    }

    /// The pattern as written, without a leading `/`.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether `path` is meant; a location inside an archive counts by the archive's path too.
    pub fn matches(&self, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap_or(path);
        self.0.matches(path) || path.split_once('!').is_some_and(|(outer, _)| self.0.matches(outer))
    }
}

macro_rules! serialize_as_text {
    ($($name:ident),*) => {
        $(impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        })*
    };
}
serialize_as_text!(PackagePattern, ImagePattern, PathPattern);

#[cfg(test)]
mod tests {
    use super::*;
    use layergate_model::{LayerPath, Origin, Package, PackageId, PackageKind, Purl, SourcePackage};

    fn libssl() -> ImagePackage {
        let path = LayerPath::normalise("var/lib/dpkg/status").unwrap();
        let mut package = Package::new(PackageKind::Deb, "libssl3", "3.0.15-1~deb12u1", &path);
        package.source = Some(SourcePackage { name: "openssl".into(), version: "3.0.15-1~deb12u1".into() });
        let purl = Purl::build("deb", Some("debian"), "libssl3", "3.0.15-1~deb12u1", &[("distro", "debian-12")]);
        let id = PackageId::derive(&purl, None, "var/lib/dpkg/status");
        ImagePackage { id, purl, package, layer: None, origin: Origin::Unknown, owned_by: None }
    }

    #[test]
    fn packages() {
        let package = libssl();
        let parts = PurlParts::of(&package.purl);
        for (pattern, want) in [
            ("libssl3", true),
            ("openssl", true),
            ("lib*", true),
            ("ssl", false),
            ("pkg:deb/*", true),
            ("pkg:deb/debian/libssl3", true),
            ("pkg:deb/debian/libssl3@3.0.15-1~deb12u1", true),
            ("pkg:deb/debian/libssl3@3.0.15-*", true),
            ("pkg:deb/debian/libssl3@3.0.14-*", false),
            ("pkg:deb/debian/libssl3?distro=debian-12", true),
            ("pkg:deb/debian/libssl3?distro=debian-11", false),
            ("pkg:deb/debian/openssl", false),
            ("pkg:npm/*", false),
        ] {
            assert_eq!(PackagePattern::new(pattern).unwrap().matches(&package, &parts), want, "{pattern}");
        }
        assert_eq!(PackagePattern::new(" "), Err(PatternError::Empty));
        assert!(matches!(PackagePattern::new("pkg:npm"), Err(PatternError::Purl(_))));
    }

    #[test]
    fn images_and_paths() {
        let reference = "docker.io/library/debian:12@sha256:00";
        for (pattern, want) in [
            ("debian", true),
            ("debian:12", true),
            ("debian:11", false),
            ("docker.io/library/*", true),
            ("docker.io/library/debian", true),
            ("ghcr.io/*", false),
            ("*", true),
        ] {
            assert_eq!(ImagePattern::new(pattern).unwrap().matches(reference), want, "{pattern}");
        }
        assert!(ImagePattern::new("localhost:5000/app").unwrap().matches("localhost:5000/app:v1"));
        assert!(PathPattern::new("/opt/*.jar").unwrap().matches("opt/app.jar!lib/x.jar"));
    }
}
