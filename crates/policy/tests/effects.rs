//! What the policy makes of single findings, and that a client can only make a server's policy stricter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use jiff::civil::date;
use layergate_model::{
    Check, Effect, Evidence, Finding, Gap, GapKind, ImagePackage, LayerPath, Origin, Package, PackageId, PackageKind,
    Scope, Secret, Severity, Signal, SignalName, Status,
};
use layergate_policy::{ExceptionSubject, FindingRule, Overrides, Policy, Rules, Seen, Threshold};
use proptest::prelude::*;

fn package(name: &str, dev: bool) -> ImagePackage {
    let path = format!("srv/app/node_modules/{name}/package.json");
    let mut package = Package::new(PackageKind::Npm, name, "1.0.0", &LayerPath::normalise(&path).unwrap());
    package.scope = if dev { Scope::Dev } else { Scope::Runtime };
    let purl = package.purl(None);
    let id = PackageId::derive(&purl, Some(0), &path);
    ImagePackage { id, purl, package, layer: Some(0), origin: Origin::Unknown, owned_by: None }
}

fn signal(keys: &str) -> String {
    format!("[[findings.signal]]\n{keys}\neffect = \"fail\"\n")
}

fn epss((at_least, effect): (&str, &str)) -> String {
    signal(&format!("source = \"epss\"\nkind = \"probability\"\nat-least = {at_least}")).replace("fail", effect)
}

/// `h` high, `c` critical, `m` medium, `l` low, `u` unknown; `+` fix; `k` exploited; `x` malicious; `e` EPSS 60 %;
/// `a` automatable by CISA's word; `b` a score of 7.5 of another source; `n` not affected; `w` will not be fixed.
fn finding(on: &ImagePackage, marks: &str) -> Finding {
    let has = |c: char| marks.contains(c);
    let severity = match marks.chars().next() {
        Some('c') => Severity::Critical,
        Some('h') => Severity::High,
        Some('m') => Severity::Medium,
        Some('l') => Severity::Low,
        _ => Severity::Unknown,
    };
    let status = match (has('n'), has('+')) {
        (true, _) => Status::NotAffected,
        (false, false) if has('w') => Status::WillNotFix,
        (false, true) => Status::Fixed,
        (false, false) => Status::Affected,
    };
    Finding {
        id: on.id.finding("CVE-1"),
        advisory: "CVE-1".into(),
        aliases: vec!["GHSA-1".into()],
        title: None,
        severity,
        severity_source: None,
        cvss: Vec::new(),
        cwe: Vec::new(),
        signals: (has('k').then(|| Signal::new("cisa-kev", "exploited").of(Some("2025-01-01".into()))).into_iter())
            .chain(has('e').then(|| Signal::epss(600_000)))
            .chain(has('a').then(|| Signal::new("cisa-ssvc", "automatable")))
            .chain(has('b').then(|| Signal { value: Some(7_500_000), ..Signal::new("another", "score") }))
            .collect(),
        malicious: has('x'),
        package: on.id.clone(),
        status,
        fixed_versions: if has('+') { vec!["2.0.0".into()] } else { Vec::new() },
        remediation: String::new(),
        layer: Some(0),
        evidence: Evidence { range: String::new(), feed: "t".into(), matched_name: None },
        effect: Effect::Ignore,
        suppressed_by: None,
    }
}

