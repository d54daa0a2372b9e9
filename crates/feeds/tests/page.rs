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
