//! Well-known programs that lie in an image without a package manager, as official images install node, python, redis or
//! nginx: judged by Bitnami's records (github.com/bitnami/vulndb, Apache-2.0), which follow the projects' own releases.
//!
//! Only programs that Bitnami packages unchanged are in the table, and none written in Go, whose modules the Go advisories
//! speak of. What a distribution's package installed never comes here: the distribution knows its backports.

use std::borrow::Cow;

use layergate_advisory::{Namespace, Snapshot};
use layergate_model::{ImageInventory, ImagePackage, PackageKind};

use super::subject::Subject;

/// Our name of a program (`inventory`'s table of known programs), and Bitnami's.
const PROGRAMS: &[(&str, &str)] = &[
    ("composer", "composer"),
    ("dotnet-sdk", "dotnet-sdk"),
    ("envoy", "envoy"),
    ("fluent-bit", "fluent-bit"),
    ("git", "git"),
    ("haproxy", "haproxy"),
    ("httpd", "apache"),
    ("java/jre", "java"),
    ("jdk", "java"),
    ("jre", "java"),
    ("libphp", "php"),
    ("lua", "lua"),
    ("mariadb", "mariadb"),
    ("memcached", "memcached"),
    ("mongodb", "mongodb"),
    ("mysql", "mysql-client"),
    ("nginx", "nginx"),
    ("node", "node"),
    ("openjdk", "java"),
    ("php-cli", "php"),
    ("php-fpm", "php"),
    ("postgresql", "postgresql"),
    ("python", "python"),
    ("redis", "redis"),
    ("ruby", "ruby"),
    ("sqlite", "sqlite"),
    ("valkey", "valkey"),
    ("wp-cli", "wp-cli"),
    ("zulu", "java"),
];

/// Whose records speak of programs.
pub(super) fn namespace() -> Option<Namespace> {
    Namespace::new("bitnami").ok()
}

/// Under which name and version Bitnami's records speak of a program; `None` where they do not, where its version cannot
/// be put into their form, or where Bitnami's own package of it is in the image and judged already.
pub(super) fn subject<'p>(
    package: &'p ImagePackage,
    image: &ImageInventory,
    snapshot: &Snapshot,
) -> Option<Subject<'p>> {
    let package = &package.package;
    if package.kind != PackageKind::Generic {
        return None;
    }
    let (_, name) = PROGRAMS.iter().find(|(ours, _)| *ours == package.name)?;
    snapshot.coverage(&namespace()?)?;
    let bitnamis = |p: &ImagePackage| p.package.kind == PackageKind::Bitnami && p.package.name == *name;
    if image.packages.iter().any(bitnamis) {
        return None;
    }
    Some(Subject { name: Cow::Borrowed(*name), version: Cow::Owned(version(&package.version)?), unfixed_only: false })
}

/// A program's own version as Bitnami writes it, three numbers: `15.3` is `15.3.0`, Java's `17.0.9+9` is `17.0.9` and
/// `1.8.0_392-b08` is `8.0.392`. Builds and vendors' words are left out. A pre-release (`3.13.0rc1`) has none: what stands
/// behind Bitnami's numbers is the revision of a package, which comes after the release.
fn version(text: &str) -> Option<String> {
    let java8 = text.strip_prefix("1.").filter(|rest| rest.contains('_'));
    let text = java8.map_or(Cow::Borrowed(text), |rest| Cow::Owned(rest.replacen('_', ".", 1)));
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let word = rest.trim_start_matches(['-', '.', '_', '~']).to_ascii_lowercase();
    let numbered = |n: &str| n.is_empty() || n.starts_with(|c: char| c.is_ascii_digit());
    let is_pre_release = |pre: &&str| word.strip_prefix(*pre).is_some_and(numbered);
    if java8.is_none() && ["alpha", "beta", "rc", "dev", "a", "b"].iter().any(is_pre_release) {
        return None;
    }
    let mut numbers: Vec<&str> = numbers.trim_end_matches('.').split('.').take(4).collect();
    if numbers.iter().any(|n| n.is_empty() || n.len() > 9) {
        return None;
    }
    numbers.resize(numbers.len().max(3), "0");
    Some(numbers.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_programs_in_bitnamis_form() {
        for (own, want) in [
            ("22.11.0", Some("22.11.0")),
            ("15.3", Some("15.3.0")),
            ("17beta1", None),
            ("3.13.0rc1", None),
            ("8.4.0RC2", None),
            ("17.0.9+9", Some("17.0.9")),
            ("21.0.5+11-LTS", Some("21.0.5")),
            ("1.8.0_392-b08", Some("8.0.392")),
            ("10.11.6-MariaDB", Some("10.11.6")),
            ("", None),
            ("v1", None),
            ("1..2", None),
            ("99999999999.1", None),
        ] {
            assert_eq!(version(own).as_deref(), want, "{own}");
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(PROGRAMS.is_sorted());
    }
}
