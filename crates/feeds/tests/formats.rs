//! Each feed's own format, from a small excerpt written for this test to what a look-up finds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{fmt::Write as _, fs, path::Path};

use layergate_advisory::{Entry, Snapshot, Vulnerability};
use layergate_feeds::{BuildReport, build_from_dir};

/// Builds the files and lists every package's entries.
fn built(files: &[(&str, &str)]) -> (Snapshot, BuildReport, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let file = dir.path().join("feeds").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let output = dir.path().join("snapshot");
    let report = build_from_dir(&dir.path().join("feeds"), &output).unwrap();
    let snapshot = Snapshot::from_bytes(fs::read(output).unwrap()).unwrap();
    let mut lines = Vec::new();
    for (key, entries) in snapshot.packages() {
        for entry in entries {
            lines.push(format!("{} {} {}", key.namespace, key.name, rendered(&snapshot, &entry)));
        }
    }
    (snapshot, report, lines)
}

fn rendered(snapshot: &Snapshot, entry: &Entry<'_>) -> String {
    let mut out = String::new();
    let vulnerability = snapshot.vulnerability(entry.vulnerability).unwrap();
    write!(out, "{}", entry.id().unwrap_or(vulnerability.id)).unwrap();
    let ranges: Vec<String> = entry.ranges.clone().map(|r| r.to_string()).collect();
    write!(out, " {} {:?}", ranges.join(" | "), entry.status).unwrap();
    if let Some(severity) = entry.severity {
        write!(out, " {severity}").unwrap();
    }
    if let Some(module) = entry.module {
        write!(out, " {module}").unwrap();
    }
    let arches: Vec<_> = entry.arches.clone().collect();
    if !arches.is_empty() {
        write!(out, " [{}]", arches.join(",")).unwrap();
    }
    write!(out, " ({})", snapshot.feed_id(entry.feed)).unwrap();
    out
}

fn check(files: &[(&str, &str)], want: &[&str]) -> (Snapshot, BuildReport) {
    let (snapshot, report, lines) = built(files);
    assert_eq!(lines, want, "{:?} {:?}", report.problems, report.unused);
    assert_eq!(report.unused_count, 0, "{:?}", report.unused);
    (snapshot, report)
}

fn cwes(vulnerability: &Vulnerability<'_>) -> String {
    vulnerability.cwes().map(|c| c.to_string()).collect::<Vec<_>>().join(" ")
}

