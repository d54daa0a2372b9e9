//! Who published a package of a package manager: the distribution, Fedora for a relative of Red Hat's, or somebody else.
//!
//! A third party's `nginx` is not the distribution's: what the distribution says of its own tells nothing of it, and what
//! is inside it nobody's advisories but the registries' speak of. The signs are the publisher (rpm's vendor, the
//! maintainer's address in dpkg's and apk's databases) and marks in versions. Both are the image's own claims, so they
//! decide nothing in doubt: a package whose publisher nobody knows is judged by the distribution *and* by the registries.

use layergate_advisory::Snapshot;
use layergate_model::{ImagePackage, Package, PackageKind};

use super::{space::DistroSpace, subject};

/// Who published a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Publisher {
    /// The distribution, or nobody says that it was somebody else.
    Distribution,
    /// Nobody that is known: as the distribution's for its advisories, as a third party's for what it contains.
    Doubtful,
    /// Fedora, for a relative of Red Hat's (EPEL).
    Epel,
    /// Somebody else, with the name for people.
    ThirdParty(String),
}

/// Parts of the addresses of those who publish deb and apk packages of their own beside the distributions, lower case.
const VENDORS: &[&str] = &[
    "@docker.com",
    "nodesource",
    "@nginx.com",
    "@nginx.org",
    "@f5.com",
    "@elastic.co",
    "jenkins",
    "@kohsuke.org",
    "kubernetes",
    "@k8s.io",
    "@google.com",
    "@microsoft.com",
    "@hashicorp.com",
    "@mongodb.com",
    "@mongodb.org",
    "mysql.com",
    "oss.oracle.com",
    "@oracle.com",
    "@lists.mariadb.org",
    "@mariadb.",
    "@percona.com",
    "@grafana.com",
    "@influxdata.com",
    "@influxdb.com",
    "datadoghq.com",
    "@newrelic.com",
    "@gitlab.com",
    "@github.com",
    "@yarnpkg.com",
    "@redis.",
    "@rabbitmq.com",
    "@vmware.com",
    "@broadcom.com",
    "@erlang-solutions.com",
    "@confluent.io",
    "@apache.org",
    "@cassandra.apache.org",
    "@clickhouse.",
    "@yandex-team.ru",
    "@varnish-software.com",
    "@haproxy.com",
    "@zabbix.com",
    "temurin",
    "@eclipse.org",
    "@azul.com",
    "corretto",
    "@amazon.com",
    "@bell-sw.com",
    "@nvidia.com",
    "@intel.com",
    "@amd.com",
    "@cloudflare.com",
    "tailscale",
    "caddyserver",
    "@traefik.io",
    "@getsentry",
    "@puppet.com",
    "@puppetlabs.com",
    "@chef.io",
    "@opscode.com",
    "saltproject",
    "@saltstack.com",
    "@timber.io",
    "treasuredata",
    "treasure-data",
    "@treasure",
    "fluentd",
    "fluentbit",
    "@cri-o",
    "@aquasec",
    "@anchore.",
    "@crowdstrike.com",
    "@splunk.com",
    "@dynatrace.com",
    "@openresty",
    "@konghq.com",
    "@neo4j",
    "@neotechnology",
    "@couchbase.com",
    "@arangodb.com",
    "@cockroach",
    "@timescale.com",
    "@citusdata.com",
    "@enterprisedb.com",
    "@opensearch",
    "@graylog",
    "@sonatype",
    "@atlassian.com",
    "@jetbrains.com",
    "@slack-corp",
    "@brave.com",
    "@vivaldi.com",
    "@opera.com",
    "@skype.net",
    "@zoom.us",
    "@dropbox.com",
    "@spotify",
    "@signal.org",
    "@proxysql",
    "@powerdns.com",
    "@isc.org",
    "@dovecot.fi",
    "@passenger",
    "@phusion",
    "@newrelic",
    "launchpad ppa",
    "@sury.org",
    "@dotdeb.org",
    "@packagecloud",
    "@hwraid",
    "@heroku.com",
    "@fermyon",
    "@pulumi.com",
    "@nomachine.com",
    "@teamviewer.com",
    "@anydesk.com",
];

/// What a version of a third party's build carries, whoever maintains it.
const MARKS: &[(&str, &str)] = &[
    ("nodesource", "NodeSource"),
    (".pgdg", "PostgreSQL's repository"),
    ("+deb.sury.org", "sury.org"),
    ("+ubuntu.sury.org", "sury.org"),
    (".remi", "Remi's repository"),
    (".ius", "IUS"),
    ("~ppa", "a PPA"),
    ("+ppa", "a PPA"),
    ("ppa~", "a PPA"),
    ("~dotdeb", "Dotdeb"),
    ("+dotdeb", "Dotdeb"),
    ("+maria~", "MariaDB's repository"),
];

