//! A snapshot file, mapped into memory and shared by every process that has it open.
//!
//! Opening reads the header, the section table and the manifest, a few kilobytes whatever the file's size. The file's
//! digest is verified when it arrives (whoever downloads it), not at each opening. A file that was damaged afterwards
//! gives wrong or missing answers but no panic: every offset is checked where it is used. The file must not be cut
//! short while it is mapped; snapshots are immutable and replaced by renaming, which leaves the mapped one alive.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use layergate_model::{Digest, Distro};

use crate::{
    Consulted, Coverage, Entries, FORMAT_VERSION, FeedSummary, Manifest, Namespace, OLDEST_FORMAT, Question,
    Vulnerability, format2,
    layout::{Cursor, HEADER, MAGIC, SECTION_ROW, TAGS, hash, probe, string_at},
};

/// A manifest is small; a larger one is a lie.
const MAX_MANIFEST: usize = 16 << 20;

/// Why a file is not a snapshot that can be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be read.
    #[error("cannot open the advisory snapshot {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not a snapshot at all.
    #[error("{0} is not an advisory snapshot")]
    NotASnapshot(PathBuf),
    /// A format of another time.
    #[error(
        "{path} is a snapshot of format {found}; this program reads formats {OLDEST_FORMAT} to {FORMAT_VERSION} (run `layergate db update`)"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
    },
    /// The header contradicts the file.
    #[error("the snapshot {path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: &'static str,
    },
}

enum Bytes {
    Mapped(memmap2::Mmap, std::fs::File),
    Owned(Vec<u8>),
}

impl Bytes {
    fn get(&self) -> &[u8] {
        match self {
            Self::Mapped(map, _) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

struct Inner {
    bytes: Bytes,
    format: u32,
    sections: [(usize, usize); 8],
    manifest: Manifest,
    digest: OnceLock<Digest>,
    /// Maven's packages by artifact, made when somebody asks: `group:artifact` cannot be looked up without its group.
    artifacts: OnceLock<HashMap<Box<str>, Vec<Box<str>>>>,
}

/// An open snapshot; clones share it.
#[derive(Clone)]
pub struct Snapshot(Arc<Inner>, Option<Arc<Consulted>>);

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("vulnerabilities", &self.0.manifest.vulnerabilities).finish_non_exhaustive()
    }
}

/// A package that the snapshot has advisories on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageKey<'s> {
    /// Its namespace's text.
    pub namespace: &'s str,
    /// Its name.
    pub name: &'s str,
}

