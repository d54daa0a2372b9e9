//! Whose advisories speak of a language's packages.

use layergate_model::PackageKind;

use crate::Namespace;

/// Kinds of packages and the namespaces of their registries. Of the other kinds no advisory database speaks.
pub const REGISTRIES: &[(PackageKind, &str)] = &[
    (PackageKind::Npm, "npm"),
    (PackageKind::Pypi, "pypi"),
    (PackageKind::Golang, "golang"),
    (PackageKind::Cargo, "cargo"),
    (PackageKind::Maven, "maven"),
    (PackageKind::Gem, "gem"),
    (PackageKind::Composer, "composer"),
    (PackageKind::Nuget, "nuget"),
    (PackageKind::Hex, "hex"),
    (PackageKind::Pub, "pub"),
    (PackageKind::Swift, "swift"),
    (PackageKind::Cran, "cran"),
    (PackageKind::Hackage, "hackage"),
    (PackageKind::Julia, "julia"),
    (PackageKind::Conan, "conan"),
    (PackageKind::Bitnami, "bitnami"),
];

/// The namespace of a kind's registry; `None` where no advisory database speaks of the kind.
pub fn registry(kind: PackageKind) -> Option<Namespace> {
    let (_, family) = REGISTRIES.iter().find(|(of, _)| *of == kind)?;
    Namespace::new(family).ok()
}
