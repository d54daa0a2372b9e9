//! One way to every setting of every command: a flag, else its environment variable, else its key of the configuration file,
//! else its default.
//!
//! The argument structs of [`crate::args`] are the whole list. A flag with a variable has a key of its own name in the file
//! (and so have those of [`KEYS_WITHOUT_VARIABLE`]); what the file gives becomes the flag's default before the command line
//! is read, so that no command copies anything and none can forget to. A key that no command has is an error with its line;
//! a key that this command has no use for is refused by name where a verdict or a service depends on what holds
//! ([`is_strict`]); the other commands take what is theirs, so that one file serves a pipeline of several commands.
//!
//! A file that was only found in the working directory may have come with a pull request. It is named on standard error, and
//! it cannot loosen what the command line or the environment says ([`refuse_loosening`]).

mod file;
#[cfg(test)]
mod page;
#[cfg(test)]
mod table;
mod units;

use std::{any::TypeId, ffi::OsString, path::PathBuf};

use anyhow::anyhow;
use clap::{
    Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches,
    builder::BoolishValueParser,
    error::{ContextKind, ContextValue},
    parser::ValueSource,
};
use file::{Entry, File};
pub(crate) use units::{bytes, duration, small_bytes, storage};

use crate::{
    args::Cli,
    exit::{Failure, usage},
};

/// Flags with a key of the file but no variable: a list of paths has no separator that a path could not contain.
const KEYS_WITHOUT_VARIABLE: [&str; 1] = ["vex"];
/// What a verdict is made with. A policy from outside is not softened by a file that was only found.
const RULES: [&str; 4] = ["policy", "vex", "fail-on", "only-fixed"];
/// To whom a client speaks. A token from outside is not shown to whom a file that was only found names.
const SERVERS: [&str; 2] = ["server", "api-ca"];

/// Reads the command line, the environment and the configuration file. Ends the process itself where clap does: for help,
/// the version, and wrong flags (2).
pub(crate) fn parse() -> Result<Cli, Failure> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let (command, file) = with_file(adapted(Cli::command()), &words)?;
    let matches = command.try_get_matches_from(words).map_err(|error| match &file {
        Some(file) => of_the_file(&error, file).unwrap_or_else(|| error.exit()),
        None => error.exit(),
    })?;
    Ok(Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

/// The commands as they are asked for in practice. A variable that is empty is one that a CI system did not set. Every
/// switch takes `=true`, `=false`, `=1`, `=0`, `=yes`, `=no`, as its variable does.
fn adapted(command: Command) -> Command {
    command
        .mut_args(|arg| {
            let empty = arg.get_env().is_some_and(|name| std::env::var_os(name).is_some_and(|value| value.is_empty()));
            let arg = if empty { arg.env(None::<&str>) } else { arg };
            if !matches!(arg.get_action(), ArgAction::SetTrue) || arg.get_short().is_some() {
                return arg;
            }
            arg.action(ArgAction::Set)
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .default_value("false")
                .value_name("BOOL")
                .value_parser(BoolishValueParser::new())
                .hide_default_value(true)
                .hide_possible_values(true)
        })
        .mut_subcommands(adapted)
}

/// Puts the file's values under the flags of the command that `words` ask for.
fn with_file(command: Command, words: &[OsString]) -> Result<(Command, Option<File>), Failure> {
    // What cannot be read so far is said by the reading that follows.
    let Ok(seen) = command.clone().ignore_errors(true).try_get_matches_from(words) else { return Ok((command, None)) };
    let (mut path, mut deepest) = (Vec::new(), &seen);
    while let Some((name, inner)) = deepest.subcommand() {
        path.push(name.to_owned());
        deepest = inner;
    }
    let named = deepest.get_one::<PathBuf>("config").or_else(|| seen.get_one("config"));
    let Some(file) = File::find(named.map(PathBuf::as_path)).map_err(usage)? else { return Ok((command, None)) };
    let plain = Cli::command();
    let mut used = Vec::new();
    for entry in &file.entries {
        if !anywhere(&plain, &entry.key) {
            let known = keys(&plain);
            let near = nearest(&entry.key, &known).map(|key| format!("; is `{key}` meant?")).unwrap_or_default();
            let (path, line, key) = (file.path.display(), entry.line, &entry.key);
            return Err(usage(anyhow!("in the configuration {path}: line {line}: unknown key `{key}`{near}")));
        }
        match find(&plain, &path, &entry.key) {
            Some(_) => used.push(entry),
            None if is_strict(&path) => {
                return Err(usage(anyhow!(
                    "in the configuration {}: line {}: `{}` is nothing that `layergate {}` can obey: take it out, or give the command a file of its own (--config)",
                    file.path.display(),
                    entry.line,
                    entry.key,
                    path.join(" ")
                )));
            }
            None => {}
        }
    }
    if !file.named && !used.is_empty() {
        // Whoever can add a file to a working directory must not change a gate unseen.
        crate::exit::say(&format!("using the configuration ./{} of the working directory", file.path.display()));
        refuse_loosening(&file, &used, deepest)?;
    }
    let mut command = command;
    for entry in used {
        let arg = find(&plain, &path, &entry.key).ok_or_else(|| anyhow!("`{}` has no flag", entry.key))?;
        if entry.list && !takes_many(arg) {
            let (path, line, key) = (file.path.display(), entry.line, &entry.key);
            return Err(usage(anyhow!("in the configuration {path}: line {line}: `{key}` is one value, not a list")));
        }
        command = under(command, &path, arg, values(arg, entry, &file));
    }
    Ok((command, Some(file)))
}

/// Whether a command refuses keys that it cannot obey: those that give verdicts or serve. Who reads `policy` in a file must
/// be able to believe that it holds.
fn is_strict(path: &[String]) -> bool {
    matches!(path.first().map(String::as_str), Some("scan" | "coordinator" | "worker" | "submit" | "wait"))
}

/// Refuses what a file that was only found would take away from what the command line or the environment says.
fn refuse_loosening(file: &File, used: &[&Entry], seen: &ArgMatches) -> Result<(), Failure> {
    let outside = |id: &str| {
        let source = seen.try_contains_id(id).ok().and_then(|_| seen.value_source(id));
        matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    for (given, group, what) in [("policy", &RULES[..], "a policy"), ("api_token_file", &SERVERS[..], "a token")] {
        let held = |entry: &&&Entry| group.contains(&&*entry.key) && !outside(&entry.key.replace('-', "_"));
        if let Some(entry) = used.iter().find(held).filter(|_| outside(given)) {
            return Err(usage(anyhow!(
                "./{}: line {}: `{}` stands beside {what} from the command line or the environment, and the file was only found in the working directory: name it (--config {}) if it may hold, or take the key out",
                file.path.display(),
                entry.line,
                entry.key,
                file.path.display()
            )));
        }
    }
    Ok(())
}

/// Whether a flag has a key of the file.
fn has_key(arg: &Arg) -> bool {
    let named = arg.get_long().is_some_and(|long| KEYS_WITHOUT_VARIABLE.contains(&long));
    arg.get_long() != Some("config") && (arg.get_env().is_some() || named)
}

fn own<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(key) && has_key(arg))
}

