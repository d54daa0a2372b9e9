//! Java archives (JAR, WAR, EAR and their like; "JAR File Specification", Maven's `META-INF/maven`): each
//! `pom.properties` is a package, so that shaded archives show what they were made of; without a fitting one the
//! archive's name and manifest show; archives inside are read in the same way.
//! `jar_walk.rs` goes through one, `jar_identity.rs` says what it is.

use layergate_model::{AnalyzerId, PackageKind, Section};

use super::{
    archive::Archive,
    input,
    jar_evidence::{Evidence, Manifest},
    jar_identity,
    jar_names::{MAX_PROPERTIES, is_archive, last, properties},
    jar_walk,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads Java archives.
pub struct Jar;

/// Bytes of a manifest that lies unpacked.
const MAX_UNPACKED: u64 = 8 << 20;

impl Analyzer for Jar {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("jar")
    }

    fn revision(&self) -> u32 {
        6
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
            Interest::Name("MANIFEST.MF"),
        ]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !entry.path.file_name().starts_with("._")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        if file.path.file_name() == "MANIFEST.MF" {
            unpacked(file, out);
            return Ok(());
        }
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
        jar_walk::read(&archive, file, out)
    }
}

/// Reads Java archives that are called something else: Java runs an archive whatever its name is.
pub struct UnnamedJar;

impl Analyzer for UnnamedJar {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("jar-unnamed")
    }

    fn revision(&self) -> u32 {
        3
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

/// `NAME.jar/META-INF/MANIFEST.MF` of an archive that was unpacked into a directory of its name: what the manifest and
/// the name say, where they say whose it is.
fn unpacked(file: &File<'_>, out: &mut Section) {
    let Some(directory) = file.path.strip_suffix("/META-INF/MANIFEST.MF") else { return };
    let name = last(directory.as_bytes());
    if !is_archive(name) || file.bytes.len() as u64 > MAX_UNPACKED {
        return;
    }
    let name = String::from_utf8_lossy(name);
    let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
    let evidence = Evidence { manifest: Manifest::parse(&file.text()), ..Evidence::default() };
    if let Some(found) = jar_identity::guess(stem, &evidence)
        && let (Some(version), true) = (&found.version, found.full_name().contains(':'))
    {
        input::push(out, PackageKind::Maven, &found.full_name(), version, file);
    }
}

#[cfg(test)]
mod tests {
    use layergate_model::{GapKind, LayerPath, Limits};

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
    fn licenses_of_the_pom_beside() {
        let xml = b"<project><licenses><license><name>MIT</name></license></licenses></project>";
        let jar =
            zip(&[("META-INF/maven/org.x/a/pom.properties", &pom("a", "1")), ("META-INF/maven/org.x/a/pom.xml", xml)]);
        assert_eq!(analyze(&Jar, "a.jar", &jar).0.packages[0].licenses, ["MIT"]);
    }

    #[test]
    fn a_pom_without_properties_beside_it() {
        let at = "META-INF/maven/org.x/a/pom.xml";
        let parent = b"<project><parent><groupId>org.x</groupId><version>2.1</version></parent><artifactId>a</artifactId></project>";
        let open = b"<project><groupId>org.x</groupId><artifactId>a</artifactId><version>${v}</version></project>";
        let other = b"<project><groupId>org.x</groupId><artifactId>b</artifactId><version>1</version></project>";
        for (xml, want) in [(&parent[..], &["org.x:a 2.1"][..]), (&open[..], &[]), (&other[..], &[]), (&b"<"[..], &[])]
        {
            assert_eq!(packages(&Jar, "lib/core.jar", &zip(&[(at, xml)])), want);
        }
        let both = zip(&[(at, parent), ("META-INF/maven/org.x/a/pom.properties", &pom("a", "3"))]);
        assert_eq!(packages(&Jar, "a.jar", &both), ["org.x:a 3"]);
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
        let manifest = b"Bundle-SymbolicName: org.x.b\nBundle-Version: 2.0\n";
        assert_eq!(packages(&Jar, "w/b-2.0.jar/META-INF/MANIFEST.MF", manifest), ["org.x:b 2.0"]);
        assert_eq!(packages(&Jar, "w/b.jar/META-INF/MANIFEST.MF", manifest), ["org.x:b 2.0"]);
        assert_eq!(packages(&Jar, "w/own/META-INF/MANIFEST.MF", manifest), [""; 0]);
        assert_eq!(packages(&Jar, "w/own-1.jar/META-INF/MANIFEST.MF", b"A: b\n"), [""; 0]);
        assert!(!is_other_archive("a.jar") && is_other_archive("a.WHL"));
    }
}
