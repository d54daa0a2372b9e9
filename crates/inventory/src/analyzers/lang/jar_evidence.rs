//! What a Java archive shows of itself beside its name: its manifest (docs.oracle.com, "JAR File Specification"), the
//! packages that its classes are in, and a version that a file or a class of it shows.

use std::{collections::BTreeSet, ops::Bound, sync::LazyLock};

use regex::bytes::Regex;

/// Packages of one archive that are remembered, and bytes of the longest.
const MAX_CLASS_PACKAGES: usize = 4096;
const MAX_CLASS_PACKAGE: usize = 256;
/// Lines of a manifest that are read; what describes the archive stands at its beginning.
const MAX_LINES: usize = 20_000;
/// Sections of single entries that are kept.
const MAX_SECTIONS: usize = 256;

/// Everything that is known of one archive.
#[derive(Default)]
pub(super) struct Evidence {
    pub(super) manifest: Manifest,
    /// Directories of classes.
    pub(super) class_packages: BTreeSet<String>,
    /// A version that a file or a class inside shows.
    pub(super) version: Option<String>,
}

impl Evidence {
    /// Notes a class by its path.
    pub(super) fn class(&mut self, path: &[u8]) {
        let Some(end) = path.iter().rposition(|b| *b == b'/') else { return };
        if let Ok(directory) = std::str::from_utf8(&path[..end])
            && directory.len() <= MAX_CLASS_PACKAGE
            && !self.class_packages.contains(directory)
            && self.class_packages.len() < MAX_CLASS_PACKAGES
        {
            self.class_packages.insert(directory.to_owned());
        }
    }

    /// Whether it has classes of its own.
    pub(super) fn has_classes(&self) -> bool {
        !self.class_packages.is_empty()
    }

    /// Whether it has classes in this package or below it.
    pub(super) fn has_package(&self, package: &str) -> bool {
        let from = self.class_packages.range::<str, _>((Bound::Included(package), Bound::Unbounded));
        from.take_while(|p| p.starts_with(package))
            .any(|p| matches!(p.as_bytes().get(package.len()), None | Some(b'/')))
    }
}

/// The keys and values of one section.
#[derive(Default)]
struct Keys(Vec<(String, String)>);

impl Keys {
    fn get(&self, key: &str) -> Option<&str> {
        let value = self.0.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.trim())?;
        (!value.is_empty() && !value.contains("${") && value.len() < 256).then_some(value)
    }
}

/// A `MANIFEST.MF`.
#[derive(Default)]
pub(super) struct Manifest {
    main: Keys,
    /// Sections of single entries that show an implementation's version: the entry's name and that version.
    entries: Vec<(String, String)>,
}

impl Manifest {
    /// Reads it; lines that begin with a blank continue the one before.
    pub(super) fn parse(text: &str) -> Self {
        let mut out = Self::default();
        let (mut section, mut is_main) = (Keys::default(), true);
        let lines = text.lines().map(|l| l.trim_end_matches('\r')).take(MAX_LINES);
        for line in lines.chain([""]) {
            if line.is_empty() {
                let read = std::mem::take(&mut section);
                if std::mem::take(&mut is_main) {
                    out.main = read;
                } else if let (Some(name), Some(version)) = (read.get("Name"), read.get("Implementation-Version"))
                    && out.entries.len() < MAX_SECTIONS
                {
                    out.entries.push((name.to_owned(), version.to_owned()));
                }
            } else if let Some(more) = line.strip_prefix(' ') {
                if let Some((_, value)) = section.0.last_mut().filter(|(_, v)| v.len() < 64 << 10) {
                    value.push_str(more);
                }
            } else if let Some((key, value)) = line.split_once(':') {
                section.0.push((key.trim().to_owned(), value.trim().to_owned()));
            }
        }
        out
    }

    /// The first of these keys of the main section that says something; a variable that was never filled in says
    /// nothing.
    pub(super) fn first(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.main.get(key))
    }

    /// The declared license.
    pub(super) fn license(&self) -> Option<&str> {
        self.first(&["Bundle-License"])
    }

    /// The implementation's version that entries below this one show, or that all entries which show one agree upon.
    pub(super) fn of_entries(&self, entry: Option<&str>) -> Option<&str> {
        let own = |name: &str| entry.is_some_and(|e| name.starts_with(e));
        let mut versions: Vec<&str> = self.entries.iter().filter(|(n, _)| own(n)).map(|(_, v)| v.as_str()).collect();
        if versions.is_empty() {
            versions = self.entries.iter().map(|(_, v)| v.as_str()).collect();
        }
        versions.dedup();
        if let [version] = versions[..] { Some(version) } else { None }
    }
}

