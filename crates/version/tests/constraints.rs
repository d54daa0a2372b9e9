//! Constraints of every language: what they allow and what not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_version::{Constraint, Event, Interval, Ranges, Scheme};

/// Scheme, constraint, versions inside, versions outside.
const TABLE: &[(Scheme, &str, &str, &str)] = &[
    (Scheme::Npm, "^1.2", "1.2.0 1.9.9 1.3.0-beta", "1.1.9 2.0.0 2.0.0-alpha"),
    (Scheme::Npm, "^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0 0.3.0-rc.1"),
    (Scheme::Npm, "^0.0.3", "0.0.3", "0.0.4 0.1.0"),
    (Scheme::Npm, "^0.x", "0.0.1 0.9.0", "1.0.0"),
    (Scheme::Npm, "~1.2.3", "1.2.3 1.2.9", "1.3.0 1.2.2"),
    (Scheme::Npm, "~1", "1.0.0 1.9.0", "2.0.0 0.9.0"),
    (Scheme::Npm, ">=1 <2 || 3.x", "1.0.0 1.5.0 3.0.0 3.9.1", "0.9.0 2.0.0 4.0.0"),
    (Scheme::Npm, "1.2.3 - 2.3", "1.2.3 2.3.9", "2.4.0 1.2.2"),
    (Scheme::Npm, "1.2.3 - 2.3.4", "1.2.3 2.3.4", "2.3.5 1.2.2"),
    (Scheme::Npm, "7.x || 8.x", "7.10.0 8.1.0", "6.0.0 9.0.0"),
    (Scheme::Npm, "^7.10.1 || ^8.1.4", "7.10.1 8.1.4", "7.10.0 8.1.3"),
    (Scheme::Npm, ">=6.0.0<6.11.1", "6.0.0 6.11.0", "6.11.1"),
    (Scheme::Npm, ">1.2", "1.3.0", "1.2.9 1.2.0"),
    (Scheme::Npm, "<=1.2", "1.2.9 0.1.0", "1.3.0 1.3.0-rc.1"),
    (Scheme::Npm, "*", "0.0.0 1.0.0-rc.1", ""),
    (Scheme::Npm, "", "0.0.0", ""),
    (Scheme::Npm, "= 1.2.3", "1.2.3 v1.2.3 1.2.3+build", "1.2.4"),
    (Scheme::Npm, "< 4.17.21", "4.17.20 4.17.21-beta", "4.17.21"),
    (Scheme::Cargo, "1.2.3", "1.2.3 1.9.0", "2.0.0 1.2.2"),
    (Scheme::Cargo, ">= 1.2.3, < 1.3", "1.2.3 1.2.99", "1.3.0"),
    (Scheme::Cargo, "^0.10.5", "0.10.5 0.10.9", "0.11.0 0.10.4"),
    (Scheme::Cargo, "< 0.6.3", "0.6.2 0.6.3-beta", "0.6.3"),
    (Scheme::Cargo, "=1.2", "1.2.0 1.2.9", "1.3.0"),
    (Scheme::RubyGems, "~> 1.2, >= 1.2.3", "1.2.3 1.9", "1.2.2 2.0 2.0.rc1"),
    (Scheme::RubyGems, "~> 2.3.8", "2.3.8 2.3.10", "2.4.0 2.4.0.beta 2.3.7"),
    (Scheme::RubyGems, "~> 1", "1.0 1.9", "2.0"),
    (Scheme::RubyGems, ">= 4.2.5.1", "4.2.5.1 5.0.0.beta1", "4.2.5"),
    (Scheme::RubyGems, "!= 1.3", "1.2 1.4", "1.3 1.3.0"),
    (Scheme::Packagist, ">=1.0,<2.0|>=3.0,<3.1.5", "1.0 1.0.0 v1.9.3 3.1.4", "2.0.0 3.1.5 0.9"),
    (Scheme::Packagist, ">=1.0.0", "1.0 v1.0 1.0.0.0", "0.9.9 1.0.0-beta1"),
    (Scheme::Packagist, "~1.2", "1.2.0 1.9.0", "2.0.0 2.0.0-alpha1 1.1"),
    (Scheme::Packagist, "~1.2.3", "1.2.3 1.2.9", "1.3.0"),
    (Scheme::Packagist, "^0.3", "0.3.0 0.3.9", "0.4.0"),
    (Scheme::Packagist, "1.0.*", "1.0.0 1.0.9", "1.1.0 1.1.0-dev"),
    (Scheme::Packagist, "1.0 - 2.0", "1.0.0 2.0.9", "2.1.0"),
    (Scheme::Packagist, "<=1,1.0.*", "1.0 v1.0.0", "1.0.1"),
    (Scheme::Packagist, "!=10,^10.0", "10.0.1", "10.0 10"),
    (Scheme::Packagist, "dev-master", "dev-master", "1.0.0"),
    (Scheme::Packagist, ">=1.0@dev", "1.0", "0.9"),
    (Scheme::Pep440, "~=1.4.2", "1.4.2 1.4.9 1.4.9.post1", "1.5 1.5.dev1 1.4.1"),
    (Scheme::Pep440, "~=1.4", "1.4 1.9", "2.0 2.0a1"),
    (Scheme::Pep440, "==1.2.*", "1.2 1.2.9 1.2rc1", "1.3 1.3.dev0"),
    (Scheme::Pep440, "!=1.2.*", "1.1 1.3", "1.2 1.2.5"),
    (Scheme::Pep440, ">=1.0,!=1.5,<2.0", "1.0 1.4 1.6 2.0rc1", "1.5 2.0"),
    (Scheme::Pep440, "<=1.0", "1.0 1.0+cu118 0.9", "1.0.post1"),
    (Scheme::Pep440, "==1.0", "1.0 1.0.0 1.0+local", "1.0.1"),
    (Scheme::Pep440, "==1.0+local", "1.0+local", "1.0"),
    (Scheme::Pep440, "(>=1!1.0)", "1!1.0 2!0", "5.0"),
    (Scheme::Maven, "[1.0,2.0)", "1.0 1.9 2.0-rc1", "2.0 0.9"),
    (Scheme::Maven, "(,1.0],[1.2,)", "0.1 1.0 1.2 9", "1.1"),
    (Scheme::Maven, "[1.5]", "1.5 1.5.0", "1.5.1"),
    (Scheme::Maven, "(1.0,1.5)", "1.1", "1.0 1.5"),
    (Scheme::Maven, ">= 2.0.0, < 2.15.0", "2.0.0 2.14.9", "2.15.0"),
    (Scheme::Nuget, "[1.0.0,2.0.0)", "1.0 1.9.9.9", "2.0.0"),
    (Scheme::Nuget, "1.0", "1.0 5.0", "0.9"),
    (Scheme::Nuget, "6.*", "6.0.0 6.9.1", "7.0.0 5.9"),
    (Scheme::Go, ">= 1.20.0, < 1.20.6", "v1.20.5 go1.20.5 1.20", "1.20.6 go1.20.6"),
    (Scheme::Hex, "~> 1.2 and != 1.2.5 or ~> 2.0.1", "1.3.0 2.0.9", "1.2.5 2.1.0"),
    (Scheme::Pub, "^0.1.2", "0.1.2 0.1.9", "0.2.0"),
    (Scheme::Pub, "any", "0.1.2", ""),
    (Scheme::Hackage, "^>=1.2.3 && <1.2.9", "1.2.3 1.2.8", "1.2.9 1.3"),
    (Scheme::Dpkg, "< 1.0~rc2", "1.0~rc1", "1.0~rc2 1.0"),
    (Scheme::Rpm, "< 1.2.3", "1.2.2-9.el9 0:1.2.2-9", "1.2.3-1.el9 1:1.0-1"),
    (Scheme::Rpm, "< 0:1.2.3-4.el9", "1.2.3-3.el9", "1.2.3-4.el9"),
    (Scheme::Apk, ">= 1.2.3 < 1.2.3-r4", "1.2.3-r3 1.2.3", "1.2.3-r4 1.2.3_rc1"),
];

