//! The databases that write OSV, known by the prefixes of their ids. Each is a feed with an age of its own.

use crate::feed::FeedRow;

macro_rules! databases {
    ($($prefix:literal => $id:literal, $name:literal, $url:literal, $license:literal;)*) => {
        pub(super) const ROWS: &[FeedRow] = &[$(FeedRow { id: $id, name: $name, url: $url, license: $license },)*];
        const PREFIXES: &[(&str, &str)] = &[$(($prefix, $id),)*];
    };
}

// The last row takes every other prefix.
databases! {
    "DRUPAL-" => "osv-drupal", "Drupal", "https://github.com/DrupalSecurityTeam/drupal-advisory-database", "LicenseRef-Drupal";
    "GHSA-" => "osv-ghsa", "GitHub Advisory Database", "https://github.com/github/advisory-database", "CC-BY-4.0";
    "PYSEC-" => "osv-pypa", "PyPA Advisory Database", "https://github.com/pypa/advisory-database", "CC-BY-4.0";
    "GO-" => "osv-go", "Go Vulnerability Database", "https://vuln.go.dev", "CC-BY-4.0";
    "RUSTSEC-" => "osv-rustsec", "RustSec Advisory Database", "https://github.com/rustsec/advisory-db", "CC0-1.0";
    "MAL-" => "osv-malicious", "OpenSSF Malicious Packages", "https://github.com/ossf/malicious-packages", "Apache-2.0";
    "BIT-" => "osv-bitnami", "Bitnami Vulnerability Database", "https://github.com/bitnami/vulndb", "Apache-2.0";
    "AL" => "osv-almalinux", "AlmaLinux", "https://github.com/AlmaLinux/osv-database", "MIT";
    "RLSA-" => "osv-rocky", "Rocky Linux", "https://errata.rockylinux.org", "BSD-3-Clause";
    "RXSA-" => "osv-rocky-sig", "Rocky Linux SIG", "https://errata.rockylinux.org", "BSD-3-Clause";
    "RH" => "osv-redhat", "Red Hat", "https://security.access.redhat.com/data", "CC-BY-4.0";
    "D" => "osv-debian", "Debian (OSV)", "https://osv.dev", "LicenseRef-Debian";
    "U" => "osv-ubuntu", "Ubuntu (OSV)", "https://github.com/canonical/ubuntu-security-notices", "CC-BY-SA-4.0";
    "ALPINE-" => "osv-alpine", "Alpine (OSV)", "https://osv.dev", "LicenseRef-Alpine";
    "SUSE-" => "osv-suse", "SUSE", "https://ftp.suse.com/pub/projects/security/osv", "CC-BY-4.0";
    "openSUSE-" => "osv-opensuse", "openSUSE", "https://ftp.suse.com/pub/projects/security/osv", "CC-BY-4.0";
    "HSEC-" => "osv-haskell", "Haskell Security Advisories", "https://github.com/haskell/security-advisories", "CC0-1.0";
    "RSEC-" => "osv-cran", "R Consortium Advisory Database", "https://github.com/RConsortium/r-advisory-database", "Apache-2.0";
    "JLSEC-" => "osv-julia", "Julia Security Advisories", "https://github.com/JuliaLang/SecurityAdvisories.jl", "CC-BY-4.0";
    "EEF-" => "osv-erlang", "Erlang Ecosystem Foundation", "https://cna.erlef.org", "CC-BY-4.0";
    "OESA-" => "osv-openeuler", "openEuler", "https://repo.openeuler.org/security/data/osv", "LicenseRef-openEuler";
    "MGASA-" => "osv-mageia", "Mageia", "https://advisories.mageia.org", "CC-BY-SA-4.0";
    "BELL-" => "osv-bellsoft", "BellSoft", "https://github.com/bell-sw/osv-database", "LicenseRef-BellSoft";
    "CGA-" => "osv-chainguard", "Chainguard", "https://packages.cgr.dev/chainguard/osv", "LicenseRef-Chainguard";
    "MINI-" => "osv-minimos", "MinimOS", "https://packages.mini.dev/advisories/osv", "LicenseRef-MinimOS";
    "ECHO-" => "osv-echo", "Echo", "https://advisory.echohq.com", "LicenseRef-Echo";
    "AZL-" => "osv-azurelinux", "Azure Linux (OSV)", "https://github.com/microsoft/AzureLinuxVulnerabilityData", "MIT";
    "" => "osv", "OSV", "https://osv.dev", "LicenseRef-per-database";
}

/// The feed of a record.
pub(super) fn database(id: &str) -> &'static str {
    PREFIXES.iter().find(|(prefix, _)| id.starts_with(prefix)).map_or("osv", |(_, feed)| feed)
}

/// Whose word a severity is.
pub(super) fn rater(feed: &'static str) -> &'static str {
    feed.strip_prefix("osv-").unwrap_or("osv")
}
