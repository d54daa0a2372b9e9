//! Gaps, checks, secrets and licenses under the policy.

use layergate_model::{Check, Effect, Gap, ImagePackage, ReportGap, Secret};
use layergate_policy::{Exception, ExceptionSubject, PolicyView, Seen};

/// Something with a place that the policy has judged.
pub(crate) struct Item<'a, T> {
    pub(crate) value: T,
    pub(crate) effect: Effect,
    pub(crate) exception: Option<&'a Exception>,
    pub(crate) expired: Vec<&'a Exception>,
}

fn item<'a, T>(
    value: T,
    effect: Effect,
    subject: &ExceptionSubject,
    place: &str,
    seen: Option<&Seen>,
    policy: &PolicyView<'a>,
) -> Item<'a, T> {
    let (exception, expired) = policy.other_exceptions(subject, place, seen);
    match exception {
        Some(_) => Item { value, effect: Effect::Ignore, exception, expired: Vec::new() },
        None => Item { value, effect, exception, expired },
    }
}

/// Gaps, sorted, each once; `fixed` have their effect already.
pub(crate) fn gaps<'a>(
    mut found: Vec<Gap>,
    fixed: Vec<(Gap, Effect)>,
    policy: &PolicyView<'a>,
) -> Vec<Item<'a, ReportGap>> {
    found.sort();
    found.dedup();
    let mut judged: Vec<(Gap, Effect)> = found
        .into_iter()
        .map(|gap| {
            let effect = policy.gap(&gap);
            (gap, effect)
        })
        .collect();
    judged.extend(fixed);
    judged.sort();
    judged
        .into_iter()
        .map(|(gap, effect)| {
            let subject = ExceptionSubject::Gap(gap.kind);
            let Gap { kind, place, detail } = gap;
            let mut out =
                item(ReportGap { kind, place: place.clone(), detail, effect }, effect, &subject, &place, None, policy);
            out.value.effect = out.effect;
            out
        })
        .collect()
}

/// Checks, sorted, each once.
pub(crate) fn checks<'a>(found: &[Check], policy: &PolicyView<'a>) -> Vec<Item<'a, Check>> {
    let mut sorted = found.to_vec();
    sorted.sort_by(|a, b| (&a.id, &a.location, a).cmp(&(&b.id, &b.location, b)));
    sorted.dedup();
    sorted
        .into_iter()
        .map(|check| {
            let effect = policy.check(&check);
            let (subject, place) = (ExceptionSubject::Check(check.id.clone()), check.location.clone());
            let mut out = item(check, effect, &subject, &place, None, policy);
            out.value.effect = out.effect;
            out
        })
        .collect()
}

/// Secrets, sorted, each once.
pub(crate) fn secrets<'a>(found: &[Secret], policy: &PolicyView<'a>) -> Vec<Item<'a, Secret>> {
    let mut sorted = found.to_vec();
    sorted.sort_by(|a, b| (&a.path, a.line, a).cmp(&(&b.path, b.line, b)));
    sorted.dedup();
    sorted
        .into_iter()
        .map(|secret| {
            let effect = policy.secret(&secret);
            let (subject, place) = (ExceptionSubject::Secret(secret.rule.clone()), secret.path.clone());
            let seen = Seen::Secret { redacted: secret.redacted.clone() };
            item(secret, effect, &subject, &place, Some(&seen), policy)
        })
        .collect()
}

/// A package whose licenses the policy does not accept.
pub(crate) struct Refused<'a> {
    pub(crate) package: &'a ImagePackage,
    pub(crate) effect: Effect,
    pub(crate) licenses: Vec<String>,
}

/// The packages whose licenses are not accepted.
pub(crate) fn licenses<'a>(order: &[&'a ImagePackage], policy: &PolicyView<'_>) -> Vec<Refused<'a>> {
    if !policy.has_license_rules() {
        return Vec::new();
    }
    order
        .iter()
        .filter_map(|package| {
            let decision = policy.licenses(&package.package.licenses)?;
            Some(Refused { package, effect: decision.effect, licenses: decision.licenses })
        })
        .collect()
}
