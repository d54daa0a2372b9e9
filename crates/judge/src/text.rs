//! Small helpers for sentences.

use std::collections::BTreeMap;

use layergate_model::one_line;

/// `1 finding`, `2 findings`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The first `most` of `items`, joined by `separator`, and how many more there are.
pub(crate) fn listed(items: &[String], most: usize, separator: &str) -> String {
    let mut out = items.iter().take(most).cloned().collect::<Vec<_>>().join(separator);
    if items.len() > most {
        out.push_str(&format!(" and {} more", items.len() - most));
    }
    out
}

/// `openssl (CVE-1, CVE-2), curl (CVE-3)` in the order of first appearance, at most five packages of four ids each.
pub(crate) fn by_package<'a>(pairs: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut order: Vec<&str> = Vec::new();
    let mut ids: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (package, id) in pairs {
        let list = ids.entry(package).or_insert_with(|| {
            order.push(package);
            Vec::new()
        });
        if !list.contains(&id) {
            list.push(id);
        }
    }
    let items: Vec<String> = order
        .iter()
        .map(|p| format!("{} ({})", one_line(p, 120), listed(ids.get(p).map_or(&[], Vec::as_slice), 4, ", ")))
        .collect();
    listed(&items, 5, ", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        let pairs = [("a", "1"), ("b", "2"), ("a", "3"), ("a", "1")];
        assert_eq!(by_package(pairs.iter().map(|(p, i)| (*p, (*i).to_owned()))), "a (1, 3), b (2)");
        let many: Vec<String> = (0..7).map(|n| n.to_string()).collect();
        assert_eq!(listed(&many, 5, ", "), "0, 1, 2, 3, 4 and 2 more");
    }
}
