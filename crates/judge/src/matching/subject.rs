//! Under which names and versions a package is looked up.

use std::borrow::Cow;

use layergate_advisory::{Names, Namespace};
use layergate_model::{Package, PackageKind};

use super::signed;

/// One name and version to ask for.
pub(super) struct Subject<'p> {
    pub(super) name: Cow<'p, str>,
    pub(super) version: Cow<'p, str>,
    /// Only entries that no version fixes.
    pub(super) unfixed_only: bool,
}

/// The subjects of a distribution's package.
pub(super) fn subjects(package: &Package, names: Names) -> Vec<Subject<'_>> {
    let binary = || Subject {
        name: Cow::Borrowed(package.name.as_str()),
        version: Cow::Borrowed(package.version.as_str()),
        unfixed_only: false,
    };
    let source = |unfixed_only| {
        let source = package.source.as_ref()?;
        Some(Subject {
            name: Cow::Borrowed(source.name.as_str()),
            version: source_version(package, &source.version),
            unfixed_only,
        })
    };
    let other = |unfixed_only| source(unfixed_only).filter(|s| s.name != package.name);
    match names {
        Names::Binary => vec![binary()],
        Names::Source => {
            std::iter::once(source(false).unwrap_or_else(binary)).chain(signed::subject(package)).collect()
        }
        Names::BinaryAndSource => std::iter::once(binary()).chain(other(false)).collect(),
        Names::BinaryAndUnfixedSource => std::iter::once(binary()).chain(other(true)).collect(),
    }
}

/// A source's version; the name of a source rpm leaves the epoch out, so the binary's stands for it.
fn source_version<'p>(package: &'p Package, version: &'p str) -> Cow<'p, str> {
    if version.is_empty() {
        return Cow::Borrowed(&package.version);
    }
    match package.version.split_once(':') {
        Some((epoch, _)) if package.kind == PackageKind::Rpm && !version.contains(':') => {
            Cow::Owned(format!("{epoch}:{version}"))
        }
        _ => Cow::Borrowed(version),
    }
}

/// The subject of a language's package.
pub(super) fn plain<'p>(package: &'p Package, namespace: &Namespace) -> Subject<'p> {
    Subject {
        name: namespace.canonical_name(&package.name),
        version: Cow::Borrowed(package.version.as_str()),
        unfixed_only: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layergate_model::{LayerPath, SourcePackage};

    #[test]
    fn sources_and_epochs() {
        let at = LayerPath::normalise("x").unwrap();
        let mut rpm = Package::new(PackageKind::Rpm, "bind-libs", "32:9.11-1", &at);
        rpm.source = Some(SourcePackage { name: "bind".into(), version: "9.11-1".into() });
        let shown = |names| {
            subjects(&rpm, names)
                .iter()
                .map(|s| format!("{} {} {}", s.name, s.version, s.unfixed_only))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(Names::Source), ["bind 32:9.11-1 false"]);
        assert_eq!(shown(Names::Binary), ["bind-libs 32:9.11-1 false"]);
        assert_eq!(shown(Names::BinaryAndUnfixedSource), ["bind-libs 32:9.11-1 false", "bind 32:9.11-1 true"]);
        let mut deb = Package::new(PackageKind::Deb, "libgcc1", "1:8.4.0-1", &at);
        deb.source = Some(SourcePackage { name: "gcc-8".into(), version: "8.4.0-1".into() });
        assert_eq!(subjects(&deb, Names::Source)[0].version, "8.4.0-1", "dpkg shows the source's own version");
    }
}
