//! The policy file: the documented example, defaults, and every way to get it wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use jiff::civil::date;
use layergate_model::{Effect, GapKind, Severity};
use layergate_policy::{ExceptionSubject, Expiry, Policy, Threshold};

fn example() -> String {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy.md")).unwrap();
    let start = page.find("```toml\n").expect("the page has an example") + 8;
    let end = start + page[start..].find("```").unwrap();
    page[start..end].to_owned()
}

#[test]
fn the_documented_example_is_read_and_names_every_gap() {
    let text = example();
    let policy = Policy::parse(&text, "etc/policy.toml").unwrap_or_else(|e| panic!("{e}"));
    let rules = &policy.rules()[0];
    assert_eq!(rules.findings.fail_on, Threshold::From(Severity::High));
    let asked: Vec<_> =
        rules.findings.signals.iter().map(|r| (r.name().to_string(), r.at_least.map(|a| a.0))).collect();
    assert_eq!(
        asked,
        [("kev".into(), None), ("epss".into(), Some(500_000)), ("cisa-ssvc/automatable".into(), Some(500_000))]
    );
    assert_eq!(rules.advisories.max_age_days, Some(3));
    assert_eq!(policy.vex_max_age_days(), Some(365));
    assert_eq!(rules.overrides.len(), 2);
    for kind in GapKind::ALL {
        assert!(rules.gaps.0.contains_key(kind), "docs/policy.md leaves out the gap {kind}");
        let default = Policy::default().rules()[0].gaps.effect(*kind);
        // Stale advisories have their two limits: beyond max-age-days the documented word is the default.
        if *kind != GapKind::StaleAdvisories {
            assert_eq!(rules.gaps.effect(*kind), default, "docs/policy.md shows another default for {kind}");
        }
    }
    let exception = &policy.exceptions()[0];
    assert_eq!(exception.id, "SEC-1423");
    assert_eq!(exception.file, "policy.toml");
    let line = text.lines().position(|l| l.starts_with("[[exception]]")).unwrap() + 1;
    assert_eq!(exception.line, line);
    assert_eq!(exception.expires, Expiry::After(date(2027, 1, 31)));
    assert_eq!(exception.subject, ExceptionSubject::Advisory("CVE-2024-12345".into()));
}

/// One row a kind, with the default effect.
#[test]
fn the_page_of_gaps_has_a_row_for_every_kind() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gaps.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|l| l.starts_with("| `")).collect();
    assert_eq!(rows.len(), GapKind::ALL.len());
    for kind in GapKind::ALL {
        let row = rows.iter().find(|r| r.starts_with(&format!("| `{kind}` |"))).unwrap_or_else(|| panic!("{kind}"));
        let cells: Vec<&str> = row.split(" | ").map(str::trim).collect();
        let effect = Policy::default().rules()[0].gaps.effect(*kind);
        let effect = serde_json::to_value(effect).unwrap();
        assert_eq!(cells.len(), 4, "{row}");
        assert!(*kind == GapKind::StaleAdvisories || effect == cells[2], "{kind}: {row}");
    }
}

/// Keys that the example marks as defaults must be the defaults.
#[test]
fn an_empty_file_is_the_default() {
    let empty = Policy::parse("", "p").unwrap();
    assert_eq!(empty, Policy::default());
    assert_eq!(empty.digest(), Policy::default().digest());
    let spelled_out: String = example()
        .lines()
        .take_while(|l| !l.starts_with("[gaps]"))
        .filter(|l| !l.contains("# example") && !l.starts_with("epss ="))
        .map(|l| format!("{l}\n"))
        .collect();
    assert_eq!(Policy::parse(&spelled_out, "p").unwrap(), Policy::default());
}

#[test]
fn digests_are_of_values_not_of_text() {
    let a = Policy::parse("[findings]\nfail-on = \"low\"\nkev = \"warn\"\n", "a").unwrap();
    let b = Policy::parse("# hi\n[findings]\nkev='warn'\n\nfail-on   = 'low' # x\n", "b").unwrap();
    assert_eq!(a.digest(), b.digest());
    assert_ne!(a.digest(), Policy::default().digest());
    assert_eq!(a.exceptions_digest(), Policy::default().exceptions_digest());
    let with = |reason: &str, dir: &str| {
        let text = format!("[[exception]]\nadvisory = \"CVE-1\"\nreason = \"{reason}\"\nexpires = \"2027-01-01\"\n");
        Policy::parse(&text, &format!("{dir}/p.toml")).unwrap()
    };
    assert_eq!(with("x", "a").exceptions_digest(), with("x", "b").exceptions_digest());
    assert_ne!(with("x", "a").exceptions_digest(), with("y", "a").exceptions_digest());
    assert_eq!(with("x", "a").digest(), Policy::default().digest());
    assert_eq!(with("x", "a").exceptions()[0].id, "p.toml:1");
}

