//! Distributions that are met in the wild and of which nobody here knows advisories that fit, with the reason. Their
//! packages are a gap (`unknown_distribution`) that says why, never judged by a relative's advisories.

use crate::{
    PackageKind::{self, Alpm, Apk, Deb, Opkg, Rpm},
    distributions::Distribution,
};

/// `ID`s of `os-release`, whose packages theirs are (`None` where it has none that is read), and why no advisories are
/// used.
pub const UNJUDGED: &[(&[&str], Option<PackageKind>, &str)] = &[
    (
        &[
            "raspbian",
            "kali",
            "parrot",
            "devuan",
            "deepin",
            "uos",
            "astra",
            "tails",
            "mx",
            "pureos",
            "siduction",
            "q4os",
        ],
        Some(Deb),
        "it rebuilds or changes Debian's packages under versions of its own",
    ),
    (
        &[
            "linuxmint",
            "mint",
            "pop",
            "elementary",
            "zorin",
            "neon",
            "trisquel",
            "peppermint",
            "ubuntu-core",
            "kylin",
            "tuxedo",
        ],
        Some(Deb),
        "it mixes Ubuntu's packages with its own, and numbers its releases otherwise",
    ),
    (
        &["proxmox", "pve", "vyos", "cumulus-linux", "univention", "sonic"],
        Some(Deb),
        "an appliance on Debian whose vendor fixes its packages",
    ),
    (
        &[
            "eurolinux",
            "miraclelinux",
            "navylinux",
            "circle",
            "springdale",
            "scientific",
            "virtuozzo",
            "cloudlinux",
            "openela",
            "rosa",
            "redos",
        ],
        Some(Rpm),
        "it rebuilds Red Hat's packages, and its own advisories are not read",
    ),
    (
        &["rhcos", "fcos", "fedora-coreos"],
        Some(Rpm),
        "its VERSION_ID is OpenShift's or a stream's, not that of the packages' release",
    ),
    (
        &["anolis", "alinux", "tencentos", "opencloudos", "hce", "euleros", "bclinux", "kos", "uel"],
        Some(Rpm),
        "its advisories are not read",
    ),
    (&["altlinux", "openmandriva", "pclinuxos", "eulixos"], Some(Rpm), "its advisories are not read"),
    (&["clear-linux-os", "bottlerocket"], None, "its advisories are not read"),
    (&["openwrt"], Some(Opkg), "nobody publishes advisories for its packages in a form that can be matched"),
    (&["postmarketos", "adelie", "chimera"], Some(Apk), "its packages are not Alpine's, and it has no advisories"),
    (
        &[
            "manjaro",
            "manjaro-arm",
            "endeavouros",
            "artix",
            "garuda",
            "cachyos",
            "steamos",
            "archarm",
            "blackarch",
            "parabola",
        ],
        Some(Alpm),
        "it holds Arch's packages back or rebuilds them",
    ),
    (
        &["poky", "buildroot", "yocto", "void", "nixos", "guix", "slackware", "funtoo", "solus"],
        None,
        "nobody publishes advisories for its packages in a form that can be matched",
    ),
    (
        &["cos", "flatcar", "coreos", "rancheros", "talos", "linuxkit", "haos"],
        None,
        "an operating system without a package manager",
    ),
    (&["freebsd", "netbsd", "openbsd", "midnightbsd"], None, "no Linux"),
];

/// Why a distribution's packages are judged by nobody; `None` of one that has advisories, or that nobody here has met.
pub fn unjudged(id: &str) -> Option<&'static str> {
    UNJUDGED.iter().find(|(ids, ..)| ids.contains(&id)).map(|(.., why)| *why)
}

/// Which manager installs a distribution's own packages, of whatever distribution that is met; `None` where it has none, or
/// nobody here has met it.
pub fn manager(id: &str) -> Option<PackageKind> {
    let unjudged = || UNJUDGED.iter().find(|(ids, ..)| ids.contains(&id)).and_then(|(_, manager, _)| *manager);
    Distribution::of(id).map(|row| row.manager).or_else(unjudged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_judged_and_unjudged() {
        let mut ids: Vec<&str> = UNJUDGED.iter().flat_map(|(ids, ..)| *ids).copied().collect();
        assert!(ids.iter().all(|id| Distribution::of(id).is_none()));
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "an id in two rows");
        assert!(unjudged("raspbian").is_some() && unjudged("debian").is_none());
    }
}
