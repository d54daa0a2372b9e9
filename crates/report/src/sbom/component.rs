//! One component, in the words of neither format, to a package: what its package URL says, corrected by what the
//! component says beside it (the spelling of names, source packages, epochs).

use std::collections::{HashMap, HashSet};

use layergate_model::{Dependency, LayerPath, Origin, Package, PackageKind, Purl, Scope, SourcePackage};
use packageurl::PackageUrl;

/// What a document says of one component.
#[derive(Default)]
pub(super) struct Component {
    /// How the document refers to it.
    pub(super) reference: String,
    /// The group or scope, where it stands apart from the name.
    pub(super) group: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) purl: Option<Purl>,
    /// The source package's name and version, in the words of whoever wrote it.
    pub(super) source: Option<(String, String)>,
    pub(super) module: Option<String>,
    pub(super) vendor: Option<String>,
    pub(super) licenses: Vec<String>,
    pub(super) hashes: Vec<String>,
    pub(super) locations: Vec<String>,
    pub(super) dev: bool,
    /// Our own word for the kind, where a package URL cannot say it.
    pub(super) kind: Option<PackageKind>,
    pub(super) origin: Origin,
    /// Reference of the distribution package that installed it.
    pub(super) owner: Option<String>,
    /// References of what it needs.
    pub(super) needs: Vec<String>,
}

/// What a component's package URL says, read once: kind, name, full version and the URL in parts.
pub(super) struct Identity<'a> {
    kind: PackageKind,
    name: String,
    version: String,
    purl: PackageUrl<'a>,
}

/// What another component needs.
pub(super) struct Needed {
    kind: PackageKind,
    name: String,
    version: String,
}

/// What is behind the references that somebody needs. It holds no component, so that each can be let go when its
/// package is made: documents have hundreds of thousands.
pub(super) type Index = HashMap<String, Needed>;

pub(super) fn index(components: &[Component]) -> Index {
    let needed: HashSet<&str> = components.iter().flat_map(|c| &c.needs).map(String::as_str).collect();
    let known = components.iter().filter(|c| needed.contains(c.reference.as_str()));
    let known = known.filter_map(|c| {
        let Identity { kind, name, version, .. } = c.identity()?;
        Some((c.reference.clone(), Needed { kind, name, version }))
    });
    known.collect()
}

/// Base or application, in our own words.
pub(super) fn origin(word: Option<&str>) -> Origin {
    match word {
        Some("base") => Origin::Base,
        Some("application") => Origin::Application,
        _ => Origin::Unknown,
    }
}

impl Component {
    /// What a gap calls it.
    pub(super) fn label(&self) -> String {
        let name = if self.name.is_empty() { &self.reference } else { &self.name };
        let label = if self.version.is_empty() { name.clone() } else { format!("{name} {}", self.version) };
        label.chars().take(80).collect()
    }

    /// Whether its package URL is whole and of a type that no kind of package here has (`pkg:githubactions/…`).
    pub(super) fn is_of_unknown_type(&self) -> bool {
        let parts = self.purl.as_ref().and_then(Purl::parts);
        parts.is_some_and(|purl| PackageKind::from_purl_type(purl.ty()).is_none())
    }

