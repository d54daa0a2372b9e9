//! A policy bound to one image and one day: what it makes of each finding, gap, check, secret and license.

use std::collections::BTreeMap;

use jiff::civil::Date;
use layergate_model::{
    Check, Effect, Finding, Gap, GapKind, ImagePackage, Scope, Secret, Severity, SignalName, Status,
};

use crate::{
    Exception, ExceptionSubject, FindingRules, GapRules, Override, Policy, PurlParts, Rules, Seen, SignalRule,
    finding_names::FindingNames, glob::Glob, license::LicenseLists,
};

/// The rule that decided about a finding, in the order in which reasons name them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingRule {
    /// The package was made to do harm.
    Malicious,
    /// What a second source says of its vulnerability: that it is exploited, how likely that is, …
    Signal(SignalName),
    /// Its severity.
    Severity,
}

impl FindingRule {
    /// The word in reports.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Malicious => "malicious",
            Self::Signal(name) => name.word().unwrap_or("signal"),
            Self::Severity => "severity",
        }
    }
}

/// What the policy makes of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The effect.
    pub effect: Effect,
    /// The rule that had the last word.
    pub rule: FindingRule,
}

/// What the policy makes of a package's licenses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenseDecision {
    /// The effect.
    pub effect: Effect,
    /// The licenses that are not accepted; none when no license is known.
    pub licenses: Vec<String>,
}

/// What the policy makes of the age of the advisories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staleness {
    /// The effect.
    pub effect: Effect,
    /// The limit that was passed, in days.
    pub limit_days: u32,
}

struct SetView<'p> {
    rules: &'p Rules,
    overrides: Vec<&'p Override>,
    licenses: LicenseLists,
}

/// A policy bound to one image and one day.
pub struct PolicyView<'p> {
    sets: Vec<SetView<'p>>,
    /// Exceptions by literal advisory id.
    literal: BTreeMap<&'p str, Vec<&'p Exception>>,
    /// Exceptions whose advisory has a wildcard.
    globs: Vec<(Glob, &'p Exception)>,
    /// Exceptions about something else than advisories.
    others: Vec<&'p Exception>,
    as_of: Date,
}

/// Whether a later version fixes the finding.
pub fn has_fix(finding: &Finding) -> bool {
    !finding.fixed_versions.is_empty() || finding.status == Status::Fixed
}

impl Policy {
    /// Which of the overrides and exceptions that name images are about the image of `reference`, in their order: images
    /// with the same answer are treated alike. Empty where none names images.
    pub fn particulars(&self, reference: &str) -> Vec<bool> {
        let overrides = self.sets.iter().flat_map(|set| &set.overrides).filter(|o| !o.images.is_empty());
        let overrides = overrides.map(|o| o.images.iter().any(|i| i.matches(reference)));
        let exceptions = self.exceptions.iter().filter_map(|e| e.image.as_ref()).map(|i| i.matches(reference));
        overrides.chain(exceptions).collect()
    }

    /// Binds the policy to the image of `reference` (as in the report) on the day `as_of`.
    pub fn view(&self, reference: &str, as_of: Date) -> PolicyView<'_> {
        let sets = self
            .sets
            .iter()
            .map(|rules| SetView {
                rules,
                overrides: rules
                    .overrides
                    .iter()
                    .filter(|o| o.images.is_empty() || o.images.iter().any(|i| i.matches(reference)))
                    .collect(),
                licenses: LicenseLists::new(&rules.licenses.deny, &rules.licenses.allow),
            })
            .collect();
        let mut view = PolicyView { sets, literal: BTreeMap::new(), globs: Vec::new(), others: Vec::new(), as_of };
        for exception in self.exceptions.iter().filter(|e| e.concerns_image(reference)) {
            match (&exception.subject, exception.advisory()) {
                (ExceptionSubject::Advisory(id), Some(glob)) if glob.is_literal() => {
                    view.literal.entry(id).or_default().push(exception);
                }
                (_, Some(glob)) => view.globs.push((glob, exception)),
                (_, None) => view.others.push(exception),
            }
        }
        view
    }
}

impl<'p> PolicyView<'p> {
    /// The effect of a finding that nothing suppresses. `package` is the finding's package where the inventory has it.
    pub fn finding(&self, finding: &Finding, package: Option<&ImagePackage>) -> Decision {
        let mut out: Option<Decision> = None;
        for set in &self.sets {
            let decision = if set.overrides.is_empty() {
                decide(&set.rules.findings, finding, package)
            } else {
                let purl = package.map(|p| PurlParts::of(&p.purl));
                let mut rules = set.rules.findings.clone();
                for o in &set.overrides {
                    if override_concerns(o, package, purl.as_ref()) {
                        o.findings.apply(&mut rules);
                    }
                }
                decide(&rules, finding, package)
            };
            if out.as_ref().is_none_or(|o| decision.effect > o.effect) {
                out = Some(decision);
            }
        }
        out.unwrap_or(Decision { effect: Effect::Ignore, rule: FindingRule::Severity })
    }

