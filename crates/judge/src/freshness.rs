//! Time: is the distribution still mended, are the advisories still fresh. Both are told, whatever their effect.

use jiff::civil::Date;
use layergate_model::{Distro, Effect, Gap, GapKind};
use layergate_policy::PolicyView;

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

/// The gap of a release that nobody mends any more on the day `as_of`.
pub(crate) fn end_of_life(distro: &Distro, as_of: Date) -> Option<Gap> {
    let text = distro.end_of_life.as_deref()?;
    let end = day(text)?;
    (as_of > end).then(|| {
        Gap::new(
            GapKind::EndOfLife,
            release(distro),
            format!(
                "{} has had no security updates since {end}: flaws found later are not mended and may not be listed; move to a supported release",
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

/// The gap of advisories that are too old, with its effect. `newest` is the day of their newest record.
pub(crate) fn stale(newest: Option<&str>, as_of: Date, policy: &PolicyView<'_>) -> Option<(Gap, Effect)> {
    let Some(newest) = newest.and_then(day) else {
        let staleness = policy.staleness(i64::MAX)?;
        let detail = "no record of the advisories has a date, so nobody can tell how old they are";
        return Some((Gap::new(GapKind::StaleAdvisories, PLACE, detail), staleness.effect));
    };
    let age = days_between(newest, as_of);
    let staleness = policy.staleness(age)?;
    let limit = staleness.limit_days;
    let detail = format!(
        "the newest advisory is of {newest}, {age} days before {as_of}, and the limit is {limit}: flaws known since then are missing; run `layergate db update`"
    );
    Some((Gap::new(GapKind::StaleAdvisories, PLACE, detail), staleness.effect))
}
