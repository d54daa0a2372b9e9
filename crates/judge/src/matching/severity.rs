//! The severity that counts, and who gave it.
//!
//! Precedence, the first that exists:
//! 1. the matched advisory's own rating of this package (a distribution knows how it builds; a registry's database
//!    knows its ecosystem), then its publisher's rating of the vulnerability, then its publisher's CVSS score;
//! 2. GitHub's rating, NVD's rating, NVD's CVSS score, GitHub's CVSS score;
//! 3. for a registry's package, any other rating, the gravest; a distribution's package never takes another
//!    distribution's word, which is about other builds;
//! 4. for an advisory that bundles several CVEs, the gravest of theirs by rule 2.
//!
//! A rating of "unknown" is none.

use layergate_advisory::{Snapshot, Vulnerability};
use layergate_model::{Cvss, Severity};

use super::hit::Hit;

/// Severity and source.
pub(super) fn decide(
    hits: &[Hit<'_, '_>],
    vulnerability: &Vulnerability<'_>,
    cvss: &[Cvss],
    snapshot: &Snapshot,
) -> (Severity, Option<String>) {
    let known = |s: &Severity| *s != Severity::Unknown;
    let own = hits.iter().filter_map(|h| Some((h.entry.severity.filter(known)?, h.entry.feed))).max();
    if let Some((severity, feed)) = own {
        return (severity, Some(publisher(snapshot.feed_id(feed)).to_owned()));
    }
    let ratings: Vec<(&str, Severity)> = vulnerability.ratings().filter(|(_, s)| known(s)).collect();
    let of = |source: &str| ratings.iter().find(|(s, _)| *s == source).map(|(_, s)| *s);
    for hit in hits {
        let source = publisher(snapshot.feed_id(hit.entry.feed));
        if let Some(severity) = of(source).or_else(|| scored(cvss, source)) {
            return (severity, Some(source.to_owned()));
        }
    }
    if let Some((severity, source)) = neutral(&of, cvss) {
        return (severity, Some(source.to_owned()));
    }
    if !hits.iter().any(|h| h.distribution)
        && let Some((source, severity)) = ratings.iter().max_by_key(|(_, s)| *s)
    {
        return (*severity, Some((*source).to_owned()));
    }
    let bundled = vulnerability.aliases.clone().filter(|a| a.starts_with("CVE-")).flat_map(|cve| {
        snapshot
            .vulnerabilities_named(cve)
            .into_iter()
            .filter_map(|n| snapshot.vulnerability(n))
            .filter(move |f| f.id == cve)
            .filter_map(|f| {
                let cvss: Vec<Cvss> = f.cvss().collect();
                let ratings: Vec<(&str, Severity)> = f.ratings().filter(|(_, s)| known(s)).collect();
                neutral(&|source| ratings.iter().find(|(s, _)| *s == source).map(|(_, s)| *s), &cvss)
            })
    });
    match bundled.max_by_key(|(severity, _)| *severity) {
        Some((severity, source)) => (severity, Some(source.to_owned())),
        None => (Severity::Unknown, None),
    }
}

/// Rule 2.
fn neutral(of: &dyn Fn(&str) -> Option<Severity>, cvss: &[Cvss]) -> Option<(Severity, &'static str)> {
    let rated = |source: &'static str| of(source).map(|s| (s, source));
    let scored = |source: &'static str| scored(cvss, source).map(|s| (s, source));
    rated("ghsa").or_else(|| rated("nvd")).or_else(|| scored("nvd")).or_else(|| scored("ghsa"))
}

/// The newest CVSS version's score of a source.
fn scored(cvss: &[Cvss], source: &str) -> Option<Severity> {
    let newest = cvss
        .iter()
        .filter(|c| c.source == source)
        .max_by(|a, b| (&a.version, a.score_tenths).cmp(&(&b.version, b.score_tenths)))?;
    Some(Severity::from_cvss_score(f64::from(newest.score_tenths) / 10.0))
}

/// The word under which a feed's publisher signs its ratings.
fn publisher(feed: &str) -> &str {
    match feed {
        "azurelinux-oval" => "microsoft",
        "nodejs-security-wg" => "nodejs",
        _ => {
            let feed = feed.strip_prefix("osv-").unwrap_or(feed);
            feed.split('-').next().unwrap_or(feed)
        }
    }
}