#[test]
fn table() {
    for (scheme, text, inside, outside) in TABLE {
        let constraint = Constraint::parse(*scheme, text).unwrap();
        for version in inside.split_whitespace() {
            assert!(constraint.matches(version).unwrap(), "{scheme} {text:?} should allow {version}");
            assert!(!constraint.complement().matches(version).unwrap(), "{scheme} not {text:?}: {version}");
        }
        for version in outside.split_whitespace() {
            assert!(!constraint.matches(version).unwrap(), "{scheme} {text:?} should not allow {version}");
            assert!(constraint.complement().matches(version).unwrap(), "{scheme} not {text:?}: {version}");
        }
    }
}

#[test]
fn broken_constraints_are_errors() {
    for (scheme, text) in [
        (Scheme::Npm, ">="),
        (Scheme::Npm, ">= < 1"),
        (Scheme::Npm, "^foo"),
        (Scheme::Npm, "- 2.0.0"),
        (Scheme::Npm, "1.0.0 -"),
        (Scheme::Npm, "> banana"),
        (Scheme::Maven, "[1.0,2.0"),
        (Scheme::Maven, "(1.0)"),
        (Scheme::Maven, "[1,2,3]"),
        (Scheme::Maven, "[1,2) x [3,4)"),
        (Scheme::Dpkg, "< x:1"),
    ] {
        assert!(Constraint::parse(scheme, text).is_err(), "{scheme} {text:?}");
    }
    assert!(Constraint::parse(Scheme::Npm, &"1 ".repeat(9000)).is_err());
    assert!(Constraint::parse(Scheme::Npm, &">1 ".repeat(600)).is_err());
}

