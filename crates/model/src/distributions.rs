//! The one table of distributions: what `os-release` calls each, which releases its advisories know, what they call a
//! package, which manager installs its packages, and who publishes them.
//!
//! Feeds file by it, matching asks by it, an image's release files are held against its packages by it, and
//! `docs/distributions.md` is made from it. A distribution is known by its
//! `ID` alone: `ID_LIKE` is never a reason to use another one's advisories, for a derived distribution rebuilds
//! packages under other versions, and a wrong "not affected" would be silent. Derivatives that promise the same
//! packages under the same versions (CentOS for Red Hat) are ids of the same row.

use crate::{Distro, PackageKind};

/// How much of a version names a release of advisories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// One number: `12` of `12.8`.
    Major,
    /// Two numbers: `3.18` of `3.18.4`.
    Minor,
    /// All of it: `22.03-lts-sp3`.
    Whole,
    /// A rolling distribution.
    Rolling,
}

/// What a distribution's advisories call a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// The source package (Debian, Ubuntu, Alpine's origin, Azure Linux); the version is the source's.
    Source,
    /// The binary package.
    Binary,
    /// Either: SUSE's own formats differ in it, and so do Photon's, whose OVAL names binaries and whose JSON names
    /// sources.
    BinaryAndSource,
    /// Fixes name binaries; vulnerabilities that nobody has fixed yet name the source (Red Hat).
    BinaryAndUnfixedSource,
}

/// One distribution.
#[derive(Debug)]
pub struct Distribution {
    /// `ID` in `os-release`, and the older names of the same.
    pub ids: &'static [&'static str],
    /// The family of its namespaces.
    pub family: &'static str,
    /// How its releases are cut.
    pub cut: Cut,
    /// What its advisories call a package.
    pub names: Names,
    /// Who installs its packages.
    pub manager: PackageKind,
    /// The name that OSV's ecosystems begin with; `None` where OSV has none.
    pub osv: Option<&'static str>,
    /// How its packages name their publisher (rpm's vendor, the maintainer's address): a host of an address or URL, or
    /// what the name begins with, lower case. Empty where its packages name nobody.
    pub publishers: &'static [&'static str],
    /// Whose advisories, one for each line, for people.
    pub sources: &'static str,
}

use Names::{Binary, BinaryAndSource, BinaryAndUnfixedSource, Source};
use PackageKind::{Alpm, Apk, Deb, Portage, Rpm};

const DEBIAN: &[&str] = &["debian.org", "debian.net", "raspbian.org", "raspberrypi.com", "raspberrypi.org"];
const UBUNTU: &[&str] = &["ubuntu.com", "canonical.com", "debian.org", "debian.net"];
/// Who builds for the family of Red Hat; each rebuilds the packages of the others, under the same names and versions.
const RED_HAT: &[&str] = &[
    "red hat",
    "centos",
    "fedora project",
    "almalinux",
    "rocky",
    "oracle america",
    "scientific linux",
    "cloudlinux",
    "virtuozzo",
    "eurolinux",
    "springdale",
    "koji",
];
const SUSE: &[&str] = &["suse", "opensuse", "suse.com", "suse.de", "opensuse.org"];

macro_rules! rows {
    ($($ids:expr, $family:literal, $cut:ident, $names:ident, $manager:ident, $osv:expr, $publishers:expr, $sources:literal;)*) => {
        &[$(Distribution {
            ids: &$ids, family: $family, cut: Cut::$cut, names: $names, manager: $manager, osv: $osv,
            publishers: $publishers, sources: $sources,
        },)*]
    };
}

