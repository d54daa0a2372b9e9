//! `package-cache`: what a package manager downloaded and nobody needs any more, reported once for each directory.

use std::collections::BTreeMap;

use layergate_model::{FactKind, Severity};

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "package-cache",
    title: "A package manager's cache was left in the image",
    reason: "It makes every pull larger, and stale lists let later builds install versions that were withdrawn.",
    remediation: "Clean in the same RUN step (apt-get clean and rm -rf /var/lib/apt/lists/*, apk add --no-cache, dnf \
                  clean all, pip --no-cache-dir), or use a cache mount.",
    severity: Severity::Negligible,
    find,
};

/// The directories that are reported as one.
const CACHES: [&str; 14] = [
    "root/.cache/pip",
    "root/.cache/yarn",
    "root/.cargo/registry",
    "root/.gradle/caches",
    "root/.m2/repository",
    "root/.npm",
    "usr/local/cargo/registry",
    "var/cache/apk",
    "var/cache/apt",
    "var/cache/dnf",
    "var/cache/pacman/pkg",
    "var/cache/yum",
    "var/cache/zypp",
    "var/lib/apt/lists",
];

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let mut directories: BTreeMap<&str, usize> = BTreeMap::new();
    for path in subject.paths(FactKind::PackageCache) {
        let below = |d: &&&str| path.strip_prefix(**d).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let known = CACHES.iter().find(below).copied();
        let parent = path.rsplit_once('/').map_or(path, |(parent, _)| parent);
        *directories.entry(known.unwrap_or(parent)).or_default() += 1;
    }
    directories.into_iter().map(|(directory, files)| Hit::at(directory).saying(format!("{files} files"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{check, fact, subject};

    #[test]
    fn one_line_for_each_cache() {
        let facts = ["opt/c/x.deb", "var/cache/apk/APKINDEX.1", "var/lib/apt/lists/a", "var/lib/apt/lists/partial/b"]
            .map(|p| fact(FactKind::PackageCache, p));
        let found: Vec<_> =
            check(&RULE, &Subject { facts: &facts, ..subject() }).into_iter().map(|c| c.location).collect();
        assert_eq!(found, ["opt/c", "var/cache/apk", "var/lib/apt/lists"]);
    }
}
