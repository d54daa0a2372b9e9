//! `docs/files.md` says what the catalogue of analyzers says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{fmt::Write as _, fs, path::Path};

use layergate_inventory::{Catalogue, Interest};

/// What stands before the table.
const INTRODUCTION: &str = "\
# Files that are read

Which files of a layer are read, by which analyzer, and what for. The order is that of
`crates/inventory/src/catalogue.rs`; the analyzers' ids are those of gaps and of the policy. Where a row names an
extension or \"by content\", the first bytes decide too. A file of no analyzer is listed in the path table and not read.
Advisories of what is found: [distributions and ecosystems](distributions.md).

This page is made from the catalogue by `UPDATE_GOLDEN=1 cargo test -p layergate-inventory --test page`.

| analyzer | what it reads | files |
|---|---|---|
";

/// What an interest is, for people.
fn files(interest: &Interest) -> String {
    match interest {
        Interest::Path(path) => format!("`/{path}`"),
        Interest::Name(name) => format!("`{name}`"),
        Interest::Extension(end) => format!("`*{end}`"),
        Interest::Below(directory) => format!("`/{directory}/…`"),
        Interest::Executable => "programs and shared objects".to_owned(),
        Interest::AnyFile => "any file, by its path".to_owned(),
        Interest::Content => "any file, by its first bytes".to_owned(),
        Interest::Metadata => "no content: path and mode of any entry".to_owned(),
    }
}

/// The first sentence of a source file's documentation.
fn sentence(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let lines = text.lines().map_while(|l| l.strip_prefix("//!")).map(str::trim);
    let text = lines.take_while(|l| !l.is_empty()).collect::<Vec<_>>().join(" ");
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    text[..end].replace('|', "\\|")
}

fn page() -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let catalogue = fs::read_to_string(source.join("catalogue.rs")).unwrap();
    // The lines of STANDARD name the files: `&os::dpkg::Dpkg,` is analyzers/os/dpkg.rs.
    let list = catalogue.split("static STANDARD").nth(1).unwrap().split("];").next().unwrap();
    let paths: Vec<&str> = list.lines().filter_map(|l| l.trim().strip_prefix('&')?.strip_suffix(',')).collect();
    let catalogue = Catalogue::standard();
    assert_eq!(paths.len(), catalogue.analyzers().len());
    let mut out = INTRODUCTION.to_owned();
    for (path, analyzer) in paths.iter().zip(catalogue.analyzers()) {
        let module = path.rsplit_once("::").unwrap().0.replace("::", "/");
        let what = sentence(&source.join("analyzers").join(format!("{module}.rs")));
        let mut names: Vec<String> = analyzer.interests().iter().map(files).collect();
        names.sort();
        names.dedup();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| `{}` | {what} | {} |", analyzer.id(), names.join(", "));
    }
    out
}

#[test]
fn the_page_of_files_is_the_catalogue() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/files.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, page()).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page(), "UPDATE_GOLDEN=1 cargo test -p layergate-inventory --test page renews it");
}
