//! Red Hat's extended streams: which of an image's packages come from one, and what its advisories change.
//!
//! What a layer's content manifest (or, without one, that of the nearest layer below it, of the lowest above it, or the
//! image's label) names is asked beside the main line. A vulnerability that the stream's advisories find is known by
//! them alone, with the stream's fix; a vulnerability that only the main line knows is still reported. And whatever is
//! known of repositories, a build that carries a minor release in its tag (`.el9_2`) and is not below that stream's fix
//! has the fix: the main line's later one is another build of it. Builds of later minor releases never count as fixed
//! by an earlier stream, so that nothing is hidden by naming a stream.

use std::collections::BTreeSet;

use layergate_advisory::{Namespace, Repository, STREAM_FAMILIES, Snapshot, built_for};
use layergate_model::{Distro, Gap, GapKind, ImageInventory, ImagePackage, Repositories};

use super::{
    hit::{self, Hit, Undecided},
    scope::AdvisoryScope,
    subject::Subject,
};

/// Streams of which a gap of its own says that they are not judged; content sets may name any number.
const MAX_UNKNOWN: usize = 100;

/// The repositories of an image of Red Hat's.
pub(super) struct Streams {
    sources: Vec<Source>,
    /// What packages of this image come from and cannot be judged by.
    unknown: BTreeSet<Unknown>,
}

/// Streams that the snapshot has nothing on, or whose release nobody knows, and other products' repositories.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Unknown {
    Stream(String),
    NoRelease(&'static str),
    Product(String),
}

/// What one layer's manifests, or the labels, say; read once, for a manifest may have a thousand names and an image as
/// many packages.
struct Source {
    layer: Option<u32>,
    main: bool,
    /// Streams that the snapshot has advisories on, with the minor release.
    streams: BTreeSet<(Namespace, Option<u8>)>,
    /// The rest, until a package comes from here.
    unknown: Vec<Unknown>,
}

impl Source {
    fn of(repositories: &Repositories, distro: &Distro, snapshot: &Snapshot) -> Self {
        let mut new = Self { layer: repositories.layer, main: false, streams: BTreeSet::new(), unknown: Vec::new() };
        for name in &repositories.names {
            let (family, release) = match Repository::of(name) {
                Some(Repository::MainLine) => {
                    new.main = true;
                    continue;
                }
                Some(Repository::Product) => {
                    new.unknown.push(Unknown::Product(name.clone()));
                    continue;
                }
                Some(Repository::Stream { family, release }) => (family, release),
                None => continue,
            };
            let Some(release) = release.or_else(|| distro.release(2).filter(|r| r.contains('.'))) else {
                new.unknown.push(Unknown::NoRelease(family));
                continue;
            };
            let Ok(namespace) = Namespace::of(family, Some(&release)) else { continue };
            if snapshot.coverage(&namespace).is_none() {
                new.unknown.push(Unknown::Stream(namespace.to_string()));
            } else {
                let minor = release.split_once('.').and_then(|(_, minor)| minor.parse().ok());
                new.streams.insert((namespace, minor));
            }
        }
        new
    }
}

impl Streams {
    /// `None` for images of others.
    pub(super) fn of(image: &ImageInventory, scope: &AdvisoryScope, snapshot: &Snapshot) -> Option<Self> {
        let distro = image.distro.as_ref().filter(|_| scope.row.family == "rhel")?;
        let sources = image.repositories.iter().map(|r| Source::of(r, distro, snapshot)).collect();
        Some(Self { sources, unknown: BTreeSet::new() })
    }

    /// What speaks of the packages of a layer.
    fn source(&mut self, layer: Option<u32>) -> Option<&mut Source> {
        let of_layers = || self.sources.iter().enumerate().filter(|(_, s)| s.layer.is_some());
        let below = || of_layers().filter(|(_, s)| s.layer <= layer).max_by_key(|(_, s)| s.layer);
        let above = || of_layers().min_by_key(|(_, s)| s.layer);
        let nearest = if layer.is_some() { below().or_else(above) } else { None };
        let labels = || self.sources.iter().enumerate().find(|(_, s)| s.layer.is_none());
        let at = nearest.or_else(labels)?.0;
        self.sources.get_mut(at)
    }

