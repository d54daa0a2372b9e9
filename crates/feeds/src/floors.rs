//! The least that a whole copy of each feed has, from `data/complete.toml`, which says how the numbers were chosen.

use layergate_advisory::{Floor, FloorOf};

const TABLE: &str = include_str!("../data/complete.toml");

/// The floors.
pub(crate) fn table() -> Vec<Floor> {
    let mut floors = Vec::new();
    for (feed, rows) in &feeds() {
        let fixed_only = rows.get("fixed-only").and_then(toml::Value::as_bool).unwrap_or(false);
        for (key, number) in rows.iter().filter(|(key, _)| *key != "quiet") {
            let Some(at_least) = number.as_integer().and_then(|n| u64::try_from(n).ok()) else { continue };
            let of = match key.strip_suffix(":*") {
                Some(family) => FloorOf::EachRelease(family.to_owned()),
                None if key == "all" => FloorOf::Feed,
                None => FloorOf::Family(key.clone()),
            };
            floors.push(Floor { feed: feed.clone(), of, at_least, fixed_only });
        }
    }
    floors
}

/// How many days each feed's upstream ordinarily writes nothing; none where it writes every day.
pub(crate) fn quiet() -> Vec<(String, u64)> {
    let days = |rows: &toml::Table| rows.get("quiet")?.as_integer().and_then(|n| u64::try_from(n).ok());
    feeds().iter().filter_map(|(feed, rows)| Some((feed.clone(), days(rows)?))).collect()
}

fn feeds() -> Vec<(String, toml::Table)> {
    let Ok(table) = TABLE.parse::<toml::Table>() else { return Vec::new() };
    table.into_iter().filter_map(|(feed, rows)| Some((feed, rows.as_table()?.clone()))).collect()
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
        let rows = TABLE.lines().filter(|l| !l.starts_with('#') && l.contains(" = ") && !l.starts_with("fixed-only"));
        assert_eq!(floors.len() + quiet().len(), rows.count());
        for (feed, days) in quiet() {
            assert!(feeds.contains(&feed) && (1..=400).contains(&days), "{feed}");
        }
        assert!(floors.iter().any(|f| f.feed == "debian-lists" && f.fixed_only));
        for floor in &floors {
            assert!(feeds.contains(&floor.feed), "{floor:?}");
            assert!(floor.at_least >= 10, "{floor:?}");
            if let FloorOf::Family(family) | FloorOf::EachRelease(family) = &floor.of {
                assert!(Namespace::new(family).unwrap().scheme().is_some(), "{floor:?}");
            }
        }
    }
}
