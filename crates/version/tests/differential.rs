//! Ten thousand pairs of nasty versions each against dpkg and rpm themselves, where those are installed. The million is
//! `cargo run -p layergate-version --example differential -- 1000000`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod nasty;

use std::cmp::Ordering;

use layergate_version::Scheme;

const PAIRS: usize = 10_000;

#[test]
fn dpkg_agrees() {
    if !nasty::has("dpkg") {
        println!("skipped: dpkg is not installed");
        return;
    }
    let pairs = nasty::dpkg_pairs(1, PAIRS);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = pairs
            .chunks(PAIRS.div_ceil(4))
            .map(|chunk| scope.spawn(move || chunk.iter().filter_map(|(a, b)| dpkg_differs(a, b)).collect::<Vec<_>>()))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} differ: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

/// One process for each pair: asks only whether our answer holds.
fn dpkg_differs(a: &str, b: &str) -> Option<String> {
    let ours = Scheme::Dpkg.compare(a, b).unwrap();
    let operator = match ours {
        Ordering::Less => "lt",
        Ordering::Equal => "eq",
        Ordering::Greater => "gt",
    };
    let status = std::process::Command::new("dpkg")
        .args(["--compare-versions", a, operator, b])
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    (!status.success()).then(|| format!("{a} {operator} {b}"))
}

#[test]
fn rpm_agrees() {
    if !nasty::has("rpm") {
        println!("skipped: rpm is not installed");
        return;
    }
    let pairs = nasty::rpm_pairs(2, PAIRS);
    let Some(theirs) = nasty::ask_rpm(&pairs) else {
        println!("skipped: this rpm has no rpm.vercmp in Lua");
        return;
    };
    let wrong: Vec<String> = pairs
        .iter()
        .zip(theirs)
        .filter_map(|((a, b), theirs)| {
            let ours = Scheme::Rpm.compare(a, b).unwrap();
            (ours != theirs).then(|| format!("{a} {b}: ours {ours:?}, rpm {theirs:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} differ: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}
