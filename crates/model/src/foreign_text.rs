//! Text that an adversary may have written, before people read it: the one rule for what is taken out of it.
//!
//! Layers, manifests, servers and feeds name things. A name may hold what drives a terminal, vanishes, or reorders what stands
//! beside it (control characters; Unicode's default-ignorable and bidirectional characters, UAX #9 and UTR #36), so that a reader
//! sees something else than what is written. Escapes of markup (HTML, Markdown, XML) come on top, where the markup is written.

use std::borrow::Cow;

/// Whether a character could make a terminal or a reader see something else than what is written.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// One line in which everything can be seen: white space becomes a space, what deceives its escape (`\u{1b}`).
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_deceptive) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_deceptive(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out.into()
}

/// One line for the middle of a sentence: what deceives becomes a space, and what is longer than `most` characters ends
/// in `…` behind them.
pub fn one_line(text: &str, most: usize) -> String {
    let mut line: String = text.chars().take(most).map(|c| if is_deceptive(c) { ' ' } else { c }).collect();
    if text.chars().nth(most).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_drives_a_terminal() {
        for (raw, want) in [
            ("plain", "plain"),
            ("a\x1b[31mred", "a\\u{1b}[31mred"),
            ("a\r\nb\tc", "a  b c"),
            ("\u{202e}evil", "\\u{202e}evil"),
            ("c1\u{9b}2J", "c1\\u{9b}2J"),
            ("nul\0", "nul\\u{0}"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
        ] {
            assert_eq!(visible(raw), want);
        }
    }

    #[test]
    fn lines_are_short_and_hide_nothing() {
        for (raw, most, want) in [
            ("a\nb\u{1b}[31m", 20, "a b [31m"),
            ("abcdef", 3, "abc…"),
            ("abc", 3, "abc"),
            ("a\u{202e}b\u{feff}é", 9, "a b é"),
            ("", 0, ""),
        ] {
            assert_eq!(one_line(raw, most), want);
        }
    }
}
