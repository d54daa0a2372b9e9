//! Declared licences: SPDX expressions in canonical spelling where they can be read as such, else the words as written
//! (SPDX specification 2.3, annex D). Nothing is guessed.

/// Characters of a licence that is no SPDX expression which are kept; some packages put whole texts there.
const MAX_WORDS: usize = 200;
/// Longest text that is tried as an expression.
const MAX_EXPRESSION: usize = 2000;
/// Deepest nesting of parentheses that is tried.
const MAX_NESTING: usize = 32;

/// One declared licence, as a list of none or one.
pub(crate) fn one(text: &str) -> Vec<String> {
    normal(text).into_iter().collect()
}

/// The licence in canonical spelling; `None` for what says nothing.
pub(crate) fn normal(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || ["unknown", "none", "noassertion", "(none)"].iter().any(|n| text.eq_ignore_ascii_case(n)) {
        return None;
    }
    if text.len() <= MAX_EXPRESSION && text.matches('(').count() <= MAX_NESTING {
        if let Some(id) = spdx::license_id(text) {
            return Some(id.name.to_owned());
        }
        if spdx::Expression::parse(text).is_ok() {
            return Some(text.to_owned());
        }
    }
    let first = text.lines().next().unwrap_or(text).trim_end();
    Some(first.chars().take(MAX_WORDS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_words_and_nothing() {
        for (text, want) in [
            ("MIT", Some("MIT")),
            (" MIT OR Apache-2.0 ", Some("MIT OR Apache-2.0")),
            ("GPLv2+ and BSD", Some("GPLv2+ and BSD")),
            ("Some licence\nand its whole text", Some("Some licence")),
            ("UNKNOWN", None),
            ("", None),
        ] {
            assert_eq!(normal(text).as_deref(), want, "{text}");
        }
        assert!(normal(&"(".repeat(100_000)).is_some_and(|l| l.len() == MAX_WORDS));
    }
}
