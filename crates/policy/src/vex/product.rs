//! What a VEX statement is about, and whether that is a package of this image.
//!
//! A package URL names every package that has the parts it gives: without a version every version, without qualifiers
//! every build. An image is named by its digest, or by `pkg:oci/NAME@sha256:…?repository_url=…`; its subcomponents are
//! packages of it. A statement on another product (`pkg:golang/…/trivy`) with subcomponents counts only where that
//! product is in the image and brought the package (the same evidence, or files below it).

use layergate_model::{Digest, ImagePackage, PackageKind};

use crate::PurlParts;

/// What a statement names.
#[derive(Clone, Debug, PartialEq)]
pub enum VexProductKind {
    /// Packages by their package URL.
    Package(PurlParts),
    /// An image.
    Image {
        /// `pkg:oci`'s name.
        name: Option<String>,
        /// The manifest's or the index's digest.
        digest: Option<Digest>,
        /// `pkg:oci`'s `repository_url`.
        repository: Option<String>,
    },
    /// A distribution, which CSAF names by CPE (`cpe:/o:redhat:enterprise_linux:9::baseos`).
    Distribution {
        /// `ID` of os-release.
        id: String,
        /// The major version; empty for every one.
        release: String,
    },
    /// Every image: a CycloneDX document whose own subject is not an image.
    Anything,
}

/// One product of a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct VexProduct {
    /// What it is.
    pub kind: VexProductKind,
    /// The parts of it that are meant; empty: all of it.
    pub parts: Vec<PurlParts>,
    /// Only these exact versions of the package, where the statement lists them; empty: every one.
    pub versions: Vec<String>,
}

impl VexProduct {
    /// A product that an identifier (a package URL or a digest) names.
    pub(crate) fn named(identifier: &str) -> Option<Self> {
        let identifier = identifier.trim();
        if let Ok(digest) = identifier.parse::<Digest>() {
            return Some(Self::image(None, Some(digest), None));
        }
        let purl = PurlParts::read(identifier)?;
        Some(Self::purl(purl))
    }

    /// A product that a package URL names.
    pub(crate) fn purl(purl: PurlParts) -> Self {
        if matches!(purl.kind(), "oci" | "docker") {
            let digest = purl.version.parse().ok();
            let named = Some(purl.name().to_owned()).filter(|n| !n.is_empty());
            // A version that is no digest is a tag, which is no promise about bytes: kept as a name that never fits.
            let tag =
                (digest.is_none() && !purl.version.is_empty()).then(|| format!("{}@{}", purl.name(), purl.version));
            return Self::image(tag.or(named), digest, purl.qualifier("repository_url").map(str::to_owned));
        }
        Self { kind: VexProductKind::Package(purl), parts: Vec::new(), versions: Vec::new() }
    }

    pub(crate) fn image(name: Option<String>, digest: Option<Digest>, repository: Option<String>) -> Self {
        Self { kind: VexProductKind::Image { name, digest, repository }, parts: Vec::new(), versions: Vec::new() }
    }

    pub(crate) fn with_parts(mut self, parts: Vec<PurlParts>) -> Self {
        self.parts = parts;
        self
    }
}

/// Whether the package URL of a statement names `package`, whose parts are `have`.
pub(crate) fn names(stated: &PurlParts, package: &ImagePackage, have: &PurlParts) -> bool {
    let is_source = matches!(stated.qualifier("arch"), Some("source" | "src"));
    if is_source {
        let Some(source) = &package.package.source else { return false };
        return stated.name() == source.name
            && stated.parent() == have.parent()
            && (stated.version.is_empty() || same_version(&stated.version, &source.version))
            && qualifiers_hold(stated, have, true);
    }
    same_base(stated, have)
        && (stated.version.is_empty()
            || stated.version == have.version
            || same_version(&stated.version, &package.package.version))
        && qualifiers_hold(stated, have, false)
}

/// The same type and name. Where the names of a type have no case, neither have those of its package URLs, whoever
/// wrote them (purl-spec: its types' definitions; NuGet: "package ids are case-insensitive").
fn same_base(a: &PurlParts, b: &PurlParts) -> bool {
    let caseless = ["nuget", "composer", "pypi", "golang", "github", "bitbucket", "bitnami", "deb", "apk", "hex"];
    a.base == b.base || (caseless.contains(&a.kind()) && a.base.eq_ignore_ascii_case(&b.base))
}

/// Equal up to a leading epoch 0 or Go's `v`.
pub(crate) fn same_version(a: &str, b: &str) -> bool {
    let plain = |t: &str| t.strip_prefix("0:").or_else(|| t.strip_prefix('v')).unwrap_or(t).to_owned();
    a == b || plain(a) == plain(b)
}

fn qualifiers_hold(stated: &PurlParts, have: &PurlParts, skip_arch: bool) -> bool {
    stated.qualifiers.iter().all(|(key, want)| {
        if skip_arch && key == "arch" {
            return true;
        }
        match (key.as_str(), have.qualifier(key)) {
            // `debian-12` names `debian-12.8` too.
            ("distro", Some(value)) => {
                value == want || value.strip_prefix(want.as_str()).is_some_and(|rest| rest.starts_with('.'))
            }
            ("epoch", None) => want == "0",
            (_, Some(value)) => value == want,
            (_, None) => false,
        }
    })
}

/// Whether `part` belongs to `whole`: proven by the same file (a Go program, a JAR and what is in it), or, where a
/// package is a directory with its manifest, by a file below that directory.
pub(crate) fn brought_by(whole: &ImagePackage, part: &ImagePackage) -> bool {
    let (outer, inner) = (whole.package.evidence(), part.package.evidence());
    if whole.id == part.id {
        return true;
    }
    if whole.package.kind.is_os() {
        // All packages of a distribution share one database; it says nothing of who brought whom.
        return false;
    }
    let owns_directory = matches!(whole.package.kind, PackageKind::Npm | PackageKind::Composer);
    let below = || {
        outer.rsplit_once('/').is_some_and(|(dir, _)| inner.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')))
    };
    outer == inner || owns_directory && below()
}
