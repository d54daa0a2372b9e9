//! Small fleets over several seeds and sets of faults: all that the oracle checks holds, and a seed replays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_sim::{Faults, Outcome, Plan, Sabotage, run};

fn plan(seed: u64, faults: &str) -> Plan {
    Plan {
        seed,
        workers: 40,
        coordinators: 3,
        images: 1500,
        faults: Faults::named(faults).unwrap(),
        sabotage: Sabotage::None,
    }
}

fn sound(plan: &Plan) -> Outcome {
    let outcome = run(plan).unwrap();
    assert!(outcome.violations.is_empty(), "{:#?}\nagain with: {}", outcome.violations, plan.command());
    let counts = &outcome.counts;
    assert_eq!(counts.pass + counts.fail + counts.error, plan.images as u64);
    outcome
}

#[test]
fn without_faults_each_layer_is_read_once_and_nothing_is_an_error() {
    let outcome = sound(&plan(1, "none"));
    let counts = &outcome.counts;
    assert_eq!((counts.redundant_reads, counts.broken_reads, counts.error), (0, 0, 0));
    assert_eq!((counts.layer_redeliveries, counts.job_redeliveries, outcome.faulty_messages), (0, 0, 0));
    assert!(outcome.ratio < 2.5, "{}", outcome.ratio);
}

#[test]
fn with_faults_every_verdict_is_right() {
    for (seed, faults) in [(2, "light"), (3, "standard"), (4, "standard"), (5, "standard"), (6, "heavy"), (7, "heavy")]
    {
        let outcome = sound(&plan(seed, faults));
        let counts = &outcome.counts;
        println!("seed {seed}, faults {faults}\n{outcome}");
        assert!(outcome.faulty_messages > 0 && counts.crashes > 0);
        assert!(counts.error > counts.excused_errors, "images with poisonous layers are errors");
        let most = if faults == "heavy" { 150 } else { 15 };
        assert!(counts.excused_errors <= most, "seed {seed}: {} errors without need", counts.excused_errors);
    }
}

#[test]
fn a_seed_replays_and_another_differs() {
    let first = sound(&plan(8, "standard"));
    assert_eq!(first, sound(&plan(8, "standard")));
    assert_ne!(first.trace, sound(&plan(9, "standard")).trace);
}
