//! The rules of a policy as values, with the defaults that hold where a file says nothing.

use std::collections::BTreeMap;

use layergate_model::{Effect, GapKind, Severity, Status};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Amount, ImagePattern, PackagePattern, PathPattern, SignalRule, signal};

/// From which severity on a rule speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Threshold {
    /// At no severity.
    Never,
    /// At this severity and every graver one; `unknown` is all.
    From(Severity),
}

impl Threshold {
    /// Whether `severity` is reached.
    pub fn holds(self, severity: Severity) -> bool {
        matches!(self, Self::From(least) if severity >= least)
    }
}

/// The text is no threshold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown threshold {0:?}: write critical, high, medium, low, negligible, unknown (everything) or never")]
pub struct ThresholdError(String);

impl std::str::FromStr for Threshold {
    type Err = ThresholdError;
    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        if text == "never" {
            return Ok(Self::Never);
        }
        Severity::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .map(Self::From)
            .ok_or_else(|| ThresholdError(text.chars().take(40).collect()))
    }
}

impl std::fmt::Display for Threshold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Never => "never",
            Self::From(severity) => severity.as_str(),
        })
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

/// What is done about findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRules {
    /// Severities that fail.
    pub fail_on: Threshold,
    /// Severities that are at least reported among the reasons.
    pub warn_on: Threshold,
    /// Whether the severity rule fails only where a fix can be had.
    pub only_fixed: bool,
    /// What a severity that nobody gave counts as, where there is a fix.
    pub unknown_severity: Severity,
    /// A package that was made to do harm.
    pub malicious: Effect,
    /// What second sources say of a vulnerability; CISA's catalogue first, then EPSS, then the others in their order.
    pub signals: Vec<SignalRule>,
    /// The most that a finding on a development dependency does; malicious packages are not softened.
    pub dev_at_most: Effect,
    /// Effects by what the source says of a finding (`will_not_fix`, `under_investigation`, …), in the place of the
    /// severity rule's.
    pub status: BTreeMap<Status, Effect>,
}

impl Serialize for FindingRules {
    /// The form that policies' digests are taken of. It is older than the list of signals: CISA's and FIRST's rules stand
    /// where they stood, and the others only where there are any.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Digested<'a> {
            fail_on: Threshold,
            warn_on: Threshold,
            only_fixed: bool,
            unknown_severity: Severity,
            kev: Effect,
            malicious: Effect,
            epss: Option<Epss>,
            dev_at_most: Effect,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            status: &'a BTreeMap<Status, Effect>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            signals: Vec<&'a SignalRule>,
        }
        #[derive(Serialize)]
        struct Epss {
            from_millionths: u32,
            effect: Effect,
        }
        let Self { fail_on, warn_on, only_fixed, unknown_severity, malicious, signals, dev_at_most, status } = self;
        let kev = signals.iter().find(|r| r.is_kev());
        let epss = signals.iter().find(|r| r.is_epss());
        let older = |rule: &&SignalRule| [kev, epss].into_iter().flatten().any(|known| std::ptr::eq(known, *rule));
        Digested {
            fail_on: *fail_on,
            warn_on: *warn_on,
            only_fixed: *only_fixed,
            unknown_severity: *unknown_severity,
            kev: kev.map_or(Effect::Ignore, |rule| rule.effect),
            malicious: *malicious,
            epss: epss.and_then(|r| Some(Epss { from_millionths: r.at_least?.0, effect: r.effect })),
            dev_at_most: *dev_at_most,
            status,
            signals: signals.iter().filter(|rule| !older(rule)).collect(),
        }
        .serialize(s)
    }
}

impl Default for FindingRules {
    fn default() -> Self {
        Self {
            fail_on: Threshold::From(Severity::High),
            warn_on: Threshold::From(Severity::Unknown),
            only_fixed: true,
            unknown_severity: Severity::High,
            malicious: Effect::Fail,
            signals: vec![SignalRule::kev(Effect::Fail)],
            dev_at_most: Effect::Warn,
            status: BTreeMap::new(),
        }
    }
}

/// The keys of `[findings]` that a file, an override or a command line sets; the others stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct FindingPatch {
    /// See [`FindingRules::fail_on`].
    pub fail_on: Option<Threshold>,
    /// See [`FindingRules::warn_on`].
    pub warn_on: Option<Threshold>,
    /// See [`FindingRules::only_fixed`].
    pub only_fixed: Option<bool>,
    /// See [`FindingRules::unknown_severity`].
    pub unknown_severity: Option<Severity>,
    /// Listed by CISA as exploited: short for that signal.
    pub kev: Option<Effect>,
    /// See [`FindingRules::malicious`].
    pub malicious: Option<Effect>,
    /// The probability, 0 to 1, from which EPSS speaks.
    pub epss_from: Option<Probability>,
    /// What EPSS then does (`fail` where only `epss-from` is given).
    pub epss: Option<Effect>,
    /// See [`FindingRules::dev_at_most`].
    pub dev_at_most: Option<Effect>,
    /// See [`FindingRules::status`]; what is named here is set, the others stay.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub status: BTreeMap<Status, Effect>,
    /// See [`FindingRules::signals`]; in the place of all rules on the same source and kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signal: Vec<SignalRule>,
}

