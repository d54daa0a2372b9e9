//! Every format on every sample: goldens, and the rules of the formats' own schemas that can be said here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeSet;

use common::{golden, samples};
use layergate_model::{Effect, Report};
use layergate_report::{Format, RenderOptions, render, render_template};
use serde_json::Value;

fn text(format: Format, reports: &[Report]) -> String {
    render(format, reports, &RenderOptions::default()).unwrap()
}

fn value(format: Format, report: &Report) -> Value {
    serde_json::from_str(&text(format, std::slice::from_ref(report))).unwrap()
}

#[test]
fn documents_are_as_they_were_and_do_not_depend_on_the_terminal() {
    for format in Format::ALL.iter().copied().filter(|f| !matches!(f, Format::Table | Format::Json)) {
        for (name, report) in samples() {
            let got = text(format, std::slice::from_ref(&report));
            golden(&format!("{name}.{format}"), &got);
            let options = RenderOptions { width: 60, color: true, links: true, details: true };
            assert_eq!(render(format, &[report], &options).unwrap(), got, "{name} {format}");
            assert!(got.ends_with('\n') && !got.contains('\u{1b}') && !got.contains('\u{202e}'), "{name} {format}");
        }
    }
}

#[test]
fn several_images_fit_all_but_the_sboms() {
    let both = [common::failing(), common::error()];
    for format in Format::ALL.iter().copied() {
        for reports in [&both[..], &[]] {
            let rendered = render(format, reports, &RenderOptions::default());
            assert_eq!(rendered.is_err(), format.is_single(), "{format}");
        }
    }
}

#[test]
fn sarif_keeps_its_schemas_rules() {
    for (name, report) in samples() {
        let log = value(Format::Sarif, &report);
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let ids: BTreeSet<&str> = rules.iter().map(|r| r["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), rules.len(), "{name}: rule ids are unique");
        for rule in rules {
            for field in ["shortDescription", "fullDescription", "help"] {
                assert!(!rule[field]["text"].as_str().unwrap().is_empty(), "{name}: {field}");
            }
            let score: f64 = rule["properties"]["security-severity"].as_str().unwrap().parse().unwrap();
            assert!((0.0..=10.0).contains(&score));
        }
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), report.findings.len() + report.checks.len() + report.secrets.len());
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            assert!(!result["partialFingerprints"].as_object().unwrap().is_empty());
            let physical = &result["locations"][0]["physicalLocation"];
            assert!(physical["region"]["startLine"].as_u64().unwrap() >= 1);
            let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/%+".contains(&b);
            assert!(!uri.is_empty() && !uri.starts_with('/') && uri.bytes().all(plain), "{name}: {uri}");
        }
        let suppressed = results.iter().filter(|r| r["suppressions"].is_array()).count();
        assert_eq!(suppressed, usize::try_from(report.summary.suppressed).unwrap());
        let invocation = &run["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], name != "error");
        let notes = invocation["toolExecutionNotifications"].as_array().map_or(0, Vec::len);
        assert!(notes >= report.gaps.len(), "{name}: every gap is reported");
    }
}

/// GitHub refuses a file with more: the worst stay, and that others were left out is reported.
#[test]
fn a_sarif_run_has_at_most_25000_results_the_worst_first() {
    let mut big = common::failing();
    let mut model = big.findings[0].clone();
    (model.effect, model.suppressed_by) = (Effect::Warn, None);
    big.findings.clear();
    for n in 0..30_000 {
        let mut finding = model.clone();
        finding.advisory = format!("CVE-2024-{n:05}");
        finding.id = finding.package.finding(&finding.advisory);
        finding.effect = if n >= 29_990 { Effect::Fail } else { Effect::Warn };
        big.findings.push(finding);
    }
    let log = value(Format::Sarif, &big);
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 25_000);
    let failed = results.iter().take(10).filter(|r| r["level"] == "error").count();
    assert_eq!(failed, 10, "what fails was last, and is first");
    let notes = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(notes.contains("results are left out"), "{notes}");
}

