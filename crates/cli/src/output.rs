//! Reports to standard output and files. A file appears whole or not at all: it is written beside and renamed.

use std::{
    io::{IsTerminal, Write},
    path::Path,
};

use anyhow::{Context, Result};
use layergate_model::Report;
use layergate_report::{Format, RenderOptions, render};

use crate::args::OutputSpec;

/// Columns of a report that goes to no terminal.
const PLAIN_WIDTH: usize = 100;

/// Renders and writes the reports to every output that was asked for; a table to standard output when none was.
pub(crate) fn write(reports: &[Report], outputs: &[OutputSpec], verbose: bool) -> Result<()> {
    let table = [OutputSpec { format: Format::Table, file: None }];
    let outputs = if outputs.is_empty() { &table[..] } else { outputs };
    for output in outputs {
        let options = options(output.file.is_none(), verbose);
        let text = render(output.format, reports, &options)
            .with_context(|| format!("the report could not be rendered as {}", output.format))?;
        match &output.file {
            Some(path) => to_file(path, text.as_bytes())?,
            None => to_stdout(text.as_bytes())?,
        }
    }
    Ok(())
}

fn options(to_stdout: bool, verbose: bool) -> RenderOptions {
    let terminal = to_stdout && std::io::stdout().is_terminal();
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
    let width = if terminal { console_width().unwrap_or(PLAIN_WIDTH) } else { PLAIN_WIDTH };
    RenderOptions { width, color: terminal && !no_color && !dumb, verbose }
}

fn console_width() -> Option<usize> {
    let columns = indicatif::TermLike::width(&console::Term::stdout());
    (columns > 0).then_some(usize::from(columns))
}

/// Writes to standard output; a reader that has gone away (`| head`) is no error.
pub(crate) fn to_stdout(bytes: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("the report could not be written to standard output"),
    }
}

fn to_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let context = || format!("the report could not be written to {}", path.display());
    // A device or pipe (/dev/stdout, /dev/null) is written to; it cannot be replaced.
    if path.exists() && !path.is_file() {
        return std::fs::write(path, bytes).with_context(context);
    }
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".layergate-").tempfile_in(directory).with_context(context)?;
    file.write_all(bytes).with_context(context)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).with_context(context)?;
    }
    file.persist(path).with_context(context)?;
    Ok(())
}
