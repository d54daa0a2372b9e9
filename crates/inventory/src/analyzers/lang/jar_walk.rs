//! One pass through a Java archive and the archives inside of it.
//!
//! Bounds: the nesting of archives (`max_nesting`), the bytes of everything that is read inside one file together
//! (twice `max_file_bytes`; directory entries may all lead to the same bytes), the unpacked archives kept at one time
//! (`max_file_bytes`), the number of archives and of packages. Stored archives, as Spring Boot has them, are read in
//! place; packed ones go through a spool.

use std::{
    collections::{HashMap, HashSet},
    io::BufReader,
};

use layergate_model::{GapKind, PackageKind, Section};

use super::{
    archive::{Archive, Member},
    input,
    jar_evidence::{self, Evidence, Manifest},
    jar_identity,
    jar_names::{Coordinates, MAX_PROPERTIES, is_archive, last, properties},
    maven_pom,
};
use crate::{AnalyzeError, File, Scratch, analyzers::license, spool::TemporaryFile};

/// Archives inside one file.
const MAX_ARCHIVES: u32 = 20_000;
/// `pom.properties` of one archive.
const MAX_POMS: usize = 10_000;
/// Packages of one file. The largest real ones have some thousand.
const MAX_PACKAGES: usize = 100_000;
/// Bytes of one `pom.xml` that is read for its license.
const MAX_POM: u64 = 512 << 10;
/// Bytes of one manifest; manifests list a digest for each signed class.
const MAX_MANIFEST: u64 = 8 << 20;
/// Bytes of one location.
const MAX_LOCATION: usize = 4096;
/// Bytes of one class that is read for the version in it.
const MAX_CLASS: u64 = 256 << 10;

/// Reads the archive that `file` is.
pub(super) fn read(archive: &Archive<'_>, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
    let start = out.packages.len();
    let mut walk = Walk {
        file,
        start,
        out,
        bytes_left: file.limits.max_file_bytes.saturating_mul(2),
        room_left: file.limits.max_file_bytes,
        archives_left: MAX_ARCHIVES,
        trouble: None,
    };
    walk.archive(archive, file.path.as_str(), 1);
    let trouble = walk.trouble;
    input::join_same(out, start);
    trouble.map_or(Ok(()), Err)
}

struct Walk<'w> {
    file: &'w File<'w>,
    out: &'w mut Section,
    /// Where this file's packages begin.
    start: usize,
    /// Bytes inside that may still be looked at.
    bytes_left: u64,
    /// Bytes of unpacked archives that may still be kept at this time.
    room_left: u64,
    archives_left: u32,
    /// The worst thing that went wrong; the rest is read all the same.
    trouble: Option<AnalyzeError>,
}

