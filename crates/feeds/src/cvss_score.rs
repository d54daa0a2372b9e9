//! A CVSS vector to its version and base score (first.org, CVSS v2, v3.0, v3.1 and v4.0).

use layergate_model::Cvss;

/// The vector as `source` gave it; `None` when it is no vector.
pub(crate) fn cvss(source: &str, vector: &str) -> Option<Cvss> {
    let vector = vector.trim();
    // Version 2 has no prefix of its own; some feeds add brackets or the word CVSS2#.
    let bare = vector.trim_start_matches("CVSS2#").trim_matches(['(', ')']);
    let parsed: cvss::Cvss = if vector.starts_with("CVSS:") { vector.parse().ok()? } else { bare.parse().ok()? };
    // A vector without its eight base metrics scores nothing rather than zero.
    if vector.starts_with("CVSS:") && vector.split('/').count() < 9 {
        return None;
    }
    let version = match vector.strip_prefix("CVSS:").and_then(|v| v.split('/').next()) {
        Some(version) => version.to_owned(),
        None => "2.0".to_owned(),
    };
    let score_tenths = (parsed.score() * 10.0).round().clamp(0.0, 100.0) as u8;
    Some(Cvss { source: source.to_owned(), version, vector: vector.to_owned(), score_tenths })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores() {
        let cases = [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(("3.1", 98))),
            ("CVSS:3.0/AV:N/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:L", Some(("3.0", 20))),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(("4.0", 93))),
            ("nonsense", None),
            ("CVSS:3.1/AV:N", None),
        ];
        for (vector, want) in cases {
            let got = cvss("x", vector);
            assert_eq!(got.as_ref().map(|c| (c.version.as_str(), c.score_tenths)), want, "{vector}");
        }
    }
}
