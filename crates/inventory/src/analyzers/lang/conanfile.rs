//! Conan's `conanfile.txt` (docs.conan.io): the references below `[requires]` that name one version; those below
//! `[build_requires]`, `[tool_requires]` and `[test_requires]` have the development scope. Ranges (`zlib/[>1.2]`) name no
//! package that is there, and a `conanfile.py` is a program, which is never run.

use layergate_model::{AnalyzerId, PackageKind, Scope, Section};

use super::{conan_lock::parts, input};
use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads `conanfile.txt`.
pub struct Conanfile;

/// The largest one that is read.
const MAX_BYTES: usize = 4 << 20;

impl Analyzer for Conanfile {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("conanfile")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("conanfile.txt")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, MAX_BYTES)?;
        let start = out.packages.len();
        let mut scope = None;
        for line in file.text().lines().map(str::trim) {
            match line {
                "[requires]" => scope = Some(Scope::Runtime),
                "[build_requires]" | "[tool_requires]" | "[test_requires]" => scope = Some(Scope::Dev),
                _ if line.starts_with('[') => scope = None,
                _ if line.starts_with('#') => {}
                _ => {
                    let (Some(scope), Some((name, version))) = (scope, parts(line)) else { continue };
                    if let Some(new) = input::push(out, PackageKind::Conan, name, version, file) {
                        new.scope = scope;
                    }
                }
            }
        }
        input::join_same(out, start);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn requirements() {
        let text = b"[requires]\nboost/1.79.0\n# no/1\nzlib/[>1.2]\nfmt/9.0.0@a/b#rev\n[tool_requires]\ncmake/3.20\n[generators]\ncmake/1\n";
        assert_eq!(packages(&Conanfile, "conanfile.txt", text), ["boost 1.79.0", "cmake 3.20", "fmt 9.0.0"]);
        assert_eq!(analyze(&Conanfile, "conanfile.txt", text).0.packages[1].scope, Scope::Dev);
    }
}
