//! Reports to standard output and files. A file appears whole or not at all: it is written beside and renamed, and in
//! place only where that cannot be (a directory of somebody else's, a file that is mounted). A link is written through.

use std::{
    borrow::Cow,
    io::{IsTerminal, Write},
    path::Path,
};

use anyhow::{Context, Result, anyhow};
use layergate_disk::behind_links;
use layergate_model::Report;
use layergate_report::{Format, RenderOptions, render};

use crate::{
    args::{OutputArgs, OutputSpec},
    exit::{Failure, usage},
    output_places::{check, is_descriptor, is_stdout},
    unscanned,
};

/// What the documents say until the scan has ended.
const UNFINISHED: &str = "the scan has begun and has not ended; this document is written anew when it does";

/// Columns of a report that goes to no terminal, where COLUMNS does not say.
const PLAIN_WIDTH: usize = 120;

/// Renders and writes the reports to every output that was asked for; a table to standard output when none was. One
/// that cannot be written keeps none of the others back; the first trouble is reported at the end.
pub(crate) fn write(reports: &[Report], args: &OutputArgs) -> Result<()> {
    let table = [OutputSpec { format: Format::Table, file: None }];
    let outputs = if args.outputs.is_empty() { &table[..] } else { &args.outputs };
    // A report on a large SBOM is a hundred megabytes: it is only copied where one has to be taken out.
    let scanned: Cow<'_, [Report]> = match reports.iter().any(unscanned::is_one) {
        true => reports.iter().filter(|r| !unscanned::is_one(r)).cloned().collect(),
        false => reports.into(),
    };
    let mut trouble = Ok(());
    for output in outputs {
        let written = if output.format.is_single() && scanned.is_empty() {
            // Of an image that could not be had there is no list; yesterday's must not stand in for it.
            crate::exit::say(&format!("no {} document is written: the image could not be scanned", output.format));
            forget(own_file(output))
        } else {
            one(if output.format.is_single() { &scanned } else { reports }, output, args.details)
        };
        trouble = trouble.and(written);
    }
    trouble
}

fn one(reports: &[Report], output: &OutputSpec, details: bool) -> Result<()> {
    let options = options(output.file.is_none(), details);
    let text = render(output.format, reports, &options)
        .with_context(|| format!("the report could not be rendered as {}", output.format))?;
    match &output.file {
        Some(path) if !is_stdout(path) => to_file(path, text.as_bytes()),
        _ => to_stdout(text.as_bytes()),
    }
}

/// The file of an output that an earlier run may have written.
fn own_file(output: &OutputSpec) -> Option<&Path> {
    output.file.as_deref().filter(|p| p.is_file() && !is_stdout(p))
}

/// Finds before anything is scanned what would go wrong with the outputs after it, and writes documents that say that
/// the scan of `references` has not ended: whatever becomes of this run (it may be killed), nobody takes yesterday's
/// verdict for today's, and whoever reads meanwhile finds an error and not an empty file. `inputs` are files that the
/// run reads.
pub(crate) fn begin(
    outputs: &[OutputSpec],
    template: bool,
    inputs: &[&Path],
    references: &[String],
) -> Result<(), Failure> {
    check(outputs, template, inputs)?;
    let unfinished: Vec<Report> = match outputs.iter().any(|o| o.file.is_some()) {
        true => references.iter().map(|r| unscanned::without_pins(r, UNFINISHED)).collect(),
        false => Vec::new(),
    };
    for output in outputs {
        let Some(path) = output.file.as_deref().filter(|p| !is_stdout(p) && (p.is_file() || !p.exists())) else {
            continue;
        };
        let begun = match output.format.is_single() || unfinished.is_empty() {
            // There is no list of packages that says of itself that it is none.
            true => forget(own_file(output)),
            false => one(&unfinished, output, false),
        };
        begun.with_context(|| format!("the document {} cannot be begun", path.display()))?;
    }
    Ok(())
}

/// Refuses documents that describe one image where there are several.
pub(crate) fn check_number(outputs: &[OutputSpec], images: usize) -> Result<(), Failure> {
    match outputs.iter().find(|o| o.format.is_single() && images > 1) {
        Some(output) => Err(usage(anyhow!(
            "a {} document describes one image, and {images} are named: scan each by itself",
            output.format
        ))),
        None => Ok(()),
    }
}

/// Removes an ordinary file of an earlier run.
fn forget(path: Option<&Path>) -> Result<()> {
    match path {
        Some(path) => {
            let removed = std::fs::remove_file(behind_links(path)).or_else(|_| std::fs::write(path, b""));
            removed.with_context(|| format!("the old document {} cannot be removed", path.display()))
        }
        None => Ok(()),
    }
}

fn options(to_stdout: bool, details: bool) -> RenderOptions {
    let terminal = to_stdout && std::io::stdout().is_terminal();
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
    let width = if terminal { console_width().or_else(columns) } else { columns() };
    RenderOptions {
        width: width.unwrap_or(PLAIN_WIDTH),
        color: terminal && !no_color && !dumb,
        links: terminal && !dumb && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout),
        details,
    }
}

/// The width that the environment names, for output that goes to no terminal.
fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0)
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
    // What the shell has opened is written as it is: a new file of its name would be another one.
    let written =
        if is_descriptor(path) { std::fs::write(path, bytes) } else { layergate_disk::overwrite(path, bytes) };
    written.with_context(context)
}
