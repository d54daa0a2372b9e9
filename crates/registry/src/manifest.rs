//! Manifests and indexes, read from bytes into narrow types (OCI image-spec v1.1 "manifest" and "image index"; Docker
//! image manifest version 2, schema 2).
//!
//! A manifest is at most 4 MiB, as registries have it, and names at most 10,000 others. What it is is known by its own
//! `mediaType`, else by the transport's content type, else by its fields. A document that is both an index and an image
//! is refused, whatever it calls itself: two readers could take it for two different things (CVE-2021-41190). Docker
//! schema 1 is refused: its layers are not pinned by a digest of the whole. `urls` of a descriptor are noticed, and
//! never followed.

use std::collections::BTreeMap;

use layergate_model::{Digest, DigestError, Platform};
use serde::Deserialize;

use crate::{platforms, strict_json};

/// The largest manifest that is read.
pub(crate) const MAX_MANIFEST_BYTES: usize = 4 << 20;
/// The largest image configuration that is read.
pub(crate) const MAX_CONFIG_BYTES: usize = 16 << 20;
/// The most children of an index, and the most layers of an image.
const MAX_DESCRIPTORS: usize = 10_000;

/// What an `Accept` header asks a registry for: everything that can be read, and schema 1 not.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// A pinned piece of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// What the manifest calls it; a claim.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// For which platform, on the children of an index.
    pub platform: Option<Platform>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// The kind of artifact, on the children of an index.
    pub artifact_type: Option<String>,
    /// Whether the descriptor has `urls`.
    pub has_urls: bool,
}

/// The manifest of one image, or of something that is stored like one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageManifest {
    /// The configuration.
    pub config: Descriptor,
    /// The layers, bottom first.
    pub layers: Vec<Descriptor>,
    /// The kind of artifact, where it is not an image.
    pub artifact_type: Option<String>,
}

/// A list of manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    /// The children.
    pub manifests: Vec<Descriptor>,
}

/// One or the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Manifest {
    /// An image.
    Image(Box<ImageManifest>),
    /// An index.
    Index(Index),
}

