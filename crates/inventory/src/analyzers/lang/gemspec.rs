//! Installed Ruby gems: `specifications/**/NAME-VERSION.gemspec` (guides.rubygems.org, "Specification Reference"). A
//! gemspec is a Ruby program; it is never run. RubyGems writes the installed ones in one plain form, of which the
//! assignments of string literals are read; the file's name helps where a value is computed.

use layergate_model::{AnalyzerId, Dependency, PackageKind, Section};

use super::input;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads installed gemspecs.
pub struct Gemspec;

/// The largest one that is read; some list thousands of files.
const MAX_BYTES: usize = 4 << 20;
/// Dependencies of one gem that are kept.
const MAX_DEPENDENCIES: usize = 512;

impl Analyzer for Gemspec {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("gemspec")
    }

    fn revision(&self) -> u32 {
        3
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".gemspec")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        // specifications/x.gemspec, specifications/default/x.gemspec; others describe how a gem is developed.
        entry.path.rsplit('/').skip(1).take(2).any(|d| d == "specifications")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, MAX_BYTES)?;
        let text = file.text();
        let mut inside = false;
        let (mut name, mut version) = (None, None);
        let mut licenses = Vec::new();
        let mut needs = Vec::new();
        for line in text.lines().map(str::trim) {
            if !inside {
                inside = line.contains("Gem::Specification.new");
                continue;
            }
            // Whatever the block calls its argument.
            let Some((_, call)) = line.split_once('.').filter(|(r, _)| is_word(r)) else { continue };
            if let Some((attribute, value)) = call.split_once('=').filter(|(a, _)| is_word(a.trim())) {
                match attribute.trim() {
                    "name" => name = name.or_else(|| literals(value).next()),
                    "version" => version = version.or_else(|| literals(value).next()),
                    "license" | "licenses" => licenses.extend(literals(value).take(16).filter_map(license::normal)),
                    _ => {}
                }
            } else if (call.starts_with("add_runtime_dependency") || call.starts_with("add_dependency"))
                && needs.len() < MAX_DEPENDENCIES
                && let Some(need) = literals(call).next()
            {
                needs.push(Dependency { name: need.to_owned(), version: None });
            }
        }
        // NAME-VERSION or NAME-VERSION-PLATFORM.
        let stem = file.path.file_name().strip_suffix(".gemspec").unwrap_or_default();
        let by_name = stem
            .match_indices('-')
            .find(|(i, _)| stem[i + 1..].starts_with(|c: char| c.is_ascii_digit()))
            .map(|(i, _)| (&stem[..i], stem[i + 1..].split('-').next().unwrap_or_default()));
        let name = name.or(by_name.map(|(n, _)| n));
        let version = version.or(by_name.map(|(_, v)| v));
        let (Some(name), Some(version)) = (name, version) else {
            return Err(AnalyzeError::unreadable(
                "the gemspec shows neither name nor version in a way that can be read",
            ));
        };
        needs.sort();
        needs.dedup();
        if let Some(new) = input::push(out, PackageKind::Gem, name, version, file) {
            new.licenses = licenses;
            new.dependencies = needs;
        }
        Ok(())
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The string literals of a line: `"a".freeze`, `'b'`, `%q<c>`. One with an interpolation is none.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let quote = rest.find(['"', '\'', '%'])?;
            let (open, close) = match rest.as_bytes()[quote] {
                b'"' => (1, '"'),
                b'\'' => (1, '\''),
                _ if rest[quote..].starts_with("%q<") => (3, '>'),
                _ => {
                    rest = &rest[quote + 1..];
                    continue;
                }
            };
            let inside = &rest[quote + open..];
            let end = inside.find(close)?;
            rest = &inside[end + close.len_utf8()..];
            let value = &inside[..end];
            if !value.contains("#{") && !value.is_empty() {
                return Some(value);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn plain_ones_and_programs() {
        let at = "usr/lib/ruby/gems/3.1.0/specifications/rake-13.0.6.gemspec";
        let text = b"# stub: rake 13.0.6 ruby lib\n\nGem::Specification.new do |s|\n  s.name = \"rake\".freeze\n  s.version = \"13.0.6\"\n  s.licenses = [\"MIT\".freeze, 'Ruby']\n  \
            s.add_runtime_dependency(%q<a>.freeze, [\">= 1\"])\n  s.add_dependency(\"b\")\n  s.add_development_dependency(%q<c>.freeze)\nend\n";
        let (section, result) = analyze(&Gemspec, at, text);
        result.unwrap();
        let p = &section.packages[0];
        assert_eq!((p.name.as_str(), p.version.as_str(), p.licenses.join(",")), ("rake", "13.0.6", "MIT,Ruby".into()));
        assert_eq!(p.dependencies.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let program = b"Gem::Specification.new do |gem|\n  gem.name = `curl evil`\n  gem.version = \"#{File.read('VERSION')}\"\nend\n";
        assert_eq!(packages(&Gemspec, "x/specifications/default/a-b-1.2-java.gemspec", program), ["a-b 1.2"]);
        assert!(analyze(&Gemspec, "x/specifications/nothing.gemspec", program).1.is_err());
    }
}