    /// What the component is; `None` where it cannot be matched with anything.
    pub(super) fn identity(&self) -> Option<Identity<'_>> {
        let purl = self.purl.as_ref()?.parts()?;
        let kind = match PackageKind::from_purl_type(purl.ty())? {
            PackageKind::Generic => self.kind.unwrap_or(PackageKind::Generic),
            kind => kind,
        };
        let version = purl.version().filter(|v| !v.is_empty()).unwrap_or(&self.version).to_owned();
        // SPDX's and Syft's words for a version that the tool does not know.
        if matches!(version.as_str(), "" | "NOASSERTION" | "NONE" | "UNKNOWN") {
            return None;
        }
        let epoch = purl.qualifiers().get("epoch").map_or("", AsRef::as_ref);
        let version = match epoch {
            "" | "0" => version,
            _ if version.contains(':') || !kind.is_os() => version,
            epoch => format!("{epoch}:{version}"),
        };
        Some(Identity { kind, name: self.full_name(kind, &purl), version, purl })
    }

    /// The name as the package's manager prints it.
    fn full_name(&self, kind: PackageKind, purl: &PackageUrl<'_>) -> String {
        let namespace = purl.namespace().filter(|n| !n.is_empty());
        let name = match (kind, namespace) {
            (PackageKind::Maven, Some(group)) => format!("{group}:{}", purl.name()),
            (PackageKind::Golang, _) => {
                let parts = namespace.into_iter().chain([purl.name()]).chain(purl.subpath().filter(|s| !s.is_empty()));
                parts.collect::<Vec<_>>().join("/")
            }
            (PackageKind::Cocoapods, _) => {
                let subspec = purl.subpath().filter(|s| !s.is_empty());
                subspec.map_or_else(|| purl.name().to_owned(), |s| format!("{}/{s}", purl.name()))
            }
            (PackageKind::Npm | PackageKind::Composer | PackageKind::Swift | PackageKind::Portage, Some(n)) => {
                format!("{n}/{}", purl.name())
            }
            _ => purl.name().to_owned(),
        };
        if name == self.name {
            return name;
        }
        // Package URLs fold the case of some names and the dashes of others; the component has the real spelling.
        let fold = |text: &str| text.to_lowercase().replace(['_', '.'], "-");
        let group = self.group.as_str();
        let spelled = [self.name.clone(), format!("{group}/{}", self.name), format!("{group}:{}", self.name)];
        spelled.into_iter().find(|s| fold(s) == fold(&name)).unwrap_or(name)
    }

    /// The package.
    pub(super) fn package(&self, identity: &Identity<'_>, index: &Index, document: &str) -> Package {
        let Identity { kind, name, version, purl } = identity;
        let kind = *kind;
        let mut package = Package::new(kind, name, version, &LayerPath::root());
        let qualifier = |key: &str| purl.qualifiers().get(key).map(AsRef::as_ref).filter(|v: &&str| !v.is_empty());
        package.locations = self.locations.iter().map(|l| l.trim_start_matches('/').to_owned()).collect();
        package.locations.retain(|l| !l.is_empty());
        if package.locations.is_empty() {
            package.locations.push(document.to_owned());
        }
        if kind.is_os() {
            package.arch = qualifier("arch").map(str::to_owned);
            package.source = self.source(&package, qualifier("upstream"));
        }
        let module = || qualifier("rpmmod").or(qualifier("modularitylabel")).map(str::to_owned);
        package.module = self.module.clone().or_else(module);
        package.uuid = qualifier("uuid").filter(|_| kind == PackageKind::Julia).map(str::to_owned);
        package.vendor = self.vendor.clone();
        package.licenses = self.licenses.clone();
        package.hashes = self.hashes.clone();
        package.scope = if self.dev { Scope::Dev } else { Scope::Runtime };
        let needs = self.needs.iter().filter_map(|r| index.get(r.as_str())).filter(|n| n.kind == kind);
        package.dependencies =
            needs.map(|n| Dependency { name: n.name.clone(), version: Some(n.version.clone()) }).collect();
        package.dependencies.sort();
        package.dependencies.dedup();
        package
    }

    /// The source package: as the component shows it, else from the `upstream` qualifier, which is a name, a name and a
    /// version (`gcc-12@12.2.0-14`), or the file name of a source rpm.
    fn source(&self, package: &Package, upstream: Option<&str>) -> Option<SourcePackage> {
        let own = &package.version;
        let (name, version) = match (&self.source, upstream) {
            (Some((name, version)), _) => (name.clone(), version.clone()),
            (None, Some(upstream)) => match upstream.strip_suffix(".src.rpm").or(upstream.strip_suffix(".nosrc.rpm")) {
                Some(file) => source_rpm(file, own)?,
                None => {
                    let (name, version) = upstream.split_once('@').unwrap_or((upstream, ""));
                    (name.to_owned(), version.to_owned())
                }
            },
            (None, None) => return None,
        };
        // A source without a version has the binary's, as dpkg's and apk's databases mean it.
        let version = if version.is_empty() { own.clone() } else { version };
        (!name.is_empty()).then_some(SourcePackage { name, version })
    }
}

/// `name-version-release` to its parts; the file name knows no epoch, which is the package's.
pub(super) fn source_rpm(file: &str, own_version: &str) -> Option<(String, String)> {
    let (rest, release) = file.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let epoch = own_version.split_once(':').map(|(epoch, _)| format!("{epoch}:")).unwrap_or_default();
    Some((name.to_owned(), format!("{epoch}{version}-{release}")))
}
