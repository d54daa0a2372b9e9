//! What must hold for every text: no panic, antisymmetry, transitivity, and equality with itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::cmp::Ordering;

use layergate_version::{Constraint, Event, MAX_VERSION_LEN, Ranges, Scheme};
use proptest::prelude::*;

/// Texts made of what the schemes give a meaning to, so that most differences are in one place only.
fn version() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "0", "1", "2", "10", "00", "01", "a", "b", "rc", "alpha", "p", "dev", "x", "final", "ga", "sp", "post", "pre",
        "Z", ".", "-", "_", "+", "~", "^", ":", "-r1", "_rc1", "_p2", "!", "é", "v", " ",
    ]);
    (prop::sample::select(vec!["0", "1", "v1", "2", ""]), prop::collection::vec(piece, 0..7))
        .prop_map(|(head, pieces)| format!("{head}{}", pieces.concat()))
}

/// Versions as they are released: numbers with dots, and perhaps one tag with a number.
fn plain_version() -> impl Strategy<Value = String> {
    let number = prop::sample::select(vec!["0", "1", "2", "10"]);
    let tag = prop::sample::select(vec![
        "",
        "-alpha",
        "-beta1",
        "-rc1",
        "-rc2",
        ".RC1",
        "-SNAPSHOT",
        ".Final",
        "-sp1",
        "-jre",
        "-1",
    ]);
    (prop::collection::vec(number, 1..4), tag).prop_map(|(numbers, tag)| format!("{}{tag}", numbers.join(".")))
}

fn check_triple(scheme: Scheme, a: &str, b: &str, c: &str) -> Result<(), TestCaseError> {
    let (Ok(ab), Ok(bc), Ok(ac)) = (scheme.compare(a, b), scheme.compare(b, c), scheme.compare(a, c)) else {
        return Ok(());
    };
    prop_assert_eq!(scheme.compare(b, a), Ok(ab.reverse()), "{} {:?} {:?}", scheme, a, b);
    prop_assert_eq!(scheme.compare(a, a), Ok(Ordering::Equal), "{} {:?}", scheme, a);
    let expected = match (ab, bc) {
        (Ordering::Equal, other) | (other, Ordering::Equal) => Some(other),
        (x, y) if x == y => Some(x),
        _ => None,
    };
    if let Some(expected) = expected {
        prop_assert_eq!(ac, expected, "{} {:?} {:?} {:?}", scheme, a, b, c);
    }
    Ok(())
}

/// Tools whose own order is not transitive for every text; it is for releases, and it is antisymmetric.
const LOOSE: [Scheme; 2] = [Scheme::Maven, Scheme::Alpm];

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_order_is_total(a in version(), b in version(), c in version()) {
        for scheme in Scheme::all().filter(|s| !LOOSE.contains(s)) {
            check_triple(scheme, &a, &b, &c)?;
        }
    }

    #[test]
    fn every_order_is_total_over_releases(a in plain_version(), b in plain_version(), c in plain_version()) {
        for scheme in Scheme::all() {
            check_triple(scheme, &a, &b, &c)?;
        }
    }

    #[test]
    fn the_loose_are_antisymmetric(a in version(), b in version()) {
        for scheme in LOOSE {
            if let (Ok(x), Ok(y)) = (scheme.compare(&a, &b), scheme.compare(&b, &a)) {
                prop_assert_eq!(x, y.reverse());
            }
        }
    }

    #[test]
    fn nothing_panics(a in "\\PC{0,40}", b in "\\PC{0,40}", constraint in "[<>=~^!|, *x0-9a-z.()\\[\\]-]{0,30}") {
        for scheme in Scheme::all() {
            let _ = scheme.compare(&a, &b);
            let _ = scheme.compare_to_bound(&a, &b);
            for text in [&a, &constraint] {
                if let Ok(constraint) = Constraint::parse(scheme, text) {
                    let _ = constraint.matches(&b);
                    let _ = constraint.complement().matches(&b);
                }
            }
            let mut ranges = Ranges::new(scheme);
            let _ = ranges.add_events(&[Event::Introduced(a.clone()), Event::Fixed(b.clone())]);
            let _ = ranges.contains(&b);
        }
    }
}

/// The longest texts of every kind of nesting: time and stack stay bounded.
#[test]
fn longest_texts() {
    for unit in ["1", "1.", "1-", "a1", "-", ".", "~", "^", "1a", "_rc", "0"] {
        let text: String = unit.repeat(MAX_VERSION_LEN).chars().take(MAX_VERSION_LEN).collect();
        let other = format!("{}2", &text[..MAX_VERSION_LEN - 1]);
        for scheme in Scheme::all() {
            if let Ok(order) = scheme.compare(&text, &other) {
                assert_eq!(scheme.compare(&other, &text).unwrap(), order.reverse(), "{scheme} {unit}");
            }
        }
    }
}
