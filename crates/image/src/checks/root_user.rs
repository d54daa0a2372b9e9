//! `root-user`: the container runs as root (CIS Docker 4.1). The user is a name or number, perhaps with a group; only
//! `root` and 0 are known to be root, other names would need the image's passwd file.

use layergate_model::Severity;

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "root-user",
    title: "The container runs as root",
    reason: "A process that breaks out of its container as root is root where user namespaces are not in use.",
    remediation: "Create a user in the Dockerfile and switch to it with USER before CMD or ENTRYPOINT.",
    severity: Severity::Medium,
    find,
};

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let Some(config) = subject.config else { return Vec::new() };
    let user = config.config.user.split(':').next().unwrap_or_default().trim();
    match user {
        "" => vec![Hit::at("config.User").saying("no user is set")],
        name if name == "root" || name.bytes().all(|b| b == b'0') => vec![Hit::at("config.User")],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{check, locations, subject};

    #[test]
    fn root_by_name_by_number_and_by_default() {
        for (user, found) in [
            ("", true),
            ("0", true),
            ("root", true),
            ("0:0", true),
            ("root:app", true),
            ("app", false),
            ("10001", false),
        ] {
            let json = format!(r#"{{"config":{{"User":"{user}"}}}}"#);
            assert_eq!(!locations(&RULE, &json).is_empty(), found, "{user:?}");
        }
        assert!(check(&RULE, &subject()).is_empty(), "a root file system has no user");
    }
}
