//! What one layer contains: a section for each analyzer, and the path table. A pure function of the layer's bytes, the
//! analyzers' revisions and the limits (invariant 2), so that it can be shared by every image that has the layer.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{CheckFact, Digest, Gap, LayerPath, OsRelease, Package, PathTable, Secret};

/// The stable name of an analyzer, for example `dpkg`; one file of `inventory`'s catalogue each.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AnalyzerId(Cow<'static, str>);

impl AnalyzerId {
    /// A name known at compile time.
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AnalyzerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AnalyzerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One `os-release` (or older) file of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsReleaseFile {
    /// Where it lies.
    pub path: LayerPath,
    /// Lower is better: `etc/os-release` is 0, `usr/lib/os-release` 1, the older files after them. What a better file
    /// says stands; an older one may make its version more exact (`etc/alpine-release`, `etc/debian_version`).
    pub rank: u8,
    /// What it says, in os-release's words.
    pub release: OsRelease,
}

/// The repositories that Red Hat's builders say the packages of an image come from
/// (`root/buildinfo/content_manifests/*.json`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContentSets {
    /// The file that says so.
    pub path: LayerPath,
    /// The content sets: `rhel-9-for-x86_64-baseos-eus-rpms`.
    pub names: Vec<String>,
}

/// The files that a distribution's package manager says one package installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedFiles {
    /// The file that says so (`var/lib/dpkg/info/bash.list`, the apk or rpm database); visible or hidden with it.
    #[serde(rename = "proof")]
    pub evidence: LayerPath,
    /// The package's name.
    pub package: String,
    /// Paths that other analyzers might claim; the rest (manual pages, locales) is left out to keep layers small.
    pub paths: Vec<LayerPath>,
}

/// What a file besides the package database says of a package's licenses (`usr/share/doc/*/copyright`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseFact {
    /// The file.
    #[serde(rename = "proof")]
    pub evidence: LayerPath,
    /// The package's name.
    pub package: String,
    /// SPDX expressions or the words of the file.
    pub licenses: Vec<String>,
}

/// What an analyzer keeps of some files until it has seen their neighbours in the layer (a `go.mod` beside a `go.sum`,
/// the parents of a `pom.xml`). Lives only while the layer is read; bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    kept: Vec<(LayerPath, String)>,
    bytes: usize,
}

impl Notes {
    /// Bytes of all notes of one analyzer, with something for each note itself.
    pub const MAX_BYTES: usize = 32 << 20;

    /// Keeps a note of a file; false when there is no more room.
    pub fn keep(&mut self, path: &LayerPath, text: impl Into<String>) -> bool {
        let text = text.into();
        let cost = text.len() + path.len() + 128;
        if self.bytes + cost > Self::MAX_BYTES {
            return false;
        }
        self.bytes += cost;
        self.kept.push((path.clone(), text));
        true
    }

    /// All notes, in the order of their paths, and none afterwards.
    pub fn take(&mut self) -> Vec<(LayerPath, String)> {
        let mut kept = std::mem::take(self).kept;
        kept.sort();
        kept
    }
}

/// What one analyzer found in one layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Section {
    /// The revision of the analyzer that wrote it.
    pub revision: u32,
    /// Packages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<Package>,
    /// Distribution files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub os_releases: Vec<OsReleaseFile>,
    /// Repositories that packages come from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub content_sets: Vec<ContentSets>,
    /// Which paths belong to which distribution package.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owned: Vec<OwnedFiles>,
    /// Licenses distinguished from the package database.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<LicenseFact>,
    /// Secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// Files that checks of the whole image ask about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<CheckFact>,
    /// What this analyzer claimed and could not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// What the analyzer remembers while the layer is read; never stored.
    #[serde(skip)]
    pub notes: Notes,
}

