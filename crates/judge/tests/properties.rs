//! Whatever is found and whatever rules hold: the reasons carry the verdict, nothing is lost, and the order in which
//! things arrive does not matter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod scene;

use layergate_judge::Matches;
use layergate_model::{Effect, Gap, GapKind, Verdict};
use layergate_policy::Policy;
use proptest::prelude::*;
use scene::{Scene, finding};

fn effect() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["ignore", "warn", "fail", "error"])
}

/// Lines of a policy, each of which can be taken away.
fn policy_lines() -> impl Strategy<Value = Vec<String>> {
    let gaps = prop::collection::btree_map(prop::sample::select(GapKind::ALL), effect(), 0..5);
    let thresholds = prop::sample::select(vec!["critical", "high", "medium", "unknown", "never"]);
    (gaps, thresholds, any::<bool>(), effect(), any::<bool>()).prop_map(|(gaps, threshold, fixed, kev, except)| {
        let mut lines = vec![
            "[findings]".to_owned(),
            format!("fail-on = \"{threshold}\""),
            format!("only-fixed = {fixed}"),
            format!("kev = \"{kev}\""),
            "[gaps]".to_owned(),
        ];
        lines.extend(gaps.iter().map(|(kind, effect)| format!("{kind} = \"{effect}\"")));
        if except {
            lines.extend(
                ["[[exception]]", "advisory = \"CVE-2\"", "reason = \"r\"", "expires = \"2026-01-01\""]
                    .map(str::to_owned),
            );
        }
        lines
    })
}

fn matches() -> impl Strategy<Value = Matches> {
    let marks = prop::sample::select(vec!["c+", "h+", "h", "m+k", "l", "u+", "u", "ux"]);
    let findings = prop::collection::vec((0..4usize, 1..5u32, marks), 0..12);
    let gaps = prop::collection::vec((prop::sample::select(GapKind::ALL), "[a-c]", "[x-z]"), 0..4);
    (findings, gaps).prop_map(|(findings, gaps)| {
        let ids = Scene::debian().ids();
        Matches {
            findings: findings.iter().map(|(p, n, m)| finding(&ids[*p], &format!("CVE-{n}"), m)).collect(),
            gaps: gaps.into_iter().map(|(kind, place, detail)| Gap::new(kind, place, detail)).collect(),
            ..Matches::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reasons_carry_the_verdict(lines in policy_lines(), matches in matches(), drop in any::<prop::sample::Index>()) {
        let mut scene = Scene::debian();
        scene.policy = Policy::parse(&lines.join("\n"), "p").unwrap();
        let report = scene.judge(matches.clone());

        // The worst effect of anything is the verdict, and the reasons are sorted from it downwards.
        let worst = report.findings.iter().map(|f| f.effect).chain(report.gaps.iter().map(|g| g.effect)).max().unwrap_or_default();
        let want = match worst { Effect::Error => Verdict::Error, Effect::Fail => Verdict::Fail, _ => Verdict::Pass };
        prop_assert_eq!(report.verdict, want);
        prop_assert_eq!(report.reasons.first().map(|r| r.effect).unwrap_or_default(), worst);
        prop_assert!(report.reasons.windows(2).all(|w| w[0].effect >= w[1].effect));
        // Every finding stands behind a reason of its effect; no finding and no gap is lost.
        for f in &report.findings {
            prop_assert!(report.reasons.iter().any(|r| r.effect == f.effect && r.finding_ids.contains(&f.id)));
        }
        for f in &matches.findings {
            prop_assert!(report.findings.iter().any(|g| g.package == f.package && g.advisory == f.advisory));
        }
        for g in &matches.gaps {
            prop_assert!(report.gaps.iter().any(|h| h.kind == g.kind && h.place == g.place && h.detail == g.detail));
        }
        let reported = report.reasons.iter().any(|r| r.rule == "clean");
        prop_assert!(!reported || report.verdict != Verdict::Error);

        // The order of arrival does not matter.
        let mut turned = matches.clone();
        turned.findings.reverse();
        turned.gaps.reverse();
        let other = scene.judge(turned);
        prop_assert_eq!(&report.reasons, &other.reasons);
        prop_assert_eq!(serde_json::to_string(&report).unwrap(), serde_json::to_string(&other).unwrap());

        // Taking a rule away never turns an error into a silent pass: what caused it is still reported, and where the
        // defaults say error, it stays error.
        let at = drop.index(lines.len());
        if !lines[at].starts_with('[') && !lines.iter().any(|l| l == "[[exception]]") {
            let mut fewer = lines.clone();
            fewer.remove(at);
            scene.policy = Policy::parse(&fewer.join("\n"), "p").unwrap();
            let less = scene.judge(matches.clone());
            prop_assert_eq!(less.gaps.len(), report.gaps.len());
            prop_assert_eq!(less.findings.len(), report.findings.len());
            if report.verdict == Verdict::Error && less.verdict != Verdict::Error {
                for gap in less.gaps.iter().filter(|g| g.kind.hides_packages()) {
                    let named = fewer.iter().any(|l| l.starts_with(&format!("{} = ", gap.kind)));
                    prop_assert!(named, "the default for {} is error", gap.kind);
                }
                prop_assert!(less.reasons.iter().any(|r| r.rule != "clean"));
            }
        }
    }
}