/// Every distribution whose advisories somebody here can read.
pub const DISTRIBUTIONS: &[Distribution] = rows! {
    ["debian"], "debian", Major, Source, Deb, Some("debian"), DEBIAN, "security tracker; DSA, DLA and DTSA lists; OSV";
    ["ubuntu"], "ubuntu", Minor, Source, Deb, Some("ubuntu"), UBUNTU, "CVE tracker; OSV (with `ubuntu-esm` for Pro)";
    ["alpine"], "alpine", Minor, Source, Apk, Some("alpine"), &["alpinelinux.org"], "secdb; OSV";
    ["wolfi"], "wolfi", Rolling, Source, Apk, Some("wolfi"), &[], "secdb; OSV";
    ["chainguard"], "chainguard", Rolling, Source, Apk, Some("chainguard"), &[], "secdb; OSV";
    ["minimos"], "minimos", Rolling, Source, Apk, Some("minimos"), &[], "secdb; OSV";
    ["alpaquita"], "alpaquita", Major, Source, Apk, Some("alpaquita"), &["bell-sw.com", "bellsoft"], "OSV";
    ["bellsoft-hardened-containers"], "bellsoft-hardened-containers", Major, Source, Apk, Some("bellsoft hardened containers"), &["bell-sw.com", "bellsoft"], "OSV";
    ["echo"], "echo", Rolling, Source, Deb, Some("echo"), &["echo", "echo.ai", "echohq.com", "debian.org", "debian.net"], "OSV";
    ["rhel", "redhat", "centos"], "rhel", Major, BinaryAndUnfixedSource, Rpm, Some("red hat"), RED_HAT, "CSAF and VEX; OSV";
    ["almalinux", "alma"], "almalinux", Major, Binary, Rpm, Some("almalinux"), RED_HAT, "OSV; updateinfo";
    ["rocky"], "rocky", Major, Binary, Rpm, Some("rocky linux"), RED_HAT, "OSV; updateinfo";
    ["ol", "oracle"], "oracle", Major, Binary, Rpm, Some("oracle linux"), RED_HAT, "OVAL";
    ["amzn", "amazon"], "amazon", Major, Binary, Rpm, Some("amazon linux"), &["amazon"], "updateinfo";
    ["fedora"], "fedora", Major, Binary, Rpm, None, RED_HAT, "updateinfo";
    ["photon"], "photon", Minor, BinaryAndSource, Rpm, Some("photon os"), &["vmware", "broadcom"], "OVAL; OSV";
    ["mariner", "cbl-mariner"], "mariner", Minor, Source, Rpm, None, &["microsoft"], "OVAL";
    ["azurelinux"], "azurelinux", Minor, Source, Rpm, Some("azure linux"), &["microsoft"], "OVAL; OSV";
    ["sles", "sled", "sles_sap", "sle_hpc", "sle-hpc", "sle_rt"], "suse", Minor, BinaryAndSource, Rpm, Some("suse"), SUSE, "OVAL; CSAF; OSV";
    ["sl-micro", "sle-micro", "sle-micro-rancher", "suse-microos"], "sle-micro", Minor, BinaryAndSource, Rpm, Some("suse"), SUSE, "OVAL; CSAF; OSV";
    ["opensuse-leap", "opensuse"], "opensuse", Minor, BinaryAndSource, Rpm, Some("opensuse"), SUSE, "OVAL; OSV";
    ["opensuse-leap-micro"], "opensuse-leap-micro", Minor, BinaryAndSource, Rpm, Some("opensuse"), SUSE, "OVAL; OSV";
    ["opensuse-tumbleweed"], "opensuse-tumbleweed", Rolling, BinaryAndSource, Rpm, Some("opensuse"), SUSE, "OVAL; OSV";
    ["arch"], "arch", Rolling, Binary, Alpm, None, &["archlinux.org"], "security.archlinux.org";
    ["openeuler"], "openeuler", Whole, BinaryAndSource, Rpm, Some("openeuler"), &["openeuler", "openeuler.org"], "OSV";
    ["mageia"], "mageia", Major, BinaryAndSource, Rpm, Some("mageia"), &["mageia", "mageia.org"], "OSV";
    ["gentoo"], "gentoo", Rolling, Binary, Portage, None, &[], "none that is read yet";
};

/// Debian's codenames; a release that is not out yet has its number already.
pub const DEBIAN_CODENAMES: &[(&str, &str)] = &[
    ("woody", "3.0"),
    ("sarge", "3.1"),
    ("etch", "4"),
    ("lenny", "5"),
    ("squeeze", "6"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("sid", "sid"),
    ("unstable", "sid"),
];

/// Ubuntu's codenames.
pub const UBUNTU_CODENAMES: &[(&str, &str)] = &[
    ("precise", "12.04"),
    ("quantal", "12.10"),
    ("raring", "13.04"),
    ("saucy", "13.10"),
    ("trusty", "14.04"),
    ("utopic", "14.10"),
    ("vivid", "15.04"),
    ("wily", "15.10"),
    ("xenial", "16.04"),
    ("yakkety", "16.10"),
    ("zesty", "17.04"),
    ("artful", "17.10"),
    ("bionic", "18.04"),
    ("cosmic", "18.10"),
    ("disco", "19.04"),
    ("eoan", "19.10"),
    ("focal", "20.04"),
    ("groovy", "20.10"),
    ("hirsute", "21.04"),
    ("impish", "21.10"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04"),
];

/// The release of a codename of Debian or Ubuntu.
pub fn codename(family: &str, name: &str) -> Option<&'static str> {
    let table = match family {
        "debian" => DEBIAN_CODENAMES,
        "ubuntu" => UBUNTU_CODENAMES,
        _ => return None,
    };
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, release)| *release)
}

