//! Who published a package of a package manager: the distribution, Fedora for a relative of Red Hat's, or somebody
//! else.
//!
//! A third party's `nginx` is not the distribution's: what the distribution says of its own shows nothing of it, and
//! what is inside it nobody's advisories but the registries' speak of. The signs are the publisher (rpm's vendor, the
//! maintainer's address in dpkg's and apk's databases) and marks in versions. Both are the image's own claims, so they
//! decide nothing in doubt: a package whose publisher nobody knows, or whose publisher is not known to publish what has
//! the distribution's own name and a version of its form, is judged by the distribution *and* by the registries.

mod vendors;

use layergate_advisory::Snapshot;
use layergate_model::{ImagePackage, Package, PackageKind};

use super::{scope::AdvisoryScope, subject};

/// Who published a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Publisher {
    /// The distribution, or nobody says that it was somebody else.
    Distribution,
    /// Nobody that is known: as the distribution's for its advisories, as a third party's for what it contains.
    Doubtful,
    /// Fedora, for a relative of Red Hat's (EPEL).
    Epel {
        /// Whether the distribution's advisories know the name too: then both are asked.
        contradicted: bool,
    },
    /// Somebody else, with the name for people.
    ThirdParty(String),
}

/// What a version of a third party's build carries, whoever maintains it.
const MARKS: &[(&str, &str)] = &[
    ("nodesource", "NodeSource"),
    (".pgdg", "PostgreSQL's repository"),
    ("+deb.sury.org", "sury.org"),
    ("+ubuntu.sury.org", "sury.org"),
    (".remi", "Remi's repository"),
    (".ius", "IUS"),
    ("~ppa", "a PPA"),
    ("+ppa", "a PPA"),
    ("ppa~", "a PPA"),
    ("~dotdeb", "Dotdeb"),
    ("+dotdeb", "Dotdeb"),
    ("+maria~", "MariaDB's repository"),
    ("~1.gbp", "sury.org"),
    ("pgdg.rhel", "PostgreSQL's repository"),
];

/// Suffixes of versions that somebody builds for several releases (`1.27.3-1~bookworm`). Distributions themselves write
/// the release's number (`~deb12u1`, `~22.04.1`).
const BUILT_FOR: &[&str] = &[
    "~buster",
    "~bullseye",
    "~bookworm",
    "~trixie",
    "~forky",
    "~bionic",
    "~focal",
    "~jammy",
    "~noble",
    "~stretch",
    "~xenial",
];

/// Who published a package of the distribution's manager.
pub(super) fn of(package: &Package, scope: &AdvisoryScope, snapshot: &Snapshot) -> Publisher {
    let version = package.version.to_ascii_lowercase();
    let named = package.vendor.as_deref().map(str::trim).filter(|v| !v.is_empty() && *v != "(none)");
    if let Some((_, who)) = MARKS.iter().find(|(mark, _)| version.contains(mark)) {
        return Publisher::ThirdParty((*who).to_owned());
    }
    let Some(named) = named else {
        // dpkg's database always names a maintainer; where an SBOM left it out, a revision speaks for a distribution.
        let revised = package.kind == PackageKind::Deb && package.version.contains('-');
        let silent = scope.row.publishers.is_empty() || revised || known(package, scope, snapshot);
        return if silent { Publisher::Distribution } else { Publisher::Doubtful };
    };
    let known = known(package, scope, snapshot);
    if scope.epel.is_some() && named.eq_ignore_ascii_case("fedora project") {
        return Publisher::Epel { contradicted: known };
    }
    if scope.row.publishers.is_empty() || scope.row.publishes(named) {
        return Publisher::Distribution;
    }
    let third = || Publisher::ThirdParty(label(named));
    let vendor = vendors::of(named);
    let revised = package.version.contains('-');
    if known && own_version(package, scope) && !vendor.is_some_and(|v| v.publishes(&package.name)) {
        // Debian's and Alpine's developers keep private addresses, and most of what they maintain is known by name.
        let developer = vendor.is_none() && revised && matches!(package.kind, PackageKind::Deb | PackageKind::Apk);
        return if developer { Publisher::Distribution } else { Publisher::Doubtful };
    }
    match package.kind {
        // A vendor is the builder's own word for all its packages.
        PackageKind::Rpm => third(),
        PackageKind::Alpm if named.eq_ignore_ascii_case("unknown packager") => third(),
        _ if vendor.is_some() => third(),
        PackageKind::Deb if BUILT_FOR.iter().any(|suffix| version.contains(suffix)) => third(),
        // Every package of aports shows its origin.
        PackageKind::Apk if package.source.is_none() => third(),
        PackageKind::Deb if vendors::is_native(&package.name) => Publisher::Distribution,
        // A version without a revision is not how a distribution packages what it takes from elsewhere.
        _ if scope.covered(snapshot) && !known && !revised => third(),
        _ => Publisher::Doubtful,
    }
}

