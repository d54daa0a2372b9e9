//! docs/configuration.md is made of the commands themselves: flags, variables, keys of the file, defaults.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use super::has_key;
use crate::args::Cli;

const INTRO: &str = "\
# Settings

Made from the program by a test (`crates/cli/src/settings/page.rs`), which also says how to renew it.

A setting is a flag, else its environment variable, else its key of the configuration file, else its default. A variable that is
empty is one that is not set. Switches take `=true`, `=false`, `=yes`, `=no`, `=1`, `=0`. Sizes have units (`4GiB`, `512MiB`, `10MB`, or
plain bytes), and so have times (`90s`, `10m`, `2h`, `1d`).

The file is the one that `--config` or `LAYERGATE_CONFIG` names, else `layergate.toml` in the working directory. Its keys are the names of
the flags below that have a tick, without the dashes; the `max-…` ones may stand in a table `[limits]`. Paths in it are meant from where
it lies. An unknown key is an error with its line. `scan`, `submit`, `wait`, `coordinator` and `worker` refuse a key that they cannot obey;
the other commands take what is theirs, so that one file serves a pipeline of several commands.

A file that was only found in the working directory may have come with a pull request. It is named on standard error, and refused
where it would soften what comes from outside of it: `vex`, `fail-on` or `only-fixed` beside a `--policy` (or `LAYERGATE_POLICY`), `server` or
`api-ca` beside an `--api-token-file`. A file that is named may say all of it.

Besides these the program reads `LAYERGATE_LOG` (what is logged, as `tracing`'s filters are written), `LAYERGATE_SOURCES` (a file of advisory sources,
[advisories.md](advisories.md)), `NO_COLOR`, `TERM`, `COLUMNS`, `HOSTNAME`, `HOME` and the `XDG_…_HOME` directories, `TMPDIR`, the registry clients' own
(`DOCKER_AUTH_CONFIG`, `DOCKER_CONFIG`, `REGISTRY_AUTH_FILE`), and `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`.
";

fn default_of(arg: &Arg) -> String {
    let values: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy().into_owned()).collect();
    if values.is_empty() { String::new() } else { format!("`{}`", values.join(",")) }
}

fn row(arg: &Arg) -> String {
    let value = match (arg.get_action().takes_values(), arg.get_value_names()) {
        (true, Some([name, ..])) => format!(" {name}"),
        _ => String::new(),
    };
    let short = arg.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let variable = arg.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
    let key = if has_key(arg) { "✓" } else { "" };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ").replace('|', "\\|");
    let long = arg.get_long().unwrap_or_default();
    format!("| {short}`--{long}{value}` | {variable} | {key} | {} | {help} |\n", default_of(arg))
}

fn section(out: &mut String, name: &str, command: &Command) {
    let flags: Vec<&Arg> = command
        .get_arguments()
        .filter(|a| a.get_long().is_some_and(|l| l != "help" && l != "version") && !a.is_hide_set())
        .collect();
    let positional: Vec<&Arg> = command.get_positionals().collect();
    if command.get_subcommands().next().is_none() || name.is_empty() {
        let title = if name.is_empty() { "Every command".to_owned() } else { format!("`layergate{name}`") };
        let _ = write!(out, "\n## {title}\n");
        if let Some(about) = command.get_about().filter(|_| !name.is_empty()) {
            let _ = write!(out, "\n{about}.\n");
        }
        for arg in positional {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
            let _ = write!(
                out,
                "\n`{}`: {help}.\n",
                arg.get_value_names().and_then(|n| n.first()).map_or("", |n| n.as_str())
            );
        }
        if !flags.is_empty() {
            out.push_str("\n| flag | variable | file | default | |\n|---|---|---|---|---|\n");
            flags.iter().for_each(|arg| out.push_str(&row(arg)));
        }
    }
    for inner in command.get_subcommands().filter(|c| c.get_name() != "help") {
        section(out, &format!("{name} {}", inner.get_name()), inner);
    }
}

#[test]
fn the_page_of_settings_is_what_the_program_has() {
    let mut page = INTRO.to_owned();
    section(&mut page, "", &Cli::command());
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let kept = std::fs::read_to_string(place).unwrap_or_default();
    if kept != page {
        let fresh = std::env::temp_dir().join(format!("layergate-configuration-{}.md", std::process::id()));
        std::fs::write(&fresh, &page).unwrap();
        panic!("docs/configuration.md is not what the program has: cp {} docs/configuration.md", fresh.display());
    }
}
