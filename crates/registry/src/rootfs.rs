//! A root file system that lies unpacked in a directory, served as one layer: a tar stream made while walking it.
//!
//! Nothing is written anywhere: the tree is walked twice, once for the digest and once for the reader, who notices by
//! the digest when it changed in between (a running system does: give it a snapshot or an unpacked copy). The stream is
//! deterministic: names sorted by their bytes, owners and times zero, so that equal trees are equal layers. Symbolic
//! links are kept and never followed; devices, pipes and sockets are left out; hard links are files of their own.
//! `/proc`, `/sys`, `/dev` and `/run` are left out where something is mounted on them (`dir:/`). What cannot be read
//! becomes a gap of the image. Bounded in entries, depth, path length and bytes by the layers' own limits.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use bytes::{Bytes, BytesMut};
use futures::stream;
use layergate_model::{Digest, Gap, GapKind, Limits};
use layergate_ports::{BlobStream, values::SourceError};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::{archive::slice::CHUNK, error_detail};

const MAX_DEPTH: usize = 256;
const MAX_GAPS: usize = 1000;

/// What the first walk found.
pub(crate) struct Walked {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) gaps: Vec<Gap>,
}

/// Walks a tree for its digest.
pub(crate) fn walk(root: &Path, limits: &Limits) -> Result<Walked, SourceError> {
    let metadata = root.metadata().map_err(|e| error_detail::file(root, &e))?;
    if !metadata.is_dir() {
        return Err(error_detail::unsupported(
            root.display(),
            "this is no directory",
            "an archive is given by its path alone",
        ));
    }
    holds_something_else(root)?;
    let mut sink = Hashing { hasher: Sha256::new(), size: 0 };
    let gaps = write(root, limits, &mut sink).map_err(|e| error_detail::file(root, &e))?;
    Ok(Walked { digest: Digest::from_bytes(sink.hasher.finalize().into()), size: sink.size, gaps })
}

/// Refuses a directory that is an image, or nothing, and not the root of a file system: it would be read as one file
/// system without packages.
fn holds_something_else(root: &Path) -> Result<(), SourceError> {
    let file = |name: &str| root.join(name).is_file();
    let shown = root.display().to_string();
    let refused = |what: &str, advice: String| Err(error_detail::unsupported(&shown, what, advice));
    if file("oci-layout") || file("index.json") && root.join("blobs").is_dir() {
        return refused("this is an OCI layout, not a root file system", format!("write oci:{shown}"));
    }
    if file("manifest.json") && file("version") {
        return refused(
            "this is skopeo's dir: transport, not a root file system",
            format!("`skopeo copy dir:{shown} oci:DIR` makes a layout of it; scan oci:DIR"),
        );
    }
    let names = fs::read_dir(root).map_err(|e| error_detail::file(root, &e))?;
    let mut names: Vec<OsString> = names.take(MAX_LOOKED_AT).filter_map(|e| Some(e.ok()?.file_name())).collect();
    names.sort();
    if file("manifest.json") && (file("repositories") || is_saved_image(&root.join("manifest.json"))) {
        return refused(
            "this is an unpacked `docker save`, not a root file system",
            format!("`tar -C {shown} -cf image.tar .` packs it again; scan docker-archive:image.tar"),
        );
    }
    if names.is_empty() {
        return refused("this directory is empty: there is nothing to scan", String::new());
    }
    let archive = |name: &OsString| {
        let name = name.to_string_lossy().to_ascii_lowercase();
        [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".oci", ".sif", ".iso", ".qcow2", ".squashfs"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
    };
    if names.iter().all(archive) {
        let first = names.first().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        return refused(
            "this directory holds archives and no root file system",
            format!("an archive is given by its path: {}", root.join(first).display()),
        );
    }
    Ok(())
}

/// Names of a root that are looked at before it is walked.
const MAX_LOOKED_AT: usize = 10_000;

/// Whether a `manifest.json` is that of `docker save`: a list of objects with `Config` and `Layers`.
fn is_saved_image(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|f| f.take(1 << 20).read_to_end(&mut head));
    let Ok(serde_json::Value::Array(images)) = serde_json::from_slice(&head) else { return false };
    read.is_ok() && images.first().is_some_and(|i| i.get("Config").is_some() && i.get("Layers").is_some())
}

/// The tree as a stream; must be called inside the runtime.
pub(crate) fn stream(root: PathBuf, limits: Limits, size: u64) -> BlobStream {
    let (sender, receiver) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        let mut sink = Sending { sender: sender.clone(), buffer: BytesMut::with_capacity(CHUNK) };
        if let Err(error) = write(&root, &limits, &mut sink).and_then(|_| sink.send()) {
            // Nobody listens any more when this fails: there is nobody to show.
            let _ = sender.blocking_send(Err(error));
        }
    });
    let chunks = stream::unfold(receiver, |mut r| async { r.recv().await.map(|chunk| (chunk, r)) });
    BlobStream { length: Some(size), chunks: Box::pin(chunks) }
}

