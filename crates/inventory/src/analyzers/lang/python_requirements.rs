//! pip's requirement files (pip.pypa.io, "Requirements file format"; PEP 508): every requirement that is pinned to one
//! version with `==` or `===`, and such requirements where a `setup.py` has them as string literals. Ranges name no package that is there, and are passed over, as are options, links and lines of
//! template languages.

use layergate_model::{AnalyzerId, PackageKind, Section};

use super::{input, python_markers::may_hold_on_linux};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `*requirements*.txt` and `setup.py`.
pub struct PythonRequirements;

/// The largest one that is read.
const MAX_BYTES: usize = 16 << 20;

impl Analyzer for PythonRequirements {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("python-requirements")
    }

    fn revision(&self) -> u32 {
        3
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".txt"), Interest::Name("setup.py")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let name = entry.path.file_name();
        (name.contains("requirements") || name == "setup.py") && !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, MAX_BYTES)?;
        let start = out.packages.len();
        if file.path.file_name() == "setup.py" {
            for (name, version) in literals(&file.text()).filter_map(pinned) {
                input::push(out, PackageKind::Pypi, name, version, file);
            }
            input::join_same(out, start);
            return Ok(());
        }
        // A backslash at the end joins lines: the hashes usually.
        let text = text(file).replace("\\\r\n", " ").replace("\\\n", " ");
        for line in text.lines() {
            let Some((name, version)) = pinned(line).filter(|_| marker(line).is_none_or(may_hold_on_linux)) else {
                continue;
            };
            let Some(new) = input::push(out, PackageKind::Pypi, name, version, file) else { continue };
            new.hashes = line
                .split_whitespace()
                .filter_map(|word| word.strip_prefix("--hash="))
                .filter(|hash| hash.split_once(':').is_some())
                .map(str::to_owned)
                .collect();
        }
        input::join_same(out, start);
        Ok(())
    }
}

/// The string literals of a program that end on the line on which they begin. The program is never run.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| {
        let mut rest = line;
        std::iter::from_fn(move || {
            let from = rest.find(['"', '\'', '#']).filter(|at| !rest[*at..].starts_with('#'))?;
            let quote = if rest[from..].starts_with('"') { '"' } else { '\'' };
            let (literal, after) = rest[from + 1..].split_once(quote)?;
            rest = after;
            Some(literal)
        })
    })
}

/// Windows editors write UTF-16.
fn text<'a>(file: &File<'a>) -> std::borrow::Cow<'a, str> {
    let units = |of: fn([u8; 2]) -> u16| -> String {
        let units: Vec<u16> = file.bytes[2..].chunks_exact(2).map(|b| of([b[0], b[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match file.bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes).into(),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes).into(),
        _ => file.text(),
    }
}

/// `Name[extra]==1.0 ; marker --option # comment` is `Name` and `1.0`.
pub(crate) fn pinned(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    if line.starts_with(['#', '-']) {
        return None;
    }
    // A comment begins at the line's beginning or after a blank; a few people write it without.
    let line = line.split_once('#').map_or(line, |(l, _)| l);
    let line = line.split_once(';').map_or(line, |(l, _)| l);
    let line = line.split_once(" --").map_or(line, |(l, _)| l);
    let name = name_of(line)?;
    let mut rest = line[name.len()..].trim_start();
    if rest.starts_with('[') {
        rest = rest.split_once(']')?.1.trim_start();
    }
    let specifiers = rest.trim_start_matches('(').trim_end().trim_end_matches(')');
    if !specifiers.starts_with(['=', '<', '>', '~', '!', ' ']) {
        return None;
    }
    // Of several specifiers that hold together, one may pin: `<2,==1.26.5`.
    let version = specifiers.split(',').find_map(|one| {
        let version = one.trim().strip_prefix("==")?.trim_start_matches('=').trim();
        let versioned = version.starts_with(|c: char| c.is_ascii_digit() || c == 'v')
            && version.bytes().all(|b| b.is_ascii_alphanumeric() || b".!+-_".contains(&b));
        versioned.then_some(version)
    })?;
    name.starts_with(|c: char| c.is_ascii_alphanumeric()).then_some((name, version))
}

/// What stands behind the `;` of a requirement.
fn marker(line: &str) -> Option<&str> {
    let line = line.split_once(" #").map_or(line, |(l, _)| l);
    let line = line.split_once(" --").map_or(line, |(l, _)| l);
    line.split_once(';').map(|(_, marker)| marker.trim())
}

/// The name at the beginning of a requirement.
pub(crate) fn name_of(requirement: &str) -> Option<&str> {
    let requirement = requirement.trim_start();
    let end =
        requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(requirement.len());
    Some(&requirement[..end]).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn lines() {
        for (line, want) in [
            ("click==8.0.0", Some(("click", "8.0.0"))),
            ("Flask == 2.0 # why", Some(("Flask", "2.0"))),
            ("keyring[a,b]==4.1.1;python_version<'3'", Some(("keyring", "4.1.1"))),
            ("a===1.0+local", Some(("a", "1.0+local"))),
            ("a==1!2.0.post1 --hash=sha256:00", Some(("a", "1!2.0.post1"))),
            ("a (==1.0)", Some(("a", "1.0"))),
            ("a==1.*", None),
            ("a==1.0,<2", Some(("a", "1.0"))),
            ("a<2, == 1.26.5", Some(("a", "1.26.5"))),
            ("a!=1.0", None),
            ("a>=1.0", None),
            ("a~=1.0", None),
            ("-r other==1.txt", None),
            ("{{ name }}==1.0", None),
            ("a @ https://x/y==1", None),
            ("git+https://x/a.git@1==2#egg=a", None),
            ("==1.0", None),
        ] {
            assert_eq!(pinned(line), want, "{line}");
        }
    }

    #[test]
    fn files() {
        let text = "a==1.0 \\\n    --hash=sha256:aa \\\r\n    --hash=sha256:bb\nb==2.0\n";
        let (section, _) = analyze(&PythonRequirements, "x/dev-requirements.txt", text.as_bytes());
        assert_eq!(section.packages[0].hashes, ["sha256:aa", "sha256:bb"]);
        let wide: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("a==1.0\r\nb==2\r\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(packages(&PythonRequirements, "requirements.txt", &wide), ["a 1.0", "b 2"]);
        let setup = b"setup(name='x', version='3', install_requires=['a==1.0', \"b == v0.770\", 'c>=2'], # 'd==1'\n  x={'t': ['e[f]==2 ; python_version<\"3\"']})";
        assert_eq!(packages(&PythonRequirements, "setup.py", setup), ["a 1.0", "b v0.770", "e 2"]);
    }
}
