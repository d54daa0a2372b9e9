//! A package as a layer proves it: kind, name, version, source, licenses, and where the evidence lies.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Distro, LayerPath, Purl};

macro_rules! kinds {
    ($($variant:ident = $word:literal, $purl:literal, $doc:literal;)*) => {
        /// Who manages a package; decides its version order and which advisories speak of it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "lowercase")]
        pub enum PackageKind { $(#[doc = $doc] #[serde(rename = $word)] $variant,)* }

        impl PackageKind {
            /// Every kind there is.
            pub const ALL: &'static [PackageKind] = &[$(Self::$variant,)*];

            /// The word in reports and policies.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The type in package URLs (purl-spec, "purl types").
            pub const fn purl_type(self) -> &'static str {
                match self { $(Self::$variant => $purl,)* }
            }
        }
    };
}

kinds! {
    Deb = "deb", "deb", "dpkg (Debian, Ubuntu, …).";
    Apk = "apk", "apk", "apk-tools (Alpine, Wolfi, Chainguard).";
    Rpm = "rpm", "rpm", "rpm (Red Hat, SUSE, Amazon, Photon, Azure Linux, …).";
    Alpm = "alpm", "alpm", "pacman (Arch).";
    Portage = "portage", "ebuild", "Gentoo's portage.";
    Opkg = "opkg", "opkg", "opkg (OpenWrt, Yocto).";
    Nix = "nix", "nix", "A path of the nix store.";
    Guix = "guix", "guix", "A path of the guix store.";
    Brew = "brew", "brew", "A Homebrew keg.";
    Snap = "snap", "snap", "A snap.";
    Npm = "npm", "npm", "Node (npm, yarn, pnpm, bun).";
    Pypi = "pypi", "pypi", "Python (wheels, eggs, locks).";
    Conda = "conda", "conda", "Conda.";
    Golang = "golang", "golang", "A Go module; `stdlib` is the standard library.";
    Cargo = "cargo", "cargo", "A Rust crate.";
    Maven = "maven", "maven", "Java; the name is `group:artifact`, or the artifact alone where no group is known.";
    Gem = "gem", "gem", "Ruby.";
    Composer = "composer", "composer", "PHP (Packagist).";
    Nuget = "nuget", "nuget", ".NET.";
    Hex = "hex", "hex", "Elixir and Erlang.";
    Pub = "pub", "pub", "Dart.";
    Swift = "swift", "swift", "Swift packages.";
    Cocoapods = "cocoapods", "cocoapods", "CocoaPods.";
    Conan = "conan", "conan", "C and C++ (Conan).";
    Cran = "cran", "cran", "R.";
    Julia = "julia", "julia", "Julia.";
    Luarocks = "luarocks", "luarocks", "Lua.";
    Hackage = "hackage", "hackage", "Haskell.";
    Opam = "opam", "opam", "OCaml.";
    Pecl = "pecl", "pecl", "An extension of PHP (PECL).";
    Bitnami = "bitnami", "bitnami", "A component of a Bitnami image.";
    Wordpress = "wordpress", "wordpress-plugin", "A WordPress plugin, theme or core.";
    Generic = "binary", "generic", "A well-known program without a package manager.";
}

impl PackageKind {
    /// The kind that a package URL's type names; `None` for types that nothing here knows.
    pub fn from_purl_type(purl_type: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|k| k.purl_type() == purl_type)
    }

    /// Whether a distribution's own package manager installs it: its advisories are the distribution's.
    pub const fn is_os(self) -> bool {
        matches!(self, Self::Deb | Self::Apk | Self::Rpm | Self::Alpm | Self::Portage | Self::Opkg)
    }
}

impl fmt::Display for PackageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no package kind.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a package type")]
pub struct PackageKindError(String);

impl FromStr for PackageKind {
    type Err = PackageKindError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|k| k.as_str() == text)
            .ok_or_else(|| PackageKindError(text.chars().take(60).collect()))
    }
}

/// Whether a package is there to run or only to develop with.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Needed to run.
    #[default]
    Runtime,
    /// Needed only to build or to test.
    Dev,
}

impl Scope {
    pub(crate) fn is_runtime(&self) -> bool {
        *self == Self::Runtime
    }
}

/// Whether a package is the registry's package of its name: only of such do the registry's advisories speak.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// From the registry, as far as anything shows.
    #[default]
    Registry,
    /// From a repository, an archive or a directory of its own: it may be a copy of the registry's package of its name,
    /// at some commit, or another one. Advisories in whose ranges its version lies are undecided, which is a gap.
    Elsewhere,
    /// The project itself, not published: what is called like it in a registry is another package.
    Project,
}

impl Provenance {
    /// Whether it is the registry's.
    pub(crate) fn is_registry(&self) -> bool {
        *self == Self::Registry
    }
}