#[test]
fn findings() {
    use Effect::{Error, Fail, Ignore, Warn};
    let table: &[(&str, &str, Effect)] = &[
        ("", "c+", Fail),
        ("", "h+", Fail),
        ("", "u+", Fail),
        ("", "h", Warn),
        ("", "u", Warn),
        ("", "m+", Warn),
        ("", "l", Warn),
        ("", "lk", Fail),
        ("", "ux", Fail),
        ("", "h+n", Ignore),
        ("", "le", Warn),
        ("[findings]\nstatus = { will_not_fix = \"ignore\" }", "hw", Ignore),
        ("[findings]\nstatus = { will_not_fix = \"fail\" }", "lw", Fail),
        ("[findings]\nstatus = { will_not_fix = \"fail\" }", "h", Warn),
        ("[findings]\nstatus = { will_not_fix = \"ignore\" }", "lwk", Fail),
        ("[findings]\nstatus = { fixed = \"error\" }", "l+", Error),
        (
            "[findings]\nstatus = { will_not_fix = \"ignore\" }\n[[override]]\npackages = [\"lodash\"]\nfindings = { status = { affected = \"fail\" } }",
            "hw",
            Ignore,
        ),
        ("[findings]\nfail-on = \"critical\"", "h+", Warn),
        ("[findings]\nfail-on = \"critical\"", "u+", Warn),
        ("[findings]\nfail-on = \"never\"", "c+", Warn),
        ("[findings]\nfail-on = \"never\"\nwarn-on = \"high\"", "m+", Ignore),
        ("[findings]\nfail-on = \"unknown\"\nonly-fixed = false", "u", Fail),
        ("[findings]\nonly-fixed = false", "h", Fail),
        ("[findings]\nonly-fixed = false", "u", Warn),
        ("[findings]\nunknown-severity = \"low\"", "u+", Warn),
        ("[findings]\nkev = \"error\"", "ck+", Error),
        ("[findings]\nkev = \"ignore\"", "lk", Warn),
        ("[findings]\nepss-from = 0.6", "le", Fail),
        ("[findings]\nepss-from = 0.61", "le", Warn),
        ("[findings]\nepss = \"fail\"", "le", Warn),
        (&signal("kind = \"automatable\""), "la", Fail),
        (&signal("kind = \"automatable\""), "lb", Warn),
        (&signal("kind = \"automatable\"\nsource = \"cisa-ssvc\""), "la", Fail),
        (&signal("kind = \"automatable\"\nsource = \"another\""), "la", Warn),
        // A bare statement has no value that could be enough.
        (&signal("kind = \"automatable\"\nat-least = 0.0"), "la", Warn),
        (&signal("kind = \"score\"\nat-least = 7.5"), "lb", Fail),
        (&signal("kind = \"score\"\nat-least = 7.51"), "lb", Warn),
        (&signal("kind = \"of-tomorrow\""), "lkeab", Fail),
        (&signal("kind = \"of-tomorrow\""), "leab", Warn),
        // The rule on CISA's catalogue by its long name, and on any word that it is exploited.
        (&signal("kind = \"exploited\"\nsource = \"cisa-kev\"").replace("fail", "error"), "lk", Error),
        (&format!("[findings]\nkev = \"ignore\"\n{}", signal("kind = \"exploited\"")), "lk", Fail),
        // Two steps of one signal.
        (&[("0.1", "warn"), ("0.7", "fail")].map(epss).concat(), "ie", Warn),
        (&[("0.1", "warn"), ("0.6", "fail")].map(epss).concat(), "ie", Fail),
        // An override takes the place of all rules on the same source and kind.
        (
            &format!(
                "{}[[override]]\npackages = [\"lodash\"]\nfindings = {{ signal = [{{ kind = \"score\", effect = \"ignore\" }}] }}",
                signal("kind = \"score\"\nat-least = 7.5")
            ),
            "lb",
            Warn,
        ),
        ("[[override]]\npackages = [\"pkg:npm/lodash\"]\nfindings = { fail-on = \"never\" }", "c+", Warn),
        ("[[override]]\npackages = [\"pkg:npm/other\"]\nfindings = { fail-on = \"never\" }", "c+", Fail),
        ("[[override]]\npaths = [\"srv/app/**\"]\nfindings = { fail-on = \"low\" }", "l+", Fail),
        ("[[override]]\npaths = [\"opt/**\"]\npackages = [\"lodash\"]\nfindings = { fail-on = \"low\" }", "l+", Warn),
        ("[[override]]\nimages = [\"ghcr.io/team/*\"]\nfindings = { fail-on = \"low\" }", "l+", Fail),
        ("[[override]]\nimages = [\"ghcr.io/else/*\"]\nfindings = { fail-on = \"low\" }", "l+", Warn),
        (
            "[[override]]\nfindings = { fail-on = \"low\" }\n[[override]]\nfindings = { fail-on = \"never\" }",
            "l+",
            Warn,
        ),
    ];
    let lodash = package("lodash", false);
    for (text, marks, want) in table {
        let policy = Policy::parse(text, "p").unwrap_or_else(|e| panic!("{e}"));
        let view = policy.view("ghcr.io/team/app:1", date(2026, 1, 1));
        assert_eq!(view.finding(&finding(&lodash, marks), Some(&lodash)).effect, *want, "{text}: {marks}");
    }
    let policy = Policy::default();
    let view = policy.view("x", date(2026, 1, 1));
    let dev = package("lodash", true);
    assert_eq!(view.finding(&finding(&dev, "c+"), Some(&dev)).effect, Warn);
    assert_eq!(view.finding(&finding(&dev, "c+k"), Some(&dev)).effect, Warn);
    assert_eq!(view.finding(&finding(&dev, "cx"), Some(&dev)).effect, Fail);
    let rule = |marks: &str| view.finding(&finding(&lodash, marks), Some(&lodash)).rule;
    assert_eq!(rule("c+kx"), FindingRule::Malicious);
    assert_eq!(rule("c+k"), FindingRule::Signal(SignalName::of("cisa-kev", "exploited")));
    assert_eq!(rule("c+"), FindingRule::Severity);
}

