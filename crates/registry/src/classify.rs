//! What a manifest is: an image, or one of the other things that people keep in registries (design, "What is not an
//! ordinary Linux image"). Pure.
//!
//! Media types only decide what is *not* looked at. How a layer is read is decided by its bytes.

use layergate_model::{Gap, GapKind, Platform};

use crate::manifest::{Descriptor, ImageManifest};

/// Why something is not an image, in words for a ledger.
pub(crate) fn not_an_image(manifest: &ImageManifest) -> Option<String> {
    let config = manifest.config.media_type.as_str();
    if config == "application/vnd.oci.empty.v1+json" {
        return Some(match &manifest.artifact_type {
            Some(kind) => format!("an artifact of type {}", short(kind)),
            None => "an artifact with an empty configuration".into(),
        });
    }
    if let Some(name) = named_artifact(config) {
        return Some(name.into());
    }
    if !is_image_config(config) {
        return Some(format!("an artifact with a configuration of type {}", short(config)));
    }
    // cosign's signatures and BuildKit's attestations call their configuration an image's.
    if let Some(first) = manifest.layers.first()
        && manifest.layers.iter().all(|l| !is_file_system(&l.media_type) && named_artifact(&l.media_type).is_some())
    {
        return named_artifact(&first.media_type).map(str::to_owned);
    }
    manifest.layers.is_empty().then(|| "a manifest without layers".into())
}

/// Whether a child of an index is a statement about another child (BuildKit's attestations). Its platform alone shows:
/// runtimes run a child that is only annotated as one.
pub(crate) fn is_attestation(child: &Descriptor) -> bool {
    child.platform.as_ref().is_some_and(|p| p.os == "unknown" && p.architecture == "unknown")
}

/// Why a layer cannot be read, from what its descriptor says.
pub(crate) fn unreadable_layer(layer: &Descriptor) -> Option<Gap> {
    let kind = layer.media_type.as_str();
    let detail = if kind.contains("+encrypted") {
        "the layer is encrypted and was not looked at".to_owned()
    } else if kind.contains("nondistributable") || kind.contains(".foreign.") {
        "the layer is not distributable: it lies outside the registry, and its urls are never followed".to_owned()
    } else if is_file_system(kind) || kind.is_empty() {
        return None;
    } else {
        format!("the layer is of type {}, which is not a file system that can be read", short(kind))
    };
    Some(Gap::new(GapKind::UnsupportedLayer, layer.digest.to_string(), detail))
}

/// The gap of a platform that no analyzer knows.
pub(crate) fn unsupported_platform(platform: Option<&Platform>) -> Option<Gap> {
    let platform = platform.filter(|p| p.os != "linux")?;
    Some(Gap::new(
        GapKind::UnsupportedPlatform,
        platform.to_string(),
        format!("an image for {}: only Linux images can be looked into", platform.os),
    ))
}

fn is_image_config(media_type: &str) -> bool {
    matches!(
        media_type,
        "" | "application/vnd.oci.image.config.v1+json"
            | "application/vnd.docker.container.image.v1+json"
            // Some registries' and builders' habit; the bytes are read as a configuration and must be one.
            | "application/json"
            | "application/octet-stream"
    )
}

fn is_file_system(media_type: &str) -> bool {
    let base = media_type.split('+').next().unwrap_or_default();
    matches!(
        base,
        "application/vnd.oci.image.layer.v1.tar"
            | "application/vnd.docker.image.rootfs.diff.tar"
            | "application/vnd.docker.image.rootfs.diff.tar.gzip"
            | "application/vnd.docker.image.rootfs.diff.tar.zstd"
            | "application/vnd.docker.container.image.rootfs.diff"
            | "application/x-tar"
            | "application/tar"
            | "application/gzip"
            | "application/octet-stream"
    )
}

