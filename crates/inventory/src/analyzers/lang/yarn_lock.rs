//! `yarn.lock` of yarn 1 and of yarn 2 and later ("berry"; classic.yarnpkg.com and yarnpkg.com, "lockfile"). Both are
//! read by one pass over lines: a heading names the ranges, the indented lines below it what they became. The lock does
//! not show development dependencies; the `package.json` files beside and below it do.

use std::collections::{BTreeMap, HashMap};

use layergate_model::{AnalyzerId, Dependency, LayerPath, Limits, PackageKind, Provenance, Scope, Section};
use serde::Deserialize;

use super::{
    input,
    loose::{Flag, Table, Text},
    node_rules,
    reach::reachable,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `yarn.lock`, and `package.json` for the scopes.
pub struct YarnLock;

/// Manifests that the locks of one layer may ask to be looked at; the scopes of the rest are not known.
const MAX_WORK: usize = 4_000_000;
/// Largest `package.json` that is remembered until the lock has come.
const MAX_MANIFEST: usize = 256 << 10;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest {
    name: Text,
    version: Text,
    private: Flag,
    dependencies: Table<Text>,
    #[serde(rename = "optionalDependencies")]
    optional: Table<Text>,
}

#[derive(Default)]
struct Block<'t> {
    ranges: Vec<&'t str>,
    version: &'t str,
    resolution: &'t str,
    /// Yarn 1's URL.
    resolved: &'t str,
    hash: &'t str,
    conditions: &'t str,
    needs: Vec<(&'t str, &'t str)>,
}

impl Analyzer for YarnLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("yarn-lock")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("yarn.lock"), Interest::Name("package.json")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        if file.path.file_name() == "package.json" {
            // Without it only the scopes are not known.
            let _ = file.bytes.len() <= MAX_MANIFEST && out.notes.keep(file.path, file.text());
            return Ok(());
        }
        input::bounded(file, input::MAX_LOCK)?;
        let text = file.text();
        if blocks(&text).is_empty() && text.lines().any(|l| !l.trim().is_empty() && !l.starts_with('#')) {
            return Err(AnalyzeError::database("not a yarn.lock: it has no entries"));
        }
        if !out.notes.keep(file.path, text.as_ref()) {
            list(&text, file, &[], out);
        }
        Ok(())
    }

    fn finish(&self, out: &mut Section) {
        let (locks, manifests): (Vec<_>, Vec<_>) =
            out.notes.take().into_iter().partition(|(path, _)| path.file_name() == "yarn.lock");
        if locks.is_empty() {
            return;
        }
        let manifests: BTreeMap<LayerPath, Manifest> =
            manifests.into_iter().filter_map(|(path, text)| Some((path, serde_json::from_str(&text).ok()?))).collect();
        let limits = Limits::default();
        let mut work = 0;
        for (path, text) in locks {
            let Some(root) = path.parent() else { continue };
            work += manifests.len();
            let looked_at = if work <= MAX_WORK { &manifests } else { &BTreeMap::new() };
            let below: Vec<(&LayerPath, &Manifest)> =
                looked_at.iter().filter(|(at, _)| root.is_empty() || at.is_within(&root)).collect();
            list(&text, &File::new(&path, 0, b"", &limits), &below, out);
            // The project itself.
            if let Some((at, own)) = below.iter().find(|(at, _)| at.parent().as_ref() == Some(&root)) {
                let file = File::new(at, 0, b"", &limits);
                let new = input::push(out, PackageKind::Npm, &own.name.0, &own.version.0, &file);
                if let Some(new) = new.filter(|_| own.private.0) {
                    new.provenance = Provenance::Project;
                }
            }
        }
    }
}

