//! The least that a whole copy of each feed has, from `data/complete.toml`, which says how the numbers were chosen.

use layergate_advisory::{Floor, FloorOf};

const TABLE: &str = include_str!("../data/complete.toml");

/// The floors.
pub(crate) fn table() -> Vec<Floor> {
    let Ok(table) = TABLE.parse::<toml::Table>() else { return Vec::new() };
    let mut floors = Vec::new();
    for (feed, rows) in &table {
        for (key, number) in rows.as_table().into_iter().flatten() {
            let Some(at_least) = number.as_integer().and_then(|n| u64::try_from(n).ok()) else { continue };
            let of = match key.strip_suffix(":*") {
                Some(family) => FloorOf::EachRelease(family.to_owned()),
                None if key == "all" => FloorOf::Feed,
                None => FloorOf::Family(key.clone()),
            };
            floors.push(Floor { feed: feed.clone(), of, at_least });
        }
    }
    floors
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use layergate_advisory::Namespace;

    use super::*;

    #[test]
    fn every_row_is_of_a_feed_and_a_family_that_there_are() {
        let feeds: BTreeSet<String> = crate::known_feeds().into_iter().map(|f| f.id).collect();
        let floors = table();
        let rows = TABLE.lines().filter(|l| !l.starts_with('#') && l.contains(" = ")).count();
        assert_eq!(floors.len(), rows);
        for floor in &floors {
            assert!(feeds.contains(&floor.feed), "{floor:?}");
            assert!(floor.at_least >= 10, "{floor:?}");
            if let FloorOf::Family(family) | FloorOf::EachRelease(family) = &floor.of {
                assert!(Namespace::new(family).unwrap().scheme().is_some(), "{floor:?}");
            }
        }
    }
}
