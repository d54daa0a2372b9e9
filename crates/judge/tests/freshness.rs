//! How old the sources are that speak of an image, and whether the rules have what they ask.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_advisory::{Affected, Builder, Day, Floor, FloorOf, Record, Snapshot};
use layergate_judge::{match_image, rejudge};
use layergate_model::{Effect, GapKind, PackageKind, Report, Signal, Verdict};
use layergate_policy::Policy;

mod records;
mod scene;

use records::{ns, package};
use scene::Scene;

const TODAY: &str = "2026-11-27";

/// A feed with one record on a namespace, of a day or of a file's day.
#[derive(Clone, Copy)]
struct Feed(&'static str, &'static str, Option<&'static str>, Option<&'static str>, u64);

fn snapshot(feeds: &[Feed], quiet: &[(&str, u64)], extra: &[Record]) -> Snapshot {
    let mut builder = Builder::new();
    for Feed(feed, namespace, modified, fetched, floor) in feeds.iter().copied() {
        let affected = vec![Affected::fixed(ns(namespace), "curl", "9-1")];
        let modified = modified.and_then(Day::parse);
        builder.add(&Record { affected, modified, ..Record::new(feed, format!("CVE-{feed}")) }).unwrap();
        if let Some(day) = fetched.and_then(Day::parse) {
            builder.fetched(feed, day);
        }
        let of = FloorOf::Family(ns(namespace).family().to_owned());
        builder.floors((floor > 0).then(|| Floor { feed: feed.into(), of, at_least: floor, fixed_only: false }));
    }
    extra.iter().for_each(|r| builder.add(r).unwrap());
    quiet.iter().for_each(|(feed, days)| builder.quiet(feed, *days));
    Snapshot::from_bytes(builder.finish().unwrap()).unwrap()
}

/// Debian 10's curl and, where asked, left-pad and its like.
fn judged(snapshot: Snapshot, policy: &str, npm: bool) -> Report {
    let mut scene = Scene::debian();
    if !npm {
        scene.inventory.packages.retain(|p| p.package.kind == PackageKind::Deb);
    }
    scene.policy = Policy::parse(policy, "p.toml").unwrap();
    scene.as_of = TODAY.parse().unwrap();
    let matches = match_image(&scene.inventory, &snapshot);
    scene.snapshot = Some(snapshot);
    scene.judge(matches)
}

fn gaps_of(report: &Report, kind: GapKind) -> Vec<(&str, Effect)> {
    report.gaps.iter().filter(|g| g.kind == kind).map(|g| (g.place.as_str(), g.effect)).collect()
}

