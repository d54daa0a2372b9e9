//! What several formats for people need of a report, worked out once: findings grouped by what one would upgrade,
//! merged over its binary packages, gravest first.
//!
//! Debian builds a dozen binary packages from one source, each with the same vulnerabilities; a person upgrades the
//! source once. So a distribution's packages of one source and version are one group, whichever layers brought them,
//! and one vulnerability is one row. What to do about them is `plan.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use layergate_model::{Effect, Finding, Origin, PackageId, Report, ReportPackage, Severity, Status};

/// One vulnerability in one group.
pub(crate) struct Row<'a> {
    pub(crate) finding: &'a Finding,
}

/// What one would upgrade.
pub(crate) struct Group<'a> {
    /// The source package's name, or the package's own.
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    /// `deb`, `npm`, …; empty when the report has no such package.
    pub(crate) kind: &'static str,
    pub(crate) layers: BTreeSet<u32>,
    pub(crate) origin: Origin,
    /// The affected packages' names, sorted.
    pub(crate) packages: BTreeSet<&'a str>,
    pub(crate) rows: Vec<Row<'a>>,
    /// What a row is distinguished by; the kernel's packages have thousands of rows, each several times.
    seen: BTreeSet<(&'a str, Effect, Severity, Status, &'a [String])>,
    pub(crate) effect: Effect,
    pub(crate) severity: Severity,
}

/// The source's name where one is known, or the package's own.
pub(crate) fn source_name(package: &ReportPackage) -> &str {
    package.source.as_ref().map_or(package.name.as_str(), |s| &s.name)
}

/// The report's packages by id.
pub(crate) fn packages(report: &Report) -> HashMap<&PackageId, &ReportPackage> {
    report.packages.iter().map(|p| (&p.id, p)).collect()
}

/// The findings that count (not suppressed), grouped; groups and rows gravest first.
pub(crate) fn groups(report: &Report) -> Vec<Group<'_>> {
    let by_id = packages(report);
    let mut groups: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|f| f.suppressed_by.is_none()) {
        let package = by_id.get(&finding.package).copied();
        let name = package.map_or(finding.package.as_str(), source_name);
        let version = package.map_or("", |p| p.version.as_str());
        let kind = package.map_or("", |p| p.kind.as_str());
        let location = package.filter(|p| !p.kind.is_os()).and_then(|p| p.locations.first()).map(String::as_str);
        let origin = package.map_or(Origin::Unknown, |p| p.origin);
        let layer = finding.layer.filter(|_| package.is_none_or(|p| !p.kind.is_os()));
        let group = groups.entry((kind, name, version, origin, layer, location)).or_insert_with(|| Group {
            name,
            version,
            kind,
            layers: BTreeSet::new(),
            origin,
            packages: BTreeSet::new(),
            rows: Vec::new(),
            seen: BTreeSet::new(),
            effect: Effect::Ignore,
            severity: Severity::Unknown,
        });
        group.packages.insert(package.map_or(finding.package.as_str(), |p| p.name.as_str()));
        group.layers.extend(finding.layer);
        group.effect = group.effect.max(finding.effect);
        group.severity = group.severity.max(finding.severity);
        let f = finding;
        if group.seen.insert((&f.advisory, f.effect, f.severity, f.status, &f.fixed_versions)) {
            group.rows.push(Row { finding });
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    for group in &mut groups {
        group.rows.sort_by(|a, b| {
            let key = |f: &Finding| (f.effect, f.severity, f.kev.is_some() || f.malicious, f.epss);
            key(b.finding).cmp(&key(a.finding)).then_with(|| a.finding.advisory.cmp(&b.finding.advisory))
        });
    }
    groups.sort_by(|a, b| (b.effect, b.severity).cmp(&(a.effect, a.severity)).then_with(|| a.name.cmp(b.name)));
    groups
}

/// Findings by severity, gravest first, those of no number left out.
pub(crate) fn tally<'a>(findings: impl Iterator<Item = &'a Finding>) -> BTreeMap<Severity, usize> {
    let mut tally = BTreeMap::new();
    for finding in findings {
        *tally.entry(finding.severity).or_default() += 1;
    }
    tally
}