    /// The severity that a finding counts as under the first set of rules.
    pub fn counted_severity(&self, finding: &Finding) -> Severity {
        self.sets.first().map_or(finding.severity, |s| counted(&s.rules.findings, finding))
    }

    /// The signals that a rule can do anything about: under a set of rules itself or an override of this image. In the order
    /// in which they are asked, each once.
    pub fn signals_asked(&self) -> Vec<SignalName> {
        let mut out: Vec<SignalName> = Vec::new();
        let mut ask = |rules: &[SignalRule]| {
            for rule in rules.iter().filter(|rule| rule.effect > Effect::Ignore) {
                let name = rule.name();
                if !out.contains(&name) {
                    out.push(name);
                }
            }
        };
        for set in &self.sets {
            ask(&set.rules.findings.signals);
            for o in &set.overrides {
                let mut rules = set.rules.findings.clone();
                o.findings.apply(&mut rules);
                ask(&rules.signals);
            }
        }
        out
    }

    /// The effect of a gap (stale advisories and end of life included).
    pub fn gap(&self, gap: &Gap) -> Effect {
        self.gap_or(gap, GapRules::default().effect(gap.kind))
    }

    /// As [`PolicyView::gap`], with another effect where no rule names the kind.
    pub fn gap_or(&self, gap: &Gap, usual: Effect) -> Effect {
        self.strictest(|set| {
            let mut effect = set.rules.gaps.0.get(&gap.kind).copied().unwrap_or(usual);
            for o in &set.overrides {
                let placed = o.paths.is_empty() || o.paths.iter().any(|p| p.matches(&gap.place));
                if let Some(changed) = o.gaps.0.get(&gap.kind).filter(|_| placed && o.packages.is_empty()) {
                    effect = *changed;
                }
            }
            effect
        })
    }

    /// What is made of advisories whose newest record is `age_days` old; `None` while they are fresh.
    pub fn staleness(&self, age_days: i64) -> Option<Staleness> {
        let passed = |limit: u32| age_days > i64::from(limit);
        self.sets
            .iter()
            .filter_map(|set| {
                let rules = &set.rules.advisories;
                match rules.max_age_days {
                    Some(limit_days) if passed(limit_days) => {
                        let set_effect = set.rules.gaps.0.get(&GapKind::StaleAdvisories).copied();
                        Some(Staleness { effect: set_effect.unwrap_or(Effect::Error), limit_days })
                    }
                    _ if passed(rules.warn_age_days) => {
                        Some(Staleness { effect: Effect::Warn, limit_days: rules.warn_age_days })
                    }
                    _ => None,
                }
            })
            .max_by_key(|s| (s.effect, std::cmp::Reverse(s.limit_days)))
    }

    /// The effect of a check that the image did not pass.
    pub fn check(&self, check: &Check) -> Effect {
        self.strictest(|set| set.rules.checks.effect(&check.id, check.severity))
    }

    /// The effect of a secret.
    pub fn secret(&self, secret: &Secret) -> Effect {
        self.strictest(|set| set.rules.secrets.effect(&secret.rule, secret.severity))
    }

    /// Whether any set of rules has something to say about licenses.
    pub fn has_license_rules(&self) -> bool {
        self.sets.iter().any(|s| !s.licenses.is_empty() || s.rules.licenses.unknown > Effect::Ignore)
    }

    /// What is made of a package's licenses; `None` when they are accepted.
    pub fn licenses(&self, licenses: &[String]) -> Option<LicenseDecision> {
        let mut out: Option<LicenseDecision> = None;
        for set in &self.sets {
            let rules = &set.rules.licenses;
            let known: Vec<&String> = licenses.iter().filter(|l| !unknown_license(l)).collect();
            let decision = if known.is_empty() {
                LicenseDecision { effect: rules.unknown, licenses: Vec::new() }
            } else {
                let refused: Vec<String> =
                    known.into_iter().filter(|l| !set.licenses.accepts(l)).map(String::clone).collect();
                if refused.is_empty() {
                    continue;
                }
                LicenseDecision { effect: rules.effect, licenses: refused }
            };
            if decision.effect > Effect::Ignore && out.as_ref().is_none_or(|o| decision.effect > o.effect) {
                out = Some(decision);
            }
        }
        out
    }

