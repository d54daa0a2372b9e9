//! Questions about the estate: functions over its state and index.

mod plan;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use layergate_model::{ImagePackage, PackageKind, Purl};
use layergate_policy::PurlParts;
use layergate_version::{Constraint, Scheme, VersionError};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

pub use plan::BasePlan;

use crate::{Index, Judgement, State, TagEntry, Unit};

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// Packages.
    Package(PackageQuery),
    /// A vulnerability, by any of its ids.
    Vulnerability(String),
}

/// Packages by purl or name, and by version.
#[derive(Clone, Debug, PartialEq)]
pub struct PackageQuery {
    /// `pkg:type/namespace/name` in parts, or a bare name.
    name: Named,
    /// Only these versions.
    constraint: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Named {
    Purl(PurlParts),
    Bare(String),
}

/// The question cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The range cannot be read.
    #[error("the version range {text:?} cannot be read: {source} (for example `<2.17.1`, `>=2.0, <2.17.1`)")]
    Range {
        /// What was given.
        text: String,
        /// What is wrong with it.
        #[source]
        source: VersionError,
    },
    /// A range without a version.
    #[error("the version range {0:?} names no version (write for example `<2.17.1`, `>=2.0, <2.17.1`)")]
    NoVersion(String),
    /// A range beside a vulnerability.
    #[error("--version belongs to a package (pkg:TYPE/NAME or a name), not to the vulnerability {0}")]
    VersionOfVulnerability(String),
}

impl Wanted {
    /// Reads what somebody looks for: `CVE-…`, `GHSA-…` and the like are vulnerabilities, `pkg:…` and other words packages.
    pub fn read(text: &str, version: Option<&str>) -> Result<Self, QueryError> {
        let text = text.trim();
        if is_vulnerability(text) {
            return match version {
                Some(_) => Err(QueryError::VersionOfVulnerability(text.to_owned())),
                None => Ok(Self::Vulnerability(text.to_owned())),
            };
        }
        let name = match PurlParts::read(text) {
            Some(mut parts) => {
                // `pkg:maven/g/a@1.2` without a range means that version.
                let named = std::mem::take(&mut parts.version);
                let exactly = (!named.is_empty()).then(|| format!("={named}"));
                let constraint = version.map(str::to_owned).or(exactly);
                let query = PackageQuery { name: Named::Purl(parts), constraint };
                query.check()?;
                return Ok(Self::Package(query));
            }
            None => Named::Bare(text.to_owned()),
        };
        let query = PackageQuery { name, constraint: version.map(str::to_owned) };
        query.check()?;
        Ok(Self::Package(query))
    }
}

fn is_vulnerability(text: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "CVE-",
        "GHSA-",
        "DSA-",
        "DLA-",
        "USN-",
        "RHSA-",
        "ALAS",
        "ELSA-",
        "PYSEC-",
        "RUSTSEC-",
        "GO-",
        "MAL-",
        "OSV-",
        "BIT-",
        "SUSE-",
        "openSUSE-",
        "ALSA-",
        "RLSA-",
    ];
    !text.starts_with("pkg:") && PREFIXES.iter().any(|p| text.starts_with(p))
}

impl PackageQuery {
    /// A range that no scheme can read is refused before anything is looked for.
    fn check(&self) -> Result<(), QueryError> {
        let Some(text) = &self.constraint else { return Ok(()) };
        if !text.contains(|c: char| c.is_alphanumeric() || c == '*') {
            return Err(QueryError::NoVersion(text.clone()));
        }
        let scheme = match &self.name {
            Named::Purl(parts) => Scheme::for_purl_type(parts.kind()),
            Named::Bare(_) => None,
        };
        let readable = |scheme| Constraint::parse(scheme, text).map(drop);
        let answer = match scheme {
            Some(scheme) => readable(scheme),
            None => Scheme::all().map(readable).find(Result::is_ok).unwrap_or_else(|| readable(Scheme::Semver)),
        };
        answer.map_err(|source| QueryError::Range { text: text.clone(), source })
    }

