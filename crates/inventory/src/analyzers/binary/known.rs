//! Well-known programs that no package manager installed, by the version strings in them (the table is
//! `known_table.rs`).
//!
//! A program is looked at when its file name is one of the table's, and listed when the pattern of its row is in it.
//! The names are the ones that Syft's binary classifiers use. Nothing is executed; a pattern that does not match says
//! nothing. Runtimes that say in a text file which they are (`runtime.rs`) are read here too, so that a JDK's `release`
//! and its `java` are one.

use std::{
    collections::HashSet,
    sync::{LazyLock, OnceLock},
};

use layergate_model::{AnalyzerId, Package, PackageKind, Section};
use regex::bytes::Regex;

use super::{
    known_table::{KNOWN, Known},
    runtime,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Longer than any match of a pattern.
const OVERLAP: usize = 8 << 10;

/// The rows' patterns, each compiled when it is first needed.
static PATTERNS: LazyLock<Vec<OnceLock<Option<Regex>>>> =
    LazyLock::new(|| KNOWN.iter().map(|_| OnceLock::new()).collect());

/// Reads the versions of well-known programs.
pub struct KnownPrograms;

impl Analyzer for KnownPrograms {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("known-programs")
    }

    fn revision(&self) -> u32 {
        3
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[
            Interest::Executable,
            Interest::Name("release"),
            Interest::Name("VERSION"),
            Interest::Name("liberts_internal.a"),
        ]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let name = entry.path.file_name();
        runtime::is_runtime_file(entry.path) || KNOWN.iter().any(|row| row.file.matches(name).is_some())
    }

    fn wants(&self, head: &[u8]) -> bool {
        // What runs under such a name is mostly a program of the machine; a script may only call it, unless it is PHP.
        !head.starts_with(b"#!") || memchr::memmem::find(&head[..head.len().min(100)], b"php").is_some()
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        if runtime::is_runtime_file(file.path) {
            let found = runtime::read(file);
            out.packages.extend(found.map(|(name, v)| Package::new(PackageKind::Generic, name, v, file.path)));
            return Ok(());
        }
        let mut found: Vec<&str> = Vec::new();
        for (row, compiled) in KNOWN.iter().zip(PATTERNS.iter()) {
            let Some(in_name) = row.file.matches(file.path.file_name()) else { continue };
            // The first row of a package that matches has said it.
            if found.contains(&row.package) {
                continue;
            }
            if let Some(version) = version(row, compiled, in_name, file) {
                found.push(row.package);
                out.packages.push(Package::new(PackageKind::Generic, row.package, version, file.path));
            }
        }
        Ok(())
    }

    /// A `java` whose home has a `release` file is named better by that.
    fn finish(&self, out: &mut Section) {
        let homes: HashSet<String> =
            out.packages.iter().filter_map(|p| Some(p.evidence().strip_suffix("release")?.to_owned())).collect();
        out.packages.retain(|package| {
            let home = package.evidence().strip_suffix("bin/java").filter(|_| package.name.starts_with("java/"));
            home.is_none_or(|home| !homes.contains(home) && !homes.contains(home.trim_end_matches("jre/")))
        });
    }
}

