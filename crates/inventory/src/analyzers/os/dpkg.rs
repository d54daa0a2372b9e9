//! dpkg's databases (deb822(5), dpkg-query(1)): `var/lib/dpkg/status`, and `var/lib/dpkg/status.d/*` of distroless
//! images, which hold one package each and no `Status` field.
//!
//! Listed is every package whose files may be there: all states but `not-installed` and `config-files`. (Syft lists the
//! latter too, a package that was removed and left only its configuration; Trivy leaves out what is only marked for
//! removal and still there.) The source's version is the binary's unless `Source: name (version)` says otherwise.
//! A record without name or version, a line that is none, or an end in the middle of a line is a damaged database; what
//! was read stays.

use layergate_model::{AnalyzerId, Package, PackageKind, Section, SourcePackage};

use super::{
    needs::Needs,
    stanza::{Stanza, stanzas},
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads the lists of installed Debian packages.
pub struct Dpkg;

const STATUS: &str = "var/lib/dpkg/status";
const STATUS_D: &str = "var/lib/dpkg/status.d";

impl Analyzer for Dpkg {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("dpkg")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn max_bytes(&self) -> u64 {
        // 5,000 packages have 10 MB.
        32 << 20
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Path(STATUS), Interest::Below(STATUS_D)]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        // Beside each package lie its file lists and maintainer scripts.
        const OTHERS: [&str; 8] =
            [".md5sums", ".preinst", ".postinst", ".prerm", ".postrm", ".conffiles", ".list", ".triggers"];
        !entry.path.is_within(STATUS_D) || !OTHERS.iter().any(|end| entry.path.ends_with(end))
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let text = file.text();
        let whole = !file.path.is_within(STATUS_D);
        let mut damage = None;
        let first = out.packages.len();
        let mut needs = Needs::default();
        for stanza in stanzas(&text) {
            match package(&stanza, file) {
                Ok(Some(package)) => {
                    let index = out.packages.len();
                    let name = stanza.line_of("Package").unwrap_or_default();
                    needs.named(index, name);
                    needs.provides(index, stanza.get("Provides").into_iter().flat_map(relations));
                    let fields = ["Depends", "Pre-Depends"];
                    needs.needs(index, fields.into_iter().filter_map(|f| stanza.get(f)).flat_map(relations));
                    out.packages.push(package);
                }
                Ok(None) => {}
                Err(why) => damage = damage.or(Some(format!("the record at line {} {why}", stanza.line))),
            }
            if stanza.strange > 0 {
                damage = damage.or(Some(format!("the record at line {} has lines that are no fields", stanza.line)));
            }
        }
        needs.resolve(&mut out.packages);
        if whole && !text.is_empty() && !text.ends_with('\n') {
            damage = damage.or(Some("the file ends in the middle of a line".into()));
        }
        match damage {
            Some(why) => {
                let read = out.packages.len() - first;
                Err(AnalyzeError::database(format!("the dpkg database is damaged ({read} packages read): {why}")))
            }
            None => Ok(()),
        }
    }
}

/// The package of a record; `None` when it is not there any more.
fn package(stanza: &Stanza<'_>, file: &File<'_>) -> Result<Option<Package>, &'static str> {
    let Some(name) = stanza.line_of("Package") else { return Err("has no Package field") };
    // dpkg itself refuses a database with such a record; readers that take the first and those that take the last see
    // two packages.
    if ["Package", "Version", "Status", "Source"].iter().any(|field| stanza.all(field).nth(1).is_some()) {
        return Err("has a field twice");
    }
    let state = stanza.line_of("Status").map(|s| s.split_whitespace().nth(2).unwrap_or_default());
    match state {
        Some("not-installed" | "config-files") => return Ok(None),
        Some("") => return Err("has half a Status field"),
        _ => {}
    }
    let Some(version) = stanza.line_of("Version") else {
        // An installation that did not begin has no version yet.
        return if state == Some("half-installed") { Ok(None) } else { Err("has no Version field") };
    };
    let mut package = Package::new(PackageKind::Deb, name, version, file.path);
    package.arch = stanza.line_of("Architecture").map(str::to_owned);
    package.vendor = stanza.line_of("Maintainer").map(str::to_owned);
    package.source = Some(source(stanza.line_of("Source"), name, version));
    Ok(Some(package))
}

/// `Source: glibc`, `Source: util-linux (2.36.1-8)`, or none: the source is called like the package.
pub(crate) fn source(field: Option<&str>, name: &str, version: &str) -> SourcePackage {
    let field = field.unwrap_or(name);
    let (source, own) = match field.split_once('(') {
        Some((source, rest)) => (source.trim(), rest.trim_end().trim_end_matches(')').trim()),
        None => (field.trim(), ""),
    };
    let named = if source.is_empty() { name } else { source };
    SourcePackage { name: named.to_owned(), version: if own.is_empty() { version } else { own }.to_owned() }
}

