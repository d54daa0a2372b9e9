//! RubyGems, and CocoaPods, whose `Pod::Version` is one with build metadata that does not count.
//!
//! Source: `Gem::Version` of RubyGems 3. A version is its runs of digits and runs of letters; a hyphen
//! reads as `.pre.`. Trailing zeros fall away, both of the numbers in front and of the rest. A word is
//! older than a number in the same place, and a missing place is the number zero, so that every
//! version with a word is a pre-release.

use std::cmp::Ordering;

use crate::digits;

/// How platforms begin (`1.13.10-x86_64-linux`, `2.0-java`).
const PLATFORMS: &[&str] = &[
    "aarch64",
    "amd64",
    "arm",
    "i386",
    "i486",
    "i586",
    "i686",
    "java",
    "jruby",
    "mingw",
    "mswin",
    "powerpc",
    "ppc",
    "riscv",
    "ruby",
    "s390",
    "sparc",
    "universal",
    "x64",
    "x86",
];

/// A gem's version against an advisory's: the platform for which it was built, which lockfiles and file names join to the
/// version, is no part of it.
pub(crate) fn against(version: &str, bound: &str) -> Ordering {
    let plain = version.split_once('-').filter(|(_, tail)| PLATFORMS.iter().any(|p| tail.starts_with(p)));
    compare(plain.map_or(version, |(plain, _)| plain), bound)
}

#[derive(Clone, Copy)]
enum Segment<'a> {
    Word(&'a [u8]),
    Number(&'a [u8]),
}

impl Segment<'_> {
    fn is_zero(self) -> bool {
        matches!(self, Segment::Number(n) if digits::is_zero(n))
    }

    fn cmp(self, other: Self) -> Ordering {
        match (self, other) {
            (Segment::Number(a), Segment::Number(b)) => digits::cmp(a, b),
            (Segment::Word(a), Segment::Word(b)) => a.cmp(b),
            (Segment::Word(_), Segment::Number(_)) => Ordering::Less,
            (Segment::Number(_), Segment::Word(_)) => Ordering::Greater,
        }
    }
}

/// The segments without the trailing zeros of the numbers in front and of the whole.
fn canonical(v: &str) -> Vec<Segment<'_>> {
    let mut out: Vec<Segment<'_>> = Vec::with_capacity(8);
    let mut rest = v.trim().as_bytes();
    let mut words = false;
    let trim = |out: &mut Vec<Segment<'_>>| {
        while out.last().is_some_and(|s| s.is_zero()) {
            out.pop();
        }
    };
    while let Some(c) = rest.first() {
        let word = match c {
            b'0'..=b'9' => {
                out.push(Segment::Number(digits::take_while(&mut rest, |c| c.is_ascii_digit())));
                continue;
            }
            b'-' => {
                rest = &rest[1..];
                Segment::Word(b"pre")
            }
            c if c.is_ascii_alphabetic() => Segment::Word(digits::take_while(&mut rest, |c| c.is_ascii_alphabetic())),
            _ => {
                rest = &rest[1..];
                continue;
            }
        };
        if !words {
            trim(&mut out);
            words = true;
        }
        out.push(word);
    }
    trim(&mut out);
    out
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (a, b) = (canonical(a), canonical(b));
    let zero = Segment::Number(&[]);
    (0..a.len().max(b.len()))
        .map(|i| a.get(i).copied().unwrap_or(zero).cmp(b.get(i).copied().unwrap_or(zero)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// CocoaPods: without the build metadata.
pub(crate) fn compare_pods(a: &str, b: &str) -> Ordering {
    let core = |v: &str| v.split_once('+').map_or(v.len(), |(head, _)| head.len());
    compare(&a[..core(a)], &b[..core(b)])
}
