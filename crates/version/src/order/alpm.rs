//! Arch Linux and its children, which install with pacman: `[epoch:]version[-release]`.
//!
//! Source: vercmp(8) and libalpm's `version.c`: rpm's segments without `~` and `^`, with two rules of
//! its own: more separators in a row are newer than fewer, and letters at the end are a pre-release
//! (`1.0rc < 1.0 < 1.0.1`).
//!
//! [`compare`] puts a missing release before any release; [`against`] ignores the release when one
//! side has none, as vercmp does.

use std::cmp::Ordering;

use crate::digits;

fn split(v: &[u8]) -> (&[u8], &[u8], Option<&[u8]>) {
    let digits = v.iter().take_while(|b| b.is_ascii_digit()).count();
    let (epoch, rest) = if v.get(digits) == Some(&b':') { (&v[..digits], &v[digits + 1..]) } else { (&[][..], v) };
    match rest.iter().rposition(|b| *b == b'-') {
        Some(hyphen) => (epoch, &rest[..hyphen], Some(&rest[hyphen + 1..])),
        None => (epoch, rest, None),
    }
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let release = |a: &str| split(a.as_bytes()).2.is_some();
    against(a, b).then_with(|| release(a).cmp(&release(b)))
}

/// The order of a package's version and a bound.
pub(crate) fn against(version: &str, bound: &str) -> Ordering {
    let (ea, va, ra) = split(version.as_bytes());
    let (eb, vb, rb) = split(bound.as_bytes());
    digits::cmp(ea, eb).then_with(|| segments(va, vb)).then_with(|| match (ra, rb) {
        (Some(ra), Some(rb)) => segments(ra, rb),
        _ => Ordering::Equal,
    })
}

fn segments(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let alpha = |v: &[u8]| v.first().is_some_and(u8::is_ascii_alphabetic);
    while !a.is_empty() && !b.is_empty() {
        let x = digits::take_while(&mut a, |c| !c.is_ascii_alphanumeric());
        let y = digits::take_while(&mut b, |c| !c.is_ascii_alphanumeric());
        if a.is_empty() || b.is_empty() {
            break;
        }
        if x.len() != y.len() {
            return x.len().cmp(&y.len());
        }
        let order = match (a[0].is_ascii_digit(), b[0].is_ascii_digit()) {
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (true, true) => digits::cmp(
                digits::take_while(&mut a, |c| c.is_ascii_digit()),
                digits::take_while(&mut b, |c| c.is_ascii_digit()),
            ),
            (false, false) => digits::take_while(&mut a, |c| c.is_ascii_alphabetic())
                .cmp(digits::take_while(&mut b, |c| c.is_ascii_alphabetic())),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) if alpha(b) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, _) if alpha(a) => Ordering::Less,
        (false, _) => Ordering::Greater,
    }
}
