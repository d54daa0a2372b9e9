//! `dist-upgrade`: a build step replaces the whole distribution.

use layergate_model::Severity;

use super::{Hit, Rule, Subject, history};

pub(super) const RULE: Rule = Rule {
    id: "dist-upgrade",
    title: "A build step upgrades the whole distribution",
    reason: "It may remove packages and move the image to another release than its base says, differently on every build.",
    remediation: "Rebuild on a current base image; upgrade single packages where a fix cannot wait for it.",
    severity: Severity::Low,
    find,
};

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let steps = history::steps(subject);
    let upgrades = |step: &&history::Step<'_>| {
        step.instruction == "RUN"
            && history::commands(step.text).any(|c| {
                matches!(c.first(), Some(&"apt-get" | &"apt" | &"aptitude" | &"zypper"))
                    && c.iter().any(|w| matches!(*w, "dist-upgrade" | "full-upgrade" | "dup"))
            })
    };
    steps.iter().filter(upgrades).map(|step| Hit::at(step.location())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::locations;

    #[test]
    fn whole_distributions() {
        for (command, found) in [
            ("RUN /bin/sh -c apt-get update && apt-get -y dist-upgrade # buildkit", true),
            ("/bin/sh -c apt full-upgrade -y", true),
            ("RUN /bin/sh -c apt-get upgrade -y", false),
            ("RUN /bin/sh -c echo dist-upgrade", false),
        ] {
            let json = serde_json::json!({"history": [{"created_by": command}]}).to_string();
            assert_eq!(!locations(&RULE, &json).is_empty(), found, "{command}");
        }
    }
}
