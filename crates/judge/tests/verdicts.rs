//! Tables: what is in an image and which policy holds, and the verdict and reasons that follow.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod scene;

use layergate_judge::{Matches, assess_matches};
use layergate_model::{Check, Effect, Gap, GapKind, Report, Secret, Severity, Verdict};
use layergate_policy::{Policy, VexDocument};
use scene::{Scene, finding};

fn reasons(report: &Report) -> String {
    let mut out = format!("verdict: {}\n", report.verdict.as_str());
    for r in &report.reasons {
        let effect = serde_json::to_value(r.effect).unwrap();
        out.push_str(&format!("{} {}: {}", effect.as_str().unwrap(), r.rule, r.text));
        if !r.finding_ids.is_empty() {
            out.push_str(&format!(" [{}]", r.finding_ids.len()));
        }
        out.push('\n');
    }
    out
}

/// Compares with `tests/goldens/NAME.txt`; `UPDATE_GOLDEN=1` writes it.
fn golden(name: &str, text: &str) {
    let path = format!("{}/tests/goldens/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, want, "{path} differs; UPDATE_GOLDEN=1 accepts what is");
}

const EXCEPTIONS: &str = r#"
[[exception]]
id = "SEC-1"
advisory = "CVE-2025-0002"
package = "openssl"
reason = "the cipher is switched off"
expires = 2026-12-31

[[exception]]
advisory = "CVE-2025-0001"
package = "pkg:deb/debian/*"
reason = "waiting for the vendor"
expires = 2026-01-31

[[exception]]
id = "SEC-9"
advisory = "CVE-1999-0001"
reason = "old"
expires = 2020-01-01

[[exception]]
gap = "unreadable_file"
path = "usr/share/**"
reason = "documentation"
expires = "never"
"#;

#[test]
fn a_bad_day() {
    let mut scene = Scene::debian();
    let [ssl, curl, npm, dev] = scene.ids();
    let matches = Matches {
        findings: vec![
            finding(&ssl, "CVE-2025-0001", "h+"),
            finding(&ssl, "CVE-2025-0002", "c+"),
            finding(&ssl, "CVE-2025-0003", "u+"),
            finding(&curl, "CVE-2025-0001", "h+"),
            finding(&curl, "CVE-2025-0004", "h"),
            finding(&curl, "CVE-2025-0005", "mk"),
            finding(&npm, "MAL-2025-1", "ux"),
            finding(&npm, "CVE-2025-0006", "m+"),
            finding(&dev, "CVE-2025-0007", "c+"),
            finding(&npm, "CVE-2025-0008", "l"),
        ],
        gaps: vec![Gap::new(GapKind::UncomparableVersion, "left-pad", "the version \"lots\" is no semver")],
        ..Matches::default()
    };
    scene.inventory.gaps = vec![
        Gap::new(GapKind::UnreadableFile, "usr/share/doc/package.json", "not JSON"),
        Gap::new(GapKind::CorruptLayer, "sha256:ab", "the gzip stream ends after 4096 bytes"),
    ];
    scene.inventory.secrets = vec![Secret {
        rule: "aws-access-key-id".into(),
        title: "AWS access key".into(),
        severity: Severity::High,
        path: "srv/app/.env".into(),
        line: 3,
        redacted: "AKIA****".into(),
    }];
    scene.inventory.checks = vec![Check {
        id: "root-user".into(),
        title: "the image runs as root".into(),
        reason: String::new(),
        severity: Severity::Medium,
        effect: Effect::Ignore,
        remediation: "USER app".into(),
        location: "config.User".into(),
    }];
    scene.policy = Policy::parse(EXCEPTIONS, "ci/policy.toml").unwrap();
    let report = scene.judge(matches);
    golden("bad-day", &reasons(&report));
    assert_eq!(report.verdict, Verdict::Error);
    let s = &report.summary;
    assert_eq!((s.packages, s.fixable, s.suppressed, s.gaps), (4, 5, 1, 5));
    assert_eq!((s.findings.critical, s.findings.high, s.findings.unknown), (1, 3, 2));
    assert_eq!(report.findings.len(), 10);
    let excepted = report.findings.iter().find(|f| f.suppressed_by.is_some()).unwrap();
    assert_eq!((excepted.advisory.as_str(), excepted.effect), ("CVE-2025-0002", Effect::Ignore));
    assert_eq!(report.image.distro.unwrap().end_of_life.as_deref(), Some("2025-06-30"));
}

#[test]
fn verdicts() {
    use Verdict::{Error, Fail, Pass};
    let gap = |kind| vec![Gap::new(kind, "x", "y")];
    let none: Vec<Gap> = Vec::new();
    let table: Vec<(&str, &str, Vec<Gap>, Verdict, &str)> = vec![
        // (policy, marks of one finding, gaps, verdict, the worst reason's rule)
        ("", "", none.clone(), Pass, "end_of_life"),
        ("", "h+", none.clone(), Fail, "severity"),
        ("", "h", none.clone(), Pass, "severity"),
        ("", "u+", none.clone(), Fail, "severity"),
        ("", "lk", none.clone(), Fail, "kev"),
        ("", "ux", none.clone(), Fail, "malicious"),
        ("", "h+", gap(GapKind::UnreadableDatabase), Error, "gap"),
        ("", "", gap(GapKind::NoAdvisories), Error, "gap"),
        ("", "", gap(GapKind::UnreadableFile), Error, "gap"),
        ("", "", gap(GapKind::PlatformNotScanned), Pass, "gap"),
        ("", "", gap(GapKind::PartialAdvisories), Pass, "gap"),
        ("[gaps]\npartial_advisories = \"error\"", "", gap(GapKind::PartialAdvisories), Error, "gap"),
        ("[gaps]\nend_of_life = \"fail\"", "", none.clone(), Fail, "end_of_life"),
        ("[gaps]\nend_of_life = \"error\"", "", none.clone(), Error, "end_of_life"),
        ("[gaps]\nend_of_life = \"ignore\"", "", none.clone(), Pass, "stale_advisories"),
        ("[advisories]\nmax-age-days = 1", "", none.clone(), Error, "stale_advisories"),
        (
            "[advisories]\nmax-age-days = 1\n[gaps]\nstale_advisories = \"ignore\"",
            "",
            none.clone(),
            Pass,
            "end_of_life",
        ),
        ("[licenses]\ndeny = [\"WTFPL\"]", "", none.clone(), Fail, "license"),
        ("[licenses]\nunknown = \"fail\"", "", none.clone(), Fail, "license"),
        ("[findings]\nkev = \"error\"", "lk", none.clone(), Error, "kev"),
        ("[[findings.signal]]\nkind = \"automatable\"\neffect = \"fail\"", "la", none.clone(), Fail, "signal"),
    ];
    for (policy, marks, gaps, want, rule) in table {
        let mut scene = Scene::debian();
        scene.policy = Policy::parse(policy, "p.toml").unwrap();
        let [ssl, ..] = scene.ids();
        let findings = if marks.is_empty() { vec![] } else { vec![finding(&ssl, "CVE-1", marks)] };
        let report = scene.judge(Matches { findings, gaps, ..Matches::default() });
        assert_eq!(report.verdict, want, "{policy} {marks}: {}", reasons(&report));
        assert_eq!(report.reasons[0].rule, rule, "{policy} {marks}: {}", reasons(&report));
        for reported in ["end_of_life", "stale_advisories"] {
            assert!(report.reasons.iter().any(|r| r.rule == reported), "{policy}: {reported} is not reported");
        }
    }
}

#[test]
fn a_clean_image_says_what_was_read() {
    let mut scene = Scene::debian();
    scene.as_of = "2025-06-03".parse().unwrap();
    assert_eq!(
        reasons(&scene.judge(Matches::default())),
        "verdict: pass\nignore clean: 4 packages were compared with the advisories and nothing stands against them\n"
    );
    // Where packages may be hidden nothing is called clean, even if the policy lets it pass.
    scene.policy = Policy::parse("[gaps]\nno_advisories = \"ignore\"", "p").unwrap();
    let blind = Matches { gaps: vec![Gap::new(GapKind::NoAdvisories, "debian:10", "none")], ..Matches::default() };
    assert_eq!(
        reasons(&scene.judge(blind)),
        "verdict: pass\nignore gap: 1 source of packages has no advisories (no_advisories): debian:10: none\n"
    );
    // Nor where most of the advisories are missing.
    let part = Matches { gaps: vec![Gap::new(GapKind::PartialAdvisories, "debian:10", "few")], ..Matches::default() };
    assert_eq!(
        reasons(&scene.judge(part)),
        "verdict: pass\nwarn gap: 1 source of packages has a part of its advisories only (partial_advisories): debian:10: few\n"
    );
    scene.inventory.packages.clear();
    assert_eq!(
        reasons(&scene.judge(Matches::default())),
        "verdict: error\nerror gap: no verdict: no package was found in 1 layer: there is nothing that could be judged\n"
    );
}

#[test]
fn without_a_snapshot_there_is_no_verdict() {
    let mut scene = Scene::debian();
    scene.snapshot = None;
    let report = scene.judge(Matches::default());
    assert_eq!(report.verdict, Verdict::Error);
    assert!(report.inputs.snapshot.is_none() && report.inputs.snapshot_date.is_none());
    assert!(report.reasons[0].text.contains("no advisory snapshot"), "{}", reasons(&report));
}

#[test]
fn vex_takes_out_and_contradictions_are_reported() {
    let mut scene = Scene::debian();
    let [ssl, curl, ..] = scene.ids();
    let statement = |package: &str, status: &str| {
        let text = format!(
            r#"{{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "vendor-{status}", "timestamp": "2026-02-01T00:00:00Z",
              "statements": [{{"vulnerability": {{"name": "CVE-1"}}, "products": [{{"@id": "pkg:deb/debian/{package}"}}],
              "status": "{status}", "justification": "component_not_present"}}]}}"#
        );
        VexDocument::parse(text.as_bytes(), "v.json").unwrap()
    };
    scene.vex = vec![statement("libssl3", "not_affected"), statement("curl", "fixed"), statement("curl", "affected")];
    let findings = vec![finding(&ssl, "CVE-1", "h+"), finding(&curl, "CVE-1", "h+")];
    let report = scene.judge(Matches { findings, ..Matches::default() });
    golden("vex", &reasons(&report));
    let on = |id: &_| report.findings.iter().find(|f| f.package == *id).unwrap();
    let out = on(&ssl).suppressed_by.as_ref().unwrap();
    assert_eq!((out.kind.as_str(), out.id.as_str()), ("vex", "vendor-not_affected"));
    assert!(on(&curl).suppressed_by.is_none());
    assert_eq!(report.inputs.vex.len(), 3);
}

