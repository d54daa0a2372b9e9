//! `docs/checks.md` says what the catalogue of checks says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;

use layergate_image::checks::CATALOGUE;

const INTRODUCTION: &str = "\
# Checks

What is looked for in an image beside packages: its configuration, its history and some of its files. The measure is
section 4 of the CIS Docker Benchmark and what practice adds. The id is what a [policy](policy.md) names; the severity is
that of an ordinary hit, some places have another one.

This page is made from the catalogue by `UPDATE_GOLDEN=1 cargo test -p layergate-image --test page`.

| check | severity | what | why | what to do |
|---|---|---|---|---|
";

fn page() -> String {
    let rows = CATALOGUE.iter().map(|rule| {
        let (id, severity) = (rule.id, rule.severity);
        format!("| `{id}` | {severity} | {} | {} | {} |\n", rule.title, rule.reason, rule.remediation)
    });
    std::iter::once(INTRODUCTION.to_owned()).chain(rows).collect()
}

#[test]
fn the_page_of_checks_is_the_catalogue() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/checks.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, page()).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert!(kept == page(), "UPDATE_GOLDEN=1 cargo test -p layergate-image --test page renews it");
}