/// A probability in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Probability(pub u32);

impl<'de> Deserialize<'de> for Probability {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(d)?;
        if !(0.0..=1.0).contains(&value) {
            return Err(de::Error::custom(format!("{value} is not a probability (a number from 0.0 to 1.0)")));
        }
        Ok(Self((value * 1_000_000.0).round() as u32))
    }
}

impl FindingPatch {
    /// Sets what the patch names.
    pub fn apply(&self, rules: &mut FindingRules) {
        fn set<T: Clone>(to: &mut T, from: &Option<T>) {
            if let Some(value) = from {
                *to = value.clone();
            }
        }
        set(&mut rules.fail_on, &self.fail_on);
        set(&mut rules.warn_on, &self.warn_on);
        set(&mut rules.only_fixed, &self.only_fixed);
        set(&mut rules.unknown_severity, &self.unknown_severity);
        set(&mut rules.malicious, &self.malicious);
        set(&mut rules.dev_at_most, &self.dev_at_most);
        rules.status.extend(&self.status);
        if let Some(effect) = self.kev {
            signal::replace(&mut rules.signals, [SignalRule::kev(effect)]);
        }
        if self.epss_from.is_some() || self.epss.is_some() {
            let known = rules.signals.iter().find(|rule| rule.is_epss());
            let from = self.epss_from.map(|p| Amount(p.0)).or(known.and_then(|rule| rule.at_least));
            if let Some(from) = from {
                let effect = self.epss.or(known.map(|rule| rule.effect)).unwrap_or(Effect::Fail);
                signal::replace(&mut rules.signals, [SignalRule::epss(from, effect)]);
            }
        }
        signal::replace(&mut rules.signals, self.signal.iter().cloned());
    }
}

/// What is done about gaps: the kinds that a file names; the others by whether they hide packages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GapRules(pub BTreeMap<GapKind, Effect>);

impl GapRules {
    /// The effect of a gap of `kind`.
    pub fn effect(&self, kind: GapKind) -> Effect {
        self.0.get(&kind).copied().unwrap_or(if kind.hides_packages() { Effect::Error } else { Effect::Warn })
    }
}

/// What is done about the age of advisories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdvisoryRules {
    /// Days after which no verdict is given (`[gaps] stale_advisories` may soften it).
    pub max_age_days: Option<u32>,
    /// Days after which the age is reported.
    pub warn_age_days: u32,
}

impl Default for AdvisoryRules {
    fn default() -> Self {
        Self { max_age_days: None, warn_age_days: 7 }
    }
}

/// What is done about licenses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LicenseRules {
    /// Licenses (SPDX ids, with `*`) that nobody may use.
    pub deny: Vec<String>,
    /// The only licenses that may be used; empty: all that are not denied.
    pub allow: Vec<String>,
    /// The effect of a license that is denied or not allowed.
    pub effect: Effect,
    /// The effect of a package whose license nobody knows.
    pub unknown: Effect,
}

impl Default for LicenseRules {
    fn default() -> Self {
        Self { deny: Vec::new(), allow: Vec::new(), effect: Effect::Fail, unknown: Effect::Ignore }
    }
}

/// What is done about checks or secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemRules {
    /// Severities that fail.
    pub fail_on: Threshold,
    /// Severities that are reported among the reasons.
    pub warn_on: Threshold,
    /// Effects of single ids, which win over the thresholds.
    pub ids: BTreeMap<String, Effect>,
}

impl Default for ItemRules {
    fn default() -> Self {
        Self { fail_on: Threshold::Never, warn_on: Threshold::From(Severity::Unknown), ids: BTreeMap::new() }
    }
}

impl ItemRules {
    /// The effect of the item `id` of `severity`.
    pub fn effect(&self, id: &str, severity: Severity) -> Effect {
        match self.ids.get(id) {
            Some(effect) => *effect,
            None if self.fail_on.holds(severity) => Effect::Fail,
            None if self.warn_on.holds(severity) => Effect::Warn,
            None => Effect::Ignore,
        }
    }
}

/// Other rules for some packages, paths or images. All lists that are given must hold; of one list, one entry.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Override {
    /// Packages.
    pub packages: Vec<PackagePattern>,
    /// Paths: a location of the package, or the place of a gap.
    pub paths: Vec<PathPattern>,
    /// Images.
    pub images: Vec<ImagePattern>,
    /// Why, for those who read the file.
    pub reason: Option<String>,
    /// What changes for findings.
    pub findings: FindingPatch,
    /// What changes for gaps (only where no packages are named: a gap has a place, not a package).
    pub gaps: GapRules,
}

/// All rules of one policy file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rules {
    /// `[findings]`
    pub findings: FindingRules,
    /// `[gaps]`
    pub gaps: GapRules,
    /// `[advisories]`
    pub advisories: AdvisoryRules,
    /// `[licenses]`
    pub licenses: LicenseRules,
    /// `[checks]`
    pub checks: ItemRules,
    /// `[secrets]`
    pub secrets: ItemRules,
    /// `[vex] max-age-days`: days after which a VEX statement no longer counts.
    pub vex_max_age_days: Option<u32>,
    /// `[[override]]`, a later one over an earlier one.
    pub overrides: Vec<Override>,
}
