//! A fleet's advisories renew themselves: one coordinator does it for all, on a schedule, and what is worse than what is in force is
//! refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{fs, path::Path};

use layergate_tests::{
    fleet::{Fleet, Process},
    program::{copy_folder, fixture, until},
    servers::http,
};
use serde_json::Value;

/// Compiles a directory of feeds and pushes it to where the fleet looks; the digest that the build reports.
fn push(fleet: &Fleet, feeds: &Path, place: &str) -> String {
    let file = fleet.program.home.path().join("pushed.lgdb");
    let file = file.to_str().unwrap();
    let built = fleet.program.run(["db", "build", "--from", feeds.to_str().unwrap(), "--output", file]);
    assert_eq!(built.code, 0, "{}", built.stderr);
    let pushed = fleet.program.run(["db", "push", "--db", file, place]);
    assert_eq!(pushed.code, 0, "{}", pushed.stderr);
    let said = built.stdout + &built.stderr;
    let digest = said.split("sha256:").nth(1).unwrap();
    format!("sha256:{}", &digest[..64])
}

fn current(fleet: &Fleet) -> Option<String> {
    let status = fleet.insist("GET", "/api/v1/fleet", &Value::Null);
    status["snapshot"]["digest"].as_str().map(str::to_owned)
}

/// Renewals of all coordinators that ended so.
fn renewals(fleet: &Fleet, outcome: &str) -> u64 {
    let line = format!("layergate_renewals_total{{outcome=\"{outcome}\"}} ");
    let of = |port: &u16| {
        let (_, _, page) = http(*port, "GET", "/metrics", &[], b"").ok()?;
        let page = String::from_utf8(page).ok()?;
        page.lines().find_map(|l| l.strip_prefix(&line)?.parse::<u64>().ok())
    };
    fleet.ports.iter().filter_map(of).sum()
}

#[test]
fn one_coordinator_renews_for_all_and_refuses_what_is_worse() {
    let Some(mut fleet) = Fleet::new(2) else { return };
    let place = format!("oci://{}/security/advisories:latest", fleet.registry.host());
    let feeds = fleet.program.home.path().join("feeds");
    copy_folder(fixture("advisories").as_ref(), &feeds);
    let first = push(&fleet, &feeds, &place);

    // Nobody gives this fleet a file: the first snapshot comes by renewal too.
    let more = ["--renew", "1s", "--db-from", &place];
    let mut coordinators: Vec<Process> = (0..2).map(|n| fleet.coordinator_without_db(n, &more)).collect();
    fleet.ready(&coordinators.iter().collect::<Vec<_>>());
    let logs = |all: &[Process]| all.iter().map(Process::log).collect::<String>();
    until(|| logs(&coordinators), || (current(&fleet).as_ref() == Some(&first)).then_some(()));
    assert_eq!(logs(&coordinators).matches("the advisories are renewed").count(), 1, "{}", logs(&coordinators));
    until(|| logs(&coordinators), || (renewals(&fleet, "unchanged") > 0).then_some(()));

    // What is published is in force everywhere soon after, and was brought once.
    let list = feeds.join("debian/data/DSA/list");
    fs::create_dir_all(list.parent().unwrap()).unwrap();
    let old = fs::read_to_string(&list).unwrap_or_default();
    let new =
        "[26 Nov 2026] DSA-9999-1 openssl - security update\n\t{CVE-2026-99999}\n\t[bookworm] - openssl 3.0.99-1\n";
    fs::write(&list, format!("{new}{old}")).unwrap();
    let second = push(&fleet, &feeds, &place);
    assert_ne!(first, second);
    until(|| logs(&coordinators), || (current(&fleet).as_ref() == Some(&second)).then_some(()));
    assert_eq!(logs(&coordinators).matches("the advisories are renewed").count(), 2, "{}", logs(&coordinators));

    // An older one is not taken, and that is counted.
    let before = renewals(&fleet, "failed");
    fs::write(&list, old).unwrap();
    assert_eq!(push(&fleet, &feeds, &place), first);
    until(|| logs(&coordinators), || (renewals(&fleet, "failed") > before).then_some(()));
    assert_eq!(current(&fleet), Some(second.clone()));
    assert!(logs(&coordinators).contains("it is older"), "{}", logs(&coordinators));

    // Whoever is left goes on; a file of the roll-out does not take the place of what was renewed.
    let mut dead = coordinators.remove(0);
    dead.kill();
    fs::write(&list, format!("{}{new}", new.replace("9999", "9998"))).unwrap();
    let third = push(&fleet, &feeds, &place);
    coordinators.insert(0, fleet.coordinator(0, &more));
    until(|| logs(&coordinators), || (current(&fleet).as_ref() == Some(&third)).then_some(()));
    assert!(!coordinators[0].log().contains("snapshot published"), "{}", coordinators[0].log());
    let usage =
        fleet.program.run(["coordinator", "--nats", "nats://127.0.0.1:1", "--renew", "1h", "--verify-key", "/none"]);
    assert_eq!(usage.code, 2, "{usage:?}");
}
