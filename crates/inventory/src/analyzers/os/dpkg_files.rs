//! Which files dpkg installed: `var/lib/dpkg/info/PACKAGE[:ARCH].list` (one path a line, deb-src "dpkg -L"), and in
//! distroless images `var/lib/dpkg/status.d/PACKAGE.md5sums` (`hash  path`).
//!
//! A language package that lies among them is the distribution's and is not reported twice.

use layergate_model::{AnalyzerId, OwnedFiles, Section};

use super::owned::owned_path;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads dpkg's file lists.
pub struct DpkgFiles;

impl Analyzer for DpkgFiles {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("dpkg-files")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Below("var/lib/dpkg/info"), Interest::Below("var/lib/dpkg/status.d")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let end = if entry.path.is_within("var/lib/dpkg/info") { ".list" } else { ".md5sums" };
        entry.path.ends_with(end)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let name = file.path.file_name();
        let text = file.text();
        let (stem, paths): (&str, Vec<_>) = match name.strip_suffix(".list") {
            Some(stem) => (stem, text.lines().filter_map(owned_path).collect()),
            None => {
                let lines = text.lines().filter_map(|l| owned_path(l.split_once(char::is_whitespace)?.1.trim_start()));
                (name.trim_end_matches(".md5sums"), lines.collect())
            }
        };
        // Lists of several architectures of one package are told apart by it: it stays in the name.
        let package = stem.to_owned();
        if !package.is_empty() && !paths.is_empty() {
            out.owned.push(OwnedFiles { proof: file.path.clone(), package, paths });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    #[test]
    fn lists_and_sums() {
        for (path, text, package) in [
            ("var/lib/dpkg/info/libc6:amd64.list", "/.\n/usr/bin/a\n/usr/share/man/man1/a.1.gz\n", "libc6:amd64"),
            ("var/lib/dpkg/info/bash.list", "/usr/bin/a\n../../etc/x\n", "bash"),
            ("var/lib/dpkg/status.d/base.md5sums", "00112233  usr/bin/a\nrubbish\n", "base"),
        ] {
            let (section, result) = analyze(&DpkgFiles, path, text.as_bytes());
            result.unwrap();
            let owned = &section.owned[0];
            let paths: Vec<_> = owned.paths.iter().map(|p| p.as_str()).collect();
            assert_eq!((owned.package.as_str(), paths), (package, vec!["usr/bin/a"]), "{path}");
        }
        assert!(analyze(&DpkgFiles, "var/lib/dpkg/info/x.list", b"\xff\0\n").0.owned.is_empty());
    }
}
