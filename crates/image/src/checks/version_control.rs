//! `version-control`: the history of a project lies in the image.

use layergate_model::{FactKind, Severity};

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "version-control",
    title: "The history of a project is in the image",
    reason: "It holds every version of every file, deleted secrets among them, and often the address and credentials of its server.",
    remediation: "Add .git to .dockerignore, or copy only what is needed.",
    severity: Severity::Medium,
    find,
};

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    subject.paths(FactKind::VersionControl).map(Hit::at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{check, fact, subject};

    #[test]
    fn where_the_file_is() {
        let facts = [fact(FactKind::Shell, "bin/sh"), fact(FactKind::VersionControl, "srv/app/.git/HEAD")];
        let found = check(&RULE, &Subject { facts: &facts, ..subject() });
        assert_eq!(found.iter().map(|c| c.location.as_str()).collect::<Vec<_>>(), ["srv/app/.git/HEAD"]);
    }
}
