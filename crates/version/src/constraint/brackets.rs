//! Intervals in brackets, as Maven and NuGet write them: `[1.0,2.0)`, `(,1.5]`, `[1.2]`, and several of them with
//! commas between.
//!
//! Sources: the POM reference ("dependency version requirement specification"), NuGet's "version ranges".

use super::{MAX_TERMS, Why};
use crate::{Interval, Scheme};

/// Reads a list of bracketed intervals; `None` when the text is not one.
pub(super) fn read(scheme: Scheme, text: &str) -> Result<Option<Vec<Interval>>, Why> {
    let mut rest = text.trim();
    if !starts(rest) {
        return Ok(None);
    }
    let mut out = Vec::new();
    loop {
        let open_inclusive = rest.starts_with('[');
        let inner = &rest[1..];
        let Some(end) = inner.find([']', ')']) else { return Err(Why::Text("a bracket is not closed")) };
        let close_inclusive = inner[end..].starts_with(']');
        let body = &inner[..end];
        let interval = match body.split_once(',') {
            Some((lower, upper)) => {
                let (lower, upper) = (lower.trim(), upper.trim());
                if upper.contains(',') {
                    return Err(Why::Text("more than two ends in a bracket"));
                }
                let begin = match (lower, open_inclusive) {
                    ("", _) => Interval::all(),
                    (v, true) => Interval::at_least(v),
                    (v, false) => Interval::after(v),
                };
                match (upper, close_inclusive) {
                    ("", _) => begin,
                    (v, true) => begin.up_to(v),
                    (v, false) => begin.before(v),
                }
            }
            None if open_inclusive && close_inclusive => Interval::exactly(body.trim()),
            None => return Err(Why::Text("one version needs square brackets")),
        };
        for bound in [&interval.lower, &interval.upper].into_iter().flatten() {
            scheme.parse(&bound.version)?;
        }
        out.push(interval);
        if out.len() > MAX_TERMS {
            return Err(Why::Text("too many terms"));
        }
        rest = inner[end + 1..].trim_start_matches(|c: char| c == ',' || c == '|' || c.is_whitespace());
        if rest.is_empty() {
            return Ok(Some(out));
        }
        if !starts(rest) {
            return Err(Why::Text("something stands between brackets"));
        }
    }
}

/// A bracket, and not the parenthesis around a comparison (`(>=1.0)`).
fn starts(text: &str) -> bool {
    let inner = text.strip_prefix(['[', '(']).map(str::trim_start);
    inner.is_some_and(|inner| !inner.starts_with(['<', '>', '=', '!', '~', '^']))
}
