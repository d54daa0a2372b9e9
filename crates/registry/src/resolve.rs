//! From a root document (a manifest or an index) to images: one walk for registries, layouts and OCI archives.
//!
//! Bounded: indexes nest at most four deep, 100 of them are read, 64 children are opened to learn a platform that their
//! index does not show. Whatever is read by digest has that digest, or is refused.

use async_trait::async_trait;
use layergate_model::{Digest, Gap, ImageConfig, Platform};
use layergate_ports::values::{
    ImageContent, LayerDescriptor, LayerLocator, PlatformSelection, ResolvedImage, SourceError,
};

use crate::{
    classify,
    error_detail::{malformed, not_an_image, not_found, unsupported},
    manifest::{self, Descriptor, ImageManifest, MAX_CONFIG_BYTES, Manifest, ManifestError},
    platforms, strict_json,
};

const MAX_DEPTH: usize = 4;
const MAX_INDEXES: usize = 100;
const MAX_PLATFORM_LOOKUPS: usize = 64;

/// A manifest's bytes and what the transport called them.
pub(crate) struct Document {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_type: Option<String>,
}

/// Where pinned content is read from. Both methods return only bytes of the digest that was asked for.
#[async_trait]
pub(crate) trait ContentStore: Send + Sync {
    /// A manifest or an index.
    async fn manifest(&self, digest: &Digest) -> Result<Document, SourceError>;
    /// A configuration.
    async fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError>;
    /// Where a layer is.
    fn locate(&self, layer: &Descriptor) -> Located;
}

/// A layer, found or not.
pub(crate) struct Located {
    pub(crate) locator: LayerLocator,
    /// Set when the layer cannot be had at all.
    pub(crate) missing: Option<Gap>,
    /// Set when something else than what the manifest pins is there: it is read, and the image has this gap.
    pub(crate) altered: Option<Gap>,
}

/// A child of an index that may be an image.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) descriptor: Descriptor,
    pub(crate) platform: Option<Platform>,
    pub(crate) index: Option<Digest>,
}

/// The images of a root document of digest `digest`.
pub(crate) async fn resolve(
    store: &dyn ContentStore,
    reference: &str,
    digest: Digest,
    document: Document,
    selection: &PlatformSelection,
) -> Result<Vec<ResolvedImage>, SourceError> {
    match read(reference, &document)? {
        Manifest::Image(image) => {
            let image = load(store, reference, digest, image, None, None).await?;
            if let PlatformSelection::List(wanted) = selection
                && let Some(missing) = wanted.iter().find(|w| !image.platform.as_ref().is_some_and(|p| w.accepts(p)))
            {
                let there =
                    image.platform.as_ref().map_or_else(|| "one that it does not show".into(), Platform::to_string);
                let what = format!("no image for platform {missing}; the only one there is for {there}");
                return Err(not_found(reference, what, ""));
            }
            Ok(vec![image])
        }
        Manifest::Index(index) => {
            let leaves = index
                .manifests
                .into_iter()
                .map(|descriptor| Leaf { platform: None, index: Some(digest), descriptor })
                .collect();
            resolve_children(store, reference, leaves, selection).await
        }
    }
}

