//! Whether what a release file says of the distribution is contradicted by the other release files or by the packages.
//!
//! Whose advisories speak of an image hangs on one line of text, and whoever writes another there has the packages
//! judged by a list that knows nothing of them. So the line is held against what nobody changes by accident: which
//! package manager the packages are of, the packages that name a release themselves (`base-files`, `alpine-release`,
//! the layout packages of the apk families), the tags in rpm releases (`.el9`, `.fc40`, `.amzn2023`), and the other
//! release files.
//!
//! Derived distributions keep files of the one that they are made from (Debian's `debian_version` in Ubuntu, Red Hat's
//! `redhat-release` in Oracle Linux): only names that have advisories of their own are compared, and those two never.

use layergate_model::{
    Distro, OsReleaseFile, Package, PackageKind,
    distributions::{DISTRIBUTIONS, Distribution},
    unjudged,
};

/// Which package manager a distribution's own packages are of; `None` where its name does not show.
pub(crate) fn family(distro: &Distro) -> Option<PackageKind> {
    std::iter::once(&distro.id).chain(&distro.like).find_map(|id| match id.as_str() {
        // What `ID_LIKE` says of all of them.
        "suse" => Some(PackageKind::Rpm),
        id => unjudged::manager(id),
    })
}

/// The name under which one rpm distribution's files are compared; `None` for those whose files are not.
fn group(id: &str) -> Option<&'static str> {
    let row = Distribution::of(id).filter(|row| row.manager == PackageKind::Rpm)?;
    Some(match row.family {
        // Its packages are Red Hat's, and its files are not.
        "rhel" if id == "centos" => "centos",
        "sle-micro" => "suse",
        family if family.starts_with("opensuse") => "opensuse",
        family => family,
    })
}

/// The name by which two files are compared.
fn compared(id: &str) -> Option<&str> {
    match id {
        "debian" | "ubuntu" | "alpine" | "wolfi" | "chainguard" | "arch" => Some(id),
        _ => group(id),
    }
}

/// What in `packages`, the distribution packages that the image shows, speaks against `distro`.
pub(crate) fn by_packages(distro: &Distro, packages: &[&Package]) -> Option<String> {
    let family = family(distro)?;
    let of_family = |p: &&&Package| p.kind == family;
    let Some(other) = packages.iter().find(|p| p.kind != family) else { return by_names(distro, packages) };
    if packages.iter().any(|p| of_family(&p)) {
        return by_names(distro, packages);
    }
    Some(format!(
        "packages of {} are {family}'s, and the image has {} packages of {}",
        distro.id,
        packages.len(),
        other.kind
    ))
}

fn by_names(distro: &Distro, packages: &[&Package]) -> Option<String> {
    let version = |name: &str| packages.iter().find(|p| p.name == name).map(|p| p.version.as_str());
    let said = |name: &str, version: &str| Some(format!("the package {name} {version} is not of {}", tag(distro)));
    match distro.id.as_str() {
        "debian" => {
            let base = version("base-files")?;
            let other = differs(&number(base), distro.version.as_deref(), 1);
            if base.contains("ubuntu") || other { said("base-files", base) } else { None }
        }
        "ubuntu" => {
            let base = version("base-files").filter(|v| v.starts_with(|c: char| c.is_ascii_digit()))?;
            let of_release = UBUNTU.iter().find(|(release, _)| Some(*release) == distro.version.as_deref());
            let other = of_release.is_some_and(|(_, begin)| !base.starts_with(begin));
            if !base.contains("ubuntu") || other { said("base-files", base) } else { None }
        }
        "alpine" => {
            if version("alpine-baselayout").is_none() {
                for name in ["wolfi-baselayout", "chainguard-baselayout"] {
                    if let Some(v) = version(name) {
                        return said(name, v);
                    }
                }
            }
            let release = version("alpine-release")?;
            if differs(&number(release), distro.version.as_deref(), 2) { said("alpine-release", release) } else { None }
        }
        "wolfi" | "chainguard" => said("alpine-baselayout", version("alpine-baselayout")?),
        id => by_tags(group(id)?, distro, packages),
    }
}

/// `VERSION_ID` of Ubuntu's long-term releases, and how the version of their `base-files` begins.
const UBUNTU: [(&str, &str); 6] = [
    ("14.04", "7.2ubuntu"),
    ("16.04", "9.4ubuntu"),
    ("18.04", "10.1ubuntu"),
    ("20.04", "11ubuntu"),
    ("22.04", "12ubuntu"),
    ("24.04", "13ubuntu"),
];

