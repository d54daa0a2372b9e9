//! Which of the titles that several feeds give to one vulnerability is its own.
//!
//! A distribution's bulletin ("Low: edk2 security update") names every CVE that it fixes. Its title is about the
//! package that was updated, and says nothing of a CVE, the less so when the CVE is found in another package.

/// A title beyond this many bytes is a description.
const LONG: usize = 160;

/// What titles of bulletins hold, in lower case.
const BULLETIN: &[&str] = &[
    "security update",
    "security advisory",
    "bug fix",
    "bugfix",
    "enhancement update",
    "recommended update",
    "security fix",
];
/// Words that vendors put in front of a bulletin's title.
const RATED: &[&str] = &["low:", "moderate:", "medium:", "important:", "high:", "critical:"];

/// Whether a title is that of a bulletin.
fn is_bulletin(title: &str) -> bool {
    let title = title.trim_start().to_ascii_lowercase();
    RATED.iter().any(|word| title.starts_with(word)) || BULLETIN.iter().any(|words| title.contains(words))
}

/// The best title of `(the record is the vulnerability itself and no CVE, text, value)`: the first short one that is no
/// bulletin's, then a long one. A bulletin's title counts only for what has no other name.
pub(crate) fn best<'a, T>(titles: impl Iterator<Item = (bool, &'a str, T)>) -> Option<T> {
    let ranked = titles.map(|(own, text, value)| (is_bulletin(text), own, text.len() > LONG, value));
    let ranked = ranked.filter(|(bulletin, own, ..)| !bulletin || *own);
    ranked.min_by_key(|(bulletin, _, long, _)| (*bulletin, *long)).map(|(.., value)| value)
}

#[cfg(test)]
mod tests {
    use super::best;

    #[test]
    fn titles_are_the_vulnerabilitys_own() {
        let long = "A vulnerability was found. ".repeat(20);
        let rows: &[(&[(bool, &str)], Option<&str>)] = &[
            (
                &[(false, "Low: edk2 security update"), (false, "POLY1305 MAC corrupts registers")],
                Some("POLY1305 MAC corrupts registers"),
            ),
            (&[(false, "openssl - security update"), (false, "Security update for openssl-3")], None),
            (&[(true, "curl - security update")], Some("curl - security update")),
            (&[(true, &long), (false, "Command injection in lodash")], Some("Command injection in lodash")),
            (&[(false, "Important: x")], None),
            (&[(true, &long)], Some(&long)),
            (&[(true, "first"), (true, "second")], Some("first")),
            (&[], None),
        ];
        for (titles, want) in rows {
            assert_eq!(best(titles.iter().map(|(own, text)| (*own, *text, *text))), *want, "{titles:?}");
        }
    }
}
