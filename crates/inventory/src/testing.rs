//! Helpers for the analyzers' table tests: run one analyzer on one file.

use layergate_model::{EntryKind, LayerPath, Limits, Section};

use crate::{AnalyzeError, Analyzer, Entry, File};

/// Runs `analyzer` on one file, which it must claim and want.
pub(crate) fn analyze(analyzer: &dyn Analyzer, path: &str, bytes: &[u8]) -> (Section, Result<(), AnalyzeError>) {
    let path = LayerPath::normalise(path).unwrap();
    let entry = Entry { path: &path, kind: EntryKind::File, mode: 0o755, target: "" };
    assert!(analyzer.claims(&entry), "{} does not claim {path}", analyzer.id());
    assert!(analyzer.wants(&bytes[..bytes.len().min(512)]), "{} does not want {path}", analyzer.id());
    let mut section = Section::default();
    let limits = Limits::default();
    let result = analyzer.analyze(&File::new(&path, 0o755, bytes, &limits), &mut section);
    analyzer.finish(&mut section);
    (section, result)
}

/// `name version` of every package that `analyzer` finds in one file that it reads without complaint, sorted.
pub(crate) fn packages(analyzer: &dyn Analyzer, path: &str, bytes: &[u8]) -> Vec<String> {
    let (section, result) = analyze(analyzer, path, bytes);
    result.unwrap();
    let mut found: Vec<_> = section.packages.iter().map(|p| format!("{} {}", p.name, p.version)).collect();
    found.sort();
    found
}

/// `name version` of every package that `analyzer` finds in several files of one layer, sorted.
pub(crate) fn together(analyzer: &dyn Analyzer, files: &[(&str, &[u8])]) -> Vec<String> {
    let mut section = Section::default();
    let limits = Limits::default();
    for (path, bytes) in files {
        let path = LayerPath::normalise(path).unwrap();
        analyzer.analyze(&File::new(&path, 0o644, bytes, &limits), &mut section).unwrap();
    }
    analyzer.finish(&mut section);
    let mut found: Vec<_> = section.packages.iter().map(|p| format!("{} {}", p.name, p.version)).collect();
    found.sort();
    found
}