/// The source package that a binary package was built from; distributions speak of it in their advisories.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SourcePackage {
    /// The source's name (`openssl` of `libssl3`).
    pub name: String,
    /// The source's full version, epoch included where the package manager shows it.
    pub version: String,
}

/// A package that another one needs, by name and, where the evidence shows it, by version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dependency {
    /// The other package's name, of the same kind.
    pub name: String,
    /// Its exact version where a lockfile pins it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// One package found in one layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// Who manages it.
    pub kind: PackageKind,
    /// The name as its package manager prints it; `group:artifact` for Maven, the module path for Go, `@scope/name` for
    /// npm.
    pub name: String,
    /// The full version as the package manager prints it: `epoch:version-release`, the epoch only where it is not 0.
    pub version: String,
    /// The package's own architecture (`amd64`, `noarch`), where its manager has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// The source package, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourcePackage>,
    /// An rpm module's `name:stream:version:context`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// What its manager knows it by where names are not unique: a Julia package's UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Who built it, where the package says so (rpm vendor, Debian maintainer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Declared licenses, as SPDX expressions where they can be read as such, else as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<String>,
    /// Runtime or development.
    #[serde(default, skip_serializing_if = "Scope::is_runtime")]
    pub scope: Scope,
    /// Whether it is its registry's package of this name.
    #[serde(default, skip_serializing_if = "Provenance::is_registry")]
    pub provenance: Provenance,
    /// Hashes of the artefact as `algorithm:hex` or an SRI string, where the evidence carries them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<String>,
    /// What it needs, where the evidence shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// The files that prove it, the deciding one first; never empty. A part after `!` lies inside an archive
    /// (`app.jar!BOOT-INF/lib/x.jar`): only what stands before it is a path of the layer.
    pub locations: Vec<String>,
}

impl Package {
    /// A package with what every analyzer knows; the rest is set on the value.
    pub fn new(kind: PackageKind, name: impl Into<String>, version: impl Into<String>, location: &LayerPath) -> Self {
        Self {
            kind,
            name: name.into(),
            version: version.into(),
            arch: None,
            source: None,
            module: None,
            uuid: None,
            vendor: None,
            licenses: Vec::new(),
            scope: Scope::Runtime,
            provenance: Provenance::Registry,
            hashes: Vec::new(),
            dependencies: Vec::new(),
            locations: vec![location.as_str().to_owned()],
        }
    }

    /// The path, in the layer, of the file that proves the package (the part of its first location before `!`).
    pub fn evidence(&self) -> &str {
        self.locations.first().map_or("", |l| l.split('!').next().unwrap_or(l))
    }

    /// The package URL; a distribution's package carries the distribution as namespace and qualifier. What a purl type
    /// asks for and the package does not have (a Julia package without a UUID, a Swift one without a host) makes it
    /// `pkg:generic`: readers refuse a whole document for one such purl.
    pub fn purl(&self, distro: Option<&Distro>) -> Purl {
        let kind = self.kind.purl_type();
        if self.kind.is_os() {
            return self.os_purl(kind, distro);
        }
        let lower;
        let (namespace, name) = match self.kind {
            // PEP 503 names: `Foo.Bar`, `foo_bar` and `foo-bar` are one project.
            PackageKind::Pypi => {
                lower = pep503(&self.name);
                (None, lower.as_str())
            }
            PackageKind::Maven => self.name.split_once(':').map_or((None, self.name.as_str()), |(g, a)| (Some(g), a)),
            PackageKind::Golang | PackageKind::Npm | PackageKind::Composer | PackageKind::Swift => {
                self.name.rsplit_once('/').map_or((None, self.name.as_str()), |(n, a)| (Some(n), a))
            }
            PackageKind::Cocoapods => (None, self.name.split('/').next().unwrap_or(&self.name)),
            _ => (None, self.name.as_str()),
        };
        let lacking = match self.kind {
            PackageKind::Swift => namespace.is_none() || self.version.is_empty(),
            PackageKind::Julia => self.uuid.is_none(),
            PackageKind::Cran => self.version.is_empty(),
            _ => false,
        };
        if lacking {
            return Purl::build(PackageKind::Generic.purl_type(), namespace, name, &self.version, &[]);
        }
        let qualifiers = [("uuid", self.uuid.as_deref().unwrap_or_default())];
        let purl = Purl::build(kind, namespace, name, &self.version, &qualifiers);
        match self.name.split_once('/') {
            Some((_, subspec)) if self.kind == PackageKind::Cocoapods => purl.with_subpath(subspec),
            _ => purl,
        }
    }

