//! `docker save` and its relatives: a tar archive with `manifest.json` (moby's image/tarexport, "specs/v1.2").
//!
//! Seen and read: Docker before and after 25 (layer directories; `blobs/sha256`), skopeo and podman (layers as links),
//! kaniko and crane (compressed layers, a configuration called `sha256:…`), containerd and BuildKit (with an
//! `index.json` beside it). The archive pins nothing: layers are hashed here, and the image's digest is that of the OCI
//! manifest that these bytes would have, so that two archives with one configuration and different layers are two
//! images. An archive with several images gives them all, in its order. Only paths of `manifest.json` are followed,
//! links inside the archive included.

use std::collections::HashMap;

use layergate_model::{Digest, ImageConfig};
use layergate_ports::values::{
    ImageContent, LayerDescriptor, LayerLocator, LocalBlob, PlatformSelection, ResolvedImage, SourceError,
};
use serde::Deserialize;

use super::Members;
use crate::{
    classify,
    error_detail::{malformed, not_an_image, not_found, one_line, unsupported},
    manifest::{MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES},
    platforms,
    resolve::{diff_id, read_config},
    strict_json,
};

const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";
const MAX_IMAGES: usize = 1000;
const MAX_LAYERS: usize = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: Option<String>,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

/// The images of an archive. `source` is what a locator says to find the archive again.
pub(crate) fn resolve(
    members: &Members,
    source: &str,
    reference: &str,
    selection: &PlatformSelection,
) -> Result<Vec<ResolvedImage>, SourceError> {
    let place = members.place();
    let entries = entries(members)?;
    let several = entries.len() > 1;
    let mut known = HashMap::new();
    let mut images = Vec::with_capacity(entries.len());
    for (i, entry) in entries.into_iter().enumerate() {
        let tag = entry.repo_tags.as_ref().and_then(|t| t.first()).map(|t| one_line(t, 300));
        let name = match (several, tag) {
            (false, _) => reference.to_owned(),
            (true, Some(tag)) => format!("{reference}:{tag}"),
            (true, None) => format!("{reference}:image {i}"),
        };
        images.push(image(members, source, name, entry, &mut known)?);
    }
    if let PlatformSelection::List(wanted) = selection {
        let there: Vec<_> = images.iter().filter_map(|i| i.platform.as_ref().map(ToString::to_string)).collect();
        images.retain(|i| i.platform.as_ref().is_some_and(|p| wanted.iter().any(|w| w.accepts(p))));
        if let Some(missing) =
            wanted.iter().find(|w| !images.iter().any(|i| i.platform.as_ref().is_some_and(|p| w.accepts(p))))
        {
            let what = format!("the archive has no image for platform {missing}; it has {}", there.join(", "));
            return Err(not_found(place, what, ""));
        }
    }
    Ok(images)
}

fn entries(members: &Members) -> Result<Vec<Entry>, SourceError> {
    let place = members.place();
    let Some(slice) = members.find("manifest.json")? else {
        if members.is_cut() {
            return Err(malformed(place, "the archive is cut off: its end, with manifest.json, is missing"));
        }
        if members.contains("repositories") || members.names().any(|n| n.ends_with("/layer.tar")) {
            return Err(unsupported(
                place,
                "there is no manifest.json in it: an archive of `docker save` before Docker 1.10, which does not show \
                 the order of its layers",
                "load it into a current Docker and save it again",
            ));
        }
        return Err(malformed(place, "there is no manifest.json in it: this is no archive of `docker save`"));
    };
    let bytes = slice.bytes(MAX_MANIFEST_BYTES).map_err(|e| malformed(place, format!("manifest.json: {e}")))?;
    let entries: Option<Vec<Entry>> = serde_json::from_slice(&bytes)
        .and_then(|entries| strict_json::check(&bytes, strict_json::SAVED).map(|()| entries))
        .map_err(|e| malformed(place, format!("manifest.json cannot be read: {e}")))?;
    let entries = entries.ok_or_else(|| malformed(place, "its manifest.json is `null`: the archive names no image"))?;
    match entries.len() {
        0 => Err(malformed(place, "its manifest.json is an empty list: the archive names no image")),
        1..=MAX_IMAGES => Ok(entries),
        n => Err(malformed(place, format!("its manifest.json names {n} images, more than {MAX_IMAGES}"))),
    }
}

fn image(
    members: &Members,
    source: &str,
    reference: String,
    entry: Entry,
    known: &mut HashMap<String, (Digest, u64)>,
) -> Result<ResolvedImage, SourceError> {
    let place = members.place();
    let config_name = entry.config.filter(|c| !c.is_empty());
    let config_name = config_name.ok_or_else(|| malformed(place, "its manifest.json names no configuration"))?;
    let missing = |what: &str, name: &str| {
        malformed(
            place,
            format!("its manifest.json names the {what} {}, which is not in the archive", one_line(name, 200)),
        )
    };
    let config_slice = members.find(&config_name)?.ok_or_else(|| missing("configuration", &config_name))?;
    let config_bytes = config_slice
        .bytes(MAX_CONFIG_BYTES)
        .map_err(|e| malformed(place, format!("the configuration {}: {e}", one_line(&config_name, 200))))?;
    let config: ImageConfig = read_config(place, &config_bytes)?;

    let names = entry.layers.unwrap_or_default();
    if names.is_empty() {
        return Err(not_an_image(place, "its manifest.json names no layers"));
    }
    if names.len() > MAX_LAYERS {
        return Err(malformed(
            place,
            format!("its manifest.json names {} layers, more than {MAX_LAYERS}", names.len()),
        ));
    }
    let windows = classify::unsupported_platform(platforms::of(&config).as_ref());
    let mut layers = Vec::with_capacity(names.len());
    for (i, name) in names.iter().enumerate() {
        let (digest, size) = match known.get(name) {
            Some(found) => *found,
            None => {
                let slice = members.find(name)?.ok_or_else(|| missing("layer", name))?;
                let digest =
                    slice.digest().map_err(|e| malformed(place, format!("the layer {}: {e}", one_line(name, 200))))?;
                known.insert(name.clone(), (digest, slice.size));
                (digest, slice.size)
            }
        };
        layers.push(LayerDescriptor {
            digest,
            size,
            diff_id: diff_id(&config, i, names.len()),
            locator: LayerLocator::Local(LocalBlob {
                source: source.to_owned(),
                entry: Some(name.clone()),
                digest,
                size,
            }),
            unsupported: windows.clone(),
        });
    }
    Ok(ResolvedImage {
        reference,
        digest: manifest_digest(&config_bytes, &layers),
        index_digest: None,
        platform: platforms::of(&config),
        layers,
        gaps: windows.into_iter().collect(),
        other_platforms: Vec::new(),
        left_out: Vec::new(),
        content: ImageContent::Image(Box::new(config)),
    })
}

/// The digest of the OCI manifest of a configuration and layers.
fn manifest_digest(config: &[u8], layers: &[LayerDescriptor]) -> Digest {
    let layers: Vec<_> = layers
        .iter()
        .map(|l| serde_json::json!({"mediaType": LAYER_TYPE, "digest": l.digest, "size": l.size}))
        .collect();
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": Digest::of(config),
            "size": config.len(),
        },
        "layers": layers,
    });
    Digest::of(manifest.to_string().as_bytes())
}
