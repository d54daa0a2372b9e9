//! `docs/distributions.md` says what the tables say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

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
