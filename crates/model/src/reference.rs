//! References to images in registries: `registry/repository:tag@digest` (distribution's reference grammar).
//!
//! Docker's short names are made long as Docker does: `debian:12` is `docker.io/library/debian:12`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de};

use crate::Digest;

/// A registry's host and port, as in a reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Registry(String);

/// A repository's path inside its registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RepoPath(String);

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tag(String);

/// Why a text is not a reference.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReferenceError {
    /// Nothing before the tag.
    #[error("the reference {0:?} names no repository")]
    Empty(String),
    /// The repository has characters that registries do not allow.
    #[error(
        "{0:?} is not a repository (lower-case letters, digits and single . _ - between them, parts separated by /)"
    )]
    Repository(String),
    /// The host is not one.
    #[error("{0:?} is not a registry (host or host:port)")]
    Registry(String),
    /// The tag has characters that registries do not allow.
    #[error("{0:?} is not a tag (up to 128 letters, digits and . _ -)")]
    Tag(String),
    /// The digest is none.
    #[error(transparent)]
    Digest(#[from] crate::DigestError),
}

/// An image in a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    /// The registry.
    pub registry: Registry,
    /// The repository.
    pub repository: RepoPath,
    /// The tag; `latest` where neither tag nor digest was given.
    pub tag: Option<Tag>,
    /// The digest, which wins over the tag.
    pub digest: Option<Digest>,
}

impl Registry {
    /// Reads `host` or `host:port`.
    pub fn new(text: &str) -> Result<Self, ReferenceError> {
        let bad = || ReferenceError::Registry(text.chars().take(200).collect());
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']').ok_or_else(bad)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| bad())?;
                (host, after.strip_prefix(':'))
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let plain = !host.is_empty()
            && host.len() <= 253
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:_".contains(&b));
        let port_ok = port.is_none_or(|p| p.parse::<u16>().is_ok());
        if plain && port_ok { Ok(Self(text.to_ascii_lowercase())) } else { Err(bad()) }
    }

    /// Host and port as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the registry is this machine, where plain HTTP is no risk.
    pub fn is_loopback(&self) -> bool {
        let host = self
            .0
            .strip_prefix('[')
            .and_then(|r| r.split_once(']'))
            .map_or_else(|| self.0.split(':').next().unwrap_or_default(), |(host, _)| host);
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl RepoPath {
    /// Reads a repository path (distribution spec, "name").
    pub fn new(text: &str) -> Result<Self, ReferenceError> {
        let part = |part: &str| {
            let bytes = part.as_bytes();
            let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            !part.is_empty()
                && bytes.first().copied().is_some_and(alnum)
                && bytes.last().copied().is_some_and(alnum)
                && bytes.iter().all(|b| alnum(*b) || b"._-".contains(b))
        };
        if text.len() <= 255 && text.split('/').all(part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ReferenceError::Repository(text.chars().take(300).collect()))
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Tag {
    /// Reads a tag (distribution spec, "reference").
    pub fn new(text: &str) -> Result<Self, ReferenceError> {
        let ok = (1..=128).contains(&text.len())
            && text
                .bytes()
                .enumerate()
                .all(|(i, b)| b.is_ascii_alphanumeric() || b == b'_' || (i > 0 && b".-".contains(&b)));
        if ok { Ok(Self(text.to_owned())) } else { Err(ReferenceError::Tag(text.chars().take(200).collect())) }
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ImageReference {
    /// What a registry is asked for: the digest where there is one, else the tag.
    pub fn manifest_name(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.0.clone(),
            (None, None) => "latest".into(),
        }
    }

    /// The same repository at `digest`, the tag kept for people.
    pub fn at(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }
}

impl FromStr for ImageReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse()?)),
            None => (text, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(Tag::new(tag)?)),
            _ => (name, None),
        };
        if name.is_empty() {
            return Err(ReferenceError::Empty(text.chars().take(300).collect()));
        }
        let (registry, path) = match name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => {
                (Registry::new(host)?, path.to_owned())
            }
            Some(_) => (Registry("docker.io".into()), name.to_owned()),
            None => (Registry("docker.io".into()), format!("library/{name}")),
        };
        let registry = if registry.0 == "index.docker.io" { Registry("docker.io".into()) } else { registry };
        let tag = if tag.is_none() && digest.is_none() { Some(Tag("latest".into())) } else { tag };
        Ok(Self { registry, repository: RepoPath::new(&path)?, tag, digest })
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{}", tag.0)?;
        }
        self.digest.as_ref().map_or(Ok(()), |d| write!(f, "@{d}"))
    }
}

impl Serialize for ImageReference {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImageReference {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_become_long() {
        let d = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for (text, want) in [
            ("debian", "docker.io/library/debian:latest".to_owned()),
            ("team/app:1.0", "docker.io/team/app:1.0".to_owned()),
            ("localhost/app", "localhost/app:latest".to_owned()),
            ("127.0.0.1:5000/team/app:v1", "127.0.0.1:5000/team/app:v1".to_owned()),
            ("[::1]:5000/app", "[::1]:5000/app:latest".to_owned()),
            (&format!("ghcr.io/a/b@{d}"), format!("ghcr.io/a/b@{d}")),
            (&format!("ghcr.io/a/b:t@{d}"), format!("ghcr.io/a/b:t@{d}")),
        ] {
            let parsed: ImageReference = text.parse().unwrap();
            assert_eq!(parsed.to_string(), want);
            assert_eq!(parsed.to_string().parse::<ImageReference>().unwrap(), parsed);
        }
        for bad in ["", ":tag", "UPPER/case", "a//b", "a/b:", "a/b:t@sha256:0", "-a/b", "a b", "h.io:99999/a"] {
            assert!(bad.parse::<ImageReference>().is_err(), "{bad}");
        }
        let loopback = |r: &str| r.parse::<ImageReference>().unwrap().registry.is_loopback();
        assert!(loopback("127.0.0.1:5000/a/b") && loopback("localhost:5000/a") && loopback("[::1]:5000/a"));
        assert!(!loopback("127.0.0.1.evil.example/a") && !loopback("10.0.0.1:5000/a"));
    }
}
