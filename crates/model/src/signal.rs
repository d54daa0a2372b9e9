//! What a second source says of a vulnerability beside its advisories: that it is exploited, how likely that is, what
//! an attack needs.
//!
//! A signal is data, not a field: source, kind, value, day. A new source is a feed that brings them; nothing between it
//! and the policy's rule knows its name. Two have keys of their own in the report's JSON, which existed before the
//! list did: `kev` (CISA's catalogue) and `epss` (FIRST's scores). All others stand in `signals`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a signal that a vulnerability is being exploited. Its day is the one on which that was first said.
pub const EXPLOITED: &str = "exploited";
/// The kind of a signal that ransomware uses it.
pub const RANSOMWARE: &str = "ransomware";
/// The kind of a signal that shows the day by which it must be dealt with.
pub const DUE: &str = "due";
/// The kind of a signal whose value is how likely exploitation is.
pub const PROBABILITY: &str = "probability";
/// CISA's catalogue of known exploited vulnerabilities, as a source.
pub const CISA_KEV: &str = "cisa-kev";
/// FIRST's exploit prediction, as a source.
pub const FIRST_EPSS: &str = "epss";

/// The rules of a policy that are older than the list of signals, and what they ask.
const WORDS: [(&str, &str, &str); 2] = [("kev", CISA_KEV, EXPLOITED), ("epss", FIRST_EPSS, PROBABILITY)];

/// One thing that one source says of a vulnerability.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Signal {
    /// Who says it: the feed, by id.
    pub source: String,
    /// What it says, in a word: `exploited`, `automatable`, … A newer version of this program may know more words.
    pub kind: String,
    /// How much, in millionths (a probability of 0.5 is 500000); left out where the source only says that it is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u32>,
    /// The day (ISO 8601) of the statement, where it has one of its own. A list that is renewed as a whole has its day
    /// in the report's `sources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

impl Signal {
    /// A statement without value and day.
    pub fn new(source: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { source: source.into(), kind: kind.into(), value: None, date: None }
    }

    /// FIRST's probability, in millionths.
    pub fn epss(millionths: u32) -> Self {
        Self { value: Some(millionths), ..Self::new(FIRST_EPSS, PROBABILITY) }
    }

    /// With the day of the statement.
    #[must_use]
    pub fn of(mut self, day: Option<String>) -> Self {
        self.date = day;
        self
    }

    fn key(&self) -> (&str, &str) {
        (&self.source, &self.kind)
    }
}

impl fmt::Display for Signal {
    /// `epss says probability 0.31`, `cisa-kev says exploited (2024-01-02)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} says {}", self.source, self.kind)?;
        if let Some(value) = self.value {
            write!(f, " {}", f64::from(value) / 1e6)?;
        }
        self.date.as_ref().map_or(Ok(()), |day| write!(f, " ({day})"))
    }
}

/// Which signals: a kind, of one source or of any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SignalName {
    /// The source; any where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The kind.
    pub kind: String,
}

impl SignalName {
    /// The name of what one source says.
    pub fn of(source: &str, kind: &str) -> Self {
        Self { source: Some(source.to_owned()), kind: kind.to_owned() }
    }

    /// Whether a signal is one of these.
    pub fn covers(&self, source: &str, kind: &str) -> bool {
        self.kind == kind && self.source.as_ref().is_none_or(|s| s == source)
    }

    /// The word of the policy's rule, where it has one that is older than the list: `kev`, `epss`.
    pub fn word(&self) -> Option<&'static str> {
        let source = self.source.as_deref()?;
        WORDS.iter().find(|(_, of, kind)| *of == source && *kind == self.kind).map(|(word, ..)| *word)
    }

    /// Source and kind of the rule that has a word of its own.
    pub fn from_word(word: &str) -> Option<(&'static str, &'static str)> {
        WORDS.iter().find(|(known, ..)| *known == word).map(|(_, source, kind)| (*source, *kind))
    }
}

impl fmt::Display for SignalName {
    /// `kev`, `cisa-ssvc/exploited`, `exploited`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.word(), &self.source) {
            (Some(word), _) => f.write_str(word),
            (None, Some(source)) => write!(f, "{source}/{}", self.kind),
            (None, None) => f.write_str(&self.kind),
        }
    }
}

/// CISA's word that a vulnerability is being exploited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Kev {
    /// The day it was listed (ISO 8601).
    pub date_added: String,
    /// The day by which federal agencies had to act.
    pub due_date: Option<String>,
    /// Whether ransomware is known to use it.
    pub ransomware: bool,
}

impl From<Kev> for Signals {
    fn from(kev: Kev) -> Self {
        let day = |text: String| Some(text).filter(|t| !t.is_empty());
        let mut out = Self::default();
        out.add(Signal::new(CISA_KEV, EXPLOITED).of(day(kev.date_added)));
        if let Some(due) = kev.due_date.and_then(day) {
            out.add(Signal::new(CISA_KEV, DUE).of(Some(due)));
        }
        if kev.ransomware {
            out.add(Signal::new(CISA_KEV, RANSOMWARE));
        }
        out
    }
}

/// All signals on a vulnerability, by source and kind, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Keys", into = "Keys")]
pub struct Signals(Vec<Signal>);

impl Signals {
    /// Takes one in. Of what a source says twice (of the vulnerabilities that an advisory bundles) the greatest value
    /// and the earliest day count.
    pub fn add(&mut self, signal: Signal) {
        match self.0.binary_search_by(|s| s.key().cmp(&signal.key())) {
            Err(at) => self.0.insert(at, signal),
            Ok(at) => {
                let known = &mut self.0[at];
                known.value = known.value.max(signal.value);
                known.date = [known.date.take(), signal.date].into_iter().flatten().min();
            }
        }
    }

