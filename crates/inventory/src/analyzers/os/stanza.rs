//! Paragraphs of `Field: value` lines (deb822(5)), the form of dpkg's and opkg's databases and of DEP-5 copyright files.
//!
//! A paragraph ends at an empty line; a line that begins with a blank continues the value before it. Everything is
//! borrowed from the text. Limits: [`MAX_FIELDS`] fields of a paragraph are kept, more are passed over; lines that are
//! neither field nor continuation are counted, for a database that has them is damaged.

/// Fields of one paragraph that are kept; real ones have about twenty.
const MAX_FIELDS: usize = 128;

/// One paragraph.
#[derive(Debug, Default)]
pub(crate) struct Stanza<'a> {
    fields: Vec<(&'a str, &'a str)>,
    /// Lines that are neither a field nor a continuation.
    pub(crate) strange: usize,
    /// The line that the paragraph begins on, from 1.
    pub(crate) line: usize,
}

impl<'a> Stanza<'a> {
    /// The first field of that name, in any case of letters, trimmed; empty ones are taken as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(value.trim()).filter(|v| !v.is_empty())
    }

    /// The first line of a field.
    pub(crate) fn line_of(&self, name: &str) -> Option<&'a str> {
        Some(self.get(name)?.lines().next()?.trim_end()).filter(|v| !v.is_empty())
    }

    /// All values of the fields of that name.
    pub(crate) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a str> + 's {
        self.fields.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// The paragraphs of a text, in order.
pub(crate) fn stanzas(text: &str) -> impl Iterator<Item = Stanza<'_>> {
    let mut at = 0;
    let mut line_number = 0;
    std::iter::from_fn(move || {
        let mut stanza = Stanza::default();
        // Where the value of the current field begins and ends in the text; `None` after a line that was not a field.
        let mut open: Option<(&str, usize, usize)> = None;
        while at < text.len() {
            let start = at;
            let end = memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |n| at + n);
            at = (end + 1).min(text.len());
            line_number += 1;
            let line = text[start..end].trim_end_matches('\r');
            if line.is_empty() {
                if stanza.line > 0 {
                    break;
                }
                continue;
            }
            if stanza.line == 0 {
                stanza.line = line_number;
            }
            if line.starts_with([' ', '\t']) {
                match &mut open {
                    Some((_, _, to)) => *to = end,
                    None => stanza.strange += 1,
                }
                continue;
            }
            push(&mut stanza, text, open.take());
            match line.split_once(':') {
                Some((name, _)) if !name.is_empty() && !name.contains([' ', '\t']) => {
                    open = Some((name, start + name.len() + 1, end));
                }
                _ => stanza.strange += 1,
            }
        }
        push(&mut stanza, text, open.take());
        (stanza.line > 0).then_some(stanza)
    })
}

fn push<'a>(stanza: &mut Stanza<'a>, text: &'a str, field: Option<(&'a str, usize, usize)>) {
    if let Some((name, from, to)) = field
        && stanza.fields.len() < MAX_FIELDS
    {
        stanza.fields.push((name, &text[from..to]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_continuations_and_rubbish() {
        let text =
            "\n\nPackage: a\nDescription: one\n two\n .\n\tthree\nEmpty:\n\r\n\npackage: b\nno field\n stray\nX:y";
        let all: Vec<_> = stanzas(text).collect();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].get("package"), all[0].line, all[0].strange), (Some("a"), 3, 0));
        assert_eq!(all[0].get("Description"), Some("one\n two\n .\n\tthree"));
        assert_eq!((all[0].line_of("Description"), all[0].get("Empty")), (Some("one"), None));
        assert_eq!((all[1].get("Package"), all[1].get("X"), all[1].strange), (Some("b"), Some("y"), 2));
        assert_eq!(stanzas("").count() + stanzas("\n\n\n").count(), 0);
        let many = "A: b\n".repeat(100_000);
        assert_eq!(stanzas(&many).next().unwrap().fields.len(), MAX_FIELDS);
    }
}
