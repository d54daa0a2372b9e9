//! `layergate.toml`: what is the same for every run. Its keys are the names of flags without the dashes, those of the
//! limits also in a table `[limits]`; which flags have a key is in [`super`]. Here is only the reading.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use toml::de::{DeTable, DeValue};

/// One key with its values as a command line would have them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The flag without its dashes.
    pub(super) key: String,
    /// One value, or those of a list.
    pub(super) values: Vec<String>,
    /// Whether it was written as a list.
    pub(super) list: bool,
    /// Where it stands, counted from 1.
    pub(super) line: usize,
}

/// A configuration file.
#[derive(Debug)]
pub(super) struct File {
    /// Where it lies.
    pub(super) path: PathBuf,
    /// Whether somebody named it; otherwise it was found in the working directory.
    pub(super) named: bool,
    /// What it says.
    pub(super) entries: Vec<Entry>,
}

impl File {
    /// The file that was named, or `layergate.toml` in the working directory where there is one.
    pub(super) fn find(named: Option<&Path>) -> Result<Option<Self>> {
        let default = Path::new("layergate.toml");
        match named {
            Some(path) => Self::read(path, true).map(Some),
            None if default.is_file() => Self::read(default, false).map(Some),
            None => Ok(None),
        }
    }

    fn read(path: &Path, named: bool) -> Result<Self> {
        let cannot = || format!("cannot read the configuration {}", path.display());
        let text = crate::bounded::text(path).with_context(cannot)?;
        let entries = entries(&text).map_err(|e| anyhow!("in the configuration {}: {e:#}", path.display()))?;
        Ok(Self { path: path.to_owned(), named, entries })
    }
}

fn entries(text: &str) -> Result<Vec<Entry>> {
    let table = DeTable::parse(text).map_err(|e| anyhow!("{e}"))?;
    let line = |offset: usize| text.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1;
    let mut entries = Vec::new();
    for (key, value) in table.get_ref().iter() {
        match value.get_ref() {
            DeValue::Table(limits) if key.get_ref() == "limits" => {
                for (key, value) in limits.iter() {
                    entries.push(entry(key.get_ref(), value.get_ref(), line(key.span().start))?);
                }
            }
            value => entries.push(entry(key.get_ref(), value, line(key.span().start))?),
        }
    }
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

fn entry(key: &str, value: &DeValue<'_>, line: usize) -> Result<Entry> {
    let one = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Boolean(value) => Ok(value.to_string()),
        other => bail!("line {line}: `{key}` cannot be a {}", other.type_str()),
    };
    let (values, list) = match value {
        DeValue::Array(array) => (array.iter().map(|v| one(v.get_ref())).collect::<Result<_>>()?, true),
        value => (vec![one(value)?], false),
    };
    Ok(Entry { key: key.to_owned(), values, list, line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_with_their_lines_and_values_as_flags_have_them() {
        let text = "offline = true\nvex = [\"a\", \"b\"]\n[limits]\nmax-entries = 5\nmax-layer-bytes = \"4GiB\"\n";
        let read: Vec<_> =
            entries(text).unwrap().into_iter().map(|e| (e.key, e.values.join(","), e.list, e.line)).collect();
        let expected = [
            ("offline", "true", false, 1),
            ("vex", "a,b", true, 2),
            ("max-entries", "5", false, 4),
            ("max-layer-bytes", "4GiB", false, 5),
        ];
        assert_eq!(read, expected.map(|(key, values, list, line)| (key.to_owned(), values.to_owned(), list, line)));
    }

    #[test]
    fn what_is_no_value_of_a_flag_is_refused_with_its_line() {
        for (text, says) in [
            ("a = 1\nb = 1.5", "line 2: `b`"),
            ("a = 1\n\n[rules]\nx = 1", "line 3: `rules`"),
            ("a = 0x10", "line 1: `a`"),
            ("a = [[1]]", "line 1: `a`"),
            ("a = 1\na = 2", "duplicate key"),
            ("a =", "line 1"),
        ] {
            let error = entries(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