/// The packages' tags, where at least half have one and none is the release's. A few of the release before are
/// ordinary.
fn by_tags(group: &str, distro: &Distro, packages: &[&Package]) -> Option<String> {
    let rpms = || packages.iter().filter(|p| p.kind == PackageKind::Rpm && p.name != "gpg-pubkey");
    let (mut tagged, mut first) = (0, None);
    for package in rpms() {
        let Some(release) = package.version.rsplit('-').next() else { continue };
        // openEuler writes 24.03 as 2403.
        let found = DISTRIBUTIONS.iter().filter_map(Distribution::tag).filter(|tag| *tag != "oe").find_map(|tag| {
            let after = release.rsplit_once(&format!(".{tag}"))?.1;
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            (!digits.is_empty()).then_some((tag, digits))
        });
        let Some((tag, digits)) = found else { continue };
        let release = match (group, distro.version.as_deref()) {
            // Amazon Linux AMI 2018.03 is amzn1.
            ("amazon", Some(v)) if v.contains('.') => Some("1"),
            (_, version) => version,
        };
        if Distribution::of(&distro.id).and_then(Distribution::tag) == Some(tag) && !differs(&digits, release, 1) {
            return None;
        }
        tagged += 1;
        first.get_or_insert(package);
    }
    let first = first.filter(|_| tagged * 2 >= rpms().count())?;
    Some(format!("packages like {} {} are not of {}", first.name, first.version, tag(distro)))
}

/// What another release file that the image shows says against `distro`, which `best` says.
pub(crate) fn by_file(distro: &Distro, best: &OsReleaseFile, other: &OsReleaseFile) -> Option<String> {
    let said = other.release.distro()?;
    let (mine, theirs) = (compared(&distro.id)?, compared(&said.id)?);
    let contradicts = if mine == theirs {
        let parts = if matches!(mine, "alpine" | "ubuntu") { 2 } else { 1 };
        differs(&number(said.version.as_deref()?), distro.version.as_deref(), parts)
    } else {
        // Whoever rebuilds Debian or Red Hat keeps these.
        let kept = other.path.as_str() == "etc/debian_version" && family(distro) == Some(PackageKind::Deb)
            || theirs == "rhel" && family(distro) == Some(PackageKind::Rpm);
        !kept
    };
    contradicts.then(|| format!("{} says {}, and {} says {}", best.path, tag(distro), other.path, tag(&said)))
}

fn tag(distro: &Distro) -> String {
    match &distro.version {
        Some(version) => format!("{} {version}", distro.id),
        None => distro.id.clone(),
    }
}

/// The numbers that a version begins with.
fn number(version: &str) -> String {
    version.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect()
}

/// Whether two versions are of different releases, by their first `parts` numbers; not where one does not show so many.
fn differs(one: &str, other: Option<&str>, parts: usize) -> bool {
    let cut = |v: &str| {
        let numbers: Vec<u32> = v.split('.').take(parts).map_while(|n| n.parse().ok()).collect();
        (numbers.len() == parts).then_some(numbers)
    };
    matches!((cut(one), other.and_then(|v| cut(&number(v)))), (Some(a), Some(b)) if a != b)
}

#[cfg(test)]
mod tests {
    use layergate_model::{LayerPath, OsRelease};

    use super::*;

    fn file(path: &str, text: &str) -> OsReleaseFile {
        OsReleaseFile { path: LayerPath::normalise(path).unwrap(), rank: 0, release: OsRelease::parse(text) }
    }

    fn of(kind: PackageKind, name: &str, version: &str) -> Package {
        Package::new(kind, name, version, &LayerPath::root())
    }

