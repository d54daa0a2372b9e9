//! Well-known programs that images have without a package manager, and what the databases call them: one table for the
//! feed that files NVD's product names and for the matching that asks.

/// One program.
#[derive(Debug)]
pub struct Program {
    /// Our name of it (`inventory`'s table of known programs).
    pub name: &'static str,
    /// Bitnami's name (github.com/bitnami/vulndb), where it packages the program unchanged.
    pub bitnami: Option<&'static str>,
    /// `vendor:product` of NVD's CPE names, as `nvd` files them.
    pub cpes: &'static [&'static str],
}

const JAVA: &[&str] = &["oracle:openjdk", "oracle:jdk", "oracle:jre"];

macro_rules! programs {
    ($($name:literal, $bitnami:expr, $cpes:expr;)*) => {
        &[$(Program { name: $name, bitnami: $bitnami, cpes: $cpes },)*]
    };
}

/// The table, sorted by name. None of them is written in Go, whose modules the Go advisories speak of.
pub const PROGRAMS: &[Program] = programs! {
    "composer", Some("composer"), &["getcomposer:composer"];
    "dotnet-sdk", Some("dotnet-sdk"), &[];
    "envoy", Some("envoy"), &["envoyproxy:envoy"];
    "fluent-bit", Some("fluent-bit"), &["treasuredata:fluent_bit"];
    "git", Some("git"), &["git-scm:git", "git:git"];
    "haproxy", Some("haproxy"), &["haproxy:haproxy"];
    "httpd", Some("apache"), &["apache:http_server"];
    "java/jre", Some("java"), JAVA;
    "jdk", Some("java"), JAVA;
    "jre", Some("java"), JAVA;
    "libphp", Some("php"), &["php:php"];
    "lighttpd", None, &["lighttpd:lighttpd"];
    "lua", Some("lua"), &["lua:lua"];
    "mariadb", Some("mariadb"), &["mariadb:mariadb"];
    "memcached", Some("memcached"), &["memcached:memcached"];
    "mongodb", Some("mongodb"), &["mongodb:mongodb"];
    "mysql", Some("mysql-client"), &["oracle:mysql", "oracle:mysql_server", "mysql:mysql"];
    "nginx", Some("nginx"), &["f5:nginx", "f5:nginx_open_source", "nginx:nginx", "igor_sysoev:nginx"];
    "node", Some("node"), &["nodejs:node.js", "nodejs:nodejs"];
    "openjdk", Some("java"), JAVA;
    "perl", None, &["perl:perl"];
    "php-cli", Some("php"), &["php:php"];
    "php-fpm", Some("php"), &["php:php"];
    "postgresql", Some("postgresql"), &["postgresql:postgresql"];
    "python", Some("python"), &["python:python", "python_software_foundation:python"];
    "redis", Some("redis"), &["redis:redis", "redislabs:redis"];
    "ruby", Some("ruby"), &["ruby-lang:ruby"];
    "sqlite", Some("sqlite"), &["sqlite:sqlite"];
    "valkey", Some("valkey"), &["linuxfoundation:valkey", "lfprojects:valkey"];
    "wp-cli", Some("wp-cli"), &["wp-cli:wp-cli"];
    "zulu", Some("java"), JAVA;
};

impl Program {
    /// The program of our name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROGRAMS.iter().find(|program| program.name == name)
    }

    /// Whether NVD's `vendor:product` is one of the table's.
    pub fn has_cpe(vendor_and_product: &str) -> bool {
        PROGRAMS.iter().any(|program| program.cpes.contains(&vendor_and_product))
    }
}

/// A program's own version as three numbers or more, the form in which Bitnami and we write it: `15.3` is `15.3.0`,
/// Java's `17.0.9+9` is `17.0.9`, and `1.8.0_392-b08` is `8.0.392`. Builds and vendors' words are left out. A
/// pre-release (`3.13.0rc1`) has none: what stands behind Bitnami's numbers is the revision of a package, which comes
/// after the release.
pub fn program_version(text: &str) -> Option<String> {
    use std::borrow::Cow;
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
    fn versions_of_programs_in_one_form() {
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
            assert_eq!(program_version(own).as_deref(), want, "{own}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_its_names_are_cpes() {
        assert!(PROGRAMS.is_sorted_by_key(|program| program.name));
        for cpe in PROGRAMS.iter().flat_map(|program| program.cpes) {
            assert!(cpe.split(':').count() == 2 && *cpe == cpe.to_ascii_lowercase(), "{cpe}");
        }
        assert!(Program::has_cpe("nodejs:node.js") && !Program::has_cpe("nodejs:undici"));
        assert_eq!(Program::named("httpd").and_then(|p| p.bitnami), Some("apache"));
    }
}
