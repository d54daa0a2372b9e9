//! Whose advisories speak of an image's packages.
//!
//! A distribution is known by its `ID` alone. `ID_LIKE` is never a reason to use another one's advisories: a derived
//! distribution rebuilds packages under other versions, and a wrong "not affected" would be silent. Derivatives that
//! promise the same packages under the same versions (CentOS for Red Hat) are listed here by name.

use layergate_advisory::{Namespace, Snapshot};
use layergate_model::{Distro, Gap, GapKind, ImagePackage, PackageKind};
use rustc_hash::FxHashSet;

use super::{
    hit,
    subject::{self, Names},
};

/// The advisories of one distribution's release.
pub(super) struct DistroSpace {
    /// For people: `debian 12`.
    pub(super) name: String,
    /// The namespaces to ask; all of them apply.
    pub(super) namespaces: Vec<Namespace>,
    /// What its advisories call a package.
    pub(super) names: Names,
    /// Advisories that mend more, for customers, and that this image does not use.
    pub(super) extended: Option<Namespace>,
}

impl DistroSpace {
    /// Whether the snapshot has anything on it.
    pub(super) fn covered(&self, snapshot: &Snapshot) -> bool {
        self.namespaces.iter().any(|n| snapshot.coverage(n).is_some())
    }
}

/// Why nobody's advisories can be used.
pub(super) struct NoSpace {
    pub(super) place: String,
    pub(super) detail: String,
}

/// How much of `VERSION_ID` names a release of advisories.
#[derive(Clone, Copy)]
enum Cut {
    /// One number: `12` of `12.8`.
    Major,
    /// Two numbers: `3.18` of `3.18.4`.
    Minor,
    /// A rolling distribution.
    Rolling,
}

/// `ID`, namespace family, how the release is cut, what advisories call a package.
const DISTRIBUTIONS: &[(&str, &str, Cut, Names)] = &[
    ("debian", "debian", Cut::Major, Names::Source),
    ("ubuntu", "ubuntu", Cut::Minor, Names::Source),
    ("alpine", "alpine", Cut::Minor, Names::Source),
    ("wolfi", "wolfi", Cut::Rolling, Names::Source),
    ("chainguard", "chainguard", Cut::Rolling, Names::Source),
    ("minimos", "minimos", Cut::Rolling, Names::Source),
    ("echo", "echo", Cut::Rolling, Names::Source),
    ("rhel", "rhel", Cut::Major, Names::BinaryAndUnfixedSource),
    ("redhat", "rhel", Cut::Major, Names::BinaryAndUnfixedSource),
    ("centos", "rhel", Cut::Major, Names::BinaryAndUnfixedSource),
    ("almalinux", "almalinux", Cut::Major, Names::Binary),
    ("alma", "almalinux", Cut::Major, Names::Binary),
    ("rocky", "rocky", Cut::Major, Names::Binary),
    ("ol", "oracle", Cut::Major, Names::Binary),
    ("oracle", "oracle", Cut::Major, Names::Binary),
    ("amzn", "amazon", Cut::Major, Names::Binary),
    ("amazon", "amazon", Cut::Major, Names::Binary),
    ("fedora", "fedora", Cut::Major, Names::Binary),
    ("photon", "photon", Cut::Minor, Names::BinaryAndSource),
    ("mariner", "mariner", Cut::Minor, Names::Source),
    ("cbl-mariner", "mariner", Cut::Minor, Names::Source),
    ("azurelinux", "azurelinux", Cut::Minor, Names::Source),
    ("sles", "suse", Cut::Minor, Names::BinaryAndSource),
    ("sled", "suse", Cut::Minor, Names::BinaryAndSource),
    ("sles_sap", "suse", Cut::Minor, Names::BinaryAndSource),
    ("sle_hpc", "suse", Cut::Minor, Names::BinaryAndSource),
    ("sl-micro", "sle-micro", Cut::Minor, Names::BinaryAndSource),
    ("sle-micro", "sle-micro", Cut::Minor, Names::BinaryAndSource),
    ("opensuse-leap", "opensuse", Cut::Minor, Names::BinaryAndSource),
    ("opensuse-tumbleweed", "opensuse-tumbleweed", Cut::Rolling, Names::BinaryAndSource),
    ("arch", "arch", Cut::Rolling, Names::Binary),
    ("openeuler", "openeuler", Cut::Minor, Names::Binary),
    ("mageia", "mageia", Cut::Major, Names::Binary),
    ("gentoo", "gentoo", Cut::Rolling, Names::Binary),
];

