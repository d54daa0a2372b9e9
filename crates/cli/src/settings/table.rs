//! Every key of the file beside every command: obeyed, refused by name, or left to the commands that have it.

use std::{collections::BTreeSet, ffi::OsString, fs};

use clap::{CommandFactory, FromArgMatches};

use super::{adapted, find, is_strict, keys, with_file};
use crate::{args::Cli, exit::Failure};

/// For all commands.
const ALL: &str = "cache-dir data-dir";
const LIMITS: &str = "max-layer-bytes max-unpacked-bytes max-ratio max-entries max-path-bytes max-file-bytes max-nesting max-window-bytes";
const JUDGE: &str = "db policy vex fail-on only-fixed verify-key";
const NATS: &str = "nats nats-creds nats-nkey nats-ca nats-cert nats-key nats-replicas nats-ack-wait nats-storage";
const SERVER: &str = "server api-token-file api-ca";

/// What each command obeys; commands that are not here obey what all do.
fn obeyed(command: &str) -> BTreeSet<&'static str> {
    let groups: &[&str] = match command {
        "scan" => &[JUDGE, LIMITS, SERVER, "plain-http offline refresh-after-days db-from timeout tenant"],
        "sbom" => &[LIMITS, "plain-http"],
        "db update" => &["db-from verify-key"],
        "coordinator" => &[
            JUDGE,
            LIMITS,
            NATS,
            "plain-http listen api-token-file tls-cert tls-key credentials-dir log-json otlp renew db-from",
        ],
        "worker" => &[LIMITS, NATS, "plain-http credentials-dir metrics-listen log-json otlp"],
        "estate sync" | "estate retry" => {
            &[JUDGE, LIMITS, "plain-http offline refresh-after-days db-from timeout state-dir teams"]
        }
        "estate rescan" => &[JUDGE, LIMITS, "offline refresh-after-days db-from state-dir teams"],
        "estate what-if" => &[JUDGE, LIMITS, "offline refresh-after-days db-from state-dir"],
        "estate list" | "estate ledger" | "estate flips" | "estate search" | "estate plan" | "estate tags"
        | "estate in-use" => &["state-dir"],
        "submit" => &[SERVER, "tenant"],
        "wait" | "fleet status" | "fleet top" | "fleet drain" => &[SERVER],
        _ => &[],
    };
    groups.iter().chain(&[ALL]).flat_map(|group| group.split(' ')).collect()
}

/// Every command with what it needs at least.
const COMMANDS: [&str; 32] = [
    "scan x",
    "sbom x",
    "db build --from x --output y",
    "db update",
    "db mirror --to x",
    "db push oci://x/y",
    "db status",
    "db show CVE-2021-44228",
    "db diff a b",
    "policy check x",
    "policy import x",
    "policy test x",
    "policy what-if x",
    "explain x y",
    "diff a b",
    "estate sync r.example",
    "estate rescan",
    "estate retry x",
    "estate list",
    "estate ledger",
    "estate flips",
    "estate search x",
    "estate what-if",
    "estate plan",
    "estate tags x",
    "estate in-use --from x",
    "convert x",
    "coordinator --nats nats://h",
    "worker --nats nats://h",
    "submit --server http://h x",
    "wait --server http://h x",
    "fleet status --server http://h",
];

fn sample(key: &str) -> &'static str {
    match key {
        "fail-on" => "\"high\"",
        "only-fixed" | "plain-http" | "offline" | "log-json" => "true",
        "nats-ack-wait" | "timeout" | "renew" => "\"90s\"",
        "nats-storage" | "max-layer-bytes" | "max-unpacked-bytes" | "max-file-bytes" | "max-window-bytes" => "\"8MiB\"",
        "max-ratio" | "max-entries" | "max-path-bytes" | "max-nesting" | "nats-replicas" | "refresh-after-days" => "3",
        "listen" | "metrics-listen" => "\"127.0.0.1:1\"",
        "vex" | "server" | "nats" => "[\"one\", \"two\"]",
        _ => "\"value\"",
    }
}

#[test]
fn every_key_is_obeyed_or_refused_by_every_command() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("settings.toml");
    let root = Cli::command();
    let all: BTreeSet<String> = keys(&root).into_iter().collect();
    let known: BTreeSet<&str> = all.iter().map(String::as_str).collect();
    for line in COMMANDS {
        let path: Vec<String> = command_of(line);
        let name = path.join(" ");
        let obeyed = obeyed(&name);
        assert!(obeyed.is_subset(&known), "{name}: {:?}", obeyed.difference(&known));
        for key in &known {
            fs::write(&file, format!("{key} = {}\n", sample(key))).unwrap();
            let words: Vec<OsString> =
                format!("layergate --config {} {line}", file.display()).split(' ').map(OsString::from).collect();
            match with_file(adapted(Cli::command()), &words) {
                Ok((command, Some(_))) => {
                    assert!(obeyed.contains(key) || !is_strict(&path), "{name} passes {key} over");
                    assert_eq!(find(&root, &path, key).is_some(), obeyed.contains(key), "{name}: {key}");
                    let matches = command.try_get_matches_from(words).unwrap_or_else(|e| panic!("{name}: {key}: {e}"));
                    Cli::from_arg_matches(&matches).unwrap_or_else(|e| panic!("{name}: {key}: {e}"));
                }
                Ok((_, None)) => panic!("{name}: the file is not read"),
                Err(Failure::Usage(error)) => {
                    assert!(!obeyed.contains(key), "{name} refuses {key}: {error}");
                    assert!(error.to_string().contains(&format!("`{key}`")), "{error}");
                }
                Err(Failure::Error(error)) => panic!("{name}: {key}: {error}"),
            }
        }
    }
}

/// The command that the words of a line ask for.
fn command_of(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let depth = if Cli::command().find_subcommand(words[0]).unwrap().has_subcommands() { 2 } else { 1 };
    words[..depth].iter().map(|word| (*word).to_owned()).collect()
}
