//! Go modules as sources declare them (go.dev/ref/mod): `go.mod` with `require`, `replace` and `exclude`, and `go.sum`.
//!
//! From Go 1.17 on a `go.mod` lists every module of the build. An older one lists its direct needs only, and what else
//! is built is known from the `go.sum` beside it, which then counts too, with the last version of each module.
//! Otherwise `go.sum` also names versions that no build uses, and does not count. The go directive is a minimum, not an
//! installed toolchain: no `stdlib` is made of it.

use std::collections::{HashMap, HashSet};

use layergate_model::{AnalyzerId, LayerPath, PackageKind, Section};

use super::input;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `go.mod` and `go.sum`.
pub struct GoMod;

#[derive(Debug, Default, PartialEq)]
struct Module<'t> {
    /// The go directive's major and minor version.
    go: Option<(u32, u32)>,
    /// Path, version, and whether it is marked `// indirect`.
    require: Vec<(&'t str, &'t str, bool)>,
    replace: Vec<Replace<'t>>,
    exclude: Vec<(&'t str, &'t str)>,
}

#[derive(Debug, PartialEq)]
struct Replace<'t> {
    old: (&'t str, Option<&'t str>),
    new: (&'t str, Option<&'t str>),
}

impl Analyzer for GoMod {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("go-mod")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("go.mod"), Interest::Name("go.sum")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, input::MAX_LOCK)?;
        let text = file.text();
        if file.path.file_name() == "go.sum" {
            for (path, (version, sum)) in sums(&text) {
                if let Some(new) = input::push(out, PackageKind::Golang, path, version, file) {
                    new.hashes = sum.map(str::to_owned).into_iter().collect();
                }
            }
            return Ok(());
        }
        let module = parse(&text);
        let old = module.go.is_none_or(|go| go < (1, 17));
        let start = out.packages.len();
        let mut direct = Vec::new();
        let mut used = HashSet::new();
        let replaced: HashMap<&str, Vec<(usize, &Replace<'_>)>> =
            module.replace.iter().enumerate().fold(HashMap::new(), |mut map, (i, r)| {
                map.entry(r.old.0).or_insert_with(Vec::new).push((i, r));
                map
            });
        let excluded: HashSet<_> = module.exclude.iter().collect();
        for (path, version, indirect) in &module.require {
            if excluded.contains(&(*path, *version)) {
                continue;
            }
            // A replacement of exactly this version is preferred to one of all versions.
            let of = replaced.get(path).into_iter().flatten();
            let best = of.filter(|(_, r)| r.old.1.is_none_or(|v| v == *version)).max_by_key(|(_, r)| r.old.1.is_some());
            let (path, version) = match best {
                Some((i, r)) => {
                    used.insert(*i);
                    (r.new.0, r.new.1.unwrap_or_default())
                }
                None => (*path, *version),
            };
            // A directory in place of a module has no version and is the application's own code.
            input::push(out, PackageKind::Golang, path, version, file);
            if !indirect || best.is_some() {
                direct.push(path);
            }
        }
        if old {
            for (_, r) in module.replace.iter().enumerate().filter(|(i, r)| !used.contains(i) && r.old.1.is_none()) {
                input::push(out, PackageKind::Golang, r.new.0, r.new.1.unwrap_or_default(), file);
                direct.push(r.new.0);
            }
            direct.extend(module.replace.iter().filter(|r| r.old.1.is_none()).map(|r| r.old.0));
            if !out.notes.keep(file.path, direct.join("\n")) {
                return Err(AnalyzeError::limit("this layer has more old go.mod files than can be kept in mind"));
            }
        }
        input::join_same(out, start);
        Ok(())
    }

    fn finish(&self, out: &mut Section) {
        // The directories of old go.mod files, with what these say themselves.
        let notes: HashMap<LayerPath, String> =
            out.notes.take().into_iter().filter_map(|(path, direct)| Some((path.parent()?, direct))).collect();
        let old: HashMap<&str, HashSet<&str>> =
            notes.iter().map(|(path, direct)| (path.as_str(), direct.lines().collect())).collect();
        let listed: HashSet<(String, String, String)> = out
            .packages
            .iter()
            .filter(|p| p.evidence().ends_with("go.mod"))
            .map(|p| (directory(p.evidence()).to_owned(), p.name.clone(), p.version.clone()))
            .collect();
        out.packages.retain(|p| {
            if !p.evidence().ends_with("go.sum") {
                return true;
            }
            let at = directory(p.evidence());
            old.get(at).is_some_and(|direct| !direct.contains(p.name.as_str()))
                && !listed.contains(&(at.to_owned(), p.name.clone(), p.version.clone()))
        });
    }
}

fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(d, _)| d)
}

