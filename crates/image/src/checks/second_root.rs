//! `second-root`: another account than root has user id 0.

use layergate_model::{FactKind, Severity};

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "second-root",
    title: "Another account has the rights of root",
    reason: "Rules that name root do not see it, and a USER instruction that names it still runs as root.",
    remediation: "Give the account another user id, or remove it.",
    severity: Severity::Medium,
    find,
};

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    subject.paths(FactKind::SecondRoot).map(Hit::at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{check, fact, subject};

    #[test]
    fn where_the_file_is() {
        let facts = [fact(FactKind::Shell, "bin/sh"), fact(FactKind::SecondRoot, "etc/passwd")];
        let found = check(&RULE, &Subject { facts: &facts, ..subject() });
        assert_eq!(found.iter().map(|c| c.location.as_str()).collect::<Vec<_>>(), ["etc/passwd"]);
    }
}
