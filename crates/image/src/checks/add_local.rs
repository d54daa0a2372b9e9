//! `add-instead-of-copy`: a build step uses ADD where COPY would do (CIS Docker 4.9). ADD of an archive unpacks it and of a
//! root file system begins an image; the old builder's `ADD file:…` may be either, so only its directories count.

use layergate_model::Severity;

use super::{Hit, Rule, Subject, history};

pub(super) const RULE: Rule = Rule {
    id: "add-instead-of-copy",
    title: "ADD is used where COPY would do",
    reason: "ADD unpacks archives and follows URLs: a file that somebody swaps does more than be copied.",
    remediation: "Use COPY for local files; keep ADD for archives that are to be unpacked.",
    severity: Severity::Low,
    find,
};

const ARCHIVES: [&str; 10] =
    [".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst", ".gz", ".xz"];

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let steps = history::steps(subject);
    steps
        .iter()
        .filter(|s| s.instruction == "ADD" && !s.in_base)
        .filter(|s| is_local(s.text))
        .map(|s| Hit::at(s.location()))
        .collect()
}

fn is_local(arguments: &str) -> bool {
    let mut words: Vec<&str> = arguments.split([' ', ',', '[', ']', '"']).filter(|w| !w.is_empty()).collect();
    words.retain(|w| !w.starts_with("--"));
    let Some(target) = words.pop() else { return false };
    let sources: Vec<&str> = words.into_iter().filter(|w| *w != "in").collect();
    let remote = |s: &&str| s.contains("://") || s.starts_with("git@");
    let archive = |s: &&str| ARCHIVES.iter().any(|a| s.ends_with(a));
    let unknown = |s: &&str| s.starts_with("file:");
    target != "/" && !sources.is_empty() && !sources.iter().any(|s| remote(s) || archive(s) || unknown(s))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::locations;

    #[test]
    fn local_files_only() {
        for (command, found) in [
            ("ADD app.jar /app/ # buildkit", true),
            ("/bin/sh -c #(nop) ADD dir:1f2e in /app ", true),
            ("/bin/sh -c #(nop) ADD file:1f2e in / ", false),
            ("/bin/sh -c #(nop) ADD file:1f2e in /app.jar ", false),
            ("ADD rootfs.tar.xz / # buildkit", false),
            ("ADD app.tgz /opt # buildkit", false),
            ("ADD https://example.org/x /opt/x # buildkit", false),
            ("ADD --chown=1 [\"a b\", \"/x/\"]", true),
            ("COPY a /a # buildkit", false),
            ("ADD", false),
        ] {
            let json = serde_json::json!({"history": [{"created_by": command}]}).to_string();
            assert_eq!(!locations(&RULE, &json).is_empty(), found, "{command}");
        }
    }
}
