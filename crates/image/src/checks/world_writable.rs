//! `world-writable`: a file, or a directory without the sticky bit, that every user may write.

use layergate_model::{FactKind, Severity};

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "world-writable",
    title: "Everybody may write here",
    reason: "Any process in the container can replace what others execute or read.",
    remediation: "Take the right away (chmod o-w), or set the sticky bit on a shared directory (chmod +t).",
    severity: Severity::Low,
    find,
};

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    subject.paths(FactKind::WorldWritable).map(Hit::at).collect()
}
