//! Erlang's and Elixir's locks: `mix.lock` (hexdocs.pm/mix) and `rebar.lock` (rebar3.org), read by their lines without evaluating
//! the terms. Git dependencies carry a commit, not a version, and are left out.

use layergate_model::{AnalyzerId, PackageKind, Section};

use super::input;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `mix.lock` and `rebar.lock`.
pub struct MixLock;

impl Analyzer for MixLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("mix-lock")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("mix.lock"), Interest::Name("rebar.lock")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        // deps/NAME/mix.lock is how a dependency was developed.
        entry.path.rsplit('/').nth(2) != Some("deps")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, input::MAX_LOCK)?;
        let start = out.packages.len();
        let rebar = file.path.ends_with("rebar.lock");
        for line in file.text().lines() {
            let found = if rebar { erlang(line) } else { elixir(line) };
            let Some((name, version, sum)) = found else { continue };
            if let Some(new) = input::push(out, PackageKind::Hex, name, version, file) {
                new.hashes = sum.map(|s| format!("sha256:{s}")).into_iter().collect();
            }
        }
        input::join_same(out, start);
        Ok(())
    }
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
}
