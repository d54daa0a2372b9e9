//! OCI image layouts (image-spec v1.1 "image-layout"), as a directory or in a tar archive.
//!
//! `index.json` is a table of images: entries with a name (`org.opencontainers.image.ref.name`, containerd's
//! `io.containerd.image.name`) are an image each; entries without a name that carry platforms are one image for
//! several platforms; entries with neither are an image each. A missing blob of a layer becomes that layer's gap, a
//! missing manifest or configuration an error. The marker file `oci-layout` is not insisted upon: some builders leave
//! it out.

use std::{
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use layergate_model::{Digest, Gap, GapKind};
use layergate_ports::values::{LayerLocator, LocalBlob, PlatformSelection, ResolvedImage, SourceError};

use super::{Members, slice::Slice};
use crate::{
    error_detail::{self, malformed, not_found},
    manifest::{self, Descriptor, MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES, Manifest},
    resolve::{self, ContentStore, Document, Leaf, Located},
};

const NAME: &str = "org.opencontainers.image.ref.name";
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// A layout.
pub(crate) enum Layout<'a> {
    /// A directory.
    Dir(PathBuf),
    /// A tar archive.
    Tar(&'a Members),
}

impl Layout<'_> {
    fn find(&self, name: &str) -> Result<Option<Slice>, SourceError> {
        match self {
            Self::Tar(members) => members.find(name),
            Self::Dir(dir) => match Slice::whole(&dir.join(name)) {
                Ok(slice) => Ok(Some(slice)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error_detail::file(&dir.join(name), &error)),
            },
        }
    }

    fn place(&self) -> String {
        match self {
            Self::Tar(members) => members.place().to_owned(),
            Self::Dir(dir) => dir.display().to_string(),
        }
    }

    fn pinned(&self, digest: &Digest, limit: usize) -> Result<Vec<u8>, SourceError> {
        let name = blob_name(digest);
        let Some(slice) = self.find(&name)? else {
            return Err(malformed(self.place(), format!("the blob {name} is missing")));
        };
        let bytes = slice.bytes(limit).map_err(|e| malformed(self.place(), format!("{name}: {e}")))?;
        let found = Digest::of(&bytes);
        if found == *digest {
            return Ok(bytes);
        }
        Err(malformed(self.place(), format!("the blob {name} has another content: its digest is {found}")))
    }
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.to_hex())
}

/// A blob of a layout directory, by the name that a locator has of it.
pub(crate) fn blob_in_dir(dir: &Path, entry: &str) -> Result<Slice, SourceError> {
    let plain = entry.strip_prefix("blobs/sha256/").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    if !plain {
        return Err(malformed(
            dir.display(),
            format!("{:?} is not the name of a blob", error_detail::one_line(entry, 200)),
        ));
    }
    let path = dir.join(entry);
    Slice::whole(&path).map_err(|e| error_detail::file(&path, &e))
}

struct Store<'a> {
    layout: Layout<'a>,
    source: String,
}

#[async_trait]
impl ContentStore for Store<'_> {
    async fn manifest(&self, digest: &Digest) -> Result<Document, SourceError> {
        let bytes = self.layout.pinned(digest, MAX_MANIFEST_BYTES)?;
        Ok(Document { bytes, content_type: None })
    }

    async fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        self.layout.pinned(&descriptor.digest, MAX_CONFIG_BYTES)
    }

    fn locate(&self, layer: &Descriptor) -> Located {
        let entry = blob_name(&layer.digest);
        let gap = |kind, detail: String| Some(Gap::new(kind, layer.digest.to_string(), detail));
        let (mut digest, mut size, mut missing, mut altered) = (layer.digest, layer.size, None, None);
        match self.layout.find(&entry) {
            Ok(Some(slice)) if slice.size == layer.size => {}
            // A shortened fixture, a re-compressed blob: what is there is worth reading, and is not the image.
            Ok(Some(slice)) => match slice.digest() {
                Ok(actual) => {
                    let what = format!(
                        "the blob has {} bytes (digest {actual}) where the manifest says {}: what is there was read, \
                         and it is not the image's layer",
                        slice.size, layer.size
                    );
                    (digest, size, altered) = (actual, slice.size, gap(GapKind::CorruptLayer, what));
                }
                Err(error) => missing = gap(GapKind::LayerUnavailable, error.to_string()),
            },
            Ok(None) => {
                missing = gap(GapKind::LayerUnavailable, format!("the blob is not in {}", self.layout.place()));
            }
            Err(error) => missing = gap(GapKind::LayerUnavailable, error.to_string()),
        }
        let blob = LocalBlob { source: self.source.clone(), entry: Some(entry), digest, size };
        Located { locator: LayerLocator::Local(blob), missing, altered }
    }
}