/// Suffixes of versions that somebody builds for several releases (`1.27.3-1~bookworm`). Distributions themselves write
/// the release's number (`~deb12u1`, `~22.04.1`).
const BUILT_FOR: &[&str] = &[
    "~buster",
    "~bullseye",
    "~bookworm",
    "~trixie",
    "~forky",
    "~bionic",
    "~focal",
    "~jammy",
    "~noble",
    "~stretch",
    "~xenial",
];

/// Who published a package of the distribution's manager.
pub(super) fn of(package: &Package, space: &DistroSpace, snapshot: &Snapshot) -> Publisher {
    let version = package.version.to_ascii_lowercase();
    let named = package.vendor.as_deref().map(str::trim).filter(|v| !v.is_empty() && *v != "(none)");
    if let Some((_, who)) = MARKS.iter().find(|(mark, _)| version.contains(mark)) {
        return Publisher::ThirdParty((*who).to_owned());
    }
    let Some(named) = named else {
        // dpkg's database always names a maintainer; where an SBOM left it out, a revision speaks for a distribution.
        let revised = package.kind == PackageKind::Deb && package.version.contains('-');
        let silent = space.row.publishers.is_empty() || revised || known(package, space, snapshot);
        return if silent { Publisher::Distribution } else { Publisher::Doubtful };
    };
    if space.epel.is_some() && named.eq_ignore_ascii_case("fedora project") {
        return Publisher::Epel;
    }
    if space.row.publishers.is_empty() || space.row.publishes(named) {
        return Publisher::Distribution;
    }
    let third = || Publisher::ThirdParty(label(named));
    let lower = named.to_ascii_lowercase();
    match package.kind {
        // A vendor is the builder's own word for all its packages.
        PackageKind::Rpm => third(),
        PackageKind::Alpm if lower == "unknown packager" => third(),
        _ if VENDORS.iter().any(|vendor| lower.contains(vendor)) => third(),
        PackageKind::Deb if BUILT_FOR.iter().any(|suffix| version.contains(suffix)) => third(),
        // Every package of aports tells its origin.
        PackageKind::Apk if package.source.is_none() => third(),
        // Debian's and Alpine's developers keep private addresses, and most of what they maintain is known by name. A
        // version without a revision is not how a distribution packages what it takes from elsewhere.
        _ if space.covered(snapshot) && !known(package, space, snapshot) && !package.version.contains('-') => third(),
        _ if known(package, space, snapshot) && package.version.contains('-') => Publisher::Distribution,
        _ => Publisher::Doubtful,
    }
}

/// Whether the distribution's advisories speak of the package at all.
fn known(package: &Package, space: &DistroSpace, snapshot: &Snapshot) -> bool {
    subject::subjects(package, space.row.names)
        .iter()
        .any(|s| space.namespaces.iter().any(|n| snapshot.lookup(n, &s.name).next().is_some()))
}

/// `Docker` of `Docker <support@docker.com>`.
fn label(named: &str) -> String {
    let name = named.split('<').next().unwrap_or(named).trim();
    let name = if name.is_empty() { named } else { name };
    name.chars().take(80).collect()
}

/// Who judges a package of a language that a package of a manager has installed.
pub(super) enum Contents {
    /// The distribution's own advisories; the registry's need not be asked.
    Judged,
    /// The registry's advisories.
    ToBeJudged,
    /// The registry's advisories; and the list of files that claims it is not the distribution's.
    Claimed,
}

/// The distribution's advisories judge what its own packages, of its own manager, put where a distribution puts files. A
/// list that claims an application's directory is no proof of anything.
pub(super) fn contents(
    owner: &ImagePackage,
    publisher: Option<&Publisher>,
    content: &ImagePackage,
    space: &DistroSpace,
) -> Contents {
    let own =
        owner.package.kind == space.row.manager && matches!(publisher, Some(Publisher::Distribution | Publisher::Epel));
    match (own, content.package.locations.iter().all(|l| distribution_path(l, space))) {
        (true, true) => Contents::Judged,
        (true, false) => Contents::Claimed,
        (false, _) => Contents::ToBeJudged,
    }
}

/// Whether a distribution puts files there (FHS 3.0: `/usr/local`, `/srv`, `/home` and `/opt` are not its own; rpm
/// distributions and Wolfi's use `/opt` regardless).
fn distribution_path(location: &str, space: &DistroSpace) -> bool {
    let path = location.split('!').next().unwrap_or(location).trim_start_matches('/');
    let mut parts = path.split('/');
    match parts.next().unwrap_or_default() {
        "usr" => parts.next() != Some("local"),
        "bin" | "sbin" | "lib" | "lib32" | "lib64" | "libx32" | "etc" | "boot" => true,
        "var" => parts.next().is_some_and(|p| matches!(p, "lib" | "cache")),
        "opt" => !matches!(space.row.family, "debian" | "ubuntu" | "alpine" | "arch"),
        _ => false,
    }
}
