//! Reports of a newer version of this program. Within v1 a report only grows: fields that this version does not know
//! are passed over, and a word of an enumeration that it does not know is replaced by the one that is safe. Each such
//! word is reported in a reason of its own, so that a client or a coordinator that is upgraded later than the others
//! refuses no verdict.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    DatedBy, Effect, GapKind, Origin, PackageKind, Provenance, Reason, Report, Scope, Severity, Status, Verdict,
};

/// The rule that the added reason names.
pub const NEWER_VERSION: &str = "newer_version";
/// Words that the added reason repeats.
const MAX_WORDS: usize = 20;

/// An enumeration of the report: the list (empty for the report itself), the key, and what stands for an unknown word.
struct Place {
    list: &'static str,
    key: &'static str,
    safe: &'static str,
    known: fn(&Value) -> bool,
}

const fn place<T: DeserializeOwned>(list: &'static str, key: &'static str, safe: &'static str) -> Place {
    Place { list, key, safe, known: |word| serde_json::from_value::<T>(word.clone()).is_ok() }
}

const PLACES: &[Place] = &[
    place::<Verdict>("", "verdict", "error"),
    place::<Effect>("reasons", "effect", "error"),
    place::<PackageKind>("packages", "type", "binary"),
    place::<Scope>("packages", "scope", "runtime"),
    place::<Provenance>("packages", "provenance", "registry"),
    place::<Origin>("packages", "origin", "unknown"),
    place::<Severity>("findings", "severity", "unknown"),
    place::<Status>("findings", "status", "affected"),
    place::<Effect>("findings", "effect", "error"),
    place::<Severity>("checks", "severity", "unknown"),
    place::<Effect>("checks", "effect", "error"),
    place::<Severity>("secrets", "severity", "unknown"),
    place::<GapKind>("gaps", "kind", "analyzer_failed"),
    place::<Effect>("gaps", "effect", "error"),
    place::<DatedBy>("sources", "dated_by", "fetched"),
];

/// Reads the JSON of a report that this version or a newer one wrote. What cannot be read even so is the first error.
pub fn read_report(json: &[u8]) -> Result<Report, serde_json::Error> {
    let error = match serde_json::from_slice(json) {
        Ok(report) => return Ok(report),
        Err(error) => error,
    };
    let Ok(mut value) = serde_json::from_slice::<Value>(json) else { return Err(error) };
    let mut words = Vec::new();
    for place in PLACES {
        match place.list {
            "" => settle(place, &mut value, &mut words),
            list => {
                let entries = value.get_mut(list).and_then(Value::as_array_mut);
                entries.into_iter().flatten().for_each(|entry| settle(place, entry, &mut words));
            }
        }
    }
    let Ok(mut report) = serde_json::from_value::<Report>(value) else { return Err(error) };
    words.sort();
    words.dedup();
    let more = words.len().saturating_sub(MAX_WORDS);
    let mut text = format!(
        "a newer version of layergate wrote this report; this one does not know {}",
        words.iter().take(MAX_WORDS).cloned().collect::<Vec<_>>().join(", ")
    );
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text.push_str("; upgrade to read it whole");
    let finding_ids = Vec::new();
    report.reasons.push(Reason { rule: NEWER_VERSION.into(), effect: Effect::Warn, text, finding_ids });
    Ok(report)
}

/// Puts the safe word in the place of one that is not known.
fn settle(place: &Place, entry: &mut Value, words: &mut Vec<String>) {
    let Some(value) = entry.get_mut(place.key) else { return };
    let Some(word) = value.as_str().map(|word| crate::one_line(word, 100)) else { return };
    if (place.known)(value) {
        return;
    }
    *value = place.safe.into();
    words.push(format!("{}{}{} {word:?}", place.list, if place.list.is_empty() { "" } else { "." }, place.key));
    // A gap keeps its name where people read it.
    if place.list == "gaps"
        && place.key == "kind"
        && let Some(Value::String(detail)) = entry.get_mut("detail")
    {
        *detail = format!("{word}: {detail}");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report() -> Value {
        let package = json!({"id": "p", "purl": "pkg:deb/debian/a@1", "name": "a", "version": "1", "type": "deb", "source": null,
            "licenses": [], "scope": "runtime", "provenance": "registry", "origin": "unknown", "owned_by": null, "layer": 0,
            "locations": []});
        let finding = json!({"id": "f", "advisory": "CVE-2020-1", "aliases": [], "severity": "high", "severity_source": null,
            "cvss": [], "epss": null, "kev": null, "package": "p", "status": "affected", "fixed_versions": [],
            "remediation": "", "layer": 0, "evidence": {"range": "", "feed": ""}, "effect": "fail", "suppressed_by": null});
        let zero = format!("sha256:{}", "0".repeat(64));
        json!({
            "schema": "layergate.report/v1", "verdict": "fail",
            "reasons": [{"rule": "severity", "effect": "fail", "text": "", "finding_ids": []}],
            "image": {"reference": "a", "digest": null, "index_digest": null, "platform": null, "layers": [], "distro": null,
                "base": null, "other_platforms": [], "left_out": []},
            "inputs": {"snapshot": null, "snapshot_date": null, "policy": zero, "exceptions": zero, "vex": [],
                "limits": "", "analyzers": "", "judge": "1", "as_of": "2026-11-21"},
            "summary": crate::Summary::default(), "packages": [package], "findings": [finding],
            "checks": [{"id": "c", "title": "", "severity": "low", "effect": "warn", "remediation": "", "location": ""}],
            "secrets": [{"rule": "r", "title": "", "severity": "low", "path": "", "line": 0, "redacted": ""}],
            "gaps": [{"kind": "file_limit", "where": "w", "detail": "d", "effect": "warn"}],
            "sources": [{"of": "npm", "feed": "x", "records": 1, "date": null, "dated_by": "record"}],
        })
    }

    #[test]
    fn every_enumeration_may_have_grown() {
        let known = report();
        let plain = read_report(known.to_string().as_bytes()).unwrap();
        assert_eq!(plain.reasons.len(), 1, "what is known is read as it is");
        for place in PLACES {
            let mut newer = known.clone();
            let entry = if place.list.is_empty() { &mut newer } else { &mut newer[place.list][0] };
            assert!((place.known)(&entry[place.key]), "{} {}: {}", place.list, place.key, entry[place.key]);
            entry[place.key] = "of-tomorrow".into();
            newer["something_more"] = json!({"a": 1});
            let read = read_report(newer.to_string().as_bytes()).unwrap();
            let reason = read.reasons.last().unwrap();
            assert_eq!((reason.rule.as_str(), read.reasons.len()), (NEWER_VERSION, 2), "{} {}", place.list, place.key);
            assert!(reason.text.contains(&format!("{} \"of-tomorrow\"", place.key)), "{}", reason.text);
            let expected = if place.list.is_empty() { Verdict::Error } else { Verdict::Fail };
            assert_eq!(read.verdict, expected);
        }
        let mut newer = known.clone();
        newer["gaps"][0]["kind"] = "moon_phase".into();
        let gap = &read_report(newer.to_string().as_bytes()).unwrap().gaps[0];
        assert!(gap.kind.hides_packages() && gap.detail == "moon_phase: d");
        for broken in [json!({}), json!([]), json!("x")] {
            assert!(read_report(broken.to_string().as_bytes()).is_err());
        }
        let mut broken = known;
        broken["packages"][0]["name"] = json!(1);
        assert!(read_report(broken.to_string().as_bytes()).is_err());
        assert!(read_report(b"{").is_err());
    }
}
