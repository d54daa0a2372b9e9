//! What several formats need of a report, in words: counts, fixes, marks, the base image, the distribution. Findings as rows are
//! `rows.rs`, what to do about them is `plan.rs`.

use std::collections::{BTreeMap, HashMap};

use layergate_model::{Effect, Finding, PackageId, Report, ReportPackage, Severity, Signal, Status};

/// The source's name where one is known, or the package's own.
pub(crate) fn source_name(package: &ReportPackage) -> &str {
    package.source.as_ref().map_or(package.name.as_str(), |s| &s.name)
}

/// The report's packages by id.
pub(crate) fn packages(report: &Report) -> HashMap<&PackageId, &ReportPackage> {
    report.packages.iter().map(|p| (&p.id, p)).collect()
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
    let signals = &finding.signals;
    if let Some(kev) = signals.kev() {
        let ransomware = if kev.ransomware { ", by ransomware too" } else { "" };
        marks.push(format!("known to be exploited{ransomware}"));
    }
    // Below one in ten it says little that the severity does not say.
    if let Some(epss) = signals.epss().filter(|e| *e >= 100_000) {
        marks.push(format!("EPSS {} %", epss / 10_000));
    }
    marks.extend(signals.others().map(signal));
    marks
}

/// `automatable (cisa-ssvc)`, `probability 0.5 (another)`.
pub(crate) fn signal(signal: &Signal) -> String {
    let value = signal.value.map(|v| format!(" {}", f64::from(v) / 1e6)).unwrap_or_default();
    format!("{}{value} ({})", signal.kind, signal.source)
}

/// What the policy makes of a secret: the report shows it only among its reasons. Where some secrets stop the image, it
/// is the grave ones.
pub(crate) fn secret_effect(report: &Report, severity: Severity) -> Effect {
    let worst = report.reasons.iter().filter(|r| r.rule == "secret").map(|r| r.effect).max().unwrap_or_default();
    if severity >= Severity::High { worst } else { worst.min(Effect::Warn) }
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
