//! Distributions that are met in the wild and of which nobody here knows advisories that fit, with the reason. Their
//! packages are a gap (`unknown_distribution`) that says why, never judged by a relative's advisories.

/// `ID`s of `os-release`, and why no advisories are used.
pub const UNJUDGED: &[(&[&str], &str)] = &[
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
        "it mixes Ubuntu's packages with its own, and numbers its releases otherwise",
    ),
    (
        &["proxmox", "pve", "vyos", "cumulus-linux", "univention", "sonic"],
        "an appliance on Debian whose vendor fixes its packages",
    ),
    (
        &[
            "eurolinux",
            "miraclelinux",
            "navylinux",
            "circle",
            "springdale",
            "virtuozzo",
            "cloudlinux",
            "openela",
            "rosa",
            "redos",
        ],
        "it rebuilds Red Hat's packages, and its own advisories are not read",
    ),
    (
        &["rhcos", "fcos", "fedora-coreos"],
        "its VERSION_ID is OpenShift's or a stream's, not that of the packages' release",
    ),
    (
        &["anolis", "alinux", "tencentos", "opencloudos", "hce", "euleros", "bclinux", "kos", "uel"],
        "its advisories are not read",
    ),
    (
        &["altlinux", "openmandriva", "pclinuxos", "clear-linux-os", "eulixos", "bottlerocket"],
        "its advisories are not read",
    ),
    (&["postmarketos", "adelie", "chimera"], "its packages are not Alpine's, and it has no advisories"),
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
        "it holds Arch's packages back or rebuilds them",
    ),
    (
        &["openwrt", "poky", "buildroot", "yocto", "void", "nixos", "guix", "slackware", "funtoo", "solus"],
        "nobody publishes advisories for its packages in a form that can be matched",
    ),
    (
        &["cos", "flatcar", "coreos", "rancheros", "talos", "linuxkit", "haos"],
        "an operating system without a package manager",
    ),
    (&["freebsd", "netbsd", "openbsd", "midnightbsd"], "no Linux"),
];

/// Why a distribution's packages are judged by nobody; `None` of one that has advisories, or that nobody here has met.
pub fn unjudged(id: &str) -> Option<&'static str> {
    UNJUDGED.iter().find(|(ids, _)| ids.contains(&id)).map(|(_, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Distribution;

    #[test]
    fn none_is_judged_and_unjudged() {
        let mut ids: Vec<&str> = UNJUDGED.iter().flat_map(|(ids, _)| *ids).copied().collect();
        assert!(ids.iter().all(|id| Distribution::of(id).is_none()));
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "an id in two rows");
        assert!(unjudged("raspbian").is_some() && unjudged("debian").is_none());
    }
}