    fn os_purl(&self, kind: &str, distro: Option<&Distro>) -> Purl {
        let tag = distro.map(|d| d.purl_tag()).unwrap_or_default();
        let (epoch, version) = match (self.kind, self.version.split_once(':')) {
            (PackageKind::Rpm, Some((epoch, rest))) => (epoch, rest),
            _ => ("", self.version.as_str()),
        };
        // Portage's names have a category, which is their namespace.
        let (namespace, name) = match (self.kind, self.name.rsplit_once('/')) {
            (PackageKind::Portage, Some((category, name))) => (Some(category), name),
            _ => (distro.map(Distro::purl_namespace), self.name.as_str()),
        };
        Purl::build(
            kind,
            namespace,
            name,
            version,
            &[
                ("arch", self.arch.as_deref().unwrap_or_default()),
                ("distro", &tag),
                ("epoch", epoch),
                ("rpmmod", self.module.as_deref().filter(|_| self.kind == PackageKind::Rpm).unwrap_or_default()),
                ("upstream", &self.upstream()),
            ],
        )
    }

    /// The source package in the words that Syft writes and Grype reads: a name, a name and a version where it is not
    /// the package's own, or the file name of a source rpm. Empty where the source says nothing new.
    fn upstream(&self) -> String {
        let Some(source) = &self.source else { return String::new() };
        let same_version = source.version.is_empty() || source.version == self.version;
        match self.kind {
            _ if source.name == self.name && same_version => String::new(),
            PackageKind::Rpm if !source.version.is_empty() => {
                let version = source.version.split_once(':').map_or(source.version.as_str(), |(_, rest)| rest);
                format!("{}-{version}.src.rpm", source.name)
            }
            _ if same_version => source.name.clone(),
            _ => format!("{}@{}", source.name, source.version),
        }
    }
}

/// A Python project's name in the form in which names are compared (PEP 503).
fn pep503(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.push(c.to_ascii_lowercase()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsRelease;

    #[test]
    fn purls_follow_their_types() {
        let at = LayerPath::normalise("x").unwrap();
        let debian = OsRelease::parse("ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n").distro();
        let mut deb = Package::new(PackageKind::Deb, "libssl3", "3.0.15-1~deb12u1", &at);
        deb.arch = Some("amd64".into());
        deb.source = Some(SourcePackage { name: "openssl".into(), version: "3.0.15-1~deb12u1".into() });
        assert_eq!(
            deb.purl(debian.as_ref()).as_str(),
            "pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=amd64&distro=debian-12&upstream=openssl"
        );
        deb.source = Some(SourcePackage { name: "gcc-12".into(), version: "12.2.0-13".into() });
        assert!(deb.purl(None).as_str().ends_with("?arch=amd64&upstream=gcc-12%4012.2.0-13"), "{}", deb.purl(None));
        let mut rpm = Package::new(PackageKind::Rpm, "bind-libs", "32:9.11-1", &at);
        assert_eq!(rpm.purl(None).as_str(), "pkg:rpm/bind-libs@9.11-1?epoch=32");
        rpm.source = Some(SourcePackage { name: "bind".into(), version: "32:9.11-1".into() });
        rpm.module = Some("bind:9:1:c0ffee".into());
        assert_eq!(
            rpm.purl(None).as_str(),
            "pkg:rpm/bind-libs@9.11-1?epoch=32&rpmmod=bind:9:1:c0ffee&upstream=bind-9.11-1.src.rpm"
        );
        let mut julia = Package::new(PackageKind::Julia, "Dates", "1.9.0", &at);
        assert_eq!(julia.purl(None).as_str(), "pkg:generic/Dates@1.9.0");
        julia.uuid = Some("ade2ca70-3891-5945-98fb-dc099432e06a".into());
        assert_eq!(julia.purl(None).as_str(), "pkg:julia/Dates@1.9.0?uuid=ade2ca70-3891-5945-98fb-dc099432e06a");
        let cases = [
            (PackageKind::Npm, "@babel/core", "7.0.0", "pkg:npm/%40babel/core@7.0.0"),
            (PackageKind::Golang, "github.com/a/b", "v1.2.3", "pkg:golang/github.com/a/b@v1.2.3"),
            (PackageKind::Maven, "org.x:y", "1", "pkg:maven/org.x/y@1"),
            (PackageKind::Pypi, "Zope._Interface", "5", "pkg:pypi/zope-interface@5"),
            (PackageKind::Generic, "redis", "7.2.4", "pkg:generic/redis@7.2.4"),
            (PackageKind::Swift, "github.com/apple/swift-nio", "2.1", "pkg:swift/github.com/apple/swift-nio@2.1"),
            (PackageKind::Swift, "lonely", "2.1", "pkg:generic/lonely@2.1"),
            (PackageKind::Cocoapods, "AppCenter/Core", "4.2.0", "pkg:cocoapods/AppCenter@4.2.0#Core"),
            (PackageKind::Portage, "app-arch/xz-utils", "5.4", "pkg:ebuild/app-arch/xz-utils@5.4"),
        ];
        for (kind, name, version, want) in cases {
            assert_eq!(Package::new(kind, name, version, &at).purl(None).as_str(), want);
        }
    }
}