/// Digests that were pinned in reports before signals were a list; one that has rules on others is new.
#[test]
fn older_policies_keep_their_digests() {
    for (text, digest) in [
        ("", "sha256:a9ee714fe90d1ab2e4ee700daac387880aef35bcb9d3af8ecd8d0b05419c7ecd"),
        (
            "[findings]\nkev=\"warn\"\nepss-from=0.5\nstatus = { will_not_fix = \"ignore\" }\n",
            "sha256:f36bb79b66cf74d550cd9b2af0bd7152c1b64cd101b6f478441e2f362308ade6",
        ),
        (
            "[findings]\nkev=\"ignore\"\nepss-from=0.25\nepss=\"warn\"\n[[override]]\nreason=\"x\"\npackages=[\"pkg:npm/*\"]\nfindings = { epss-from = 0.5, kev = \"fail\" }\n",
            "sha256:d3bb08b8f2befe9ecc56e82b3401ae6bdb8c9be66d10def6a3f6807d760989e8",
        ),
    ] {
        assert_eq!(Policy::parse(text, "p").unwrap().digest().to_string(), digest, "{text}");
    }
    let with = |row: &str| Policy::parse(&format!("[[findings.signal]]\n{row}\neffect = \"fail\"\n"), "p").unwrap();
    let kinds = ["kind = \"a\"", "kind = \"b\"", "kind = \"a\"\nsource = \"s\"", "kind = \"a\"\nat-least = 0.5"];
    let digests: std::collections::BTreeSet<_> = kinds.map(|row| with(row).digest()).into();
    assert!(digests.len() == kinds.len() && !digests.contains(&Policy::default().digest()));
    let long = with("kind = \"exploited\"\nsource = \"cisa-kev\"");
    assert_eq!(long, Policy::default(), "the key `kev` is short for that row");
}

#[test]
fn mistakes_are_reported_with_their_line() {
    let exception = |rest: &str| format!("\n[[exception]]\n{rest}");
    let table = [
        ("[findings]\nfail-onn = \"high\"\n".to_owned(), 2, "unknown field `fail-onn`", "did you mean `fail-on`"),
        ("[findings]\nfail-on = \"grave\"\n".to_owned(), 2, "unknown threshold \"grave\"", ""),
        ("[findings]\nepss-from = \"50\"\n".to_owned(), 2, "invalid type", ""),
        ("[findings]\nepss-from = 50.0\n".to_owned(), 2, "not a probability", ""),
        ("[[findings.signal]]\neffect = \"fail\"\n".to_owned(), 1, "missing field `kind`", ""),
        ("[[findings.signal]]\nkind = \"x\"\n".to_owned(), 1, "missing field `effect`", ""),
        ("[[findings.signal]]\nkind = \"x\"\neffect = \"fail\"\nat-least = -1.0\n".to_owned(), 4, "not a value", ""),
        ("[[findings.signal]]\nkind = \"x\"\neffect = \"fail\"\natleast = 1.0\n".to_owned(), 4, "unknown field", ""),
        ("[gaps]\n\ncorrupt-layer = \"warn\"\n".to_owned(), 3, "unknown variant `corrupt-layer`", "corrupt_layer"),
        ("[gaps]\ncorrupt_layer = \"maybe\"\n".to_owned(), 2, "unknown variant `maybe`", ""),
        ("[unknown]\n".to_owned(), 1, "unknown field `unknown`", ""),
        ("version = 2\n".to_owned(), 1, "policy version 2", "version 1"),
        ("[findings\n".to_owned(), 1, "", ""),
        ("[licenses]\ndeny = [\n  \"MIT\",\n  \"MIT OR GPL\",\n]\n".to_owned(), 4, "is not one license", "SPDX"),
        ("[[override]]\npackages = [\"pkg:npm\"]\n".to_owned(), 2, "names no package", ""),
        (
            "[[override]]\npackages = [\"x\"]\ngaps = { hard_link = \"ignore\" }\n".to_owned(),
            2,
            "cannot change gaps",
            "",
        ),
        (exception("reason = \"r\"\nexpires = 2027-01-01\n"), 2, "exactly one", "advisory"),
        (exception("advisory = \"A\"\ncheck = \"b\"\nreason = \"r\"\nexpires = 2027-01-01\n"), 2, "exactly one", ""),
        (exception("advisory = \"A\"\nexpires = 2027-01-01\n"), 2, "no reason", "reason ="),
        (exception("advisory = \"A\"\nreason = \" \"\nexpires = 2027-01-01\n"), 4, "no reason", ""),
        (exception("advisory = \"A\"\nreason = \"r\"\n"), 2, "no last day", "never"),
        (exception("advisory = \"A\"\nreason = \"r\"\nexpires = \"2027-02-30\"\n"), 5, "is not a day", "year-month"),
        (exception("advisory = \"A\"\nreason = \"r\"\nexpires = 2027-01-01T10:00:00Z\n"), 5, "is not a day", ""),
        (exception("advisory = \"A\"\nreason = \"r\"\nexpires = 7\n"), 5, "expected a day", ""),
        (exception("advisory = \"*\"\nreason = \"r\"\nexpires = \"never\"\n"), 3, "except everything", ""),
        (exception("advisory = \"A\"\npackage = \"\"\nreason = \"r\"\nexpires = \"never\"\n"), 4, "empty", ""),
        (
            format!("{0}{0}", exception("id = \"X\"\nadvisory = \"A\"\nreason = \"r\"\nexpires = \"never\"\n")),
            8,
            "second exception",
            "unique",
        ),
    ];
    for (text, line, message, help) in table {
        let error = Policy::parse(&text, "dir/p.toml").expect_err(&text);
        assert_eq!(error.line, line, "{text}\n{error}");
        assert!(error.message.contains(message), "{text}\n{error}");
        assert!(error.help.as_deref().unwrap_or_default().contains(help), "{text}\n{error}");
        assert!(error.to_string().starts_with(&format!("dir/p.toml:{line}:")), "{error}");
    }
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let error = Policy::parse(&" ".repeat((4 << 20) + 1), "p").unwrap_err();
    assert!(error.to_string().contains("4194304 bytes"), "{error}");
}

#[test]
fn gap_effects_default_by_what_they_hide() {
    let policy = Policy::default();
    let rules = &policy.rules()[0];
    assert_eq!(rules.gaps.effect(GapKind::UnreadableDatabase), Effect::Error);
    assert_eq!(rules.gaps.effect(GapKind::EndOfLife), Effect::Warn);
}
