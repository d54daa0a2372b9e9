//! How the program ends (design, section 3): 0 pass, 1 fail, 2 usage or configuration, 3 error.

use std::process::ExitCode;

use layergate_model::Verdict;

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what it was asked; nothing was judged.
    Done,
    /// A verdict was given.
    Judged(Verdict),
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Flags, policy or configuration are wrong: 2.
    Usage(anyhow::Error),
    /// Anything else: 3, so that a CI job stops.
    Error(anyhow::Error),
}

/// A failure that is the user's to fix.
pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Failure {
    Failure::Usage(error.into())
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// The exit code, the failure reported on standard error.
pub(crate) fn finish(result: Result<Outcome, Failure>) -> ExitCode {
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Judged(verdict)) => ExitCode::from(verdict.exit_code()),
        Err(Failure::Usage(error)) => {
            print_error(&error);
            ExitCode::from(2)
        }
        Err(Failure::Error(error)) => {
            print_error(&error);
            ExitCode::from(3)
        }
    }
}

/// One line for what happened, one for each cause that adds something.
pub(crate) fn print_error(error: &anyhow::Error) {
    let mut said = error.to_string();
    say(&said);
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !said.contains(&text) {
            line(&format!("  because: {}", plain(&text)));
            said = text;
        }
    }
}

/// A message on standard error.
pub(crate) fn say(message: &str) {
    line(&format!("layergate: {}", plain(message)));
}

/// What a command came to, on standard error, where somebody wants to read it.
pub(crate) fn inform(text: &str) {
    line(&plain(text));
}

/// A line to standard error. Where nobody reads any more (`2>&1 | head`) it is not missed, and the exit code stays what
/// it is.
fn line(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Text from outside, line by line without what deceives whoever reads a terminal.
fn plain(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(layergate_model::visible).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn messages_keep_their_lines_and_nothing_that_deceives() {
        assert_eq!(plain("one\n  two\u{202e}\u{1b}[2J"), "one\n  two\\u{202e}\\u{1b}[2J");
    }
}
