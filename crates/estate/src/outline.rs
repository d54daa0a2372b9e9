//! What a report comes to: verdict, counts, findings and gaps with their effects, without the texts.
//!
//! An image's outline is the join of the outlines of its parts and its shell: effects by the worst, counts by their sum, gaps
//! by kind and place. [`Outline::of`] takes it from a report, which is what all others are held against.

use std::sync::Arc;

use layergate_model::{Effect, FindingCounts, GapKind, PackageId, Report, Severity, Signal, Verdict};
use serde::{Deserialize, Serialize};

/// A finding without its texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FindingOutline {
    /// The advisory.
    pub advisory: Arc<str>,
    /// Its other names.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub aliases: Arc<[Box<str>]>,
    /// How grave it is.
    pub severity: Severity,
    /// What the policy makes of it.
    pub effect: Effect,
    /// Whether a later version fixes it.
    pub fixable: bool,
    /// Whether it is known to be exploited.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exploited: bool,
    /// The probability of exploitation in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<u32>,
    /// What other sources say of it.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub signals: Box<[Signal]>,
    /// What took it out: `vex` or `exception`, with its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed_by: Option<(Box<str>, Box<str>)>,
}

/// A gap without its detail.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GapOutline {
    /// The sort of gap.
    pub kind: GapKind,
    /// Where.
    pub place: Box<str>,
    /// What the policy makes of it.
    pub effect: Effect,
}

/// What a report comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The worst that findings, checks, secrets and licenses do.
    pub effect: Effect,
    /// Gaps, sorted, each kind and place once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<GapOutline>,
    /// Unsuppressed findings by severity.
    #[serde(default, skip_serializing_if = "is_default")]
    pub counts: FindingCounts,
    /// Unsuppressed findings that have a fix.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fixable: u32,
    /// Findings that VEX or an exception took out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub suppressed: u32,
    /// Whether a finding is left whose effect a rule on exploitation could raise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub open: bool,
    /// What speaks of the packages (`debian:12`, `npm`), sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Arc<str>>,
    /// The findings, sorted; empty in joins, whose parts have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingOutline>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The rules whose reasons stand for gaps.
const GAP_RULES: [&str; 3] = ["gap", "end_of_life", "stale_advisories"];

impl Outline {
    /// The outline of a report; with `only`, of the findings on that package alone, the rest as it is.
    pub fn of(report: &Report, only: Option<&PackageId>) -> Self {
        let others = report.reasons.iter().filter(|r| !GAP_RULES.contains(&r.rule.as_str()));
        let mut out = Self { effect: others.map(|r| r.effect).max().unwrap_or_default(), ..Self::default() };
        for finding in report.findings.iter().filter(|f| only.is_none_or(|id| f.package == *id)) {
            let fixable = layergate_policy::has_fix(finding);
            out.findings.push(FindingOutline {
                advisory: finding.advisory.as_str().into(),
                aliases: finding.aliases.iter().map(|a| a.as_str().into()).collect(),
                severity: finding.severity,
                effect: finding.effect,
                fixable,
                exploited: finding.signals.exploited(),
                epss: finding.signals.epss(),
                signals: finding.signals.others().cloned().collect(),
                suppressed_by: finding.suppressed_by.as_ref().map(|s| (s.kind.as_str().into(), s.id.as_str().into())),
            });
            if finding.suppressed_by.is_some() {
                out.suppressed += 1;
                continue;
            }
            out.fixable += u32::from(fixable);
            *counter(&mut out.counts, finding.severity) += 1;
            out.open |= finding.effect < Effect::Fail;
        }
        out.findings.sort();
        out.gaps = report
            .gaps
            .iter()
            .map(|g| GapOutline { kind: g.kind, place: g.place.as_str().into(), effect: g.effect })
            .collect();
        out.sources = report.sources.iter().map(|s| s.of.as_str().into()).collect();
        out.tidy();
        out
    }

    /// Sorts gaps and sources and makes each once; of one kind and place the worst effect.
    fn tidy(&mut self) {
        self.gaps.sort_by(|a, b| (a.kind, &a.place, b.effect).cmp(&(b.kind, &b.place, a.effect)));
        self.gaps.dedup_by(|a, b| a.kind == b.kind && a.place == b.place);
        self.sources.sort();
        self.sources.dedup();
    }

    /// Takes another's part in; its findings stay where they are.
    pub(crate) fn join(&mut self, other: &Self) {
        self.effect = self.effect.max(other.effect);
        for (sum, more) in fields(&mut self.counts).into_iter().zip(values(&other.counts)) {
            *sum = sum.saturating_add(more);
        }
        self.fixable = self.fixable.saturating_add(other.fixable);
        self.suppressed = self.suppressed.saturating_add(other.suppressed);
        self.open |= other.open;
        if other.gaps.iter().any(|gap| self.gaps.binary_search_by(|g| order(g, gap)).is_err()) {
            self.gaps.extend_from_slice(&other.gaps);
            self.tidy();
        } else {
            for gap in &other.gaps {
                if let Ok(at) = self.gaps.binary_search_by(|g| order(g, gap)) {
                    self.gaps[at].effect = self.gaps[at].effect.max(gap.effect);
                }
            }
        }
        if other.sources.iter().any(|source| self.sources.binary_search(source).is_err()) {
            self.sources.extend_from_slice(&other.sources);
            self.sources.sort();
            self.sources.dedup();
        }
    }

    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        match self.gaps.iter().map(|g| g.effect).fold(self.effect, Effect::max) {
            Effect::Error => Verdict::Error,
            Effect::Fail => Verdict::Fail,
            Effect::Warn | Effect::Ignore => Verdict::Pass,
        }
    }

    /// Unsuppressed findings.
    pub fn total(&self) -> u32 {
        values(&self.counts).iter().sum()
    }

    /// The same without findings and sources: what two ways to one outline must agree in.
    #[must_use]
    pub fn summary(&self) -> Self {
        Self { findings: Vec::new(), sources: Vec::new(), open: false, ..self.clone() }
    }
}

fn order(a: &GapOutline, b: &GapOutline) -> std::cmp::Ordering {
    (a.kind, &a.place).cmp(&(b.kind, &b.place))
}

fn counter(counts: &mut FindingCounts, severity: Severity) -> &mut u32 {
    match severity {
        Severity::Critical => &mut counts.critical,
        Severity::High => &mut counts.high,
        Severity::Medium => &mut counts.medium,
        Severity::Low => &mut counts.low,
        Severity::Negligible => &mut counts.negligible,
        Severity::Unknown => &mut counts.unknown,
    }
}

fn fields(c: &mut FindingCounts) -> [&mut u32; 6] {
    let FindingCounts { critical, high, medium, low, negligible, unknown } = c;
    [critical, high, medium, low, negligible, unknown]
}

fn values(c: &FindingCounts) -> [u32; 6] {
    [c.critical, c.high, c.medium, c.low, c.negligible, c.unknown]
}
