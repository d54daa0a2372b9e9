//! Whether a version lies in what an advisory calls affected.

use std::{cmp::Ordering, collections::BTreeSet};

use layergate_advisory::{End, Entries, Entry, Namespace, Snapshot, Start, VersionRange};
use layergate_model::{GapKind, Package, Provenance, Status};
use layergate_version::{Candidate, Scheme, VersionError};

use super::subject::Subject;

/// An entry that affects the package.
pub(super) struct Hit<'s, 'p> {
    pub(super) entry: Entry<'s>,
    pub(super) scheme: Scheme,
    /// The namespace is a distribution's.
    pub(super) distribution: bool,
    /// The name it was found under, when it is not the package's own.
    pub(super) matched_name: Option<&'p str>,
    /// The version that was held against it.
    pub(super) version: &'p str,
    /// The range that holds it; `None` when it is in the list of versions.
    pub(super) range: Option<VersionRange<&'s str>>,
}

impl Hit<'_, '_> {
    /// Whether `range`, one of the entry's, is the one that holds the version: then its end is known to be above it.
    pub(super) fn is_held_by(&self, range: &VersionRange<&str>) -> bool {
        self.range.as_ref() == Some(range)
    }

    /// Whether this advisory does not touch `version`.
    pub(super) fn is_fixed_in(&self, version: &str) -> bool {
        let version = Version { text: version, read: self.scheme.candidate(version) };
        matches!(holding(&version, &self.entry), Ok(None))
    }
}

/// An advisory that could not be decided.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Undecided {
    /// What became of it in the report.
    pub(super) kind: GapKind,
    pub(super) vulnerability: String,
    pub(super) why: String,
}

impl Undecided {
    /// An advisory in whose range the version of a package lies that does not come from the registry.
    pub(super) fn not_of_the_registry(hit: &Hit<'_, '_>, snapshot: &Snapshot) -> Self {
        let vulnerability =
            snapshot.vulnerability(hit.entry.vulnerability).map_or_else(String::new, |f| f.id.to_owned());
        let why = "it comes from a repository, an archive or a directory and not from the registry, so that its version does not say which fixes it has";
        Self { kind: GapKind::UncomparableVersion, vulnerability, why: why.to_owned() }
    }
}

/// Collects what the snapshot has against a subject.
pub(super) fn collect<'s, 'p>(
    subject: &'p Subject<'_>,
    package: &Package,
    namespace: &Namespace,
    snapshot: &'s Snapshot,
    hits: &mut Vec<Hit<'s, 'p>>,
    undecided: &mut BTreeSet<Undecided>,
) {
    let Some(scheme) = namespace.scheme() else { return };
    let build = Build::of(package);
    let version = Version { text: &subject.version, read: read(scheme, &subject.version) };
    // Whoever writes a version that nobody can read would have the package judged by nothing. A branch has an honest
    // one.
    let hides =
        version.read.is_err() && package.provenance != Provenance::Elsewhere && !is_branch(scheme, version.text);
    let kind = if hides { GapKind::UnreadableVersion } else { GapKind::UncomparableVersion };
    for entry in snapshot.lookup(namespace, &subject.name) {
        if subject.unfixed_only && entry.status == Status::Fixed {
            continue;
        }
        let meant = build.is_meant(&entry, || snapshot.lookup(namespace, &subject.name));
        if meant == Meant::No {
            continue;
        }
        match holding(&version, &entry) {
            Ok(None) => {}
            Ok(Some(_)) if meant == Meant::Unknown => {
                let vulnerability =
                    snapshot.vulnerability(entry.vulnerability).map_or_else(String::new, |f| f.id.to_owned());
                let stream = entry.module.unwrap_or_default();
                let why = format!(
                    "it is of a module and does not say of which stream, and there is an advisory on the stream {stream}"
                );
                undecided.insert(Undecided { kind: GapKind::UncomparableVersion, vulnerability, why });
            }
            Ok(Some(range)) => hits.push(Hit {
                entry,
                scheme,
                distribution: namespace.is_distribution(),
                matched_name: (subject.name != package.name).then_some(&subject.name),
                version: &subject.version,
                range,
            }),
            Err(error) => {
                let vulnerability =
                    snapshot.vulnerability(entry.vulnerability).map_or_else(String::new, |f| f.id.to_owned());
                undecided.insert(Undecided { kind, vulnerability, why: error.to_string() });
            }
        }
    }
}