/// An exception for one vulnerability of a distribution's advisory is none for the others.
#[test]
fn an_advisory_on_several_vulnerabilities() {
    let package = package("openssl", false);
    // Advisory, aliases, exceptions with their last days, and the last day of the one that takes it out.
    let rows: &[(&str, &[&str], &[(&str, &str)], Option<&str>)] = &[
        ("DSA-1", &["CVE-1"], &[("CVE-1", "2027-01-01")], Some("2027-01-01")),
        ("DSA-1", &["CVE-1", "CVE-2"], &[("CVE-1", "2027-01-01")], None),
        ("DSA-1", &["CVE-1", "CVE-2"], &[("CVE-1", "2028-01-01"), ("CVE-2", "2027-01-01")], Some("2027-01-01")),
        ("DSA-1", &["CVE-1", "CVE-2"], &[("CVE-1", "2028-01-01"), ("CVE-2", "2020-01-01")], None),
        ("DSA-1", &["CVE-1", "CVE-2"], &[("DSA-1", "2027-01-01")], Some("2027-01-01")),
        ("DSA-1", &["CVE-1", "CVE-2"], &[("CVE-*", "2027-01-01")], Some("2027-01-01")),
        ("CVE-1", &["CVE-2"], &[("CVE-2", "2027-01-01")], Some("2027-01-01")),
    ];
    for (advisory, aliases, exceptions, until) in rows {
        let text: String = exceptions
            .iter()
            .map(|(id, day)| format!("[[exception]]\nadvisory = \"{id}\"\nreason = \"r\"\nexpires = {day}\n"))
            .collect();
        let policy = Policy::parse(&text, "p").unwrap();
        let mut finding = finding(&package, "c+");
        (finding.advisory, finding.aliases) = ((*advisory).into(), aliases.iter().map(|a| (*a).into()).collect());
        let view = policy.view("r/i:1", date(2026, 1, 1));
        let (exception, expired) = view.exceptions(&finding, Some(&package), || None);
        assert_eq!(exception.and_then(|e| e.last_day()).as_deref(), *until, "{advisory} {aliases:?} {exceptions:?}");
        assert_eq!(expired.len(), text.matches("2020").count(), "{exceptions:?}");
    }
}

/// A baseline's secret is that one, and no other of its rule in the same file.
#[test]
fn a_secret_that_was_seen_is_no_other() {
    let subject = ExceptionSubject::Secret("aws".into());
    let seen = |text: &str| Seen::Secret { redacted: text.into() };
    let mut exception = Policy::parse(
        "[[exception]]\nsecret = \"aws\"\npath = \"app/.env\"\nreason = \"r\"\nexpires = \"never\"\n",
        "p",
    )
    .unwrap()
    .exceptions()[0]
        .clone();
    for (known, now, place, out) in [
        (None, "AKIA******AB", "app/.env", true),
        (Some("AKIA******AB"), "AKIA******AB", "app/.env", true),
        (Some("AKIA******AB"), "AKIA******CD", "app/.env", false),
        (Some("AKIA******AB"), "AKIA******AB", "other/.env", false),
    ] {
        exception.seen = known.map(seen);
        let policy = Policy::new(Rules::default(), vec![exception.clone()]);
        let view = policy.view("r/i:1", date(2026, 1, 1));
        assert_eq!(
            view.other_exceptions(&subject, place, Some(&seen(now))).0.is_some(),
            out,
            "{known:?} {now} {place}"
        );
    }
}