/// The images of a layout; with `tag`, only the one of that name or digest.
pub(crate) async fn resolve(
    layout: Layout<'_>,
    source: &str,
    reference: &str,
    tag: Option<&str>,
    selection: &PlatformSelection,
) -> Result<Vec<ResolvedImage>, SourceError> {
    let place = layout.place();
    let Some(slice) = layout.find("index.json")? else {
        return Err(not_found(place, "there is no index.json in it: this is no OCI layout", ""));
    };
    let bytes = slice.bytes(MAX_MANIFEST_BYTES).map_err(|e| malformed(&place, format!("index.json: {e}")))?;
    let Manifest::Index(index) = manifest::parse(&bytes, Some("application/vnd.oci.image.index.v1+json"))
        .map_err(|e| malformed(&place, format!("index.json: {e}")))?
    else {
        return Err(malformed(&place, "index.json is an image's manifest and no index"));
    };
    let mut groups = grouped(index.manifests);
    if let Some(tag) = tag {
        let names: Vec<_> = groups.iter().map(Group::title).collect();
        groups.retain(|g| g.is(tag));
        if groups.is_empty() {
            let there = if names.is_empty() { "nothing".into() } else { names.join(", ") };
            return Err(not_found(&place, format!("the layout has no image {tag:?}; it has {there}"), ""));
        }
    }
    if groups.is_empty() {
        return Err(malformed(&place, "index.json names no manifests: the layout is empty"));
    }

    let store = Store { layout, source: source.to_owned() };
    let several = groups.len() > 1;
    let (mut images, mut others, mut first_error) = (Vec::new(), Vec::new(), None);
    for group in groups {
        let title = group.title();
        let shown = if several { format!("{reference}:{title}") } else { reference.to_owned() };
        match resolve::resolve_children(&store, &shown, group.leaves(), selection).await {
            Ok(found) => images.extend(found),
            // Signatures and attestations lie beside the images they speak of.
            Err(error @ SourceError::NotAnImage(_)) if several => {
                others.push(title);
                first_error.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    for image in &mut images {
        image.left_out.extend(others.iter().cloned());
    }
    match first_error {
        Some(error) if images.is_empty() => Err(error),
        _ => Ok(images),
    }
}

struct Group {
    name: Option<String>,
    also: Vec<String>,
    members: Vec<Descriptor>,
}

impl Group {
    fn title(&self) -> String {
        let digest = || self.members.first().map(|d| d.digest.to_string()).unwrap_or_default();
        self.name.as_deref().map_or_else(digest, |n| error_detail::one_line(n, 300))
    }

    fn is(&self, tag: &str) -> bool {
        self.name.as_deref() == Some(tag)
            || self.also.iter().any(|a| a == tag)
            || self.members.iter().any(|d| d.digest.to_string() == tag)
    }

    fn is_only(&self, descriptor: &Descriptor) -> bool {
        matches!(self.members.as_slice(), [one] if one.digest == descriptor.digest)
    }

    fn leaves(self) -> Vec<Leaf> {
        self.members.into_iter().map(|descriptor| Leaf { platform: None, index: None, descriptor }).collect()
    }
}

fn grouped(manifests: Vec<Descriptor>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for descriptor in manifests {
        let short = descriptor.annotations.get(NAME).filter(|n| !n.is_empty()).cloned();
        let full = descriptor.annotations.get(CONTAINERD_NAME).filter(|n| !n.is_empty()).cloned();
        let name = full.clone().or_else(|| short.clone());
        let attestation = crate::classify::is_attestation(&descriptor);
        let home = groups.iter_mut().find(|g| match (&name, &g.name) {
            (Some(a), Some(b)) => a == b,
            // The table of a multi-platform image that nobody named.
            (None, None) => {
                let has_platform = |d: &Descriptor| d.platform.is_some();
                attestation || (has_platform(&descriptor) && g.members.iter().all(has_platform))
            }
            _ => false,
        });
        let also: Vec<String> = short.into_iter().chain(full).collect();
        match home {
            Some(group) => {
                group.also.extend(also);
                group.members.push(descriptor);
            }
            // Else a second name of the same image, or another image.
            None => match groups.iter_mut().find(|g| g.is_only(&descriptor)) {
                Some(twin) => twin.also.extend(also),
                None => groups.push(Group { name, also, members: vec![descriptor] }),
            },
        }
    }
    groups
}