/// Why bytes are not a manifest.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    /// Over the limit.
    #[error("the manifest is larger than {MAX_MANIFEST_BYTES} bytes")]
    TooLarge,
    /// Some web page: a proxy, a login form, a wrong address.
    #[error("the answer is an HTML page and not a manifest: is the address a registry's, and is a proxy in between?")]
    Html,
    /// Not JSON, or not of the manifest's shape.
    #[error("the manifest is not what the OCI image specification says: {0}")]
    Json(String),
    /// Version 1.
    #[error(
        "Docker image manifest schema 1 is not supported: it does not pin its layers by a digest of the whole; push \
         the image again with a current client to convert it"
    )]
    Schema1,
    /// A media type that is no manifest's.
    #[error("unknown manifest media type {0:?}")]
    MediaType(String),
    /// Both an index and an image.
    #[error("the document is an index and an image at once (CVE-2021-41190) and is refused")]
    Ambiguous,
    /// A field that must be there is not.
    #[error("the manifest has no `{0}`")]
    Missing(&'static str),
    /// A digest that is none.
    #[error("the manifest's {place}: {source}")]
    Digest {
        /// Which descriptor.
        place: String,
        /// What is wrong.
        #[source]
        source: DigestError,
    },
    /// A negative or absent size.
    #[error("the manifest's {0} has no usable size")]
    Size(String),
    /// Too many descriptors.
    #[error("the manifest names {0} others, more than {MAX_DESCRIPTORS}")]
    TooMany(usize),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawManifest {
    schema_version: Option<serde_json::Number>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<RawDescriptor>,
    layers: Option<Vec<RawDescriptor>>,
    manifests: Option<Vec<RawDescriptor>>,
    fs_layers: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    media_type: Option<String>,
    digest: Option<String>,
    size: Option<i64>,
    platform: Option<RawPlatform>,
    annotations: Option<BTreeMap<String, String>>,
    artifact_type: Option<String>,
    urls: Option<Vec<serde::de::IgnoredAny>>,
}

#[derive(Deserialize)]
struct RawPlatform {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
}

enum Kind {
    Image,
    Index,
}

/// Reads a manifest. `content_type` is what the transport called it, if anything.
pub(crate) fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Manifest, ManifestError> {
    if bytes.len() > MAX_MANIFEST_BYTES {
        return Err(ManifestError::TooLarge);
    }
    let content_type = content_type.map(|c| c.split(';').next().unwrap_or_default().trim());
    let raw: RawManifest = serde_json::from_slice(bytes).map_err(|error| match bytes.trim_ascii_start().first() {
        Some(b'<') => ManifestError::Html,
        None => ManifestError::Json("it is empty".into()),
        Some(_) => ManifestError::Json(error.to_string()),
    })?;
    strict_json::check(bytes, strict_json::MANIFEST).map_err(|error| ManifestError::Json(error.to_string()))?;
    let said = raw.media_type.as_deref().filter(|m| !m.is_empty()).or(content_type);
    if raw.fs_layers.is_some()
        || raw.schema_version.as_ref().is_some_and(|v| v.as_u64() == Some(1))
        || said.is_some_and(|m| m.starts_with("application/vnd.docker.distribution.manifest.v1"))
    {
        return Err(ManifestError::Schema1);
    }
    if raw.manifests.is_some() && (raw.layers.is_some() || raw.config.is_some()) {
        return Err(ManifestError::Ambiguous);
    }
    match kind(said, &raw)? {
        Kind::Index => {
            let manifests = raw.manifests.ok_or(ManifestError::Missing("manifests"))?;
            Ok(Manifest::Index(Index { manifests: descriptors(manifests, "manifest")? }))
        }
        Kind::Image => {
            let config = raw.config.ok_or(ManifestError::Missing("config"))?;
            Ok(Manifest::Image(Box::new(ImageManifest {
                config: descriptor(config, || "config".into())?,
                layers: descriptors(raw.layers.unwrap_or_default(), "layer")?,
                artifact_type: raw.artifact_type.filter(|a| !a.is_empty()),
            })))
        }
    }
}

/// Whether a child of this media type may be an image or an index; the specification has all others ignored.
pub(crate) fn is_known_type(media_type: &str) -> bool {
    is_index_type(media_type)
        || matches!(
            media_type,
            "" | "application/vnd.oci.image.manifest.v1+json"
                | "application/vnd.docker.distribution.manifest.v2+json"
                | "application/vnd.docker.distribution.manifest.v1+json"
                | "application/vnd.docker.distribution.manifest.v1+prettyjws"
                | "application/json"
                | "application/octet-stream"
        )
}

/// Whether a child of this media type may be an index.
pub(crate) fn is_index_type(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/vnd.oci.image.index.v1+json" | "application/vnd.docker.distribution.manifest.list.v2+json"
    )
}

fn kind(said: Option<&str>, raw: &RawManifest) -> Result<Kind, ManifestError> {
    match said {
        Some(index) if is_index_type(index) => Ok(Kind::Index),
        Some("application/vnd.oci.image.manifest.v1+json" | "application/vnd.docker.distribution.manifest.v2+json") => {
            Ok(Kind::Image)
        }
        // Static file servers and old registries name nothing, or something general.
        None | Some("" | "application/json" | "application/octet-stream" | "text/plain") => {
            match (raw.manifests.is_some(), raw.config.is_some()) {
                (true, _) => Ok(Kind::Index),
                (_, true) => Ok(Kind::Image),
                _ => Err(ManifestError::Missing("manifests` nor a `config")),
            }
        }
        Some("text/html") => Err(ManifestError::Html),
        Some(other) => Err(ManifestError::MediaType(other.chars().take(200).collect())),
    }
}

