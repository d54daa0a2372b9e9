//! Environment markers (packaging.python.org, "Dependency specifiers"), as far as they tell systems apart: locks pin what
//! Windows and macOS need besides, and installers leave it out on Linux.
//!
//! A marker is answered with yes, no or perhaps: the version of Python, the machine and extras are not known. Only a
//! certain no leaves a package out.

/// How deep parentheses are followed.
const MAX_DEPTH: usize = 32;
/// The longest marker that is read; a longer one may hold.
const MAX_BYTES: usize = 16 << 10;

/// Whether what has this marker may be installed on Linux.
pub(super) fn may_hold_on_linux(marker: &str) -> bool {
    if marker.len() > MAX_BYTES {
        return true;
    }
    let mut words = Words { rest: marker };
    let answer = any(&mut words, MAX_DEPTH);
    // What is not read to its end is not understood.
    !(answer == Some(false) && words.next().is_none())
}

/// `a or b`; `None` is perhaps.
fn any(words: &mut Words<'_>, depth: usize) -> Option<bool> {
    let mut answer = all(words, depth);
    while words.take("or") {
        answer = match (answer, all(words, depth)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        };
    }
    answer
}

/// `a and b`.
fn all(words: &mut Words<'_>, depth: usize) -> Option<bool> {
    let mut answer = one(words, depth);
    while words.take("and") {
        answer = match (answer, one(words, depth)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
    }
    answer
}

/// A comparison, or markers in parentheses.
fn one(words: &mut Words<'_>, depth: usize) -> Option<bool> {
    if words.take("(") {
        let inner = any(words, depth.checked_sub(1)?);
        return if words.take(")") { inner } else { None };
    }
    let (left, operator) = (words.next()?, words.next()?);
    let negated = operator == "not" && words.take("in");
    let right = words.next()?;
    let turned = quoted(left).is_some();
    let (name, value) = if turned { (right, quoted(left)?) } else { (left, quoted(right)?) };
    let here = match name {
        "sys_platform" | "sys.platform" => "linux",
        "platform_system" => "Linux",
        "os_name" | "os.name" => "posix",
        _ => return None,
    };
    // Python 2 said `linux2`.
    if here == "linux" && value != here && value.contains("linux") {
        return None;
    }
    match operator {
        "==" | "===" => Some(value == here),
        "!=" => Some(value != here),
        "in" if !turned => Some(value.contains(here)),
        "in" => Some(here.contains(value)),
        "not" if negated && !turned => Some(!value.contains(here)),
        "not" if negated => Some(!here.contains(value)),
        _ => None,
    }
}

fn quoted(word: &str) -> Option<&str> {
    let quote = word.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    word.strip_prefix(quote)?.strip_suffix(quote)
}

/// The words of a marker: names, texts in quotes, operators, parentheses.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn peek(&self) -> Option<(&'a str, &'a str)> {
        let rest = self.rest.trim_start();
        let first = rest.chars().next()?;
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let end = match first {
            '(' | ')' => 1,
            '"' | '\'' => rest[1..].find(first)? + 2,
            c if name(c) => rest.find(|c| !name(c)).unwrap_or(rest.len()),
            _ => rest.find(|c: char| !"=!<>~".contains(c)).unwrap_or(rest.len()).max(first.len_utf8()),
        };
        Some(rest.split_at(end))
    }

    fn next(&mut self) -> Option<&'a str> {
        let (word, rest) = self.peek()?;
        self.rest = rest;
        Some(word)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let Some((_, rest)) = self.peek().filter(|(word, _)| *word == wanted) else { return false };
        self.rest = rest;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems() {
        for (marker, may) in [
            ("", true),
            ("sys_platform == \"win32\"", false),
            ("sys_platform != 'win32'", true),
            ("'win32' == sys_platform", false),
            ("platform_system == 'Windows'", false),
            ("platform_system == \"Linux\" and python_version < '3'", true),
            ("os_name == 'nt'", false),
            ("os.name=='nt'", false),
            ("sys_platform == 'darwin' or sys_platform == 'win32'", false),
            ("sys_platform == 'darwin' or python_version < '3'", true),
            ("python_version < '3' and sys_platform == 'darwin'", false),
            ("(python_version < '3' or extra == 'x') and (sys_platform == 'darwin')", false),
            ("sys_platform == 'linux2'", true),
            ("sys_platform in 'win32 cygwin'", false),
            ("sys_platform not in 'win32 cygwin'", true),
            ("'linux' not in sys_platform", false),
            ("'win' in sys_platform", false),
            ("platform_machine == 'arm64'", true),
            ("sys_platform == 'win32' what", true),
            ("sys_platform == 'win32", true),
            ("(sys_platform == 'win32'", true),
            ("sys_platform > 'win32'", true),
            ("é == 'win32'", true),
        ] {
            assert_eq!(may_hold_on_linux(marker), may, "{marker}");
        }
        assert!(may_hold_on_linux(&"(".repeat(10_000)));
    }
}