/// A class with its project's version in it.
pub(super) struct ClassMark(&'static LazyLock<Option<Regex>>);

impl ClassMark {
    /// The version.
    pub(super) fn find(&self, class: &[u8]) -> Option<String> {
        let found = self.0.as_ref()?.captures(class)?.get(1)?;
        String::from_utf8(found.as_bytes().to_vec()).ok()
    }
}

/// What OkHttp calls itself to a server.
static OKHTTP: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?-u)okhttp/([0-9]+(?:\.[0-9]+)+)").ok());
/// ANTLR 2's version with its day.
static ANTLR: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?-u)([0-9]+(?:\.[0-9]+)+) \([0-9]{8}\)").ok());

/// The mark to look for in the class of this path, where there is one.
pub(super) fn class_mark(path: &[u8]) -> Option<ClassMark> {
    match path {
        b"okhttp3/internal/Util.class"
        | b"okhttp3/internal/Version.class"
        | b"okhttp3/internal/_UtilCommonKt.class" => Some(ClassMark(&OKHTTP)),
        b"antlr/Version.class" => Some(ClassMark(&ANTLR)),
        _ => None,
    }
}

/// Whether this is a file of properties about the archive's own version: `kafka/kafka-version.properties`.
pub(super) fn is_version_file(path: &[u8]) -> bool {
    let depth = path.iter().filter(|b| **b == b'/').count();
    depth <= 2 && (path.ends_with(b"version.properties") || path == b"library.properties")
}

/// The version that such a file shows.
pub(super) fn version_of_file(text: &str) -> Option<String> {
    let pairs = || text.lines().filter_map(|line| line.split_once('='));
    let value = ["version", "version.number"].iter().find_map(|key| pairs().find(|(k, _)| k.trim() == *key));
    let version = value?.1.trim();
    let good = version.len() < 64 && version.starts_with(|c: char| c.is_ascii_digit()) && !version.contains(' ');
    good.then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_entries() {
        let text = "Manifest-Version: 1.0\r\n\r\nName: org/x/impl/\r\nImplementation-Version: 2.12.0\r\n\r\n\
                    Name: org/w3c/\r\nImplementation-Version: 1.0\r\n";
        let manifest = Manifest::parse(text);
        assert_eq!((manifest.of_entries(Some("org/x")), manifest.of_entries(None)), (Some("2.12.0"), None));
        let agreed =
            Manifest::parse("A: b\n\nName: a\nImplementation-Version: 2\n\nName: b\nImplementation-Version: 2\n");
        assert_eq!(agreed.of_entries(Some("org/x")), Some("2"));
    }

    #[test]
    fn packages_and_versions_inside() {
        let mut evidence = Evidence::default();
        for class in ["org/x/y/A.class", "org/xz/B.class", "C.class"] {
            evidence.class(class.as_bytes());
        }
        for (package, has) in [("org/x", true), ("org/x/y", true), ("org/xz", true), ("org", true), ("org/x/z", false)]
        {
            assert_eq!(evidence.has_package(package), has, "{package}");
        }
        let of = |path: &str, bytes: &[u8]| class_mark(path.as_bytes()).and_then(|mark| mark.find(bytes));
        assert_eq!(of("okhttp3/internal/Util.class", b"\x01\0\x0cokhttp/4.9.3\x01").as_deref(), Some("4.9.3"));
        assert_eq!(of("antlr/Version.class", b"\x01\0\x102.7.7 (20060906)").as_deref(), Some("2.7.7"));
        assert_eq!(of("a/Version.class", b"2.7.7 (20060906)"), None);
        assert!(is_version_file(b"kafka/kafka-version.properties") && !is_version_file(b"a/b/c/version.properties"));
        assert_eq!(version_of_file("commitId=a\nversion=3.1.0\n").as_deref(), Some("3.1.0"));
        assert_eq!(version_of_file("version.number=2.12.10\n").as_deref(), Some("2.12.10"));
        assert_eq!(version_of_file("version=${project.version}\n"), None);
    }
}
