//! `empty-password`: an account of the image has an empty password, so that anybody becomes it.

use layergate_model::{FactKind, Severity};

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "empty-password",
    title: "An account has an empty password",
    reason: "Whoever reaches a login, su or a service that asks for passwords gets in without one.",
    remediation: "Lock the account (passwd -l NAME, or ! in /etc/shadow), or remove it.",
    severity: Severity::High,
    find,
};

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    subject.paths(FactKind::EmptyPassword).map(Hit::at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{check, fact, subject};

    #[test]
    fn where_the_file_is() {
        let facts = [fact(FactKind::Shell, "bin/sh"), fact(FactKind::EmptyPassword, "etc/shadow")];
        let found = check(&RULE, &Subject { facts: &facts, ..subject() });
        assert_eq!(found.iter().map(|c| c.location.as_str()).collect::<Vec<_>>(), ["etc/shadow"]);
    }
}