/// The family that an Oracle build of this version is filed under: Ksplice's and the FIPS-validated builds are fixed
/// apart.
pub fn oracle_flavour(version: &str) -> &'static str {
    if version.contains(".ksplice") {
        "oracle-ksplice"
    } else if version.contains("_fips") {
        "oracle-fips"
    } else {
        "oracle"
    }
}

impl Distribution {
    /// The distribution that `os-release` calls `id`.
    pub fn of(id: &str) -> Option<&'static Self> {
        DISTRIBUTIONS.iter().find(|d| d.ids.contains(&id))
    }

    /// What a release of its rpm packages carries before the number of the distribution's release (`el` of `.el9`); `None`
    /// where packages have no such tag.
    pub fn tag(&self) -> Option<&'static str> {
        Some(match self.family {
            "rhel" | "almalinux" | "rocky" | "oracle" => "el",
            "fedora" => "fc",
            "amazon" => "amzn",
            "azurelinux" => "azl",
            "mariner" => "cm",
            "photon" => "ph",
            "mageia" => "mga",
            "openeuler" => "oe",
            _ => return None,
        })
    }

    /// The release as its advisories are filed; `None` for a rolling distribution and where nothing shows the release.
    pub fn release(&self, distro: &Distro) -> Option<String> {
        let version = distro.version.as_deref().map(str::trim).filter(|v| !v.is_empty());
        let parts = match self.cut {
            Cut::Rolling => return None,
            Cut::Whole => return version.map(str::to_ascii_lowercase),
            Cut::Major => 1,
            Cut::Minor => 2,
        };
        let Some(version) = version else { return self.by_codename(distro) };
        if !version.starts_with(|c: char| c.is_ascii_digit()) {
            // An SBOM's `debian-bookworm` and `alpine-edge`.
            let edge = (self.family == "alpine" && version.contains("edge")).then(|| "edge".to_owned());
            return edge.or_else(|| codename(self.family, version).map(str::to_owned));
        }
        match self.family {
            "alpine" if version.contains("alpha") || version.contains("edge") || version.contains("_git") => {
                return Some("edge".into());
            }
            "amazon" if version.starts_with("2018.") || version.starts_with("2017.") => return Some("1".into()),
            // Debian's old releases keep their second number.
            "debian" if version.starts_with("3.") => return distro.release(2),
            _ => {}
        }
        let release = distro.release(parts).filter(|r| !r.is_empty())?;
        // `azurelinux 3` and `photon 5` are written 3.0 and 5.0 by their advisories.
        let short = matches!(self.family, "azurelinux" | "mariner" | "photon") && !release.contains('.');
        Some(if short { format!("{release}.0") } else { release })
    }

    /// Testing and unstable have no `VERSION_ID`: their codename is in a field of its own, or in `forky/sid`.
    fn by_codename(&self, distro: &Distro) -> Option<String> {
        let pretty = || {
            let word = distro.name.as_deref()?.split_whitespace().find(|w| w.ends_with("/sid"))?;
            word.split('/').next()
        };
        let name = distro.codename.as_deref().or_else(pretty)?.split('/').next()?;
        match codename(self.family, name) {
            Some(release) => Some(release.to_owned()),
            // A codename that came after this table is filed under itself.
            None => (self.family == "debian").then(|| name.to_ascii_lowercase()),
        }
    }

    /// Whether what a package says of its publisher is what this distribution's own packages say.
    pub fn publishes(&self, publisher: &str) -> bool {
        let lower = publisher.trim().to_ascii_lowercase();
        // Anybody can build in SUSE's build service; only its own projects are the distribution.
        if let Some(project) = lower.strip_prefix("obs://") {
            let project = project.split_once('/').map_or("", |(_, project)| project);
            return self.publishers.contains(&"suse") && ["suse:", "opensuse:"].iter().any(|p| project.starts_with(p));
        }
        let hosts = hosts(&lower);
        self.publishers.iter().any(|own| {
            if own.contains('.') { hosts.iter().any(|host| is_below(host, own)) } else { begins_with(&lower, own) }
        })
    }
}

/// The hosts of the addresses and URLs in what a package says of its publisher.
pub fn hosts(publisher: &str) -> Vec<&str> {
    publisher
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '(' | ')' | '"' | '\''))
        .filter_map(|word| {
            let after = word.split_once("://").map(|(_, rest)| rest).or_else(|| Some(word.rsplit_once('@')?.1))?;
            after.split(['/', ':', '?']).next().map(|host| host.trim_end_matches('.')).filter(|host| host.contains('.'))
        })
        .collect()
}

