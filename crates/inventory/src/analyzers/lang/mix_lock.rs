//! Erlang's and Elixir's locks: `mix.lock` (hexdocs.pm/mix) and `rebar.lock` (rebar3.org), read by their lines without
//! evaluating the terms. Git dependencies carry a commit, not a version, and are left out. Which dependencies are
//! `only:` for development or tests stands in the `mix.exs` beside the lock, a program of which only such literals are
//! read.

use std::collections::{BTreeMap, HashSet};

use layergate_model::{AnalyzerId, Dependency, LayerPath, PackageKind, Section};

use super::{input, reach};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `mix.lock` and `rebar.lock`.
pub struct MixLock;

impl Analyzer for MixLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("mix-lock")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("mix.lock"), Interest::Name("rebar.lock"), Interest::Name("mix.exs")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        // deps/NAME/mix.lock is how a dependency was developed.
        entry.path.rsplit('/').nth(2) != Some("deps")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, input::MAX_LOCK)?;
        if file.path.file_name() == "mix.exs" {
            let text = file.text();
            let needs = needs(&text);
            if !needs.is_empty() {
                let lines: Vec<String> = needs.iter().map(|(name, run)| format!("{} {name}", u8::from(*run))).collect();
                let _ = out.notes.keep(file.path, lines.join("\n"));
            }
            return Ok(());
        }
        let start = out.packages.len();
        let rebar = file.path.ends_with("rebar.lock");
        for line in file.text().lines() {
            let found = if rebar { erlang(line) } else { elixir(line) };
            let Some((name, version, sum)) = found else { continue };
            if let Some(new) = input::push(out, PackageKind::Hex, name, version, file) {
                new.hashes = sum.map(|s| format!("sha256:{s}")).into_iter().collect();
                if !rebar {
                    new.dependencies = tuples(line).skip(1).map(|(name, _)| needed(name)).collect();
                }
            }
        }
        if !rebar {
            let _ = out.notes.keep(file.path, "");
        }
        input::join_same(out, start);
        Ok(())
    }

    fn finish(&self, out: &mut Section) {
        let (locks, projects): (Vec<_>, Vec<_>) =
            out.notes.take().into_iter().partition(|(path, _)| path.file_name() == "mix.lock");
        let projects: BTreeMap<LayerPath, String> = projects.into_iter().collect();
        for (path, _) in locks {
            let beside = path.parent().map(|root| root.join("mix.exs"));
            let Some(project) = beside.and_then(|at| projects.get(&at)) else { continue };
            let only_dev: HashSet<&str> = project.lines().filter_map(|l| l.strip_prefix("0 ")).collect();
            if only_dev.is_empty() {
                continue;
            }
            // What nobody names (a package under another name than its application's) stays what it was.
            let needed: HashSet<String> = out
                .packages
                .iter()
                .filter(|p| p.evidence() == path.as_str())
                .flat_map(|p| p.dependencies.iter().map(|d| d.name.clone()))
                .collect();
            let runtime: HashSet<&str> = project.lines().filter_map(|l| l.strip_prefix("1 ")).collect();
            let is_root = |p: &layergate_model::Package| {
                runtime.contains(p.name.as_str()) || !(only_dev.contains(p.name.as_str()) || needed.contains(&p.name))
            };
            reach::settle(out, &path, str::to_owned, is_root, |_, _| true);
        }
    }
}

fn needed(name: &str) -> Dependency {
    Dependency { name: name.to_owned(), version: None }
}

/// Tuples that begin with an atom, `{:name, …`: the atom and what follows it.
fn tuples(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices("{:").filter_map(|(at, open)| {
        let rest = text[at + open.len()..].trim_start_matches('"');
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
        (end > 0).then(|| (&rest[..end], &rest[end..]))
    })
}

/// The dependencies of a `mix.exs`, and whether each is there to run. `only: :test` and `only: [:dev, :test]` say no.
fn needs(program: &str) -> Vec<(&str, bool)> {
    // A comment is no dependency; a `#` in a string (an address) ends its line here, which costs only options after it.
    let lines = program.lines().map(|l| l.split('#').next().unwrap_or(l));
    let mut found = Vec::new();
    for line in lines {
        for (name, rest) in tuples(line) {
            let tuple = rest.split('}').next().unwrap_or(rest);
            let Some((_, only)) = tuple.split_once("only:") else {
                if tuple.trim_start().starts_with(',') {
                    found.push((name, true));
                }
                continue;
            };
            let only = only.trim_start();
            let environments = match only.strip_prefix('[') {
                Some(list) => list.split(']').next().unwrap_or(list),
                None => only.split(',').next().unwrap_or(only),
            };
            found.push((name, environments.contains(":prod")));
        }
    }
    found
}