/// `2 critical, 1 high`.
pub(crate) fn tally_text(tally: &BTreeMap<Severity, usize>) -> String {
    let parts: Vec<_> = tally.iter().rev().map(|(severity, n)| format!("{n} {severity}")).collect();
    parts.join(", ")
}

/// What is known of a fix, in a word or a version.
pub(crate) fn fix(finding: &Finding) -> String {
    match (finding.fixed_versions.as_slice(), finding.status) {
        ([], _) if finding.malicious => "remove it".into(),
        ([], Status::WillNotFix) => "will not be fixed".into(),
        ([], Status::UnderInvestigation) => "under investigation".into(),
        ([], Status::NotAffected) => "not affected".into(),
        ([], _) => "no fix yet".into(),
        (versions, _) => versions.join(", "),
    }
}

/// What makes a finding more pressing than its severity, in few words.
pub(crate) fn marks(finding: &Finding) -> Vec<String> {
    let mut marks = Vec::new();
    if finding.malicious {
        marks.push("malicious package".to_owned());
    }
    if let Some(kev) = &finding.kev {
        let ransomware = if kev.ransomware { ", by ransomware too" } else { "" };
        marks.push(format!("known to be exploited{ransomware}"));
    }
    // Below one in ten it says little that the severity does not say.
    if let Some(epss) = finding.epss.filter(|e| *e >= 100_000) {
        marks.push(format!("EPSS {} %", epss / 10_000));
    }
    marks
}

/// What the policy makes of a secret: the report shows it only among its reasons. Where some secrets stop the image, it
/// is the grave ones.
pub(crate) fn secret_effect(report: &Report, severity: Severity) -> Effect {
    let worst = report.reasons.iter().filter(|r| r.rule == "secret").map(|r| r.effect).max().unwrap_or_default();
    if severity >= Severity::High { worst } else { worst.min(Effect::Warn) }
}

/// `layers 1, 3, application`.
pub(crate) fn layer_text(layers: &BTreeSet<u32>, origin: Origin) -> String {
    let origin = match origin {
        Origin::Base => "base image",
        Origin::Application => "application",
        Origin::Unknown => "",
    };
    let numbers: Vec<_> = layers.iter().map(u32::to_string).collect();
    let word = if numbers.len() == 1 { "layer" } else { "layers" };
    let layers = if numbers.is_empty() { String::new() } else { format!("{word} {}", numbers.join(", ")) };
    let parts = [layers.as_str(), origin];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// `base image debian:12, the lowest 3 layers`.
pub(crate) fn base_text(report: &Report) -> Option<String> {
    let base = report.image.base.as_ref()?;
    let size = match base.layers {
        0 => "of unknown size".to_owned(),
        1 => "the lowest layer".to_owned(),
        n => format!("the lowest {n} layers"),
    };
    let name = base.name.as_deref().map(|n| format!(" {n}")).unwrap_or_default();
    Some(format!("base image{name}, {size}"))
}

/// What of an index could not run and was left aside; a few of many.
pub(crate) fn left_out_text(report: &Report) -> Option<String> {
    const SHOWN: usize = 3;
    let left_out = &report.image.left_out;
    let more = left_out.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let shown: Vec<_> = left_out.iter().take(SHOWN).map(String::as_str).collect();
    (!shown.is_empty()).then(|| format!("not images, left aside: {}{more}", shown.join(", ")))
}

/// `debian 12 (bookworm)`.
pub(crate) fn distro_text(report: &Report) -> Option<String> {
    let distro = report.image.distro.as_ref()?;
    let mut text = distro.id.clone();
    if let Some(version) = &distro.version {
        text.push_str(&format!(" {version}"));
    }
    if let Some(codename) = &distro.codename {
        text.push_str(&format!(" ({codename})"));
    }
    Some(text)
}
