//! The schemes by name, and the one place where a scheme becomes an algorithm.
//!
//! Names are stable: they are written into snapshots. What advisory feeds and package URLs call an
//! ecosystem is mapped by [`Scheme::for_osv_ecosystem`] and [`Scheme::for_purl_type`].

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::order::{
    alpm, apk, bitnami, composer, conan, dart, dotted, dpkg, gem, generic, go, maven, nuget, pep440, portage, rpm,
    semver,
};
use crate::{MAX_VERSION_LEN, Version, VersionError};

/// How versions of an ecosystem are ordered and how its constraints are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Debian, Ubuntu.
    Dpkg,
    /// Red Hat, SUSE, Amazon, Oracle, Azure Linux, Photon.
    Rpm,
    /// Alpine, Wolfi, Chainguard.
    Apk,
    /// Arch Linux.
    Alpm,
    /// Gentoo.
    Portage,
    /// Semantic versions with npm's constraints where nothing else is known.
    Semver,
    /// npm.
    Npm,
    /// crates.io: the order of semver, the constraints of Cargo.
    Cargo,
    /// Python.
    Pep440,
    /// Java.
    Maven,
    /// Ruby.
    RubyGems,
    /// .NET.
    Nuget,
    /// Go modules, standard library and toolchain.
    Go,
    /// PHP.
    Packagist,
    /// Dart.
    Pub,
    /// Haskell.
    Hackage,
    /// R, Bioconductor.
    Cran,
    /// Erlang and Elixir.
    Hex,
    /// C and C++.
    Conan,
    /// Swift packages.
    Swift,
    /// iOS pods.
    CocoaPods,
    /// Bitnami applications.
    Bitnami,
    /// Nothing known.
    Generic,
}

/// Every scheme with its stable name, and other words for it.
const NAMES: &[(Scheme, &str, &[&str])] = &[
    (Scheme::Dpkg, "dpkg", &["deb", "debian", "ubuntu", "echo"]),
    (Scheme::Rpm, "rpm", &["redhat", "rhel", "suse", "opensuse", "almalinux", "rocky"]),
    (Scheme::Apk, "apk", &["alpine", "wolfi", "chainguard"]),
    (Scheme::Alpm, "alpm", &["arch", "pacman"]),
    (Scheme::Portage, "portage", &["gentoo", "ebuild"]),
    (Scheme::Semver, "semver", &["githubactions", "julia"]),
    (Scheme::Npm, "npm", &["node"]),
    (Scheme::Cargo, "cargo", &["crates.io", "crates", "rust"]),
    (Scheme::Pep440, "pep440", &["pypi", "python"]),
    (Scheme::Maven, "maven", &["java"]),
    (Scheme::RubyGems, "rubygems", &["gem", "ruby"]),
    (Scheme::Nuget, "nuget", &["dotnet"]),
    (Scheme::Go, "go", &["golang"]),
    (Scheme::Packagist, "packagist", &["composer", "php"]),
    (Scheme::Pub, "pub", &["dart"]),
    (Scheme::Hackage, "hackage", &["ghc", "haskell"]),
    (Scheme::Cran, "cran", &["bioconductor", "r"]),
    (Scheme::Hex, "hex", &["erlang", "elixir"]),
    (Scheme::Conan, "conan", &["conancenter"]),
    (Scheme::Swift, "swift", &["swifturl"]),
    (Scheme::CocoaPods, "cocoapods", &["pods"]),
    (Scheme::Bitnami, "bitnami", &[]),
    (Scheme::Generic, "generic", &[]),
];

impl Scheme {
    /// All schemes, in the order of their declaration.
    pub fn all() -> impl Iterator<Item = Scheme> {
        NAMES.iter().map(|(scheme, ..)| *scheme)
    }