#[test]
fn staleness_has_two_limits() {
    let effect = |text: &str, age: i64| {
        let policy = Policy::parse(text, "p").unwrap();
        policy.view("x", date(2026, 1, 1)).staleness(age).map(|s| (s.effect, s.limit_days))
    };
    assert_eq!(effect("", 7), None);
    assert_eq!(effect("", 8), Some((Effect::Warn, 7)));
    assert_eq!(effect("", -3), None);
    let limited = "[advisories]\nmax-age-days = 2\n";
    assert_eq!(effect(limited, 2), None);
    assert_eq!(effect(limited, 3), Some((Effect::Error, 2)));
    assert_eq!(effect(&format!("{limited}[gaps]\nstale_advisories = \"warn\"\n"), 3), Some((Effect::Warn, 2)));
    assert_eq!(
        effect("[gaps]\nstale_advisories = \"ignore\"\n[advisories]\nmax-age-days=2", 3),
        Some((Effect::Ignore, 2))
    );
}

#[test]
fn flags_of_a_local_run() {
    let low = Overrides { fail_on: Some(Threshold::From(Severity::Low)), ..Overrides::default() };
    let all = Overrides { only_fixed: Some(false), ..low.clone() };
    let lodash = package("lodash", false);
    let effect = |policy: &Policy, marks: &str| {
        policy.view("x", date(2026, 1, 1)).finding(&finding(&lodash, marks), Some(&lodash)).effect
    };
    let base = Policy::default();
    assert_eq!(effect(&base.with_overrides(&low), "l+"), Effect::Fail);
    assert_eq!(effect(&base.with_overrides(&low), "l"), Effect::Warn);
    assert_eq!(effect(&base.with_overrides(&all), "l"), Effect::Fail);
    let file = Policy::parse("[findings]\nkev = \"ignore\"", "p").unwrap();
    let with_file = Overrides { policy: Some(file), ..Overrides::default() };
    assert_eq!(effect(&base.with_overrides(&with_file), "lk"), Effect::Warn);
    assert_eq!(effect(&base.tighten(&with_file), "lk"), Effect::Fail);
    assert_eq!(base.tighten(&Overrides::default()).digest(), base.digest());
}

fn effect() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["ignore", "warn", "fail", "error"])
}

fn threshold() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["critical", "high", "medium", "low", "negligible", "unknown", "never"])
}

/// Any policy file, most keys at random.
fn policy() -> impl Strategy<Value = Policy> {
    let findings =
        (threshold(), threshold(), any::<bool>(), effect(), effect(), 0.0..=1.0f64, effect(), effect(), effect());
    let gaps = prop::collection::btree_map(prop::sample::select(GapKind::ALL), effect(), 0..6);
    let items = (threshold(), threshold(), threshold(), threshold());
    let days = (0..20u32, 0..20u32, 1..20u32);
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), threshold(), effect());
    (findings, gaps, items, days, switches).prop_map(|(f, gaps, items, days, s)| {
        let mut text = format!(
            "[findings]\nfail-on = \"{}\"\nwarn-on = \"{}\"\nonly-fixed = {}\nkev = \"{}\"\nmalicious = \"{}\"\nepss-from = {:?}\nepss = \"{}\"\ndev-at-most = \"{}\"\nstatus = {{ affected = \"{}\" }}\nsignal = [{{ kind = \"automatable\", effect = \"{}\" }}]\n[gaps]\n",
            f.0, f.1, f.2, f.3, f.4, f.5, f.6, f.7, s.4, f.8
        );
        for (kind, effect) in &gaps {
            text.push_str(&format!("{kind} = \"{effect}\"\n"));
        }
        text.push_str(&format!("[advisories]\nmax-age-days = {}\nwarn-age-days = {}\n", days.0, days.1));
        text.push_str(&format!("[checks]\nfail-on = \"{}\"\nwarn-on = \"{}\"\n", items.0, items.1));
        text.push_str(&format!("[secrets]\nfail-on = \"{}\"\nwarn-on = \"{}\"\n", items.2, items.3));
        text.push_str("[licenses]\n");
        if s.0 {
            text.push_str("deny = [\"GPL-*\"]\n");
        }
        if s.1 {
            text.push_str("allow = [\"MIT\"]\n");
        }
        text.push_str(&format!("effect = \"{}\"\nunknown = \"{}\"\n", s.4, s.4));
        text.push_str(&format!("[vex]\nmax-age-days = {}\n", days.2));
        if s.2 {
            text.push_str(&format!(
                "[[override]]\npackages = [\"lodash\"]\nfindings = {{ fail-on = \"{}\", dev-at-most = \"{}\" }}\n",
                s.3, s.4
            ));
            text.push_str(&format!("[[override]]\npaths = [\"x/**\"]\ngaps = {{ hard_link = \"{}\" }}\n", s.4));
            text.push_str("[[exception]]\nadvisory = \"CVE-1\"\nreason = \"r\"\nexpires = \"never\"\n");
        }
        Policy::parse(&text, "p").unwrap_or_else(|e| panic!("{e}\n{text}"))
    })
}

