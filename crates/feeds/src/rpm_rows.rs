//! Fixed rpm builds, as advisories list them (one for each package, stream and architecture), to affected packages.
//!
//! Builds that differ only in architecture become one. Architectures are kept only where they differ in the version
//! that fixes the vulnerability. Debug packages are left out: what they contain is never run. Where a module's stream
//! is not reported, the streams are distinguished by the upstream version: each fix fixes its own line (`13.x`), not
//! the ones before it.

use std::collections::{BTreeMap, BTreeSet};

use layergate_advisory::{Affected, End, Namespace, Start, VersionRange};
use layergate_model::{Severity, Status};

/// The stream of a modular build that nobody named.
pub(crate) const ANY_MODULE: &str = "*";

type Key = (Namespace, String, Option<String>);

/// Collects builds.
#[derive(Default)]
pub(crate) struct FixedBuilds {
    /// For each package the versions that fix it, and for which architectures.
    rows: BTreeMap<Key, BTreeMap<String, BTreeSet<String>>>,
    severities: BTreeMap<Key, Severity>,
}

/// One build.
pub(crate) struct Build<'a> {
    pub(crate) name: &'a str,
    pub(crate) evr: &'a str,
    pub(crate) arch: &'a str,
    pub(crate) module: Option<&'a str>,
    pub(crate) severity: Option<Severity>,
}

/// Whether nobody runs what a package of this name contains.
pub(crate) fn is_debug(name: &str) -> bool {
    name.ends_with("-debuginfo") || name.ends_with("-debugsource") || name.contains("-debuginfo-")
}

/// Whether a version is that of a modular build.
pub(crate) fn is_modular(version: &str) -> bool {
    version.contains(".module+") || version.contains(".module_")
}

/// The stream that an advisory's title names: `postgresql:12` of `Moderate: postgresql:12 security update`, `httpd:2.4`
/// of `Important: httpd:2.4/mod_http2 security update`.
pub(crate) fn titled_stream(title: &str) -> Option<&str> {
    let stream = |word: &&str| {
        // Not the advisory's own id, which Rocky puts in front (`RLSA-2024:5 sql security update`).
        let is_id = |name: &str| ["RLSA-", "RLBA-", "RLEA-", "ALSA-", "RHSA-"].iter().any(|id| name.starts_with(id));
        word.split_once(':').is_some_and(|(name, stream)| {
            !name.is_empty() && !is_id(name) && stream.starts_with(|c: char| c.is_ascii_alphanumeric())
        })
    };
    let word = title.split_whitespace().find(stream)?.split('/').next()?;
    Some(word.trim_end_matches([',', ';']))
}

impl FixedBuilds {
    pub(crate) fn add(&mut self, namespace: &Namespace, build: &Build<'_>) {
        if build.name.is_empty() || build.evr.is_empty() || is_debug(build.name) {
            return;
        }
        let module = build.module.or_else(|| is_modular(build.evr).then_some(ANY_MODULE));
        let key = (namespace.clone(), build.name.to_owned(), module.map(str::to_owned));
        if let Some(severity) = build.severity {
            let kept = self.severities.entry(key.clone()).or_insert(severity);
            *kept = (*kept).max(severity);
        }
        let evr = build.evr.strip_prefix("0:").unwrap_or(build.evr).to_owned();
        self.rows.entry(key).or_default().entry(evr).or_default().insert(build.arch.to_owned());
    }

    pub(crate) fn finish(self) -> Vec<Affected> {
        let mut out = Vec::new();
        for (key, versions) in self.rows {
            let severity = self.severities.get(&key).copied();
            let (namespace, name, module) = key;
            let alone = versions.len() == 1;
            let any = module.as_deref() == Some(ANY_MODULE);
            let lines = if any && !alone { lines(&versions) } else { None };
            let same_arches = versions.values().collect::<BTreeSet<_>>().len() == 1;
            for (evr, arches) in versions {
                let start =
                    lines.as_ref().and_then(|l| l.get(&evr)).map_or(Start::Beginning, |l| Start::From(l.clone()));
                let range = VersionRange { start, end: End::Fixed(evr) };
                let keep = !alone && !same_arches;
                out.push(Affected {
                    ranges: vec![range],
                    severity,
                    module: module.clone(),
                    arches: arches.into_iter().filter(|a| keep && !a.is_empty()).collect(),
                    ..Affected::bare(namespace.clone(), name.as_str(), Status::Fixed)
                });
            }
        }
        out
    }
}

