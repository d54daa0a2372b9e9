//! `latest-tag`: the image was asked for by a tag that moves. A digest beside the tag pins it.

use layergate_model::Severity;

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "latest-tag",
    title: "The image is referred to as latest",
    reason: "What runs tomorrow under this name is not what was judged today.",
    remediation: "Refer to a version's tag, better to the digest (name@sha256:…).",
    severity: Severity::Low,
    find,
};

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let moves = |r: &&layergate_model::ImageReference| {
        r.digest.is_none() && r.tag.as_ref().is_none_or(|tag| tag.as_str() == "latest")
    };
    subject.reference.filter(moves).map(|r| Hit::at(r.to_string())).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{check, subject};

    #[test]
    fn a_digest_or_a_version_pins() {
        let digest = format!("nginx:latest@sha256:{}", "a".repeat(64));
        for (text, found) in [("nginx", true), ("nginx:latest", true), ("nginx:1.27", false), (&*digest, false)] {
            let reference = text.parse().unwrap();
            let hits = check(&RULE, &Subject { reference: Some(&reference), ..subject() });
            assert_eq!(!hits.is_empty(), found, "{text}");
        }
    }
}
