//! The well-known programs: which file names to look at, and which string in them says the version. The rows follow what
//! Syft's binary classifiers recognise, so that both list the same names.

/// Which file names a row is about.
pub(super) enum Name {
    /// One of these.
    Is(&'static [&'static str]),
    /// This, then a version, then perhaps something: `python3.11`, `libpython3.11.so.1.0`.
    Versioned(&'static str, &'static str),
    /// This and anything after it.
    Starts(&'static str),
}

impl Name {
    /// Whether the name fits, with the version in it or an empty text.
    pub(super) fn matches<'n>(&self, name: &'n str) -> Option<&'n str> {
        match self {
            Self::Is(names) => names.contains(&name).then_some(""),
            Self::Starts(begin) => name.starts_with(begin).then_some(""),
            Self::Versioned(begin, after) => {
                let rest = name.strip_prefix(begin)?;
                let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
                let (version, rest) = rest.split_at(end);
                // The dot before "so" is not the version's.
                let version = version.trim_end_matches('.');
                let letters = rest.trim_start_matches(['m', 'd', 't', 'u']);
                let fits =
                    if after.is_empty() { rest.is_empty() } else { letters.contains(after) || rest.contains(after) };
                (fits && version.contains('.')).then_some(version)
            }
        }
    }
}

/// One row.
pub(super) struct Known {
    pub(super) package: &'static str,
    pub(super) file: Name,
    pub(super) pattern: &'static str,
}

const fn row(package: &'static str, file: Name, pattern: &'static str) -> Known {
    Known { package, file, pattern }
}

use Name::{Is, Starts, Versioned};