#[test]
fn cyclonedx_refs_meet_and_texts_are_expressions_or_names() {
    for (name, report) in samples() {
        let bom = value(Format::CycloneDx, &report);
        assert_eq!((&bom["bomFormat"], &bom["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
        let mut refs: BTreeSet<String> = BTreeSet::new();
        let root = bom["metadata"]["component"]["bom-ref"].as_str().unwrap().to_owned();
        refs.insert(root.clone());
        for component in bom["components"].as_array().unwrap() {
            assert!(refs.insert(component["bom-ref"].as_str().unwrap().to_owned()), "{name}: refs are unique");
            let licenses = component["licenses"].as_array().cloned().unwrap_or_default();
            assert!(licenses.len() == 1 || licenses.iter().all(|l| l.get("expression").is_none()));
        }
        let mut of = BTreeSet::new();
        for dependency in bom["dependencies"].as_array().unwrap() {
            assert!(
                of.insert(dependency["ref"].as_str().unwrap()) && refs.contains(dependency["ref"].as_str().unwrap())
            );
            for on in dependency["dependsOn"].as_array().cloned().unwrap_or_default() {
                assert!(refs.contains(on.as_str().unwrap()));
            }
        }
        for vulnerability in bom["vulnerabilities"].as_array().cloned().unwrap_or_default() {
            assert!(refs.contains(vulnerability["affects"][0]["ref"].as_str().unwrap()));
        }
    }
}

#[test]
fn spdx_relations_meet_and_licenses_are_declared() {
    for (name, report) in samples() {
        let document = value(Format::Spdx, &report);
        let packages = document["packages"].as_array().unwrap();
        let mut ids: BTreeSet<&str> = packages.iter().map(|p| p["SPDXID"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), packages.len(), "{name}");
        ids.insert("SPDXRef-DOCUMENT");
        for relation in document["relationships"].as_array().unwrap() {
            assert!(ids.contains(relation["spdxElementId"].as_str().unwrap()));
            assert!(ids.contains(relation["relatedSpdxElement"].as_str().unwrap()));
        }
        let extracted = document["hasExtractedLicensingInfos"].as_array().cloned().unwrap_or_default();
        let extracted: BTreeSet<&str> = extracted.iter().map(|e| e["licenseId"].as_str().unwrap()).collect();
        for package in packages {
            let license = package["licenseDeclared"].as_str().unwrap();
            let words = license.split(|c: char| c.is_whitespace() || c == '(' || c == ')');
            for word in words.filter(|w| w.starts_with("LicenseRef-")) {
                assert!(extracted.contains(word), "{name}: {word}");
            }
        }
    }
}

#[test]
fn markup_keeps_hostile_text_out() {
    let report = common::hostile();
    let page = text(Format::Html, std::slice::from_ref(&report));
    for bad in ["<script>alert", "<img", "<b>", "href=\"javascript"] {
        assert!(!page.contains(bad), "{bad}");
    }
    // The page's own script and style, by their hashes, and nothing else.
    assert_eq!((page.matches("<script").count(), page.matches("<style").count()), (1, 1));
    for (tag, source) in [("script", "script-src"), ("style", "style-src")] {
        let (_, rest) = page.split_once(&format!("<{tag}>")).unwrap();
        let (content, _) = rest.split_once(&format!("</{tag}>")).unwrap();
        let digest = layergate_model::Digest::of(content.as_bytes());
        let hash = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest.as_bytes());
        assert!(page.contains(&format!("{source} 'sha256-{hash}'")), "{tag}");
    }
    assert!(page.contains("default-src 'none'"));
    let comment = text(Format::Markdown, std::slice::from_ref(&report));
    for bad in ["<script", "](", "@everyone", "](javascript", "www.evil", "\r"] {
        assert!(!comment.contains(bad), "{bad}: {comment}");
    }
    let junit = text(Format::Junit, &[report]);
    assert!(!junit.contains("]]>") && !junit.contains("<script"));
}

#[test]
fn junit_says_nothing_twice_and_gitlab_has_the_vectors() {
    for (name, report) in samples() {
        let junit = text(Format::Junit, std::slice::from_ref(&report));
        for tag in ["<failure ", "<error "] {
            for part in junit.split(tag).skip(1) {
                let message = part.split("message=\"").nth(1).and_then(|m| m.split('"').next()).unwrap();
                let body = part.split('>').nth(1).and_then(|b| b.split('<').next()).unwrap();
                assert!(!message.is_empty() && !body.contains(message), "{name}: {message}: {body}");
            }
        }
    }
    let gitlab = value(Format::Gitlab, &common::failing());
    let all = gitlab["vulnerabilities"].as_array().unwrap();
    let with = all.iter().find(|v| v["identifiers"][0]["name"] == "CVE-2024-5535").unwrap();
    let want = serde_json::json!([{"vendor": "nvd", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:H"}]);
    assert_eq!(with["cvss_vectors"], want);
    assert!(all.iter().any(|v| v.get("cvss_vectors").is_none()));
}

#[test]
fn a_spreadsheet_gets_every_finding_and_no_formula() {
    let mut report = common::failing();
    report.packages[0].name = "=cmd|' /C calc'!A0".into();
    report.findings[0].title = Some("say \"hi\", twice".into());
    report.image.reference = " \t＝1+1".into();
    let csv = text(Format::Csv, std::slice::from_ref(&report));
    assert!(csv.contains("\"'  ＝1+1\""), "{csv}");
    assert_eq!(csv.matches("\r\n").count(), 2 + report.findings.len());
    assert!(csv.contains("\"'=cmd|") && csv.contains("\"say \"\"hi\"\", twice\""), "{csv}");
    assert!(csv.contains("exception cpan-unused: CPAN.pm is never run"), "{csv}");
    let widths: std::collections::BTreeSet<usize> = csv.lines().map(|l| l.matches("\",\"").count()).collect();
    assert_eq!(widths.len(), 1, "{csv}");
}

#[test]
fn ids_in_a_comment_lead_to_their_pages() {
    let comment = text(Format::Markdown, &[common::failing()]);
    assert!(comment.contains("[CVE-2021-23337](https://nvd.nist.gov/vuln/detail/CVE-2021-23337)"), "{comment}");
    assert!(comment.contains("3.0.15-1~deb12u1"), "versions read as they are: {comment}");
}

#[test]
fn a_difference_names_what_came_and_what_went() {
    use layergate_report::Difference;
    let old = common::failing();
    let mut new = old.clone();
    new.inputs.snapshot = None;
    new.findings.retain(|f| f.advisory != "CVE-2021-23337");
    let mut more = new.findings[0].clone();
    more.advisory = "CVE-2030-0001".into();
    new.findings.push(more);
    new.packages.iter_mut().find(|p| p.name == "tar").unwrap().version = "2.0".into();
    let difference = Difference::between(&old, &new);
    assert_eq!(difference.changed, ["advisories"]);
    let ids = |list: &[layergate_report::FindingChange]| -> Vec<String> {
        list.iter().map(|f| format!("{} {}", f.advisory, f.package)).collect()
    };
    assert_eq!(ids(&difference.new_findings), ["CVE-2030-0001 libssl3"]);
    assert_eq!(ids(&difference.gone_findings), ["CVE-2021-23337 lodash"]);
    assert_eq!((difference.packages.len(), difference.packages[0].new[0].as_str()), (1, "2.0"));
    for text in [difference.table(), difference.markdown(), difference.json().unwrap()] {
        assert!(text.contains("CVE-2030-0001") && text.contains("CVE-2021-23337"), "{text}");
    }
    assert!(Difference::between(&old, &old).new_findings.is_empty());
}

#[test]
fn junit_never_shows_an_empty_suite() {
    for (name, report) in samples() {
        let junit = text(Format::Junit, &[report]);
        let has = |tag: &str| junit.contains(tag);
        assert!(has("name=\"verdict\""), "{name}");
        assert_eq!(
            (has("<failure"), has("<error")),
            (matches!(name, "failing" | "hostile"), name == "error"),
            "{name}"
        );
        // Balanced, by count.
        assert_eq!(
            junit.matches("<testcase").count(),
            junit.matches("</testcase>").count() + junit.matches("time=\"0\"/>").count()
        );
    }
}

#[test]
fn gitlab_has_what_its_schema_requires() {
    for (name, report) in samples() {
        let document = value(Format::Gitlab, &report);
        let scan = &document["scan"];
        assert_eq!(scan["status"], if name == "error" { "failure" } else { "success" });
        assert_eq!(scan["start_time"], "2026-11-21T00:00:00");
        for v in document["vulnerabilities"].as_array().unwrap() {
            assert!(!v["identifiers"].as_array().unwrap().is_empty());
            for field in ["/location/dependency/package/name", "/location/operating_system", "/location/image", "/id"] {
                assert!(!v.pointer(field).unwrap().as_str().unwrap().is_empty(), "{name}: {field}");
            }
            assert!(
                ["Info", "Unknown", "Low", "Medium", "High", "Critical"].contains(&v["severity"].as_str().unwrap())
            );
        }
    }
}

#[test]
fn openvex_denies_only_what_was_denied() {
    let document = value(Format::OpenVex, &common::failing());
    let statements = document["statements"].as_array().unwrap();
    let of = |cve: &str| statements.iter().find(|s| s["vulnerability"]["name"] == cve).unwrap();
    let vexed = of("CVE-2024-4603");
    assert_eq!(vexed["status"], "not_affected");
    assert_eq!(vexed["justification"], "vulnerable_code_not_in_execute_path");
    let accepted = of("CVE-2023-31484");
    assert_eq!(accepted["status"], "affected");
    assert!(accepted["action_statement"].as_str().unwrap().contains("cpan-unused until 2027-01-31"));
    for s in statements {
        match s["status"].as_str().unwrap() {
            "affected" => assert!(s["action_statement"].is_string()),
            "not_affected" => assert!(s["justification"].is_string() || s["impact_statement"].is_string()),
            other => assert_eq!(other, "under_investigation"),
        }
        assert!(s["products"][0]["@id"].as_str().unwrap().starts_with("pkg:oci/app@sha256"));
    }
}

#[test]
fn a_comment_is_never_too_long() {
    let mut big = common::failing();
    let model = big.findings[0].clone();
    for i in 0..1_000 {
        let mut f = model.clone();
        f.advisory = format!("CVE-2024-{i:05}");
        f.id = f.package.finding(&f.advisory);
        f.title = Some("x<".repeat(400));
        f.remediation = format!("upgrade {} {i}", "<".repeat(500));
        f.effect = if i % 2 == 0 { Effect::Fail } else { Effect::Warn };
        big.findings.push(f);
    }
    big.image.reference = "<".repeat(100_000);
    let reason = big.reasons[0].clone();
    big.reasons.extend(std::iter::repeat_n(reason, 5_000));
    for reports in [vec![big.clone()], vec![big.clone(); 3], vec![big; 40]] {
        let comment = text(Format::Markdown, &reports);
        assert!(comment.len() <= 65_536, "{}", comment.len());
        assert!(comment.contains(" more"));
        assert_eq!(comment.matches("<details>").count(), comment.matches("</details>").count());
    }
}

#[test]
fn templates_see_the_report_and_nothing_else() {
    let report = common::failing();
    let one = std::slice::from_ref(&report);
    let source = "{{ verdict | upper }} {{ image.reference }}\n{% for f in findings if f.effect == 'fail' %}{{ f.advisory }};{% endfor %}\n";
    assert_eq!(
        render_template(source, "x.txt", one).unwrap(),
        "FAIL registry.example:5000/team/app:1.2\nCVE-2024-5535;CVE-2024-5535;CVE-2021-23337;\n"
    );
    let hostile = [common::hostile()];
    let page = render_template("{{ packages[0].name }}", "x.html", &hostile).unwrap();
    assert!(!page.contains("<script"));
    for (bad, word) in
        [("{{ verdict", "line 1"), ("{{ nothing.at.all }}", "undefined"), ("{% include '/etc/passwd' %}", "")]
    {
        let error = render_template(bad, "bad.txt", one).unwrap_err().to_string();
        assert!(error.contains("bad.txt") && error.contains(word), "{error}");
    }
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}";
    assert!(render_template(endless, "x.txt", one).is_err());
    let long = "{% set x = 'x' * 1000000 %}{% for a in range(200) %}{{ x }}{% endfor %}";
    let error = render_template(long, "x.txt", one).unwrap_err().to_string();
    assert!(error.contains("writes more than 134217728 bytes"), "{error}");
}