/// The CVEs that a vulnerability is, or that an advisory bundles; without any its own id.
pub(super) fn cves(vulnerability: u32, snapshot: &Snapshot) -> Vec<&str> {
    let Some(vulnerability) = snapshot.vulnerability(vulnerability) else { return Vec::new() };
    let cve = |id: &&str| id.starts_with("CVE-");
    let mut out: Vec<&str> =
        vulnerability.aliases.clone().filter(cve).chain(Some(vulnerability.id).filter(cve)).collect();
    if out.is_empty() {
        out.push(vulnerability.id);
    }
    out
}

/// Each entry that is meant for this build of a package, and whether it holds its version; what cannot be decided is
/// left out.
pub(super) fn decided<'s>(
    name: &str,
    version: &str,
    package: &Package,
    namespace: &Namespace,
    snapshot: &'s Snapshot,
) -> Vec<(Entry<'s>, bool)> {
    let Some(scheme) = namespace.scheme() else { return Vec::new() };
    let build = Build::of(package);
    let version = Version { text: version, read: read(scheme, version) };
    let lookup = || snapshot.lookup(namespace, name);
    let meant = lookup().filter(|entry| build.is_meant(entry, lookup) == Meant::Yes);
    meant.filter_map(|entry| holding(&version, &entry).ok().map(|held| (entry, held.is_some()))).collect()
}

/// The vulnerabilities that a namespace calls fixed in a version.
pub(super) fn fixed_in<'s>(
    name: &str,
    version: &str,
    package: &Package,
    namespace: &Namespace,
    snapshot: &'s Snapshot,
) -> BTreeSet<&'s str> {
    let entries = decided(name, version, package, namespace, snapshot);
    let (open, fixed): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(_, affected)| *affected);
    let cves = |entry: &Entry<'s>| cves(entry.vulnerability, snapshot);
    // An incomplete fix has a second advisory: as long as one of them is open, the vulnerability is.
    let open: BTreeSet<&str> = open.iter().flat_map(|(entry, _)| cves(entry)).collect();
    let fixed = fixed.iter().filter(|(entry, _)| entry.status == Status::Fixed).flat_map(|(entry, _)| cves(entry));
    fixed.filter(|cve| !open.contains(cve)).collect()
}

/// Reads a package's version. Composer never holds a branch (`dev-master`) against an ordered constraint: where it
/// stands among the releases, its name does not say.
fn read(scheme: Scheme, version: &str) -> Result<Candidate<'_>, VersionError> {
    if is_branch(scheme, version) {
        let version = version.chars().take(100).collect();
        return Err(VersionError::Invalid { scheme, version, why: "a branch has no place among the releases" });
    }
    scheme.candidate(version)
}

fn is_branch(scheme: Scheme, version: &str) -> bool {
    scheme == Scheme::Packagist && version.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("dev-"))
}

/// Every version that an advisory on the subject's package calls fixed.
pub(super) fn fixed<'s>(subject: &Subject<'_>, namespace: &Namespace, snapshot: &'s Snapshot) -> Vec<&'s str> {
    let ranges = snapshot.lookup(namespace, &subject.name).flat_map(|e| e.ranges);
    ranges.filter_map(|r| if let End::Fixed(v) = r.end { Some(v) } else { None }).collect()
}

/// Whether any advisory with a fix affects this version of the subject's package.
pub(super) fn affects(version: &str, subject: &Subject<'_>, namespace: &Namespace, snapshot: &Snapshot) -> bool {
    let Some(scheme) = namespace.scheme() else { return false };
    let version = Version { text: version, read: scheme.candidate(version) };
    let has_fix = |e: &Entry<'_>| e.ranges.clone().any(|r| matches!(r.end, End::Fixed(_)));
    snapshot.lookup(namespace, &subject.name).any(|e| has_fix(&e) && matches!(holding(&version, &e), Ok(Some(_))))
}

/// What shows builds of one version apart; read once, for a kernel has thousands of entries.
struct Build<'p> {
    /// The architecture; `None` when any fits.
    arch: Option<&'p str>,
    module: Option<&'p str>,
    modular: bool,
    version: &'p str,
}

/// Whether an entry speaks of a build.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meant {
    Yes,
    No,
    /// It is of a module, and nothing says of which stream.
    Unknown,
}

impl<'p> Build<'p> {
    fn of(package: &'p Package) -> Self {
        let arch = package.arch.as_deref().filter(|a| !matches!(*a, "" | "noarch" | "all" | "any"));
        let module = package.module.as_deref();
        let modular = module.is_some() || package.version.contains(".module");
        Self { arch, module, modular, version: &package.version }
    }