const RED_HAT: &str = r#"{
 "document": {"category": "csaf_vex", "csaf_version": "2.0", "title": "t",
  "publisher": {"category": "vendor", "name": "Red Hat Product Security", "namespace": "https://www.redhat.com"},
  "tracking": {"id": "CVE-2024-1111", "current_release_date": "2024-05-06T07:08:09+00:00"}},
 "product_tree": {
  "branches": [{"category": "vendor", "name": "Red Hat", "branches": [
   {"category": "product_name", "name": "RHEL 8", "product": {"name": "Red Hat Enterprise Linux 8", "product_id": "red_hat_enterprise_linux_8", "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:8"}}},
   {"category": "product_name", "name": "RHEL 7", "product": {"name": "Red Hat Enterprise Linux 7", "product_id": "red_hat_enterprise_linux_7", "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:7"}}},
   {"category": "product_name", "name": "AppStream", "product": {"name": "AppStream (v. 8)", "product_id": "AppStream-8.9.0.Z.MAIN", "product_identification_helper": {"cpe": "cpe:/a:redhat:enterprise_linux:8::appstream"}}},
   {"category": "product_name", "name": "EUS", "product": {"name": "AppStream EUS (v.9.2)", "product_id": "AppStream-9.2.0.Z.EUS", "product_identification_helper": {"cpe": "cpe:/a:redhat:rhel_eus:9.2::appstream"}}},
   {"category": "product_name", "name": "JBoss", "product": {"name": "JBoss", "product_id": "jboss", "product_identification_helper": {"cpe": "cpe:/a:redhat:jboss_enterprise_application_platform:7"}}},
   {"category": "product_version", "name": "web", "product": {"name": "web", "product_id": "web"}},
   {"category": "product_version", "name": "lib", "product": {"name": "lib", "product_id": "lib", "product_identification_helper": {"purl": "pkg:rpm/redhat/lib?arch=src"}}},
   {"category": "architecture", "name": "x86_64", "branches": [
    {"category": "product_version", "name": "web", "product": {"name": "web", "product_id": "web-1:2.4-3.el9_2.x86_64", "product_identification_helper": {"purl": "pkg:rpm/redhat/web@2.4-3.el9_2?arch=x86_64&epoch=1"}}},
    {"category": "product_version", "name": "web-debuginfo", "product": {"name": "web-debuginfo", "product_id": "web-debuginfo-1:2.4-3.el9_2.x86_64"}},
    {"category": "product_version", "name": "node", "product": {"name": "node", "product_id": "node-mod", "product_identification_helper": {"purl": "pkg:rpm/redhat/node@18.19.0-1.module%2Bel8.9.0%2B1?arch=x86_64&epoch=1&rpmmod=node:18:8090020240101:abc"}}},
    {"category": "product_version", "name": "sql", "product": {"name": "sql", "product_id": "sql-0:13.1-1.module+el8.9.0+7.x86_64"}}]},
   {"category": "product_version", "name": "sql:13", "product": {"name": "sql:13", "product_id": "sql:13:809002024:abc", "product_identification_helper": {"purl": "pkg:rpmmod/redhat/sql@13:809002024:abc"}}}]}],
  "relationships": [
   {"category": "default_component_of", "full_product_name": {"name": "n", "product_id": "AppStream-9.2.0.Z.EUS:web-1:2.4-3.el9_2.x86_64"}, "product_reference": "web-1:2.4-3.el9_2.x86_64", "relates_to_product_reference": "AppStream-9.2.0.Z.EUS"},
   {"category": "default_component_of", "full_product_name": {"name": "n", "product_id": "AppStream-9.2.0.Z.EUS:web-debuginfo-1:2.4-3.el9_2.x86_64"}, "product_reference": "web-debuginfo-1:2.4-3.el9_2.x86_64", "relates_to_product_reference": "AppStream-9.2.0.Z.EUS"},
   {"category": "default_component_of", "full_product_name": {"name": "n", "product_id": "AppStream-8.9.0.Z.MAIN:node"}, "product_reference": "node-mod", "relates_to_product_reference": "AppStream-8.9.0.Z.MAIN"},
   {"category": "default_component_of", "full_product_name": {"name": "n", "product_id": "AppStream-8.9.0.Z.MAIN:sql:13"}, "product_reference": "sql:13:809002024:abc", "relates_to_product_reference": "AppStream-8.9.0.Z.MAIN"},
   {"category": "default_component_of", "full_product_name": {"name": "n", "product_id": "AppStream-8.9.0.Z.MAIN:sql:13:sql-0:13.1"}, "product_reference": "sql-0:13.1-1.module+el8.9.0+7.x86_64", "relates_to_product_reference": "AppStream-8.9.0.Z.MAIN:sql:13"},
   {"category": "default_component_of", "full_product_name": {"name": "n", "product_id": "red_hat_enterprise_linux_7:web"}, "product_reference": "web", "relates_to_product_reference": "red_hat_enterprise_linux_7"},
   {"category": "default_component_of", "full_product_name": {"name": "n", "product_id": "red_hat_enterprise_linux_8:lib"}, "product_reference": "lib", "relates_to_product_reference": "red_hat_enterprise_linux_8"},
   {"category": "default_component_of", "full_product_name": {"name": "n", "product_id": "red_hat_enterprise_linux_8:sql:15/sql"}, "product_reference": "sql:15/sql", "relates_to_product_reference": "red_hat_enterprise_linux_8"},
   {"category": "default_component_of", "full_product_name": {"name": "n", "product_id": "jboss:web"}, "product_reference": "web", "relates_to_product_reference": "jboss"}]},
 "vulnerabilities": [{"cve": "CVE-2024-1111", "title": "web: a hole", "cwe": {"id": "CWE-416", "name": "Use After Free"},
  "product_status": {
   "fixed": ["AppStream-9.2.0.Z.EUS:web-1:2.4-3.el9_2.x86_64", "AppStream-9.2.0.Z.EUS:web-debuginfo-1:2.4-3.el9_2.x86_64", "AppStream-8.9.0.Z.MAIN:node", "AppStream-8.9.0.Z.MAIN:sql:13:sql-0:13.1"],
   "known_affected": ["red_hat_enterprise_linux_7:web", "red_hat_enterprise_linux_8:sql:15/sql", "jboss:web"],
   "under_investigation": ["red_hat_enterprise_linux_8:lib"],
   "known_not_affected": ["red_hat_enterprise_linux_8:nothing"]},
  "remediations": [{"category": "no_fix_planned", "details": "Out of support scope", "product_ids": ["red_hat_enterprise_linux_7:web"]},
                   {"category": "none_available", "details": "Affected", "product_ids": ["red_hat_enterprise_linux_8:sql:15/sql"]}],
  "scores": [{"cvss_v3": {"vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "version": "3.1"}, "products": []}],
  "threats": [{"category": "impact", "details": "Important"}]}]}"#;

#[test]
fn red_hat_vex() {
    let (snapshot, _) = check(
        &[("vex/2024/cve-2024-1111.json", RED_HAT)],
        &[
            "rhel-eus:9.2 web CVE-2024-1111 < 1:2.4-3.el9_2 Fixed (redhat-csaf)",
            "rhel:7 web CVE-2024-1111 * WillNotFix (redhat-csaf)",
            "rhel:8 lib CVE-2024-1111 * UnderInvestigation (redhat-csaf)",
            "rhel:8 node CVE-2024-1111 < 1:18.19.0-1.module+el8.9.0+1 Fixed node:18 (redhat-csaf)",
            "rhel:8 sql CVE-2024-1111 * Affected sql:15 (redhat-csaf)",
            "rhel:8 sql CVE-2024-1111 < 13.1-1.module+el8.9.0+7 Fixed sql:13 (redhat-csaf)",
        ],
    );
    let vulnerability = snapshot.vulnerability(snapshot.vulnerabilities_named("CVE-2024-1111")[0]).unwrap();
    assert_eq!(vulnerability.title, Some("web: a hole"));
    assert_eq!(vulnerability.ratings().map(|(s, r)| format!("{s} {r}")).collect::<Vec<_>>(), ["redhat high"]);
    assert_eq!(vulnerability.cvss().map(|c| c.score_tenths).collect::<Vec<_>>(), [98]);
    assert_eq!(cwes(&vulnerability), "CWE-416");
    assert_eq!(snapshot.newest(), Some("2024-05-06"));
}

#[test]
fn suse_csaf() {
    let suse = RED_HAT
        .replace("Red Hat Product Security", "SUSE Product Security Team")
        .replace("\"fixed\"", "\"recommended\"")
        .replace("cpe:/o:redhat:enterprise_linux:8", "cpe:/o:suse:sles:15:sp3")
        .replace("\"Red Hat Enterprise Linux 8\"", "\"SUSE Linux Enterprise Server 15 SP3\"")
        .replace("cpe:/o:redhat:enterprise_linux:7", "cpe:/o:opensuse:leap:15.5")
        .replace("\"Red Hat Enterprise Linux 7\"", "\"openSUSE Leap 15.5\"");
    let (_, _, lines) = built(&[("csaf/suse.json", &suse)]);
    assert!(lines.contains(&"opensuse:15.5 web CVE-2024-1111 * WillNotFix (suse-csaf)".to_owned()), "{lines:?}");
    assert!(lines.contains(&"suse:15.3 lib CVE-2024-1111 * UnderInvestigation (suse-csaf)".to_owned()), "{lines:?}");
    // A second product of the same release, of which more is known.
    let second = r#"{"category": "default_component_of", "full_product_name": {"name": "n", "product_id": "second:lib"}, "product_reference": "lib", "relates_to_product_reference": "red_hat_enterprise_linux_8"},
   {"category": "default_component_of", "full_product_name": {"name": "n", "product_id": "jboss:web"}"#;
    let two = suse
        .replace(
            r#"{"category": "default_component_of", "full_product_name": {"name": "n", "product_id": "jboss:web"}"#,
            second,
        )
        .replace(r#""jboss:web"],"#, r#""jboss:web", "second:lib"],"#);
    let (_, _, lines) = built(&[("csaf/suse.json", &two)]);
    assert!(lines.contains(&"suse:15.3 lib CVE-2024-1111 * Affected (suse-csaf)".to_owned()), "{lines:?}");
}

fn oval(definitions: &str, tests: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<oval_definitions xmlns=\"http://oval.mitre.org/XMLSchema/oval-definitions-5\"><definitions>{definitions}</definitions>{tests}</oval_definitions>"
    )
}

/// A test that a package is earlier than a version, with its object and state.
fn less_than(prefix: &str, id: u32, package: &str, evr: &str) -> String {
    format!(
        "<rpminfo_test id=\"{prefix}:tst:{id}\"><object object_ref=\"{prefix}:obj:{id}\"/><state state_ref=\"{prefix}:ste:{id}\"/></rpminfo_test>\
         <rpminfo_object id=\"{prefix}:obj:{id}\"><name>{package}</name></rpminfo_object>\
         <rpminfo_state id=\"{prefix}:ste:{id}\"><evr datatype=\"evr_string\" operation=\"less than\">{evr}</evr></rpminfo_state>"
    )
}

#[test]
fn oracle_oval() {
    let p = "oval:com.oracle.elsa";
    let definition = format!(
        "<definition id=\"{p}:def:20240001\" class=\"patch\"><metadata><title>\nELSA-2024-0001:  important: vm security update (IMPORTANT)\n</title>\
         <affected><platform>Oracle Linux 8</platform></affected><reference source=\"CVE\" ref_id=\"CVE-2024-1\"/>\
         <advisory><severity>IMPORTANT</severity><issued date=\"2024-01-02\"/><cve cvss3=\"7.8/CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H\">CVE-2024-1</cve></advisory></metadata>\
         <criteria operator=\"AND\"><criterion test_ref=\"{p}:tst:1\" comment=\"Oracle Linux 8 is installed\"/>\
         <criteria operator=\"OR\">\
         <criteria operator=\"AND\"><criterion test_ref=\"{p}:tst:2\" comment=\"Oracle Linux arch is x86_64\"/><criterion test_ref=\"{p}:tst:3\" comment=\"Module virt:ol is enabled\"/>\
         <criteria operator=\"OR\"><criterion test_ref=\"{p}:tst:4\" comment=\"vm is earlier than 0:1.3\"/></criteria></criteria>\
         <criteria operator=\"AND\"><criterion test_ref=\"{p}:tst:2\" comment=\"Oracle Linux arch is aarch64\"/>\
         <criterion test_ref=\"{p}:tst:5\" comment=\"tool is earlier than 2:5-6\"/><criterion test_ref=\"{p}:tst:6\" comment=\"patch is earlier than 1-1.ksplice1\"/></criteria>\
         </criteria></criteria></definition>"
    );
    let tests = [(4, "vm", "0:1.3-1.module+el8"), (5, "tool", "2:5-6.el8"), (6, "patch", "0:1-1.ksplice1.el8")];
    let tests: String = tests.iter().map(|(n, name, evr)| less_than(p, *n, name, evr)).collect();
    let (snapshot, _) = check(
        &[("elsa.xml", &oval(&definition, &tests))],
        &[
            "oracle-ksplice:8 patch ELSA-2024-0001 < 1-1.ksplice1.el8 Fixed high (oracle-oval)",
            "oracle:8 tool ELSA-2024-0001 < 2:5-6.el8 Fixed high (oracle-oval)",
            "oracle:8 vm ELSA-2024-0001 < 1.3-1.module+el8 Fixed high virt:ol (oracle-oval)",
        ],
    );
    let vulnerability = snapshot.vulnerability(snapshot.vulnerabilities_named("CVE-2024-1")[0]).unwrap();
    assert_eq!((vulnerability.id, vulnerability.cvss().next().map(|c| c.score_tenths)), ("CVE-2024-1", Some(78)));
}

#[test]
fn suse_oval() {
    let p = "oval:org.opensuse.security";
    let definition = format!(
        "<definition id=\"{p}:def:20240002\" class=\"vulnerability\"><metadata><title>CVE-2024-2</title>\
         <affected><platform>SUSE Linux Enterprise Server 15 SP3</platform><platform>SUSE Linux Enterprise Server 15 SP4</platform></affected>\
         <advisory><severity>Moderate</severity><updated date=\"2024-02-03\"/></advisory></metadata>\
         <criteria operator=\"OR\">\
         <criteria operator=\"AND\"><criteria operator=\"OR\"><criterion test_ref=\"{p}:tst:1\" comment=\"SUSE Linux Enterprise Server 15 SP3 is installed\"/>\
         <criterion test_ref=\"{p}:tst:1\" comment=\"SUSE Linux Enterprise Module for Basesystem 15 SP3 is installed\"/><criterion test_ref=\"{p}:tst:1\" comment=\"SUSE Manager Server 4.2 is installed\"/></criteria>\
         <criteria operator=\"OR\"><criterion test_ref=\"{p}:tst:4\" comment=\"vim-9.0-1.1 is installed\"/><criterion test_ref=\"{p}:tst:7\" comment=\"emacs is not affected\"/></criteria></criteria>\
         <criteria operator=\"AND\"><criterion test_ref=\"{p}:tst:1\" comment=\"SUSE Linux Enterprise Server 15 SP4 is installed\"/>\
         <criterion test_ref=\"{p}:tst:7\" comment=\"vim is affected\"/></criteria>\
         </criteria></definition>"
    );
    check(
        &[("suse.xml", &oval(&definition, &less_than(p, 4, "vim", "0:9.0-1.1")))],
        &[
            "suse:15.3 vim CVE-2024-2 < 9.0-1.1 Fixed medium (suse-oval)",
            "suse:15.4 vim CVE-2024-2 * Affected medium (suse-oval)",
        ],
    );
}

fn update(
    kind: &str,
    id: &str,
    release: &str,
    references: &str,
    packages: &[(&str, &str, &str, &str, &str)],
) -> String {
    let packages: String = packages
        .iter()
        .map(|(name, epoch, version, release, arch)| {
            format!("<package name=\"{name}\" epoch=\"{epoch}\" version=\"{version}\" release=\"{release}\" arch=\"{arch}\"><filename>f</filename></package>")
        })
        .collect();
    format!(
        "<update type=\"{kind}\"><id>{id}</id><title>t of {id}</title><issued date=\"2024-01-02 03:04:05\"/><release>{release}</release><severity>important</severity>\
         <description>words</description><references>{references}</references><pkglist><collection short=\"c\"><name>c</name>{packages}</collection></pkglist></update>"
    )
}

#[test]
fn updateinfo_of_every_distribution() {
    let cve = |n: u32| format!("<reference id=\"CVE-2024-{n}\" type=\"cve\" title=\"\"/>");
    let bug = "<reference id=\"1\" type=\"bugzilla\" title=\"CVE-2024-1003 web: hole &amp; more\"/>";
    let updates = [
        update(
            "security",
            "ALAS2-2024-1",
            "",
            &cve(1001),
            &[("web", "0", "1.0", "1.amzn2", "x86_64"), ("web", "0", "1.0", "1.amzn2", "aarch64")],
        ),
        update(
            "security",
            "ALAS2KERNEL-5.15-2024-2",
            "",
            &cve(1002),
            &[("kernel", "0", "5.15.1", "1.amzn2", "x86_64")],
        ),
        update(
            "security",
            "ALAS2023LIVEPATCH-2024-3",
            "",
            &cve(1002),
            &[("kernel-livepatch", "0", "1", "1", "x86_64")],
        ),
        update(
            "security",
            "FEDORA-2024-a",
            "Fedora 40",
            bug,
            &[("web", "0", "2", "1.fc40", "src"), ("web", "1", "2", "1.fc40", "x86_64")],
        ),
        update("bugfix", "FEDORA-2024-b", "Fedora 40", "", &[("other", "0", "2", "1.fc40", "x86_64")]),
        update(
            "security",
            "FEDORA-EPEL-2024-c",
            "Fedora EPEL 9",
            &cve(1004),
            &[("extra", "0", "3", "1.el9", "noarch")],
        ),
        update(
            "security",
            "RLSA-2024:5",
            "Rocky Linux 9",
            &cve(1005),
            &[("sql", "3", "10.5", "2.module+el9+1", "x86_64")],
        ),
        update("security", "ALSA-2024:6", "0", &cve(1006), &[("lib", "0", "4", "1.el8_9", "x86_64")]),
    ];
    let text = format!("<?xml version=\"1.0\"?>\n<updates>{}</updates>", updates.concat());
    check(
        &[("updateinfo.xml", &text)],
        &[
            "almalinux:8 lib ALSA-2024:6 < 4-1.el8_9 Fixed high (almalinux-updateinfo)",
            "amazon:2 kernel ALAS2KERNEL-5.15-2024-2 >= 5.15, < 5.15.1-1.amzn2 Fixed high (amazon-updateinfo)",
            "amazon:2 web ALAS2-2024-1 < 1.0-1.amzn2 Fixed high (amazon-updateinfo)",
            "epel:9 extra FEDORA-EPEL-2024-c < 3-1.el9 Fixed high (fedora-updateinfo)",
            "fedora:40 web FEDORA-2024-a < 1:2-1.fc40 Fixed high (fedora-updateinfo)",
            "rocky:9 sql RLSA-2024:5 < 3:10.5-2.module+el9+1 Fixed high * (rocky-updateinfo)",
        ],
    );
    let (_, report, _) = built(&[("updateinfo.xml", &text.replace("</updates>", "")), ("kev.json", "")]);
    assert!(report.problems[0].detail.contains("ends in the middle"), "{:?}", report.problems);
}

#[test]
fn arch_groups() {
    let text = r#"[{"name": "AVG-1", "packages": ["web", "lib32-web"], "status": "Fixed", "severity": "Critical", "type": "arbitrary code execution", "affected": "1-1", "fixed": "1-2", "ticket": null, "issues": ["CVE-2024-1"], "advisories": []},
      {"name": "AVG-2", "packages": ["lib"], "status": "Vulnerable", "severity": "Low", "type": "x", "affected": "1-1", "fixed": null, "issues": ["CVE-2024-2"], "advisories": []},
      {"name": "AVG-3", "packages": ["lib"], "status": "Not affected", "severity": "Low", "type": "x", "affected": "1-1", "fixed": null, "issues": ["CVE-2024-3"], "advisories": []},
      {"name": "AVG-4", "packages": "no list"}]"#;
    let (_, report) = check(
        &[("all.json", text)],
        &[
            "arch lib AVG-2 * Affected low (arch-tracker)",
            "arch lib32-web AVG-1 < 1-2 Fixed critical (arch-tracker)",
            "arch web AVG-1 < 1-2 Fixed critical (arch-tracker)",
        ],
    );
    assert!(report.problem_count == 1 && report.problems[0].detail.starts_with("group 4:"), "{:?}", report.problems);
}

#[test]
fn secdb_of_wolfi_and_chainguard() {
    let text = |url: &str| {
        format!(
            r#"{{"apkurl": "{{{{urlprefix}}}}/{{{{reponame}}}}", "archs": ["x86_64"], "reponame": "os", "urlprefix": "{url}", "packages": [{{"pkg": {{"name": "web", "secfixes": {{"1.2-r0": ["CVE-2024-1 GHSA-aaaa-bbbb-cccc"], "0": ["CVE-2024-2"]}}}}}}]}}"#
        )
    };
    check(
        &[("w.json", &text("https://packages.wolfi.dev")), ("c.json", &text("https://packages.cgr.dev/chainguard"))],
        &[
            "chainguard web CVE-2024-1 < 1.2-r0 Fixed (chainguard-secdb)",
            "wolfi web CVE-2024-1 < 1.2-r0 Fixed (wolfi-secdb)",
        ],
    );
}

#[test]
fn ruby_and_rust_in_their_own_form() {
    let ruby = "---\ngem: rack\ncve: 2024-1\nghsa: aaaa-bbbb-cccc\ntitle: hole in rack\ndate: 2024-01-02\npatched_versions:\n  - \"~> 2.2.8\"\n  - \">= 3.0.9\"\nunaffected_versions:\n  - \"< 1.0\"\n";
    let engine = "---\nengine: jruby\ncve: 2024-9\ntitle: not a gem\npatched_versions:\n  - \">= 9\"\n";
    let rust = "```toml\n[advisory]\nid = \"RUSTSEC-2024-0001\"\npackage = \"smol\"\ndate = \"2024-01-02\"\naliases = [\"CVE-2024-2\"]\ncvss = \"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H\"\n\n[versions]\npatched = [\"^0.4.7\", \">= 0.5.1\"]\nunaffected = [\"< 0.4.0\"]\n```\n\n# Hole in smol\n\nWords.\n";
    let lone = "```toml\n[advisory]\nid = \"RUSTSEC-2024-0002\"\npackage = \"old\"\ndate = \"2024-01-02\"\ninformational = \"unmaintained\"\n\n[versions]\npatched = []\n```\n\n# old is unmaintained\n";
    let (snapshot, _) = check(
        &[
            ("gems/rack/CVE-2024-1.yml", ruby),
            ("rubies/jruby/CVE-2024-9.yml", engine),
            ("crates/smol/RUSTSEC-2024-0001.md", rust),
            ("crates/old/RUSTSEC-2024-0002.md", lone),
        ],
        &[
            "cargo smol RUSTSEC-2024-0001 >= 0.4.0, < 0.4.7 | >= 0.5.0, < 0.5.1 Fixed (rustsec)",
            "gem rack CVE-2024-1 >= 1.0, < 2.2.8 | >= 2.3.a, < 3.0.9 Fixed (rubysec)",
        ],
    );
    let vulnerability = snapshot.vulnerability(snapshot.vulnerabilities_named("CVE-2024-2")[0]).unwrap();
    assert_eq!((vulnerability.id, vulnerability.title), ("CVE-2024-2", Some("Hole in smol")));
}

#[test]
fn enrichment_joins_what_others_found() {
    let osv = r#"{"id": "GHSA-aaaa-bbbb-cccc", "aliases": ["CVE-2024-1"], "modified": "2024-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "npm", "name": "web"}, "versions": ["1.0.0"]}]}"#;
    let nvd = r#"{"resultsPerPage": 2, "format": "NVD_CVE", "version": "2.0", "vulnerabilities": [
     {"cve": {"id": "CVE-2024-1", "lastModified": "2024-02-03T00:00:00.000", "vulnStatus": "Analyzed", "descriptions": [{"lang": "en", "value": "Words."}],
      "weaknesses": [{"source": "nvd@nist.gov", "type": "Primary", "description": [{"lang": "en", "value": "CWE-94"}, {"lang": "en", "value": "NVD-CWE-Other"}]}, {"source": "security@example.org", "type": "Secondary", "description": [{"lang": "en", "value": "CWE-79"}]}],
      "metrics": {"cvssMetricV31": [{"source": "security@example.org", "type": "Secondary", "cvssData": {"version": "3.1", "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "baseScore": 6.1, "baseSeverity": "MEDIUM"}},
                                    {"source": "nvd@nist.gov", "type": "Primary", "cvssData": {"version": "3.1", "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "baseScore": 9.8, "baseSeverity": "CRITICAL"}}]}}},
     {"cve": {"id": "CVE-2024-2", "vulnStatus": "Rejected"}},
     {"cve": {"no": "id"}}]}"#;
    let epss = "#model_version:v2025.03.14,score_date:2025-06-07T00:00:00Z\ncve,epss,percentile\nCVE-2024-1,0.97567,0.99995\nCVE-2024-3,none,0.1\n";
    let (snapshot, report) = check(
        &[("o.json", osv), ("nvd/nvdcve-2.0-2024.json", nvd), ("epss.csv", epss)],
        &["npm web GHSA-aaaa-bbbb-cccc  Affected (osv-ghsa)"],
    );
    let vulnerability = snapshot.vulnerability(snapshot.vulnerabilities_named("CVE-2024-1")[0]).unwrap();
    assert_eq!((vulnerability.id, vulnerability.signals().epss()), ("CVE-2024-1", Some(975_670)));
    assert_eq!(cwes(&vulnerability), "CWE-79 CWE-94");
    assert_eq!(vulnerability.ratings().map(|(s, r)| format!("{s} {r}")).collect::<Vec<_>>(), ["nvd critical"]);
    assert_eq!(
        vulnerability.cvss().map(|c| format!("{} {}", c.source, c.score_tenths)).collect::<Vec<_>>(),
        ["cna 61", "nvd 98"]
    );
    let problems: Vec<_> = report.problems.iter().map(|p| format!("{} {}", p.feed, p.detail)).collect();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("epss line 4") && problems[1].starts_with("nvd vulnerability 3"), "{problems:?}");
    assert_eq!(report.feeds.iter().find(|f| f.info.id == "nvd").map(|f| f.withdrawn), Some(1));
}

/// NVD's product names become packages only where they are those of well-known programs; Node describes itself.
#[test]
fn programs_by_nvd_and_by_node() {
    let config = |cpe: &str| {
        format!(
            r#"[{{"nodes": [{{"operator": "OR", "negate": false, "cpeMatch": [{{"vulnerable": true, "criteria": "{cpe}", "versionStartIncluding": "20.0.0", "versionEndExcluding": "20.11.1", "matchCriteriaId": "X"}}]}}]}}]"#
        )
    };
    let item = |id: &str, more: &str, cpe: &str| {
        format!(r#"{{"cve": {{"id": "{id}", "vulnStatus": "Analyzed", {more} "configurations": {}}}}}"#, config(cpe))
    };
    let open = r#"[{"nodes": [{"operator": "OR", "negate": false, "cpeMatch": [{"vulnerable": true, "criteria": "cpe:2.3:a:python:python:*:*:*:*:*:*:*:*"}]}]}]"#;
    let nvd = format!(
        r#"{{"format": "NVD_CVE", "version": "2.0", "vulnerabilities": [{}, {}, {{"cve": {{"id": "CVE-2024-3", "cveTags": [{{"sourceIdentifier": "x", "tags": ["disputed"]}}], "configurations": {open}}}}}]}}"#,
        item("CVE-2024-1", "", "cpe:2.3:a:nodejs:node.js:*:*:*:*:lts:*:*:*"),
        item("CVE-2024-2", "", "cpe:2.3:a:expressjs:express:*:*:*:*:*:node.js:*:*"),
    );
    let core = r#"{"cve": ["CVE-2024-1"], "vulnerable": "18.x || 20.x", "patched": "^18.19.1 || ^20.11.1", "ref": "https://nodejs.org", "description": "d", "overview": "o", "affectedEnvironments": ["all"], "severity": "high"}"#;
    let windows = core.replace("\"all\"", "\"win32\"").replace("CVE-2024-1", "CVE-2024-4");
    check(
        &[("nvdcve-2.0-2024.json", &nvd), ("vuln/core/170.json", core), ("vuln/core/171.json", &windows)],
        &[
            "nodejs node NSWG-CORE-170 >= 18.0.0, < 18.19.1 | >= 20.0.0, < 20.11.1 Fixed high (nodejs-security-wg)",
            "nodejs node NSWG-CORE-171 * NotAffected (nodejs-security-wg)",
            "nvd nodejs:node.js CVE-2024-1 >= 20.0.0, < 20.11.1 Fixed (nvd)",
            "nvd python:python CVE-2024-3 * UnderInvestigation (nvd)",
        ],
    );
}

#[test]
fn ghsa_in_folders_and_malicious_packages() {
    let ghsa = r#"{"schema_version": "1.4.0", "id": "GHSA-aaaa-bbbb-cccc", "modified": "2024-01-01T00:00:00Z", "published": "2024-01-01T00:00:00Z", "aliases": ["CVE-2024-1"], "summary": "s",
      "affected": [{"package": {"ecosystem": "RubyGems", "name": "rack"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}], "database_specific": {"last_known_affected_version_range": "<= 2.1"}}], "database_specific": {"severity": "HIGH", "cwe_ids": ["CWE-400", "CWE-1333", 7, "none"]}}"#;
    let bad = r#"{"id": "MAL-2024-1", "modified": "2024-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "npm", "name": "evil"}, "database_specific": {"cwes": [{"cweId": "CWE-506", "name": "Embedded Malicious Code"}]}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}"#;
    let (snapshot, _) = check(
        &[
            ("advisories/github-reviewed/2024/01/GHSA-aaaa-bbbb-cccc/GHSA-aaaa-bbbb-cccc.json", ghsa),
            ("osv/malicious/npm/evil/MAL-2024-1.json", bad),
        ],
        &["gem rack GHSA-aaaa-bbbb-cccc <= 2.1 Affected (osv-ghsa)", "npm evil MAL-2024-1 * Affected (osv-malicious)"],
    );
    let vulnerability = |id: &str| snapshot.vulnerability(snapshot.vulnerabilities_named(id)[0]).unwrap();
    assert!(vulnerability("MAL-2024-1").malicious);
    assert_eq!(
        (cwes(&vulnerability("MAL-2024-1")).as_str(), cwes(&vulnerability("CVE-2024-1")).as_str()),
        ("CWE-506", "CWE-400 CWE-1333")
    );
}

/// CISA's list says the same in JSON and in CSV, and EPSS comes packed, with a comment before its columns.
#[test]
fn exploited_vulnerabilities_in_either_form() {
    let osv = r#"{"id": "GHSA-aaaa-bbbb-cccc", "aliases": ["CVE-2024-1"], "modified": "2024-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "npm", "name": "web"}, "versions": ["1.0.0"]}]}"#;
    let json = r#"{"title": "t", "catalogVersion": "2024.02.03", "count": 1, "vulnerabilities": [{"cveID": "CVE-2024-1", "vulnerabilityName": "A \"web\" hole, bad", "dateAdded": "2024-02-03", "dueDate": "2024-03-01", "knownRansomwareCampaignUse": "Known", "cwes": ["CWE-20", "CWE-78"]}]}"#;
    let csv = "cveID,vendorProject,vulnerabilityName,dateAdded,shortDescription,dueDate,knownRansomwareCampaignUse,notes,cwes\r\n\
               CVE-2024-1,Web,\"A \"\"web\"\" hole, bad\",2024-02-03,\"two\nlines\",2024-03-01,Known,,\"CWE-20, CWE-78\"\r\nnothing,,,,,,,,\r\n";
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let epss =
        "#model_version:v2025.03.14,score_date:2025-06-07T12:55:00Z\ncve,epss,percentile\nCVE-2024-1,0.00043,0.1\n";
    std::io::Write::write_all(&mut gz, epss.as_bytes()).unwrap();
    let gz = gz.finish().unwrap();
    for (name, text, problems) in [("kev.json", json, 0), ("kev.csv", csv, 1)] {
        let dir = tempfile::tempdir().unwrap();
        for (file, bytes) in [("o.json", osv.as_bytes()), (name, text.as_bytes()), ("epss_scores-current.csv.gz", &gz)]
        {
            std::fs::write(dir.path().join(file), bytes).unwrap();
        }
        let output = tempfile::NamedTempFile::new().unwrap();
        let report = build_from_dir(dir.path(), output.path()).unwrap();
        assert_eq!((report.unused_count, report.problem_count), (0, problems), "{name}: {:?}", report.problems);
        let snapshot = Snapshot::open(output.path()).unwrap();
        let vulnerability = snapshot.vulnerability(snapshot.vulnerabilities_named("CVE-2024-1")[0]).unwrap();
        let kev = vulnerability.signals().kev().unwrap();
        let due = kev.due_date.as_deref();
        assert_eq!((kev.date_added.as_str(), due, kev.ransomware), ("2024-02-03", Some("2024-03-01"), true), "{name}");
        assert_eq!(
            (vulnerability.title, cwes(&vulnerability).as_str()),
            (Some("A \"web\" hole, bad"), "CWE-20 CWE-78"),
            "{name}"
        );
        let scored = report.feeds.iter().find(|f| f.info.id == "epss").unwrap();
        assert_eq!((vulnerability.signals().epss(), scored.newest.as_deref()), (Some(430), Some("2025-06-07")));
    }
}

/// CVE records with CISA's decisions; what another container claims to have decided does not count.
#[test]
fn decisions_of_cisa_are_signals() {
    let osv = |n: u8| {
        format!(
            r#"{{"id": "GHSA-aaaa-bbbb-ccc{n}", "aliases": ["CVE-2024-{n}"], "modified": "2024-01-01T00:00:00Z", "affected": [{{"package": {{"ecosystem": "npm", "name": "web{n}"}}, "versions": ["1.0.0"]}}]}}"#
        )
    };
    let container = |name: &str, metrics: &str| {
        format!(
            r#"{{"title": "t", "providerMetadata": {{"orgId": "o", "shortName": "{name}"}}, "metrics": [{{"cvssV3_1": {{"baseScore": 7.8}}}}, {metrics}]}}"#
        )
    };
    let ssvc = |exploitation: &str, automatable: &str, impact: &str| {
        format!(
            r#"{{"other": {{"type": "ssvc", "content": {{"role": "CISA Coordinator", "version": "2.0.3", "timestamp": "2024-05-06T01:02:03.4Z", "options": [{{"Exploitation": "{exploitation}"}}, {{"Automatable": "{automatable}"}}, {{"Technical Impact": "{impact}"}}]}}}}}}"#
        )
    };
    let record = |id: &str, state: &str, adp: &[String]| {
        format!(
            r#"{{"dataType": "CVE_RECORD", "containers": {{"adp": [{}], "cna": {{"affected": []}}}}, "cveMetadata": {{"cveId": "{id}", "state": "{state}"}}, "dataVersion": "5.1"}}"#,
            adp.join(",")
        )
    };
    let kev = r#"{"other": {"type": "kev", "content": {"dateAdded": "2022-03-03"}}}"#;
    let strange = r#"{"other": {"type": "ssvc", "content": {"options": "none"}}}"#;
    let cisa = |metric: String| container("CISA-ADP", &metric);
    let all = |kinds: &[&str]| kinds.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>();
    for (n, text, kinds, problems) in [
        (
            1,
            record("CVE-2024-1", "PUBLISHED", &[cisa(ssvc("active", "yes", "total"))]),
            all(&["automatable", "exploited", "total-impact"]),
            0,
        ),
        (2, record("CVE-2024-2", "PUBLISHED", &[cisa(ssvc("poc", "no", "partial"))]), all(&["public-exploit"]), 0),
        (3, record("CVE-2024-3", "PUBLISHED", &[cisa(ssvc("none", "no", "of-tomorrow"))]), all(&[]), 0),
        (
            4,
            record(
                "CVE-2024-4",
                "PUBLISHED",
                &[container("another", &ssvc("active", "yes", "total")), cisa(kev.into())],
            ),
            all(&[]),
            0,
        ),
        (5, record("CVE-2024-5", "REJECTED", &[cisa(ssvc("active", "yes", "total"))]), all(&[]), 0),
        (6, record("CVE-2024-6", "PUBLISHED", &[cisa(strange.into())]), all(&[]), 1),
        (7, record("XYZ-7", "PUBLISHED", &[]), all(&[]), 1),
    ] {
        let (snapshot, report, _) = built(&[("o.json", &osv(n)), ("2024/0xxx/record.json", &text)]);
        assert_eq!((report.unused_count, report.problem_count), (0, problems), "{n}: {:?}", report.problems);
        let vulnerability =
            snapshot.vulnerability(snapshot.vulnerabilities_named(&format!("CVE-2024-{n}"))[0]).unwrap();
        let signals = vulnerability.signals();
        assert_eq!(signals.iter().map(|s| s.kind.clone()).collect::<Vec<_>>(), kinds, "{n}");
        let dated = |s: &layergate_model::Signal| s.source == "cisa-ssvc" && s.date.as_deref() == Some("2024-05-06");
        assert!(signals.iter().all(dated), "{n}: {signals:?}");
        assert!(signals.kev().is_none(), "{n}: CISA's catalogue is another feed");
    }
}

/// Where the shared advisories are at hand, every one of their files is used or has a reason, and no feed is empty.
#[test]
fn the_shared_advisories() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("LAYERGATE_SHARED").map_or(beside, Into::into);
    // The variable names the shared directory, or the data in it.
    let Some(dir) = ["data/advisories", "advisories"].iter().map(|d| shared.join(d)).find(|d| d.is_dir()) else {
        println!("skipped: there are no advisories in {}", shared.display());
        return;
    };
    let output = tempfile::NamedTempFile::new().unwrap();
    let report = build_from_dir(&dir, output.path()).unwrap();
    let brought: Vec<&str> = report.feeds.iter().filter(|f| f.records > 0).map(|f| f.info.id.as_str()).collect();
    for feed in [
        "almalinux-updateinfo",
        "alpine-secdb",
        "amazon-updateinfo",
        "arch-tracker",
        "azurelinux-oval",
        "cisa-kev",
        "debian-lists",
        "debian-tracker",
        "epss",
        "fedora-updateinfo",
        "friendsofphp",
        "nodejs-security-wg",
        "nvd",
        "oracle-oval",
        "osv-almalinux",
        "osv-bitnami",
        "osv-ghsa",
        "osv-go",
        "osv-malicious",
        "osv-pypa",
        "osv-rocky",
        "osv-rustsec",
        "photon-oval",
        "redhat-csaf",
        "rocky-updateinfo",
        "rubysec",
        "rustsec",
        "suse-csaf",
        "suse-oval",
        "ubuntu-cve-tracker",
    ] {
        assert!(brought.contains(&feed), "{feed} is missing of {brought:?}");
    }
    assert!(report.records > 70_000, "{}", report.records);
    assert_eq!(report.unused.len() as u64, report.unused_count);
    assert!(report.unused.iter().all(|u| !u.reason.is_empty()));
}
