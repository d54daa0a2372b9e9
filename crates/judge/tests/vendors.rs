//! Publishers as they really sign, each with a package of theirs of a name that the distribution's advisories know; and
//! the same words on packages that are the distribution's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_advisory::Affected;
use layergate_model::{GapKind, PackageKind, Status};

mod records;

use PackageKind::{Alpm, Apk, Deb, Rpm};
use records::{distro, matched, ns, package, record};

/// Who judges: the distribution, or nobody but what is recognised inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    Distribution,
    Third,
}
use Judged::{Distribution, Third};

fn judged(id: &str, release: &str, space: &str, kind: PackageKind, name: &str, version: &str, vendor: &str) -> Judged {
    let mut installed = package(kind, name, version, Some((name, version)));
    installed.package.vendor = Some(vendor.to_owned()).filter(|v| !v.is_empty());
    let mut records = vec![record("f", "CVE-1", &[], Affected::unfixed(ns(space), name, Status::Affected))];
    if let Some((_, release)) = space.split_once(':') {
        records.push(record("f", "CVE-2", &[], Affected::fixed(ns(&format!("epel:{release}")), "x", "1")));
    }
    let matches = matched(distro(id, release), vec![installed], &records);
    let found = !matches.findings.is_empty();
    let reported = matches.gaps.iter().any(|g| g.kind == GapKind::ThirdPartyPackage);
    assert_ne!(found, reported, "{name} {version} {vendor}: judged or reported");
    if found { Distribution } else { Third }
}

