//! A directory of feeds, file by file, archives opened on the way.
//!
//! `.tar`, `.tar.gz`, `.tgz`, `.tar.zst`, `.tar.xz`, `.tar.bz2` and `.zip` are walked, `.gz`, `.zst`, `.xz` and `.bz2`
//! decompressed; what a file is is known by its first bytes, not by its name. Bounded: depth of folders and of archives
//! within archives, size of one file, 200 bytes for each packed one beyond 64 MiB, symlinks not followed,
//! version-control folders not entered. The order is the names' order, so that a build's report is the same every time.

use std::{
    cell::Cell,
    fs,
    io::{self, BufReader, Cursor, Read},
    path::Path,
    rc::Rc,
    time::UNIX_EPOCH,
};

use layergate_advisory::Day;
use layergate_model::{EntryKind, Limits};
use layergate_unpack::{Archive, Compression, UnpackError, decompress};

use crate::feed::FeedFile;

/// The largest single file that is read (all of Debian's tracker is 70 MB, Red Hat's largest OVAL 500 MB).
const MAX_FILE: u64 = 1 << 30;
const MAX_FOLDERS: usize = 24;
/// Layers of packing, each compression and each archive being one: a `.tar.gz` in a `.tar.zst` has four.
const MAX_ARCHIVES: usize = 4;
const MAX_ENTRIES: u64 = 2_000_000;

/// Bytes that may come out of a packed file whatever went in.
const FREE: u64 = 64 << 20;
/// Bytes that may come out beyond them for each that went in (feeds have up to 60). A bomb so ends at 64 MiB, not at 1
/// GiB.
const MAX_RATIO: u64 = 200;

/// The bounds of one archive or packed file; what comes out of it is bounded by [`Unpacked`].
fn unpacking() -> Limits {
    Limits { max_entries: MAX_ENTRIES, max_unpacked_bytes: u64::MAX, max_ratio: u64::MAX, ..Limits::default() }
}

/// Counts what is read of a packed file.
struct Packed<R>(R, Rc<Cell<u64>>);

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(out)?;
        self.1.set(self.1.get() + n as u64);
        Ok(n)
    }
}

/// What comes out of a packed file, ended where it is a bomb.
struct Unpacked<R> {
    inner: R,
    packed: Rc<Cell<u64>>,
    out: u64,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.out += n as u64;
        if self.out > FREE && self.out / MAX_RATIO > self.packed.get() {
            return Err(io::Error::other(format!("it unpacks to more than {MAX_RATIO} times its size")));
        }
        Ok(n)
    }
}

/// Who is reported of each file.
pub(crate) trait Visit {
    /// A file that could be read. `false` ends the walk.
    fn file(&mut self, file: FeedFile) -> bool;
    /// A file that could not, and why.
    fn skipped(&mut self, path: String, reason: String);
}

/// Walks `dir`.
pub(crate) fn walk(dir: &Path, visit: &mut dyn Visit) -> io::Result<()> {
    folder(dir, "", 0, visit)?;
    Ok(())
}

fn folder(dir: &Path, prefix: &str, depth: usize, visit: &mut dyn Visit) -> io::Result<bool> {
    let mut entries: Vec<_> = fs::read_dir(dir)?.filter_map(Result::ok).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if matches!(name.as_str(), ".git" | ".hg" | ".svn" | ".layergate") {
                continue;
            }
            if depth >= MAX_FOLDERS {
                visit.skipped(path, format!("folders nested deeper than {MAX_FOLDERS}"));
            } else {
                match folder(&entry.path(), &path, depth + 1, visit) {
                    Ok(true) => {}
                    Ok(false) => return Ok(false),
                    Err(error) => visit.skipped(path, format!("the folder cannot be read: {error}")),
                }
            }
        } else if !kind.is_file() {
            visit.skipped(path, "neither a file nor a folder (links are not followed)".into());
        } else if !open(&entry.path(), path, visit) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn open(file: &Path, path: String, visit: &mut dyn Visit) -> bool {
    let result = fs::File::open(file).and_then(|f| {
        let facts = f.metadata()?;
        let since = facts.modified().ok().and_then(|m| m.duration_since(UNIX_EPOCH).ok());
        let day = since.and_then(|d| Day::of_unix(d.as_secs()));
        stream(Box::new(f), facts.len(), Place { path: path.clone(), day, depth: 0 }, visit)
    });
    result.unwrap_or_else(|error| {
        visit.skipped(path, format!("cannot be read: {error}"));
        true
    })
}

