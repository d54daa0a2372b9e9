//! Files that are known and deliberately not read, and why: other forms of data that a parser reads at its source, lists
//! of things that are no advisories, documents of feeds' own repositories. So that whoever looks over a build's unused
//! files sees at once whether one of them was expected to count.

use crate::feed::FeedFile;

/// Words that must all stand within the first bytes, and the reason.
const KNOWN: &[(&[&str], &str)] = &[
    (&["openvex.dev/ns"], "OpenVEX: statements about products, given to a scan with --vex"),
    (&["\"Sources\"", "\"Path\""], "an index of VEX documents"),
    (&["\"packages\"", "\"updated_at\"", "\"location\""], "an index of VEX documents"),
    (&["VEX Hub"], "an index of VEX documents"),
    (&["\"dataType\"", "CVE_RECORD"], "a CVE record of cve.org: names products in words, not packages"),
    (&["\"CVE_data_type\""], "NVD JSON 1.1, which NVD ended in 2023; its JSON 2.0 is read"),
    (&["\"cpe23Uri\""], "NVD's product names: packages are not matched by CPE"),
    (&["\"matchStrings\""], "NVD's product names: packages are not matched by CPE"),
    (&["\"matchCriteriaId\"", "\"NVD_CPE"], "NVD's product names: packages are not matched by CPE"),
    (&["\"NVD_CPE\""], "NVD's product names: packages are not matched by CPE"),
    (&["\"NVD_CPEMatchString\""], "NVD's product names: packages are not matched by CPE"),
    (&["\"NVD_CVEHistory\""], "NVD's history of changes"),
    (&["<cpe-list"], "NVD's product names: packages are not matched by CPE"),
    (&["vulncheck_"], "VulnCheck: licensed for its customers only"),
    (&["\"vulncheck_xdb\""], "VulnCheck: licensed for its customers only"),
    (&["<cvrfdoc"], "CVRF, which its vendors replaced by CSAF; that is read"),
    (&["\"threat_severity\""], "Red Hat's per-CVE API: its CSAF VEX has the same and more, and is read"),
    (&["\"affected_release\""], "Red Hat's per-CVE API: its CSAF VEX has the same and more, and is read"),
    (&["\"package_state\""], "Red Hat's per-CVE API: its CSAF VEX has the same and more, and is read"),
    (&["\"bugzilla_description\"", "\"resource_url\""], "Red Hat's list of CVEs, without packages"),
    (&["com.redhat.rhsa"], "Red Hat OVAL, which ended in 2024; its CSAF VEX is read"),
    (&["com.redhat.cve"], "Red Hat OVAL, which ended in 2024; its CSAF VEX is read"),
    (&["com.redhat.rhba"], "Red Hat OVAL, which ended in 2024; its CSAF VEX is read"),
    (&["com.redhat.unaffected"], "Red Hat OVAL, which ended in 2024; its CSAF VEX is read"),
    (&["red-hat-vulnerabilities-oval"], "Red Hat OVAL, which ended in 2024; its CSAF VEX is read"),
    (&["org.almalinux.alsa"], "AlmaLinux OVAL: its OSV has the same, and is read"),
    (&["org.debian.oval"], "Debian OVAL: the security tracker has the same and more, and is read"),
    (&["com.ubuntu."], "Ubuntu OVAL: the CVE tracker and OSV have the same and more, and are read"),
    (&["com.oracle.ovmsa"], "Oracle VM: not a system in containers"),
    (&["com.oracle.olossa"], "Oracle OpenStack: not a system in containers"),
    (&["com.oracle.olamsa"], "Oracle Automation Manager: not a system in containers"),
    (&["\"RpminfoTests\""], "OVAL as aquasecurity/vuln-list cuts it up; the OVAL document itself is read"),
    (&["\"RpminfoState\""], "OVAL as aquasecurity/vuln-list cuts it up; the OVAL document itself is read"),
    (&["\"RpminfoObjects\""], "OVAL as aquasecurity/vuln-list cuts it up; the OVAL document itself is read"),
    (&["\"Class\"", "\"Criteria\""], "OVAL as aquasecurity/vuln-list cuts it up; the OVAL document itself is read"),
    (&["\"Class\"", "\"Metadata\""], "OVAL as aquasecurity/vuln-list cuts it up; the OVAL document itself is read"),
    (&["\"PackageSlug\""], "GitLab's advisories in aquasecurity/vuln-list's form; GHSA has the same, and is read"),
    (
        &["\"Title\"", "\"Platform\""],
        "Oracle's OVAL in aquasecurity/vuln-list's form; the OVAL document itself is read",
    ),
    (&["\"Title\"", "\"Tracking\""], "SUSE's CVRF in aquasecurity/vuln-list's form; SUSE's OVAL and CSAF are read"),
    (
        &["\"Title\"", "\"Description\""],
        "Oracle's OVAL in aquasecurity/vuln-list's form; the OVAL document itself is read",
    ),
    (&["\"Header\"", "\"Original\""], "Debian's lists in aquasecurity/vuln-list's form; the lists themselves are read"),
    (&["\"major-version\""], "names of Debian's releases"),
    (&["\"PublicDateAtUSN\""], "Ubuntu's tracker in aquasecurity/vuln-list's form; the tracker itself is read"),
    (&["\"CVEDescription\""], "GHSA in aquasecurity/vuln-list's form; GHSA's own OSV is read"),
    (
        &["\"Architecture\"", "\"Binary\""],
        "an index of Debian's archive: the security tracker names what is fixed where",
    ),
    (
        &["\"Package\"", "\"Version\"", "\"Section\""],
        "an index of Debian's archive: the security tracker names what is fixed where",
    ),
    (&["package_slug:"], "GitLab's community advisories: GHSA has the same, and is read"),
    (&["\"os_version\"", "\"cve_id\""], "Photon's CVE list: its OVAL has the same and more, and is read"),
    (&["\"cve_id\"", "\"aff_ver\""], "Photon's CVE list: its OVAL has the same and more, and is read"),
    (&["\"branches\"", "\"1.0\""], "names of Photon's releases"),
    (&["\"BRSA-"], "Bottlerocket: not a system in containers"),
    (&["\"_id\"", "\"$oid\""], "AlmaLinux's errata: its OSV has the same, and is read"),
    (&["\"schema_version\": \"1.0\"", "\"data\""], "AlmaLinux's errata: its OSV has the same, and is read"),
    (&["\"advisories\"", "\"publishedAt\""], "Rocky's errata API: its OSV and updateinfo have the same, and are read"),
    (&["\"id\"", "\"RLSA-"], "Rocky's updateinfo in aquasecurity/vuln-list's form; updateinfo.xml itself is read"),
    (&["\"id\"", "\"ALAS"], "Amazon's updateinfo in aquasecurity/vuln-list's form; updateinfo.xml itself is read"),
    (&["\"name\"", "\"AVG-"], "Arch's tracker in aquasecurity/vuln-list's form; the tracker's own list is read"),
    (&["\"sourceIdentifier\""], "NVD in aquasecurity/vuln-list's form; NVD's own pages are read"),
    (&["\"autokarma\""], "Fedora's update system (Bodhi): updateinfo.xml has the same, and is read"),
    (&["\"releases\"", "\"F29"], "names of Fedora's releases"),
    (&["<bugzilla"], "a bug report"),
    (&["<methodResponse"], "an answer of Fedora's build system"),
    (&["<repomd"], "an rpm repository's index; its updateinfo is read"),
    (&["document: modulemd"], "an rpm repository's modules; advisories name theirs themselves"),
    (&["\"notices\"", "\"USN-"], "Ubuntu's notices: the CVE tracker and OSV have the same and more, and are read"),
    (&["\"cves\"", "\"bugs\""], "Ubuntu's CVE API: the CVE tracker and OSV have the same and more, and are read"),
    (&["\"action\"", "\"isummary\""], "Ubuntu's notices: the CVE tracker and OSV have the same and more, and are read"),
    (&["\"repositories\"", "\"etch\""], "names of Debian's repositories"),
    (&["\"cpes\""], "which repository brings which product; packages are matched by their distribution"),
    (&["cpe:/"], "which repository or build belongs to which product; packages are matched by their distribution"),
    (&["\"Cpe\""], "which repository or build belongs to which product; packages are matched by their distribution"),
    (&["csaf", "\"rolie\""], "a list of CSAF documents"),
    (&["\"feed\"", "\"cisa-csaf"], "a list of CSAF documents"),
    (&["\"csaf_version\""], "CSAF without products, or of a publisher whose products are no distribution"),
    (&["\"COUN7ER\""], "CISA's countermeasures"),
    (&["\"coun7er\""], "CISA's countermeasures"),
    (&["\"motd\""], "Amazon's catalogue of topics"),
    (&["-----BEGIN PGP"], "a signature"),
    (
        &["\"vulnerable\"", "\"patched\""],
        "Node.js itself: no package of npm; Bitnami's feed and the distributions' have it",
    ),
    (
        &["\"cve\"", "\"vulnerable\""],
        "Node.js itself: no package of npm; Bitnami's feed and the distributions' have it",
    ),
    (
        &["\"cve\"", "\"ref\"", "\"description\""],
        "Node.js itself: no package of npm; Bitnami's feed and the distributions' have it",
    ),
    (&["\"summary\"", "\"source_files\""], "a package of CocoaPods"),
    (&["\"$schema\"", "\"type\""], "a JSON schema"),
    (&["<html"], "a web page"),
    (&["<!DOCTYPE html"], "a web page"),
];