/// The images among the children of an index.
pub(crate) async fn resolve_children(
    store: &dyn ContentStore,
    reference: &str,
    children: Vec<Leaf>,
    selection: &PlatformSelection,
) -> Result<Vec<ResolvedImage>, SourceError> {
    let mut left_out = Vec::new();
    let mut leaves = flatten(store, reference, children, &mut left_out).await?;
    learn_platforms(store, reference, &mut leaves, &mut left_out).await?;
    if leaves.is_empty() {
        let what = if left_out.is_empty() {
            "the index is empty".to_owned()
        } else {
            format!("the index has no image, only {}", left_out.join(", "))
        };
        return Err(not_an_image(reference, what));
    }

    let offered: Vec<_> = leaves.iter().map(|l| l.platform.clone()).collect();
    let shown =
        |i: usize| offered[i].as_ref().map_or_else(|| leaves[i].descriptor.digest.to_string(), Platform::to_string);
    let chosen = platforms::select(&offered, selection).map_err(|missing| {
        let mut there: Vec<_> = (0..offered.len()).map(shown).collect();
        there.dedup();
        there.truncate(40);
        let what = format!("the index has no image for platform {missing}; it has {}", there.join(", "));
        not_found(reference, what, "name one of them with --platform")
    })?;
    let mut others: Vec<_> = (0..offered.len())
        .filter(|i| !chosen.contains(i))
        .map(|i| match chosen.iter().any(|c| offered[*c] == offered[i]) {
            true => format!("{} (a further image for it, {})", shown(i), leaves[i].descriptor.digest),
            false => shown(i),
        })
        .collect();
    others.sort();
    left_out.sort();

    let mut images = Vec::with_capacity(chosen.len());
    for i in chosen {
        let leaf = &leaves[i];
        let document = fetch(store, &leaf.descriptor).await?;
        let Manifest::Image(manifest) = read(reference, &document)? else {
            return Err(malformed(leaf.descriptor.digest, "the index calls it an image, and it is an index"));
        };
        let mut image =
            load(store, reference, leaf.descriptor.digest, manifest, leaf.platform.clone(), leaf.index).await?;
        image.other_platforms.clone_from(&others);
        image.left_out.clone_from(&left_out);
        images.push(image);
    }
    Ok(images)
}

/// Nested indexes laid flat, attestations taken out.
async fn flatten(
    store: &dyn ContentStore,
    reference: &str,
    children: Vec<Leaf>,
    left_out: &mut Vec<String>,
) -> Result<Vec<Leaf>, SourceError> {
    let mut leaves = Vec::new();
    let mut stack: Vec<(Leaf, usize)> = children.into_iter().rev().map(|l| (l, 1)).collect();
    let mut indexes = 0;
    while let Some((mut leaf, depth)) = stack.pop() {
        let digest = leaf.descriptor.digest;
        if classify::is_attestation(&leaf.descriptor) {
            left_out.push(format!("attestation {digest}"));
        } else if manifest::is_index_type(&leaf.descriptor.media_type) {
            indexes += 1;
            if depth >= MAX_DEPTH || indexes > MAX_INDEXES {
                let what =
                    format!("indexes nest deeper than {MAX_DEPTH}, or there are more than {MAX_INDEXES} of them");
                return Err(malformed(reference, what));
            }
            let document = fetch(store, &leaf.descriptor).await?;
            let Manifest::Index(index) = read(reference, &document)? else {
                return Err(malformed(digest, "the index calls it an index, and it is an image"));
            };
            let inherited = leaf.descriptor.platform.take();
            stack.extend(index.manifests.into_iter().rev().map(|descriptor| {
                let platform = inherited.clone().filter(|_| descriptor.platform.is_none());
                (Leaf { descriptor, platform, index: Some(digest) }, depth + 1)
            }));
        } else if !manifest::is_known_type(&leaf.descriptor.media_type) {
            let kind = crate::error_detail::one_line(&leaf.descriptor.media_type, 100);
            left_out.push(format!("{digest} of unknown media type {kind}"));
        } else {
            leaf.platform = leaf.descriptor.platform.clone().or(leaf.platform);
            leaves.push(leaf);
        }
    }
    Ok(leaves)
}

/// Asks the configuration where the index does not show a platform, so that `--platform` means the same everywhere.
async fn learn_platforms(
    store: &dyn ContentStore,
    reference: &str,
    leaves: &mut Vec<Leaf>,
    left_out: &mut Vec<String>,
) -> Result<(), SourceError> {
    if leaves.len() < 2 {
        return Ok(());
    }
    let mut lookups = 0;
    let mut kept = Vec::with_capacity(leaves.len());
    for mut leaf in leaves.drain(..) {
        if leaf.platform.is_none() && lookups < MAX_PLATFORM_LOOKUPS {
            lookups += 1;
            let document = fetch(store, &leaf.descriptor).await?;
            let Manifest::Image(manifest) = read(reference, &document)? else {
                return Err(malformed(leaf.descriptor.digest, "the index calls it an image, and it is an index"));
            };
            if let Some(kind) = classify::not_an_image(&manifest) {
                left_out.push(format!("{kind} {}", leaf.descriptor.digest));
                continue;
            }
            leaf.platform = platforms::of(&configuration(store, &manifest).await?);
        }
        kept.push(leaf);
    }
    *leaves = kept;
    Ok(())
}