    fn matches(&self, package: &ImagePackage, constraints: &mut FxHashMap<PackageKind, Option<Constraint>>) -> bool {
        let named = match &self.name {
            Named::Bare(name) => {
                package.package.name == *name || package.package.source.as_ref().is_some_and(|s| s.name == *name)
            }
            Named::Purl(wanted) => {
                // Most packages are of another kind: nothing is taken apart for them.
                let quick = package
                    .purl
                    .as_str()
                    .get(4..)
                    .is_some_and(|rest| rest.split('/').next().is_some_and(|kind| kind == wanted.kind()));
                quick && is_named(&package.purl, wanted)
            }
        };
        if !named {
            return false;
        }
        let Some(text) = &self.constraint else { return true };
        let constraint = constraints.entry(package.package.kind).or_insert_with_key(|kind| {
            Scheme::for_purl_type(kind.purl_type()).and_then(|scheme| Constraint::parse(scheme, text).ok())
        });
        constraint.as_ref().is_some_and(|c| c.matches(&package.package.version).unwrap_or(false))
    }
}

fn is_named(purl: &Purl, wanted: &PurlParts) -> bool {
    let parts = PurlParts::of(purl);
    parts.base == wanted.base && wanted.qualifiers.iter().all(|(key, value)| parts.qualifier(key) == Some(value))
}

/// A package of an answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FoundPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its package URL.
    pub purl: String,
}

/// An image of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundImage {
    /// The reference.
    pub reference: String,
    /// The manifest's digest.
    pub digest: String,
    /// The platform.
    pub platform: Option<String>,
    /// Whether it runs somewhere.
    pub in_use: bool,
    /// Of a vulnerability: the day since which it is true of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Date>,
    /// What of it was looked for.
    pub packages: Vec<FoundPackage>,
}

/// The answer to a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Images.
    pub count: usize,
    /// The images, by reference.
    pub images: Vec<FoundImage>,
}

/// Everything that is asked.
#[derive(Clone, Copy)]
pub struct Estate<'a> {
    /// What follows from the events.
    pub state: &'a State,
    /// What is in the images.
    pub index: &'a Index,
    /// What is known against it.
    pub judgement: &'a Judgement,
}

impl<'a> Estate<'a> {
    /// The watched images that hold what is looked for.
    pub fn search(&self, wanted: &Wanted) -> Answer {
        let mut parts: FxHashSet<u32> = FxHashSet::default();
        match wanted {
            Wanted::Package(query) => {
                let mut constraints = FxHashMap::default();
                let packages = self.index.packages.iter();
                let matching: FxHashSet<u32> =
                    packages.filter(|(_, p)| query.matches(&p.0, &mut constraints)).map(|(n, _)| n).collect();
                let of_them = self.index.parts.iter().filter(|(_, part)| matching.contains(&part.package));
                parts.extend(of_them.map(|(n, _)| n));
            }
            Wanted::Vulnerability(id) => parts.extend(self.judgement.parts_with(id)),
        }
        if parts.is_empty() {
            return Answer::default();
        }
        let sets = self.index.sets.iter().filter(|(_, set)| set.iter().any(|part| parts.contains(part)));
        let sets: FxHashSet<u32> = sets.map(|(n, _)| n).collect();
        let mut images = Vec::new();
        for (reference, tag, unit) in self.state.units() {
            let Some(entry) = self.index.images.get(&unit.key).filter(|e| e.sets.iter().any(|s| sets.contains(s)))
            else {
                continue;
            };
            let found = self.index.packages_of(entry).filter(|(part, _)| parts.contains(part));
            let packages: BTreeSet<FoundPackage> = found
                .map(|(_, p)| FoundPackage {
                    name: p.package.name.clone(),
                    version: p.package.version.clone(),
                    purl: p.purl.to_string(),
                })
                .collect();
            images.push(FoundImage {
                reference: reference.to_owned(),
                digest: unit.digest.to_string(),
                platform: unit.platform.clone(),
                in_use: self.state.is_in_use(tag, unit),
                first_seen: match wanted {
                    Wanted::Vulnerability(id) => self.first_seen(unit, entry, id),
                    Wanted::Package(_) => None,
                },
                packages: packages.into_iter().collect(),
            });
        }
        Answer { count: images.len(), images }
    }