fn wishes() -> impl Strategy<Value = Overrides> {
    let fail_on = prop::option::of(threshold().prop_map(|t| t.parse::<Threshold>().unwrap()));
    (fail_on, prop::option::of(any::<bool>()), prop::option::of(policy()))
        .prop_map(|(fail_on, only_fixed, policy)| Overrides { fail_on, only_fixed, policy })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a client sends: no effect of the server's policy becomes weaker, nothing that the server's
    /// exceptions leave standing is taken out, and the client's own policy holds as well.
    #[test]
    fn a_client_only_makes_it_stricter(server in policy(), client in wishes(), dev in any::<bool>(), age in 0..40i64) {
        let day = date(2026, 1, 1);
        let tight = server.tighten(&client);
        let (before, after) = (server.view("r/i:1", day), tight.view("r/i:1", day));
        let theirs = client.policy.as_ref().map(|p| p.view("r/i:1", day));
        for name in ["lodash", "other"] {
            let package = package(name, dev);
            for marks in ["c+", "c", "h+", "h", "m+", "l", "u+", "u", "lk", "ux", "le", "m+ken"] {
                let finding = finding(&package, marks);
                let old = before.finding(&finding, Some(&package)).effect;
                let new = after.finding(&finding, Some(&package)).effect;
                prop_assert!(new >= old, "{marks}: {old:?} became {new:?}");
                if client.fail_on.is_none() && client.only_fixed.is_none() && let Some(theirs) = &theirs {
                    prop_assert!(new >= theirs.finding(&finding, Some(&package)).effect);
                }
                let excepted = |v: &layergate_policy::PolicyView<'_>| v.exceptions(&finding, Some(&package), || None).0.is_some();
                prop_assert_eq!(excepted(&before), excepted(&after));
            }
        }
        for kind in GapKind::ALL {
            for place in ["x/y", "z"] {
                let gap = Gap::new(*kind, place, "");
                prop_assert!(after.gap(&gap) >= before.gap(&gap));
            }
        }
        for severity in Severity::ALL {
            let check = Check { id: "c".into(), title: String::new(), reason: String::new(), severity, effect: Effect::Ignore, remediation: String::new(), location: String::new() };
            prop_assert!(after.check(&check) >= before.check(&check));
            let secret = Secret { rule: "s".into(), title: String::new(), severity, path: String::new(), line: 0, redacted: String::new() };
            prop_assert!(after.secret(&secret) >= before.secret(&secret));
        }
        for licenses in [vec![], vec!["MIT".to_owned()], vec!["GPL-3.0-only".to_owned()], vec!["X OR MIT".to_owned()]] {
            let effect = |v: &layergate_policy::PolicyView<'_>| v.licenses(&licenses).map_or(Effect::Ignore, |d| d.effect);
            prop_assert!(effect(&after) >= effect(&before));
        }
        prop_assert!(after.staleness(age).map(|s| s.effect) >= before.staleness(age).map(|s| s.effect));
        prop_assert!(tight.vex_max_age_days() <= server.vex_max_age_days() || server.vex_max_age_days().is_none());
        prop_assert_eq!(tight.exceptions_digest(), server.exceptions_digest());
    }

    #[test]
    fn parsing_never_panics(text in "\\PC{0,200}", lines in prop::collection::vec("(\\[|\\[\\[)?[a-z-]{1,9}(\\]|\\]\\])?( = [\"a-z0-9-]{1,9})?", 0..8)) {
        let _ = Policy::parse(&text, "p");
        let _ = Policy::parse(&lines.join("\n"), "p");
        let _ = layergate_policy::VexDocument::parse(text.as_bytes(), "v");
    }
}