    /// The streams' namespaces that speak of a package beside the main line.
    pub(super) fn asked(&mut self, package: &ImagePackage) -> Vec<Namespace> {
        let Some(source) = self.source(package.layer) else { return Vec::new() };
        let tagged = built_for(&package.package.version).and_then(|(_, minor)| minor);
        // Where both are at hand, only a build of the stream's own is the stream's; a later build never is.
        let of_stream = |minor: &Option<u8>| match (minor, tagged) {
            (None, _) => true,
            (Some(_), None) => !source.main,
            (Some(minor), Some(tagged)) => tagged == *minor || (tagged < *minor && !source.main),
        };
        let asked = source.streams.iter().filter(|(_, minor)| of_stream(minor));
        let asked = asked.map(|(namespace, _)| namespace.clone()).collect();
        let unknown = std::mem::take(&mut source.unknown);
        self.unknown.extend(unknown);
        asked
    }

    /// What cannot be known of the streams of this image.
    pub(super) fn gaps(self) -> Vec<Gap> {
        let mut out = Vec::new();
        let mut products = BTreeSet::new();
        for unknown in self.unknown {
            if out.len() >= MAX_UNKNOWN && !matches!(unknown, Unknown::Product(_)) {
                continue;
            }
            let (place, why) = match unknown {
                Unknown::Stream(namespace) => (namespace, "the snapshot has no advisories for it".to_owned()),
                Unknown::NoRelease(family) => (
                    family.to_owned(),
                    "neither the content set nor the image's release says for which minor release".to_owned(),
                ),
                Unknown::Product(name) => {
                    products.insert(name);
                    continue;
                }
            };
            let detail = format!(
                "packages of this image come from an extended stream of Red Hat's, and {why}: they were judged by the main line's advisories alone, whose fixes are other builds"
            );
            out.push(Gap::new(GapKind::PartialAdvisories, place, detail));
        }
        if let Some(first) = products.first() {
            let some: Vec<&str> = products.iter().map(String::as_str).take(5).collect();
            let more = products.len().saturating_sub(some.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let detail = format!(
                "packages may come from repositories of other products of Red Hat's ({}{more}), whose advisories are not in the snapshot: only what RHEL's own advisories know by name was judged",
                some.join(", ")
            );
            out.push(Gap::new(GapKind::PartialAdvisories, first.clone(), detail));
        }
        out
    }
}

/// Puts a stream's hits in the place of the main line's of the same vulnerabilities, and leaves out what the stream has
/// fixed in this build.
pub(super) fn settle<'s, 'p>(
    subjects: &'p [Subject<'_>],
    package: &ImagePackage,
    streams: &[Namespace],
    snapshot: &'s Snapshot,
    hits: &mut Vec<Hit<'s, 'p>>,
    undecided: &mut BTreeSet<Undecided>,
) {
    let mut own = Vec::new();
    for subject in subjects {
        for namespace in streams {
            hit::collect(subject, &package.package, namespace, snapshot, &mut own, undecided);
        }
    }
    let found: BTreeSet<&str> = own.iter().flat_map(|h| hit::cves(h.entry.vulnerability, snapshot)).collect();
    let fixed = fixed(package, streams, snapshot);
    if !found.is_empty() || !fixed.is_empty() {
        hits.retain(|hit| {
            let names = hit::cves(hit.entry.vulnerability, snapshot);
            !names.iter().all(|name| found.contains(name) || fixed.contains(name))
        });
    }
    hits.append(&mut own);
}

/// The vulnerabilities that the streams of a build's own minor release call fixed in it.
fn fixed<'s>(package: &ImagePackage, streams: &[Namespace], snapshot: &'s Snapshot) -> BTreeSet<&'s str> {
    let Some((major, minor)) = built_for(&package.package.version) else { return BTreeSet::new() };
    let mut namespaces: BTreeSet<Namespace> = streams.iter().filter(|n| n.family() == "rhel-els").cloned().collect();
    if let Some(minor) = minor {
        let release = format!("{major}.{minor}");
        namespaces.extend(STREAM_FAMILIES.iter().filter_map(|family| Namespace::of(family, Some(&release)).ok()));
    }
    let mut out = BTreeSet::new();
    for namespace in &namespaces {
        let name = &package.package.name;
        out.extend(hit::fixed_in(name, &package.package.version, &package.package, namespace, snapshot));
    }
    out
}