/// `path version h1:…` lines, the last version of each module. A line of `version/go.mod` alone says that its
/// requirements were read; whether it is built is not to be known here, and then it counts.
fn sums(text: &str) -> std::collections::BTreeMap<&str, (&str, Option<&str>)> {
    let mut out = std::collections::BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if let (Some(path), Some(version), Some(sum)) = (words.next(), words.next(), words.next()) {
            match version.strip_suffix("/go.mod") {
                Some(version) if out.get(path).is_some_and(|(v, _)| *v == version) => {}
                Some(version) => {
                    out.insert(path, (version, None));
                }
                None => {
                    out.insert(path, (version, Some(sum)));
                }
            }
        }
    }
    out
}

fn parse(text: &str) -> Module<'_> {
    let mut module = Module::default();
    let mut block = None;
    for line in text.lines() {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        let mut words: Vec<&str> = code.split_whitespace().map(|w| w.trim_matches(['"', '`'])).take(8).collect();
        if block.is_none() {
            let verb = words.first().copied().unwrap_or_default();
            if words.get(1) == Some(&"(") || words.first().is_some_and(|w| w.ends_with('(')) {
                block = Some(verb.trim_end_matches('('));
                continue;
            }
            words = words.split_off(words.len().min(1));
            directive(verb, &words, comment, &mut module);
        } else if words.first() == Some(&")") {
            block = None;
        } else {
            directive(block.unwrap_or_default(), &words, comment, &mut module);
        }
    }
    module
}

fn directive<'t>(verb: &str, words: &[&'t str], comment: &str, module: &mut Module<'t>) {
    match (verb, words) {
        ("go", [version, ..]) => {
            let mut parts = version.split('.').map(|p| p.chars().take_while(char::is_ascii_digit).collect::<String>());
            let mut number = || parts.next().and_then(|p| p.parse().ok());
            module.go = Some((number().unwrap_or(1), number().unwrap_or(0)));
        }
        ("require", [path, version, ..]) => {
            module.require.push((path, version, comment.split([' ', ';', '\t']).any(|w| w == "indirect")));
        }
        ("exclude", [path, version, ..]) => module.exclude.push((path, version)),
        ("replace", words) => {
            let Some(arrow) = words.iter().position(|w| *w == "=>") else { return };
            let (old, new) = (&words[..arrow], &words[arrow + 1..]);
            if let (Some(path), Some(to)) = (old.first(), new.first()) {
                let (old, new) = ((*path, old.get(1).copied()), (*to, new.get(1).copied()));
                module.replace.push(Replace { old, new });
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{packages, together};

    #[test]
    fn requirements_replacements_and_exclusions() {
        let text = b"module example.com/app // x\n\ngo 1.21\ntoolchain go1.22.1\nrequire a.com/direct v1.0.0\nrequire (\n\ta.com/b v1.1.0 // indirect\n\
            \t\"a.com/quoted\" v2.0.0+incompatible\n\ta.com/local v1.0.0\n\ta.com/pinned v1.0.0\n\ta.com/ex v0.1.0\n)\n\
            replace a.com/b => b.com/fork v1.1.1\nreplace (\n  a.com/local => ./local\n  a.com/pinned v0.9.0 => c.com/other v0.9.1\n  a.com/unused => d.com/unused v1.0.0\n)\nexclude a.com/ex v0.1.0\n";
        let want =
            ["a.com/direct v1.0.0", "a.com/pinned v1.0.0", "a.com/quoted v2.0.0+incompatible", "b.com/fork v1.1.1"];
        assert_eq!(packages(&GoMod, "app/go.mod", text), want);
    }

    #[test]
    fn sums_count_beside_an_old_module_only() {
        let sum = b"a.com/x v1.0.0 h1:a=\na.com/x v1.0.0/go.mod h1:b=\na.com/y v0.1.0 h1:c=\na.com/y v0.2.0 h1:c=\na.com/z v1.0.0/go.mod h1:d=\n";
        for (go, want) in [
            ("go 1.16", &["a.com/x v1.1.0", "a.com/y v0.2.0", "a.com/z v1.0.0"][..]),
            ("", &["a.com/x v1.1.0", "a.com/y v0.2.0", "a.com/z v1.0.0"]),
            ("go 1.17", &["a.com/x v1.1.0"]),
        ] {
            let module = format!("module m\n{go}\nrequire a.com/x v1.1.0\n");
            // In either order.
            let files: [(&str, &[u8]); 2] = [("m/go.mod", module.as_bytes()), ("m/go.sum", sum)];
            assert_eq!(together(&GoMod, &files), want, "{go}");
            assert_eq!(together(&GoMod, &[files[1], files[0]]), want, "{go}");
        }
        assert_eq!(packages(&GoMod, "go.sum", sum), [""; 0]);
    }
}
