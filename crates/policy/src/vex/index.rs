//! VEX documents bound to one image: for each finding, whether a statement takes it out of the verdict.
//!
//! In one document a later statement replaces an earlier one about the same thing. Two statements that stand beside
//! each other and disagree (in one document at the same time, or in two documents) take nothing out, and that is
//! reported. A statement older than the policy's `[vex] max-age-days` no longer counts, and that is reported too.

use std::collections::HashMap;

use jiff::{civil::Date, tz::TimeZone};
use layergate_model::{Digest, Finding, Gap, GapKind, ImageInventory, ImagePackage, ImageReference};

use super::{VexDocument, VexProduct, VexProductKind, VexStatement, VexStatus, product};
use crate::{PurlParts, finding_names::FindingNames};

/// The image as VEX statements may name it.
#[derive(Clone, Debug)]
pub struct VexImage<'a> {
    /// The reference as in the report.
    pub reference: &'a str,
    /// The manifest's digest and the index's.
    pub digests: [Option<Digest>; 2],
    /// What is in it.
    pub inventory: &'a ImageInventory,
}

/// A statement that takes a finding out.
#[derive(Clone, Debug, PartialEq)]
pub struct VexVerdict {
    /// `not_affected` or `fixed`.
    pub status: VexStatus,
    /// The document's id.
    pub document: String,
    /// The justification, with the status where it is `fixed`.
    pub justification: String,
    /// The last day on which it counts, where the policy limits the age of statements.
    pub expires: Option<String>,
}

/// What VEX says of a finding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VexAnswer {
    /// The statement that takes it out.
    pub verdict: Option<VexVerdict>,
    /// Contradictions and expired statements.
    pub gaps: Vec<Gap>,
}

/// All statements, by vulnerability.
pub struct VexIndex<'a> {
    documents: &'a [VexDocument],
    by_id: HashMap<&'a str, Vec<(usize, usize)>>,
    image: VexImage<'a>,
    parsed_reference: Option<ImageReference>,
    as_of: Date,
    max_age_days: Option<u32>,
}

impl<'a> VexIndex<'a> {
    /// Binds `documents` to `image` on the day `as_of`.
    pub fn new(documents: &'a [VexDocument], image: VexImage<'a>, as_of: Date, max_age_days: Option<u32>) -> Self {
        let mut by_id: HashMap<&str, Vec<(usize, usize)>> = HashMap::new();
        for (d, document) in documents.iter().enumerate() {
            for (s, statement) in document.statements.iter().enumerate() {
                for id in &statement.vulnerabilities {
                    let list = by_id.entry(id.as_str()).or_default();
                    if list.last() != Some(&(d, s)) {
                        list.push((d, s));
                    }
                }
            }
        }
        let parsed_reference = image.reference.parse().ok();
        Self { documents, by_id, image, parsed_reference, as_of, max_age_days }
    }

    /// Whether there is nothing to ask.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The documents' own problems, to be reported whether or not they concern a finding.
    pub fn problems(&self) -> Vec<Gap> {
        let gap = |d: &VexDocument, p: &String| Gap::new(GapKind::InvalidVex, d.id.clone(), p.clone());
        self.documents.iter().flat_map(|d| d.problems.iter().map(move |p| gap(d, p))).collect()
    }

    /// What the statements say of `finding` on `package`. An advisory that stands for several vulnerabilities is taken
    /// out by a statement on itself, or when each of them is.
    pub fn answer(&self, finding: &Finding, package: &ImagePackage) -> VexAnswer {
        let FindingNames { whole, parts } = FindingNames::of(finding);
        let mut out = self.answer_on(&[&whole[..], &parts[..]].concat(), finding, package);
        if out.verdict.is_none() || parts.is_empty() {
            return out;
        }
        let verdict = |ids: &[&str]| self.answer_on(ids, finding, package).verdict;
        out.verdict = verdict(&whole).or_else(|| {
            let each: Option<Vec<VexVerdict>> = parts.iter().map(|part| verdict(&[part])).collect();
            // The one that ends first tells until when, and one that is fixed may be affected elsewhere.
            each?
                .into_iter()
                .min_by_key(|v| (v.expires.is_none(), v.expires.clone(), v.status == VexStatus::NotAffected))
        });
        out
    }

