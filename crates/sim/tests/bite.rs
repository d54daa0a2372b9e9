//! The oracle bites: each rule, broken on purpose, is noticed under the faults that the rule is there for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_sim::{Faults, Plan, Sabotage, run};

fn noticed(sabotage: Sabotage, faults: &str, as_what: &[&str]) {
    let faults = Faults::named(faults).unwrap();
    let plan = Plan { seed: 11, workers: 40, coordinators: 3, images: 1000, faults, sabotage };
    let violations = run(&plan).unwrap().violations;
    let reported = violations.first().unwrap_or_else(|| panic!("{sabotage:?} goes unnoticed"));
    println!("{sabotage:?}: {reported}");
    assert!(as_what.iter().any(|what| reported.contains(what)), "{sabotage:?} is noticed as: {reported}");
    assert!(plan.command().contains("--sabotage"), "a replay breaks the same rule");
}

#[test]
fn a_cache_that_lies() {
    noticed(Sabotage::LyingCache, "none", &["does not hold", "never read"]);
}

#[test]
fn a_cache_that_loses_what_it_took() {
    noticed(Sabotage::LostWrites, "none", &["before its inventory was stored"]);
}

#[test]
fn two_workers_on_one_layer() {
    noticed(Sabotage::NoSingleFlight, "none", &["at a time"]);
}

#[test]
fn a_layer_acked_before_it_is_stored() {
    noticed(Sabotage::LayerAckBeforeStore, "standard", &["at a time", "before its inventory was stored"]);
}

#[test]
fn a_job_acked_before_its_verdict() {
    noticed(Sabotage::JobAckBeforeVerdict, "standard", &["jobs hang"]);
}

#[test]
fn a_verdict_that_is_written_over() {
    noticed(Sabotage::LastVerdictStands, "heavy", &["another verdict stands"]);
}