    /// All, by source and kind.
    pub fn iter(&self) -> std::slice::Iter<'_, Signal> {
        self.0.iter()
    }

    /// Whether nobody says anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What one source says.
    pub fn get(&self, source: &str, kind: &str) -> Option<&Signal> {
        self.0.iter().find(|s| s.key() == (source, kind))
    }

    /// Whether any source says that it is exploited.
    pub fn exploited(&self) -> bool {
        self.0.iter().any(|s| s.kind == EXPLOITED)
    }

    /// FIRST's probability in millionths.
    pub fn epss(&self) -> Option<u32> {
        self.get(FIRST_EPSS, PROBABILITY)?.value
    }

    /// CISA's listing.
    pub fn kev(&self) -> Option<Kev> {
        let listed = self.get(CISA_KEV, EXPLOITED)?;
        Some(Kev {
            date_added: listed.date.clone().unwrap_or_default(),
            due_date: self.get(CISA_KEV, DUE).and_then(|s| s.date.clone()),
            ransomware: self.get(CISA_KEV, RANSOMWARE).is_some(),
        })
    }

    /// What the keys `kev` and `epss` do not say.
    pub fn others(&self) -> impl Iterator<Item = &Signal> {
        let said = Self::said_by(self.epss(), self.kev());
        self.0.iter().filter(move |signal| !said.0.contains(signal))
    }

    fn said_by(epss: Option<u32>, kev: Option<Kev>) -> Self {
        let mut out = kev.map(Self::from).unwrap_or_default();
        out.extend(epss.map(Signal::epss));
        out
    }
}

impl Extend<Signal> for Signals {
    fn extend<I: IntoIterator<Item = Signal>>(&mut self, signals: I) {
        signals.into_iter().for_each(|signal| self.add(signal));
    }
}

impl FromIterator<Signal> for Signals {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> Self {
        let mut out = Self::default();
        out.extend(signals);
        out
    }
}

impl IntoIterator for Signals {
    type Item = Signal;
    type IntoIter = std::vec::IntoIter<Signal>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The keys of a finding that stand for its signals.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Keys {
    /// FIRST's EPSS probability in millionths, where it is known.
    epss: Option<u32>,
    /// CISA's listing.
    kev: Option<Kev>,
    /// What other sources say of the vulnerability, by source and kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    signals: Vec<Signal>,
}

impl From<Signals> for Keys {
    fn from(signals: Signals) -> Self {
        Self { epss: signals.epss(), kev: signals.kev(), signals: signals.others().cloned().collect() }
    }
}

impl From<Keys> for Signals {
    fn from(keys: Keys) -> Self {
        let mut out = Self::said_by(keys.epss, keys.kev);
        out.extend(keys.signals);
        out
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn old_keys_and_the_list_say_all_there_and_back() {
        let kev = Kev { date_added: "2024-02-03".into(), due_date: Some("2024-03-01".into()), ransomware: true };
        let ssvc = Signal::new("cisa-ssvc", "automatable").of(Some("2024-05-06".into()));
        let with = |more: Vec<Signal>| Signals::from_iter(Signals::from(kev.clone()).into_iter().chain(more));
        let listed = json!({"date_added": "2024-02-03", "due_date": "2024-03-01", "ransomware": true});
        for (signals, want) in [
            (Signals::default(), json!({"epss": null, "kev": null})),
            (with(vec![Signal::epss(7)]), json!({"epss": 7, "kev": listed})),
            (
                with(vec![ssvc.clone()]),
                json!({"epss": null, "kev": listed, "signals": [{"source": "cisa-ssvc", "kind": "automatable", "date": "2024-05-06"}]}),
            ),
            // What the old keys cannot say stands in the list.
            (
                Signals::from_iter([
                    Signal::epss(7).of(Some("2024-01-01".into())),
                    Signal::new(CISA_KEV, "of-tomorrow"),
                ]),
                json!({"epss": 7, "kev": null, "signals": [
                    {"source": "cisa-kev", "kind": "of-tomorrow"},
                    {"source": "epss", "kind": "probability", "value": 7, "date": "2024-01-01"},
                ]}),
            ),
        ] {
            assert_eq!(serde_json::to_value(&signals).unwrap(), want);
            assert_eq!(serde_json::from_value::<Signals>(want).unwrap(), signals);
        }
        assert_eq!(serde_json::from_value::<Signals>(json!({})).unwrap(), Signals::default());
    }

    #[test]
    fn what_is_said_twice_is_kept_once() {
        let listed = |day: &str| Signal::new("a", EXPLOITED).of(Some(day.into()));
        let signals =
            Signals::from_iter([Signal::epss(5), listed("2024-02-02"), Signal::epss(9), listed("2024-01-01")]);
        assert_eq!((signals.epss(), signals.iter().count()), (Some(9), 2));
        assert_eq!(signals.get("a", EXPLOITED).unwrap().date.as_deref(), Some("2024-01-01"));
        assert!(signals.exploited() && signals.kev().is_none());
    }

    #[test]
    fn names() {
        for (name, text) in [
            (SignalName::of(CISA_KEV, EXPLOITED), "kev"),
            (SignalName::of(FIRST_EPSS, PROBABILITY), "epss"),
            (SignalName::of("cisa-ssvc", EXPLOITED), "cisa-ssvc/exploited"),
            (SignalName { source: None, kind: EXPLOITED.into() }, "exploited"),
        ] {
            assert_eq!(name.to_string(), text);
            assert!(name.covers(name.source.as_deref().unwrap_or("any"), &name.kind));
            assert!(!name.covers(name.source.as_deref().unwrap_or("any"), "another"));
        }
        assert!(!SignalName::of("a", EXPLOITED).covers("b", EXPLOITED));
    }
}