impl Walk<'_> {
    /// Keeps the worst: a failure of this machine, which must not be cached, before what may hide packages, before the
    /// rest; of equals the first.
    fn trouble(&mut self, error: AnalyzeError) {
        let rank = |e: &AnalyzeError| (!e.kind.is_deterministic(), e.kind != GapKind::UnreadableFile);
        if self.trouble.as_ref().is_none_or(|first| rank(&error) > rank(first)) {
            self.trouble = Some(error);
        }
    }

    fn archive(&mut self, archive: &Archive<'_>, location: &str, depth: u32) {
        let mut poms = Vec::new();
        let mut pom_files: Vec<Member<'_>> = Vec::new();
        let mut inner = Vec::new();
        let mut evidence = Evidence::default();
        if !self.spend(archive.directory_size() as u64, location) {
            return;
        }
        for member in archive.members() {
            let member = match member {
                Ok(member) => member,
                Err(why) => {
                    self.trouble(AnalyzeError::unreadable(format!("{location}: {why}")));
                    break;
                }
            };
            let name = member.name;
            if name == b"META-INF/MANIFEST.MF" {
                if let Some(bytes) = self.read(archive, &member, MAX_MANIFEST, location) {
                    evidence.manifest = Manifest::parse(&String::from_utf8_lossy(&bytes));
                }
            } else if name.ends_with(b".class") {
                evidence.class(name);
                if let Some(mark) = jar_evidence::class_mark(name)
                    && let Some(bytes) = self.read(archive, &member, MAX_CLASS, location)
                {
                    evidence.version = mark.find(&bytes).or(evidence.version);
                }
            } else if last(name) == b"pom.properties" && poms.len() < MAX_POMS {
                if let Some(bytes) = self.read(archive, &member, MAX_PROPERTIES, location) {
                    poms.extend(properties(&String::from_utf8_lossy(&bytes), name));
                }
            } else if jar_evidence::is_version_file(name) && evidence.version.is_none() {
                if let Some(bytes) = self.read(archive, &member, MAX_PROPERTIES, location) {
                    evidence.version = jar_evidence::version_of_file(&String::from_utf8_lossy(&bytes));
                }
            } else if last(name) == b"pom.xml" && name.starts_with(b"META-INF/maven/") && pom_files.len() < MAX_POMS {
                pom_files.push(member);
            } else if is_archive(name) {
                inner.push(member);
            }
        }
        self.without_properties(archive, &mut poms, &pom_files);
        self.packages(archive, location, &poms, &pom_files, &evidence);
        if !inner.is_empty() && depth >= self.file.limits.max_nesting {
            let limit = self.file.limits.max_nesting;
            self.trouble(AnalyzeError::limit(format!(
                "archives in archives beyond the limit of {limit} (max-nesting)"
            )));
            return;
        }
        for member in inner {
            let name = String::from_utf8_lossy(member.name);
            let inside = format!("{location}!{name}");
            if inside.len() > MAX_LOCATION {
                self.trouble(AnalyzeError::limit(format!("a location is over the limit of {MAX_LOCATION} bytes")));
            } else if !self.nested(archive, &member, &inside, depth) {
                return;
            }
            // What was unpacked from it is not needed in memory any more.
            if let Some(spool) = self.file.spool.filter(|_| depth == 1) {
                spool.release(0..self.file.bytes.len());
            }
        }
    }

    /// Reads an archive inside an archive; false when a bound says that nothing more is to be read.
    fn nested(&mut self, archive: &Archive<'_>, member: &Member<'_>, location: &str, depth: u32) -> bool {
        if self.archives_left == 0 {
            self.trouble(AnalyzeError::limit(format!("more than {MAX_ARCHIVES} archives inside one file")));
            return false;
        }
        self.archives_left -= 1;
        if let Some(bytes) = archive.stored(member) {
            return self.spend(bytes.len() as u64, location) && {
                self.bytes(bytes, location, depth);
                true
            };
        }
        let reader = match archive.reader(member) {
            Ok(reader) => reader,
            Err(why) => {
                self.trouble(AnalyzeError::unreadable(format!("{location}: {why}")));
                return true;
            }
        };
        let mut scratch = Scratch::default();
        let content = BufReader::with_capacity(64 << 10, reader);
        match scratch.fill(content, 0, self.bytes_left.min(self.room_left)) {
            Ok(Some(spool)) => {
                let size = spool.len() as u64;
                if !self.spend(size.max(member.packed_size()), location) {
                    return false;
                }
                self.room_left -= size;
                self.bytes(&spool, location, depth);
                self.room_left += size;
                true
            }
            Ok(None) => {
                self.trouble(AnalyzeError::limit(format!(
                    "{location}: the archives inside are over the limit of {} bytes kept at one time or twice that in all (max-file-bytes)",
                    self.file.limits.max_file_bytes
                )));
                false
            }
            Err(error) if error.get_ref().is_some_and(|e| e.is::<TemporaryFile>()) => {
                let detail = format!("{location}: a large archive inside could not be kept in the temporary directory");
                self.trouble(AnalyzeError { kind: GapKind::LayerUnavailable, detail });
                true
            }
            Err(_) => {
                self.trouble(AnalyzeError::unreadable(format!("{location}: the archive inside does not unpack")));
                true
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8], location: &str, depth: u32) {
        match Archive::open(bytes) {
            Some(archive) => self.archive(&archive, location, depth + 1),
            None if bytes.is_empty() => {}
            None => self.trouble(AnalyzeError::unreadable(format!("{location}: not an archive"))),
        }
    }

    fn spend(&mut self, bytes: u64, location: &str) -> bool {
        let Some(left) = self.bytes_left.checked_sub(bytes) else {
            self.trouble(AnalyzeError::limit(format!(
                "{location}: the archives inside one file are over the limit of {} bytes (twice max-file-bytes)",
                self.file.limits.max_file_bytes.saturating_mul(2)
            )));
            self.bytes_left = 0;
            return false;
        };
        self.bytes_left = left;
        true
    }

    /// A small member, which counts as much as an archive inside would.
    fn read(&mut self, archive: &Archive<'_>, member: &Member<'_>, max: u64, location: &str) -> Option<Vec<u8>> {
        if self.bytes_left == 0 {
            return None;
        }
        match archive.read(member, max) {
            Ok(bytes) => self.spend((bytes.len() as u64).max(member.packed_size()), location).then_some(bytes),
            Err(why) => {
                let name = String::from_utf8_lossy(last(member.name)).into_owned();
                self.trouble(AnalyzeError::unreadable(format!("{location}: {name}: {why}")));
                // What does not unpack, or not within its bound, was worked on as well.
                self.spend(max, location);
                None
            }
        }
    }

    /// `META-INF/maven/GROUP/ARTIFACT/pom.xml` without a `pom.properties` beside it tells the same.
    fn without_properties(&mut self, archive: &Archive<'_>, poms: &mut Vec<Coordinates>, pom_files: &[Member<'_>]) {
        let known: HashSet<Vec<u8>> = poms.iter().map(|pom| pom.directory.clone()).collect();
        for member in pom_files {
            let Some(directory) = member.name.strip_suffix(b"pom.xml").filter(|d| !known.contains(*d)) else {
                continue;
            };
            if self.bytes_left == 0 || poms.len() >= MAX_POMS {
                return;
            }
            let Ok(bytes) = archive.read(member, MAX_POM) else { continue };
            self.bytes_left = self.bytes_left.saturating_sub((bytes.len() as u64).max(member.packed_size()));
            let fits = |artifact: &str| last(&directory[..directory.len() - 1]) == artifact.as_bytes();
            if let Some((group, artifact, version)) = maven_pom::own(&bytes).filter(|(_, artifact, _)| fits(artifact)) {
                poms.push(Coordinates { group, artifact, version, directory: directory.to_vec() });
            }
        }
    }

    fn packages(
        &mut self,
        archive: &Archive<'_>,
        location: &str,
        poms: &[Coordinates],
        pom_files: &[Member<'_>],
        evidence: &Evidence,
    ) {
        let manifest = &evidence.manifest;
        let name = location.rsplit(['/', '!']).next().unwrap_or(location);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let bare = jar_identity::split(stem).0.to_ascii_lowercase();
        let mut named = false;
        let beside: HashMap<&[u8], &Member<'_>> =
            pom_files.iter().filter_map(|m| Some((m.name.strip_suffix(b"pom.xml")?, m))).collect();
        if self.out.packages.len() - self.start + poms.len() > MAX_PACKAGES {
            self.trouble(AnalyzeError::limit(format!("more than {MAX_PACKAGES} packages inside one file")));
            return;
        }
        for pom in poms {
            let artifact = pom.artifact.to_ascii_lowercase();
            let is_self = artifact.starts_with(&bare) || bare.ends_with(&artifact);
            named |= is_self;
            let full =
                if pom.group.is_empty() { pom.artifact.clone() } else { format!("{}:{}", pom.group, pom.artifact) };
            let Some(package) = input::push(self.out, PackageKind::Maven, &full, &pom.version, self.file) else {
                continue;
            };
            package.locations = vec![if is_self || poms.len() == 1 {
                location.to_owned()
            } else {
                format!("{location}!{}pom.properties", String::from_utf8_lossy(&pom.directory))
            }];
            let beside = beside.get(pom.directory.as_slice());
            let bytes = beside.filter(|_| self.bytes_left > 0).and_then(|m| archive.read(m, MAX_POM).ok());
            if let Some(bytes) = bytes {
                self.bytes_left = self.bytes_left.saturating_sub(bytes.len() as u64);
                package.licenses = maven_pom::licenses(&bytes);
            }
            if package.licenses.is_empty() && is_self {
                package.licenses = manifest.license().and_then(license::normal).into_iter().collect();
            }
        }
        if named {
            return;
        }
        let Some(found) = jar_identity::guess(stem, evidence) else { return };
        // Renamed: its one pom.properties says the same of it.
        let renamed = poms.len() == 1 && Some(&poms[0].version) == found.version.as_ref();
        if renamed || found.version.is_none() && !poms.is_empty() {
            return;
        }
        let full = found.full_name();
        let package = match &found.version {
            Some(version) => input::push(self.out, PackageKind::Maven, &full, version, self.file),
            None => input::push_without_version(self.out, PackageKind::Maven, &full, self.file),
        };
        if let Some(package) = package {
            package.locations = vec![location.to_owned()];
            package.licenses = manifest.license().and_then(license::normal).into_iter().collect();
        }
    }
}