fn list(text: &str, file: &File<'_>, manifests: &[(&LayerPath, &Manifest)], out: &mut Section) {
    let blocks = blocks(text);
    let by_range: HashMap<&str, usize> =
        blocks.iter().enumerate().flat_map(|(i, b)| b.ranges.iter().map(move |r| (*r, i))).collect();
    // Berry writes the protocol into the heading, and not always into what needs it.
    let find = |name: &str, range: &str| {
        let direct = by_range.get(format!("{name}@{range}").as_str());
        direct.or_else(|| by_range.get(format!("{name}@npm:{range}").as_str())).copied()
    };
    let edges: Vec<Vec<usize>> =
        blocks.iter().map(|b| b.needs.iter().filter_map(|(name, range)| find(name, range)).collect()).collect();
    let needed = manifests.iter().flat_map(|(_, m)| m.dependencies.0.iter().chain(&m.optional.0));
    let used = reachable(needed.filter_map(|(name, range)| find(name, &range.0)), &edges);
    let start = out.packages.len();
    for (i, block) in blocks.iter().enumerate() {
        let Some(name) = block.name().filter(|_| block.runs_on_linux()) else { continue };
        let Some(new) = input::push(out, PackageKind::Npm, name, block.version, file) else { continue };
        new.hashes = Some(block.hash)
            .filter(|h| h.starts_with("sha") && h.contains('-'))
            .map(str::to_owned)
            .into_iter()
            .collect();
        new.provenance = block.provenance();
        if !manifests.is_empty() && !used[i] {
            new.scope = Scope::Dev;
        }
        let needs = edges[i].iter().map(|to| &blocks[*to]);
        new.dependencies = needs
            .filter_map(|b| Some(Dependency { name: b.name()?.to_owned(), version: Some(b.version.to_owned()) }))
            .collect();
    }
    input::join_same(out, start);
}

impl<'t> Block<'t> {
    /// By berry's conditions: `(os=darwin | os=linux) & cpu=arm64`.
    fn runs_on_linux(&self) -> bool {
        let words = self.conditions.split([' ', '&', '|', '(', ')']);
        node_rules::runs_on_linux(words.filter_map(|word| word.strip_prefix("os=")))
    }

    fn provenance(&self) -> Provenance {
        let range = |text: &'t str| split(text).map_or("", |(_, range)| range);
        let texts = [self.resolved, range(self.resolution), range(self.ranges.first().copied().unwrap_or_default())];
        texts.into_iter().map(node_rules::provenance).max().unwrap_or_default()
    }

    /// The package's name in its registry; `None` for the project's own directories.
    fn name(&self) -> Option<&'t str> {
        let (name, range) = split(if self.resolution.is_empty() { self.ranges.first()? } else { self.resolution })?;
        if ["workspace:", "link:", "portal:"].iter().any(|p| range.starts_with(p)) || self.version == "0.0.0-use.local"
        {
            return None;
        }
        // An alias, `name@npm:real@range`, is the real one.
        let alias = range.strip_prefix("npm:").and_then(split).map(|(real, _)| real);
        Some(alias.unwrap_or(name))
    }
}

/// `@scope/name@range` in its two parts.
fn split(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')? + 1;
    Some((&text[..at], &text[at + 1..]))
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut out: Vec<Block<'_>> = Vec::new();
    let mut in_needs = false;
    for line in text.lines() {
        let content = line.trim_end();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let depth = content.len() - content.trim_start().len();
        let content = content.trim_start();
        if depth == 0 {
            let ranges = content.trim_end_matches(':').split(", ").map(|r| r.trim_matches('"'));
            // One pair of quotes may hold several ranges.
            let ranges = ranges.flat_map(|r| r.split(", ")).filter(|r| split(r).is_some()).collect();
            out.push(Block { ranges, ..Block::default() });
            in_needs = false;
            continue;
        }
        let Some(block) = out.last_mut() else { continue };
        let (key, value) = pair(content);
        if depth == 2 {
            in_needs = false;
            match key {
                "version" => block.version = value,
                "resolution" => block.resolution = value,
                "resolved" => block.resolved = value,
                "integrity" => block.hash = value,
                "conditions" => block.conditions = value,
                "dependencies" | "optionalDependencies" => in_needs = true,
                _ => {}
            }
        } else if in_needs && depth == 4 {
            block.needs.push((key, value));
        }
    }
    out.retain(|b| !b.ranges.is_empty() && !b.version.is_empty());
    out
}

