//! `ssh-host-key`: a private host key lies in the image.

use layergate_model::{FactKind, Severity};

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "ssh-host-key",
    title: "The image has a private SSH host key",
    reason: "Whoever can pull the image can pose as every container made from it.",
    remediation: "Delete the keys in the step that installs the server, and make new ones when a container starts.",
    severity: Severity::High,
    find,
};

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    subject.paths(FactKind::SshHostKey).map(Hit::at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{
        ssh_daemon,
        testing::{check, fact, subject},
    };

    #[test]
    fn key_and_daemon_are_distinguished() {
        let facts =
            [fact(FactKind::SshDaemon, "usr/sbin/sshd"), fact(FactKind::SshHostKey, "etc/ssh/ssh_host_rsa_key")];
        let subject = Subject { facts: &facts, ..subject() };
        assert_eq!(check(&RULE, &subject)[0].location, "etc/ssh/ssh_host_rsa_key");
        assert_eq!(check(&ssh_daemon::RULE, &subject)[0].location, "usr/sbin/sshd");
    }
}
