//! Images on this machine: what a path is, its images, and the bytes of their layers. Blocking; [`crate::Sources`] runs
//! it where blocking is allowed.
//!
//! Archives stay open between the resolving of an image and the reading of its layers, at most eight of them, so that
//! a compressed one is unpacked once. A file that changed meanwhile is opened anew, and the digests show the rest.

use std::{
    collections::VecDeque,
    fs,
    io::Read as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use layergate_model::{Digest, Gap, Limits};
use layergate_ports::values::{
    ImageContent, LayerDescriptor, LayerLocator, LocalBlob, PlatformSelection, ResolvedImage, SourceError,
};

use crate::{
    archive::{
        self, Members, docker,
        layout::{self, Layout},
        open::{self, Content},
        slice::Slice,
    },
    error_detail,
    location::Location,
    rootfs, sbom,
};

const OPEN_ARCHIVES: usize = 8;

/// Shows one state of a file from another.
type Stamp = (u64, u64, i64, i64);

/// The local images.
#[derive(Debug)]
pub(crate) struct LocalImages {
    limits: Limits,
    open: Mutex<VecDeque<(PathBuf, Stamp, Arc<Members>)>>,
}

/// Where the bytes of a local layer come from.
pub(crate) enum LocalBytes {
    /// A file or a part of one.
    Slice(Slice),
    /// A tree.
    Tree(PathBuf),
}

impl LocalImages {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, open: Mutex::default() }
    }

    /// Says what a path is. Other locations, and a tar archive of a root file system, stay what they are.
    pub(crate) fn recognise(&self, location: &Location) -> Result<Location, SourceError> {
        let Location::Path(path) = location else { return Ok(location.clone()) };
        let metadata = path.metadata().map_err(|e| error_detail::file(path, &e))?;
        if metadata.is_dir() {
            return Ok(if path.join("index.json").is_file() || path.join("oci-layout").is_file() {
                Location::OciLayout { dir: path.clone(), tag: None }
            } else {
                Location::RootFs(path.clone())
            });
        }
        if !metadata.is_file() {
            return Err(error_detail::unsupported(path.display(), "this is neither a file nor a directory", ""));
        }
        if begins_as_json(path)? {
            return Ok(Location::Sbom(path.clone()));
        }
        Ok(match open::recognise(path, &self.limits)? {
            Content::Docker(members) => {
                self.keep(path, members)?;
                Location::DockerArchive(path.clone())
            }
            Content::Oci(members) => {
                self.keep(path, members)?;
                Location::OciArchive(path.clone())
            }
            Content::RootFs => location.clone(),
        })
    }

    /// The images at a location.
    pub(crate) fn resolve(
        &self,
        location: &Location,
        selection: &PlatformSelection,
    ) -> Result<Vec<ResolvedImage>, SourceError> {
        let reference = location.to_string();
        let found = self.recognise(location)?;
        let source = found.to_string();
        match &found {
            Location::DockerArchive(path) => docker::resolve(&*self.members(path)?, &source, &reference, selection),
            Location::OciArchive(path) => {
                let members = self.members(path)?;
                let layout = Layout::Tar(&members);
                futures::executor::block_on(layout::resolve(layout, &source, &reference, None, selection))
            }
            Location::OciLayout { dir, tag } => {
                let layout = Layout::Dir(dir.clone());
                if !dir.is_dir() {
                    return Err(error_detail::not_found(dir.display(), "there is no such directory", ""));
                }
                let reference = Location::OciLayout { dir: dir.clone(), tag: None }.to_string();
                let shown = if tag.is_some() { location.to_string() } else { reference };
                futures::executor::block_on(layout::resolve(layout, &source, &shown, tag.as_deref(), selection))
            }
            Location::RootFs(dir) => {
                let walked = rootfs::walk(dir, &self.limits)?;
                Ok(vec![single(reference, source, walked.digest, walked.size, walked.gaps)])
            }
            Location::Path(path) => {
                let slice = Slice::whole(path).map_err(|e| error_detail::file(path, &e))?;
                let digest = slice.digest().map_err(|e| error_detail::file(path, &e))?;
                Ok(vec![single(reference, source, digest, slice.size, Vec::new())])
            }
            Location::Sbom(path) => Ok(vec![sbom::of_file(path)?]),
            Location::Registry(reference) => {
                Err(error_detail::unsupported(reference, "this is a registry's image, not a local one", ""))
            }
        }
    }

    /// The bytes of a layer.
    pub(crate) fn open(&self, blob: &LocalBlob) -> Result<LocalBytes, SourceError> {
        let location: Location =
            blob.source.parse().map_err(|e| error_detail::malformed(&blob.source, format!("{e}")))?;
        let slice = match &location {
            Location::RootFs(dir) => return Ok(LocalBytes::Tree(dir.clone())),
            Location::OciLayout { dir, .. } => {
                let entry = blob.entry.as_deref();
                layout::blob_in_dir(
                    dir,
                    entry.ok_or_else(|| error_detail::malformed(&blob.source, "no blob is named"))?,
                )?
            }
            Location::DockerArchive(path) | Location::OciArchive(path) | Location::Path(path) => match &blob.entry {
                None => Slice::whole(path).map_err(|e| error_detail::file(path, &e))?,
                Some(entry) => self.members(path)?.find(entry)?.ok_or_else(|| {
                    error_detail::not_found(path.display(), format!("the member {entry} is not in it"), "")
                })?,
            },
            Location::Sbom(_) | Location::Registry(_) => {
                return Err(error_detail::unsupported(&blob.source, "it has no layers on this machine", ""));
            }
        };
        if slice.size != blob.size {
            let what = format!("the layer has {} bytes and had {} when the image was looked at", slice.size, blob.size);
            return Err(error_detail::malformed(&blob.source, what));
        }
        Ok(LocalBytes::Slice(slice))
    }

    fn members(&self, path: &Path) -> Result<Arc<Members>, SourceError> {
        let stamp = stamp(path)?;
        {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, _, members)) = open.iter().find(|(p, s, _)| p == path && *s == stamp) {
                return Ok(Arc::clone(members));
            }
        }
        let members = archive::open::members(path, &self.limits)?;
        self.keep(path, members)
    }

    fn keep(&self, path: &Path, members: Members) -> Result<Arc<Members>, SourceError> {
        let members = Arc::new(members);
        let stamp = stamp(path)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(p, _, _)| p != path);
        open.push_front((path.to_owned(), stamp, Arc::clone(&members)));
        open.truncate(OPEN_ARCHIVES);
        Ok(members)
    }
}

