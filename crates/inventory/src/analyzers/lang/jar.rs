//! Java archives (JAR, WAR, EAR and their like; "JAR File Specification", Maven's `META-INF/maven`): each `pom.properties` is a
//! package, so that shaded archives show what they were made of; without a fitting one the archive's name and manifest tell;
//! archives inside are read in the same way.
//!
//! Bounds: the nesting of archives (`max_nesting`), the bytes of everything that is read inside one file together (twice
//! `max_file_bytes`; directory entries may all lead to the same bytes), the unpacked archives kept at one time
//! (`max_file_bytes`), the number of archives and of packages. Stored archives, as Spring Boot has them, are read in place;
//! packed ones go through a spool.

use std::collections::HashMap;

use layergate_model::{AnalyzerId, GapKind, PackageKind, Section};

use super::{
    archive::{Archive, Member},
    input,
    jar_identity::{self, Manifest},
    maven_pom,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, Spool, analyzers::license, spool::TemporaryFile};

/// Reads Java archives.
pub struct Jar;

/// Kinds of archives that hold Java packages.
const ENDS: &[&str] = &["jar", "war", "ear", "par", "sar", "nar", "kar", "hpi", "jpi", "lpkg"];
/// Archives inside one file.
const MAX_ARCHIVES: u32 = 20_000;
/// `pom.properties` of one archive.
const MAX_POMS: usize = 10_000;
/// Packages of one file. The largest real ones have some thousand.
const MAX_PACKAGES: usize = 100_000;
/// Bytes of one `pom.properties`.
const MAX_PROPERTIES: u64 = 64 << 10;
/// Bytes of one `pom.xml` that is read for its licence.
const MAX_POM: u64 = 512 << 10;
/// Bytes of one manifest; manifests list a digest for each signed class.
const MAX_MANIFEST: u64 = 8 << 20;
/// Bytes of one location.
const MAX_LOCATION: usize = 4096;

impl Analyzer for Jar {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("jar")
    }

    fn revision(&self) -> u32 {
        4
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[
            Interest::Extension(".jar"),
            Interest::Extension(".war"),
            Interest::Extension(".ear"),
            Interest::Extension(".par"),
            Interest::Extension(".sar"),
            Interest::Extension(".nar"),
            Interest::Extension(".kar"),
            Interest::Extension(".hpi"),
            Interest::Extension(".jpi"),
            Interest::Extension(".lpkg"),
            Interest::Name("pom.properties"),
        ]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !entry.path.file_name().starts_with("._")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        if file.path.file_name() == "pom.properties" {
            exploded(file, out);
            return Ok(());
        }
        let Some(archive) = Archive::open(file.bytes) else {
            // Other things have these endings too; what begins as an archive and is none is a gap.
            return match file.bytes.starts_with(b"PK\x03\x04") {
                true => Err(AnalyzeError::unreadable("the archive has no directory: it is cut off or broken")),
                false => Ok(()),
            };
        };
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
        walk.archive(&archive, file.path.as_str(), 1);
        let trouble = walk.trouble;
        input::join_same(out, start);
        trouble.map_or(Ok(()), Err)
    }
}

/// Reads Java archives that are called something else: Java runs an archive whatever its name is.
pub struct UnnamedJar;

impl Analyzer for UnnamedJar {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("jar-unnamed")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Content]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !is_archive(entry.path.as_bytes()) && !is_other_archive(entry.path)
    }

    fn wants(&self, head: &[u8]) -> bool {
        // An archive, or the script of an executable one.
        head.starts_with(b"PK\x03\x04") || head.starts_with(b"#!")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        if is_java(file.bytes) { Jar.analyze(file, out) } else { Ok(()) }
    }
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