#[test]
fn duplicates_become_one() {
    let scene = Scene::debian();
    let [ssl, ..] = scene.ids();
    let mut a = finding(&ssl, "CVE-1", "m");
    a.aliases = vec!["GHSA-b".into(), "CVE-1".into()];
    let mut b = finding(&ssl, "CVE-1", "h+k");
    b.aliases = vec!["GHSA-a".into(), "GHSA-b".into()];
    let one = scene.judge(Matches { findings: vec![a.clone(), b.clone()], ..Matches::default() });
    let two = scene.judge(Matches { findings: vec![b, a], ..Matches::default() });
    assert_eq!(one, two);
    assert_eq!(one.findings.len(), 1);
    assert_eq!(one.findings[0].aliases, ["GHSA-a", "GHSA-b"]);
    assert!(one.findings[0].signals.kev().is_some() && one.findings[0].severity == Severity::High);
    assert_eq!(one.summary.findings.high, 1);
}

#[test]
fn the_pins_are_in_the_report() {
    let scene = Scene::debian();
    let report = scene.judge(Matches::default());
    let pins = &report.inputs;
    assert_eq!(pins.policy, Policy::default().digest());
    assert_eq!(pins.exceptions, Policy::default().exceptions_digest());
    assert_eq!(pins.snapshot, scene.snapshot.as_ref().map(|s| s.digest()));
    assert_eq!((pins.judge.as_str(), pins.as_of.as_str()), (layergate_judge::JUDGE_VERSION, "2026-02-10"));
    assert_eq!(pins.analyzers, "test-analyzers");
    let again = assess_matches(scene.input(), Matches::default());
    assert_eq!(serde_json::to_string(&report).unwrap(), serde_json::to_string(&again).unwrap());
}

