//! Software that follows no known scheme: binaries found by their strings, appliances, kernels.
//!
//! There is no specification. The order is what people expect of most version numbers: runs of digits
//! by value, runs of letters by their text without case, separators only separate, a word that announces
//! a release (`alpha`, `beta`, `rc`, `pre`, `dev`, `snapshot`, …) sorts before the end, every other word
//! after it (`1.0.2 < 1.0.2k`), and a number after every word. Zeros up to a word or to the end say nothing
//! (`1.0` is `1`, `1.0rc1` is `1rc1`).

use std::cmp::Ordering;

use crate::digits;

enum Token<'a> {
    Early(&'a [u8]),
    End,
    Word(&'a [u8]),
    Number(&'a [u8]),
}

const EARLY: [&str; 12] =
    ["alpha", "beta", "rc", "pre", "preview", "dev", "devel", "snapshot", "milestone", "nightly", "test", "ea"];

fn next<'a>(rest: &mut &'a [u8]) -> Token<'a> {
    digits::take_while(rest, |c| !c.is_ascii_alphanumeric());
    if rest.first().is_some_and(u8::is_ascii_digit) {
        let mut ahead = *rest;
        digits::take_while(&mut ahead, |c| c == b'0' || !c.is_ascii_alphanumeric());
        if ahead.first().is_some_and(u8::is_ascii_digit) {
            return Token::Number(digits::take_while(rest, |c| c.is_ascii_digit()));
        }
        // Zeros up to a word or to the end say nothing.
        *rest = ahead;
    }
    if rest.is_empty() {
        return Token::End;
    }
    let word = digits::take_while(rest, |c| c.is_ascii_alphabetic());
    if EARLY.iter().any(|e| word.eq_ignore_ascii_case(e.as_bytes())) { Token::Early(word) } else { Token::Word(word) }
}

fn rank(token: &Token<'_>) -> u8 {
    match token {
        Token::Early(_) => 0,
        Token::End => 1,
        Token::Word(_) => 2,
        Token::Number(_) => 3,
    }
}

fn fold(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().map(u8::to_ascii_lowercase)
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let strip = |v: &'_ str| {
        let v = v.trim_start();
        usize::from(v.starts_with(['v', 'V']) && v[1..].starts_with(|c: char| c.is_ascii_digit()))
    };
    let mut a = &a.trim_start().as_bytes()[strip(a)..];
    let mut b = &b.trim_start().as_bytes()[strip(b)..];
    loop {
        let (x, y) = (next(&mut a), next(&mut b));
        let order = match (&x, &y) {
            (Token::End, Token::End) => return Ordering::Equal,
            (Token::Number(x), Token::Number(y)) => digits::cmp(x, y),
            (Token::Word(x), Token::Word(y)) | (Token::Early(x), Token::Early(y)) => fold(x).cmp(fold(y)),
            _ => rank(&x).cmp(&rank(&y)),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}
