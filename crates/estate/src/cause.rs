//! Why a verdict changed: one of a closed list of causes.

use std::sync::Arc;

use layergate_model::{Effect, GapKind, Inputs, Verdict};
use serde::{Deserialize, Serialize};

use crate::{FindingOutline, Outline};

/// What can change a verdict; there is nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// The tag moved to another image.
    Image,
    /// A record of an advisory came, went or changed; the id is the advisory's.
    Advisory,
    /// Known exploitation or its probability; the id is the advisory's.
    Signal,
    /// Advisories on a distribution or ecosystem came or went; the id is the place.
    Coverage,
    /// The advisories became too old, or fresh again.
    Freshness,
    /// The distribution's release left its support; the id is the release.
    EndOfLife,
    /// The policy; the id is its digest.
    Policy,
    /// An exception came, went or expired; the id is the exception's, or the digest of all.
    Exception,
    /// VEX; the id is the document's, or the digest of all.
    Vex,
    /// The analyzers read more or less in it.
    Analyzers,
    /// The judge is another version.
    Judge,
    /// The day alone.
    Day,
}

/// Why a verdict changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cause {
    /// What changed.
    pub kind: CauseKind,
    /// Which one.
    pub id: String,
}

impl Cause {
    pub(crate) fn new(kind: CauseKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// The findings of an image before and after, those that are the same left out.
pub(crate) struct Change<'a> {
    pub(crate) from: Verdict,
    pub(crate) to: Verdict,
    pub(crate) before: &'a [FindingOutline],
    pub(crate) after: &'a [FindingOutline],
    /// Its outline now.
    pub(crate) now: &'a Outline,
    pub(crate) old: &'a Inputs,
    pub(crate) new: &'a Inputs,
}

/// The cause of a flip: what decides the worse of the two verdicts and is on one side alone, the gravest first; where findings
/// do not tell, what of the inputs is another.
pub(crate) fn of(change: &Change<'_>) -> Cause {
    let worse = change.to > change.from;
    let (with, without) = if worse { (change.after, change.before) } else { (change.before, change.after) };
    let deciding = with.iter().filter(|f| f.effect >= Effect::Fail && f.suppressed_by.is_none());
    let mut found: Vec<(&FindingOutline, Option<&FindingOutline>)> = deciding
        .map(|f| (f, without.iter().find(|w| w.advisory == f.advisory)))
        .filter(|(_, other)| other.is_none_or(|o| o.effect < Effect::Fail || o.suppressed_by.is_some()))
        .collect();
    found.sort_by(|(a, _), (b, _)| (b.effect, b.severity, &a.advisory).cmp(&(a.effect, a.severity, &b.advisory)));
    if let Some((finding, other)) = found.first().filter(|_| change.to.max(change.from) == Verdict::Fail) {
        return of_finding(finding, *other, change);
    }
    let gap = change.now.gaps.iter().filter(|g| g.effect >= Effect::Fail).max_by_key(|g| g.effect);
    if let Some(gap) = gap.filter(|_| worse && change.old.policy == change.new.policy) {
        let place = gap.place.to_string();
        match gap.kind {
            GapKind::StaleAdvisories | GapKind::RuleWithoutFeed => return Cause::new(CauseKind::Freshness, place),
            GapKind::EndOfLife => return Cause::new(CauseKind::EndOfLife, place),
            GapKind::NoAdvisories | GapKind::PartialAdvisories => return Cause::new(CauseKind::Coverage, place),
            GapKind::InvalidVex => return Cause::new(CauseKind::Vex, place),
            _ => {}
        }
    }
    if let Some((finding, other)) = found.first() {
        return of_finding(finding, *other, change);
    }
    of_inputs(change.old, change.new)
}

fn of_finding(finding: &FindingOutline, other: Option<&FindingOutline>, change: &Change<'_>) -> Cause {
    let advisory = |kind| Cause::new(kind, &*finding.advisory);
    let Some(other) = other else { return advisory(CauseKind::Advisory) };
    if let Some((kind, id)) = &other.suppressed_by {
        let kind = if &**kind == "vex" { CauseKind::Vex } else { CauseKind::Exception };
        return Cause::new(kind, &**id);
    }
    if change.old.policy != change.new.policy {
        return Cause::new(CauseKind::Policy, change.new.policy.to_string());
    }
    let signals = |f: &FindingOutline| (f.exploited, f.epss, f.signals.clone());
    if signals(finding) != signals(other) && finding.severity == other.severity {
        return advisory(CauseKind::Signal);
    }
    advisory(CauseKind::Advisory)
}

/// What of the inputs is another, the most telling first.
pub(crate) fn of_inputs(old: &Inputs, new: &Inputs) -> Cause {
    if old.analyzers != new.analyzers || old.limits != new.limits {
        return Cause::new(CauseKind::Analyzers, &new.analyzers);
    }
    if old.policy != new.policy {
        return Cause::new(CauseKind::Policy, new.policy.to_string());
    }
    if old.exceptions != new.exceptions {
        return Cause::new(CauseKind::Exception, new.exceptions.to_string());
    }
    if old.vex != new.vex {
        return Cause::new(CauseKind::Vex, new.vex.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    }
    if old.judge != new.judge {
        return Cause::new(CauseKind::Judge, &new.judge);
    }
    if old.snapshot != new.snapshot {
        // No finding decides and no gap tells: what the snapshot covers or how fresh it is.
        return Cause::new(CauseKind::Freshness, new.snapshot_date.clone().unwrap_or_default());
    }
    Cause::new(CauseKind::Day, &new.as_of)
}

/// The findings of some parts, by advisory: the gravest of several.
pub(crate) fn gravest<'a>(findings: impl Iterator<Item = &'a FindingOutline>) -> Vec<FindingOutline> {
    let mut all: Vec<FindingOutline> = findings.cloned().collect();
    all.sort_by(|a, b| {
        let key = |f: &FindingOutline| (f.suppressed_by.is_none(), f.effect, f.severity);
        a.advisory.cmp(&b.advisory).then_with(|| key(b).cmp(&key(a)))
    });
    all.dedup_by(|a, b| Arc::as_ref(&a.advisory) == Arc::as_ref(&b.advisory));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use layergate_model::{Digest, Severity, Signal};

    fn finding(advisory: &str, effect: Effect) -> FindingOutline {
        FindingOutline {
            advisory: advisory.into(),
            aliases: [].into(),
            severity: Severity::High,
            effect,
            fixable: true,
            exploited: false,
            epss: None,
            signals: Box::default(),
            suppressed_by: None,
        }
    }

    fn inputs(policy: &str, day: &str) -> Inputs {
        Inputs {
            snapshot: None,
            snapshot_date: None,
            policy: Digest::of(policy.as_bytes()),
            exceptions: Digest::of(b""),
            vex: Vec::new(),
            limits: String::new(),
            analyzers: String::new(),
            judge: String::new(),
            as_of: day.to_owned(),
        }
    }

    #[test]
    #[allow(clippy::cloned_ref_to_slice_refs, reason = "rows of a table")]
    fn every_way_to_another_verdict() {
        let (bad, open) = (finding("CVE-1", Effect::Fail), finding("CVE-1", Effect::Warn));
        let excepted = FindingOutline { suppressed_by: Some(("exception".into(), "EX-1".into())), ..open.clone() };
        let exploited = FindingOutline { exploited: true, ..bad.clone() };
        let automatable = FindingOutline { signals: [Signal::new("a", "automatable")].into(), ..bad.clone() };
        let other = finding("CVE-0", Effect::Warn);
        let (old, day, strict) = (inputs("a", "2026-01-01"), inputs("a", "2026-01-02"), inputs("b", "2026-01-01"));
        let (pass, fail) = (Verdict::Pass, Verdict::Fail);
        let none: &[FindingOutline] = &[];
        for (from, to, before, after, new, kind, id) in [
            (pass, fail, none, &[bad.clone()][..], &old, CauseKind::Advisory, "CVE-1"),
            (fail, pass, &[bad.clone()][..], none, &old, CauseKind::Advisory, "CVE-1"),
            (pass, fail, &[open.clone()], &[bad.clone()], &strict, CauseKind::Policy, ""),
            (pass, fail, &[open.clone()], &[automatable], &old, CauseKind::Signal, "CVE-1"),
            (pass, fail, &[open.clone()], &[exploited], &old, CauseKind::Signal, "CVE-1"),
            (pass, fail, &[excepted.clone()], &[bad.clone()], &day, CauseKind::Exception, "EX-1"),
            (fail, pass, &[bad.clone()], &[excepted], &old, CauseKind::Exception, "EX-1"),
            (pass, fail, &[other.clone()], &[other.clone(), bad.clone()], &day, CauseKind::Advisory, "CVE-1"),
            (pass, fail, none, none, &day, CauseKind::Day, "2026-01-02"),
        ] {
            let now = Outline::default();
            let cause = of(&Change { from, to, before, after, now: &now, old: &old, new });
            assert_eq!(cause.kind, kind, "{before:?} {after:?}");
            assert!(cause.id.contains(id), "{cause:?}");
        }
    }

    #[test]
    fn gaps_are_causes_too() {
        let (old, new) = (inputs("a", "2026-01-01"), inputs("a", "2026-01-02"));
        for (kind, want) in [
            (GapKind::StaleAdvisories, CauseKind::Freshness),
            (GapKind::EndOfLife, CauseKind::EndOfLife),
            (GapKind::NoAdvisories, CauseKind::Coverage),
        ] {
            let gap = crate::GapOutline { kind, place: "debian 12".into(), effect: Effect::Error };
            let now = Outline { gaps: vec![gap], ..Outline::default() };
            let (from, to) = (Verdict::Fail, Verdict::Error);
            let cause = of(&Change { from, to, before: &[], after: &[], now: &now, old: &old, new: &new });
            assert_eq!((cause.kind, cause.id.as_str()), (want, "debian 12"));
        }
    }
}
