//! Text that an adversary may have written, made harmless: for terminals, for HTML and XML, for Markdown; and its
//! width, wrapping and shortening in terminal cells (Unicode UAX #11 through `unicode-width`).

use std::borrow::Cow;

pub(crate) use layergate_model::visible as clean;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Cells that a cleaned text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text in at most `max` cells; what is cut is marked.
pub(crate) fn fit(text: &str, max: usize) -> Cow<'_, str> {
    if width(text) <= max {
        return text.into();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > max {
            break;
        }
        used += w;
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out.push('…');
    out.into()
}

/// The text padded with spaces to `cells`.
pub(crate) fn pad(text: &str, cells: usize) -> String {
    let mut out = text.to_owned();
    out.extend(std::iter::repeat_n(' ', cells.saturating_sub(width(text))));
    out
}

/// The text in lines of at most `max` cells, broken between words, and inside one that is longer than a line.
pub(crate) fn wrap(text: &str, max: usize) -> Vec<String> {
    let max = max.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let w = width(word);
        if used > 0 && used + 1 + w > max {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            let w = c.width().unwrap_or(0);
            if used + w > max {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += w;
        }
    }
    if used > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// For HTML and XML, text and quoted attributes alike. XML 1.0 has no way to write most control characters, so they
/// are made visible first.
pub(crate) fn html(text: &str) -> String {
    let text = clean(text);
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// For GitHub's and GitLab's Markdown, table cells included: nothing in it forms a link, a mention, a tag or a new
/// cell, and it still reads well where nobody renders it: a backslash where Markdown takes one, a reference only where the
/// text is looked at again after rendering (mentions, issues, bare addresses).
pub(crate) fn markdown(text: &str) -> String {
    let text = clean(text);
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 8);
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(i + 1).copied();
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' if i == 0 => out.push_str("&gt;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '$' => out.extend(['\\', c]),
            '(' if before == Some(']') => out.extend(['\\', c]),
            // Inside of a word it is only itself.
            '_' if !(word(before) && word(after)) => out.extend(['\\', c]),
            '~' if before == Some('~') || after == Some('~') => out.extend(['\\', c]),
            '!' if after == Some('[') => out.extend(['\\', c]),
            // A comment ends the word for whoever looks for names in what was rendered.
            '@' => out.push_str("@<!-- -->"),
            '#' if i == 0 || word(after) => out.push_str("&#35;"),
            '+' | '-' | '=' if i == 0 && !word(after) => out.extend(['\\', c]),
            ':' if after == Some('/') => out.push_str("&#58;"),
            c => out.push(c),
        }
    }
    // Bare `www.` is a link too.
    out.replace("www.", "www&#46;")
}

/// A relative URI reference (RFC 3986) of a path: parts kept, everything else that is not unreserved encoded.
pub(crate) fn uri_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 8);
    for byte in path.trim_start_matches('/').bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'+' => out.push(byte as char),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// `1 gap`, `2 gaps`.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_not_bytes() {
        assert_eq!(width("包裹"), 4);
        assert_eq!(fit("包裹包裹", 5), "包裹…");
        assert_eq!(fit("short", 5), "short");
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghijkl", 8), ["abcdefgh", "ijkl"]);
        assert_eq!(wrap("", 8), [""]);
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(html("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
        let rows = [
            ("[x](http://e)|@me", "\\[x\\]\\(http&#58;//e)\\|@<!-- -->me"),
            ("3.0.15-1~deb12u1 in lib_ssl (#12)", "3.0.15-1~deb12u1 in lib_ssl (&#35;12)"),
            ("_a_ ~~b~~ <c> `d`", "\\_a\\_ \\~\\~b\\~\\~ &lt;c> \\`d\\`"),
            ("- www.x", "\\- www&#46;x"),
        ];
        for (text, want) in rows {
            assert_eq!(markdown(text), want);
        }
        assert_eq!(uri_path("/usr/a b#c?%"), "usr/a%20b%23c%3F%25");
    }
}
