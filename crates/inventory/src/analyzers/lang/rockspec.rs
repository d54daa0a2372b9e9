//! Installed Lua rocks: `NAME-VERSION-REVISION.rockspec` (github.com/luarocks/luarocks, "Rockspec format"). It is a Lua
//! program that is never run: the string literals of `package`, `version` and `license` are read, or else the file's
//! name.

use layergate_model::{AnalyzerId, PackageKind, Section};

use super::input;
use crate::{AnalyzeError, Analyzer, File, Interest, analyzers::license};

/// Reads `*.rockspec`.
pub struct Rockspec;

/// The largest one that is read.
const MAX_BYTES: usize = 1 << 20;

impl Analyzer for Rockspec {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("rockspec")
    }

    fn revision(&self) -> u32 {
        3
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".rockspec")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, MAX_BYTES)?;
        let text = file.text();
        let stem = file.path.file_name().strip_suffix(".rockspec").unwrap_or_default();
        let by_name = stem
            .match_indices('-')
            .find(|(i, _)| stem[i + 1..].starts_with(|c: char| c.is_ascii_digit()) || stem[i + 1..].starts_with("scm-"))
            .map(|(i, _)| (&stem[..i], &stem[i + 1..]));
        let name = literal(&text, "package").or(by_name.map(|(n, _)| n));
        let version = literal(&text, "version").or(by_name.map(|(_, v)| v));
        let (Some(name), Some(version)) = (name, version) else {
            return Err(AnalyzeError::unreadable(
                "the rockspec shows neither package nor version in a way that can be read",
            ));
        };
        if let Some(new) = input::push(out, PackageKind::Luarocks, name, version, file) {
            new.licenses = literal(&text, "license").and_then(license::normal).into_iter().collect();
        }
        Ok(())
    }
}

/// `key = "value"` at any indentation, where nothing but the literal follows.
fn literal<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let value = line.trim_start().strip_prefix(key)?.trim_start().strip_prefix('=')?.trim();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, rest) = value[1..].split_once(quote)?;
        let rest = rest.trim_start();
        (rest.is_empty() || rest.starts_with([',', ';', '-'])).then_some(value).filter(|v| !v.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packages;

    #[test]
    fn literals_and_names() {
        let text = b"package = \"bcrypt\"\nversion = \"2.3-1\" -- x\ndescription = {\n  license = 'MIT',\n}\n";
        assert_eq!(packages(&Rockspec, "x/bcrypt-2.3-1.rockspec", text), ["bcrypt 2.3-1"]);
        let program = b"local _v = io.popen('x')\npackage = name\nversion = \"1\" .. _v\n";
        assert_eq!(packages(&Rockspec, "x/lua-cjson-2.1.0-1.rockspec", program), ["lua-cjson 2.1.0-1"]);
    }
}