/// As [`walk`], of one file in memory.
pub(crate) fn walk_bytes(path: &str, bytes: &[u8], visit: &mut dyn Visit) -> io::Result<bool> {
    stream(Box::new(bytes), bytes.len() as u64, Place { path: path.to_owned(), day: None, depth: 0 }, visit)
}

/// Where something lies, of which day it is, and how many layers of packing are around it.
struct Place {
    path: String,
    day: Option<Day>,
    depth: usize,
}

/// Looks at the first bytes and goes into archives and compressed files.
fn stream(mut reader: Box<dyn Read + '_>, len: u64, place: Place, visit: &mut dyn Visit) -> io::Result<bool> {
    let Place { path, day, depth } = place;
    let mut head = Vec::with_capacity(512);
    (&mut reader).take(512).read_to_end(&mut head)?;
    let has = |at: usize, magic: &[u8]| head.get(at..at + magic.len()) == Some(magic);
    let packed = Compression::of(&head) != Compression::Plain;
    let tar = has(257, b"ustar");
    let archive = tar || has(0, b"PK\x03\x04");
    if (packed || archive) && depth > MAX_ARCHIVES {
        visit.skipped(path, format!("archives nested deeper than {MAX_ARCHIVES}"));
        return Ok(true);
    }
    let zip = has(0, b"PK\x03\x04");
    let whole = Cursor::new(head).chain(reader);
    if packed {
        let packed = Rc::new(Cell::new(0));
        let whole = Packed(whole, packed.clone());
        let inner = decompress(BufReader::new(whole), &unpacking()).map_err(io::Error::other)?;
        let inner = Unpacked { inner: BufReader::new(inner), packed, out: 0 };
        return stream(Box::new(inner), 0, Place { path, day, depth: depth + 1 }, visit);
    }
    if tar {
        return tar_entries(whole, &Place { path, day, depth }, visit);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(len.min(64 << 20)).unwrap_or(0));
    if whole.take(MAX_FILE + 1).read_to_end(&mut bytes)? as u64 > MAX_FILE {
        visit.skipped(path, format!("larger than {} MiB", MAX_FILE >> 20));
        return Ok(true);
    }
    if zip {
        return zip_entries(bytes, &Place { path, day, depth }, visit);
    }
    if bytes.is_empty() {
        visit.skipped(path, "empty".into());
        return Ok(true);
    }
    Ok(visit.file(FeedFile { path, bytes, day }))
}

fn tar_entries(reader: impl Read, outer: &Place, visit: &mut dyn Visit) -> io::Result<bool> {
    let path = outer.path.as_str();
    let mut archive = Archive::new(reader, &unpacking());
    loop {
        let entry = match archive.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(true),
            Err(UnpackError::Limit { .. }) => {
                visit.skipped(path.to_owned(), format!("more than {MAX_ENTRIES} entries; the rest was not read"));
                return Ok(true);
            }
            Err(error) => {
                visit.skipped(path.to_owned(), format!("the archive breaks off: {error}"));
                return Ok(true);
            }
        };
        if entry.kind != EntryKind::File {
            continue;
        }
        let (inner, len) = (format!("{path}!{}", entry.path), entry.size);
        let day = u64::try_from(entry.mtime).ok().and_then(Day::of_unix).or(outer.day);
        match stream(
            Box::new(archive.content()),
            len,
            Place { path: inner.clone(), day, depth: outer.depth + 1 },
            visit,
        ) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) => visit.skipped(inner, format!("cannot be read: {error}")),
        }
    }
}

