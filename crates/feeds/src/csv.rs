//! Rows of comma-separated values (RFC 4180): quotes around a field, `""` for a quote in it, line ends of either kind.
//!
//! Limits: a field of more than a mebibyte ends the reading, for then a quote was never closed.

const MAX_FIELD: usize = 1 << 20;

/// The rows of a text, each with the number of the line that it begins on; `None` in place of a row, and the end, where
/// a quote is never closed.
pub(crate) struct Rows<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Rows<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 }
    }

    /// The field at the front and what ended it: `,`, a line end, or nothing.
    fn field(&mut self) -> Option<(String, Option<char>)> {
        let mut value = String::new();
        if let Some(mut quoted) = self.rest.strip_prefix('"') {
            loop {
                let (inside, after) = quoted.split_once('"')?;
                self.line += inside.matches('\n').count();
                value.push_str(inside);
                if value.len() > MAX_FIELD {
                    return None;
                }
                let Some(more) = after.strip_prefix('"') else {
                    self.rest = after;
                    break;
                };
                value.push('"');
                quoted = more;
            }
        }
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let (plain, after) = self.rest.split_at(end);
        value.push_str(plain.trim_end_matches('\r'));
        let ended = after.chars().next();
        self.rest = after.get(1..).unwrap_or("");
        self.line += usize::from(ended == Some('\n'));
        (value.len() <= MAX_FIELD).then_some((value, ended))
    }
}

impl Iterator for Rows<'_> {
    type Item = (usize, Option<Vec<String>>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let line = self.line;
            let mut row = Vec::new();
            loop {
                let Some((value, ended)) = self.field() else {
                    self.rest = "";
                    return Some((line, None));
                };
                row.push(value);
                if ended != Some(',') {
                    break;
                }
            }
            // An empty line is no row.
            if row.len() > 1 || row.first().is_some_and(|f| !f.is_empty()) {
                return Some((line, Some(row)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_their_lines() {
        let text = "\u{feff}a,b\r\n\"x, \"\"y\"\"\",\"two\nlines\"\n\n,last";
        let rows: Vec<_> = Rows::new(text).collect();
        let row = |line: usize, fields: &[&str]| (line, Some(fields.iter().map(|f| (*f).to_owned()).collect()));
        assert_eq!(rows, [row(1, &["a", "b"]), row(2, &["x, \"y\"", "two\nlines"]), row(5, &["", "last"])]);
        let open: Vec<_> = Rows::new("a\n\"never closed\nb").collect();
        assert_eq!(open, [row(1, &["a"]), (2, None)]);
        assert_eq!(Rows::new("").count(), 0);
        assert_eq!(Rows::new(&format!("\"{}\"", "x".repeat(MAX_FIELD + 1))).collect::<Vec<_>>(), [(1, None)]);
    }
}
