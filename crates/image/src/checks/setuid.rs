//! `setuid-file`: a program that runs with another user's or group's rights (CIS Docker 4.8). Those that the
//! distributions' base packages bring are known and reported as low, any other as medium.

use layergate_model::{FactKind, Severity};

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "setuid-file",
    title: "A file has the setuid or setgid bit",
    reason: "A mistake in such a program gives its caller the rights of its owner, usually root.",
    remediation: "Remove the bit (chmod a-s FILE) or the program, or run with no_new_privs.",
    severity: Severity::Medium,
    find,
};

const USUAL: [&str; 24] = [
    "chage",
    "chfn",
    "chsh",
    "crontab",
    "expiry",
    "fusermount",
    "fusermount3",
    "gpasswd",
    "mount",
    "newgidmap",
    "newgrp",
    "newuidmap",
    "pam_timestamp_check",
    "passwd",
    "ping",
    "pkexec",
    "ssh-agent",
    "ssh-keysign",
    "su",
    "sudo",
    "umount",
    "unix_chkpwd",
    "wall",
    "write",
];

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let hit = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let system = ["bin/", "sbin/", "usr/bin/", "usr/sbin/", "usr/lib/", "usr/libexec/", "lib/"];
        let usual = USUAL.contains(&name) && system.iter().any(|d| path.starts_with(d));
        Hit::at(path).with_severity(if usual { Severity::Low } else { RULE.severity })
    };
    subject.paths(FactKind::Setuid).map(hit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{check, fact, subject};

    #[test]
    fn a_usual_name_in_an_unusual_place_is_not_usual() {
        let facts = ["usr/bin/su", "opt/su", "usr/bin/backdoor"].map(|p| fact(FactKind::Setuid, p));
        let found: Vec<_> =
            check(&RULE, &Subject { facts: &facts, ..subject() }).into_iter().map(|c| c.severity).collect();
        assert_eq!(found, [Severity::Low, Severity::Medium, Severity::Medium]);
    }
}