/// Where the line of each version begins: `1:16` for `1:16.20.2-3`, or `1:5.26` where the major numbers are the same.
fn lines(versions: &BTreeMap<String, BTreeSet<String>>) -> Option<BTreeMap<String, String>> {
    (1..=2).find_map(|parts| {
        let line = |evr: &String| {
            let (epoch, rest) = evr.split_once(':').map_or(("", evr.as_str()), |(e, r)| (e, r));
            let version = rest.split('-').next().unwrap_or(rest);
            let line = version.split('.').take(parts).collect::<Vec<_>>().join(".");
            if epoch.is_empty() { line } else { format!("{epoch}:{line}") }
        };
        let lines: BTreeMap<String, String> = versions.keys().map(|evr| (evr.clone(), line(evr))).collect();
        (lines.values().collect::<BTreeSet<_>>().len() == lines.len()).then_some(lines)
    })
}

/// `name`, `epoch:version-release` and `arch` of `name-[epoch:]version-release.arch[.rpm]`.
pub(crate) fn nevra(text: &str) -> Option<(&str, String, &str)> {
    let text = text.strip_suffix(".rpm").unwrap_or(text);
    let (rest, arch) = text.rsplit_once('.')?;
    let known = [
        "x86_64", "aarch64", "ppc64le", "ppc64", "ppc", "s390x", "s390", "i386", "i586", "i686", "ia64", "armv7hl",
        "riscv64", "noarch", "src", "nosrc",
    ];
    if !known.contains(&arch) {
        return None;
    }
    let (name, evr) = nevr(rest)?;
    Some((name, evr, arch))
}

/// As [`nevra`] without an architecture.
pub(crate) fn nevr(text: &str) -> Option<(&str, String)> {
    let (rest, release) = text.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    // openSUSE's releases begin with the product (`lp152.4.3.1`); everybody else's with a digit.
    let digit = |v: &str| v.starts_with(|c: char| c.is_ascii_digit());
    let plain = version.starts_with(|c: char| c.is_ascii_alphanumeric());
    let good = digit(release) || release.starts_with("lp") || release.starts_with("bp");
    (!name.is_empty() && plain && good).then(|| (name, format!("{version}-{release}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_builds() {
        assert_eq!(nevra("firefox-0:115.5.0-1.el7_9.i686"), Some(("firefox", "0:115.5.0-1.el7_9".into(), "i686")));
        assert_eq!(nevra("a-b-1.2-3.noarch.rpm"), Some(("a-b", "1.2-3".into(), "noarch")));
        assert_eq!(nevr("bind-9.16.6-150000.12.60.1"), Some(("bind", "9.16.6-150000.12.60.1".into())));
        for bad in ["firefox", "firefox.x86_64", "a-1.x86_64", "", "-1-2.x86_64", "postgresql:15/postgresql"] {
            assert_eq!(nevra(bad), None, "{bad}");
        }
    }

    fn listed(builds: &[(&str, &str, &str)]) -> Vec<String> {
        let namespace = Namespace::new("rhel:8").unwrap();
        let mut rows = FixedBuilds::default();
        for (name, evr, arch) in builds {
            rows.add(&namespace, &Build { name, evr, arch, module: None, severity: None });
        }
        let show = |a: &Affected| format!("{} {} {:?} {:?}", a.name, a.ranges[0], a.module, a.arches);
        rows.finish().iter().map(show).collect()
    }

    #[test]
    fn builds_become_one() {
        assert_eq!(
            listed(&[("a", "0:1-1", "x86_64"), ("a", "0:1-1", "s390x"), ("a-debuginfo", "0:1-1", "s390x")]),
            ["a < 1-1 None []"]
        );
        assert_eq!(
            listed(&[("a", "1-1", "x86_64"), ("a", "1-2", "s390x")]),
            ["a < 1-1 None [\"x86_64\"]", "a < 1-2 None [\"s390x\"]"]
        );
    }

    #[test]
    fn nameless_streams_are_distinguished() {
        assert_eq!(
            listed(&[("p", "0:13.11-1.module+el8.8", "x86_64"), ("p", "0:15.3-1.module+el8.8", "x86_64")]),
            ["p >= 13, < 13.11-1.module+el8.8 Some(\"*\") []", "p >= 15, < 15.3-1.module+el8.8 Some(\"*\") []"]
        );
        assert_eq!(
            listed(&[("p", "4:5.24.4-1.module+el8", "x86_64"), ("p", "4:5.26.3-1.module+el8", "x86_64")]),
            [
                "p >= 4:5.24, < 4:5.24.4-1.module+el8 Some(\"*\") []",
                "p >= 4:5.26, < 4:5.26.3-1.module+el8 Some(\"*\") []"
            ]
        );
    }
}