    /// Whether an entry speaks of this architecture and of this module stream; `all` are the entries of its name.
    fn is_meant<'s>(&self, entry: &Entry<'s>, all: impl Fn() -> Entries<'s>) -> Meant {
        if let Some(arch) = self.arch
            && !entry.arches.is_empty()
            && !entry.arches.clone().any(|a| same_arch(a, arch))
        {
            return Meant::No;
        }
        let meant = match (entry.module, self.module) {
            (None, _) => !self.modular,
            (Some("*"), _) => self.modular,
            (Some(stream), Some(module)) => {
                module.strip_prefix(stream).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            }
            (Some(_), None) if !self.modular => false,
            (Some(stream), None) => return self.is_of(stream, entry, all),
        };
        if meant { Meant::Yes } else { Meant::No }
    }

    /// A build whose version says that it is modular and that has no label, as many SBOMs have it. Its stream can be
    /// reported where the advisory's builds carry the stream's number as their version (nodejs 18.19.1 of `nodejs:18`),
    /// and where there is only one stream.
    fn is_of<'s>(&self, stream: &str, entry: &Entry<'s>, all: impl Fn() -> Entries<'s>) -> Meant {
        let number = stream.split_once(':').map_or("", |(_, number)| number);
        let is_line = |version: &str| {
            let version = version.split_once(':').map_or(version, |(_, rest)| rest);
            version.strip_prefix(number).is_some_and(|rest| rest.starts_with(['.', '-', '_', '+', '~']))
        };
        let numbered = number.starts_with(|c: char| c.is_ascii_digit());
        let fixes = entry.ranges.clone().filter_map(|r| if let End::Fixed(v) = r.end { Some(v) } else { None });
        if numbered && fixes.clone().count() > 0 && fixes.clone().all(is_line) {
            return if is_line(self.version) { Meant::Yes } else { Meant::No };
        }
        let others = |e: &Entry<'_>| e.module.is_some_and(|m| m != stream);
        if all().any(|e| others(&e)) { Meant::Unknown } else { Meant::Yes }
    }
}

fn same_arch(a: &str, b: &str) -> bool {
    fn plain(arch: &str) -> &str {
        match arch {
            "amd64" => "x86_64",
            "arm64" => "aarch64",
            "noarch" | "all" | "any" => "",
            other => other,
        }
    }
    plain(a).is_empty() || plain(a) == plain(b)
}

/// The package's version, read once.
struct Version<'v> {
    text: &'v str,
    read: Result<Candidate<'v>, VersionError>,
}

impl Version<'_> {
    #[inline]
    fn against(&self, bound: &[u8]) -> Result<Ordering, VersionError> {
        match &self.read {
            Ok(version) => version.compare_to_bytes(bound),
            Err(error) => Err(error.clone()),
        }
    }
}

/// What holds the version: a range, or (`None` inside) the list of versions. A range that cannot be decided counts only
/// when nothing else holds the version.
#[allow(clippy::type_complexity)]
fn holding<'s>(
    version: &Version<'_>,
    entry: &Entry<'s>,
) -> Result<Option<Option<VersionRange<&'s str>>>, VersionError> {
    let mut error = None;
    let mut ranges = entry.ranges.clone();
    while let Some(range) = ranges.next_bytes() {
        match within(version, &range) {
            Ok(true) => return Ok(Some(Some(range.as_text()))),
            Ok(false) => {}
            Err(e) => error = Some(e),
        }
    }
    for listed in entry.versions.clone() {
        if listed == version.text || version.against(listed.as_bytes()).is_ok_and(Ordering::is_eq) {
            return Ok(Some(None));
        }
    }
    match error {
        Some(error) => Err(error),
        // Without ranges an unreadable version could still be one of the list under another spelling.
        None if !entry.versions.is_empty() => version.read.as_ref().map(|_| None).map_err(VersionError::clone),
        None => Ok(None),
    }
}

#[inline]
fn within(version: &Version<'_>, range: &VersionRange<&[u8]>) -> Result<bool, VersionError> {
    let against = |bound: &[u8]| version.against(bound);
    let after = match range.start {
        Start::Beginning => true,
        Start::From(v) => against(v)?.is_ge(),
        Start::After(v) => against(v)?.is_gt(),
    };
    if !after {
        return Ok(false);
    }
    match range.end {
        // Everything is affected, whatever the version says.
        End::Open => Ok(true),
        End::Fixed(v) | End::Before(v) => Ok(against(v)?.is_lt()),
        End::Last(v) => Ok(against(v)?.is_le()),
    }
}
