//! The gaps that our own SBOMs carry (`layergate:gap` properties of CycloneDX, the document comment of SPDX) as `KIND:
//! PLACE: DETAIL`. They come back as the gaps that they were, so that the verdict on an SBOM is as strict as the one on
//! its image. What depends on the snapshot is judged again from the packages and does not come back.

use layergate_model::{Gap, GapKind};

/// Characters of one carried gap that are kept.
const MAX_CHARS: usize = 2_000;

/// Kinds that are decided from packages, advisories and policy, and so decided anew for the SBOM.
const JUDGED: [GapKind; 9] = [
    GapKind::EndOfLife,
    GapKind::InvalidVex,
    GapKind::NoAdvisories,
    GapKind::PartialAdvisories,
    GapKind::PlatformNotScanned,
    GapKind::StaleAdvisories,
    GapKind::UncomparableVersion,
    GapKind::UnknownDistribution,
    GapKind::UnwatchedEcosystem,
];

/// The gap that `text` carries into the SBOM `document`; `None` where it is judged anew.
pub(super) fn carried(text: &str, document: &str) -> Option<Gap> {
    let text: String = text.chars().take(MAX_CHARS).collect();
    let (kind, rest) = match kind(&text) {
        Some(kind) => (kind, text.split_once(": ").map_or("", |(_, rest)| rest)),
        None => (GapKind::SbomIncomplete, text.as_str()),
    };
    (!JUDGED.contains(&kind)).then(|| Gap::new(kind, document, format!("the SBOM lists as not looked at: {rest}")))
}

/// The gaps in one text that joins them with semicolons, which details may contain as well.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut gaps: Vec<String> = Vec::new();
    for piece in text.split("; ") {
        match gaps.last_mut() {
            Some(last) if kind(piece).is_none() => {
                last.push_str("; ");
                last.push_str(piece);
            }
            _ => gaps.push(piece.to_owned()),
        }
    }
    gaps
}

fn kind(text: &str) -> Option<GapKind> {
    let (word, _) = text.split_once(": ")?;
    GapKind::ALL.iter().copied().find(|k| k.as_str() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_come_back_as_they_were_or_are_judged_anew() {
        for (text, want) in [
            ("corrupt_layer: sha256:ab: broken", Some((GapKind::CorruptLayer, "sha256:ab: broken"))),
            ("unreadable_file: a/package.json: no; yes", Some((GapKind::UnreadableFile, "a/package.json: no; yes"))),
            ("stale_advisories: alpine: 40 days", None),
            ("something else", Some((GapKind::SbomIncomplete, "something else"))),
            ("unheard_of: x: y", Some((GapKind::SbomIncomplete, "unheard_of: x: y"))),
        ] {
            let got = carried(text, "bom.json");
            assert_eq!(got.as_ref().map(|g| g.kind), want.map(|(kind, _)| kind), "{text}");
            if let (Some(gap), Some((_, rest))) = (got, want) {
                assert!(gap.detail.ends_with(rest), "{}", gap.detail);
            }
        }
        assert_eq!(
            split("corrupt_layer: a: b; c; layer_limit: d: e"),
            ["corrupt_layer: a: b; c", "layer_limit: d: e"],
            "a detail's own semicolon ends nothing"
        );
    }
}