impl Snapshot {
    /// Opens a file. Its digest is computed when somebody asks, unless the opener shows it ([`Snapshot::with_digest`]):
    /// what a file is called proves nothing, only whose directory it lies in can.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.len() < HEADER as u64 {
            return Err(OpenError::NotASnapshot(path.to_owned()));
        }
        // SAFETY: the map is read-only and private to this value; snapshots are never written in place, and bytes that
        // change regardless are only ever read as numbers that are checked before use.
        #[allow(unsafe_code)]
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(io)?;
        Self::read(Bytes::Mapped(map, file), path)
    }

    /// A snapshot from bytes in memory (tests, small generated ones).
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, OpenError> {
        Self::read(Bytes::Owned(bytes), Path::new("(memory)"))
    }

    /// The bytes of the file.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match Arc::try_unwrap(self.0) {
            Ok(Inner { bytes: Bytes::Owned(bytes), .. }) => bytes,
            Ok(inner) => inner.bytes.get().to_vec(),
            Err(shared) => shared.bytes.get().to_vec(),
        }
    }

    /// Shows the digest that the file was verified against, so that nobody hashes it again.
    #[must_use]
    pub fn with_digest(self, digest: Digest) -> Self {
        let _ = self.0.digest.set(digest);
        self
    }

    fn read(bytes: Bytes, path: &Path) -> Result<Self, OpenError> {
        let b = bytes.get();
        let damaged = |what| OpenError::Damaged { path: path.to_owned(), what };
        if b.get(..8) != Some(MAGIC) {
            return Err(OpenError::NotASnapshot(path.to_owned()));
        }
        let word = |at: usize| b.get(at..at + 4).and_then(|w| w.try_into().ok()).map_or(0, u32::from_le_bytes);
        let long = |at: usize| b.get(at..at + 8).and_then(|w| w.try_into().ok()).map_or(0, u64::from_le_bytes);
        if !(OLDEST_FORMAT..=FORMAT_VERSION).contains(&word(8)) {
            return Err(OpenError::Version { path: path.to_owned(), found: word(8) });
        }
        if word(12) as usize != TAGS.len() || long(16) != b.len() as u64 {
            return Err(damaged("its length is not the one in its header (cut short?)"));
        }
        let mut sections = [(0, 0); 8];
        for (i, (tag, section)) in TAGS.iter().zip(&mut sections).enumerate() {
            let row = HEADER + i * SECTION_ROW;
            let (start, len) = (long(row + 8), long(row + 16));
            let end = start.checked_add(len).filter(|end| *end <= b.len() as u64);
            if b.get(row..row + 8) != Some(*tag) || end.is_none() {
                return Err(damaged("its section table points outside of it"));
            }
            *section = (start as usize, len as usize);
        }
        let (start, len) = sections[0];
        let manifest = b.get(start..start + len).filter(|m| m.len() <= MAX_MANIFEST);
        let format = word(8);
        let read = |json: &[u8]| match format {
            format2::FORMAT => format2::manifest(json).ok(),
            _ => serde_json::from_slice(json).ok(),
        };
        let manifest = manifest.and_then(read).ok_or_else(|| damaged("no manifest"))?;
        let (digest, artifacts) = (OnceLock::new(), OnceLock::new());
        Ok(Self(Arc::new(Inner { bytes, format, sections, manifest, digest, artifacts }), None))
    }

    /// The same snapshot, noting in `consulted` everything that it is asked about single packages and namespaces from now
    /// on: whoever got the same answers would come to the same result.
    #[must_use]
    pub fn noting(&self, consulted: Arc<Consulted>) -> Self {
        Self(self.0.clone(), Some(consulted))
    }

    /// The version of the format of this file.
    pub(crate) fn format(&self) -> u32 {
        self.0.format
    }

    /// The whole file.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.bytes.get()
    }

    pub(crate) fn section(&self, i: usize) -> &[u8] {
        let (start, len) = self.0.sections[i];
        self.0.bytes.get().get(start..start + len).unwrap_or(&[])
    }

    fn strings(&self) -> &[u8] {
        self.section(1)
    }

    /// The SHA-256 of the file, which is its name. Reads the whole file once unless it was reported; whoever asks
    /// meanwhile waits for that. It is read in pieces and not through the map, whose pages would then be this process's
    /// memory.
    pub fn digest(&self) -> Digest {
        *self.0.digest.get_or_init(|| match &self.0.bytes {
            Bytes::Mapped(map, file) => Digest::of_reader(file).unwrap_or_else(|_| Digest::of(map)),
            Bytes::Owned(bytes) => Digest::of(bytes),
        })
    }

    /// What the snapshot says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// Its feeds, by id; an entry's feed number is the place here.
    pub fn feeds(&self) -> &[FeedSummary] {
        &self.0.manifest.feeds
    }

    /// A feed's id.
    pub fn feed_id(&self, number: u32) -> &str {
        self.feeds().get(number as usize).map_or("unknown", |f| f.info.id.as_str())
    }

    /// What it has on a namespace; `None` when no feed speaks of it at all, which is a gap and not a clean bill.
    pub fn coverage(&self, namespace: &Namespace) -> Option<&Coverage> {
        if let Some(consulted) = &self.1 {
            consulted.note(Question::Coverage(namespace.as_str().to_owned()));
        }
        self.0.manifest.coverage.get(namespace)
    }

    /// The date of the newest record of any feed (ISO 8601).
    pub fn newest(&self) -> Option<&str> {
        self.feeds().iter().filter_map(|f| f.newest.as_deref()).max()
    }

    /// The last day of a distribution's release (`VERSION_ID` as advisories cut it, then ever shorter).
    pub fn end_of_life(&self, distro: &Distro) -> Option<&str> {
        let rows = &self.0.manifest.end_of_life;
        let mut release = distro.version.clone()?;
        loop {
            if let Some(row) = rows.iter().find(|r| r.distro == distro.id && r.release == release) {
                return Some(&row.date);
            }
            let cut = release.rfind('.')?;
            release.truncate(cut);
        }
    }

    /// The advisories on a package.
    pub fn lookup(&self, namespace: &Namespace, name: &str) -> Entries<'_> {
        self.lookup_text(namespace.as_str(), name)
    }

    /// As [`Snapshot::lookup`], with a namespace's text.
    pub fn lookup_text(&self, namespace: &str, name: &str) -> Entries<'_> {
        if let Some(consulted) = &self.1 {
            consulted.note(Question::Package(namespace.to_owned(), name.to_owned()));
        }
        let (strings, entries) = (self.strings(), self.section(2));
        for offset in probe(self.section(3), hash([namespace.as_bytes(), name.as_bytes()])) {
            let mut cursor = Cursor::new(entries, offset as usize);
            let (ns, n) = (cursor.number(), cursor.number());
            if string_at(strings, n) == name && string_at(strings, ns) == namespace {
                return Entries::new(strings, cursor);
            }
        }
        Entries::none()
    }

    /// The details of a vulnerability by its number.
    pub fn vulnerability(&self, number: u32) -> Option<Vulnerability<'_>> {
        let at = (number as usize).checked_mul(4)?;
        let offset = self.section(5).get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)?;
        let signals = (self.0.format != format2::FORMAT).then_some(self.0.manifest.signals.as_slice());
        Vulnerability::read(self.strings(), self.section(4), offset, signals)
    }

    /// The numbers of the vulnerabilities that an id names: one, or the bundles that a CVE lies in as well.
    pub fn vulnerabilities_named(&self, id: &str) -> Vec<u32> {
        if let Some(consulted) = &self.1 {
            consulted.note(Question::Vulnerability(id.to_owned()));
        }
        let (strings, ids) = (self.strings(), self.section(6));
        for offset in probe(self.section(7), hash([id.as_bytes(), b""])) {
            let mut cursor = Cursor::new(ids, offset as usize);
            if string_at(strings, cursor.number()) == id {
                let count = cursor.count();
                return (0..count).map(|_| cursor.number()).collect();
            }
        }
        Vec::new()
    }

    /// Every package with its entries, in the order of namespace and name.
    pub fn packages(&self) -> impl Iterator<Item = (PackageKey<'_>, Entries<'_>)> {
        let (strings, entries) = (self.strings(), self.section(2));
        let mut at = 0;
        std::iter::from_fn(move || {
            if at >= entries.len() {
                return None;
            }
            let mut cursor = Cursor::new(entries, at);
            let (namespace, name) = (string_at(strings, cursor.number()), string_at(strings, cursor.number()));
            let found = Entries::new(strings, cursor);
            at = found.clone().end().max(cursor.at);
            Some((PackageKey { namespace, name }, found))
        })
    }

    /// The names of all packages of Maven whose artifact is `artifact`, sorted.
    pub fn names_of_artifact(&self, artifact: &str) -> &[Box<str>] {
        if let Some(consulted) = &self.1 {
            consulted.note(Question::Artifact(artifact.to_owned()));
        }
        let all = self.0.artifacts.get_or_init(|| {
            let mut all: HashMap<Box<str>, Vec<Box<str>>> = HashMap::new();
            for (key, _) in self.packages().filter(|(key, _)| key.namespace == "maven") {
                let artifact = key.name.rsplit(':').next().unwrap_or_default();
                all.entry(artifact.into()).or_default().push(key.name.into());
            }
            all
        });
        all.get(artifact).map_or(&[], Vec::as_slice)
    }

    /// The size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.0.bytes.get().len() as u64
    }
}