/// How far words are looked for.
const WITHIN: usize = 4096;

/// Why a known file is not read.
pub(crate) fn reason(file: &FeedFile) -> Option<&'static str> {
    let name = file.name();
    let ending = file.ending();
    let by_name = match ending {
        "sha256" | "sha512" | "asc" | "sig" | "gpg" => Some("a checksum or a signature"),
        "md" | "markdown" | "rst" | "adoc" => Some("documentation"),
        "rs" | "go" | "py" | "rb" | "js" | "sh" | "php" | "ts" => Some("a program of the feed's repository"),
        "toml" | "lock" | "cfg" | "ini" | "mod" | "sum" | "rbi" => Some("a setting of the feed's repository"),
        _ if name == "Sources" || name.starts_with("Sources.") || name == "Release" => {
            Some("an index of Debian's archive: the security tracker names what is fixed where")
        }
        _ if name.starts_with("fullfiletimelist") => Some("a list of a mirror's files"),
        _ if name.starts_with('.')
            || matches!(name, "Makefile" | "Gemfile" | "Rakefile" | "package.json" | "composer.json") =>
        {
            Some("a setting of the feed's repository")
        }
        "csv" if matches!(name, "changes.csv" | "deletions.csv") => Some("a list of what changed"),
        _ => None,
    };
    by_name.or_else(|| KNOWN.iter().find(|(words, _)| words.iter().all(|w| file.has(w, WITHIN))).map(|(_, why)| *why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_files_say_why() {
        let cases = [
            ("a.json", "{\"dataType\": \"CVE_RECORD\"", Some("cve.org")),
            ("x/trivy.openvex.json", "{\"@context\": \"https://openvex.dev/ns/v0.2.0\"", Some("--vex")),
            (
                "rhel-9.oval.xml",
                "<oval_definitions><definition id=\"oval:com.redhat.rhsa:def:1\">",
                Some("CSAF VEX is read"),
            ),
            ("changes.csv", "\"2023/x.json\",\"2024\"", Some("what changed")),
            ("a.json.sha256", "00 a.json", Some("checksum")),
            ("mystery.json", "{\"what\": 1}", None),
        ];
        for (path, text, want) in cases {
            let file = FeedFile { path: path.into(), bytes: text.into(), day: None };
            match want {
                Some(want) => assert!(reason(&file).is_some_and(|r| r.contains(want)), "{path}: {:?}", reason(&file)),
                None => assert_eq!(reason(&file), None, "{path}"),
            }
        }
    }
}
