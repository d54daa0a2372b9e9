//! `update-alone`: a build step fetches package lists and installs nothing (CIS Docker 4.7). The base image's own steps
//! are left out.

use layergate_model::Severity;

use super::{Hit, Rule, Subject, history};

pub(super) const RULE: Rule = Rule {
    id: "update-alone",
    title: "A build step only updates package lists",
    reason: "The step is cached: a later build installs from lists that are old by then, without what was fixed since.",
    remediation: "Update and install in one RUN step: apt-get update && apt-get install -y PACKAGE, or apk add --no-cache PACKAGE.",
    severity: Severity::Low,
    find,
};

const UPDATES: [&[&str]; 5] =
    [&["apt-get", "update"], &["apt", "update"], &["apk", "update"], &["yum", "makecache"], &["zypper", "refresh"]];

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for step in history::steps(subject).iter().filter(|s| s.instruction == "RUN" && !s.in_base) {
        let commands: Vec<Vec<&str>> = history::commands(step.text).collect();
        let is = |command: &[&str], of: &[&str]| {
            command.first() == of.first() && of.iter().skip(1).all(|word| command.contains(word))
        };
        let updates = commands.iter().any(|c| UPDATES.iter().any(|u| is(c, u)));
        let installs = commands.iter().any(|c| {
            c.iter()
                .any(|w| matches!(*w, "install" | "add" | "upgrade" | "dist-upgrade" | "full-upgrade" | "build-dep"))
        });
        if updates && !installs {
            hits.push(Hit::at(step.location()));
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::locations;

    #[test]
    fn lists_without_packages() {
        for (command, found) in [
            ("RUN /bin/sh -c apt-get update # buildkit", true),
            ("/bin/sh -c apt-get -qq update", true),
            ("RUN /bin/sh -c apt-get update && apt-get install -y curl # buildkit", false),
            ("RUN /bin/sh -c apk update && apk add curl # buildkit", false),
            ("RUN /bin/sh -c apt-get update && apt-get upgrade -y", false),
            ("RUN /bin/sh -c git submodule update", false),
            ("COPY apt-get update", false),
        ] {
            let json = serde_json::json!({"history": [{"created_by": command}]}).to_string();
            assert_eq!(!locations(&RULE, &json).is_empty(), found, "{command}");
        }
    }
}