    #[test]
    fn packages_against_a_release() {
        use PackageKind::{Apk, Deb, Rpm};
        for (text, kind, name, version, contradicted) in [
            ("ID=debian\nVERSION_ID=12", Deb, "base-files", "12.4+deb12u5", false),
            ("ID=debian\nVERSION_ID=13", Deb, "base-files", "12.4+deb12u5", true),
            ("ID=debian\nVERSION_ID=12", Deb, "base-files", "12ubuntu4.6", true),
            ("ID=debian\nVERSION_CODENAME=trixie", Deb, "base-files", "13.3", false),
            ("ID=ubuntu\nVERSION_ID=22.04", Deb, "base-files", "12ubuntu4.6", false),
            ("ID=ubuntu\nVERSION_ID=24.04", Deb, "base-files", "12ubuntu4.6", true),
            ("ID=ubuntu\nVERSION_ID=22.04", Deb, "base-files", "12.4+deb12u5", true),
            ("ID=ubuntu\nVERSION_ID=24.10", Deb, "base-files", "13.5ubuntu3", false),
            ("ID=kali\nID_LIKE=debian", Deb, "base-files", "1:2024.3.0", false),
            ("ID=alpine\nVERSION_ID=3.3", Deb, "openssl", "1", true),
            ("ID=own\nID_LIKE=alpine", Deb, "openssl", "1", true),
            ("ID=own", Deb, "openssl", "1", false),
            ("ID=alpine\nVERSION_ID=3.20.3", Apk, "alpine-release", "3.20.3-r0", false),
            ("ID=alpine\nVERSION_ID=3.3", Apk, "alpine-release", "3.20.3-r0", true),
            ("ID=alpine\nVERSION_ID=3.21.0_alpha20240807", Apk, "alpine-release", "3.21.0_alpha20240807-r0", false),
            ("ID=alpine\nVERSION_ID=3.20", Apk, "wolfi-baselayout", "20230201-r15", true),
            ("ID=wolfi", Apk, "wolfi-baselayout", "20230201-r15", false),
            ("ID=wolfi", Apk, "alpine-baselayout", "3.6-r0", true),
            ("ID=almalinux\nVERSION_ID=9.4", Rpm, "bash", "5.1.8-9.el9", false),
            ("ID=almalinux\nVERSION_ID=8.4", Rpm, "bash", "5.1.8-9.el9_2", true),
            ("ID=photon\nVERSION_ID=4.0", Rpm, "bash", "5.1.8-9.el9", true),
            ("ID=photon\nVERSION_ID=4.0", Rpm, "bash", "5.1.8-9.ph4", false),
            ("ID=amzn\nVERSION_ID=2023", Rpm, "bash", "5.1.8-9.amzn2023", false),
            ("ID=amzn\nVERSION_ID=2018.03", Rpm, "bash", "4.2-1.36.amzn1", false),
            ("ID=amzn\nVERSION_ID=2", Rpm, "bash", "5.1.8-9.amzn2023.0.2", true),
            ("ID=fedora\nVERSION_ID=40", Rpm, "bash", "5.1.8-9.fc40", false),
            ("ID=azurelinux\nVERSION_ID=3.0", Rpm, "bash", "5.1-1.azl3", false),
            ("ID=sles\nVERSION_ID=15.5", Rpm, "bash", "4.4-150400.25.22", false),
            ("ID=sles\nVERSION_ID=15.5", Rpm, "bash", "5.1.8-9.el9", true),
            ("ID=anolis\nVERSION_ID=8.8", Rpm, "bash", "4.4-1.an8", false),
            ("ID=anolis\nVERSION_ID=8.8", Deb, "bash", "5.2", true),
            ("ID=alpaquita\nVERSION_ID=23", Deb, "bash", "5.2", true),
            ("ID=linuxmint\nVERSION_ID=22", Rpm, "bash", "5.2-1", true),
            ("ID=mageia\nVERSION_ID=9", Rpm, "bash", "5.2-1.mga9", false),
            ("ID=mageia\nVERSION_ID=9", Rpm, "bash", "5.2-1.el9", true),
            ("ID=openEuler\nVERSION_ID=24.03", Rpm, "bash", "5.2-1.oe2403sp1", false),
        ] {
            let distro = OsRelease::parse(text).distro().unwrap();
            let package = of(kind, name, version);
            assert_eq!(by_packages(&distro, &[&package]).is_some(), contradicted, "{text} {name} {version}");
        }
        let fedora = OsRelease::parse("ID=fedora\nVERSION_ID=41").distro().unwrap();
        let (old, new) = (of(Rpm, "a", "1-1.fc40"), of(Rpm, "b", "1-1.fc41"));
        assert!(by_packages(&fedora, &[&old, &old, &new]).is_none(), "what was not rebuilt");
        let debian = OsRelease::parse("ID=debian\nVERSION_ID=12").distro().unwrap();
        assert!(by_packages(&debian, &[&of(Rpm, "a", "1-1.el9"), &of(Deb, "b", "1")]).is_none(), "both managers");
    }

    #[test]
    fn files_against_a_release() {
        let cases = [
            ("ID=debian\nVERSION_ID=12", "etc/debian_version", "ID=debian\nVERSION_ID=12.8", false),
            ("ID=debian\nVERSION_ID=13", "etc/debian_version", "ID=debian\nVERSION_ID=12.8", true),
            ("ID=ubuntu\nVERSION_ID=22.04", "etc/debian_version", "ID=debian\nVERSION_CODENAME=bookworm", false),
            ("ID=ubuntu\nVERSION_ID=22.04", "etc/lsb-release", "ID=ubuntu\nVERSION_ID=24.04", true),
            ("ID=ubuntu\nVERSION_ID=22.04", "usr/lib/os-release", "ID=debian\nVERSION_ID=12", true),
            ("ID=alpine\nVERSION_ID=3.3", "etc/debian_version", "ID=debian\nVERSION_ID=12.1", true),
            ("ID=alpine\nVERSION_ID=3.3", "etc/alpine-release", "ID=alpine\nVERSION_ID=3.20.1", true),
            ("ID=ol\nVERSION_ID=8.9", "etc/redhat-release", "ID=rhel\nVERSION_ID=8.9", false),
            ("ID=rocky\nVERSION_ID=8.9", "etc/almalinux-release", "ID=almalinux\nVERSION_ID=8.9", true),
            ("ID=centos\nVERSION_ID=7", "etc/redhat-release", "ID=centos\nVERSION_ID=7.9.2009", false),
            ("ID=opensuse-leap\nVERSION_ID=15.5", "etc/SuSE-release", "ID=opensuse\nVERSION_ID=15.5", false),
            ("ID=mycompany\nID_LIKE=debian", "usr/lib/os-release", "ID=debian\nVERSION_ID=12", false),
            ("ID=arch", "etc/lsb-release", "ID=arch\nVERSION_ID=rolling", false),
        ];
        for (text, path, other, contradicted) in cases {
            let best = file("etc/os-release", text);
            let distro = best.release.distro().unwrap();
            assert_eq!(by_file(&distro, &best, &file(path, other)).is_some(), contradicted, "{text} | {path} {other}");
        }
    }
}
