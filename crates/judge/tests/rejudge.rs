//! Kept reports under other policies: nothing but the policy's part changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod scene;

use layergate_judge::{Matches, rejudge};
use layergate_model::{Dependency, Gap, GapKind, Report, Verdict};
use layergate_policy::{Policy, PolicyCase, VexDocument};
use scene::{Scene, finding};

fn report() -> Report {
    let mut scene = Scene::debian();
    let [ssl, curl, npm, _] = scene.ids();
    let vex = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{"vulnerability": {"name": "CVE-3"},
        "products": [{"@id": "pkg:npm/left-pad"}], "status": "not_affected", "justification": "component_not_present"},
        {"vulnerability": {"name": "CVE-4"}, "products": [], "status": "fixed"}]}"#;
    scene.vex = vec![VexDocument::parse(vex.as_bytes(), "v.json").unwrap()];
    scene.inventory.packages[2].package.dependencies =
        vec![Dependency { name: "mocha".into(), version: Some("1.0-1".into()) }];
    scene.judge(Matches {
        findings: vec![finding(&ssl, "CVE-1", "h+"), finding(&curl, "CVE-2", "m"), finding(&npm, "CVE-3", "c+")],
        gaps: vec![Gap::new(GapKind::PlatformNotScanned, "a/b", "broken")],
        ..Matches::default()
    })
}

#[test]
fn the_same_policy_gives_the_same_report() {
    let before = report();
    assert!(before.packages.iter().any(|p| p.name == "left-pad" && p.depends_on.len() == 1));
    // Through JSON, as a kept report comes.
    let kept: Report = serde_json::from_str(&serde_json::to_string(&before).unwrap()).unwrap();
    assert_eq!(rejudge(&kept, &Policy::default(), None), before);
}

#[test]
fn cases() {
    let text = r#"
[[case]]
report = "r.json"
verdict = "fail"
rules = ["severity", "stale_advisories"]
silent = ["license"]

[[case]]
name = "before the release ended"
report = "r.json"
verdict = "fail"
silent = ["end_of_life", "stale_advisories"]
as-of = 2025-06-03

[[case]]
report = "r.json"
verdict = "pass"
rules = ["kev"]
silent = ["severity"]
"#;
    let kept = report();
    let cases = PolicyCase::parse_all(text, "cases.toml").unwrap();
    let unmet: Vec<Vec<String>> = cases.iter().map(|c| c.unmet(&rejudge(&kept, &Policy::default(), c.as_of))).collect();
    assert_eq!(unmet[0], Vec::<String>::new());
    assert_eq!(unmet[1], Vec::<String>::new());
    assert_eq!(unmet[2].len(), 3, "{unmet:?}");
    assert!(
        unmet[2][0].starts_with("expected pass, got fail (1 high finding has a fix: libssl3 (CVE-1))"),
        "{unmet:?}"
    );

    let lax = Policy::parse("[[exception]]\nadvisory = \"CVE-1\"\nreason = \"r\"\nexpires = \"never\"", "p").unwrap();
    let judged = rejudge(&kept, &lax, None);
    assert_eq!((judged.verdict, judged.summary.suppressed), (Verdict::Pass, 2));
    let error = PolicyCase::parse_all("", "c.toml").unwrap_err();
    assert!(error.to_string().contains("no [[case]]"), "{error}");
}
