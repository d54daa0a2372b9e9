//! Semantic versions 2.0 as npm, Cargo, Hex, Swift, Julia and GitHub Actions write them.
//!
//! Source: semver.org 2.0.0, clause 11. Read with the leniency that real data needs: a leading `v` or
//! `=`, missing minor and patch (zero), `1.2.3rc1` without the hyphen (npm's loose mode), and whatever
//! follows a third number with a dot counts as build metadata, which has no part in the order. Numbers
//! have no limit. What does not begin with a number (`latest`, `workspace:*`) is refused.

use std::cmp::Ordering;

use crate::digits;

/// A version taken apart; all borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    /// The leading numbers with their dots, at most as many as the scheme has.
    pub(crate) numbers: &'a [u8],
    /// The pre-release without its hyphen, empty when there is none.
    pub(crate) pre: &'a [u8],
    /// Whether the pre-release stood there without a hyphen (`1.21rc1`).
    pub(crate) glued: bool,
    /// The build metadata without its plus.
    pub(crate) build: &'a [u8],
}

/// Without blanks, `=` and `v` in front.
pub(crate) fn strip_prefix(v: &str) -> &str {
    let v = v.trim().trim_start_matches('=').trim_start();
    match v.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => v,
    }
}

/// Takes a version with at most `max` leading numbers apart.
pub(crate) fn split(v: &str, max: usize) -> Parts<'_> {
    let v = strip_prefix(v).as_bytes();
    let mut rest = v;
    digits::take_while(&mut rest, |c| c.is_ascii_digit());
    for _ in 1..max {
        match rest {
            [b'.', d, ..] if d.is_ascii_digit() => {
                rest = &rest[1..];
                digits::take_while(&mut rest, |c| c.is_ascii_digit());
            }
            _ => break,
        }
    }
    let numbers = &v[..v.len() - rest.len()];
    let (pre, build) = match rest.iter().position(|c| *c == b'+') {
        Some(plus) => (&rest[..plus], &rest[plus + 1..]),
        None => (rest, &[][..]),
    };
    match pre.first() {
        None => Parts { numbers, pre, glued: false, build },
        Some(b'-') => Parts { numbers, pre: &pre[1..], glued: false, build },
        Some(c) if c.is_ascii_alphabetic() => Parts { numbers, pre, glued: true, build },
        Some(_) => Parts { numbers, pre: &[], glued: false, build: rest },
    }
}

pub(crate) fn check(v: &str) -> Result<(), &'static str> {
    if strip_prefix(v).starts_with(|c: char| c.is_ascii_digit()) {
        Ok(())
    } else {
        Err("it does not begin with a number")
    }
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    order(&split(a, 3), &split(b, 3))
}

/// The order of two versions, build metadata apart.
pub(crate) fn order(a: &Parts<'_>, b: &Parts<'_>) -> Ordering {
    digits::cmp_dotted_padded(a.numbers, b.numbers).then_with(|| pre_release(a.pre, b.pre))
}

/// A version without pre-release is newer than any with one.
pub(crate) fn pre_release(a: &[u8], b: &[u8]) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => identifiers(a, b),
    }
}

/// Dot-separated identifiers from the left; a longer list is newer when all before is equal.
pub(crate) fn identifiers(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a.split(|c| *c == b'.'), b.split(|c| *c == b'.'));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match identifier(x, y) {
                Ordering::Equal => {}
                other => return other,
            },
        }
    }
}

/// Numbers by value, before all words; words by their ASCII text.
pub(crate) fn identifier(a: &[u8], b: &[u8]) -> Ordering {
    match (digits::is_number(a), digits::is_number(b)) {
        (true, true) => digits::cmp(a, b),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}
