//! The version of a Go program's own module. Go before 1.24 writes `(devel)`; the true version may stand in the linker's
//! flags (`-ldflags=-X main.version=1.2.3`) or follow from the commit that it was built from.
//!
//! Of several `-X` versions the ones under the program's own path are believed first, then those of `main`; within a rank they
//! must agree. A version that is set in another module's package is that module's business (`k8s.io/component-base` says which
//! Kubernetes it is of), unless the package is there for programs to be stamped. Without them a commit and its time make a pseudo-version (Go modules
//! reference), as `go install` would name it. Else the version stays `(devel)`, which no advisory's range can be held
//! against: that becomes a gap when there are advisories on the module.

/// Flags that are looked at.
const MAX_FLAGS: usize = 500;
/// Packages of other modules whose variables are made for the version of the program that links them.
const STAMPED: [&str; 3] = [
    "github.com/prometheus/common/version",
    "sigs.k8s.io/release-utils/version",
    "github.com/carlmjohnson/versioninfo",
];

/// The version of the module `name`, which the list calls `version`.
pub(super) fn of_main(name: &str, version: &str, list: &str) -> String {
    if !version.is_empty() && version != "(devel)" {
        return version.to_owned();
    }
    let setting = |key: &str| {
        list.lines().find_map(|line| line.strip_prefix("build\t")?.strip_prefix(key)?.strip_prefix('=')).map(unquoted)
    };
    if let Some(version) = setting("-ldflags").and_then(|flags| from_flags(name, &flags)) {
        return version;
    }
    if let (Some(revision), Some(time)) = (setting("vcs.revision"), setting("vcs.time"))
        && let Some(version) = pseudo(&revision, &time)
    {
        return version;
    }
    "(devel)".to_owned()
}

/// A value in Go's quotes, without them.
fn unquoted(value: &str) -> String {
    match value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => value.trim_matches('`').to_owned(),
    }
}

fn from_flags(module: &str, flags: &str) -> Option<String> {
    let mut words = flags.split([' ', '\t', '\n', '\'', '"']).filter(|w| !w.is_empty()).take(MAX_FLAGS);
    let mut ranks: [Vec<String>; 3] = Default::default();
    while let Some(word) = words.next() {
        let definition = match word {
            "-X" | "--X" => words.next()?,
            _ => match word.strip_prefix("-X=") {
                Some(definition) => definition,
                None => continue,
            },
        };
        let Some((key, value)) = definition.split_once('=') else { continue };
        let Some((package, variable)) = key.rsplit_once('.') else { continue };
        let variable = variable.to_ascii_lowercase();
        if !(variable.ends_with("version") || variable.ends_with("ver") || variable == "tag") {
            continue;
        }
        let Some(version) = semantic(value) else { continue };
        // Of Kubernetes' own modules `k8s.io/component-base` is one.
        let family = if module.starts_with("k8s.io/") { "k8s.io" } else { module };
        let own =
            !module.is_empty() && package.strip_prefix(family).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        let rank = match package {
            _ if own && package.contains("/cmd") => 0,
            _ if own || package == "main" => 1,
            _ if STAMPED.contains(&package) => 2,
            _ => continue,
        };
        if !ranks[rank].contains(&version) {
            ranks[rank].push(version);
        }
    }
    ranks.into_iter().find_map(|mut rank| if rank.len() == 1 { rank.pop() } else { None })
}

/// `1.2.3` or `v1.2.3-rc.1` as `v1.2.3…`; `None` for a date, a branch or a commit.
fn semantic(value: &str) -> Option<String> {
    let bare = value.strip_prefix('v').unwrap_or(value);
    let numbers = bare.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<_> = numbers.split('.').collect();
    let fits = (2..=3).contains(&parts.len())
        && parts.iter().all(|p| !p.is_empty() && p.len() < 10 && p.bytes().all(|b| b.is_ascii_digit()));
    (fits && bare.len() < 100).then(|| format!("v{bare}"))
}

/// `v0.0.0-20210121094942-22b2f8951d46` of `22b2f8951d46…` and `2021-01-21T09:49:42Z`.
fn pseudo(revision: &str, time: &str) -> Option<String> {
    let digits: String = time.chars().filter(char::is_ascii_digit).take(14).collect();
    let commit = revision.get(..12)?;
    let fits = digits.len() == 14 && time.ends_with('Z') && commit.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| format!("v0.0.0-{digits}-{commit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_version_stands() {
        let vcs = "build\tvcs.revision=22b2f8951d46aabb\nbuild\tvcs.time=2021-01-21T09:49:42Z\n";
        for (version, list, want) in [
            ("v1.0.0", "", "v1.0.0"),
            ("(devel)", "", "(devel)"),
            ("(devel)", "build\t-ldflags=\"-s -w -X main.version=1.2.3 -X main.date=2020-01-01\"", "v1.2.3"),
            ("(devel)", "build\t-ldflags=-X=github.com/a/b/version.Version=v2.0.0-rc.1", "v2.0.0-rc.1"),
            ("(devel)", "build\t-ldflags=-X=k8s.io/component-base/version.gitVersion=v1.28.4", "(devel)"),
            ("(devel)", "build\t-ldflags=-X=github.com/a/bc/version.Version=v2.0.0", "(devel)"),
            ("(devel)", "build\t-ldflags=-X=github.com/prometheus/common/version.Version=2.45.0", "v2.45.0"),
            ("(devel)", "build\t-ldflags=\"-X 'github.com/a/b/cmd/c.ver=1.1.1' -X main.version=1.2.3\"", "v1.1.1"),
            ("(devel)", "build\t-ldflags=\"-X main.version=1.2.3 -X main.otherVersion=1.2.4\"", "(devel)"),
            ("(devel)", "build\t-ldflags=\"-X main.version=dev -X\"", "(devel)"),
            ("(devel)", vcs, "v0.0.0-20210121094942-22b2f8951d46"),
            ("", "build\tvcs.revision=zz\nbuild\tvcs.time=now", "(devel)"),
        ] {
            assert_eq!(of_main("github.com/a/b", version, list), want, "{list}");
        }
    }
}
