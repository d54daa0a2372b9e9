//! `sudo`: sudo is in the image or was used to build it.

use layergate_model::Severity;

use super::{Hit, Rule, Subject, history};

pub(super) const RULE: Rule = Rule {
    id: "sudo",
    title: "sudo is in the image",
    reason: "A build runs as root anyway, and in a container sudo is one more setuid program that makes root of a user.",
    remediation: "Remove sudo; switch with USER in the Dockerfile, or use gosu or setpriv in an entry point.",
    severity: Severity::Low,
    find,
};

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let installed = subject.packages.iter().find(|p| p.package.kind.is_os() && p.package.name == "sudo");
    if let Some(sudo) = installed {
        return vec![Hit::at(sudo.package.evidence().to_owned()).saying(format!("sudo {}", sudo.package.version))];
    }
    let steps = history::steps(subject);
    let uses = |s: &&history::Step<'_>| s.instruction == "RUN" && history::commands(s.text).any(|c| c[0] == "sudo");
    steps.iter().filter(uses).map(|step| Hit::at(step.location()).saying("a build step calls it")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::locations;

    #[test]
    fn calls_of_sudo() {
        for (command, found) in [
            ("RUN /bin/sh -c sudo apt-get install x # buildkit", true),
            ("/bin/sh -c make && sudo -u app make install", true),
            ("RUN /bin/sh -c apt-get install -y sudo", false),
            ("RUN /bin/sh -c echo pseudo", false),
        ] {
            let json = serde_json::json!({"history": [{"created_by": command}]}).to_string();
            assert_eq!(!locations(&RULE, &json).is_empty(), found, "{command}");
        }
    }
}