#[test]
fn names_cannot_move_the_cursor() {
    let mut scene = Scene::debian();
    scene.inventory.packages[0].package.name = format!("evil\u{1b}[2J\r\n\u{9b}verdict: pass{}", "x".repeat(10_000));
    let [ssl, ..] = scene.ids();
    let gap = Gap::new(GapKind::CorruptLayer, "a\nb", "c\u{7}d");
    let report = scene.judge(Matches {
        findings: vec![finding(&ssl, "CVE-1\u{1b}", "h+")],
        gaps: vec![gap],
        ..Matches::default()
    });
    assert_eq!(report.verdict, Verdict::Error);
    for reason in &report.reasons {
        assert!(!reason.text.chars().any(char::is_control) && reason.text.len() < 5000, "{:?}", reason.text);
    }
}

#[test]
fn fast_enough() {
    // 600 packages, 300 findings, 100 exceptions: far below a millisecond in a release build; a debug build on a busy
    // machine gets a bound that only a mistake in the algorithm breaks.
    let mut scene = Scene::debian();
    scene.fill(600);
    let text: String = (0..100)
        .map(|n| format!("[[exception]]\nadvisory = \"CVE-2024-{n}\"\npackage = \"pkg:deb/debian/p{n}\"\nreason = \"r\"\nexpires = 2027-01-01\n"))
        .collect();
    scene.policy = Policy::parse(&text, "p.toml").unwrap();
    let findings: Vec<_> = (0..300)
        .map(|n| finding(&scene.inventory.packages[n * 2].id, &format!("CVE-2024-{n}"), ["h+", "m", "l+", "u"][n % 4]))
        .collect();
    let mut best = std::time::Duration::MAX;
    for _ in 0..10 {
        let matches = Matches { findings: findings.clone(), ..Matches::default() };
        let input = scene.input();
        let start = std::time::Instant::now();
        let report = assess_matches(input, matches);
        best = best.min(start.elapsed());
        assert_eq!(report.findings.len(), 300);
    }
    println!("600 packages, 300 findings, 100 exceptions: {best:?}");
    assert!(best.as_millis() < 200, "{best:?}");
}
