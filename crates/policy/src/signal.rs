//! The rule on signals: what second sources say of a vulnerability, and what is done about it.
//!
//! One row of `[[findings.signal]]` names a kind, of one source or of any, and from which value on it speaks. The keys
//! `kev`, `epss-from` and `epss` are short for two such rows. A kind that this version does not know is no mistake: a feed
//! of tomorrow may bring it, and until one does the verdict shows the gap `rule_without_feed`.

use layergate_model::{CISA_KEV, EXPLOITED, Effect, FIRST_EPSS, PROBABILITY, Signal, SignalName};
use serde::{Deserialize, Deserializer, Serialize, de};

/// A signal's value in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Amount(pub u32);

/// The largest value that a rule may ask for, in ones: more than any scale in use.
const LARGEST: f64 = 4000.0;

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(d)?;
        if !(0.0..=LARGEST).contains(&value) {
            return Err(de::Error::custom(format!(
                "{value} is not a value of a signal (a number from 0 to {LARGEST})"
            )));
        }
        Ok(Self((value * 1_000_000.0).round() as u32))
    }
}

/// What is done about a finding on whose vulnerability there is a certain signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignalRule {
    /// Who must say it; any source where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What must be said.
    pub kind: String,
    /// The value from which the rule speaks; signals without a value have none that is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Amount>,
    /// What the rule then does.
    pub effect: Effect,
}

impl SignalRule {
    /// The rule of the key `kev`.
    pub fn kev(effect: Effect) -> Self {
        Self { source: Some(CISA_KEV.to_owned()), kind: EXPLOITED.to_owned(), at_least: None, effect }
    }

    /// The rule of the keys `epss-from` and `epss`.
    pub fn epss(from: Amount, effect: Effect) -> Self {
        Self { source: Some(FIRST_EPSS.to_owned()), kind: PROBABILITY.to_owned(), at_least: Some(from), effect }
    }

    /// The signals that it is about.
    pub fn name(&self) -> SignalName {
        SignalName { source: self.source.clone(), kind: self.kind.clone() }
    }

    /// Whether a signal sets it off.
    pub fn speaks_of(&self, signal: &Signal) -> bool {
        self.kind == signal.kind
            && self.source.as_ref().is_none_or(|source| *source == signal.source)
            && self.at_least.is_none_or(|least| signal.value.is_some_and(|value| value >= least.0))
    }

    fn concerns(&self, source: &str, kind: &str) -> bool {
        self.source.as_deref() == Some(source) && self.kind == kind
    }

    pub(crate) fn is_kev(&self) -> bool {
        self.concerns(CISA_KEV, EXPLOITED) && self.at_least.is_none()
    }

    pub(crate) fn is_epss(&self) -> bool {
        self.concerns(FIRST_EPSS, PROBABILITY) && self.at_least.is_some()
    }

    /// The order in which rules are asked.
    fn rank(&self) -> u8 {
        match (self.is_kev(), self.is_epss()) {
            (true, _) => 0,
            (_, true) => 1,
            _ => 2,
        }
    }
}

/// Puts rules in the place of all on the same source and kind.
pub(crate) fn replace(rules: &mut Vec<SignalRule>, new: impl IntoIterator<Item = SignalRule> + Clone) {
    rules.retain(|old| new.clone().into_iter().all(|n| (&n.source, &n.kind) != (&old.source, &old.kind)));
    rules.extend(new);
    rules.sort_by_key(SignalRule::rank);
}