/// Whether a host is another or lies below it.
pub fn is_below(host: &str, own: &str) -> bool {
    host.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether a name begins with whole words.
pub fn begins_with(name: &str, words: &str) -> bool {
    name.strip_prefix(words).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distro(id: &str, version: Option<&str>, codename: Option<&str>, name: Option<&str>) -> Distro {
        Distro {
            id: id.into(),
            version: version.map(str::to_owned),
            codename: codename.map(str::to_owned),
            like: Vec::new(),
            name: name.map(str::to_owned),
            end_of_life: None,
        }
    }

    #[test]
    fn every_row_is_its_own() {
        let mut ids: Vec<&str> = DISTRIBUTIONS.iter().flat_map(|d| d.ids).copied().collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "an id in two rows");
        for row in DISTRIBUTIONS {
            assert!(row.manager.is_os(), "{}", row.family);
            assert!(row.publishers.iter().all(|p| *p == p.to_ascii_lowercase()), "{}", row.family);
        }
    }

    #[test]
    fn releases_as_advisories_are_filed() {
        type Row<'r> = (&'r str, Option<&'r str>, Option<&'r str>, Option<&'r str>, Option<&'r str>);
        let rows: &[Row<'_>] = &[
            ("debian", Some("12.8"), None, None, Some("12")),
            ("debian", Some("3.1"), None, None, Some("3.1")),
            ("debian", None, Some("forky"), None, Some("14")),
            ("debian", None, Some("trixie/sid"), None, Some("13")),
            ("debian", None, None, Some("Debian GNU/Linux bullseye/sid"), Some("11")),
            ("debian", None, Some("sid"), None, Some("sid")),
            ("debian", None, Some("later"), None, Some("later")),
            ("debian", Some("bookworm"), None, None, Some("12")),
            ("debian", None, None, None, None),
            ("ubuntu", Some("23.10"), None, None, Some("23.10")),
            ("ubuntu", None, Some("jammy"), None, Some("22.04")),
            ("ubuntu", None, None, None, None),
            ("alpine", Some("3.21.0_alpha20240807"), None, None, Some("edge")),
            ("alpine", Some("edge"), None, None, Some("edge")),
            ("openeuler", Some("22.03-LTS-SP3"), None, None, Some("22.03-lts-sp3")),
            ("sle-micro", Some("5.3"), None, None, Some("5.3")),
            ("sles", Some("15.3"), None, None, Some("15.3")),
            ("photon", Some("5"), None, None, Some("5.0")),
            ("amzn", Some("2018.03"), None, None, Some("1")),
            ("wolfi", Some("20230201"), None, None, None),
        ];
        for (id, version, codename, name, want) in rows {
            let row = Distribution::of(id).unwrap();
            let got = row.release(&distro(id, *version, *codename, *name));
            assert_eq!(got.as_deref(), *want, "{id} {version:?} {codename:?} {name:?}");
        }
    }

    #[test]
    fn publishers_of_each() {
        for (id, publisher, want) in [
            ("debian", "Debian Docker Team <team+docker@tracker.debian.org>", true),
            ("debian", "Docker <support@docker.com>", false),
            ("ubuntu", "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", true),
            ("alpine", "Natanael Copa <ncopa@alpinelinux.org>", true),
            ("rhel", "Red Hat, Inc.", true),
            ("rhel", "Red Hatter", false),
            ("debian", "E <x@notdebian.org>", false),
            ("debian", "E <x@debian.org.evil.example>", false),
            ("openeuler", "http://openeuler.org", true),
            ("mageia", "Mageia.Org", true),
            ("sles", "SUSE LLC <https://www.suse.com/>", true),
            ("rocky", "Rocky Enterprise Software Foundation", true),
            ("rhel", "Microsoft Corporation", false),
            ("azurelinux", "Microsoft Corporation", true),
            ("rhel", "Remi's RPM repository <https://rpms.remirepo.net/>", false),
            ("rhel", "Oracle and/or its affiliates", false),
            ("opensuse-leap", "openSUSE", true),
            ("opensuse-leap", "obs://build.opensuse.org/home:somebody", false),
            ("sles", "obs://build.suse.de/SUSE:Maintenance:1", true),
        ] {
            assert_eq!(Distribution::of(id).unwrap().publishes(publisher), want, "{id} {publisher}");
        }
    }
}
