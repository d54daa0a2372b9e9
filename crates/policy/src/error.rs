//! What is wrong with a policy file, where, and what to do.

/// A policy that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}:{column}: {message}{}", excerpt(.source_line, .help))]
pub struct PolicyError {
    /// The file as it was named.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The line itself.
    pub source_line: String,
}

fn excerpt(source_line: &str, help: &Option<String>) -> String {
    let mut out = String::new();
    if !source_line.trim().is_empty() {
        out.push_str("\n  | ");
        out.extend(source_line.trim_end().chars().take(160));
    }
    if let Some(help) = help {
        out.push_str("\n  = ");
        out.push_str(help);
    }
    out
}

impl PolicyError {
    /// The error at byte `offset` of `text`.
    pub(crate) fn at(path: &str, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let (line, column, source_line) = place(text, offset);
        Self { path: path.to_owned(), line, column, message: message.into(), help: None, source_line }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A TOML error; an unknown key gets the nearest known one as help.
    pub(crate) fn toml(path: &str, text: &str, error: &toml::de::Error) -> Self {
        let message = error.message().trim().replace('\n', "; ");
        let help = suggestion(&message);
        let mut out = Self::at(path, text, error.span().map_or(0, |s| s.start), message);
        out.help = help;
        out
    }
}

/// Line and column, from 1, of byte `offset`, and the line's text.
pub(crate) fn place(text: &str, offset: usize) -> (usize, usize, String) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before[start..].chars().count() + 1;
    (line, column, text[start..].lines().next().unwrap_or_default().to_owned())
}

/// "did you mean" out of serde's "unknown field `x`, expected one of `a`, `b`".
fn suggestion(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field ").or_else(|| message.strip_prefix("unknown variant "))?;
    let mut words = rest.split('`').skip(1).step_by(2);
    let written = words.next()?;
    let best = words.map(|w| (distance(written, w), w)).min()?;
    if best.0 <= 3.max(written.len() / 3) {
        Some(format!("did you mean `{}`? (docs/policy.md lists every key)", best.1))
    } else {
        Some("remove it, or see docs/policy.md for every key".to_owned())
    }
}

/// Levenshtein's distance, of short words only.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(40).collect(), b.chars().take(40).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != y && !(*x == '_' && *y == '-'));
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
