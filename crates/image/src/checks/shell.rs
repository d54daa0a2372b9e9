//! `distroless-shell`: a shell in an image that is made to have none. Such an image says so in its name or its base's,
//! or has dpkg packages recorded only under `status.d`, as the distroless builders do.

use layergate_model::{FactKind, PackageKind, Severity};

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "distroless-shell",
    title: "A shell in a distroless image",
    reason: "The image gives up its package manager to leave an intruder without tools, and a shell is the first tool.",
    remediation: "Use the base image without the debug variant, and do not copy a shell or busybox into it.",
    severity: Severity::Low,
    find,
};

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    if is_distroless(subject) { subject.paths(FactKind::Shell).map(Hit::at).collect() } else { Vec::new() }
}

fn is_distroless(subject: &Subject<'_>) -> bool {
    let says = |text: &str| text.to_ascii_lowercase().contains("distroless");
    let base = subject.base.and_then(|b| b.name.as_deref()).is_some_and(says);
    let distro = subject.distro.and_then(|d| d.name.as_deref()).is_some_and(says);
    let reference = subject.reference.is_some_and(|r| says(r.repository.as_str()));
    let mut debian = subject.packages.iter().filter(|p| p.package.kind == PackageKind::Deb).peekable();
    let recorded = debian.peek().is_some() && debian.all(|p| p.package.evidence().contains("/status.d/"));
    base || distro || reference || recorded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{check, fact, subject};

    #[test]
    fn only_where_no_shell_is_meant_to_be() {
        let facts = [fact(FactKind::Shell, "busybox/sh")];
        let here = Subject { facts: &facts, ..subject() };
        assert!(check(&RULE, &here).is_empty());
        let reference = "gcr.io/distroless/static:debug".parse().unwrap();
        assert_eq!(check(&RULE, &Subject { reference: Some(&reference), ..here })[0].location, "busybox/sh");
        let distro = layergate_model::OsRelease::parse("ID=debian\nPRETTY_NAME=\"Distroless\"\n").distro().unwrap();
        assert_eq!(check(&RULE, &Subject { distro: Some(&distro), ..here }).len(), 1);
    }
}
