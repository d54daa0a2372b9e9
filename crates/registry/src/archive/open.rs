//! Opening an archive: compressed ones are unpacked once into a temporary file that has no name, for members are read
//! by offset. Bounded by the layers' own limits on unpacked bytes and ratio. What a file is is known by its bytes.

use std::{
    fs::File,
    io::{self, BufReader, Seek as _},
    path::Path,
};

use layergate_model::Limits;
use layergate_ports::values::SourceError;
use layergate_unpack::{Archive, Compression, UnpackError, decompress};

use super::{members::Members, slice::Slice};
use crate::error_detail::{self, malformed, unsupported};

/// How much of a compressed archive is looked at before it is unpacked for its table of contents.
const LOOK: u64 = 16 << 20;

/// What a tar file holds.
#[derive(Debug)]
pub(crate) enum Content {
    /// `manifest.json`, or what came before it.
    Docker(Members),
    /// `index.json` and `blobs/`.
    Oci(Members),
    /// Neither: the tree of a root file system.
    RootFs,
}

/// The members of an archive, unpacked if need be.
pub(crate) fn members(path: &Path, limits: &Limits) -> Result<Members, SourceError> {
    let slice = Slice::whole(path).map_err(|e| error_detail::file(path, &e))?;
    let place = path.display().to_string();
    if compression(&slice, path)? == Compression::Plain {
        let file = File::open(path).map_err(|e| error_detail::file(path, &e))?;
        return Members::index(file, &place);
    }
    let mut unpacked = decompress(BufReader::new(slice.reader()), limits).map_err(|e| unpack_failed(&place, e))?;
    let mut spool = tempfile::tempfile().map_err(|e| error_detail::file(&std::env::temp_dir(), &e))?;
    io::copy(&mut unpacked, &mut spool).map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull => error_detail::file(&std::env::temp_dir(), &error),
        _ => unpack_failed(&place, error.into()),
    })?;
    spool.rewind().map_err(|e| error_detail::file(&std::env::temp_dir(), &e))?;
    Members::index(spool, &place)
}

/// Recognises a tar file by what is in it.
pub(crate) fn recognise(path: &Path, limits: &Limits) -> Result<Content, SourceError> {
    let slice = Slice::whole(path).map_err(|e| error_detail::file(path, &e))?;
    let place = path.display().to_string();
    if slice.size == 0 {
        return Err(malformed(&place, "the file is empty"));
    }
    if compression(&slice, path)? == Compression::Plain && !is_tar(&slice).map_err(|e| error_detail::file(path, &e))? {
        let what = "this is neither a tar archive (plain, gzip, zstd, xz or bzip2), nor a CycloneDX or SPDX document";
        return Err(unsupported(&place, what, "say what it is: docker-archive:, oci-archive:, oci:, dir: or sbom:"));
    }
    if begins_as_root(&slice, &place, limits)? {
        return Ok(Content::RootFs);
    }
    let members = members(path, limits)?;
    Ok(if members.contains("manifest.json") && !(empty_manifest(&members)? && members.contains("index.json")) {
        Content::Docker(members)
    } else if members.contains("index.json") {
        Content::Oci(members)
    } else if members.contains("repositories") || looks_like_old_save(&members) {
        Content::Docker(members)
    } else {
        Content::RootFs
    })
}

/// containerd and BuildKit write both files; one of them may name nothing.
fn empty_manifest(members: &Members) -> Result<bool, SourceError> {
    let Some(slice) = members.find("manifest.json")? else { return Ok(true) };
    let bytes = slice.bytes(64).unwrap_or_default();
    Ok(matches!(bytes.trim_ascii(), b"null" | b"[]"))
}

/// Docker before 1.10: a directory for each layer, no manifest.
fn looks_like_old_save(members: &Members) -> bool {
    members.names().any(|name| {
        name.strip_suffix("/layer.tar").is_some_and(|id| id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit()))
    })
}

/// Whether the first entries are a root file system's. An archive of an image has none of these directories, and one
/// of a root file system has one of them early: a large one need not be unpacked to be recognised.
fn begins_as_root(slice: &Slice, place: &str, limits: &Limits) -> Result<bool, SourceError> {
    const ROOT: [&str; 19] = [
        "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "media", "mnt", "opt", "proc", "root", "run",
        "sbin", "srv", "sys", "usr", "var",
    ];
    let unpacked = decompress(BufReader::new(slice.reader()), limits).map_err(|e| unpack_failed(place, e))?;
    let mut archive = Archive::new(unpacked, limits);
    while let Some(entry) = archive.next_entry().map_err(|e| unpack_failed(place, e))? {
        let first = entry.path.as_str().split('/').next().unwrap_or_default();
        if ROOT.contains(&first) {
            return Ok(true);
        }
        if matches!(first, "manifest.json" | "index.json" | "oci-layout" | "blobs" | "repositories") {
            return Ok(false);
        }
        if archive.source().unpacked() > LOOK {
            return Ok(false);
        }
    }
    Ok(false)
}

fn compression(slice: &Slice, path: &Path) -> Result<Compression, SourceError> {
    Ok(Compression::of(&slice.head(8).bytes(8).map_err(|e| error_detail::file(path, &e))?))
}

/// A header with a right checksum, or an archive without entries.
fn is_tar(slice: &Slice) -> io::Result<bool> {
    if slice.size < 512 {
        return Ok(false);
    }
    let block = slice.head(512).bytes(512)?;
    Ok(layergate_unpack::is_tar(&block) || block.iter().all(|b| *b == 0))
}

fn unpack_failed(place: &str, error: UnpackError) -> SourceError {
    match error {
        UnpackError::Source(error) => error_detail::file(Path::new(place), &error),
        other => malformed(place, other.to_string()),
    }
}
