//! Whose advisories: a distribution's release (`debian:12`) or a language's registry (`npm`).
//!
//! A namespace is `family` or `family:release`, lower case. The family decides the version order; the release is
//! written as the distribution's own `VERSION_ID` is cut for its advisories (`debian:12`, `ubuntu:22.04`,
//! `alpine:3.18`, `rhel:8`, `suse:15.3`). A stream that has advisories of its own is a family of its own
//! (`ubuntu-esm:18.04`, `rhel-eus:9.2`), so that no look-up can mix the two.

use std::{borrow::Cow, fmt};

use layergate_version::Scheme;

/// A namespace of package names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Namespace(Box<str>);

/// Why a text is not a namespace.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a namespace of advisories (family or family:release, lower case, up to 128 characters)")]
pub struct NamespaceError(String);

impl Namespace {
    /// A namespace from its text; upper case is folded.
    pub fn new(text: &str) -> Result<Self, NamespaceError> {
        let folded = text.trim().to_ascii_lowercase();
        let (family, release) = folded.split_once(':').map_or((folded.as_str(), None), |(f, r)| (f, Some(r)));
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b'+');
        let ok = !family.is_empty()
            && folded.len() <= 128
            && family.bytes().all(plain)
            && release.is_none_or(|r| !r.is_empty() && r.bytes().all(|c| plain(c) || matches!(c, b':' | b'/' | b' ')));
        if ok { Ok(Self(folded.into())) } else { Err(NamespaceError(text.chars().take(100).collect())) }
    }

    /// A release of a distribution, or the distribution itself where it has no releases.
    pub fn of(family: &str, release: Option<&str>) -> Result<Self, NamespaceError> {
        match release {
            Some(release) => Self::new(&format!("{family}:{release}")),
            None => Self::new(family),
        }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the colon.
    pub fn family(&self) -> &str {
        self.0.split(':').next().unwrap_or(&self.0)
    }

    /// The part after the colon.
    pub fn release(&self) -> Option<&str> {
        self.0.split_once(':').map(|(_, release)| release)
    }

    /// How versions are ordered in this namespace; `None` for a family that nobody here knows.
    pub fn scheme(&self) -> Option<Scheme> {
        scheme_of(self.family())
    }

    /// A package's name as this namespace is asked for it: the form that both feeds and look-ups use. Whoever changes
    /// an answer raises [`crate::FORMAT_VERSION`] and the oldest format read: a snapshot files names as this did when
    /// it was made. PyPI follows PEP 503, NuGet, Packagist, Bitnami and GitHub Actions take no notice of case,
    /// crates.io of neither case nor the difference of `-` and `_`, Swift packages are known by their repository
    /// without scheme and `.git`.
    pub fn canonical_name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        let name = name.trim();
        match self.family() {
            "pypi" => pep503(name),
            "nuget" | "composer" | "bitnami" | "github-actions" | "conda"
                if name.bytes().any(|b| b.is_ascii_uppercase()) =>
            {
                Cow::Owned(name.to_ascii_lowercase())
            }
            "cargo" if name.bytes().any(|b| b.is_ascii_uppercase() || b == b'_') => {
                Cow::Owned(name.to_ascii_lowercase().replace('_', "-"))
            }
            "swift" => {
                let bare = ["https://", "http://", "ssh://"].iter().find_map(|s| name.strip_prefix(s)).unwrap_or(name);
                let bare = bare.trim_end_matches('/').trim_end_matches(".git").to_ascii_lowercase();
                Cow::Owned(match bare.strip_prefix("git@") {
                    Some(place) => place.replacen(':', "/", 1),
                    None => bare,
                })
            }
            _ => Cow::Borrowed(name),
        }
    }

    /// Whether this is a distribution's namespace rather than a registry's.
    pub fn is_distribution(&self) -> bool {
        matches!(self.scheme(), Some(Scheme::Dpkg | Scheme::Rpm | Scheme::Apk | Scheme::Alpm | Scheme::Portage))
    }
}

