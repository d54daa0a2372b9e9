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
use layergate_model::{Distro, Gap, GapKind, ImageInventory, ImagePackage, Status};

use super::{
    hit::{self, Hit, Undecided},
    scope::AdvisoryScope,
    subject::Subject,
};

/// The repositories of an image of Red Hat's.
pub(super) struct Streams<'i> {
    image: &'i ImageInventory,
    distro: &'i Distro,
    /// Streams that the snapshot has nothing on, or whose release nobody knows, and other products' repositories.
    unknown: BTreeSet<Unknown>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Unknown {
    Stream(String),
    NoRelease(&'static str),
    Product(String),
}

/// The repositories of one package.
#[derive(Default)]
struct Sets {
    main: bool,
    streams: BTreeSet<(&'static str, Option<String>)>,
    products: BTreeSet<String>,
}

impl<'i> Streams<'i> {
    /// `None` for images of others.
    pub(super) fn of(image: &'i ImageInventory, scope: &AdvisoryScope) -> Option<Self> {
        let distro = image.distro.as_ref().filter(|_| scope.row.family == "rhel")?;
        Some(Self { image, distro, unknown: BTreeSet::new() })
    }

    fn sets(&self, layer: Option<u32>) -> Sets {
        let all = &self.image.repositories;
        let below = || all.iter().filter(|r| r.layer.is_some() && r.layer <= layer).max_by_key(|r| r.layer);
        let above = || all.iter().filter(|r| r.layer.is_some()).min_by_key(|r| r.layer);
        let nearest = if layer.is_some() { below().or_else(above) } else { None };
        let labels = || all.iter().find(|r| r.layer.is_none());
        let mut sets = Sets::default();
        for name in nearest.or_else(labels).map(|r| r.names.as_slice()).unwrap_or_default() {
            match Repository::of(name) {
                Some(Repository::MainLine) => sets.main = true,
                Some(Repository::Stream { family, release }) => {
                    sets.streams.insert((family, release));
                }
                Some(Repository::Product) => {
                    sets.products.insert(name.clone());
                }
                None => {}
            }
        }
        sets
    }

    /// The streams' namespaces that speak of a package beside the main line.
    pub(super) fn asked(&mut self, package: &ImagePackage, snapshot: &Snapshot) -> Vec<Namespace> {
        let sets = self.sets(package.layer);
        self.unknown.extend(sets.products.into_iter().map(Unknown::Product));
        let built = built_for(&package.package.version);
        let mut out = Vec::new();
        for (family, release) in sets.streams {
            let Some(release) = release.or_else(|| self.distro.release(2).filter(|r| r.contains('.'))) else {
                self.unknown.insert(Unknown::NoRelease(family));
                continue;
            };
            // Where both are at hand, only a build of the stream's own is the stream's; a later build never is.
            let minor = release.split_once('.').and_then(|(_, minor)| minor.parse::<u8>().ok());
            let tagged = built.and_then(|(_, minor)| minor);
            let of_stream = match (minor, tagged) {
                (None, _) => true,
                (Some(_), None) => !sets.main,
                (Some(minor), Some(tagged)) => tagged == minor || (tagged < minor && !sets.main),
            };
            let Ok(namespace) = Namespace::of(family, Some(&release)) else { continue };
            if snapshot.coverage(&namespace).is_none() {
                self.unknown.insert(Unknown::Stream(namespace.to_string()));
            } else if of_stream {
                out.push(namespace);
            }
        }
        out
    }

    /// What cannot be known of the streams of this image.
    pub(super) fn gaps(self) -> Vec<Gap> {
        let mut out = Vec::new();
        let mut products = BTreeSet::new();
        for unknown in self.unknown {
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
    let name = package.package.name.as_str();
    let entries = namespaces.iter().flat_map(|n| hit::decided(name, &package.package, n, snapshot));
    let fixed = entries.filter(|(entry, affected)| entry.status == Status::Fixed && !affected);
    fixed.flat_map(|(entry, _)| hit::cves(entry.vulnerability, snapshot)).collect()
}