/// `"key" "value"`, `key: value`, `key "value"`.
fn pair(line: &str) -> (&str, &str) {
    let (key, value) = match line.strip_prefix('"') {
        Some(rest) => rest.split_once('"').unwrap_or((rest, "")),
        None => {
            let end = line.find([' ', ':']).unwrap_or(line.len());
            line.split_at(end)
        }
    };
    (key, value.trim_start_matches(':').trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages, together};

    const CLASSIC: &str = "# yarn lockfile v1\n\n\n\"@s/a@^1.0.0\", \"@s/a@~1.0.0\":\n  version \"1.0.1\"\n  integrity sha512-x\n  dependencies:\n    b \"^2.0.0\"\n\n\
        b@^2.0.0:\n  version \"2.1.0\"\n\nalias@npm:real@^3:\n  version \"3.0.0\"\n\nc@1:\n  version \"1.0.0\"\n";
    const BERRY: &str = "__metadata:\n  version: 6\n  cacheKey: 8\n\n\"a@npm:^1.0.0, a@npm:~1.0.0\":\n  version: 1.0.1\n  resolution: \"a@npm:1.0.1\"\n  dependencies:\n    b: ^2.0.0\n  checksum: 00\n  languageName: node\n  linkType: hard\n\n\
        \"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  dependencies:\n    a: ^1.0.0\n\n\"b@npm:^2.0.0\":\n  version: 2.1.0\n  resolution: \"b@npm:2.1.0\"\n\n\"b@patch:b@^2.0.0#~x\":\n  version: 2.1.0\n  resolution: \"b@patch:b@npm%3A2.1.0#~x::version=2.1.0\"\n";

    #[test]
    fn both_formats() {
        assert_eq!(
            packages(&YarnLock, "yarn.lock", CLASSIC.as_bytes()),
            ["@s/a 1.0.1", "b 2.1.0", "c 1.0.0", "real 3.0.0"]
        );
        assert_eq!(packages(&YarnLock, "yarn.lock", BERRY.as_bytes()), ["a 1.0.1", "b 2.1.0"]);
        let (section, _) = analyze(&YarnLock, "yarn.lock", BERRY.as_bytes());
        assert_eq!(section.packages[0].dependencies.len(), 1);
        assert!(analyze(&YarnLock, "yarn.lock", b"{\"not\": 1}").1.is_err());
        assert_eq!(packages(&YarnLock, "yarn.lock", b"# yarn lockfile v1\n\n"), [""; 0]);
    }

    #[test]
    fn the_manifest_tells_what_is_for_development() {
        let manifest =
            br#"{"name":"app","version":"0.1.0","dependencies":{"@s/a":"^1.0.0"},"devDependencies":{"c":"1"}}"#;
        let mut section = Section::default();
        let limits = Limits::default();
        for (path, bytes) in
            [("w/yarn.lock", CLASSIC.as_bytes()), ("w/package.json", manifest), ("other/package.json", b"{}")]
        {
            let path = LayerPath::normalise(path).unwrap();
            YarnLock.analyze(&File::new(&path, 0, bytes, &limits), &mut section).unwrap();
        }
        YarnLock.finish(&mut section);
        let dev: Vec<_> = section.packages.iter().filter(|p| p.scope == Scope::Dev).map(|p| p.name.as_str()).collect();
        assert_eq!(dev, ["c", "real"]);
        let all = together(&YarnLock, &[("yarn.lock", CLASSIC.as_bytes()), ("package.json", manifest)]);
        assert!(all.contains(&"app 0.1.0".to_owned()) && all.len() == 5);
    }

    #[test]
    fn what_is_not_the_registrys_or_not_for_this_system() {
        let berry = "\"a@npm:^1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n  conditions: os=darwin & cpu=arm64\n\n\
            \"b@npm:^1\":\n  version: 1.0.0\n  resolution: \"b@npm:1.0.0\"\n  conditions: (os=darwin | os=linux)\n\n\
            \"c@git@github.com:x/c\":\n  version: 1.0.0\n  resolution: \"c@git@github.com:x/c#commit=0\"\n";
        let classic = "d@x/d:\n  version \"1.0.0\"\n  resolved \"https://codeload.github.com/x/d/tar.gz/0\"\n\n\
            e@1:\n  version \"1.0.0\"\n  resolved \"https://registry.yarnpkg.com/e/-/e-1.0.0.tgz#0\"\n";
        let found = |text: &str| -> Vec<(String, Provenance)> {
            let (section, _) = analyze(&YarnLock, "yarn.lock", text.as_bytes());
            section.packages.into_iter().map(|p| (p.name, p.provenance)).collect()
        };
        let (registry, elsewhere) = (Provenance::Registry, Provenance::Elsewhere);
        assert_eq!(found(berry), [("b".to_owned(), registry), ("c".to_owned(), elsewhere)]);
        assert_eq!(found(classic), [("d".to_owned(), elsewhere), ("e".to_owned(), registry)]);
        let private = br#"{"name":"app","version":"1","private":true}"#;
        let mut section = Section::default();
        for (path, bytes) in [("yarn.lock", CLASSIC.as_bytes()), ("package.json", private)] {
            let path = LayerPath::normalise(path).unwrap();
            YarnLock.analyze(&File::new(&path, 0, bytes, &Limits::default()), &mut section).unwrap();
        }
        YarnLock.finish(&mut section);
        let own = section.packages.iter().find(|p| p.name == "app").map(|p| p.provenance);
        assert_eq!(own, Some(Provenance::Project));
    }
}