struct Coordinates {
    group: String,
    artifact: String,
    version: String,
    directory: Vec<u8>,
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
        let mut manifest = Manifest::default();
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
                    manifest = Manifest::parse(&String::from_utf8_lossy(&bytes));
                }
            } else if last(name) == b"pom.properties" && poms.len() < MAX_POMS {
                if let Some(bytes) = self.read(archive, &member, MAX_PROPERTIES, location) {
                    poms.extend(properties(&String::from_utf8_lossy(&bytes), name));
                }
            } else if last(name) == b"pom.xml" && name.starts_with(b"META-INF/maven/") && pom_files.len() < MAX_POMS {
                pom_files.push(member);
            } else if is_archive(name) {
                inner.push(member);
            }
        }
        self.packages(archive, location, &poms, &pom_files, &manifest);
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
        match Spool::fill(reader, self.bytes_left.min(self.room_left)) {
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

    fn packages(
        &mut self,
        archive: &Archive<'_>,
        location: &str,
        poms: &[Coordinates],
        pom_files: &[Member<'_>],
        manifest: &Manifest,
    ) {
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
        let Some((group, artifact, version)) = jar_identity::guess(stem, manifest) else { return };
        if poms.len() == 1 && poms[0].version == version {
            // Renamed: its one pom.properties says the same of it.
            return;
        }
        let full = group.map_or_else(|| artifact.clone(), |group| format!("{group}:{artifact}"));
        if let Some(package) = input::push(self.out, PackageKind::Maven, &full, &version, self.file) {
            package.locations = vec![location.to_owned()];
            package.licenses = manifest.license().and_then(license::normal).into_iter().collect();
        }
    }
}

/// Archives of other kinds, which have readers of their own or none of their own business here.
fn is_other_archive(path: &str) -> bool {
    const OTHERS: [&str; 14] = [
        ".whl", ".egg", ".pyz", ".nupkg", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".epub", ".npz", ".apk",
        ".conda",
    ];
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    OTHERS.iter().any(|end| name.ends_with(end))
}

/// Whether an archive without a name of Java's has what Java's archives have.
fn is_java(bytes: &[u8]) -> bool {
    let Some(archive) = Archive::open(bytes) else { return false };
    let java = |name: &[u8]| {
        name == b"META-INF/MANIFEST.MF"
            || name.starts_with(b"META-INF/maven/")
            || name.ends_with(b".class")
            || is_archive(name)
    };
    archive.members().flatten().any(|member| java(member.name))
}

/// `META-INF/maven/GROUP/ARTIFACT/pom.properties` of an archive that was unpacked, as builders of images do.
fn exploded(file: &File<'_>, out: &mut Section) {
    let path = file.path.as_str();
    if !format!("/{path}").contains("/META-INF/maven/") || file.bytes.len() as u64 > MAX_PROPERTIES {
        return;
    }
    if let Some(pom) = properties(&file.text(), path.as_bytes()) {
        let full = if pom.group.is_empty() { pom.artifact } else { format!("{}:{}", pom.group, pom.artifact) };
        input::push(out, PackageKind::Maven, &full, &pom.version, file);
    }
}

fn last(name: &[u8]) -> &[u8] {
    name.rsplit(|b| *b == b'/').next().unwrap_or(name)
}

fn is_archive(name: &[u8]) -> bool {
    let name = last(name);
    let end = name.rsplit(|b| *b == b'.').next().unwrap_or_default();
    end.len() < name.len() && ENDS.iter().any(|e| end.eq_ignore_ascii_case(e.as_bytes()))
}

/// Java's properties format, as far as Maven writes it.
fn properties(text: &str, name: &[u8]) -> Option<Coordinates> {
    let value = |key: &str| {
        text.lines().find_map(|line| {
            let (k, v) = line.split_once(['=', ':'])?;
            (k.trim() == key).then(|| v.trim().replace('\\', ""))
        })
    };
    let (artifact, version) = (value("artifactId")?, value("version")?);
    let good = |v: &str| !v.is_empty() && !v.contains("${");
    let directory = name[..name.len() - b"pom.properties".len()].to_vec();
    let group = value("groupId").filter(|g| good(g)).unwrap_or_default();
    (good(&artifact) && good(&version)).then_some(Coordinates { group, artifact, version, directory })
}

#[cfg(test)]
mod tests {
    use layergate_model::{LayerPath, Limits};

    use super::{super::archive::tests::zip, *};
    use crate::testing::{analyze, packages};

    fn pom(artifact: &str, version: &str) -> Vec<u8> {
        format!("#Generated by Maven\nversion={version}\ngroupId=org.x\nartifactId={artifact}\n").into_bytes()
    }

    #[test]
    fn names_come_from_pom_properties_the_file_or_the_manifest() {
        let own = pom("a", "1.0");
        let shaded = pom("other", "2.0");
        let at = |a: &str| format!("META-INF/maven/org.x/{a}/pom.properties");
        let jar =
            zip(&[(&at("a"), &own), (&at("other"), &shaded), ("META-INF/MANIFEST.MF", b"Implementation-Version: 9\n")]);
        let (section, result) = analyze(&Jar, "lib/a-1.0.jar", &jar);
        result.unwrap();
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.locations[0].as_str())).collect();
        let shaded_at = "lib/a-1.0.jar!META-INF/maven/org.x/other/pom.properties";
        assert_eq!(found, [("org.x:a", "lib/a-1.0.jar"), ("org.x:other", shaded_at)]);
        // Renamed: the manifest's version is the archive's own.
        assert_eq!(packages(&Jar, "b.jar", &jar), ["b 9", "org.x:a 1.0", "org.x:other 2.0"]);
        assert_eq!(packages(&Jar, "spring-web-5.0.0.jar", &zip(&[])), ["org.springframework:spring-web 5.0.0"]);
        assert_eq!(packages(&Jar, "unknown.jar", &zip(&[("x", b"")])), [""; 0]);
        assert_eq!(packages(&Jar, "text.par", b"not an archive"), [""; 0]);
    }

    #[test]
    fn licences_of_the_pom_beside() {
        let xml = b"<project><licenses><license><name>MIT</name></license></licenses></project>";
        let jar =
            zip(&[("META-INF/maven/org.x/a/pom.properties", &pom("a", "1")), ("META-INF/maven/org.x/a/pom.xml", xml)]);
        assert_eq!(analyze(&Jar, "a.jar", &jar).0.packages[0].licenses, ["MIT"]);
    }

    #[test]
    fn nested_stored_and_packed() {
        let inner = zip(&[("META-INF/maven/org.x/c/pom.properties", &pom("c", "3"))]);
        let middle = zip(&[("lib/c-3.jar=", &inner), ("lib/again.jar", &inner)]);
        let outer = zip(&[("BOOT-INF/lib/m-2.war", &middle)]);
        let launcher = [b"#!/bin/sh\n".as_slice(), &outer].concat();
        let (section, result) = analyze(&Jar, "app.jar", &launcher);
        result.unwrap();
        let c = section.packages.iter().find(|p| p.name == "org.x:c").unwrap();
        assert_eq!(
            c.locations,
            ["app.jar!BOOT-INF/lib/m-2.war!lib/c-3.jar", "app.jar!BOOT-INF/lib/m-2.war!lib/again.jar"]
        );
    }

    #[test]
    fn bombs_end_at_a_bound() {
        let kinds = |bytes: &[u8], limits: &Limits| {
            let path = LayerPath::normalise("a.jar").unwrap();
            let mut out = Section::default();
            let result = Jar.analyze(&File::new(&path, 0, bytes, limits), &mut out);
            (result.unwrap_err().kind, out.packages.len())
        };
        let mut deep = zip(&[("x-1.jar", b"")]);
        for _ in 0..200 {
            deep = zip(&[("x-1.jar", &deep)]);
        }
        assert_eq!(kinds(&deep, &Limits::default()), (GapKind::FileLimit, 1));
        let zeros = vec![0; 8 << 20];
        let large = zip(&[("x-1.jar", &zeros), ("META-INF/maven/org.x/a/pom.properties", &pom("a", "1"))]);
        let small = Limits { max_file_bytes: 1 << 20, ..Limits::default() };
        assert_eq!(kinds(&large, &small), (GapKind::FileLimit, 1));
        // Ten names for each stored archive, eight deep: a hundred million archives that are all one.
        let mut wide = zip(&[]);
        for _ in 0..7 {
            let names: Vec<String> = (0..10).map(|i| format!("n{i}-1.jar=")).collect();
            let members: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &wide[..])).collect();
            wide = zip(&members);
            if wide.len() > 4 << 20 {
                break;
            }
        }
        let result = kinds(&wide, &Limits::default());
        assert_eq!(result.0, GapKind::FileLimit);
        // What is only broken does not hide that something was over a limit.
        let both = zip(&[("broken-1.jar", b"no"), ("x-1.jar", &zeros)]);
        assert_eq!(kinds(&both, &small), (GapKind::FileLimit, 0));
        assert_eq!(kinds(&zip(&[("x-1.jar", b"no")]), &Limits::default()).0, GapKind::UnreadableFile);
        assert_eq!(kinds(&zip(&[("x", b"no")])[..40], &Limits::default()).0, GapKind::UnreadableFile);
    }

    #[test]
    fn whatever_the_archive_is_called_and_without_one() {
        let bytes = zip(&[("META-INF/maven/org.x/a/pom.properties", &pom("a", "1.0"))]);
        assert_eq!(packages(&Jar, "lib/A-1.0.JAR", &bytes), ["org.x:a 1.0"]);
        for path in ["lib/a-1.0.zip", "lib/a", "lib/a-1.0.jar.bak", "opt/app.bin"] {
            assert_eq!(packages(&UnnamedJar, path, &bytes), ["org.x:a 1.0"], "{path}");
        }
        let script = [b"#!/bin/sh\n".as_slice(), &bytes].concat();
        assert_eq!(packages(&UnnamedJar, "opt/app", &script), ["org.x:a 1.0"]);
        assert_eq!(packages(&UnnamedJar, "opt/data.zip", &zip(&[("a.txt", b"x")])), [""; 0]);
        assert_eq!(packages(&Jar, "w/META-INF/maven/org.x/a/pom.properties", &pom("a", "1.0")), ["org.x:a 1.0"]);
        assert_eq!(packages(&Jar, "w/pom.properties", &pom("a", "1.0")), [""; 0]);
        assert!(!is_other_archive("a.jar") && is_other_archive("a.WHL"));
    }
}