    /// The day since which a vulnerability is true of an image: the later of the day on which the image was first judged and
    /// that on which it became true of the part; of several parts the earliest.
    fn first_seen(&self, unit: &Unit, entry: &crate::Entry, id: &str) -> Option<Date> {
        let since = unit.since?;
        let named = |f: &crate::FindingOutline| *f.advisory == *id || f.aliases.iter().any(|a| **a == *id);
        let found = self.judgement.findings(self.index, entry).filter(|(_, f)| named(f));
        let days = found.map(|(part, finding)| {
            let part = self.index.part_name(part).and_then(|name| self.state.first_true.get(&name));
            let became = part.and_then(|known| known.get(&*finding.advisory).copied().flatten());
            became.map_or(since, |day| day.max(since))
        });
        days.min()
    }

    /// Counts over all watched images: vulnerabilities, each once, and occurrences, once for each package of each image.
    pub fn totals(&self) -> Totals {
        let mut occurrences = 0u64;
        let mut unique: BTreeMap<&str, u64> = BTreeMap::new();
        let mut by_set: FxHashMap<u32, Vec<&str>> = FxHashMap::default();
        for (_, _, unit) in self.state.units() {
            let Some(entry) = self.index.images.get(&unit.key) else { continue };
            for set in &entry.sets {
                let ids = by_set.entry(*set).or_insert_with(|| self.judgement.advisories_of(self.index, *set));
                occurrences += ids.len() as u64;
                for id in ids {
                    *unique.entry(id).or_default() += 1;
                }
            }
        }
        Totals { vulnerabilities: unique.len() as u64, occurrences }
    }

    /// The images of the catalogue that a filter lets through, in the order of their references.
    pub fn list(&self, filter: &Filter) -> Vec<Listed<'a>> {
        let mut out = Vec::new();
        for (reference, entry) in &self.state.tags {
            let row = |unit| Listed { reference, entry, unit };
            if entry.units.is_empty() {
                out.extend(Some(row(None)).filter(|row| filter.accepts(self.state, row)));
            }
            out.extend(entry.units.iter().map(|unit| row(Some(unit))).filter(|row| filter.accepts(self.state, row)));
        }
        out
    }
}

/// Numbers of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Vulnerabilities, each once.
    pub vulnerabilities: u64,
    /// Findings, once for each package of each image.
    pub occurrences: u64,
}

/// A row of the list.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// The reference.
    pub reference: &'a str,
    /// How it stands.
    pub entry: &'a TagEntry,
    /// Its image; none where there is none.
    pub unit: Option<&'a Unit>,
}

/// Which images are listed; everything that is set must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Words of [`crate::Standing::word`].
    pub states: Vec<String>,
    /// Verdicts.
    pub verdicts: Vec<layergate_model::Verdict>,
    /// Patterns of references (`registry.example/team/*`).
    pub images: Vec<layergate_policy::ImagePattern>,
    /// Only what runs somewhere.
    pub in_use: bool,
}

impl Filter {
    fn accepts(&self, state: &State, row: &Listed<'_>) -> bool {
        let verdict = row.unit.and_then(|u| u.verdict.as_ref()).map(|v| v.verdict);
        (self.states.is_empty() || self.states.iter().any(|s| s == row.entry.standing.word()))
            && (self.verdicts.is_empty() || verdict.is_some_and(|v| self.verdicts.contains(&v)))
            && (self.images.is_empty() || self.images.iter().any(|p| p.matches(row.reference)))
            && (!self.in_use || row.unit.is_some_and(|u| state.is_in_use(row.entry, u)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for() {
        assert_eq!(Wanted::read("CVE-2021-44228", None).unwrap(), Wanted::Vulnerability("CVE-2021-44228".into()));
        assert!(Wanted::read("CVE-2021-44228", Some("<2")).is_err());
        assert!(matches!(Wanted::read("openssl", None).unwrap(), Wanted::Package(_)));
        assert!(Wanted::read("pkg:maven/a/b", Some("<<<")).is_err());
        assert!(Wanted::read("pkg:maven/a/b", Some(">=2.0, <2.17.1")).is_ok());
    }
}
