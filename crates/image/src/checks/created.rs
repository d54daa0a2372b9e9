//! `old-image`: the image was built long ago, so whatever was fixed since is not in it. Reproducible builds set the
//! date to the epoch or to a fixed one before 2000; those say nothing of the age.

use layergate_model::Severity;

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "old-image",
    title: "The image was built long ago",
    reason: "An image that is not rebuilt collects vulnerabilities, also those that no advisory lists for it.",
    remediation: "Rebuild the image on a current base, and rebuild it regularly.",
    severity: Severity::Low,
    find,
};

/// Half a year: the usual outer limit of rebuild rules.
const MAX_DAYS: i32 = 180;

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let created = subject.config.and_then(|c| c.created.as_deref()).and_then(|c| c.get(..10));
    let created = created.and_then(|day| day.parse::<jiff::civil::Date>().ok()).filter(|day| day.year() >= 2000);
    let (Some(created), Some(as_of)) = (created, subject.as_of) else { return Vec::new() };
    let days = as_of.duration_since(created).as_hours() / 24;
    if days <= i64::from(MAX_DAYS) {
        return Vec::new();
    }
    vec![Hit::at("config.created").saying(format!("on {created}, {days} days ago (more than {MAX_DAYS})"))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{check, config, subject};

    #[test]
    fn ages_are_counted_from_the_given_day() {
        for (created, found) in [
            ("2026-01-02T03:04:05.678Z", true),
            ("2026-11-20T00:00:00Z", false),
            ("2027-01-01T00:00:00Z", false),
            ("1970-01-01T00:00:00Z", false),
            ("nonsense", false),
        ] {
            let config = config(&format!(r#"{{"created":"{created}"}}"#));
            let as_of = "2026-11-21".parse().ok();
            let hits = check(&RULE, &Subject { config: Some(&config), as_of, ..subject() });
            assert_eq!(!hits.is_empty(), found, "{created}");
            assert!(check(&RULE, &Subject { config: Some(&config), ..subject() }).is_empty());
        }
    }
}