fn zip_entries(bytes: Vec<u8>, outer: &Place, visit: &mut dyn Visit) -> io::Result<bool> {
    let path = outer.path.as_str();
    let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive,
        Err(error) => {
            visit.skipped(path.to_owned(), format!("the archive cannot be read: {error}"));
            return Ok(true);
        }
    };
    for index in 0..archive.len().min(MAX_ENTRIES as usize) {
        let entry = match archive.by_index(index) {
            Ok(entry) => entry,
            Err(error) => {
                visit.skipped(format!("{path}!{index}"), format!("cannot be read: {error}"));
                continue;
            }
        };
        if !entry.is_file() {
            continue;
        }
        let name = entry.name().map_or_else(|_| index.to_string(), |n| n.into_owned());
        let (inner, len) = (format!("{path}!{name}"), entry.size());
        // 1980 is what writers put who know no time.
        let time = entry.last_modified().filter(|t| t.year() > 1980);
        let day = time.and_then(|t| Day::parse(&format!("{:04}-{:02}-{:02}", t.year(), t.month(), t.day())));
        let place = Place { path: inner.clone(), day: day.or(outer.day), depth: outer.depth + 1 };
        let packed = Rc::new(Cell::new(entry.compressed_size()));
        match stream(Box::new(Unpacked { inner: entry, packed, out: 0 }), len, place, visit) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) => visit.skipped(inner, format!("cannot be read: {error}")),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[derive(Default)]
    struct Seen {
        largest: usize,
        skipped: Vec<String>,
    }

    impl Visit for Seen {
        fn file(&mut self, file: FeedFile) -> bool {
            self.largest = self.largest.max(file.bytes.len());
            true
        }

        fn skipped(&mut self, path: String, reason: String) {
            self.skipped.push(format!("{path}: {reason}"));
        }
    }

    /// A header that Go's reader refuses is an archive that breaks off, not one whose entries have other names.
    #[test]
    fn a_broken_pax_header_is_reported() {
        let archive = |record: &[u8]| {
            let mut builder = tar::Builder::new(Vec::new());
            for (kind, bytes) in [(tar::EntryType::XHeader, record), (tar::EntryType::Regular, &b"{}"[..])] {
                let mut header = tar::Header::new_ustar();
                header.set_entry_type(kind);
                header.set_size(bytes.len() as u64);
                builder.append_data(&mut header, "a.json", bytes).unwrap();
            }
            builder.into_inner().unwrap()
        };
        for (record, reported) in
            [(&b"15 path=b.json\n"[..], ""), (b"99 path=b.json\n", "a.tar: the archive breaks off")]
        {
            let mut seen = Seen::default();
            walk_bytes("a.tar", &archive(record), &mut seen).unwrap();
            assert_eq!(seen.largest == 2, reported.is_empty());
            assert!(seen.skipped.join(" ").starts_with(reported), "{:?}", seen.skipped);
        }
    }

    /// 80 MiB of zeros in 80 KiB are a bomb; the same of what compresses less is a feed.
    #[test]
    fn a_bomb_ends_at_64_mib() {
        let zeros = vec![0; 80 << 20];
        let gz = |bytes: &[u8]| {
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            gz.write_all(bytes).unwrap();
            gz.finish().unwrap()
        };
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let deflated = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        zip.start_file("bomb.json", deflated).unwrap();
        zip.write_all(&zeros).unwrap();
        let zip = zip.finish().unwrap().into_inner();
        for (name, bytes) in [("a.gz", gz(&zeros)), ("a.zip", zip), ("a.zst", zstd::encode_all(&zeros[..], 1).unwrap())]
        {
            let mut seen = Seen::default();
            let walked = walk_bytes(name, &bytes, &mut seen);
            let reported = walked.err().map_or_else(|| seen.skipped.join(" "), |e| e.to_string());
            assert!(reported.contains("200 times") && seen.largest == 0, "{name}: {reported}");
        }
        let small = gz(&zeros[..60 << 20]);
        let mut seen = Seen::default();
        walk_bytes("a.gz", &small, &mut seen).unwrap();
        assert_eq!((seen.largest, seen.skipped.len()), (60 << 20, 0));
    }
}