    /// The stable lower-case name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        NAMES.iter().find(|(scheme, ..)| scheme == self).map_or("generic", |(_, name, _)| name)
    }

    /// The scheme of an OSV ecosystem (`Alpine:v3.18`, `crates.io`), `None` where OSV has no order.
    #[must_use]
    pub fn for_osv_ecosystem(ecosystem: &str) -> Option<Scheme> {
        let base = ecosystem.split(':').next().unwrap_or(ecosystem).trim().to_ascii_lowercase();
        let rest = ecosystem.split_once(':').map_or("", |(_, rest)| rest).to_ascii_lowercase();
        Some(match base.as_str() {
            // Echo rebuilds other ecosystems' packages too; its `+echo.N` counts, as build metadata does in Dart.
            "echo" if rest == "npm" => Scheme::Pub,
            "echo" if rest == "pypi" => Scheme::Pep440,
            "echo" if rest == "maven" => Scheme::Maven,
            "debian" | "ubuntu" | "echo" => Scheme::Dpkg,
            "alpine"
            | "alpaquita"
            | "bellsoft hardened containers"
            | "chainguard"
            | "wolfi"
            | "minimos"
            | "cleanstart" => Scheme::Apk,
            "almalinux" | "red hat" | "rocky linux" | "suse" | "opensuse" | "openeuler" | "mageia" | "photon os"
            | "azure linux" | "amazon linux" | "oracle linux" | "fedora" => Scheme::Rpm,
            "npm" => Scheme::Npm,
            "crates.io" => Scheme::Cargo,
            "pypi" => Scheme::Pep440,
            "maven" => Scheme::Maven,
            "rubygems" => Scheme::RubyGems,
            "nuget" => Scheme::Nuget,
            "go" => Scheme::Go,
            "packagist" => Scheme::Packagist,
            "pub" => Scheme::Pub,
            "hackage" | "ghc" => Scheme::Hackage,
            "cran" | "bioconductor" => Scheme::Cran,
            "hex" => Scheme::Hex,
            "conancenter" => Scheme::Conan,
            "swifturl" => Scheme::Swift,
            "bitnami" => Scheme::Bitnami,
            "github actions" | "julia" | "vscode" | "open vsx" | "kubernetes" => Scheme::Semver,
            _ => return None,
        })
    }

    /// The scheme of a package URL's type (`deb`, `pypi`, `golang`).
    #[must_use]
    pub fn for_purl_type(purl_type: &str) -> Option<Scheme> {
        Some(match purl_type.to_ascii_lowercase().as_str() {
            "deb" => Scheme::Dpkg,
            "rpm" => Scheme::Rpm,
            "apk" => Scheme::Apk,
            "alpm" => Scheme::Alpm,
            "ebuild" => Scheme::Portage,
            "npm" => Scheme::Npm,
            "cargo" => Scheme::Cargo,
            "pypi" => Scheme::Pep440,
            "maven" => Scheme::Maven,
            "gem" => Scheme::RubyGems,
            "nuget" => Scheme::Nuget,
            "golang" => Scheme::Go,
            "composer" => Scheme::Packagist,
            "pub" => Scheme::Pub,
            "hackage" => Scheme::Hackage,
            "cran" => Scheme::Cran,
            "hex" | "otp" => Scheme::Hex,
            "conan" => Scheme::Conan,
            "swift" => Scheme::Swift,
            "cocoapods" => Scheme::CocoaPods,
            "bitnami" => Scheme::Bitnami,
            "githubactions" | "github" | "julia" => Scheme::Semver,
            "generic" => Scheme::Generic,
            _ => return None,
        })
    }

    /// Reads a version: bounded, not empty, and something that the scheme can order.
    pub fn parse(&self, text: &str) -> Result<Version, VersionError> {
        self.check(text)?;
        Ok(Version::new(*self, text))
    }

    /// Compares two versions. Dpkg, rpm, apk and the semver family do not allocate.
    pub fn compare(&self, a: &str, b: &str) -> Result<Ordering, VersionError> {
        self.check(a)?;
        self.check(b)?;
        Ok(self.order(a, b))
    }

    /// How a package's version stands to a bound in an advisory. It is [`Scheme::compare`] but for what
    /// a tool's own matching leaves out: rpm and pacman ignore the release when one side has none,
    /// Python ignores a local label that the bound does not have, a gem's platform does not count, and Composer
    /// normalizes (`1.0` is `1.0.0`).
    pub fn compare_to_bound(&self, version: &str, bound: &str) -> Result<Ordering, VersionError> {
        self.check(version)?;
        self.check(bound)?;
        Ok(match self {
            Scheme::Rpm => rpm::against(&rpm::split(version.as_bytes()), &rpm::split(bound.as_bytes())),
            Scheme::Alpm => alpm::against(version, bound),
            Scheme::Pep440 => pep440::against(version, bound),
            Scheme::RubyGems => gem::against(version, bound),
            Scheme::Packagist => composer::against(version, bound),
            _ => self.order(version, bound),
        })
    }

    /// Neither too long nor blank: all that some schemes ask of a text.
    #[inline]
    pub(crate) fn check_length(&self, text: &[u8]) -> Result<(), VersionError> {
        if text.len() > MAX_VERSION_LEN {
            return Err(VersionError::TooLong { scheme: *self, len: text.len() });
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err(VersionError::Empty(*self));
        }
        Ok(())
    }

    pub(crate) fn invalid(&self, version: &str, why: &'static str) -> VersionError {
        VersionError::Invalid { scheme: *self, version: version.to_owned(), why }
    }

    pub(crate) fn check(&self, text: &str) -> Result<(), VersionError> {
        self.check_length(text.as_bytes())?;
        let checked = match self {
            Scheme::Dpkg => dpkg::check(text),
            Scheme::Go => go::check(text),
            Scheme::Conan => conan::check(text),
            Scheme::Semver
            | Scheme::Npm
            | Scheme::Cargo
            | Scheme::Hex
            | Scheme::Swift
            | Scheme::Pub
            | Scheme::Nuget
            | Scheme::Bitnami => semver::check(text),
            _ => Ok(()),
        };
        checked.map_err(|why| self.invalid(text, why))
    }

    /// The order of two bounds that passed [`Scheme::check`]. Only Composer's own equality of `1.0` and `1.0.0` matters
    /// here; what the others leave out (a release, a local label) does count between two bounds.
    pub(crate) fn order_bounds(&self, a: &str, b: &str) -> Ordering {
        match self {
            Scheme::Packagist => composer::against(a, b),
            _ => self.order(a, b),
        }
    }

    /// The order of two texts that passed [`Scheme::check`].
    pub(crate) fn order(&self, a: &str, b: &str) -> Ordering {
        match self {
            Scheme::Dpkg => dpkg::compare(a, b),
            Scheme::Rpm => rpm::compare(a, b),
            Scheme::Apk => apk::compare(a, b),
            Scheme::Alpm => alpm::compare(a, b),
            Scheme::Portage => portage::compare(a, b),
            Scheme::Semver | Scheme::Npm | Scheme::Cargo | Scheme::Hex | Scheme::Swift => semver::compare(a, b),
            Scheme::Pep440 => pep440::compare(a, b),
            Scheme::Maven => maven::compare(a, b),
            Scheme::RubyGems => gem::compare(a, b),
            Scheme::Nuget => nuget::compare(a, b),
            Scheme::Go => go::compare(a, b),
            Scheme::Packagist => composer::compare(a, b),
            Scheme::Pub => dart::compare(a, b),
            Scheme::Hackage => dotted::compare_hackage(a, b),
            Scheme::Cran => dotted::compare_cran(a, b),
            Scheme::Conan => conan::compare(a, b),
            Scheme::CocoaPods => gem::compare_pods(a, b),
            Scheme::Bitnami => bitnami::compare(a, b),
            Scheme::Generic => generic::compare(a, b),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scheme {
    type Err = VersionError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let lower = name.to_ascii_lowercase();
        NAMES
            .iter()
            .find(|(_, stable, others)| *stable == lower || others.contains(&lower.as_str()))
            .map(|(scheme, ..)| *scheme)
            .ok_or_else(|| VersionError::UnknownScheme(name.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for scheme in Scheme::all() {
            assert_eq!(scheme.as_str().parse::<Scheme>(), Ok(scheme));
            assert_eq!(scheme.as_str(), scheme.as_str().to_lowercase());
        }
        assert_eq!(Scheme::all().count(), 23);
        assert_eq!("PyPI".parse::<Scheme>(), Ok(Scheme::Pep440));
        assert!("cobol".parse::<Scheme>().is_err());
        assert_eq!(Scheme::for_osv_ecosystem("Alpine:v3.18"), Some(Scheme::Apk));
        assert_eq!(Scheme::for_osv_ecosystem("Ubuntu:22.04:LTS"), Some(Scheme::Dpkg));
        assert_eq!(Scheme::for_osv_ecosystem("Echo:PyPI"), Some(Scheme::Pep440));
        assert_eq!(Scheme::for_osv_ecosystem("OSS-Fuzz"), None);
        assert_eq!(Scheme::for_purl_type("golang"), Some(Scheme::Go));
    }

    #[test]
    fn what_nobody_can_order_is_an_error() {
        for (scheme, bad) in [
            (Scheme::Dpkg, "x:1.0"),
            (Scheme::Dpkg, "1:"),
            (Scheme::Npm, "latest"),
            (Scheme::Npm, "workspace:*"),
            (Scheme::Go, "(devel)"),
            (Scheme::Go, "devel go1.22-abc"),
            (Scheme::Apk, ""),
            (Scheme::Maven, "  "),
        ] {
            assert!(scheme.parse(bad).is_err(), "{scheme} {bad:?}");
            assert!(scheme.compare(bad, "1").is_err(), "{scheme} {bad:?}");
        }
        assert!(Scheme::Rpm.parse(&"1".repeat(MAX_VERSION_LEN)).is_ok());
        assert!(Scheme::Rpm.parse(&"1".repeat(MAX_VERSION_LEN + 1)).is_err());
    }
}
