//! Every kind of gap, made by an image (or SBOM, or file) as a user has it, and what the whole command says of it:
//! under the default policy, and with the kind's key of the policy set to each effect.
//!
//! Each input has this one gap and is otherwise as clean as an image gets, so that the exit code speaks of the gap
//! alone. A kind without a row, or a row without a line in `docs/gaps.md`, fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod inputs;
mod scene;

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
};

use layergate_tests::program::{Program, Run, root};
use serde_json::Value;

use crate::scene::Scene;

/// One kind of gap and how it comes about.
struct Row {
    kind: &'static str,
    /// Kinds that come with it and are allowed in all runs.
    beside: &'static [&'static str],
    build: fn(&mut Scene),
}

/// The default effects in `docs/gaps.md` by kind.
fn page() -> BTreeMap<String, String> {
    let page = fs::read_to_string(root().join("docs/gaps.md")).unwrap();
    let rows = page.lines().filter(|l| l.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [kind, meaning, effect, advice] = cells[..] else { panic!("four cells: {row}") };
        assert!(meaning.len() > 10 && advice.len() > 10, "{row}");
        (kind.trim_matches('`').to_owned(), effect.to_owned())
    })
    .collect()
}

/// The effects of all gaps of a kind in a report.
fn effects<'r>(report: &'r Value, kind: &str) -> Vec<&'r str> {
    let gaps = report["gaps"].as_array().unwrap_or_else(|| panic!("no report with gaps: {report}"));
    gaps.iter().filter(|g| g["kind"] == kind).map(|g| g["effect"].as_str().unwrap()).collect()
}

fn verdict(code: i32) -> &'static str {
    match code {
        0 => "pass",
        3 => "error",
        _ => "neither",
    }
}

/// Scans under a policy that sets `kind` to `effect`, and looks at what must hold of any run.
fn judged(program: &Program, scene: &Scene, row: &Row, effect: Option<&str>) -> (Run, Value) {
    let mut policy = scene.policy.clone();
    let beside = row.beside.iter().map(|k| format!("{k} = \"ignore\"\n"));
    let own = effect.map(|e| format!("{} = \"{e}\"\n", row.kind));
    policy.push_str(&format!("[gaps]\n{}", beside.chain(own).collect::<String>()));
    let (run, report) = scene.scan(program, &policy);
    let said = format!("{} {effect:?}: {} {}", row.kind, run.stdout, run.stderr);
    assert_eq!(report["verdict"], verdict(run.code), "document and exit code: {said}");
    assert_eq!(effects(&report, row.kind).len(), 1, "reported, and reported once: {said}");
    for gap in report["gaps"].as_array().unwrap().iter().filter(|g| g["kind"] == row.kind) {
        let detail = gap["detail"].as_str().unwrap();
        assert!(detail.len() > 15, "a gap says what happened: {said}");
    }
    (run, report)
}

/// Looks at one kind under each policy.
fn hold(program: &Program, row: &Row, default: &str) {
    let (kind, scene) = (row.kind, Scene::new(program, row.build));
    let (run, report) = judged(program, &scene, row, None);
    assert!(effects(&report, kind).iter().all(|e| *e == default), "{kind}: {}", report["gaps"]);
    assert_eq!(run.code, if default == "error" { 3 } else { 0 }, "{kind}: {} {}", report["reasons"], run.stderr);
    let reported = report["reasons"].to_string();
    assert!(reported.contains(&format!("\"effect\":\"{default}\"")), "{kind} is among the reasons: {reported}");
    for (effect, code) in [("error", 3), ("warn", 0), ("ignore", 0)] {
        let (run, report) = judged(program, &scene, row, Some(effect));
        assert_eq!(run.code, code, "{kind} = {effect}: {} {}", report["reasons"], run.stderr);
        // These two are reported whatever their effect.
        let least = if ["stale_advisories", "end_of_life"].contains(&kind) { "warn" } else { effect };
        let found = effects(&report, kind);
        assert!(found.iter().all(|e| [effect, least].contains(e)), "{kind} = {effect}: {}", report["gaps"]);
    }
}

#[test]
fn every_kind_is_made_reported_and_obeys_its_key_of_the_policy() {
    let page = page();
    let rows: BTreeMap<&str, &Row> = inputs::ROWS.iter().map(|r| (r.kind, r)).collect();
    let missing: Vec<_> = page.keys().filter(|k| !rows.contains_key(k.as_str())).collect();
    assert!(missing.is_empty(), "kinds without an input in tests/tests/gaps/inputs.rs: {missing:?}");
    assert_eq!(rows.len(), inputs::ROWS.len(), "one row a kind");
    assert_eq!(rows.len(), page.len(), "a row for a kind that docs/gaps.md does not know");
    let program = Program::default();
    let broken = rows.iter().filter(|(kind, row)| {
        let default = page[**kind].split(' ').next().unwrap();
        catch_unwind(AssertUnwindSafe(|| hold(&program, row, default))).is_err()
    });
    let broken: Vec<_> = broken.map(|(kind, _)| kind).collect();
    assert!(broken.is_empty(), "{} of {} kinds: {broken:?}", broken.len(), rows.len());
}
