//! Names of rpm files taken apart: `bash-4.4.19-14.el8.src.rpm` is name, version and release.
//!
//! Neither version nor release may contain `-`, so the last two dashes are the borders.

/// Name, version and release of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nvr<'a> {
    /// The package's name; it may contain dashes.
    pub name: &'a str,
    /// The upstream version.
    pub version: &'a str,
    /// The distribution's release.
    pub release: &'a str,
}

/// Name, epoch, version, release and architecture of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nevra<'a> {
    /// The package's name.
    pub name: &'a str,
    /// The epoch, when it is written out.
    pub epoch: Option<u32>,
    /// The upstream version.
    pub version: &'a str,
    /// The distribution's release.
    pub release: &'a str,
    /// The architecture (`x86_64`, `noarch`, `src`, …).
    pub arch: &'a str,
}

/// Takes the name of a source package apart (`….src.rpm` or `….nosrc.rpm`).
pub fn parse_source_rpm(file: &str) -> Option<Nvr<'_>> {
    let stem = file.strip_suffix(".rpm")?;
    parse_nvr(stem.strip_suffix(".src").or_else(|| stem.strip_suffix(".nosrc"))?)
}

/// Takes `name-[epoch:]version-release.arch[.rpm]` apart, also with the epoch in front (`epoch:name-…`).
pub fn parse_nevra(text: &str) -> Option<Nevra<'_>> {
    let (stem, arch) = text.strip_suffix(".rpm").unwrap_or(text).rsplit_once('.')?;
    if arch.is_empty() || arch.contains('-') {
        return None;
    }
    let Nvr { name, version, release } = parse_nvr(stem)?;
    let (epoch, name, version) = match (name.split_once(':'), version.split_once(':')) {
        (None, None) => (None, name, version),
        (Some((epoch, name)), None) => (Some(epoch.parse().ok()?), name, version),
        (None, Some((epoch, version))) => (Some(epoch.parse().ok()?), name, version),
        (Some(_), Some(_)) => return None,
    };
    (!name.is_empty() && !version.is_empty()).then_some(Nevra { name, epoch, version, release, arch })
}

fn parse_nvr(stem: &str) -> Option<Nvr<'_>> {
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    (!name.is_empty() && !version.is_empty() && !release.is_empty()).then_some(Nvr { name, version, release })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_names() {
        type Parts<'a> = (&'a str, &'a str, &'a str);
        let cases: &[(&str, Option<Parts<'_>>)] = &[
            ("bash-4.4.19-14.el8.src.rpm", Some(("bash", "4.4.19", "14.el8"))),
            ("java-11-openjdk-11.0.1-2.nosrc.rpm", Some(("java-11-openjdk", "11.0.1", "2"))),
            ("audit-3.0-0.10.20180831git0047a6c.el8.src.rpm", Some(("audit", "3.0", "0.10.20180831git0047a6c.el8"))),
            ("bash-4.4.19-14.el8.x86_64.rpm", None),
            ("bash-4.4.src.rpm", None),
            ("-4-1.src.rpm", None),
            ("(none)", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let found = parse_source_rpm(text).map(|nvr| (nvr.name, nvr.version, nvr.release));
            assert_eq!(found, *expected, "{text}");
        }
    }

    #[test]
    fn full_names() {
        type Parts<'a> = (&'a str, Option<u32>, &'a str, &'a str, &'a str);
        let cases: &[(&str, Option<Parts<'_>>)] = &[
            ("bash-0:4.4.19-14.el8.x86_64", Some(("bash", Some(0), "4.4.19", "14.el8", "x86_64"))),
            ("1:bash-4.4-1.noarch.rpm", Some(("bash", Some(1), "4.4", "1", "noarch"))),
            ("perl-libs-5.26.3-416.el8.x86_64.rpm", Some(("perl-libs", None, "5.26.3", "416.el8", "x86_64"))),
            ("bash-x:4.4-1.noarch", None),
            ("1:bash-1:4.4-1.noarch", None),
            ("bash-4.4-1", None),
            ("bash", None),
        ];
        for (text, expected) in cases {
            let found = parse_nevra(text).map(|n| (n.name, n.epoch, n.version, n.release, n.arch));
            assert_eq!(found, *expected, "{text}");
        }
    }
}