impl Section {
    /// Whether nothing at all was found.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
            && self.os_releases.is_empty()
            && self.content_sets.is_empty()
            && self.owned.is_empty()
            && self.licenses.is_empty()
            && self.secrets.is_empty()
            && self.facts.is_empty()
            && self.gaps.is_empty()
    }

    /// How many lists a section has, for [`Section::lengths`] and [`Section::forget_where`].
    pub const LISTS: usize = 9;

    /// The lengths of its lists, packages first.
    pub fn lengths(&self) -> [u32; Self::LISTS] {
        [
            self.packages.len(),
            self.os_releases.len(),
            self.owned.len(),
            self.licenses.len(),
            self.secrets.len(),
            self.facts.len(),
            self.gaps.len(),
            self.notes.kept.len(),
            self.content_sets.len(),
        ]
        .map(|length| u32::try_from(length).unwrap_or(u32::MAX))
    }

    /// About how many bytes the items hold that came after its lists had these lengths: what a layer of small files
    /// full of packages costs is known by this, and by no file's size.
    pub fn weight_beyond(&self, lengths: [u32; Self::LISTS]) -> u64 {
        fn sum<T>(list: &[T], from: u32, own: usize, inner: impl Fn(&T) -> usize) -> u64 {
            let new = list.get(from as usize..).unwrap_or_default();
            new.iter().map(|item| (own + inner(item)) as u64).sum()
        }
        let texts = |list: &[String]| list.iter().map(|t| t.len() + 24).sum::<usize>();
        sum(&self.packages, lengths[0], size_of::<Package>(), |p| {
            let needs: usize = p.dependencies.iter().map(|d| d.name.len() + 64).sum();
            p.name.len() + p.version.len() + texts(&p.locations) + texts(&p.licenses) + texts(&p.hashes) + needs
        }) + sum(&self.owned, lengths[2], 64, |o| o.paths.iter().map(|p| p.len() + 32).sum())
            + sum(&self.licenses, lengths[3], 64, |l| texts(&l.licenses))
            + sum(&self.secrets, lengths[4], size_of::<Secret>(), |s| s.path.len() + s.redacted.len())
            + sum(&self.facts, lengths[5], 64, |f| f.path.len())
            + sum(&self.content_sets, lengths[8], 64, |c| texts(&c.names))
    }

    /// Drops every item of which `gone` says so; it is reported the list, the item's place in it, and the path that
    /// proves it, list by list and in order.
    pub fn forget_where(&mut self, mut gone: impl FnMut(usize, usize, &str) -> bool) {
        fn keep<T>(list: &mut Vec<T>, mut gone: impl FnMut(usize, &T) -> bool) {
            let mut place = 0;
            list.retain(|item| {
                place += 1;
                !gone(place - 1, item)
            });
        }
        keep(&mut self.packages, |i, p| gone(0, i, p.evidence()));
        keep(&mut self.os_releases, |i, o| gone(1, i, &o.path));
        keep(&mut self.owned, |i, o| gone(2, i, &o.evidence));
        keep(&mut self.licenses, |i, l| gone(3, i, &l.evidence));
        keep(&mut self.secrets, |i, s| gone(4, i, &s.path));
        keep(&mut self.facts, |i, f| gone(5, i, &f.path));
        keep(&mut self.gaps, |i, g| gone(6, i, &g.place));
        keep(&mut self.notes.kept, |i, (path, _)| gone(7, i, path));
        keep(&mut self.content_sets, |i, c| gone(8, i, &c.path));
    }

    /// Gives the paths that prove its items other names where `to` knows one; what is inside of a file goes with it.
    pub fn rename<'p>(&mut self, to: impl Fn(&str) -> Option<&'p LayerPath>) {
        let text = |place: &mut String| {
            let (outer, inside) = place.split_at(place.find('!').unwrap_or(place.len()));
            if let Some(path) = to(outer) {
                *place = format!("{path}{inside}");
            }
        };
        let path = |path: &mut LayerPath| {
            if let Some(other) = to(path.as_str()) {
                *path = other.clone();
            }
        };
        self.packages.iter_mut().flat_map(|p| &mut p.locations).for_each(text);
        self.os_releases.iter_mut().for_each(|o| path(&mut o.path));
        self.content_sets.iter_mut().for_each(|c| path(&mut c.path));
        self.owned.iter_mut().for_each(|o| path(&mut o.evidence));
        self.licenses.iter_mut().for_each(|l| path(&mut l.evidence));
        self.secrets.iter_mut().for_each(|s| text(&mut s.path));
        self.facts.iter_mut().for_each(|f| path(&mut f.path));
        self.gaps.iter_mut().for_each(|g| text(&mut g.place));
    }

    /// Takes in what another look at the same layer found.
    pub fn absorb(&mut self, other: Section) {
        fn add<T: Ord>(list: &mut Vec<T>, more: Vec<T>) {
            list.extend(more);
            list.sort();
            list.dedup();
        }
        self.revision = other.revision;
        add(&mut self.packages, other.packages);
        add(&mut self.secrets, other.secrets);
        add(&mut self.facts, other.facts);
        add(&mut self.gaps, other.gaps);
        add(&mut self.content_sets, other.content_sets);
        self.os_releases.extend(other.os_releases);
        self.os_releases.sort_by(|a, b| (a.rank, &a.path).cmp(&(b.rank, &b.path)));
        self.owned.extend(other.owned);
        self.owned.sort_by(|a, b| (&a.evidence, &a.package).cmp(&(&b.evidence, &b.package)));
        self.licenses.extend(other.licenses);
        self.licenses.sort_by(|a, b| (&a.evidence, &a.package).cmp(&(&b.evidence, &b.package)));
    }

    /// Drops everything that `path` proved: a later entry of the same layer has replaced the file.
    pub fn forget(&mut self, path: &str) {
        self.forget_where(|_, _, evidence| evidence == path);
    }
}

/// What one layer contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerInventory {
    /// The digest of the blob, hashed while it was read; of a second look, [`crate::Alias::digest`].
    pub blob: Digest,
    /// Compressed bytes read.
    pub size: u64,
    /// Bytes after decompression.
    pub unpacked: u64,
    /// Each analyzer's section; analyzers that found nothing have none.
    pub sections: BTreeMap<AnalyzerId, Section>,
    /// Gaps of the layer as a whole.
    pub gaps: Vec<Gap>,
    /// The layer's entries by path.
    #[serde(skip)]
    pub paths: PathTable,
}

impl LayerInventory {
    /// An inventory of a layer of which nothing could be read, with the reason. It may be cached only when the reason
    /// [is deterministic](crate::GapKind::is_deterministic).
    pub fn unread(blob: Digest, gap: Gap) -> Self {
        Self { blob, size: 0, unpacked: 0, sections: BTreeMap::new(), gaps: vec![gap], paths: PathTable::default() }
    }

    /// Takes in what another look at the same layer found. A gap of the layer as a whole is reported once.
    pub fn absorb(&mut self, other: LayerInventory) {
        for (id, section) in other.sections {
            self.sections.entry(id).or_default().absorb(section);
        }
        self.gaps.extend(other.gaps);
        self.gaps.sort();
        self.gaps.dedup();
    }

    /// Whether it may be stored under its key (invariant 3: failures of time, memory, disk and network are not).
    pub fn is_cacheable(&self) -> bool {
        let sections = self.sections.values().flat_map(|s| &s.gaps);
        self.gaps.iter().chain(sections).all(|g| g.kind.is_deterministic())
    }
}