fn descriptors(raw: Vec<RawDescriptor>, what: &str) -> Result<Vec<Descriptor>, ManifestError> {
    if raw.len() > MAX_DESCRIPTORS {
        return Err(ManifestError::TooMany(raw.len()));
    }
    raw.into_iter().enumerate().map(|(i, d)| descriptor(d, || format!("{what} {i}"))).collect()
}

fn descriptor(raw: RawDescriptor, place: impl Fn() -> String) -> Result<Descriptor, ManifestError> {
    let digest = raw.digest.unwrap_or_default();
    let digest = digest.parse().map_err(|source| ManifestError::Digest { place: place(), source })?;
    let size = raw.size.and_then(|s| u64::try_from(s).ok()).ok_or_else(|| ManifestError::Size(place()))?;
    let platform = raw.platform.and_then(|p| {
        // Without a system it is the runtime's own; without an architecture nothing fits it, and the configuration
        // shows.
        let (os, architecture) = (p.os.unwrap_or_default(), p.architecture.filter(|a| !a.is_empty())?);
        Some(platforms::normalised(Platform { os, architecture, variant: p.variant.filter(|v| !v.is_empty()) }))
    });
    Ok(Descriptor {
        media_type: raw.media_type.unwrap_or_default(),
        digest,
        size,
        platform,
        annotations: raw.annotations.unwrap_or_default(),
        artifact_type: raw.artifact_type.filter(|a| !a.is_empty()),
        has_urls: raw.urls.is_some_and(|u| !u.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn what_is_read_and_what_is_refused() {
        let image = format!(r#"{{"schemaVersion":2,"config":{{"digest":"{D}","size":2}},"layers":null}}"#);
        let Manifest::Image(read) = parse(image.as_bytes(), None).unwrap() else { panic!("an image") };
        assert!(read.layers.is_empty());
        let index = format!(
            r#"{{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{"digest":"{D}","size":2,
               "platform":{{"os":"linux","architecture":"arm","variant":"v7"}},"urls":["http://x"]}}]}}"#
        );
        let Manifest::Index(read) = parse(index.as_bytes(), Some("application/json; charset=utf-8")).unwrap() else {
            panic!("an index")
        };
        assert_eq!(read.manifests[0].platform.as_ref().unwrap().to_string(), "linux/arm/v7");
        assert!(read.manifests[0].has_urls);

        for (text, content_type, want) in [
            ("", None, "empty"),
            ("<!doctype html><html>", Some("text/html"), "HTML"),
            ("{", None, "EOF"),
            ("[]", None, "specification"),
            ("{}", None, "no `manifests` nor a `config`"),
            (r#"{"schemaVersion":1,"name":"x"}"#, None, "schema 1"),
            (r#"{"fsLayers":[]}"#, None, "schema 1"),
            ("{}", Some("application/vnd.docker.distribution.manifest.v1+prettyjws"), "schema 1"),
            (r#"{"manifests":[],"layers":[]}"#, None, "at once"),
            (&image.replace("layers", "Layers"), None, "read as `layers`"),
            (r#"{"mediaType":"application/x-foo"}"#, None, "unknown manifest media type"),
            (r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#, None, "no `config`"),
            (r#"{"config":{"digest":"sha512:00","size":1}}"#, None, "sha512"),
            (&image.replace("\"size\":2", "\"size\":-2"), None, "usable size"),
            (&image.replace("\"size\":2", "\"size\":1e99"), None, "specification"),
        ] {
            let error = parse(text.as_bytes(), content_type).unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
        assert!(matches!(parse(&vec![b' '; MAX_MANIFEST_BYTES + 1], None), Err(ManifestError::TooLarge)));
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes(), None).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), at in 0usize..400) {
            let _ = parse(&bytes, None);
            let mut index = format!(r#"{{"manifests":[{{"digest":"{D}","size":2,"platform":{{"os":"a","architecture":"b"}}}}]}}"#).into_bytes();
            let at = at % index.len();
            index.splice(at..(at + 1), bytes.iter().copied().take(3));
            let _ = parse(&index, Some("application/json"));
        }
    }
}
