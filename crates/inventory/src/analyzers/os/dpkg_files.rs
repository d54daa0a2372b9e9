//! Which files dpkg installed: `var/lib/dpkg/info/PACKAGE[:ARCH].list` (one path a line, deb-src "dpkg -L"), and in
//! distroless images `var/lib/dpkg/status.d/PACKAGE.md5sums` (`hash  path`).
//!
//! A language package that lies among them is the distribution's and is not reported twice.
//!
//! `var/lib/dpkg/diversions` (dpkg-divert(1)) says which file of one package another has put elsewhere, as three lines:
//! from, to, and for whom. The list still has the first place. Diversions count for the lists of their own layer.

use std::collections::HashMap;

use layergate_model::{AnalyzerId, LayerPath, OwnedFiles, Section};

use super::owned::owned_path;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads dpkg's file lists.
pub struct DpkgFiles;

impl Analyzer for DpkgFiles {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("dpkg-files")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Below("var/lib/dpkg/info"), Interest::Below("var/lib/dpkg/status.d"), Interest::Path(DIVERSIONS)]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        if entry.path.as_str() == DIVERSIONS {
            return true;
        }
        let end = if entry.path.is_within("var/lib/dpkg/info") { ".list" } else { ".md5sums" };
        entry.path.ends_with(end)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let name = file.path.file_name();
        let text = file.text();
        if file.path.as_str() == DIVERSIONS {
            // Without it a diverted file counts as nobody's, no more.
            let _ = out.notes.keep(file.path, text.as_ref());
            return Ok(());
        }
        let (stem, paths): (&str, Vec<_>) = match name.strip_suffix(".list") {
            Some(stem) => (stem, text.lines().filter_map(owned_path).collect()),
            None => {
                let lines = text.lines().filter_map(|l| owned_path(l.split_once(char::is_whitespace)?.1.trim_start()));
                (name.trim_end_matches(".md5sums"), lines.collect())
            }
        };
        // Lists of several architectures of one package are distinguished by it: it stays in the name.
        let package = stem.to_owned();
        if !package.is_empty() && !paths.is_empty() {
            out.owned.push(OwnedFiles { evidence: file.path.clone(), package, paths });
        }
        Ok(())
    }

    fn finish(&self, out: &mut Section) {
        for (_, text) in out.notes.take() {
            let lines: Vec<&str> = text.lines().collect();
            let diverted: HashMap<LayerPath, (LayerPath, &str)> = lines
                .as_chunks::<3>()
                .0
                .iter()
                .filter_map(|[from, to, by]| Some((owned_path(from)?, (owned_path(to)?, *by))))
                .collect();
            for owned in &mut out.owned {
                let package = owned.package.split(':').next().unwrap_or_default().to_owned();
                for path in &mut owned.paths {
                    if let Some((to, _)) = diverted.get(path).filter(|(_, by)| *by != package) {
                        *path = to.clone();
                    }
                }
            }
        }
    }
}

const DIVERSIONS: &str = "var/lib/dpkg/diversions";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    #[test]
    fn diverted_files_are_their_packages_still() {
        let mut section = Section::default();
        let limits = layergate_model::Limits::default();
        for (path, text) in [
            (DIVERSIONS, "/usr/bin/node\n/usr/bin/node.distrib\nnodesource\n/usr/lib/x\n/usr/lib/x.local\n:\n/half\n"),
            ("var/lib/dpkg/info/nodejs:amd64.list", "/usr/bin/node\n/usr/bin/npm\n/usr/lib/x\n"),
            ("var/lib/dpkg/info/nodesource.list", "/usr/bin/node\n"),
        ] {
            let path = LayerPath::normalise(path).unwrap();
            DpkgFiles.analyze(&File::new(&path, 0, text.as_bytes(), &limits), &mut section).unwrap();
        }
        DpkgFiles.finish(&mut section);
        let owned: Vec<_> = section
            .owned
            .iter()
            .map(|o| format!("{} {}", o.package, o.paths.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(" ")))
            .collect();
        assert_eq!(owned, ["nodejs:amd64 usr/bin/node.distrib usr/bin/npm usr/lib/x.local", "nodesource usr/bin/node"]);
    }

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
