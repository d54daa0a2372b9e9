//! Small subjects for the tests of the checks.

use layergate_model::{Check, CheckFact, FactKind, ImageConfig, LayerPath};

use super::{Rule, Subject};

pub(crate) fn subject() -> Subject<'static> {
    Subject { config: None, reference: None, as_of: None, distro: None, packages: &[], base: None, facts: &[] }
}

pub(crate) fn fact(kind: FactKind, path: &str) -> CheckFact {
    CheckFact { kind, path: LayerPath::normalise(path).unwrap() }
}

/// A config from JSON.
pub(crate) fn config(json: &str) -> ImageConfig {
    serde_json::from_str(json).unwrap()
}

pub(crate) fn check(rule: &Rule, subject: &Subject<'_>) -> Vec<Check> {
    super::apply(rule, subject)
}

/// Where `rule` finds something in a config.
pub(crate) fn locations(rule: &Rule, json: &str) -> Vec<String> {
    let config = config(json);
    check(rule, &Subject { config: Some(&config), ..subject() }).into_iter().map(|c| c.location).collect()
}
