//! Red Hat, SUSE, Amazon, Azure Linux and everything else that installs with rpm:
//! `[epoch:]version[-release]`.
//!
//! Source: rpm's `rpmvercmp` and its manual on versions ("rpm-version(7)"): segments of digits or of ASCII letters,
//! everything else only separates; a number is newer than letters; `~` sorts before everything, even
//! the end; `^` sorts after the end and before everything else. An epoch is digits before the first
//! colon, with nothing else before it; the release begins after the last hyphen.
//!
//! [`compare`] is the order of full EVR strings, where a missing release sorts before any release.
//! [`against`] is how rpm matches a package against a bound: if either side has no release, only
//! epoch and version count.

use std::cmp::Ordering;

use crate::digits;

/// A version taken apart; all borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'v> {
    epoch: &'v [u8],
    version: &'v [u8],
    release: Option<&'v [u8]>,
}

/// Epoch, version, release.
pub(crate) fn split(v: &[u8]) -> Parts<'_> {
    let digits = v.iter().take_while(|b| b.is_ascii_digit()).count();
    let (epoch, rest) = if v.get(digits) == Some(&b':') { (&v[..digits], &v[digits + 1..]) } else { (&[][..], v) };
    match rest.iter().rposition(|b| *b == b'-') {
        Some(hyphen) => Parts { epoch, version: &rest[..hyphen], release: Some(&rest[hyphen + 1..]) },
        None => Parts { epoch, version: rest, release: None },
    }
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (a, b) = (split(a.as_bytes()), split(b.as_bytes()));
    against(&a, &b).then_with(|| a.release.is_some().cmp(&b.release.is_some()))
}

/// The order of a package's version and an advisory's bound: the release counts where both have one.
pub(crate) fn against(version: &Parts<'_>, bound: &Parts<'_>) -> Ordering {
    digits::cmp(version.epoch, bound.epoch).then_with(|| segments(version.version, bound.version)).then_with(|| match (
        version.release,
        bound.release,
    ) {
        (Some(a), Some(b)) => segments(a, b),
        _ => Ordering::Equal,
    })
}

/// `rpmvercmp`: two versions or two releases.
fn segments(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let separator = |c: u8| !c.is_ascii_alphanumeric() && c != b'~' && c != b'^';
    loop {
        digits::take_while(&mut a, separator);
        digits::take_while(&mut b, separator);
        match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                a = &a[1..];
                b = &b[1..];
            }
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(b'^'), _) => return Ordering::Less,
            (_, Some(b'^')) => return Ordering::Greater,
            (Some(x), Some(y)) => {
                let order = match (x.is_ascii_digit(), y.is_ascii_digit()) {
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
        }
    }
}