/// `"name": {:hex, :name, "1.0", "inner checksum", …, "outer checksum"},`
fn elixir(line: &str) -> Option<(&str, &str, Option<&str>)> {
    let (_, tuple) = line.split_once("{:hex,")?;
    let mut parts = tuple.splitn(4, ',').map(str::trim);
    let name = parts.next()?.strip_prefix(':')?.trim_matches('"');
    let version = parts.next()?.trim_matches('"');
    let outer = line.rsplit('"').nth(1).filter(|s| s.len() == 64 && s.bytes().all(|b| b.is_ascii_hexdigit()));
    Some((name, version, outer))
}

/// `{<<"name">>,{pkg,<<"real">>,<<"1.0">>},0},`
fn erlang(line: &str) -> Option<(&str, &str, Option<&str>)> {
    let (_, tuple) = line.split_once("{pkg,<<\"")?;
    let (name, rest) = tuple.split_once("\">>")?;
    let version = rest.split_once("<<\"")?.1.split_once("\">>")?.0;
    Some((name, version, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packages;

    #[test]
    fn both() {
        let mix = b"%{\n  \"a\": {:hex, :a, \"1.0.0\", \"00\", [:mix], [{:b, \"~> 2\", [hex: :b]}], \"hexpm\", \"11\"},\n  \"g\": {:git, \"https://x\", \"0\", []},\n  \"q\": {:hex, :\"q-x\", \"2.0\", \"00\", [], [], \"hexpm\"},\n}\n";
        assert_eq!(packages(&MixLock, "mix.lock", mix), ["a 1.0.0", "q-x 2.0"]);
        let rebar = b"{\"1.2.0\",\n[{<<\"a\">>,{pkg,<<\"a\">>,<<\"1.0\">>},0},\n {<<\"g\">>,{git,\"x\",{ref,\"0\"}},0}]}.\n[\n{pkg_hash,[\n {<<\"a\">>, <<\"00\">>}]}\n].\n";
        assert_eq!(packages(&MixLock, "rebar.lock", rebar), ["a 1.0"]);
    }
    #[test]
    fn the_project_tells_what_is_only_for_development() {
        let lock = b"%{\n  \"plug\": {:hex, :plug, \"1.0.0\", \"00\", [:mix], [{:mime, \"~> 2\", [hex: :mime]}], \"hexpm\", \"11\"},\n\
            \x20 \"mime\": {:hex, :mime, \"2.0.0\", \"00\", [:mix], [], \"hexpm\", \"11\"},\n\
            \x20 \"credo\": {:hex, :credo, \"1.7.0\", \"00\", [:mix], [{:bunt, \"~> 1\", [hex: :bunt]}, {:mime, \">= 0\", []}], \"hexpm\", \"11\"},\n\
            \x20 \"bunt\": {:hex, :bunt, \"1.0.0\", \"00\", [:mix], [], \"hexpm\", \"11\"},\n\
            \x20 \"odd\": {:hex, :odd, \"1.0.0\", \"00\", [:mix], [], \"hexpm\", \"11\"},\n}\n";
        let project = b"defp deps do\n    [\n      {:plug, \"~> 1.0\"},\n      # {:bunt, \"~> 1\"},\n      {:credo, \"~> 1.7\", only: [:dev, :test], runtime: false}\n    ]\n  end\n";
        let mut section = Section::default();
        let limits = layergate_model::Limits::default();
        for (path, bytes) in [("w/mix.exs", &project[..]), ("w/mix.lock", lock)] {
            let path = LayerPath::normalise(path).unwrap();
            MixLock.analyze(&File::new(&path, 0, bytes, &limits), &mut section).unwrap();
        }
        MixLock.finish(&mut section);
        let dev = section.packages.iter().filter(|p| p.scope == layergate_model::Scope::Dev);
        assert_eq!(dev.map(|p| p.name.as_str()).collect::<Vec<_>>(), ["bunt", "credo"]);
        assert_eq!(needs("{:a, \"1\", only: :prod}, {:b, \"1\", only: :test}, {:ok}"), [("a", true), ("b", false)]);
    }
}