/// The advisories of an image's distribution. `versions` are those of its packages: they tell whether extended support
/// is in use.
pub(super) fn distribution<'v>(
    distro: Option<&Distro>,
    versions: impl Iterator<Item = &'v str>,
) -> Result<DistroSpace, NoSpace> {
    let Some(distro) = distro else {
        let detail = "no os-release (nor an older file of its kind) tells which distribution they are of";
        return Err(NoSpace { place: "etc/os-release".into(), detail: detail.into() });
    };
    let Some((_, family, cut, names)) = DISTRIBUTIONS.iter().find(|(id, ..)| *id == distro.id) else {
        let like = if distro.like.is_empty() {
            String::new()
        } else {
            format!(" (it calls itself like {}, whose advisories need not fit it)", distro.like.join(", "))
        };
        let detail = format!("nobody here knows the advisories of {:?}{like}", distro.id);
        return Err(NoSpace { place: distro.id.clone(), detail });
    };
    let release = release(family, *cut, distro);
    let name = match &release {
        Some(release) => format!("{} {release}", distro.id),
        None => distro.id.clone(),
    };
    if release.is_none() && !matches!(cut, Cut::Rolling) {
        let detail = format!("{} does not tell its release", distro.id);
        return Err(NoSpace { place: name, detail });
    }
    let namespace = |family: &str| {
        Namespace::of(family, release.as_deref())
            .map_err(|error| NoSpace { place: name.clone(), detail: format!("its release cannot be used: {error}") })
    };
    let mut namespaces = vec![namespace(family)?];
    let mut extended = None;
    if *family == "ubuntu" {
        let esm = namespace("ubuntu-esm")?;
        // A package from the extended pockets carries it in its version (`1.2-3ubuntu4+esm1`).
        let mut versions = versions;
        if versions.any(|v| v.contains("+esm") || v.contains("~esm")) {
            namespaces.push(esm)
        } else {
            extended = Some(esm)
        }
    }
    Ok(DistroSpace { name, namespaces, names: *names, extended })
}

fn release(family: &str, cut: Cut, distro: &Distro) -> Option<String> {
    if matches!(cut, Cut::Rolling) {
        return None;
    }
    match (family, distro.version.as_deref()) {
        // Testing and unstable have no VERSION_ID.
        ("debian", None) => Some(distro.codename.clone().unwrap_or_else(|| "sid".into())),
        ("alpine", Some(v)) if v.contains("alpha") || v.contains("edge") || v.contains("_git") => Some("edge".into()),
        ("amazon", Some(v)) if v.starts_with("2018.") || v.starts_with("2017.") => Some("1".into()),
        (_, Some(_)) => {
            distro.release(if matches!(cut, Cut::Major) { 1 } else { 2 }).filter(|r| !r.is_empty()).map(|r| {
                // `azurelinux 3` and `photon 5` are written 3.0 and 5.0 by their advisories.
                if matches!(family, "azurelinux" | "mariner" | "photon") && !r.contains('.') {
                    format!("{r}.0")
                } else {
                    r
                }
            })
        }
        (_, None) => None,
    }
}

/// The registry's namespace of a language's packages; `None` where no advisory database speaks of the kind.
pub(super) fn registry(kind: PackageKind) -> Option<Namespace> {
    let family = match kind {
        PackageKind::Npm => "npm",
        PackageKind::Pypi => "pypi",
        PackageKind::Golang => "golang",
        PackageKind::Cargo => "cargo",
        PackageKind::Maven => "maven",
        PackageKind::Gem => "gem",
        PackageKind::Composer => "composer",
        PackageKind::Nuget => "nuget",
        PackageKind::Hex => "hex",
        PackageKind::Pub => "pub",
        PackageKind::Swift => "swift",
        PackageKind::Cran => "cran",
        PackageKind::Hackage => "hackage",
        PackageKind::Julia => "julia",
        PackageKind::Conan => "conan",
        PackageKind::Bitnami => "bitnami",
        _ => return None,
    };
    Namespace::new(family).ok()
}