/// Runs of `-`, `_` and `.` become one `-`, and everything is lower case.
fn pep503(name: &str) -> Cow<'_, str> {
    let separator = |b: u8| matches!(b, b'-' | b'_' | b'.');
    let bytes = name.as_bytes();
    let plain = |(i, b): (usize, &u8)| {
        let doubled = || *b == b'-' && bytes.get(i + 1).is_some_and(|next| separator(*next));
        !(b.is_ascii_uppercase() || matches!(b, b'_' | b'.') || doubled())
    };
    if bytes.iter().enumerate().all(plain) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        let part = matches!(c, '-' | '_' | '.');
        if !part {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    Cow::Owned(out)
}

fn scheme_of(family: &str) -> Option<Scheme> {
    Some(match family {
        "debian" | "ubuntu" | "ubuntu-esm" | "echo" | "raspbian" => Scheme::Dpkg,
        "alpine"
        | "wolfi"
        | "chainguard"
        | "minimos"
        | "postmarketos"
        | "alpaquita"
        | "bellsoft-hardened-containers" => Scheme::Apk,
        "rhel"
        | "rhel-eus"
        | "rhel-aus"
        | "rhel-els"
        | "rhel-tus"
        | "rhel-e4s"
        | "redhat"
        | "centos"
        | "almalinux"
        | "rocky"
        | "oracle"
        | "oracle-ksplice"
        | "oracle-fips"
        | "amazon"
        | "suse"
        | "opensuse"
        | "opensuse-tumbleweed"
        | "opensuse-leap-micro"
        | "sle-micro"
        | "fedora"
        | "epel"
        | "photon"
        | "azurelinux"
        | "mariner"
        | "openeuler"
        | "mageia" => Scheme::Rpm,
        "arch" => Scheme::Alpm,
        "gentoo" => Scheme::Portage,
        // Products of NVD's and Node itself, in the one form that programs' versions have here.
        "bitnami" | "nvd" | "nodejs" => Scheme::Bitnami,
        "npm" => Scheme::Npm,
        "github-actions" | "julia" | "kubernetes" => Scheme::Semver,
        "hex" => Scheme::Hex,
        "swift" => Scheme::Swift,
        "conan" => Scheme::Conan,
        "cocoapods" => Scheme::CocoaPods,
        "cargo" => Scheme::Cargo,
        "pub" => Scheme::Pub,
        "golang" => Scheme::Go,
        "pypi" | "conda" => Scheme::Pep440,
        "maven" => Scheme::Maven,
        "gem" => Scheme::RubyGems,
        "composer" => Scheme::Packagist,
        "nuget" => Scheme::Nuget,
        "cran" => Scheme::Cran,
        "hackage" => Scheme::Hackage,
        _ => return None,
    })
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for Namespace {
    type Error = NamespaceError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Namespace> for String {
    fn from(namespace: Namespace) -> Self {
        namespace.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_distribution_has_an_order() {
        for row in layergate_model::distributions::DISTRIBUTIONS {
            assert!(Namespace::new(row.family).unwrap().is_distribution(), "{}", row.family);
        }
    }

    #[test]
    fn names() {
        let cases = [
            ("pypi", "Flask__SQL.Alchemy", "flask-sql-alchemy"),
            ("pypi", "plain-name", "plain-name"),
            ("pypi", "a--b", "a-b"),
            ("nuget", "Newtonsoft.Json", "newtonsoft.json"),
            ("npm", "JSONStream", "JSONStream"),
            ("cargo", "Deno_core", "deno-core"),
            ("swift", "https://github.com/Apple/swift-nio.git", "github.com/apple/swift-nio"),
            ("swift", "git@github.com:apple/swift-nio.git", "github.com/apple/swift-nio"),
            ("swift", "ssh://git@github.com/apple/swift-nio.git", "github.com/apple/swift-nio"),
        ];
        for (family, name, want) in cases {
            assert_eq!(Namespace::new(family).unwrap().canonical_name(name), want);
        }
    }

    #[test]
    fn parts() {
        let esm = Namespace::new("Ubuntu-ESM:18.04").unwrap();
        assert_eq!((esm.family(), esm.release(), esm.as_str()), ("ubuntu-esm", Some("18.04"), "ubuntu-esm:18.04"));
        assert_eq!(Namespace::new("npm").unwrap().release(), None);
        assert!(esm.is_distribution() && !Namespace::new("npm").unwrap().is_distribution());
        for bad in ["", ":", "debian:", ":12", "deb ian", "a\u{0}b", &"x".repeat(200)] {
            assert!(Namespace::new(bad).is_err(), "{bad:?}");
        }
    }
}