#[test]
fn third_parties_as_they_sign() {
    let debian: &[(&str, &str, &str, Judged)] = &[
        ("docker.io", "5:24.0.7-1~debian.12~bookworm", "Docker <support@docker.com>", Third),
        ("containerd.io", "1.6.26-1", "Containerd team <help@containerd.io>", Distribution),
        ("nodejs", "20.10.0-1nodesource1", "Ivan Iguaran <ivan@nodesource.com>", Third),
        ("nodejs", "20.10.0", "Nodesource <support@nodesource.com>", Third),
        ("nginx", "1.25.3-1~bookworm", "NGINX Packaging <nginx-packaging@f5.com>", Third),
        ("redis", "6:7.2.3-1rl1~bookworm1", "Redis Packaging Team <redis-packaging@redis.io>", Third),
        ("jenkins", "2.426.1", "Kohsuke Kawaguchi <kk@kohsuke.org>", Third),
        ("elasticsearch", "8.11.1", "Elasticsearch Team <info@elastic.co>", Third),
        ("grafana", "10.2.2", "contact@grafana.com <contact@grafana.com>", Third),
        ("rabbitmq-server", "3.12.10-1", "RabbitMQ Team <contact-tanzu-data.pdl@broadcom.com>", Third),
        ("erlang", "1:26.1.2-1", "RabbitMQ Team <contact-tanzu-data.pdl@broadcom.com>", Third),
        ("consul", "1.17.0-1", "HashiCorp <support@hashicorp.com>", Third),
        ("influxdb", "1.8.10-1", "support@influxdb.com", Third),
        ("mysql-server", "8.0.35-1debian12", "MySQL Release Engineering <mysql-build@oss.oracle.com>", Third),
        ("mariadb-server", "1:11.1.3+maria~deb12", "MariaDB Developers <maria-developers@lists.launchpad.net>", Third),
        (
            "postgresql-16",
            "16.1-1.pgdg120+1",
            "Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>",
            Third,
        ),
        (
            "php8.2",
            "8.2.13-1+0~20231123.55+debian12~1.gbp6d7f9a",
            "Debian PHP Maintainers <team+pkg-php@tracker.debian.org>",
            Third,
        ),
        ("varnish", "7.4.2-1~bookworm", "Varnish Software <opensource@varnish-software.com>", Third),
        ("zabbix", "1:6.4.9-1+debian12", "Zabbix <info@zabbix.com>", Third),
        // The distribution's developers and teams.
        (
            "nginx",
            "1.22.1-9+deb12u1",
            "Debian Nginx Maintainers <pkg-nginx-maintainers@alioth-lists.debian.net>",
            Distribution,
        ),
        ("whois", "5.5.17-1", "Marco d'Itri <md@linux.it>", Distribution),
        ("git", "1:2.39.2-1.1", "Jonathan Nieder <jrnieder@gmail.com>", Distribution),
        // A forged claim on what is the distribution's own by name and form of version.
        ("openssl", "3.0.11-1~deb12u2", "Docker <support@docker.com>", Distribution),
        ("openssl", "3.0.11-1~deb12u2", "Acme <x@acme.example>", Distribution),
        ("openssl", "3.0.11-1~deb12u2", "Launchpad PPA for evil <x@launchpad.net>", Distribution),
        ("curl", "7.88.1-10+deb12u4", "Kubernetes Authors <dev@kubernetes.io>", Distribution),
        ("openssl", "3.0.11-1~deb12u2", "Docker <support@docker.com.evil.example>", Distribution),
    ];
    for (name, version, vendor, want) in debian {
        assert_eq!(judged("debian", "12", "debian:12", Deb, name, version, vendor), *want, "{name} {version} {vendor}");
    }
    let el9: &[(&str, &str, &str, Judged)] = &[
        ("nginx", "1:1.25.3-1.el9.ngx", "NGINX Packaging <nginx-packaging@f5.com>", Third),
        ("nodejs", "2:20.10.0-1nodesource", "NodeSource", Third),
        ("php", "8.2.13-1.el9.remi", "Remi's RPM repository <https://rpms.remirepo.net/>", Third),
        ("postgresql16", "16.1-2PGDG.rhel9", "PostgreSQL Global Development Group", Third),
        ("mysql-server", "8.0.35-1.el9", "Oracle and/or its affiliates", Third),
        ("MariaDB-server", "11.1.3-1.el9", "MariaDB Foundation", Distribution),
        ("grafana", "10.2.2-1", "Grafana", Third),
        ("dotnet-sdk-8.0", "8.0.100-1", "Microsoft Corporation", Third),
        ("varnish", "7.4.2-1.el9", "Varnish Software", Third),
        ("zabbix-agent", "6.4.9-release1.el9", "Zabbix SIA", Third),
        ("redis", "7.2.3-1.el9.remi", "Remi's RPM repository <https://rpms.remirepo.net/>", Third),
        ("haproxy", "2.8.3-1.el9", "Acme Inc.", Distribution),
        // The distribution's.
        ("openssl", "1:3.0.7-24.el9", "Red Hat, Inc.", Distribution),
        ("openssl", "1:3.0.7-24.el9", "", Distribution),
        // Forged.
        ("openssl", "1:3.0.7-24.el9", "Docker", Distribution),
        ("openssl-libs", "1:3.0.7-25.el9_3", "NGINX Packaging <nginx-packaging@f5.com>", Distribution),
        ("nodejs", "1:16.20.2-3.el9_2", "Acme", Distribution),
        ("glibc", "2.34-83.el9.12.alma.1", "Acme", Distribution),
        // What Fedora builds for it does not take its own packages' place.
        ("openssl", "1:3.0.7-24.el9", "Fedora Project", Distribution),
    ];
    for (name, version, vendor, want) in el9 {
        assert_eq!(judged("rhel", "9.3", "rhel:9", Rpm, name, version, vendor), *want, "{name} {version} {vendor}");
    }
    type Row<'r> = (&'r str, &'r str, &'r str, PackageKind, &'r str, &'r str, &'r str, Judged);
    let others: &[Row<'_>] = &[
        ("alpine", "3.18", "alpine:3.18", Apk, "nginx", "1.25.3-r1", "NGINX Packaging <nginx-packaging@f5.com>", Third),
        (
            "alpine",
            "3.18",
            "alpine:3.18",
            Apk,
            "openssl",
            "3.1.4-r1",
            "NGINX Packaging <nginx-packaging@f5.com>",
            Distribution,
        ),
        (
            "alpine",
            "3.18",
            "alpine:3.18",
            Apk,
            "openssl",
            "3.1.4-r1",
            "Ariadne Conill <ariadne@dereferenced.org>",
            Distribution,
        ),
        ("alpine", "3.18", "alpine:3.18", Apk, "openssl", "3.1.4-r1", "Acme <p@acme.example>", Distribution),
        ("amzn", "2023", "amazon:2023", Rpm, "openssl", "1:3.0.8-1.amzn2023.0.9", "Acme", Distribution),
        (
            "amzn",
            "2023",
            "amazon:2023",
            Rpm,
            "nginx",
            "1:1.25.3-1.amzn2023.ngx",
            "NGINX Packaging <nginx-packaging@f5.com>",
            Third,
        ),
        ("azurelinux", "3.0", "azurelinux:3.0", Rpm, "curl", "8.8.0-1.azl3", "Acme", Distribution),
        ("photon", "5.0", "photon:5.0", Rpm, "curl", "8.1.2-3.ph5", "Acme", Distribution),
        (
            "sles",
            "15.5",
            "suse:15.5",
            Rpm,
            "curl",
            "8.0.1-150400.5.36.1",
            "obs://build.opensuse.org/home:x",
            Distribution,
        ),
        (
            "openeuler",
            "22.03-LTS-SP3",
            "openeuler:22.03-lts-sp3",
            Rpm,
            "curl",
            "7.79.1-25.oe2203sp3",
            "Acme",
            Distribution,
        ),
        (
            "openeuler",
            "22.03-LTS-SP3",
            "openeuler:22.03-lts-sp3",
            Rpm,
            "curl",
            "7.79.1-25.oe2203sp3",
            "http://openeuler.org",
            Distribution,
        ),
        ("arch", "", "arch", Alpm, "openssl", "3.1.4-1", "Unknown Packager", Distribution),
    ];
    for (id, release, space, kind, name, version, vendor, want) in others {
        assert_eq!(judged(id, release, space, *kind, name, version, vendor), *want, "{id} {name} {version} {vendor}");
    }
}

#[test]
fn what_base_systems_have_is_no_third_partys() {
    let records = [record("f", "CVE-1", &[], Affected::fixed(ns("debian:12"), "x", "1"))];
    for (name, version, vendor, want) in [
        ("usr-is-merged", "37~deb12u1", "Marco d'Itri <md@linux.it>", false),
        ("netbase", "6.4", "Marco d'Itri <md@linux.it>", false),
        ("lsb-base", "11.1.0", "Debian sysvinit maintainers <debian-init-diversity@chiark.greenend.org.uk>", false),
        ("datadog-agent", "1:7.49.0-1", "Datadog Packages <package@datadoghq.com>", true),
        ("our-tool", "1.2.3", "Ops <ops@acme.example>", true),
    ] {
        let mut installed = package(Deb, name, version, None);
        installed.package.vendor = Some(vendor.to_owned());
        let gaps = matched(distro("debian", "12"), vec![installed], &records).gaps;
        assert_eq!(gaps.iter().any(|g| g.kind == GapKind::ThirdPartyPackage), want, "{name}: {gaps:?}");
    }
}
