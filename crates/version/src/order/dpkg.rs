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

/// A version taken apart; all borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'v> {
    epoch: &'v [u8],
    upstream: &'v [u8],
    revision: &'v [u8],
}

/// Takes a version apart, or shows what makes it unreadable.
pub(crate) fn read(v: &[u8]) -> Result<Parts<'_>, &'static str> {
    let digits = v.iter().take_while(|b| b.is_ascii_digit()).count();
    let (epoch, rest) = match v.get(digits) {
        Some(b':') if digits > 0 => (&v[..digits], &v[digits + 1..]),
        _ => (&[][..], v),
    };
    if !epoch.is_empty() && rest.is_empty() {
        return Err("nothing after the epoch");
    }
    if epoch.is_empty() && rest.contains(&b':') {
        return Err("the epoch is not a number");
    }
    let (upstream, revision) = match rest.iter().rposition(|b| *b == b'-') {
        Some(hyphen) => (&rest[..hyphen], &rest[hyphen + 1..]),
        None => (rest, &[][..]),
    };
    Ok(Parts { epoch, upstream, revision })
}

pub(crate) fn check(v: &str) -> Result<(), &'static str> {
    read(v.as_bytes()).map(drop)
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    match (read(a.as_bytes()), read(b.as_bytes())) {
        (Ok(a), Ok(b)) => order(&a, &b),
        // Neither is asked for: both were checked.
        _ => a.cmp(b),
    }
}

/// The order of two versions.
pub(crate) fn order(a: &Parts<'_>, b: &Parts<'_>) -> Ordering {
    let epochs = if a.epoch.is_empty() && b.epoch.is_empty() { Ordering::Equal } else { digits::cmp(a.epoch, b.epoch) };
    epochs.then_with(|| part(a.upstream, b.upstream)).then_with(|| part(a.revision, b.revision))
}

/// The weight of each byte in a run of non-digits; a digit weighs as much as the end, nothing.
const WEIGHTS: [i16; 256] = {
    let mut weights = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        weights[byte] = match c {
            b'0'..=b'9' => 0,
            b'~' => -1,
            b'a'..=b'z' | b'A'..=b'Z' => byte as i16,
            _ => byte as i16 + 256,
        };
        byte += 1;
    }
    weights
};

/// Compares two upstream versions or two revisions. One walk by index: this is the hot loop of matching.
fn part(a: &[u8], b: &[u8]) -> Ordering {
    let digit = |v: &[u8], i: usize| v.get(i).is_some_and(u8::is_ascii_digit);
    let text = |v: &[u8], i: usize| v.get(i).is_some_and(|c| !c.is_ascii_digit());
    let weight = |v: &[u8], i: usize| v.get(i).map_or(0, |c| WEIGHTS[usize::from(*c)]);
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        while text(a, i) || text(b, j) {
            let (x, y) = (weight(a, i), weight(b, j));
            if x != y {
                return x.cmp(&y);
            }
            i += 1;
            j += 1;
        }
        while a.get(i) == Some(&b'0') {
            i += 1;
        }
        while b.get(j) == Some(&b'0') {
            j += 1;
        }
        // Numbers without leading zeros: the longer is greater, else the first digit that differs decides.
        let mut first = Ordering::Equal;
        while digit(a, i) && digit(b, j) {
            first = first.then(a[i].cmp(&b[j]));
            i += 1;
            j += 1;
        }
        match (digit(a, i), digit(b, j)) {
            (true, _) => return Ordering::Greater,
            (_, true) => return Ordering::Less,
            _ if first.is_ne() => return first,
            _ => {}
        }
    }
    Ordering::Equal
}
