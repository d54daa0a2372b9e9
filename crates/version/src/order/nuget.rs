//! NuGet packages.
//!
//! Source: the NuGet documentation on package versioning and `NuGet.Versioning.VersionComparer`:
//! semantic versions with a fourth number (the revision), missing numbers are zero, pre-release
//! labels compare without regard to case, build metadata has no part in the order.

use std::cmp::Ordering;

use super::semver;
use crate::digits;

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (semver::split(a, 4), semver::split(b, 4));
    digits::cmp_dotted_padded(a.numbers, b.numbers).then_with(|| match (a.pre.is_empty(), b.pre.is_empty()) {
        (false, false) => labels(a.pre, b.pre),
        (x, y) => x.cmp(&y),
    })
}

fn fold(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().map(u8::to_ascii_lowercase)
}

fn labels(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a.split(|c| *c == b'.'), b.split(|c| *c == b'.'));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => {
                let order = match (digits::is_number(x), digits::is_number(y)) {
                    (false, false) => fold(x).cmp(fold(y)),
                    _ => semver::identifier(x, y),
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
        }
    }
}
