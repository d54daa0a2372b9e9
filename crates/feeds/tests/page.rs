//! `docs/distributions.md` says what the tables say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fmt::Write as _;

#[path = "../examples/distributions.rs"]
mod distributions;

#[test]
fn the_page_of_distributions_is_the_tables() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/distributions.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, distributions::page()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page == distributions::page(), "UPDATE_GOLDEN=1 cargo test -p layergate-feeds --test page renews it");
}

#[test]
fn an_ecosystem_that_osv_does_not_define_is_reported() {
    for (ecosystem, reported) in [("Atlantis:1", true), ("OSS-Fuzz", false), ("npm", false)] {
        let text = format!(
            r#"{{"id":"X-1","modified":"2026-01-02T00:00:00Z","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"a"}},"versions":["1"]}}]}}"#
        );
        let parsed = layergate_feeds::bytes::parse_as("osv", "x.json", text.as_bytes()).unwrap();
        assert_eq!(
            parsed.problems.iter().any(|p| p.contains(ecosystem)),
            reported,
            "{ecosystem}: {:?}",
            parsed.problems
        );
    }
}

/// `docs/feeds.md`, from the catalogue of parsers and the built-in sources.
fn feeds_page() -> String {
    let mut out = String::from(
        "\
# Feeds

Where advisories come from. The first table is what the parsers of `crates/feeds/src/catalogue.rs` can read, wherever the files
come from (`layergate db build --from DIRECTORY`); the second is what `layergate db update` and `db mirror` fetch by
themselves. What is asked for which package: [distributions and ecosystems](distributions.md).

This page is made from the catalogue by `UPDATE_GOLDEN=1 cargo test -p layergate-feeds --test page`.

## What can be read
| feed | name | published at | license |
|---|---|---|---|
",
    );
    for feed in layergate_feeds::known_feeds() {
        let _ = writeln!(out, "| `{}` | {} | {} | {} |", feed.id, feed.name, feed.url, feed.license);
    }
    out.push_str("\n## What is fetched\n| source | name | format | from | largest file |\n|---|---|---|---|---|\n");
    for source in layergate_feeds::Sources::built_in().unwrap().list {
        let most = source.max_bytes >> 20;
        let (id, name, format, base) = (source.id, source.name, source.format, source.base);
        let _ = writeln!(out, "| `{id}` | {name} | {format} | {base} | {most} MiB |");
    }
    out
}

#[test]
fn the_page_of_feeds_is_the_catalogue() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/feeds.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, feeds_page()).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == feeds_page(), "UPDATE_GOLDEN=1 cargo test -p layergate-feeds --test page renews it");
}