/// The names of a list of relations: `libc6 (>= 2.34), debconf:any | debconf-2.0`.
pub(crate) fn relations(field: &str) -> impl Iterator<Item = &str> {
    field
        .split([',', '|'])
        .filter_map(|one| one.trim().split([' ', '(', ':', '[', '\n', '\t']).next())
        .filter(|n| !n.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};
    use layergate_model::{EntryKind, GapKind, LayerPath};

    const TWO: &str = "Package: libc6\nStatus: install ok installed\nMaintainer: GNU <g@x>\nArchitecture: amd64\n\
        Source: glibc\nVersion: 2.36-9\nProvides: libc-any\n\nPackage: mount\nStatus: hold ok installed\nVersion: 1:2.38.1\n\
        Source: util-linux (2.38.1-5+b1)\nArchitecture: amd64\nDepends: libc-any (>= 2) | x,\n nothing\nDescription: a\n .\n b: c\n\n";

    #[test]
    fn versions_sources_and_dependencies() {
        let (section, result) = analyze(&Dpkg, STATUS, TWO.as_bytes());
        result.unwrap();
        let [libc, mount] = &section.packages[..] else { panic!("{section:?}") };
        let source = |p: &Package| p.source.clone().map(|s| format!("{} {}", s.name, s.version)).unwrap();
        assert_eq!(
            (libc.name.as_str(), libc.version.as_str(), source(libc)),
            ("libc6", "2.36-9", "glibc 2.36-9".into())
        );
        assert_eq!((libc.arch.as_deref(), libc.vendor.as_deref()), (Some("amd64"), Some("GNU <g@x>")));
        assert_eq!((mount.version.as_str(), source(mount)), ("1:2.38.1", "util-linux 2.38.1-5+b1".into()));
        assert_eq!(mount.dependencies[0].name, "libc6");
    }

    #[test]
    fn states() {
        for field in ["Version: 2", "Status: install ok installed", "Source: b", "package: b"] {
            let twice = format!("Package: a\nStatus: install ok installed\nSource: a\nVersion: 1\n{field}\n");
            let (section, result) = analyze(&Dpkg, STATUS, twice.as_bytes());
            assert!(section.packages.is_empty() && result.unwrap_err().kind == GapKind::UnreadableDatabase, "{field}");
        }
        let there = |status: &str| {
            packages(&Dpkg, STATUS, format!("Package: a\nStatus: {status}\nVersion: 1\n").as_bytes()).len()
        };
        for (status, count) in [
            ("install ok installed", 1),
            ("deinstall ok installed", 1),
            ("install reinstreq half-installed", 1),
            ("install ok half-configured", 1),
            ("install ok unpacked", 1),
            ("install ok triggers-awaited", 1),
            ("deinstall ok config-files", 0),
            ("purge ok not-installed", 0),
        ] {
            assert_eq!(there(status), count, "{status}");
        }
        assert_eq!(
            packages(&Dpkg, "var/lib/dpkg/status.d/base", b"Package: base-files\nVersion: 12"),
            ["base-files 12"]
        );
        assert_eq!(packages(&Dpkg, STATUS, b""), [""; 0]);
    }

    #[test]
    fn scripts_and_lists_beside_are_not_packages() {
        for (path, claimed) in [("base", true), ("libssl3", true), ("base.md5sums", false), ("base.preinst", false)] {
            let path = LayerPath::normalise(&format!("{STATUS_D}/{path}")).unwrap();
            assert_eq!(Dpkg.claims(&Entry { path: &path, kind: EntryKind::File, mode: 0o644, target: "" }), claimed);
        }
    }

    #[test]
    fn damage_is_reported_and_what_was_read_stays() {
        for (bytes, read) in [
            (TWO.as_bytes()[..150].to_vec(), 1),
            (b"Package: a\nVersion: 1\n\nPackage: b\nStatus: install ok inst".to_vec(), 1),
            (b"Package: a\nVersion: 1\n\nStatus: install ok installed\n".to_vec(), 1),
            (b"\x00\x01\x02garbage\xff\n".repeat(1000), 0),
            (b"Pakij: apt\nan odd line\n".to_vec(), 0),
        ] {
            let (section, result) = analyze(&Dpkg, STATUS, &bytes);
            assert_eq!(result.unwrap_err().kind, GapKind::UnreadableDatabase, "{:?}", String::from_utf8_lossy(&bytes));
            assert_eq!(section.packages.len(), read, "{:?}", String::from_utf8_lossy(&bytes));
        }
    }
}