/// All rows; where several are about one package, the first that matches counts.
pub(super) static KNOWN: &[Known] = &[
    // The first name of busybox's many in an image is `[`, the others are hard links to it.
    row("busybox", Is(&["busybox", "["]), r"(?-u)BusyBox\s+v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row("python", Versioned("python", ""), r"(?-u)\x00(?P<version>{name}\.[0-9][-._a-zA-Z0-9]*)\+?\x00"),
    row("python", Versioned("libpython", "so"), r"(?-u)\x00(?P<version>{name}\.[0-9][-._a-zA-Z0-9]*)\+?\x00"),
    // Linkers keep one copy of strings that end alike: the version may be the end of a path.
    row("python", Versioned("python", ""), r"(?-u)[^0-9.](?P<version>{name}\.[0-9]+(?:a|b|rc)?[0-9]*)\+?\x00"),
    row("python", Versioned("libpython", "so"), r"(?-u)[^0-9.](?P<version>{name}\.[0-9]+(?:a|b|rc)?[0-9]*)\+?\x00"),
    row("pypy", Starts("libpypy"), r"(?-u)\[PyPy (?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row("go", Is(&["go"]), r"(?-u)go(?P<version>[0-9]+\.[0-9]+(\.[0-9]+|beta[0-9]+|alpha[0-9]+|rc[0-9]+)?)\x00"),
    row("julia", Starts("libjulia-internal.so"), r"(?-u)__init__\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00verify"),
    row("helm", Is(&["helm"]), r"(?-u)\x00v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
    row(
        "redis",
        Is(&["redis-server"]),
        r"(?s-u)\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+)[a-z0-9._-]{6,40}-[0-9]{10,19}\x00",
    ),
    row(
        "redis",
        Is(&["redis-server"]),
        r"(?s-u)payload %5.{0,4096}?(?P<version>[0-9]\.[0-9]+\.[0-9]+)[a-z0-9]{6,15}-[0-9]{10,19}",
    ),
    // A distribution's build names no host: version, time of the source, changes, commit.
    row(
        "redis",
        Is(&["redis-server"]),
        r"(?-u)[^0-9.](?P<version>[0-9]+\.[0-9]+\.[0-9]+)1[0-9]{9}[0-9][0-9a-f]{8}\x00",
    ),
    row("redis", Is(&["redis-server"]), r"(?-u)Redis version=(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row(
        "valkey",
        Is(&["valkey-server"]),
        r"(?s-u)\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+)[a-z0-9._-]{6,40}-[0-9]{10,19}\x00",
    ),
    row(
        "valkey",
        Is(&["valkey-server"]),
        r"(?-u)[^0-9.](?P<version>[0-9]+\.[0-9]+\.[0-9]+)1[0-9]{9}[0-9][0-9a-f]{8}\x00",
    ),
    row("node", Is(&["node", "nodejs"]), r"(?-u)\x00(?:node )?v(?P<version>[0456]\.[0-9]+\.[0-9]+)\x00"),
    row("node", Is(&["node", "nodejs"]), r"(?-u)node\.js/v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row(
        "java/jre",
        Is(&["java"]),
        r"(?-u)\x00openjdk\x00java\x00[0-9]+[.0-9]*\x00(?P<version>[0-9]+[^\x00]{1,60})\x00",
    ),
    row(
        "java/jre",
        Is(&["java"]),
        r"(?-u)\x00java\x00(?:openjdk\x00)?[0-9]+[.0-9]*\x00(?P<version>[0-9]+[-._+a-zA-Z0-9]{1,60})\x00",
    ),
    row(
        "java/jre",
        Is(&["java"]),
        r"(?-u)\x00[0-9]+[.0-9]*\x00+(?P<version>[0-9]+[^\x00]{1,60})\x00(?:openjdk\x00)?java\x00",
    ),
    row(
        "java/graalvm",
        Is(&["java"]),
        r"(?-u)\x00(?P<version>[0-9]+[.0-9]+[.0-9]+\+[0-9]+-jvmci-[0-9]+[.0-9]+-b[0-9]+)\x00",
    ),
    row(
        "haproxy",
        Is(&["haproxy"]),
        r"(?-u)version (?P<version>[0-9]+\.[0-9]+(?:\.|-dev|-rc)[0-9]+)(?:[-+~][-+~.0-9a-zA-Z]{1,60})?, released 20",
    ),
    row("haproxy", Is(&["haproxy"]), r"(?-u)HA-?Proxy version (?P<version>[0-9]+\.[0-9]+(?:\.|-dev|-rc)[0-9]+)"),
    row(
        "haproxy",
        Is(&["haproxy"]),
        r"(?-u)(?P<version>[0-9]+\.[0-9]+(?:\.|-dev|-rc)[0-9]+)-[0-9a-zA-Z]{7}.{1,3}HAProxy version",
    ),
    row("perl", Is(&["perl"]), r"(?-u)/usr/local/lib/perl[0-9]/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row("perl", Versioned("perl", ""), r"(?-u)/lib/perl5?/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    // Debian's paths have the architecture before it; those of other distributions have no version at all.
    row("perl", Is(&["perl"]), r"(?-u)/lib(?:/[-_a-z0-9]+)?/perl5?/(?P<version>5\.[0-9]+\.[0-9]+)"),
    row("perl", Is(&["perl"]), r"(?-u)\x00v(?P<version>5\.[0-9]{1,2}\.[0-9]{1,2})\x00"),
    row("perl", Starts("libperl.so"), r"(?-u)/lib(?:/[-_a-z0-9]+)?/perl5?/(?P<version>5\.[0-9]+\.[0-9]+)"),
    row("perl", Starts("libperl.so"), r"(?-u)\x00v(?P<version>5\.[0-9]{1,2}\.[0-9]{1,2})\x00"),
    row(
        "php-cli",
        Is(&["php"]),
        r"(?-u)X-Powered-By: PHP/(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:beta[0-9]+|alpha[0-9]+|RC[0-9]+)?)",
    ),
    row(
        "php-cli",
        Versioned("php", ""),
        r"(?-u)X-Powered-By: PHP/(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:beta[0-9]+|alpha[0-9]+|RC[0-9]+)?)",
    ),
    row(
        "php-fpm",
        Starts("php-fpm"),
        r"(?-u)X-Powered-By: PHP/(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:beta[0-9]+|alpha[0-9]+|RC[0-9]+)?)",
    ),
    row(
        "libphp",
        Starts("libphp"),
        r"(?-u)X-Powered-By: PHP/(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:beta[0-9]+|alpha[0-9]+|RC[0-9]+)?)",
    ),
    // Programs in PHP; their archives begin with a script.
    row(
        "composer",
        Starts("composer"),
        r"(?-u)'pretty_version'\s*=>\s*'(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:beta[0-9]+|alpha[0-9]+|RC[0-9]+)?)'",
    ),
    row("wp-cli", Is(&["wp"]), r"(?-u)wp-cli/wp-cli (?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row("httpd", Is(&["httpd", "apache2"]), r"(?-u)Apache/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row("memcached", Is(&["memcached"]), r"(?-u)memcached\s(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row(
        "traefik",
        Is(&["traefik"]),
        r"(?-u)(?:\x00v?|[\x80-\xff][^\n]?)(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:-alpha[0-9]|-beta[0-9]|-rc[0-9])?)\x00",
    ),
    row("arangodb", Is(&["arangosh", "arangod"]), r"(?-u)(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9]+)?)\s\[linux\]"),
    row(
        "postgresql",
        Is(&["postgres"]),
        r"(?-u)[\x00?]PostgreSQL (?P<version>[0-9]+(?:\.[0-9]+)?(?:\.[0-9]+)?(?:alpha[0-9]|beta[0-9]|rc[0-9])?)",
    ),
    row(
        "percona-server",
        Is(&["mysql", "mysqld"]),
        r"(?-u)/percona-server-(?P<version>[0-9]+(?:\.[0-9]+){0,2}(?:alpha[0-9]|beta[0-9]|rc[0-9])?)",
    ),
    row(
        "percona-xtradb-cluster",
        Is(&["mysql", "mysqld"]),
        r"(?-u)/Percona-XtraDB-Cluster-(?P<version>[0-9]+(?:\.[0-9]+){0,2}(?:alpha[0-9]|beta[0-9]|rc[0-9])?)",
    ),
    row("mysql", Is(&["mysql", "mysqld"]), r"(?-u)\x00(?P<version>[0-9]+(?:\.[0-9]+){1,2})\x00+mysql_"),
    row(
        "mysql",
        Is(&["mysql", "mysqld"]),
        r"(?-u)/mysql-(?P<version>[0-9]+(?:\.[0-9]+){0,2}(?:alpha[0-9]|beta[0-9]|rc[0-9])?)",
    ),
    row(
        "mariadb",
        Is(&["mariadb", "mariadbd", "mysql", "mysqld"]),
        r"(?-u)(?P<version>[0-9]+(?:\.[0-9]+){1,2}(?:alpha[0-9]|beta[0-9]|rc[0-9])?)-MariaDB",
    ),
    row("percona-xtrabackup", Is(&["xtrabackup"]), r"(?-u)/percona-xtrabackup-(?P<version>[0-9]+(?:\.[0-9]+){0,2})"),
    row("mongodb", Is(&["mongod", "mongos"]), r"(?-u)/mongo(?:db)?(?:-src)?-r?(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row("mongodb", Is(&["mongod", "mongos"]), r"(?-u)\x00(?P<version>[3-9]\.[0-9]\.[0-9]{1,2})\x00[0-9a-f]{40}\x00"),
    row("rust", Starts("libstd-"), r"(?-u)rustc version (?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:-[a-z]+(?:\.[0-9]+)?)?)"),
    // A macOS library says it without the compiler's name.
    row(
        "rust",
        Starts("libstd-"),
        r"(?-u)c (?P<version>[0-9]+(?:\.[0-9]+){1,2}) \([0-9a-f]+ [0-9]{4}-[0-9]{2}-[0-9]{2}\)",
    ),
    row("ruby", Is(&["ruby"]), r"(?-u)ruby (?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:p|preview|rc|dev)?[0-9]*) "),
    row("ruby", Versioned("ruby", ""), r"(?-u)ruby (?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:p|preview|rc|dev)?[0-9]*) "),
    row("ruby", Starts("libruby"), r"(?-u)ruby (?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:p|preview|rc|dev)?[0-9]*) "),
    row(
        "erlang",
        Is(&["erlexec", "beam.smp", "liberts_internal.a"]),
        r"(?-u)/src/otp_src_(?P<version>[0-9]+\.[0-9]+(?:\.[0-9]+){0,2}(?:-rc[0-9])?)/erts/",
    ),
    row(
        "erlang",
        Is(&["erlexec", "beam.smp", "liberts_internal.a"]),
        r"(?-u)/otp-OTP-(?P<version>[0-9]+(?:\.[0-9]+){1,3})/",
    ),
    row(
        "erlang",
        Is(&["erlexec", "beam.smp", "liberts_internal.a"]),
        r"(?-u)/usr/local/src/otp-(?P<version>[0-9]+\.[0-9]+(?:\.[0-9]+){0,2}(?:-rc[0-9])?)/erts/",
    ),
    row("swipl", Is(&["swipl"]), r"(?-u)swipl-(?P<version>[0-9]+\.[0-9]+\.[0-9]+)/"),
    row(
        "dart",
        Is(&["dart"]),
        r"(?-u)\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9]+(?:\.[0-9]+)?\.beta)?) \([a-z]+\)",
    ),
    row("haskell/ghc", Starts("ghc"), r"(?-u)\x00GHC (?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
    row("haskell/cabal", Is(&["cabal"]), r"(?-u)\x00Cabal-(?P<version>[0-9]+\.[0-9]+\.[0-9]+\.?[0-9]*)-"),
    row("haskell/stack", Is(&["stack"]), r"(?-u)Version\s*(?P<version>[0-9]+\.[0-9]+\.[0-9]+),\s*Git"),
    row("consul", Is(&["consul"]), r"(?-u)CONSUL_VERSION: (?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row(
        "nginx",
        Is(&["nginx"]),
        r"(?-u)[\x00?]nginx version: [^/]{1,40}/(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:\+[0-9]+)?(?:-[0-9]+)?)",
    ),
    row("bash", Is(&["bash"]), r"(?-u)@\(#\)Bash version (?P<version>[0-9]+\.[0-9]+\.[0-9]+)\([0-9]\) [a-z0-9]+ GNU"),
    row(
        "openssl",
        Is(&["openssl"]),
        r"(?-u)\x00OpenSSL (?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:[a-z]|-alpha[0-9]|-beta[0-9]|-rc[0-9])?)",
    ),
    row(
        "openssl",
        Starts("libcrypto.so"),
        r"(?-u)\x00OpenSSL (?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:[a-z]|-alpha[0-9]|-beta[0-9]|-rc[0-9])?) ",
    ),
    row("gcc", Is(&["gcc"]), r"(?-u)GCC: \(GNU\) (?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row("fluent-bit", Is(&["fluent-bit"]), r"(?-u)\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00[^0-9]{1,60}[Ff]luent"),
    row("git", Is(&["git"]), r"(?-u)\x00git/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row("curl", Is(&["curl"]), r"(?-u)curl/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row("lighttpd", Is(&["lighttpd"]), r"(?-u)\x00lighttpd/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
    row(
        "proftpd",
        Is(&["proftpd"]),
        r"(?-u)\x00ProFTPD Version (?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:rc[0-9]|[a-z])?)\x00",
    ),
    row("zstd", Is(&["zstd"]), r"(?-u)\x00v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
    row("xz", Is(&["xz"]), r"(?-u)\x00xz \(XZ Utils\) (?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
    row("gzip", Is(&["gzip"]), r"(?-u)\x00(?P<version>[0-9]+\.[0-9]+)\x00"),
    row("sqlcipher", Is(&["sqlcipher"]), r"(?-u)[^0-9]\x00(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
    row("jq", Is(&["jq"]), r"(?-u)\x00(?:jq-)?(?P<version>[0-9]{1,3}\.[0-9]{1,3}(?:\.[0-9]+)?)\x00"),
    row("chrome", Is(&["chrome"]), r"(?-u)\x00(?P<version>[0-9]+(?:\.[0-9]+){3})\x00Default"),
    row("util-linux", Is(&["getopt"]), r"(?-u)\x00util-linux\s(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\x00"),
    row(
        "envoy",
        Is(&["envoy"]),
        r"(?-u)[0-9a-f]{40}/(?P<version>[0-9]+\.[0-9]+\.[0-9]+(?:-[a-z0-9.]+)?)/(?:Clean|Modified)/",
    ),
    row("vault", Is(&["vault"]), r"(?-u)Vault v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row("sqlite", Is(&["sqlite3"]), r"(?-u)\x00(?P<version>3\.[0-9]+\.[0-9]+)\x00"),
    row("deno", Is(&["deno"]), r"(?-u)\bDeno/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row("bun", Is(&["bun"]), r"(?-u)\bBun/(?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
    row("lua", Versioned("lua", ""), r"(?-u)\$LuaVersion: Lua (?P<version>[0-9]+\.[0-9]+\.[0-9]+)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_versions() {
        let python = Versioned("python", "");
        let library = Versioned("libpython", "so");
        for (name, want) in
            [("python3.11", Some("3.11")), ("python3", None), ("python3.11-config", None), ("python3.", None)]
        {
            assert_eq!(python.matches(name), want, "{name}");
        }
        for (name, want) in
            [("libpython3.11.so.1.0", Some("3.11")), ("libpython3.6m.so.1.0", Some("3.6")), ("libpython3.so", None)]
        {
            assert_eq!(library.matches(name), want, "{name}");
        }
    }
}