/// The flag of a key for the command at `path`: its own, or one of all commands.
fn find<'a>(root: &'a Command, path: &[String], key: &str) -> Option<&'a Arg> {
    let mut command = root;
    for name in path {
        command = command.find_subcommand(name)?;
    }
    own(command, key).or_else(|| own(root, key))
}

fn anywhere(command: &Command, key: &str) -> bool {
    own(command, key).is_some() || command.get_subcommands().any(|inner| anywhere(inner, key))
}

/// The keys of all commands.
fn keys(command: &Command) -> Vec<String> {
    let own = command.get_arguments().filter(|a| has_key(a)).filter_map(Arg::get_long).map(str::to_owned);
    own.chain(command.get_subcommands().flat_map(keys)).collect()
}

/// The key that somebody who wrote `key` may have meant.
fn nearest<'a>(key: &str, known: &'a [String]) -> Option<&'a String> {
    let plain = key.replace('_', "-");
    let close = |known: &&String| strsim::damerau_levenshtein(known, &plain) <= 2;
    known.iter().filter(close).min_by_key(|known| strsim::damerau_levenshtein(known, &plain))
}

fn takes_many(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append) || arg.get_value_delimiter().is_some()
}

/// The values of an entry; paths are meant from where the file lies.
fn values(arg: &Arg, entry: &Entry, file: &File) -> Vec<String> {
    let base = file.path.parent().filter(|_| arg.get_value_parser().type_id() == TypeId::of::<PathBuf>());
    let rebased = |value: &String| match base {
        Some(base) => base.join(value).display().to_string(),
        None => value.clone(),
    };
    entry.values.iter().map(rebased).collect()
}

/// Gives a flag its default in the command at `path`, and in the root where it belongs to all commands.
fn under(root: Command, path: &[String], arg: &Arg, values: Vec<String>) -> Command {
    let id = arg.get_id().to_string();
    let set = |command: Command| {
        if !command.get_arguments().any(|a| *a.get_id() == *id) {
            return command;
        }
        command.mut_arg(&id, |arg| arg.required(false).default_values(values.clone()))
    };
    fn below(command: Command, path: &[String], set: &dyn Fn(Command) -> Command) -> Command {
        match path.split_first() {
            Some((name, rest)) => set(command).mut_subcommand(name, |inner| below(inner, rest, set)),
            None => set(command),
        }
    }
    below(root, path, &set)
}

/// What clap finds wrong with a value that came from the file, with the place.
fn of_the_file(error: &clap::Error, file: &File) -> Option<Failure> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let flag = text(ContextKind::InvalidArg)?;
    let key = flag.split([' ', '=', '[']).next()?.strip_prefix("--")?;
    let value = text(ContextKind::InvalidValue)?;
    let entry = file.entries.iter().find(|e| e.key == key && e.values.iter().any(|v| value.ends_with(v.as_str())))?;
    let why = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Some(usage(anyhow!(
        "in the configuration {}: line {}: `{key}` cannot be {value:?}{why}",
        file.path.display(),
        entry.line
    )))
}
