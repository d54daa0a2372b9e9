//! Schemes whose versions are plain lists of numbers: Hackage and CRAN.
//!
//! Sources: the Haskell Package Versioning Policy and Cabal's `Version` (numbers with dots; an old
//! style tag `-tag` does not count), and R's `package_version` (numbers with dots or hyphens). In both
//! a list that goes on is newer: `1.0 < 1.0.0`.

use std::cmp::Ordering;

use crate::digits;

fn lists<'a>(mut a: impl Iterator<Item = &'a [u8]>, mut b: impl Iterator<Item = &'a [u8]>) -> Ordering {
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match (digits::is_number(x), digits::is_number(y)) {
                (true, true) => digits::cmp(x, y),
                // Neither tool reads a word; it is put before all numbers.
                (x_number, y_number) => x_number.cmp(&y_number).then_with(|| x.cmp(y)),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

pub(crate) fn compare_hackage(a: &str, b: &str) -> Ordering {
    let core = |v: &'_ str| v.find('-').unwrap_or(v.len());
    let (a, b) = (&a.trim()[..core(a.trim())], &b.trim()[..core(b.trim())]);
    lists(a.as_bytes().split(|c| *c == b'.'), b.as_bytes().split(|c| *c == b'.'))
}

pub(crate) fn compare_cran(a: &str, b: &str) -> Ordering {
    let separator = |c: &u8| matches!(c, b'.' | b'-');
    lists(a.trim().as_bytes().split(separator), b.trim().as_bytes().split(separator))
}