fn version(row: &Known, compiled: &OnceLock<Option<Regex>>, in_name: &str, file: &File<'_>) -> Option<String> {
    let for_this_name;
    let pattern = if row.pattern.contains("{name}") {
        if in_name.is_empty() {
            return None;
        }
        for_this_name = Regex::new(&row.pattern.replace("{name}", &regex::escape(in_name))).ok()?;
        &for_this_name
    } else {
        compiled.get_or_init(|| Regex::new(row.pattern).ok()).as_ref()?
    };
    // A match that reaches the end of its window may go on behind it: the next window has it whole.
    let length = file.bytes.len();
    let mut seen = 0;
    let version = file.windows(OVERLAP).find_map(|window| {
        seen = if seen == 0 { window.len() } else { seen + window.len() - OVERLAP };
        let found = pattern.captures(window)?;
        let whole = found.get(0).is_some_and(|all| all.end() < window.len()) || seen >= length;
        found.name("version").filter(|_| whole).map(|v| v.as_bytes())
    })?;
    let text = std::str::from_utf8(version).ok()?.trim_end_matches(['.', '-', '_']);
    (!text.is_empty() && text.len() <= 100).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyzers::binary::executable::build, testing::packages};

    #[test]
    fn every_pattern_compiles_and_names_a_version() {
        for row in KNOWN {
            let pattern = Regex::new(&row.pattern.replace("{name}", "1\\.2")).unwrap();
            assert!(pattern.capture_names().flatten().any(|n| n == "version"), "{}", row.package);
        }
    }

    #[test]
    fn runtimes_that_say_so() {
        for (path, text, want) in [
            (
                "opt/java/openjdk/release",
                "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_RUNTIME_VERSION=\"21.0.4+7-LTS\"\nJAVA_VERSION=\"21.0.4\"\n",
                &["openjdk 21.0.4+7-LTS"][..],
            ),
            ("a/release", "JAVA_VERSION=\"1.8.0_402\"\nFULL_VERSION=\"11.0.1\"\n", &["openjdk 1.8.0_402"]),
            ("a/release", "IMPLEMENTOR=\"Azul Systems, Inc.\"\nJAVA_VERSION=\"17.0.9\"\n", &["zulu 17.0.9"]),
            ("usr/local/go/VERSION", "go1.22.1\ntime 2024-02-29T18:18:48Z\n", &["go 1.22.1"]),
            ("x/go/VERSION", "go1x y\n", &["go 1x y"][..0]),
        ] {
            assert_eq!(packages(&KnownPrograms, path, text.as_bytes()), want, "{path}");
        }
        let mut section = Section::default();
        for (name, path) in [("openjdk", "opt/j/release"), ("java/jre", "opt/j/bin/java"), ("java/jre", "usr/bin/java")]
        {
            let path = layergate_model::LayerPath::normalise(path).unwrap();
            section.packages.push(Package::new(PackageKind::Generic, name, "17", &path));
        }
        KnownPrograms.finish(&mut section);
        assert_eq!(
            section.packages.iter().map(|p| p.evidence()).collect::<Vec<_>>(),
            ["opt/j/release", "usr/bin/java"]
        );
    }

    #[test]
    fn programs_by_their_strings() {
        for (path, content, want) in [
            ("bin/busybox", "x\0BusyBox v1.36.1 (2023-05-18)\0", "busybox 1.36.1"),
            ("bin/[", "x\0BusyBox v1.31.1 (2023-05-18)\0", "busybox 1.31.1"),
            ("usr/local/bin/node", "\0node.js/v20.11.1\0", "node 20.11.1"),
            ("usr/local/bin/python3.11", "\x003.11\x003.11.4\0", "python 3.11.4"),
            ("usr/local/lib/libpython3.11.so.1.0", "\x003.11.4\0", "python 3.11.4"),
            ("usr/local/bin/ruby", "\0ruby 3.2.2 (2023-03-30 revision e51014f9c0) [x86_64-linux]\0", "ruby 3.2.2"),
            ("usr/local/lib/libruby.so.3.2.2", "\0ruby 3.2.2 (2023-03-30)\0", "ruby 3.2.2"),
            ("usr/local/bin/php", "\0X-Powered-By: PHP/8.2.8\0", "php-cli 8.2.8"),
            ("usr/local/sbin/php-fpm", "\0X-Powered-By: PHP/8.2.8\0", "php-fpm 8.2.8"),
            ("usr/local/bin/perl", "\0/usr/local/lib/perl5/5.36.0/x86_64-linux-gnu\0", "perl 5.36.0"),
            ("usr/bin/openssl", "\0OpenSSL 3.0.13 30 Jan 2024\0", "openssl 3.0.13"),
            ("usr/sbin/nginx", "\0nginx version: nginx/1.25.1\0", "nginx 1.25.1"),
            ("usr/local/apache2/bin/httpd", "\0Apache/2.4.57 (Unix)\0", "httpd 2.4.57"),
            ("usr/local/bin/redis-server", "\x007.2.4a1b2c3d4e5f6-1704838243000000000\0 payload %5", "redis 7.2.4"),
            // As Debian builds them.
            ("usr/bin/redis-server", "x\0A7.0.151778644800000000000\0%llx", "redis 7.0.15"),
            ("usr/bin/valkey-server", "x\0\08.0.117786448000a1b2c3d4\0%llx", "valkey 8.0.1"),
            ("usr/sbin/haproxy", "\0 version 2.6.12-1+deb12u3, released 2025/10/03\0", "haproxy 2.6.12"),
            ("usr/bin/perl", "\0/usr/lib/x86_64-linux-gnu/perl/5.36.0\0", "perl 5.36.0"),
            ("usr/bin/perl", "\0v5.38.2\0panic: sysconf: %s\0", "perl 5.38.2"),
            ("usr/lib/libperl.so.5.40", "\0/usr/lib/perl5/5.40.0/x86_64\0", "perl 5.40.0"),
            ("usr/bin/ruby3.1", "\0ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64]\0", "ruby 3.1.2p20"),
            ("usr/bin/git", "\0git/2.39.5\0", "git 2.39.5"),
            ("usr/lib/postgresql/15/bin/postgres", "\0PostgreSQL 15.3 (Debian)\0", "postgresql 15.3"),
            ("usr/bin/mysql", "/build/mysql-8.0.34/client\0", "mysql 8.0.34"),
            ("usr/bin/mariadb", "\x0010.11.4-MariaDB\0", "mariadb 10.11.4"),
            ("usr/local/bin/haproxy", "HAProxy version 2.8.1-a1b2c3d, released 2023\0", "haproxy 2.8.1"),
            ("usr/local/bin/memcached", "\0memcached 1.6.21\0", "memcached 1.6.21"),
            ("bin/consul", "CONSUL_VERSION: 1.15.3\n", "consul 1.15.3"),
            ("bin/bash", "@(#)Bash version 5.2.15(1) release GNU\0", "bash 5.2.15"),
            ("usr/bin/curl", "\0curl/8.4.0\0", "curl 8.4.0"),
            ("opt/java/openjdk/bin/java", "\0openjdk\0java\x0021.0\x0021.0.4+7-LTS\0", "java/jre 21.0.4+7-LTS"),
            (
                "usr/local/bin/envoy",
                "0123456789abcdef0123456789abcdef01234567/1.28.0/Clean/RELEASE/BoringSSL",
                "envoy 1.28.0",
            ),
            ("usr/bin/xz", "\0xz (XZ Utils) 5.4.5\0", "xz 5.4.5"),
            ("usr/local/bin/node", "\0v4.9.1\0", "node 4.9.1"),
            ("opt/zulu/bin/java", "\x000.0\x0017.0.9+8-LTS\0openjdk\0java\0", "java/jre 17.0.9+8-LTS"),
            ("traefik", "\u{fffd}.3.0.4\0", "traefik 3.0.4"),
            ("usr/bin/mysql", "shutdown\x008.0.37\0\0\0mysql_real_escape", "mysql 8.0.37"),
            ("usr/bin/mysql", "/x/Percona-XtraDB-Cluster-8.0.34/y", "percona-xtradb-cluster 8.0.34"),
            ("usr/bin/xtrabackup", "/x/percona-xtrabackup-8.0.35/", "percona-xtrabackup 8.0.35"),
            ("lib/libstd-f6f9eec1635e636a.dylib", "c 1.67.1 (d5a82bbd2 2023-02-07)", "rust 1.67.1"),
            ("usr/lib/erlang/liberts_internal.a", "\0/usr/local/src/otp-25.3.2.8/erts/", "erlang 25.3.2.8"),
            ("usr/bin/dart", "\x003.6.0-216.1.beta (beta)", "dart 3.6.0-216.1.beta"),
            ("usr/sbin/proftpd", "\0ProFTPD Version 1.3.8b\0", "proftpd 1.3.8b"),
            ("go/bin/go", "xgo1.21.3\0", "go 1.21.3"),
        ] {
            let program = build::elf(&[(".rodata", content.as_bytes())]);
            assert_eq!(packages(&KnownPrograms, path, &program), [want], "{path}");
        }
        // Archives of PHP begin with a script; other scripts only call the program.
        let phar = b"#!/usr/bin/env php\n<?php ... 'pretty_version' => '2.5.5',";
        assert_eq!(packages(&KnownPrograms, "usr/bin/composer.phar", phar), ["composer 2.5.5"]);
        assert_eq!(packages(&KnownPrograms, "usr/bin/wp", b"#!/usr/bin/php\nwp-cli/wp-cli 2.9.0 "), ["wp-cli 2.9.0"]);
        assert!(!KnownPrograms.wants(b"#!/bin/sh\nexec node.js/v20.11.1\n"));
        // A version across the border of two windows.
        for shift in [0, 5, 9, 30, 8180, 8192, 9000] {
            let mut large = build::elf(&[(".rodata", &vec![b'x'; 3 << 20])]);
            let at = (1 << 20) - shift;
            large[at..at + 21].copy_from_slice(b"node.js/v20.11.1\0\0\0\0\0");
            assert_eq!(packages(&KnownPrograms, "bin/node", &large), ["node 20.11.1"], "{shift}");
        }
        let other = build::elf(&[(".rodata", b"\0GNU coreutils\0")]);
        assert_eq!(packages(&KnownPrograms, "usr/bin/[", &other), [""; 0]);
    }
}
