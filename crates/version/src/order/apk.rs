//! Alpine, Wolfi, Chainguard and everything else that installs with apk:
//! `number{.number}…{letter}{_suffix{number}}…{~hash}{-rN}`.
//!
//! Source: apk-package(5) and `src/version.c` of apk-tools 2.14 and 3. Two versions are read token by
//! token; the first difference decides. Where the kinds of token differ, the version that goes on is
//! newer, unless it goes on with a suffix of a pre-release (`_alpha _beta _pre _rc`). A number after the
//! first that begins with a zero makes both numbers of that place compare as text, as decimals do.
//!
//! Text outside of the grammar: apk compares up to the first bad place, and there a bad version is
//! older than one that ends. Where both are bad at the same place apk says that they are equal (older
//! versions of it say other things); here the rest then compares as text, so that two different bad
//! versions have an order, except after a `-`, where build revisions would be. The same rule lets
//! `-r` without a number stand for `-r0`.

use std::cmp::Ordering;

use crate::digits;

/// The kinds of token, from the one whose presence makes a version oldest to the newest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    PreSuffix,
    Bad,
    End,
    Revision,
    Hash,
    SuffixNumber,
    PostSuffix,
    Letter,
    Number,
    FirstNumber,
}

struct Token<'a> {
    kind: Kind,
    text: &'a [u8],
    rank: u8,
}

/// The suffixes before and after the release, each in its order.
const PRE: [&[u8]; 4] = [b"alpha", b"beta", b"pre", b"rc"];
const POST: [&[u8]; 5] = [b"cvs", b"svn", b"git", b"hg", b"p"];

/// Reads the token at the front of `rest`; `last` is the kind of the token before it.
fn next<'a>(last: Option<Kind>, rest: &mut &'a [u8]) -> Token<'a> {
    let whole = *rest;
    let bad = Token { kind: Kind::Bad, text: whole, rank: 0 };
    let Some(last) = last else {
        let text = digits::take_while(rest, |c| c.is_ascii_digit());
        return if text.is_empty() { bad } else { Token { kind: Kind::FirstNumber, text, rank: 0 } };
    };
    let Some(first) = whole.first() else {
        return Token { kind: Kind::End, text: whole, rank: 0 };
    };
    // How far the version has come: what may still follow is decided by this alone.
    let numbers = matches!(last, Kind::FirstNumber | Kind::Number);
    let suffixes = matches!(last, Kind::PreSuffix | Kind::PostSuffix);
    match first {
        b'a'..=b'z' if numbers => {
            *rest = &whole[1..];
            Token { kind: Kind::Letter, text: &whole[..1], rank: 0 }
        }
        b'.' if numbers => {
            *rest = &whole[1..];
            let text = digits::take_while(rest, |c| c.is_ascii_digit());
            if text.is_empty() { bad } else { Token { kind: Kind::Number, text, rank: 0 } }
        }
        b'0'..=b'9' if suffixes => {
            let text = digits::take_while(rest, |c| c.is_ascii_digit());
            Token { kind: Kind::SuffixNumber, text, rank: 0 }
        }
        b'_' if numbers || suffixes || matches!(last, Kind::Letter | Kind::SuffixNumber) => {
            *rest = &whole[1..];
            let text = digits::take_while(rest, |c| c.is_ascii_lowercase());
            let rank = |list: &[&[u8]]| list.iter().position(|s| *s == text).map(|i| i as u8);
            match (rank(&PRE), rank(&POST)) {
                (Some(rank), _) => Token { kind: Kind::PreSuffix, text, rank },
                (_, Some(rank)) => Token { kind: Kind::PostSuffix, text, rank },
                _ => bad,
            }
        }
        b'~' if !matches!(last, Kind::Hash | Kind::Revision) => {
            *rest = &whole[1..];
            let text = digits::take_while(rest, |c| c.is_ascii_hexdigit());
            if text.is_empty() { bad } else { Token { kind: Kind::Hash, text, rank: 0 } }
        }
        b'-' if last != Kind::Revision && whole.get(1) == Some(&b'r') => {
            *rest = &whole[2..];
            let text = digits::take_while(rest, |c| c.is_ascii_digit());
            if text.is_empty() && rest.first().is_some_and(|c| *c != b'-') {
                *rest = whole;
                return bad;
            }
            Token { kind: Kind::Revision, text, rank: 0 }
        }
        _ => bad,
    }
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    let mut last = None;
    loop {
        let (x, y) = (next(last, &mut a), next(last, &mut b));
        if x.kind != y.kind {
            return x.kind.cmp(&y.kind);
        }
        let order = match x.kind {
            Kind::End => return Ordering::Equal,
            Kind::Bad => return rest_of_bad(x.text, y.text),
            Kind::FirstNumber | Kind::SuffixNumber | Kind::Revision => digits::cmp(x.text, y.text),
            Kind::Number if x.text[0] == b'0' || y.text[0] == b'0' => x.text.cmp(y.text),
            Kind::Number => digits::cmp(x.text, y.text),
            Kind::Letter | Kind::Hash => x.text.cmp(y.text),
            Kind::PreSuffix | Kind::PostSuffix => x.rank.cmp(&y.rank),
        };
        if order != Ordering::Equal {
            return order;
        }
        last = Some(x.kind);
    }
}

/// Two versions that leave the grammar at the same place: by the text from there, all those that
/// leave it with a hyphen being the same.
fn rest_of_bad(a: &[u8], b: &[u8]) -> Ordering {
    match (a.first() == Some(&b'-'), b.first() == Some(&b'-')) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}
