//! `ssh-daemon`: an SSH server is installed.

use layergate_model::{FactKind, Severity};

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "ssh-daemon",
    title: "The image has an SSH daemon",
    reason: "It is a second way in, with accounts and keys that nobody rotates.",
    remediation: "Remove the server; use the orchestrator's exec for a shell.",
    severity: Severity::Medium,
    find,
};

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    subject.paths(FactKind::SshDaemon).map(Hit::at).collect()
}
