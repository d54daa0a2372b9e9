//! Whose advisories speak of an image's packages: the row of the table of distributions, and the release.

use layergate_advisory::{Cut, Distribution, Namespace, Snapshot, oracle_flavour, unjudged};
use layergate_model::{Distro, Gap, GapKind, ImagePackage};
use rustc_hash::FxHashSet;

use super::{hit, subject};

/// The advisories of one distribution's release.
pub(super) struct AdvisoryScope {
    /// For people: `debian 12`.
    pub(super) name: String,
    /// The namespaces to ask; all of them apply.
    pub(super) namespaces: Vec<Namespace>,
    /// The distribution.
    pub(super) row: &'static Distribution,
    /// Fedora's packages for the family of Red Hat, whose advisories are Fedora's.
    pub(super) epel: Option<Namespace>,
    /// Advisories that fix more, for customers, and that this image does not use.
    pub(super) extended: Option<Namespace>,
}

impl AdvisoryScope {
    /// Whether the snapshot has anything on it.
    pub(super) fn covered(&self, snapshot: &Snapshot) -> bool {
        self.namespaces.iter().any(|n| snapshot.coverage(n).is_some())
    }
}

impl AdvisoryScope {
    /// The namespace of a build that is fixed apart from the plain ones.
    pub(super) fn flavour(&self, version: &str) -> Option<Namespace> {
        let family = oracle_flavour(version);
        let own = self.namespaces.first().filter(|_| self.row.family == "oracle" && family != "oracle")?;
        Namespace::of(family, own.release()).ok()
    }
}

/// Why nobody's advisories can be used.
pub(super) struct UnknownScope {
    pub(super) place: String,
    pub(super) detail: String,
}

/// The advisories of an image's distribution. `versions` are those of its packages: they show whether extended support
/// is in use.
pub(super) fn distribution<'v>(
    distro: Option<&Distro>,
    versions: impl Iterator<Item = &'v str>,
) -> Result<AdvisoryScope, UnknownScope> {
    let Some(distro) = distro else {
        let detail = "no os-release (nor an older file of its kind) shows which distribution they are of";
        return Err(UnknownScope { place: "etc/os-release".into(), detail: detail.into() });
    };
    let Some(row) = Distribution::of(&distro.id) else {
        let like = if distro.like.is_empty() {
            String::new()
        } else {
            format!(" (it calls itself like {}, whose advisories need not fit it)", distro.like.join(", "))
        };
        let why = unjudged(&distro.id).map(|why| format!(": {why}")).unwrap_or_default();
        let detail = format!("nobody here knows the advisories of {:?}{like}{why}", distro.id);
        return Err(UnknownScope { place: distro.id.clone(), detail });
    };
    let release = row.release(distro);
    let name = match &release {
        Some(release) => format!("{} {release}", distro.id),
        None => distro.id.clone(),
    };
    if release.is_none() && row.cut != Cut::Rolling {
        let detail = format!("{} does not show its release", distro.id);
        return Err(UnknownScope { place: name, detail });
    }
    let namespace = |family: &str| {
        Namespace::of(family, release.as_deref()).map_err(|error| UnknownScope {
            place: name.clone(),
            detail: format!("its release cannot be used: {error}"),
        })
    };
    let mut namespaces = vec![namespace(row.family)?];
    let epel = matches!(row.family, "rhel" | "almalinux" | "rocky" | "oracle");
    let epel = if epel { Some(namespace("epel")?) } else { None };
    let mut extended = None;
    if row.family == "ubuntu" {
        let esm = namespace("ubuntu-esm")?;
        // A package from the extended pockets carries it in its version (`1.2-3ubuntu4+esm1`).
        let mut versions = versions;
        if versions.any(|v| v.contains("+esm") || v.contains("~esm")) {
            namespaces.push(esm)
        } else {
            extended = Some(esm)
        }
    }
    Ok(AdvisoryScope { name, row, namespaces, epel, extended })
}

/// An image of a release that has left standard support: what only extended support fixes is reported as one gap, for
/// the release's own tracker says nothing of it any more.
pub(super) fn extended_support(scope: &AdvisoryScope, os: &[&ImagePackage], snapshot: &Snapshot) -> Option<Gap> {
    let extended = scope.extended.as_ref()?;
    snapshot.coverage(extended)?;
    let mut vulnerabilities = std::collections::BTreeSet::new();
    let mut sources = std::collections::BTreeSet::new();
    for package in os {
        for subject in &subject::subjects(&package.package, scope.row.names) {
            // Thirty binaries of one source are asked for once.
            if !sources.insert((subject.name.to_string(), subject.version.to_string())) {
                continue;
            }
            let own: FxHashSet<u32> = scope
                .namespaces
                .iter()
                .flat_map(|n| snapshot.lookup(n, &subject.name))
                .map(|e| e.vulnerability)
                .collect();
            let mut hits = Vec::new();
            hit::collect(subject, &package.package, extended, snapshot, &mut hits, &mut Default::default());
            vulnerabilities.extend(hits.into_iter().map(|h| h.entry.vulnerability).filter(|f| !own.contains(f)));
        }
    }
    (!vulnerabilities.is_empty()).then(|| {
        Gap::new(
            GapKind::EndOfLife,
            extended.as_str(),
            format!(
                "{} vulnerabilities in packages of {} are followed only by its extended support, which this image does not use; they are not among the findings",
                vulnerabilities.len(),
                scope.name
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
            let scope = distribution(Some(&distro(id, version, "")), std::iter::empty());
            assert_eq!(scope.map(|s| s.namespaces[0].to_string()).map_err(|e| e.detail).as_deref(), Ok(want), "{id}");
        }
    }

    #[test]
    fn id_like_is_reported_and_not_used() {
        let found = distribution(Some(&distro("mint", Some("21"), "ubuntu debian")), std::iter::empty());
        let gap = found.err().unwrap();
        assert!(gap.detail.contains("ubuntu, debian"), "{}", gap.detail);
        assert!(distribution(None, std::iter::empty()).is_err());
        assert!(distribution(Some(&distro("alpine", None, "")), std::iter::empty()).is_err());
        assert!(distribution(Some(&distro("debian", None, "")), std::iter::empty()).is_err());
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
