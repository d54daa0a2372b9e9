//! Misconfiguration of an image: one file for each check, and the list of them.
//!
//! The measure is section 4 of the CIS Docker Benchmark and what practice adds. A check is a pure function of the
//! [`Subject`]; effects are left to the policy. To add one, write its file with a `RULE` and add it to [`CATALOGUE`].

mod add_local;
mod add_url;
mod admin_ports;
mod created;
mod dist_upgrade;
mod empty_password;
mod healthcheck;
mod history;
mod host_key;
mod latest_tag;
mod package_cache;
mod root_user;
mod second_root;
mod secrets;
mod sensitive_volume;
mod setuid;
mod shell;
mod ssh_daemon;
mod sudo;
#[cfg(test)]
mod testing;
mod unverified_install;
mod update_alone;
mod version_control;
mod world_writable;

use layergate_model::{
    BaseImage, Check, CheckFact, Distro, Effect, FactKind, ImageConfig, ImagePackage, ImageReference, Severity,
};

/// Places that one check names one by one; how many more there are is reported.
const MAX_HITS: usize = 50;

/// One check.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Stable id.
    pub id: &'static str,
    /// What is wrong.
    pub title: &'static str,
    /// Why it matters.
    pub reason: &'static str,
    /// What to do about it.
    pub remediation: &'static str,
    /// How bad it is, where the check does not say otherwise.
    pub severity: Severity,
    /// Finds the places.
    find: fn(&Subject<'_>) -> Vec<Hit>,
}

/// Every check, in the order of their ids.
pub const CATALOGUE: &[Rule] = &[
    add_local::RULE,
    add_url::RULE,
    admin_ports::RULE,
    dist_upgrade::RULE,
    empty_password::RULE,
    healthcheck::RULE,
    latest_tag::RULE,
    created::RULE,
    package_cache::RULE,
    root_user::RULE,
    second_root::RULE,
    secrets::RULE,
    sensitive_volume::RULE,
    setuid::RULE,
    shell::RULE,
    ssh_daemon::RULE,
    host_key::RULE,
    sudo::RULE,
    unverified_install::RULE,
    update_alone::RULE,
    version_control::RULE,
    world_writable::RULE,
];

/// What a check looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// The image's configuration; there is none for a root file system.
    pub(crate) config: Option<&'a ImageConfig>,
    /// How the image was asked for.
    pub(crate) reference: Option<&'a ImageReference>,
    /// The day against which ages are counted.
    pub(crate) as_of: Option<jiff::civil::Date>,
    /// The distribution.
    pub(crate) distro: Option<&'a Distro>,
    /// The packages.
    pub(crate) packages: &'a [ImagePackage],
    /// The base image.
    pub(crate) base: Option<&'a BaseImage>,
    /// Files of interest that the image shows, sorted.
    pub(crate) facts: &'a [CheckFact],
}

impl<'a> Subject<'a> {
    /// The paths of one sort of file.
    fn paths(&self, kind: FactKind) -> impl Iterator<Item = &'a str> + use<'a> {
        self.facts.iter().filter(move |f| f.kind == kind).map(|f| f.path.as_str())
    }
}

/// One place that a check found.
#[derive(Debug)]
struct Hit {
    /// A path or a part of the config.
    location: String,
    /// What of the title is particular to this place.
    detail: Option<String>,
    /// Where it differs from the rule's.
    severity: Option<Severity>,
}

impl Hit {
    fn at(location: impl Into<String>) -> Self {
        Self { location: location.into(), detail: None, severity: None }
    }

    fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    fn with_severity(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }
}

/// The rules that ask how and when an image was asked for, not only what is in it.
const SITUATIONAL: [&Rule; 2] = [&created::RULE, &latest_tag::RULE];

/// Whether a check of this id depends on the reference or the day, so that [`situational`] finds it anew.
pub fn is_situational(id: &str) -> bool {
    SITUATIONAL.iter().any(|rule| rule.id == id)
}

/// The checks that depend on the reference that an image was asked for by and on the day, sorted: what a kept inventory is
/// completed with when it is judged again. `config` is `None` for a root file system.
pub fn situational(
    config: Option<&ImageConfig>,
    reference: Option<&ImageReference>,
    as_of: Option<jiff::civil::Date>,
) -> Vec<Check> {
    let subject = Subject { config, reference, as_of, distro: None, packages: &[], base: None, facts: &[] };
    let mut checks: Vec<Check> = SITUATIONAL.iter().flat_map(|rule| apply(rule, &subject)).collect();
    checks.sort();
    checks
}

/// Everything that the image does not pass, sorted.
pub(crate) fn run(subject: &Subject<'_>) -> Vec<Check> {
    let mut checks: Vec<Check> = CATALOGUE.iter().flat_map(|rule| apply(rule, subject)).collect();
    checks.sort();
    checks.dedup();
    checks
}

fn apply(rule: &Rule, subject: &Subject<'_>) -> Vec<Check> {
    let check = |hit: Hit| Check {
        id: rule.id.to_owned(),
        title: hit.detail.map_or_else(|| rule.title.to_owned(), |detail| format!("{}: {detail}", rule.title)),
        reason: rule.reason.to_owned(),
        severity: hit.severity.unwrap_or(rule.severity),
        effect: Effect::Ignore,
        remediation: rule.remediation.to_owned(),
        location: hit.location,
    };
    let mut hits = (rule.find)(subject);
    let more = hits.len().saturating_sub(MAX_HITS);
    hits.truncate(MAX_HITS);
    if more > 0 {
        hits.push(Hit::at("image").saying(format!("and {more} more places")));
    }
    hits.into_iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_everything_is_said() {
        let ids: std::collections::BTreeSet<_> = CATALOGUE.iter().map(|r| r.id).collect();
        assert_eq!(ids.len(), CATALOGUE.len());
        for rule in CATALOGUE {
            assert!(!rule.title.is_empty() && rule.reason.len() > 20 && rule.remediation.len() > 20, "{}", rule.id);
            assert!(rule.severity > Severity::Unknown, "{}", rule.id);
        }
    }

    /// A rule that looks at the reference or the day and is not in the list would be judged by an old answer for ever.
    #[test]
    fn what_depends_on_reference_or_day_is_listed() {
        let config = testing::config(r#"{"created":"2020-01-02T00:00:00Z","config":{"User":"app"}}"#);
        let reference: ImageReference = "registry.example/app:latest".parse().unwrap();
        let bare = Subject { config: Some(&config), ..testing::subject() };
        let asked = Subject { reference: Some(&reference), as_of: "2026-11-27".parse().ok(), ..bare };
        let (bare, mut asked) = (run(&bare), run(&asked));
        asked.retain(|check| !bare.contains(check));
        assert_eq!(asked, situational(Some(&config), Some(&reference), "2026-11-27".parse().ok()));
        assert!(asked.len() == 2 && asked.iter().all(|c| is_situational(&c.id)), "{asked:?}");
    }

    #[test]
    fn many_places_are_counted_not_listed() {
        let facts: Vec<_> = (0..80).map(|i| testing::fact(FactKind::WorldWritable, &format!("d{i:02}"))).collect();
        let found = testing::check(&world_writable::RULE, &Subject { facts: &facts, ..testing::subject() });
        assert_eq!(found.len(), MAX_HITS + 1);
        assert!(found.iter().any(|c| c.title.ends_with("and 30 more places")));
    }
}
