//! What several formats for people need of a report, worked out once: findings grouped by what one would upgrade,
//! merged over its binary packages, gravest first; and what to do about them.
//!
//! Debian builds a dozen binary packages from one source, each with the same flaws; a person upgrades the source once.
//! So packages of one source, version and layer are one group, and one flaw is one row.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use layergate_model::{
    Effect, Finding, GapKind, Origin, PackageId, Report, ReportPackage, Secret, Severity, Status, Verdict,
};

use crate::{advice, text::count};

/// One flaw in one group.
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
    pub(crate) layer: Option<u32>,
    pub(crate) origin: Origin,
    /// Where it lies, for packages outside a distribution's database.
    pub(crate) location: Option<&'a str>,
    /// The affected packages' names, sorted.
    pub(crate) packages: BTreeSet<&'a str>,
    pub(crate) rows: Vec<Row<'a>>,
    /// What a row is told apart by; the kernel's packages have thousands of rows, each several times.
    seen: BTreeSet<(&'a str, Effect, Severity, Status, &'a [String])>,
    pub(crate) effect: Effect,
    pub(crate) severity: Severity,
}

/// Something to do, and what it mends.
pub(crate) struct Action<'a> {
    pub(crate) text: &'a str,
    pub(crate) severities: BTreeMap<Severity, usize>,
    pub(crate) effect: Effect,
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
        let name = package.map_or(finding.package.as_str(), |p| p.source.as_ref().map_or(p.name.as_str(), |s| &s.name));
        let version = package.map_or("", |p| p.version.as_str());
        let kind = package.map_or("", |p| p.kind.as_str());
        let location = package.filter(|p| !p.kind.is_os()).and_then(|p| p.locations.first()).map(String::as_str);
        let group = groups.entry((kind, name, version, finding.layer, location)).or_insert_with(|| Group {
            name,
            version,
            kind,
            layer: finding.layer,
            origin: package.map_or(Origin::Unknown, |p| p.origin),
            location,
            packages: BTreeSet::new(),
            rows: Vec::new(),
            seen: BTreeSet::new(),
            effect: Effect::Ignore,
            severity: Severity::Unknown,
        });
        group.packages.insert(package.map_or(finding.package.as_str(), |p| p.name.as_str()));
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

/// What to do about the findings of at least this effect, the most pressing first.
pub(crate) fn actions(report: &Report, at_least: Effect) -> Vec<Action<'_>> {
    let mut actions: BTreeMap<&str, Action<'_>> = BTreeMap::new();
    let mut counted = BTreeSet::new();
    for f in report.findings.iter().filter(|f| f.suppressed_by.is_none() && f.effect >= at_least) {
        if f.remediation.is_empty() {
            continue;
        }
        let action = actions.entry(&f.remediation).or_insert_with(|| Action {
            text: &f.remediation,
            severities: BTreeMap::new(),
            effect: f.effect,
        });
        action.effect = action.effect.max(f.effect);
        // One flaw of several binary packages is mended once.
        if counted.insert((&f.remediation, &f.advisory)) {
            *action.severities.entry(f.severity).or_default() += 1;
        }
    }
    let mut actions: Vec<_> = actions.into_values().collect();
    let key = |a: &Action<'_>| {
        let gravest = a.severities.last_key_value().map(|(s, n)| (*s, *n));
        (a.effect, gravest, a.severities.values().sum::<usize>())
    };
    actions.sort_by(|a, b| key(b).cmp(&key(a)).then_with(|| a.text.cmp(b.text)));
    actions
}

/// What to do so that the image passes, in sentences, the most pressing first; nothing for one that passes.
pub(crate) fn todo(report: &Report) -> Vec<String> {
    if report.verdict == Verdict::Pass {
        return Vec::new();
    }
    let actions = actions(report, Effect::Fail);
    let mut todo: Vec<String> = actions.iter().map(|a| format!("{} ({})", a.text, tally_text(&a.severities))).collect();
    let stops = |s: &&Secret| secret_effect(report, s.severity) >= Effect::Fail;
    match report.secrets.iter().filter(stops).count() {
        0 => {}
        n => todo.push(format!("revoke {}, then take it out of its layer", count(n, "secret", "secrets"))),
    }
    let checks = report.checks.iter().filter(|c| c.effect >= Effect::Fail);
    todo.extend(checks.map(|c| format!("{}: {}", c.location, c.remediation)));
    let mut gaps: BTreeMap<GapKind, usize> = BTreeMap::new();
    report.gaps.iter().filter(|g| g.effect >= Effect::Fail).for_each(|g| *gaps.entry(g.kind).or_default() += 1);
    todo.extend(gaps.iter().map(|(kind, n)| format!("{} ({n} × {kind})", advice::for_gap(*kind))));
    todo
}

/// What is known of a mend, in a word or a version.
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

/// What the policy makes of a secret: the report tells it only among its reasons. Where some secrets stop the image, it
/// is the grave ones.
pub(crate) fn secret_effect(report: &Report, severity: Severity) -> Effect {
    let worst = report.reasons.iter().filter(|r| r.rule == "secret").map(|r| r.effect).max().unwrap_or_default();
    if severity >= Severity::High { worst } else { worst.min(Effect::Warn) }
}

/// `layer 3, application`.
pub(crate) fn layer_text(layer: Option<u32>, origin: Origin) -> String {
    let origin = match origin {
        Origin::Base => ", base image",
        Origin::Application => ", application",
        Origin::Unknown => "",
    };
    layer.map_or_else(|| origin.trim_start_matches(", ").to_owned(), |l| format!("layer {l}{origin}"))
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