/// An image of a release that has left standard support: what only extended support mends is told as one gap, for the
/// release's own tracker says nothing of it any more.
pub(super) fn extended_support(space: &DistroSpace, os: &[&ImagePackage], snapshot: &Snapshot) -> Option<Gap> {
    let extended = space.extended.as_ref()?;
    snapshot.coverage(extended)?;
    let mut flaws = std::collections::BTreeSet::new();
    let mut sources = std::collections::BTreeSet::new();
    for package in os {
        for subject in &subject::subjects(&package.package, space.names) {
            // Thirty binaries of one source are asked for once.
            if !sources.insert((subject.name.to_string(), subject.version.to_string())) {
                continue;
            }
            let own: FxHashSet<u32> =
                space.namespaces.iter().flat_map(|n| snapshot.lookup(n, &subject.name)).map(|e| e.flaw).collect();
            let mut hits = Vec::new();
            hit::collect(subject, &package.package, extended, snapshot, &mut hits, &mut Default::default());
            flaws.extend(hits.into_iter().map(|h| h.entry.flaw).filter(|f| !own.contains(f)));
        }
    }
    (!flaws.is_empty()).then(|| {
        Gap::new(
            GapKind::EndOfLife,
            extended.as_str(),
            format!(
                "{} flaws in packages of {} are followed only by its extended support, which this image does not use; they are not among the findings",
                flaws.len(),
                space.name
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distro(id: &str, version: Option<&str>, like: &str) -> Distro {
        Distro {
            id: id.into(),
            version: version.map(str::to_owned),
            codename: None,
            like: like.split_whitespace().map(str::to_owned).collect(),
            name: None,
            end_of_life: None,
        }
    }

    #[test]
    fn every_distribution_to_its_own_advisories() {
        let cases = [
            ("debian", Some("12.8"), "debian:12"),
            ("debian", None, "debian:sid"),
            ("ubuntu", Some("22.04"), "ubuntu:22.04"),
            ("alpine", Some("3.18.4"), "alpine:3.18"),
            ("alpine", Some("3.21.0_alpha20240807"), "alpine:edge"),
            ("wolfi", Some("20230201"), "wolfi"),
            ("centos", Some("7"), "rhel:7"),
            ("almalinux", Some("8.8"), "almalinux:8"),
            ("amzn", Some("2018.03"), "amazon:1"),
            ("amzn", Some("2023"), "amazon:2023"),
            ("mariner", Some("2.0.20230107"), "mariner:2.0"),
            ("azurelinux", Some("3.0"), "azurelinux:3.0"),
            ("photon", Some("5"), "photon:5.0"),
            ("sles", Some("15.3"), "suse:15.3"),
            ("arch", None, "arch"),
        ];
        for (id, version, want) in cases {
            let space = distribution(Some(&distro(id, version, "")), std::iter::empty());
            assert_eq!(space.map(|s| s.namespaces[0].to_string()).map_err(|e| e.detail).as_deref(), Ok(want), "{id}");
        }
    }

    #[test]
    fn id_like_is_told_and_not_used() {
        let found = distribution(Some(&distro("mint", Some("21"), "ubuntu debian")), std::iter::empty());
        let gap = found.err().unwrap();
        assert!(gap.detail.contains("ubuntu, debian"), "{}", gap.detail);
        assert!(distribution(None, std::iter::empty()).is_err());
        assert!(distribution(Some(&distro("alpine", None, "")), std::iter::empty()).is_err());
    }

    #[test]
    fn extended_support_is_seen_by_its_versions() {
        let ubuntu = distro("ubuntu", Some("18.04"), "");
        let plain = distribution(Some(&ubuntu), ["1.2-3ubuntu4"].into_iter()).ok().unwrap();
        assert_eq!((plain.namespaces.len(), plain.extended.is_some()), (1, true));
        for version in ["1.2-3ubuntu4+esm1", "1.2-3ubuntu0.18.04.1~esm2"] {
            let pro = distribution(Some(&ubuntu), [version].into_iter()).ok().unwrap();
            assert_eq!((pro.namespaces.len(), pro.extended.is_some()), (2, false), "{version}");
        }
        let hash = distribution(Some(&ubuntu), ["0~git20200101.besm12-1"].into_iter()).ok().unwrap();
        assert_eq!(hash.namespaces.len(), 1, "a word in a version is no pocket");
    }
}
