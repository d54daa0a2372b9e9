//! Conan packages (C and C++).
//!
//! Source: the Conan 2 documentation and its `Version` class: like semver with any number of places,
//! each a number or a word, trailing zeros falling away, and build metadata taking part in the order. Where a number meets
//! a word in the same place Conan compares them as text, which is not transitive; here the number is older.

use std::cmp::Ordering;

use super::semver;

fn split(v: &str) -> (&[u8], &[u8], &[u8]) {
    let v = v.trim().as_bytes();
    let (v, build) = match v.iter().position(|c| *c == b'+') {
        Some(plus) => (&v[..plus], &v[plus + 1..]),
        None => (v, &[][..]),
    };
    match v.iter().position(|c| *c == b'-') {
        Some(hyphen) => (&v[..hyphen], &v[hyphen + 1..], build),
        None => (v, &[][..], build),
    }
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let ((ca, pa, ba), (cb, pb, bb)) = (split(a), split(b));
    core(ca, cb).then_with(|| semver::pre_release(pa, pb)).then_with(|| match (ba.is_empty(), bb.is_empty()) {
        (false, false) => semver::identifiers(ba, bb),
        (x, y) => y.cmp(&x),
    })
}

fn core(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a.split(|c| *c == b'.'), b.split(|c| *c == b'.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) => semver::identifier(x.unwrap_or(b"0"), y.unwrap_or(b"0")),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

pub(crate) fn check(v: &str) -> Result<(), &'static str> {
    if v.trim().starts_with('[') { Err("it is a range, not a version") } else { Ok(()) }
}