/// Whether a version is of the form that the distribution gives its own: a revision and no other release's name with
/// dpkg, the distribution's tag and nobody's behind it with rpm. Those of apk and pacman do not differ.
fn own_version(package: &Package, scope: &AdvisoryScope) -> bool {
    let version = package.version.to_ascii_lowercase();
    match package.kind {
        PackageKind::Deb => version.contains('-') && !BUILT_FOR.iter().any(|suffix| version.contains(suffix)),
        PackageKind::Rpm => {
            // SUSE's releases have no tag.
            let Some(tag) = scope.row.tag() else { return true };
            let release = version.rsplit_once('-').map_or("", |(_, release)| release);
            let mut words = release.split(['.', '_', '+', '~']).skip_while(|word| {
                !word.strip_prefix(tag).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            });
            let tagged = words.next().is_some();
            let own = |word: &str| {
                let hexadecimal = word.len() >= 7 && word.bytes().all(|b| b.is_ascii_hexdigit());
                word.bytes().all(|b| b.is_ascii_digit())
                    || hexadecimal
                    || matches!(word, "alma" | "rocky" | "centos" | "openela" | "fips" | "a" | "b")
            };
            tagged && words.all(own)
        }
        _ => true,
    }
}

/// Whether the distribution's advisories speak of the package at all.
fn known(package: &Package, scope: &AdvisoryScope, snapshot: &Snapshot) -> bool {
    subject::subjects(package, scope.row.names)
        .iter()
        .any(|s| scope.namespaces.iter().any(|n| snapshot.lookup(n, &s.name).next().is_some()))
}

/// `Docker` of `Docker <support@docker.com>`.
fn label(named: &str) -> String {
    let name = named.split('<').next().unwrap_or(named).trim();
    let name = if name.is_empty() { named } else { name };
    name.chars().take(80).collect()
}

/// Who judges a package of a language that a package of a manager has installed.
pub(super) enum Contents {
    /// The distribution's own advisories; the registry's need not be asked.
    Judged,
    /// The registry's advisories.
    ToBeJudged,
    /// The registry's advisories; and the list of files that claims it is not the distribution's.
    Claimed,
}

/// The distribution's advisories judge what its own packages, of its own manager, put where a distribution puts files.
/// A list that claims an application's directory is no evidence of anything.
pub(super) fn contents(
    owner: &ImagePackage,
    publisher: Option<&Publisher>,
    content: &ImagePackage,
    scope: &AdvisoryScope,
) -> Contents {
    let own = owner.package.kind == scope.row.manager
        && matches!(publisher, Some(Publisher::Distribution | Publisher::Epel { .. }));
    match (own, content.package.locations.iter().all(|l| distribution_path(l, scope))) {
        (true, true) => Contents::Judged,
        (true, false) => Contents::Claimed,
        (false, _) => Contents::ToBeJudged,
    }
}

/// Whether a distribution puts files there (FHS 3.0: `/usr/local`, `/srv`, `/home` and `/opt` are not its own; rpm
/// distributions and Wolfi's use `/opt` regardless).
fn distribution_path(location: &str, scope: &AdvisoryScope) -> bool {
    let path = location.split('!').next().unwrap_or(location).trim_start_matches('/');
    let mut parts = path.split('/');
    match parts.next().unwrap_or_default() {
        "usr" => parts.next() != Some("local"),
        "bin" | "sbin" | "lib" | "lib32" | "lib64" | "libx32" | "etc" | "boot" => true,
        "var" => parts.next().is_some_and(|p| matches!(p, "lib" | "cache")),
        "opt" => !matches!(scope.row.family, "debian" | "ubuntu" | "alpine" | "arch"),
        _ => false,
    }
}
