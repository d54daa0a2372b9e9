//! The end-of-life table that every snapshot carries, from `data/eol.toml`.

use layergate_advisory::EndOfLife;

const TABLE: &str = include_str!("../data/eol.toml");

/// The rows: distribution, release, last day of free support.
pub(crate) fn table() -> Vec<EndOfLife> {
    let Ok(table) = TABLE.parse::<toml::Table>() else { return Vec::new() };
    let mut rows = Vec::new();
    for (distro, releases) in &table {
        for (release, date) in releases.as_table().into_iter().flatten() {
            let Some(date) = date.as_str() else { continue };
            rows.push(EndOfLife { distro: distro.clone(), release: release.clone(), date: date.to_owned() });
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use layergate_advisory::Day;

    #[test]
    fn every_row_is_a_day() {
        let rows = table();
        assert!(rows.len() > 100, "{}", rows.len());
        for row in &rows {
            assert_eq!(Day::parse(&row.date).map(|d| d.to_string()).as_ref(), Some(&row.date), "{row:?}");
        }
        let date = |d: &str, r: &str| rows.iter().find(|x| x.distro == d && x.release == r).map(|x| x.date.as_str());
        assert_eq!(date("alpine", "3.18"), Some("2025-05-09"));
        assert_eq!(date("debian", "13").map(|d| d > "2027"), Some(true));
        // Of what nobody has given a day, none is reported.
        assert_eq!((date("alpine", "3.24"), date("photon", "5.0")), (None, None));
    }
}