#[test]
fn a_source_that_stopped_does_not_hide_behind_a_fresh_one() {
    let (fresh, old, older) = (Some("2026-11-26"), Some("2023-11-20"), Some("2022-01-01"));
    let limit = "[advisories]\nmax-age-days = 3";
    let both = |debian, npm| [Feed("tracker", "debian:10", debian, None, 1), Feed("ghsa", "npm", npm, None, 1)];
    type Want = &'static [(&'static str, Effect)];
    let cases: &[(&str, Vec<Feed>, &str, bool, Want)] = &[
        ("all fresh", both(fresh, fresh).into(), limit, true, &[]),
        ("the distribution's", both(old, fresh).into(), limit, true, &[("debian:10", Effect::Error)]),
        ("it warns by default", both(old, fresh).into(), "", true, &[("debian:10", Effect::Warn)]),
        ("the registry's", both(fresh, old).into(), limit, true, &[("npm", Effect::Error)]),
        ("one that says nothing of this image", both(fresh, old).into(), limit, false, &[]),
        ("all old alike is reported once", both(old, old).into(), limit, true, &[("snapshot", Effect::Error)]),
        (
            "what is older still is reported with the rest",
            both(older, old).into(),
            limit,
            true,
            &[("snapshot", Effect::Error)],
        ),
        (
            "softened",
            both(old, fresh).into(),
            "[advisories]\nmax-age-days = 3\n[gaps]\nstale_advisories = \"ignore\"",
            true,
            &[("debian:10", Effect::Ignore)],
        ),
        (
            "no dates: by its file",
            vec![Feed("tracker", "debian:10", None, Some("2026-11-25"), 1), Feed("other", "npm", fresh, None, 1)],
            limit,
            false,
            &[],
        ),
        (
            "no dates, an old file",
            vec![Feed("tracker", "debian:10", None, old, 1), Feed("other", "npm", fresh, None, 1)],
            limit,
            false,
            &[("debian:10", Effect::Error)],
        ),
        (
            "nothing shows its age",
            vec![Feed("tracker", "debian:10", None, None, 1), Feed("other", "npm", fresh, None, 1)],
            limit,
            false,
            &[("debian:10", Effect::Error)],
        ),
        (
            "another whole one is fresh",
            vec![Feed("tracker", "debian:10", fresh, None, 1), Feed("lists", "debian:10", old, None, 1)],
            limit,
            false,
            &[("debian:10", Effect::Warn)],
        ),
        (
            "a fresh fragment is no excuse",
            vec![Feed("tracker", "debian:10", fresh, None, 1000), Feed("lists", "debian:10", old, None, 1)],
            limit,
            false,
            &[("debian:10", Effect::Error)],
        ),
        (
            "an archive is not the registry's source",
            vec![
                Feed("ghsa", "npm", fresh, None, 1),
                Feed("archive", "npm", old, None, 0),
                Feed("tracker", "debian:10", fresh, None, 1),
            ],
            limit,
            true,
            &[],
        ),
        (
            "ordinarily silent for so long",
            vec![Feed("slow", "debian:10", Some("2026-11-01"), None, 1), Feed("other", "npm", fresh, None, 1)],
            limit,
            false,
            &[],
        ),
        (
            "silent for longer than that",
            vec![Feed("slow", "debian:10", Some("2026-09-01"), None, 1), Feed("other", "npm", fresh, None, 1)],
            limit,
            false,
            &[("debian:10", Effect::Error)],
        ),
    ];
    for (name, feeds, policy, npm, want) in cases {
        let report = judged(snapshot(feeds, &[("slow", 30)], &[]), policy, *npm);
        assert_eq!(gaps_of(&report, GapKind::StaleAdvisories), *want, "{name}: {:?}", report.gaps);
        let named = report.gaps.iter().any(|g| g.detail.ends_with("; older still: debian:10 of 2022-01-01"));
        assert_eq!(named, feeds.iter().any(|f| f.2 == older), "{name}: {:?}", report.gaps);
    }
}

#[test]
fn the_report_lists_the_sources_and_is_judged_again_by_them() {
    let feeds =
        [Feed("tracker", "debian:10", None, Some("2026-11-20"), 0), Feed("ghsa", "npm", Some("2026-11-26"), None, 1)];
    let report = judged(snapshot(&feeds, &[], &[]), "", true);
    let sources: Vec<String> =
        report.sources.iter().map(|s| format!("{} {} {}", s.of, s.feed, s.date.as_deref().unwrap_or("-"))).collect();
    assert_eq!(sources, ["debian:10 tracker 2026-11-20", "npm ghsa 2026-11-26"]);
    assert_eq!(gaps_of(&report, GapKind::StaleAdvisories), []);
    let kept: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    let again = rejudge(&kept, &Policy::parse("[advisories]\nmax-age-days = 3", "p.toml").unwrap(), None);
    assert_eq!(gaps_of(&again, GapKind::StaleAdvisories), [("debian:10", Effect::Error)]);
    assert_eq!(gaps_of(&rejudge(&again, &Policy::default(), None), GapKind::StaleAdvisories), []);
}

