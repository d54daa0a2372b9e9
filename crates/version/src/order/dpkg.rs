//! Debian, Ubuntu and everything else that installs with dpkg: `[epoch:]upstream[-revision]`.
//!
//! Source: deb-version(7), and the order that `dpkg --compare-versions` gives. The upstream part and
//! the revision are each read as alternating runs of non-digits and digits. Among non-digits a tilde
//! sorts before everything, even the end; then the end; then letters; then all other characters.
//! A missing epoch is 0, a missing revision equals `0`.
//!
//! Only what makes the text unreadable is refused (an epoch that is no number): real status files
//! hold versions with characters that policy forbids, and dpkg itself compares them with a warning.

use std::cmp::Ordering;

use crate::digits;

/// Epoch, upstream version, revision.
fn split(v: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (epoch, rest) = match v.iter().position(|b| *b == b':') {
        Some(colon) => (&v[..colon], &v[colon + 1..]),
        None => (&[][..], v),
    };
    match rest.iter().rposition(|b| *b == b'-') {
        Some(hyphen) => (epoch, &rest[..hyphen], &rest[hyphen + 1..]),
        None => (epoch, rest, &[][..]),
    }
}

pub(crate) fn check(v: &str) -> Result<(), &'static str> {
    match v.split_once(':') {
        Some((epoch, _)) if !digits::is_number(epoch.as_bytes()) => Err("the epoch is not a number"),
        Some((_, "")) => Err("nothing after the epoch"),
        _ => Ok(()),
    }
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (ea, ua, ra) = split(a.as_bytes());
    let (eb, ub, rb) = split(b.as_bytes());
    digits::cmp(ea, eb).then_with(|| part(ua, ub)).then_with(|| part(ra, rb))
}

/// The weight of a byte in a run of non-digits; a digit or the end weighs 0.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(b) if b.is_ascii_digit() => 0,
        Some(b) if b.is_ascii_alphabetic() => i32::from(*b),
        Some(b) => i32::from(*b) + 256,
    }
}

/// Compares two upstream versions or two revisions.
fn part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let text = |v: &[u8]| v.first().is_some_and(|c| !c.is_ascii_digit());
        while text(a) || text(b) {
            match weight(a.first()).cmp(&weight(b.first())) {
                Ordering::Equal => {}
                other => return other,
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let x = digits::take_while(&mut a, |c| c.is_ascii_digit());
        let y = digits::take_while(&mut b, |c| c.is_ascii_digit());
        match digits::cmp(x, y) {
            Ordering::Equal => {}
            other => return other,
        }
    }
    Ordering::Equal
}
