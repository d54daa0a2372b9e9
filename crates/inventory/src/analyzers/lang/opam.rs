//! OCaml's packages (opam.ocaml.org, "The opam manual", file formats): `opam` in a directory `NAME.VERSION` or `NAME`, and
//! `NAME.opam` or `NAME.VERSION.opam`.
//!
//! The fields `name:` and `version:` at the outermost level, where they have a string on the same line, else the file's or
//! directory's name. A package without a version is one that is being developed, not one that is there.

use layergate_model::{AnalyzerId, PackageKind, Section};

use super::input;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads `opam` files.
pub struct Opam;

/// The largest one that is read.
const MAX_BYTES: usize = 4 << 20;

impl Analyzer for Opam {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("opam")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("opam"), Interest::Extension(".opam")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.file_name() != ".opam"
    }

    fn wants(&self, head: &[u8]) -> bool {
        // The program of this name, and anything else that is no text.
        !head.contains(&0)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, MAX_BYTES)?;
        let text = file.text();
        if field(&text, "opam-version").is_none() {
            return Ok(());
        }
        let directory = file.path.parent();
        let place = match file.path.file_name() {
            "opam" => directory.as_ref().map_or("", |d| d.file_name()),
            name => name.strip_suffix(".opam").unwrap_or(name),
        };
        // `alcotest.1.8.0`: names of packages have no dot.
        let (place_name, place_version) = place.split_once('.').map_or((place, None), |(n, v)| (n, Some(v)));
        let name = field(&text, "name").unwrap_or(place_name);
        if let Some(version) = field(&text, "version").or(place_version)
            && let Some(new) = input::push(out, PackageKind::Opam, name, version, file)
        {
            new.licenses = license::one(field(&text, "license").unwrap_or_default());
        }
        Ok(())
    }
}

/// `key: "value"` at the beginning of a line.
fn field<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let value = line.strip_prefix(key)?.strip_prefix(':')?.trim().strip_prefix('"')?;
        value.split_once('"').map(|(value, _)| value).filter(|v| !v.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn fields_and_names() {
        let text = b"opam-version: \"2.0\"\nlicense: \"ISC\"\ndepends: [\n  version: \"9\"\n]\n";
        assert_eq!(packages(&Opam, ".opam-switch/packages/alcotest.1.8.0/opam", text), ["alcotest 1.8.0"]);
        assert_eq!(packages(&Opam, "x/base.v0.16.3.opam", text), ["base v0.16.3"]);
        assert_eq!(packages(&Opam, "src/mylib.opam", text), [""; 0]);
        let named = b"opam-version: \"2.0\"\nname: \"lib\"\nversion: \"1.2.0\" # now\n";
        assert_eq!(packages(&Opam, "usr/lib/ocaml/other/opam", named), ["lib 1.2.0"]);
        assert_eq!(analyze(&Opam, "opam", text).0.packages.len(), 0);
        assert_eq!(packages(&Opam, "etc/opam", b"version: \"1\"\n"), [""; 0]);
        assert!(!Opam.wants(b"\x7fELF\0"));
    }
}
