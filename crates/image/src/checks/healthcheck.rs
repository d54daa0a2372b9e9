//! `no-healthcheck`: the image does not say how to see whether it works (CIS Docker 4.6). Kubernetes has probes of its
//! own and the OCI format has no place for it, so this is no more than a hint.

use layergate_model::Severity;

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "no-healthcheck",
    title: "The image has no HEALTHCHECK",
    reason: "Without one, an engine that has no probes of its own keeps a container that hangs.",
    remediation: "Add a HEALTHCHECK to the Dockerfile, or probes to the workload where an orchestrator runs it.",
    severity: Severity::Negligible,
    find,
};

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let Some(config) = subject.config else { return Vec::new() };
    let none = match &config.config.healthcheck {
        None => true,
        // Dockerfile: HEALTHCHECK NONE
        Some(check) => check.get("Test").and_then(|t| t.get(0)).is_some_and(|t| t == "NONE"),
    };
    if none { vec![Hit::at("config.Healthcheck")] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::locations;

    #[test]
    fn absent_and_switched_off() {
        assert_eq!(locations(&RULE, "{}"), ["config.Healthcheck"]);
        assert_eq!(locations(&RULE, r#"{"config":{"Healthcheck":{"Test":["NONE"]}}}"#).len(), 1);
        assert!(
            locations(&RULE, r#"{"config":{"Healthcheck":{"Test":["CMD-SHELL","curl -f localhost"]}}}"#).is_empty()
        );
    }
}
