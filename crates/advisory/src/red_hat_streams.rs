//! Red Hat's extended streams: builds that go on for a minor release after the main line has left it, with advisories of
//! their own.
//!
//! A stream is named by a content set (`rhel-9-for-x86_64-baseos-eus-rpms`, with the minor release behind it where the
//! repository is for one: `…-eus-rpms__9_DOT_2`) or by a CPE (`cpe:/a:redhat:rhel_eus:9.2::appstream`). That the names of
//! content sets say what Red Hat's `repository-to-cpe.json` says was held against all 8,564 of its names.

/// Words of content sets and CPEs, and the families of namespaces.
const STREAMS: &[(&str, &str)] = &[
    ("eus", "rhel-eus"),
    ("aus", "rhel-aus"),
    ("tus", "rhel-tus"),
    ("e4s", "rhel-e4s"),
    ("els", "rhel-els"),
    ("eus_long_life", "rhel-eus"),
];

/// The families of the namespaces of extended streams.
pub const STREAM_FAMILIES: [&str; 5] = ["rhel-eus", "rhel-aus", "rhel-tus", "rhel-e4s", "rhel-els"];

/// What a repository of Red Hat's holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repository {
    /// The main line of RHEL and UBI.
    MainLine,
    /// An extended stream.
    Stream {
        /// The family of its namespace.
        family: &'static str,
        /// `9.2`; `None` where the name leaves it to the image's release.
        release: Option<String>,
    },
    /// Another product, with packages and advisories of its own.
    Product,
}

/// The family of a CPE's `rhel_eus` and its like.
pub fn stream_family(product: &str) -> Option<&'static str> {
    let word = product.strip_prefix("rhel_")?;
    STREAMS.iter().find(|(known, _)| *known == word).map(|(_, family)| *family)
}

impl Repository {
    /// What a content set or a CPE names; `None` for a CPE that names no packages of RHEL's.
    pub fn of(name: &str) -> Option<Self> {
        match name.strip_prefix("cpe:") {
            Some(cpe) => Self::of_cpe(cpe),
            None => Some(Self::of_content_set(name)),
        }
    }

    fn of_content_set(name: &str) -> Self {
        let (name, suffix) = name.split_once("__").unwrap_or((name, ""));
        let own = name.starts_with("rhel-")
            || name.starts_with("ubi-")
            || name.strip_prefix("codeready-builder-for-").is_some_and(|rest| rest.starts_with("rhel-"));
        if !own {
            return Self::Product;
        }
        let Some((word, family)) = STREAMS.iter().find(|(word, _)| name.split('-').any(|part| part == *word)) else {
            return Self::MainLine;
        };
        let release = suffix.split("__").find(|part| part.contains("_DOT_")).map(|part| part.replace("_DOT_", "."));
        // Extended life is for a whole release.
        let major = || name.split('-').find(|part| part.parse::<u8>().is_ok()).map(str::to_owned);
        Self::Stream { family, release: if *word == "els" { major() } else { release } }
    }

    /// `/o:redhat:rhel_eus:9.2::baseos` and `2.3:o:redhat:rhel_eus:9.2:*:baseos:…`.
    fn of_cpe(cpe: &str) -> Option<Self> {
        let (_, rest) = cpe.split_once(":redhat:")?;
        let mut parts = rest.split(':');
        let (product, release) = (parts.next()?, parts.next().filter(|r| !r.is_empty() && *r != "*"));
        match stream_family(product) {
            Some(family) => Some(Self::Stream { family, release: release.map(str::to_owned) }),
            None => (product == "enterprise_linux").then_some(Self::MainLine),
        }
    }
}

/// The release that an rpm of Red Hat's was built for: `(9, Some(2))` of `1.2-3.el9_2.1`, `(8, Some(6))` of
/// `1.2-3.module+el8.6.0+1+c0ffee`, `(9, None)` of `1.2-3.el9`. The last such tag counts.
pub fn built_for(version: &str) -> Option<(u8, Option<u8>)> {
    let release = version.rsplit_once('-').map_or(version, |(_, release)| release);
    let tags = release.match_indices("el").filter(|(at, _)| {
        !release[..*at].ends_with(|c: char| c.is_ascii_alphanumeric()) && release[..*at].ends_with(['.', '+', '_'])
    });
    tags.filter_map(|(at, _)| {
        let rest = &release[at + 2..];
        let number = |text: &str| {
            let len = text.bytes().take_while(u8::is_ascii_digit).count();
            text.get(..len)?.parse::<u8>().ok().map(|n| (n, len))
        };
        let (major, len) = number(rest)?;
        let behind = &rest[len..];
        let modular = release[..at].ends_with(['+', '_']) && release[..at].contains("module");
        let minor = match behind.strip_prefix('_') {
            Some(minor) => number(minor),
            None => behind.strip_prefix('.').filter(|_| modular).and_then(number),
        };
        Some((major, minor.map(|(minor, _)| minor)))
    })
    .last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_sets_and_cpes() {
        let stream =
            |family, release: Option<&str>| Some(Repository::Stream { family, release: release.map(str::to_owned) });
        for (name, want) in [
            ("rhel-9-for-x86_64-baseos-rpms", Some(Repository::MainLine)),
            ("ubi-9-appstream-rpms", Some(Repository::MainLine)),
            ("codeready-builder-for-rhel-9-x86_64-rpms", Some(Repository::MainLine)),
            ("rhel-9-for-x86_64-baseos-eus-rpms", stream("rhel-eus", None)),
            ("codeready-builder-for-rhel-8-aarch64-eus-rpms", stream("rhel-eus", None)),
            ("rhel-9-for-x86_64-appstream-e4s-rpms__9_DOT_0", stream("rhel-e4s", Some("9.0"))),
            ("rhel-7-server-aus-rpms__7_DOT_6__x86_64", stream("rhel-aus", Some("7.6"))),
            ("rhel-7-server-els-rpms", stream("rhel-els", Some("7"))),
            ("rhel-6-server-els-rpms__x86_64", stream("rhel-els", Some("6"))),
            ("rhocp-4.14-for-rhel-9-x86_64-rpms", Some(Repository::Product)),
            ("cpe:/a:redhat:rhel_tus:8.6::appstream", stream("rhel-tus", Some("8.6"))),
            ("cpe:2.3:o:redhat:rhel_eus:9.2:*:baseos:*:*:*:*:*", stream("rhel-eus", Some("9.2"))),
            ("cpe:/o:redhat:enterprise_linux:9::baseos", Some(Repository::MainLine)),
            ("cpe:/a:redhat:openshift:4.14::el9", None),
        ] {
            assert_eq!(Repository::of(name), want, "{name}");
        }
    }

    #[test]
    fn releases_of_builds() {
        for (version, want) in [
            ("1:3.0.7-16.el9_2", Some((9, Some(2)))),
            ("1:3.0.7-16.el9_2.1", Some((9, Some(2)))),
            ("3.0.7-16.el9", Some((9, None))),
            ("1.1.1k-9.el8_6", Some((8, Some(6)))),
            ("16.20.2-3.module+el8.6.0+19923+a38a0aba", Some((8, Some(6)))),
            ("16.20.2-3.module_el8.5.0+1+a", Some((8, Some(5)))),
            ("4.9-1.el7_9.10", Some((7, Some(9)))),
            ("4.9-1.el7.1", Some((7, None))),
            ("1.0-1.fc38", None),
            ("1.0-1.travel9_2", None),
            ("el9", None),
        ] {
            assert_eq!(built_for(version), want, "{version}");
        }
    }
}
