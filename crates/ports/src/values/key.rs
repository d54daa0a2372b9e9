//! Keys: of a layer's inventory, of a source, of a report.
//!
//! A layer key is `<fingerprint>.<digest>`: the fingerprint hashes everything but the blob that the value depends on
//! (cache namespace, analyzers' revisions, deterministic limits, format version), so that an old analyzer set can be
//! purged by prefix; the digest is base64url because key-value buckets refuse `:`.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use layergate_model::{Digest, Limits};
use serde::{Deserialize, Serialize, de};

use super::{JobId, LayerLocator, Namespace, ResolvedImage};
use crate::codec;

/// The text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a layer key (24 hexadecimal characters, a point, 43 base64url characters)")]
pub struct KeyError(String);

/// Everything but the blob that a layer inventory depends on, hashed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 12]);

/// What a process makes its layer keys from; one for the life of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyScope {
    /// Who shares the cache.
    pub namespace: Namespace,
    /// The analyzers' fingerprint (`Catalogue::fingerprint`).
    pub analyzers: String,
    /// The deterministic limits.
    pub limits: Limits,
}

/// The key of one layer's inventory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerKey {
    /// Everything but the blob.
    pub fingerprint: Fingerprint,
    /// The blob.
    pub digest: Digest,
}

/// A place that gives blobs (a repository asked with a credential), hashed: whose failures are whose.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceId(u64);

/// The key of a report: a hash of everything it depends on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReportKey(Digest);

impl KeyScope {
    /// The fingerprint of this scope. Fields are separated by line feeds, which none of them can contain.
    pub fn fingerprint(&self) -> Fingerprint {
        let text = format!(
            "{}\n{}\n{}\n{}",
            self.namespace,
            self.analyzers,
            self.limits.fingerprint(),
            codec::INVENTORY_FORMAT
        );
        let mut short = [0; 12];
        short.copy_from_slice(&Digest::of(text.as_bytes()).as_bytes()[..12]);
        Fingerprint(short)
    }
}

impl Fingerprint {
    /// The key of a blob under this fingerprint.
    pub fn key(&self, digest: Digest) -> LayerKey {
        LayerKey { fingerprint: *self, digest }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bad = || KeyError(text.chars().take(100).collect());
        if text.len() != 24 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(bad());
        }
        let mut bytes = [0; 12];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

impl LayerKey {
    /// The digest's part of the text form: 43 base64url characters.
    pub fn digest_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.digest.as_bytes())
    }
}

impl fmt::Display for LayerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.fingerprint, self.digest_text())
    }
}

impl fmt::Debug for LayerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for LayerKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bad = || KeyError(text.chars().take(100).collect());
        let (fingerprint, digest) = text.split_once('.').ok_or_else(bad)?;
        let bytes = URL_SAFE_NO_PAD.decode(digest).map_err(|_| bad())?;
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| bad())?;
        Ok(Self { fingerprint: fingerprint.parse()?, digest: Digest::from_bytes(bytes) })
    }
}

impl Serialize for LayerKey {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LayerKey {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

impl SourceId {
    /// The place of a locator: registry, repository and credential, or the local archive; not the blob.
    pub fn of(locator: &LayerLocator) -> Self {
        let text = match locator {
            LayerLocator::Registry(blob) => {
                let credential = blob.credential.as_ref().map_or("", |c| c.as_str());
                format!("registry\n{}\n{}\n{credential}", blob.registry, blob.repository)
            }
            LayerLocator::Local(blob) => format!("local\n{}", blob.source),
        };
        let mut short = [0; 8];
        short.copy_from_slice(&Digest::of(text.as_bytes()).as_bytes()[..8]);
        Self(u64::from_be_bytes(short))
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ReportKey {
    /// The key of a report that may be given again to whoever asks the same: `inputs` names snapshot, policy, `as_of`
    /// and all the other pins.
    pub fn pinned(image: &ResolvedImage, inputs: &str) -> Self {
        let platform = image.platform.as_ref().map(ToString::to_string).unwrap_or_default();
        let index = image.index_digest.map(|d| d.to_string()).unwrap_or_default();
        let text = format!(
            "{}\n{}\n{index}\n{platform}\n{}\n{}\n{inputs}",
            image.reference,
            image.digest,
            image.other_platforms.join(","),
            image.left_out.join(",")
        );
        Self(Digest::of(text.as_bytes()))
    }

    /// The key of a report that is this job's alone: something failed that may succeed another time.
    pub fn of_job(job: &JobId, index: usize) -> Self {
        Self(Digest::of(format!("job\n{job}\n{index}").as_bytes()))
    }

    /// A key from its text form.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(Digest::from_bytes(bytes.try_into().ok()?)))
    }
}

impl fmt::Display for ReportKey {
    /// 43 base64url characters, which every store accepts in a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for ReportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_what_they_write_and_depend_on_the_scope() {
        let scope = |namespace: &str, analyzers: &str, bytes| KeyScope {
            namespace: namespace.parse().unwrap(),
            analyzers: analyzers.into(),
            limits: Limits { max_layer_bytes: bytes, ..Limits::default() },
        };
        let first = scope("a", "dpkg1", 1).fingerprint();
        for other in [scope("b", "dpkg1", 1), scope("a", "dpkg2", 1), scope("a", "dpkg1", 2)] {
            assert_ne!(first, other.fingerprint());
        }
        let key = first.key(Digest::of(b"x"));
        assert_eq!(key.to_string().len(), 24 + 1 + 43);
        assert_eq!(key.to_string().parse::<LayerKey>().unwrap(), key);
        for bad in ["", ".", "00.00", &format!("{first}.x"), &key.to_string().to_uppercase(), &key.to_string()[1..]] {
            assert!(bad.parse::<LayerKey>().is_err(), "{bad}");
        }
        let report = ReportKey::of_job(&JobId::random(), 0);
        assert_eq!(ReportKey::parse(&report.to_string()), Some(report));
        assert_eq!(ReportKey::parse("!"), None);
    }
}