fn stamp(path: &Path) -> Result<Stamp, SourceError> {
    let m = fs::metadata(path).map_err(|e| error_detail::file(path, &e))?;
    Ok((m.ino(), m.len(), m.mtime(), m.mtime_nsec()))
}

/// CycloneDX and SPDX documents are JSON objects; no archive begins like one.
fn begins_as_json(path: &Path) -> Result<bool, SourceError> {
    let mut head = Vec::new();
    let file = fs::File::open(path).map_err(|e| error_detail::file(path, &e))?;
    file.take(64).read_to_end(&mut head).map_err(|e| error_detail::file(path, &e))?;
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    Ok(text.trim_ascii_start().first() == Some(&b'{'))
}

/// A root file system: one layer, no configuration.
fn single(reference: String, source: String, digest: Digest, size: u64, gaps: Vec<Gap>) -> ResolvedImage {
    let locator = LayerLocator::Local(LocalBlob { source, entry: None, digest, size });
    ResolvedImage {
        reference,
        digest,
        index_digest: None,
        platform: None,
        content: ImageContent::RootFileSystem,
        layers: vec![LayerDescriptor { digest, size, diff_id: None, locator, unsupported: None }],
        gaps,
        other_platforms: Vec::new(),
        left_out: Vec::new(),
    }
}
