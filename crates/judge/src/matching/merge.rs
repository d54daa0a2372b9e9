//! The hits on one package become findings: one for each vulnerability, whatever the number of feeds that describe it.
//!
//! A bundle (an advisory with several CVEs, none of them its own name) is a finding of its own, unless each of its CVEs
//! is a finding on the package already: then its id only joins theirs. A source's "not affected" takes the
//! vulnerability away.

use std::collections::BTreeSet;

use layergate_advisory::{End, Snapshot, Vulnerability};
use layergate_model::{Cvss, Effect, Evidence, Finding, FindingId, ImagePackage, Status};

use super::{advice, hit::Hit, severity};

/// Ids of distributions' own advisories: shown on a finding only where that very advisory matched.
const LOCAL: &[&str] = &[
    "DSA-",
    "DLA-",
    "DTSA-",
    "ELA-",
    "USN-",
    "LSN-",
    "ALSA-",
    "ALBA-",
    "ALEA-",
    "RLSA-",
    "RXSA-",
    "RLBA-",
    "RLEA-",
    "RHSA-",
    "RHBA-",
    "RHEA-",
    "ELSA-",
    "ALAS",
    "SUSE-",
    "openSUSE-",
    "PHSA-",
    "FEDORA-",
    "AVG-",
    "ASA-",
    "UBUNTU-",
    "DEBIAN-",
    "ALPINE-",
    "CGA-",
    "MGASA-",
    "openEuler-",
    "BRSA-",
    "BIT-",
];

/// The findings on a package.
pub(super) fn findings(package: &ImagePackage, mut hits: Vec<Hit<'_, '_>>, snapshot: &Snapshot) -> Vec<Finding> {
    if hits.is_empty() {
        return Vec::new();
    }
    // Stable: among the hits of a vulnerability the order in which they were found counts.
    hits.sort_by_key(|h| h.entry.vulnerability);
    let mut out: Vec<Finding> = Vec::with_capacity(hits.len());
    for hits in hits.chunk_by(|a, b| a.entry.vulnerability == b.entry.vulnerability) {
        if hits.iter().any(|h| h.entry.status == Status::NotAffected) {
            continue;
        }
        if let Some(vulnerability) = snapshot.vulnerability(hits[0].entry.vulnerability) {
            out.push(finding(package, &vulnerability, hits, snapshot));
        }
    }
    unbundle(out)
}

fn is_local(id: &str) -> bool {
    // Nearly all aliases are of these two kinds.
    !id.starts_with("CVE-") && !id.starts_with("GHSA-") && LOCAL.iter().any(|prefix| id.starts_with(prefix))
}

fn finding(
    package: &ImagePackage,
    vulnerability: &Vulnerability<'_>,
    hits: &[Hit<'_, '_>],
    snapshot: &Snapshot,
) -> Finding {
    let cvss: Vec<Cvss> = vulnerability.cvss().collect();
    let (severity, severity_source) = severity::decide(hits, vulnerability, &cvss, snapshot);
    let fixed_versions = fixed_versions(hits);
    let status = if fixed_versions.is_empty() {
        let open = |s: &Status| *s != Status::Fixed;
        hits.iter().map(|h| h.entry.status).find(open).unwrap_or(Status::Affected)
    } else {
        Status::Fixed
    };
    let matched = || hits.iter().filter_map(|h| h.entry.id());
    let mut aliases: Vec<&str> = vulnerability
        .aliases
        .clone()
        .filter(|a| !is_local(a) || matched().any(|m| m == *a))
        .chain(matched())
        .filter(|a| *a != vulnerability.id)
        .collect();
    aliases.sort_unstable();
    aliases.dedup();
    let aliases = aliases.into_iter().map(str::to_owned).collect();
    // The hit that names a fix explains most.
    let precise = hits.iter().find(|h| matches!(&h.range, Some(r) if matches!(r.end, End::Fixed(_)))).or(hits.first());
    let evidence = Evidence {
        range: precise.map_or_else(String::new, |h| match &h.range {
            Some(range) => range.to_string(),
            None => format!("= {}", h.version),
        }),
        feed: precise.map_or_else(String::new, |h| snapshot.feed_id(h.entry.feed).to_owned()),
        matched_name: precise.and_then(|h| h.matched_name).map(str::to_owned),
    };
    Finding {
        id: FindingId::derive(&package.id, vulnerability.id),
        advisory: vulnerability.id.to_owned(),
        aliases,
        title: vulnerability.title.map(str::to_owned),
        severity,
        severity_source,
        cvss,
        cwe: vulnerability.cwes().collect(),
        signals: vulnerability.signals(),
        malicious: vulnerability.malicious,
        package: package.id.clone(),
        status,
        remediation: advice::remediation(&package.package, status, &fixed_versions, vulnerability.malicious),
        fixed_versions,
        layer: package.layer,
        evidence,
        effect: Effect::Ignore,
        suppressed_by: None,
    }
}

/// The versions above the package's that fix the vulnerability, lowest first, each once.
fn fixed_versions(hits: &[Hit<'_, '_>]) -> Vec<String> {
    let Some(scheme) = hits.first().map(|h| h.scheme) else { return Vec::new() };
    let mut fixed: Vec<&str> = Vec::new();
    for hit in hits {
        for range in hit.entry.ranges.clone() {
            if let End::Fixed(v) = range.end
                && (hit.is_held_by(&range)
                    || !scheme.compare_to_bound(hit.version, v).is_ok_and(std::cmp::Ordering::is_ge))
            {
                fixed.push(v);
            }
        }
    }
    fixed.sort_by(|a, b| scheme.compare(a, b).unwrap_or_else(|_| a.cmp(b)).then_with(|| a.cmp(b)));
    fixed.dedup_by(|a, b| a == b || scheme.compare(a, b).is_ok_and(std::cmp::Ordering::is_eq));
    fixed.into_iter().map(str::to_owned).collect()
}

fn unbundle(mut findings: Vec<Finding>) -> Vec<Finding> {
    // Nearly all findings are CVEs: then there is nothing to look for.
    let is_cve = |f: &Finding| f.advisory.starts_with("CVE-");
    if findings.iter().all(is_cve) || !findings.iter().any(is_cve) {
        return findings;
    }
    let singles: BTreeSet<String> = findings.iter().filter(|f| is_cve(f)).map(|f| f.advisory.clone()).collect();
    let mut joined: Vec<(String, Vec<String>)> = Vec::new();
    findings.retain(|f| {
        let cves: Vec<&String> = f.aliases.iter().filter(|a| a.starts_with("CVE-")).collect();
        let covered = !f.advisory.starts_with("CVE-") && !cves.is_empty() && cves.iter().all(|c| singles.contains(*c));
        if covered {
            let names = f.aliases.iter().filter(|a| !a.starts_with("CVE-")).chain([&f.advisory]).cloned().collect();
            joined.extend(cves.into_iter().map(|c| (c.clone(), Vec::clone(&names))));
        }
        !covered
    });
    for (cve, names) in joined {
        if let Some(finding) = findings.iter_mut().find(|f| f.advisory == cve) {
            finding.aliases.extend(names);
            finding.aliases.sort();
            finding.aliases.dedup();
        }
    }
    findings
}