/// The common kinds of artifacts, by the media type of their configuration or content.
fn named_artifact(media_type: &str) -> Option<&'static str> {
    const TABLE: [(&str, &str); 22] = [
        ("application/vnd.cncf.helm.", "a Helm chart"),
        ("application/vnd.wasm.", "a WebAssembly module"),
        ("application/wasm", "a WebAssembly module"),
        ("application/vnd.module.wasm.", "a WebAssembly module"),
        ("application/vnd.dev.cosign.simplesigning.", "a cosign signature"),
        ("application/vnd.dev.cosign.", "a cosign artifact"),
        ("application/vnd.dev.sigstore.", "a Sigstore bundle"),
        ("application/vnd.cncf.notary.", "a Notary signature"),
        ("application/vnd.in-toto", "an in-toto attestation"),
        ("application/vnd.dsse.envelope", "a signed attestation"),
        ("application/vnd.cyclonedx", "a CycloneDX SBOM"),
        ("application/spdx", "an SPDX SBOM"),
        ("text/spdx", "an SPDX SBOM"),
        ("application/vnd.syft", "a Syft SBOM"),
        ("application/sarif", "a scan report"),
        ("application/vnd.docker.plugin.", "a Docker plugin"),
        ("application/vnd.buildkit.cacheconfig.", "a BuildKit cache"),
        ("application/vnd.cncf.openpolicyagent.", "an Open Policy Agent bundle"),
        ("application/vnd.cncf.flux.", "a Flux artifact"),
        ("application/vnd.cncf.kyverno.", "a Kyverno policy"),
        ("application/vnd.cncf.model.", "a machine-learning model"),
        ("application/vnd.amazon.soci.", "a SOCI index"),
    ];
    TABLE.iter().find(|(prefix, _)| media_type.starts_with(prefix)).map(|(_, name)| *name)
}

fn short(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use layergate_model::Digest;

    use super::*;

    fn descriptor(media_type: &str) -> Descriptor {
        Descriptor {
            media_type: media_type.into(),
            digest: Digest::of(b""),
            size: 0,
            platform: None,
            annotations: Default::default(),
            artifact_type: None,
            has_urls: false,
        }
    }

    #[test]
    fn the_designs_table() {
        const OCI: &str = "application/vnd.oci.image.config.v1+json";
        const TAR: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
        for (config, layers, want) in [
            (OCI, vec![TAR], None),
            ("application/vnd.docker.container.image.v1+json", vec![TAR], None),
            (OCI, vec![], Some("without layers")),
            (
                "application/vnd.cncf.helm.config.v1+json",
                vec!["application/vnd.cncf.helm.chart.content.v1.tar+gzip"],
                Some("Helm"),
            ),
            ("application/vnd.wasm.config.v0+json", vec!["application/wasm"], Some("WebAssembly")),
            (OCI, vec!["application/vnd.dev.cosign.simplesigning.v1+json"], Some("cosign signature")),
            (OCI, vec!["application/vnd.in-toto+json", "application/vnd.in-toto+json"], Some("in-toto")),
            (OCI, vec!["application/vnd.cyclonedx+json"], Some("CycloneDX")),
            ("application/vnd.oci.empty.v1+json", vec![TAR], Some("artifact")),
            ("application/vnd.unknown.config.v1+json", vec![TAR], Some("application/vnd.unknown.config.v1+json")),
            // A nydus image is one, of a kind that cannot be read: a gap, not an artifact.
            (OCI, vec!["application/vnd.oci.image.layer.nydus.blob.v1"], None),
        ] {
            let manifest = ImageManifest {
                config: descriptor(config),
                layers: layers.iter().map(|l| descriptor(l)).collect(),
                artifact_type: None,
            };
            let found = not_an_image(&manifest);
            match want {
                None => assert_eq!(found, None, "{config}"),
                Some(want) => assert!(found.as_ref().is_some_and(|f| f.contains(want)), "{config}: {found:?}"),
            }
        }
        for (kind, want) in [
            (TAR, None),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", None),
            ("application/vnd.oci.image.layer.v1.tar", None),
            ("application/vnd.oci.image.layer.v1.tar+zstd", None),
            ("", None),
            ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", Some("encrypted")),
            ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Some("not distributable")),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Some("never followed")),
            ("application/vnd.oci.image.layer.nydus.blob.v1", Some("nydus")),
        ] {
            let gap = unreadable_layer(&descriptor(kind)).map(|g| g.detail);
            assert_eq!(gap.is_some(), want.is_some(), "{kind}");
            assert!(want.is_none_or(|w| gap.is_some_and(|g| g.contains(w))), "{kind}");
        }
        let windows = "windows/amd64".parse().unwrap();
        assert_eq!(unsupported_platform(Some(&windows)).unwrap().kind, GapKind::UnsupportedPlatform);
        assert!(unsupported_platform(Some(&Platform::linux_amd64())).is_none());
    }
}