#[test]
fn several_constraints() {
    let patched = Constraint::parse_any(Scheme::RubyGems, ["~> 2.3.8", ">= 3.0.1"]).unwrap();
    assert!(patched.matches("3.0.1").unwrap() && !patched.matches("3.0.0").unwrap());
    let branch = Constraint::parse_all(Scheme::Packagist, [">=2.0.0", "<2.0.25"]).unwrap();
    assert!(branch.matches("v2.0.24").unwrap() && !branch.matches("v2.0.25").unwrap());
    assert!(!Constraint::parse_any(Scheme::Npm, []).unwrap().matches("1.0.0").unwrap());
    assert!(Constraint::parse_all(Scheme::Npm, []).unwrap().matches("1.0.0").unwrap());
}

#[test]
fn osv_events() {
    let intro = |v: &str| Event::Introduced(v.to_owned());
    let fixed = |v: &str| Event::Fixed(v.to_owned());
    let last = |v: &str| Event::LastAffected(v.to_owned());
    let limit = |v: &str| Event::Limit(v.to_owned());
    let table: Vec<(Scheme, Vec<Event>, &str, &str)> = vec![
        (Scheme::Npm, vec![intro("0"), fixed("1.2.3")], "0.0.1 1.2.3-beta 0.0.0-alpha", "1.2.3 2.0.0"),
        (
            Scheme::Npm,
            vec![fixed("2.1.0"), intro("2.0.0"), fixed("1.1.0"), intro("1.0.0")],
            "1.0.5 2.0.0",
            "1.1.0 2.1.0",
        ),
        (Scheme::Npm, vec![intro("1.0.0"), last("1.5.0")], "1.5.0", "1.5.1 0.9.0"),
        (Scheme::Npm, vec![intro("1.0.0")], "1.0.0 99.0.0", "0.9.0"),
        (Scheme::Npm, vec![intro("1.0.0"), limit("2.0.0")], "1.9.0", "2.0.0"),
        (Scheme::Npm, vec![intro("1.0.0"), limit("*")], "9.9.0", "0.1.0"),
        (Scheme::Npm, vec![intro("1.0.0"), fixed("1.0.0")], "", "1.0.0 1.0.1"),
        (Scheme::Npm, vec![intro("0"), fixed("1.0.0"), intro("1.0.0"), fixed("2.0.0")], "1.0.0 1.5.0", "2.0.0"),
        (Scheme::Dpkg, vec![intro("0"), fixed("1.0-1")], "0~1 1.0-0.1 1.0~rc1-1", "1.0-1 1:0.1"),
        (Scheme::Go, vec![intro("1.21.0-0"), fixed("1.21.4")], "go1.21 go1.21rc2 go1.21.3", "go1.20.9 go1.21.4"),
        (Scheme::Rpm, vec![intro("0"), fixed("1:1.1.1k-9.el8")], "1:1.1.1k-8.el8", "1:1.1.1k-9.el8 2:0-1"),
    ];
    for (scheme, events, inside, outside) in table {
        let mut ranges = Ranges::new(scheme);
        ranges.add_events(&events).unwrap();
        for version in inside.split_whitespace() {
            assert!(ranges.contains(version).unwrap(), "{scheme} {events:?} {version}");
        }
        for version in outside.split_whitespace() {
            assert!(!ranges.contains(version).unwrap(), "{scheme} {events:?} {version}");
        }
    }
    let mut ranges = Ranges::new(Scheme::Npm);
    assert!(ranges.add_events(&[intro("1.0.0"), fixed("never")]).is_err());
    assert!(ranges.is_empty());
    ranges.add_version("1.2.3");
    ranges.add_version("not-a-version");
    assert!(ranges.contains("v1.2.3").unwrap() && ranges.contains("not-a-version").unwrap());
    assert!(!ranges.contains("1.2.4").unwrap());
    assert!(ranges.contains("nothing-either").is_err());
}

#[test]
fn intervals_are_readable() {
    assert_eq!(Interval::at_least("1.0").before("2.0").to_string(), "[1.0, 2.0)");
    assert_eq!(Interval::all().up_to("3").to_string(), "(-∞, 3]");
    assert_eq!(Interval::after("3").to_string(), "(3, ∞)");
}