async fn load(
    store: &dyn ContentStore,
    reference: &str,
    digest: Digest,
    manifest: Box<ImageManifest>,
    platform: Option<Platform>,
    index_digest: Option<Digest>,
) -> Result<ResolvedImage, SourceError> {
    if let Some(kind) = classify::not_an_image(&manifest) {
        return Err(not_an_image(reference, format!("it is {kind}")));
    }
    let config = configuration(store, &manifest).await?;
    let windows = classify::unsupported_platform(platforms::of(&config).as_ref())
        .or_else(|| classify::unsupported_platform(platform.as_ref()));
    let mut gaps: Vec<Gap> = windows.clone().into_iter().collect();
    let mut layers = Vec::with_capacity(manifest.layers.len());
    for (i, layer) in manifest.layers.iter().enumerate() {
        let found = store.locate(layer);
        gaps.extend(found.altered);
        layers.push(LayerDescriptor {
            digest: found.locator.digest(),
            size: found.locator.size(),
            diff_id: diff_id(&config, i, manifest.layers.len()),
            locator: found.locator,
            unsupported: classify::unreadable_layer(layer).or_else(|| windows.clone()).or(found.missing),
        });
    }
    Ok(ResolvedImage {
        reference: reference.to_owned(),
        digest,
        index_digest,
        platform: platform.or_else(|| platforms::of(&config)),
        layers,
        gaps,
        other_platforms: Vec::new(),
        left_out: Vec::new(),
        content: ImageContent::Image(Box::new(config)),
    })
}

/// The diffID that the configuration claims for layer `index`, where configuration and manifest agree on the number.
pub(crate) fn diff_id(config: &ImageConfig, index: usize, layers: usize) -> Option<Digest> {
    let claims = &config.rootfs.diff_ids;
    if claims.len() != layers {
        return None;
    }
    claims.get(index)?.parse().ok()
}

async fn configuration(store: &dyn ContentStore, manifest: &ImageManifest) -> Result<ImageConfig, SourceError> {
    let descriptor = &manifest.config;
    if descriptor.size > MAX_CONFIG_BYTES as u64 {
        let what = format!("the image's configuration has {} bytes, more than {MAX_CONFIG_BYTES}", descriptor.size);
        return Err(malformed(descriptor.digest, what));
    }
    let bytes = store.config(descriptor).await?;
    check_size(descriptor, bytes.len())?;
    read_config(&descriptor.digest.to_string(), &bytes)
}

/// Reads an image's configuration.
pub(crate) fn read_config(place: &str, bytes: &[u8]) -> Result<ImageConfig, SourceError> {
    serde_json::from_slice(bytes)
        .and_then(|config| strict_json::check(bytes, strict_json::CONFIG).map(|()| config))
        .map_err(|error| malformed(place, format!("the image's configuration cannot be read: {error}")))
}

async fn fetch(store: &dyn ContentStore, descriptor: &Descriptor) -> Result<Document, SourceError> {
    let document = store.manifest(&descriptor.digest).await?;
    check_size(descriptor, document.bytes.len())?;
    Ok(document)
}

fn check_size(descriptor: &Descriptor, found: usize) -> Result<(), SourceError> {
    if descriptor.size == found as u64 {
        return Ok(());
    }
    Err(malformed(descriptor.digest, format!("its descriptor says {} bytes, and it has {found}", descriptor.size)))
}

fn read(place: &str, document: &Document) -> Result<Manifest, SourceError> {
    manifest::parse(&document.bytes, document.content_type.as_deref()).map_err(|error| match error {
        ManifestError::Schema1 => unsupported(place, error.to_string(), ""),
        ManifestError::MediaType(_) => not_an_image(place, error.to_string()),
        _ => malformed(place, error.to_string()),
    })
}
