//! Time: is the distribution still fixed, are the advisories still fresh. Both are reported, whatever their effect.

use std::cmp::Reverse;

use jiff::civil::Date;
use layergate_model::{AdvisorySource, CISA_KEV, DatedBy, Distro, EXPLOITED, Effect, Gap, GapKind, SignalName};
use layergate_policy::PolicyView;

use crate::text;

/// The place of gaps about the advisories as a whole.
pub(crate) const PLACE: &str = "snapshot";

/// The first ten characters of an ISO 8601 text as a day.
fn day(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

fn days_between(earlier: Date, later: Date) -> i64 {
    let span = earlier.until(later).map(|s| s.get_days());
    span.map_or(i64::MAX, i64::from)
}

/// The gap of a release that nobody fixes any more on the day `as_of`.
pub(crate) fn end_of_life(distro: &Distro, as_of: Date) -> Option<Gap> {
    let text = distro.end_of_life.as_deref()?;
    let end = day(text)?;
    (as_of > end).then(|| {
        Gap::new(
            GapKind::EndOfLife,
            release(distro),
            format!(
                "{} has had no security updates since {end}: vulnerabilities found later are not fixed and may not be listed; move to a supported release",
                release(distro)
            ),
        )
    })
}

/// `debian 12`, `arch`.
pub(crate) fn release(distro: &Distro) -> String {
    match &distro.version {
        Some(version) => format!("{} {version}", distro.id),
        None => distro.id.clone(),
    }
}

/// The gaps of advisories that are too old, with their effects: of the whole set by its newest record, or of each
/// source that speaks of this image and lags behind, which a fresh one must not hide; of both only where the source
/// weighs more. `relevant` says whether a finding is left whose effect a rule on signals could raise.
pub(crate) fn aged(
    newest: Option<&str>,
    sources: &[AdvisorySource],
    relevant: bool,
    as_of: Date,
    policy: &PolicyView<'_>,
) -> Vec<(Gap, Effect)> {
    let mut whole = stale(newest, as_of, policy);
    let newest = newest.and_then(day);
    let mut out = Vec::new();
    let mut older = Vec::new();
    let asked = if relevant { policy.signals_asked() } else { Vec::new() };
    for group in sources.chunk_by(|a, b| a.of == b.of) {
        let Some(of) = group.first().map(|s| s.of.as_str()) else { continue };
        let unasked = |s: &AdvisorySource| s.is_of_signals() && !asked.iter().any(|name| s.brings(name));
        if group.iter().all(unasked) {
            continue;
        }
        let Some(lag) = lagging(of, group, as_of, policy) else { continue };
        match &whole {
            // One update renews all: it is asked for once, and what lags behind the rest is named.
            Some((_, effect)) if lag.effect <= *effect => {
                let behind = lag.date.zip(newest).is_none_or(|(date, newest)| days_between(date, newest) >= LAGS_DAYS);
                older.extend(behind.then(|| match lag.date {
                    Some(date) => format!("{of} of {date}"),
                    None => format!("{of} of unknown date"),
                }));
            }
            _ => out.push((Gap::new(GapKind::StaleAdvisories, of, lag.detail), lag.effect)),
        }
    }
    if let Some((gap, _)) = whole.as_mut().filter(|_| !older.is_empty()) {
        gap.detail.push_str(&format!("; older still: {}", text::listed(&older, 5, ", ")));
    }
    if !sources.is_empty() {
        out.extend(asked.iter().filter_map(|name| without_feed(name, sources, policy)));
    }
    whole.into_iter().chain(out).collect()
}

/// So many days older than the newest of all, a source is reported beside the whole set.
const LAGS_DAYS: i64 = 30;

struct Lag {
    date: Option<Date>,
    detail: String,
    effect: Effect,
}

/// What is too old among the sources of one ecosystem. While another whole one is fresh the old one only warns: mostly
/// both say the same, and what only the old one would have said is missing.
fn lagging(of: &str, group: &[AdvisorySource], as_of: Date, policy: &PolicyView<'_>) -> Option<Lag> {
    let aged: Vec<(&AdvisorySource, i64)> = group
        .iter()
        .map(|source| {
            let date = source.date.as_deref().and_then(day);
            (source, date.map_or(i64::MAX, |d| days_between(d, as_of).saturating_sub(i64::from(source.quiet_days))))
        })
        .collect();
    let stale: Vec<_> = aged.iter().filter_map(|(s, age)| Some((*s, policy.staleness(*age)?))).collect();
    let worst = stale.iter().map(|(_, staleness)| *staleness).max_by_key(|s| (s.effect, Reverse(s.limit_days)))?;
    let another = aged.iter().any(|(source, age)| source.is_whole() && policy.staleness(*age).is_none());
    let date = stale.iter().filter_map(|(s, _)| s.date.as_deref().and_then(day)).min();
    let reported: Vec<String> = stale.iter().map(|(source, _)| age(source, as_of)).collect();
    let most = group.iter().map(|s| s.quiet_days).max().filter(|days| *days > 0);
    let quiet = most.map(|days| format!(" (and up to {days} days of silence are ordinary)")).unwrap_or_default();
    let detail = format!(
        "{of}: {}; the limit is {}{quiet}: vulnerabilities known since then are missing; run `layergate db update`, or look why the mirror brings nothing new",
        reported.join(", "),
        text::count(worst.limit_days as usize, "day", "days")
    );
    Some(Lag { date, detail, effect: if another { worst.effect.min(Effect::Warn) } else { worst.effect } })
}

/// `osv-pypa is of 2023-05-01 (its newest record), 1234 days before 2026-09-16`.
fn age(source: &AdvisorySource, as_of: Date) -> String {
    let Some(date) = source.date.as_deref().and_then(day) else {
        return format!("nothing shows how old {} is", source.feed);
    };
    let how = match source.dated_by {
        Some(DatedBy::Fetched) => "its newest file",
        _ => "its newest record",
    };
    format!("{} is of {date} ({how}), {} days before {as_of}", source.feed, days_between(date, as_of))
}

/// The gap of a rule on signals that no whole feed answers. Whoever asks for EPSS or another has done so himself: without
/// it his policy cannot be held. CISA's list is asked by every policy.
fn without_feed(name: &SignalName, sources: &[AdvisorySource], policy: &PolicyView<'_>) -> Option<(Gap, Effect)> {
    let feeds: Vec<&AdvisorySource> = sources.iter().filter(|s| s.brings(name)).collect();
    if feeds.iter().any(|f| f.is_whole()) {
        return None;
    }
    let have = match feeds.first() {
        None => "the snapshot has no feed that shows it".to_owned(),
        Some(feed) => {
            format!(
                "only {} of at least {} records of {} are in the snapshot",
                feed.records,
                feed.at_least.unwrap_or(0),
                feed.feed
            )
        }
    };
    let asks = match name.word() {
        Some("kev") => "rule `kev` asks what is known to be exploited".to_owned(),
        Some("epss") => "rule `epss` asks how likely exploitation is".to_owned(),
        _ => format!("rule on signals asks for `{name}`"),
    };
    let gap = Gap::new(
        GapKind::RuleWithoutFeed,
        name.to_string(),
        format!("the policy's {asks}, and {have}: it can say nothing of the findings"),
    );
    let usual = if *name == SignalName::of(CISA_KEV, EXPLOITED) { Effect::Warn } else { Effect::Error };
    let effect = policy.gap_or(&gap, usual);
    Some((gap, effect))
}

/// The gap of a set of advisories that is too old, with its effect. `newest` is the day of their newest record.
fn stale(newest: Option<&str>, as_of: Date, policy: &PolicyView<'_>) -> Option<(Gap, Effect)> {
    let Some(newest) = newest.and_then(day) else {
        let staleness = policy.staleness(i64::MAX)?;
        let detail = "no record of the advisories has a date, so their age is unknown";
        return Some((Gap::new(GapKind::StaleAdvisories, PLACE, detail), staleness.effect));
    };
    let age = days_between(newest, as_of);
    let staleness = policy.staleness(age)?;
    let limit = staleness.limit_days;
    let detail = format!(
        "the newest advisory is of {newest}, {age} days before {as_of}, and the limit is {limit}: vulnerabilities known since then are missing; run `layergate db update`"
    );
    Some((Gap::new(GapKind::StaleAdvisories, PLACE, detail), staleness.effect))
}