    /// The exceptions about a finding: the one in force that lasts longest, and those that have expired. Of an advisory
    /// that stands for several vulnerabilities, each of which has its own, it is the one that ends first.
    pub fn exceptions(
        &self,
        finding: &Finding,
        package: Option<&ImagePackage>,
        purl: impl Fn() -> Option<PurlParts>,
    ) -> (Option<&'p Exception>, Vec<&'p Exception>) {
        if self.literal.is_empty() && self.globs.is_empty() {
            return (None, Vec::new());
        }
        let named = |ids: &[&str]| {
            let mut named: Vec<&'p Exception> =
                ids.iter().filter_map(|id| self.literal.get(id)).flatten().copied().collect();
            named.extend(self.globs.iter().filter(|(glob, _)| ids.iter().any(|id| glob.matches(id))).map(|(_, e)| *e));
            if named.is_empty() {
                return (None, Vec::new());
            }
            let purl = purl();
            named.retain(|e| e.concerns_as_it_is(finding) && e.concerns_package(package, purl.as_ref()));
            self.sort_out(named)
        };
        let FindingNames { whole, parts } = FindingNames::of(finding);
        let (exception, mut expired) = named(&whole);
        if exception.is_some() || parts.is_empty() {
            return (exception, expired);
        }
        let mut of_parts = Vec::with_capacity(parts.len());
        for part in parts {
            let (exception, more) = named(&[part]);
            of_parts.push(exception);
            expired.extend(
                more.into_iter().filter(|e| !expired.iter().any(|known| std::ptr::eq(*known, *e))).collect::<Vec<_>>(),
            );
        }
        let all: Option<Vec<&Exception>> = of_parts.into_iter().collect();
        (all.and_then(|all| all.into_iter().max_by_key(|e| lasting(e))), expired)
    }

    /// The exceptions about a check, a secret or a gap at `place`; `seen` is what an older report must have known of it.
    pub fn other_exceptions(
        &self,
        subject: &ExceptionSubject,
        place: &str,
        seen: Option<&Seen>,
    ) -> (Option<&'p Exception>, Vec<&'p Exception>) {
        self.sort_out(
            (self.others.iter().copied())
                .filter(|e| e.subject == *subject && e.concerns_place(place))
                .filter(|e| e.seen.is_none() || e.seen.as_ref() == seen)
                .collect(),
        )
    }

    fn sort_out(&self, mut found: Vec<&'p Exception>) -> (Option<&'p Exception>, Vec<&'p Exception>) {
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.dedup_by(|a, b| std::ptr::eq(*a, *b));
        let (expired, mut valid): (Vec<_>, Vec<_>) = found.into_iter().partition(|e| e.expired(self.as_of));
        valid.sort_by_key(|e| lasting(e));
        (valid.first().copied(), expired)
    }

    fn strictest(&self, effect: impl Fn(&SetView<'p>) -> Effect) -> Effect {
        self.sets.iter().map(effect).max().unwrap_or_default()
    }
}

/// How long an exception lasts, the longest first.
const fn lasting(exception: &Exception) -> std::cmp::Reverse<Date> {
    std::cmp::Reverse(match exception.expires {
        crate::Expiry::Never => Date::MAX,
        crate::Expiry::After(day) => day,
    })
}

/// Words that writers of package databases use where they know no license.
fn unknown_license(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || ["none", "noassertion", "unknown"].iter().any(|w| text.eq_ignore_ascii_case(w))
}

fn override_concerns(o: &Override, package: Option<&ImagePackage>, purl: Option<&PurlParts>) -> bool {
    let named = o.packages.is_empty()
        || package.zip(purl).is_some_and(|(package, purl)| o.packages.iter().any(|p| p.matches(package, purl)));
    let placed = o.paths.is_empty()
        || package.is_some_and(|p| p.package.locations.iter().any(|l| o.paths.iter().any(|path| path.matches(l))));
    named && placed
}

fn counted(rules: &FindingRules, finding: &Finding) -> Severity {
    match finding.severity {
        Severity::Unknown if has_fix(finding) => rules.unknown_severity,
        severity => severity,
    }
}

fn decide(rules: &FindingRules, finding: &Finding, package: Option<&ImagePackage>) -> Decision {
    if finding.status == Status::NotAffected {
        return Decision { effect: Effect::Ignore, rule: FindingRule::Severity };
    }
    let severity = counted(rules, finding);
    let fails = rules.fail_on.holds(severity) && (has_fix(finding) || !rules.only_fixed);
    let by_severity = match (fails, rules.warn_on.holds(severity) || rules.fail_on.holds(severity)) {
        (true, _) => Effect::Fail,
        (false, true) => Effect::Warn,
        (false, false) => Effect::Ignore,
    };
    let by_severity = rules.status.get(&finding.status).copied().unwrap_or(by_severity);
    let is_dev = package.is_some_and(|p| p.package.scope == Scope::Dev);
    let soften = |effect: Effect| if is_dev { effect.min(rules.dev_at_most) } else { effect };
    let mut out = Decision { effect: Effect::Ignore, rule: FindingRule::Severity };
    if finding.malicious {
        out = Decision { effect: rules.malicious, rule: FindingRule::Malicious };
    }
    for rule in rules.signals.iter().filter(|rule| finding.signals.iter().any(|signal| rule.speaks_of(signal))) {
        if soften(rule.effect) > out.effect {
            out = Decision { effect: soften(rule.effect), rule: FindingRule::Signal(rule.name()) };
        }
    }
    if soften(by_severity) > out.effect || out.effect == Effect::Ignore {
        out = Decision { effect: soften(by_severity), rule: FindingRule::Severity };
    }
    out
}