struct Hashing {
    hasher: Sha256,
    size: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Sending {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: BytesMut,
}

impl Sending {
    fn send(&mut self) -> io::Result<()> {
        let chunk = self.buffer.split().freeze();
        self.buffer.reserve(CHUNK);
        self.sender.blocking_send(Ok(chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == CHUNK {
            self.send()?;
        }
        Ok(taken)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Walk<'a, W: Write> {
    root: &'a Path,
    limits: &'a Limits,
    device: u64,
    tar: tar::Builder<W>,
    gaps: Vec<Gap>,
    entries: u64,
    bytes: u64,
}

/// Writes the tree as a tar archive.
fn write(root: &Path, limits: &Limits, out: impl Write) -> io::Result<Vec<Gap>> {
    let device = root.metadata()?.dev();
    let tar = tar::Builder::new(out);
    let mut walk = Walk { root, limits, device, tar, gaps: Vec::new(), entries: 0, bytes: 0 };
    let mut stack = vec![(PathBuf::new(), names(root)?.into_iter())];
    while let Some((dir, rest)) = stack.last_mut() {
        let Some(name) = rest.next() else {
            stack.pop();
            continue;
        };
        let path = dir.join(name);
        if let Some(children) = walk.entry(&path)? {
            if stack.len() >= MAX_DEPTH {
                walk.gap(GapKind::LayerLimit, &path, format!("directories deeper than {MAX_DEPTH} are not read"));
            } else {
                stack.push((path, children.into_iter()));
            }
        }
    }
    walk.tar.finish()?;
    walk.gaps.sort();
    Ok(walk.gaps)
}

/// The names in a directory, sorted by their bytes.
fn names(dir: &Path) -> io::Result<Vec<OsString>> {
    let mut names = fs::read_dir(dir)?.map(|e| e.map(|e| e.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    Ok(names)
}

impl<W: Write> Walk<'_, W> {
    /// Writes one entry; the names in it when it is a directory to be walked.
    fn entry(&mut self, path: &Path) -> io::Result<Option<Vec<OsString>>> {
        self.entries += 1;
        if self.entries > self.limits.max_entries {
            return Err(over("entries", "max-entries", self.limits.max_entries));
        }
        if path.as_os_str().len() > self.limits.max_path_bytes as usize {
            let what = format!("its path is over the limit of {} bytes (max-path-bytes)", self.limits.max_path_bytes);
            self.gap(GapKind::HostilePath, path, what);
            return Ok(None);
        }
        let full = self.root.join(path);
        let metadata = match full.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) => {
                self.unreadable(path, &error, true);
                return Ok(None);
            }
        };
        let kind = metadata.file_type();
        let mut header = tar::Header::new_gnu();
        header.set_mode(metadata.mode() & 0o7777);
        header.set_size(0);
        if kind.is_symlink() {
            let target = match fs::read_link(&full) {
                Ok(target) => target,
                Err(error) => {
                    self.unreadable(path, &error, false);
                    return Ok(None);
                }
            };
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_mode(0o777);
            self.tar.append_link(&mut header, path, target)?;
        } else if kind.is_dir() {
            let names = if self.is_mount(path, &metadata) { Ok(Vec::new()) } else { names(&full) };
            header.set_entry_type(tar::EntryType::Directory);
            self.tar.append_data(&mut header, path, io::empty())?;
            match names {
                Ok(names) => return Ok(Some(names)),
                Err(error) => self.unreadable(path, &error, true),
            }
        } else if kind.is_file() {
            self.file(path, &full, &metadata, header)?;
        }
        Ok(None)
    }

    fn file(&mut self, path: &Path, full: &Path, metadata: &Metadata, mut header: tar::Header) -> io::Result<()> {
        let opened = File::open(full).and_then(|file| {
            let opened = file.metadata()?;
            // Somebody may have put a link there since: what is read is what was looked at.
            if (opened.dev(), opened.ino()) == (metadata.dev(), metadata.ino()) {
                Ok(file)
            } else {
                Err(io::Error::other("it was replaced while the tree was read"))
            }
        });
        let file = match opened {
            Ok(file) => file,
            Err(error) => {
                self.unreadable(path, &error, false);
                return Ok(());
            }
        };
        self.bytes = self.bytes.saturating_add(metadata.len());
        if self.bytes > self.limits.max_unpacked_bytes {
            return Err(over("bytes", "max-unpacked-bytes", self.limits.max_unpacked_bytes));
        }
        header.set_size(metadata.len());
        // A file that shrinks meanwhile is filled with zeros, so that the archive stays one; the digest then differs.
        let content = file.chain(io::repeat(0)).take(metadata.len());
        self.tar.append_data(&mut header, path, content)
    }

    fn is_mount(&self, path: &Path, metadata: &Metadata) -> bool {
        metadata.dev() != self.device && ["proc", "sys", "dev", "run"].iter().any(|p| path == Path::new(p))
    }

    /// A name that is gone by now was never part of the tree that is read; anything else that fails is reported.
    fn unreadable(&mut self, path: &Path, error: &io::Error, tree: bool) {
        if error.kind() == io::ErrorKind::NotFound {
            return;
        }
        const DATABASES: [&str; 7] = [
            "var/lib/dpkg",
            "lib/apk/db",
            "usr/lib/apk/db",
            "var/lib/rpm",
            "usr/lib/sysimage/rpm",
            "usr/share/rpm",
            "etc/os-release",
        ];
        let kind = if tree {
            GapKind::LayerUnavailable
        } else if DATABASES.iter().any(|d| path.starts_with(d)) {
            GapKind::UnreadableDatabase
        } else {
            GapKind::UnreadableFile
        };
        self.gap(kind, path, format!("it cannot be read: {error}"));
    }

    fn gap(&mut self, kind: GapKind, path: &Path, detail: String) {
        if self.gaps.len() < MAX_GAPS {
            let place: String = path.to_string_lossy().chars().take(300).collect();
            self.gaps.push(Gap::new(kind, place, detail));
        }
    }
}

fn over(what: &str, name: &str, limit: u64) -> io::Error {
    io::Error::other(format!("the root file system has more {what} than the limit of {limit} ({name})"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use futures::StreamExt as _;

    use super::*;

    fn plant(dir: &Path, reverse: bool) {
        let mut files = vec![("etc/os-release", "ID=x\n"), ("usr/bin/tool", "bin"), ("a", "1"), ("a.b", "2")];
        if reverse {
            files.reverse();
        }
        for (path, text) in files {
            let path = dir.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        symlink("/etc/passwd", dir.join("outside")).unwrap();
        symlink("usr/bin", dir.join("bin")).unwrap();
        drop(std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn equal_trees_are_equal_streams_and_links_stay_links() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        plant(one.path(), false);
        plant(two.path(), true);
        let limits = Limits::default();
        let walked = walk(one.path(), &limits).unwrap();
        assert_eq!(walked.digest, walk(two.path(), &limits).unwrap().digest);
        assert!(walked.gaps.is_empty());

        let chunks: Vec<_> = stream(one.path().to_owned(), limits.clone(), walked.size).chunks.collect().await;
        let bytes: Vec<u8> = chunks.into_iter().flat_map(|c| c.unwrap().to_vec()).collect();
        assert_eq!((Digest::of(&bytes), bytes.len() as u64), (walked.digest, walked.size));
        let mut archive = tar::Archive::new(bytes.as_slice());
        let found: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|e| e.unwrap())
            .map(|e| (e.path().unwrap().display().to_string(), e.link_name().unwrap().map(|l| l.display().to_string())))
            .collect();
        let found: Vec<_> = found.iter().map(|(p, l)| (p.trim_end_matches('/'), l.as_deref())).collect();
        let want = [
            ("a", None),
            ("a.b", None),
            ("bin", Some("usr/bin")),
            ("etc", None),
            ("etc/os-release", None),
            ("outside", Some("/etc/passwd")),
            ("usr", None),
            ("usr/bin", None),
            ("usr/bin/tool", None),
        ];
        assert_eq!(found, want);

        fs::write(one.path().join("a"), "3").unwrap();
        assert_ne!(walked.digest, walk(one.path(), &limits).unwrap().digest);
    }

    #[test]
    fn bounds_and_what_is_no_directory() {
        let dir = tempfile::tempdir().unwrap();
        plant(dir.path(), false);
        let few = Limits { max_entries: 3, ..Limits::default() };
        let error = walk(dir.path(), &few).err().unwrap().to_string();
        assert!(error.contains("limit of 3 (max-entries)"), "{error}");
        let small = Limits { max_unpacked_bytes: 3, ..Limits::default() };
        assert!(walk(dir.path(), &small).err().unwrap().to_string().contains("max-unpacked-bytes"));
        let short = Limits { max_path_bytes: 8, ..Limits::default() };
        assert!(walk(dir.path(), &short).unwrap().gaps.iter().all(|g| g.kind == GapKind::HostilePath));
        assert!(walk(&dir.path().join("a"), &Limits::default()).is_err());
        assert!(matches!(walk(&dir.path().join("none"), &Limits::default()), Err(SourceError::NotFound(_))));
    }
}