#[test]
fn a_rule_whose_feed_is_missing_a_fragment_or_old_is_a_gap() {
    let base = [Feed("tracker", "debian:10", Some("2026-11-26"), None, 1)];
    let exploited = |day: &str| Record {
        signals: vec![Signal::new("cisa-kev", "exploited").of(Some("2020-01-02".into()))],
        modified: Day::parse(day),
        ..Record::new("cisa-kev", "CVE-2020-1")
    };
    let scored =
        Record { signals: vec![Signal::epss(1)], modified: Day::parse(TODAY), ..Record::new("epss", "CVE-2020-2") };
    let epss = "[findings]\nepss-from = 0.5\nkev = \"ignore\"";
    let missing = GapKind::RuleWithoutFeed;
    let signal = |keys: &str| format!("[findings]\nkev = \"ignore\"\n[[findings.signal]]\n{keys}\neffect = \"fail\"");
    let (automatable, any) = (signal("kind = \"automatable\"\nsource = \"cisa-ssvc\""), signal("kind = \"exploited\""));
    let decided = |day: &str| Record {
        signals: vec![Signal::new("cisa-ssvc", "automatable")],
        modified: Day::parse(day),
        ..Record::new("cisa-ssvc", "CVE-2020-3")
    };
    let cases: &[(&str, Vec<Record>, &str, GapKind, &[(&str, Effect)])] = &[
        ("no list", vec![], "", missing, &[("kev", Effect::Warn)]),
        ("a list", vec![exploited(TODAY)], "", missing, &[]),
        ("switched off", vec![], "[findings]\nkev = \"ignore\"", missing, &[]),
        ("as the policy says", vec![], "[gaps]\nrule_without_feed = \"error\"", missing, &[("kev", Effect::Error)]),
        ("an old list", vec![exploited("2023-01-01")], "", GapKind::StaleAdvisories, &[("kev", Effect::Warn)]),
        (
            "an old list under a limit",
            vec![exploited("2023-01-01")],
            "[advisories]\nmax-age-days = 3",
            GapKind::StaleAdvisories,
            &[("kev", Effect::Error)],
        ),
        ("no scores", vec![], epss, missing, &[("epss", Effect::Error)]),
        ("scores", vec![scored.clone()], epss, missing, &[]),
        ("no decisions", vec![], &automatable, missing, &[("cisa-ssvc/automatable", Effect::Error)]),
        ("decisions", vec![decided(TODAY)], &automatable, missing, &[]),
        (
            "of another source",
            vec![exploited(TODAY)],
            &automatable,
            missing,
            &[("cisa-ssvc/automatable", Effect::Error)],
        ),
        (
            "old decisions",
            vec![decided("2023-01-01")],
            &automatable,
            GapKind::StaleAdvisories,
            &[("cisa-ssvc", Effect::Warn)],
        ),
        ("old decisions that nobody asks", vec![decided("2023-01-01")], epss, GapKind::StaleAdvisories, &[]),
        ("nobody says anything is exploited", vec![decided(TODAY)], &any, missing, &[("exploited", Effect::Error)]),
        ("some source does", vec![exploited(TODAY)], &any, missing, &[]),
        (
            "an override's rule counts",
            vec![exploited(TODAY)],
            "[[override]]\nreason = \"x\"\nfindings = { epss-from = 0.5 }",
            missing,
            &[("epss", Effect::Error)],
        ),
    ];
    for (name, records, policy, kind, want) in cases {
        // What fails anyway needs no rule on exploitation.
        let findings = if policy.contains("[findings]") { "" } else { "[findings]\n" };
        let policy = format!("{findings}{policy}").replacen("[findings]\n", "[findings]\nfail-on = \"never\"\n", 1);
        let report = judged(snapshot(&base, &[], records), &policy, false);
        assert_eq!(gaps_of(&report, *kind), *want, "{name}: {:?}", report.gaps);
    }
    // Where a fragment of the list is all there is.
    let mut builder = Builder::new();
    let affected = vec![Affected::fixed(ns("debian:10"), "curl", "9-1")];
    builder.add(&Record { affected, modified: Day::parse(TODAY), ..Record::new("tracker", "CVE-1") }).unwrap();
    builder.add(&exploited(TODAY)).unwrap();
    builder.floors([Floor { feed: "cisa-kev".into(), of: FloorOf::Feed, at_least: 1000, fixed_only: false }]);
    let part =
        judged(Snapshot::from_bytes(builder.finish().unwrap()).unwrap(), "[findings]\nfail-on = \"never\"", false);
    assert_eq!(gaps_of(&part, missing), [("kev", Effect::Warn)]);
    assert!(
        part.gaps.iter().any(|g| g.detail.contains("only 1 of at least 1000 records of cisa-kev")),
        "{:?}",
        part.gaps
    );
    let failing = judged(snapshot(&base, &[], &[]), "", false);
    assert_eq!((gaps_of(&failing, missing), failing.verdict), (vec![], Verdict::Fail));
    // Nothing that the rule could raise: nothing to show.
    let mut scene = Scene::debian();
    scene.inventory.packages = vec![package(PackageKind::Deb, "curl", "10-1", None)];
    scene.as_of = TODAY.parse().unwrap();
    let matches = match_image(&scene.inventory, &snapshot(&base, &[], &[]));
    let clean = scene.judge(matches);
    assert_eq!((gaps_of(&clean, missing), clean.verdict), (vec![], Verdict::Pass));
}