    /// What the statements on these ids say.
    fn answer_on(&self, ids: &[&str], finding: &Finding, package: &ImagePackage) -> VexAnswer {
        let mut places: Vec<(usize, usize)> =
            ids.iter().filter_map(|id| self.by_id.get(id)).flatten().copied().collect();
        if places.is_empty() {
            return VexAnswer::default();
        }
        places.sort_unstable();
        places.dedup();
        let purl = PurlParts::of(&package.purl);
        let mut out = VexAnswer::default();
        let mut standing: Vec<(usize, &VexStatement)> = Vec::new();
        for (d, s) in places {
            let statement = &self.documents[d].statements[s];
            if !statement.products.iter().any(|p| self.concerns(p, package, &purl)) {
                continue;
            }
            standing.push((d, statement));
        }
        // Within one document the newest word counts; what was said before it is history.
        let mut newest: HashMap<usize, Option<jiff::Timestamp>> = HashMap::new();
        for (d, statement) in &standing {
            let time = newest.entry(*d).or_default();
            *time = (*time).max(statement.time);
        }
        standing.retain(|(d, statement)| newest.get(d) == Some(&statement.time));
        standing.retain(|(d, statement)| match self.expired(statement) {
            Some(days) => {
                let limit = self.max_age_days.unwrap_or_default();
                out.gaps.push(Gap::new(
                    GapKind::InvalidVex,
                    self.documents[*d].id.clone(),
                    format!(
                        "{}: the statement {} on {} is {days} days old, more than the {limit} that the policy allows; it no longer counts",
                        finding.advisory,
                        statement.status.as_str(),
                        package.package.name
                    ),
                ));
                false
            }
            None => true,
        });
        let Some((first, statement)) = standing.iter().find(|(_, s)| s.status.suppresses()) else { return out };
        if let Some((other, against)) = standing.iter().find(|(_, s)| !s.status.suppresses()) {
            out.gaps.push(Gap::new(
                GapKind::InvalidVex,
                self.documents[*first].id.clone(),
                format!(
                    "{} on {}: it says {}, but {} says {}; the finding stands until they agree",
                    finding.advisory,
                    package.package.name,
                    statement.status.as_str(),
                    if other == first { "another statement in it" } else { &self.documents[*other].id },
                    against.status.as_str()
                ),
            ));
            return out;
        }
        let justification = match (statement.status, statement.justification.as_str()) {
            (VexStatus::NotAffected, words) => words.to_owned(),
            (status, "") => status.as_str().to_owned(),
            (status, words) => format!("{}: {words}", status.as_str()),
        };
        out.verdict = Some(VexVerdict {
            status: statement.status,
            document: self.documents[*first].id.clone(),
            justification,
            expires: self.last_day(statement),
        });
        out
    }

    fn day(statement: &VexStatement) -> Option<Date> {
        statement.time.map(|t| t.to_zoned(TimeZone::UTC).date())
    }

    fn last_day(&self, statement: &VexStatement) -> Option<String> {
        let span = jiff::Span::new().try_days(i64::from(self.max_age_days?)).ok()?;
        Self::day(statement)?.checked_add(span).ok().map(|d| d.to_string())
    }

    /// The age in days where it is beyond the limit; a statement without a time is not known to be fresh.
    fn expired(&self, statement: &VexStatement) -> Option<i64> {
        let limit = i64::from(self.max_age_days?);
        let age = Self::day(statement).map_or(i64::MAX, |d| {
            (self.as_of.to_zoned(TimeZone::UTC).ok())
                .zip(d.to_zoned(TimeZone::UTC).ok())
                .map_or(i64::MAX, |(now, then)| (now.timestamp().as_second() - then.timestamp().as_second()) / 86_400)
        });
        (age > limit).then_some(age)
    }

    fn concerns(&self, stated: &VexProduct, package: &ImagePackage, purl: &PurlParts) -> bool {
        let version_ok = stated.versions.is_empty()
            || stated.versions.iter().any(|v| product::same_version(v, &package.package.version) || *v == purl.version);
        let part_ok = || stated.parts.iter().any(|p| product::names(p, package, purl));
        let whole_ok = || stated.parts.is_empty() || part_ok();
        version_ok
            && match &stated.kind {
                VexProductKind::Package(named) if stated.parts.is_empty() => product::names(named, package, purl),
                VexProductKind::Package(named) => part_ok() && self.holder(named, package),
                VexProductKind::Image { name, digest, repository } => {
                    whole_ok() && self.is_image(name.as_deref(), digest.as_ref(), repository.as_deref())
                }
                VexProductKind::Distribution { id, release } => part_ok() && self.is_distribution(id, release),
                VexProductKind::Anything => part_ok(),
            }
    }

    fn holder(&self, named: &PurlParts, part: &ImagePackage) -> bool {
        self.image.inventory.packages.iter().any(|whole| {
            whole.purl.as_str().len() >= named.base.len()
                && product::brought_by(whole, part)
                && product::names(named, whole, &PurlParts::of(&whole.purl))
        })
    }

    fn is_image(&self, name: Option<&str>, digest: Option<&Digest>, repository: Option<&str>) -> bool {
        if digest.is_some_and(|d| !self.image.digests.iter().flatten().any(|have| have == d)) {
            return false;
        }
        if digest.is_none() && name.is_none() && repository.is_none() {
            return false;
        }
        let Some(reference) = &self.parsed_reference else {
            // An archive or a root file system has no name: only a digest can say that it is meant.
            return digest.is_some();
        };
        let last = reference.repository.as_str().rsplit('/').next().unwrap_or_default();
        // A digest is exact; a mirror may have another name.
        let named = digest.is_some() || name.is_none_or(|n| n == last);
        let placed = digest.is_some()
            || repository.is_none_or(|url| {
                let url = url.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
                url.parse::<ImageReference>().is_ok_and(|stated| {
                    stated.registry == reference.registry && stated.repository == reference.repository
                })
            });
        named && placed
    }

    fn is_distribution(&self, id: &str, release: &str) -> bool {
        self.image.inventory.distro.as_ref().is_some_and(|d| {
            let parts = release.split('.').count();
            d.id == id && (release.is_empty() || d.release(parts).as_deref() == Some(release))
        })
    }
}
