//! `layergate policy`: kept reports judged again, as a pull request that edits a policy would do it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;

use layergate_tests::program::{Program, fixture};
use serde_json::Value;

const LENIENT: &str = "version = 1\n[findings]\nfail-on = \"never\"\nkev = \"warn\"\n";

/// A program whose home has a kept report and a lenient policy.
fn kept() -> (Program, Value) {
    let program = Program::default();
    let (run, report) = program.scan(&format!("oci:{}", fixture("images/shop")), &[]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    fs::write(program.home.path().join("shop.json"), report.to_string()).unwrap();
    fs::write(program.home.path().join("lenient.toml"), LENIENT).unwrap();
    (program, report)
}

#[test]
fn cases_hold_or_say_what_does_not() {
    let (program, _) = kept();
    let cases = |verdict: &str, rules: &str, silent: &str| {
        format!(
            "[[case]]\nname = \"the shop\"\nreport = \"shop.json\"\nverdict = \"{verdict}\"\nrules = [{rules}]\nsilent = [{silent}]\n"
        )
    };
    let rows = [
        (cases("fail", "\"severity\"", ""), vec![], 0, "ok     the shop"),
        (cases("pass", "", ""), vec!["--policy", "lenient.toml"], 0, "1 cases, 0 broken"),
        (cases("pass", "", ""), vec![], 1, "expected pass, got fail"),
        (cases("fail", "\"nosuch\"", ""), vec![], 1, "the rule nosuch is not among the reasons"),
        (cases("fail", "", "\"severity\""), vec![], 1, "the rule severity is among the reasons"),
        (String::new(), vec![], 2, "no [[case]]"),
        (cases("maybe", "", ""), vec![], 2, "cases.toml"),
        (cases("fail", "", "").replace("shop.json", "nosuch.json"), vec![], 2, "nosuch.json"),
    ];
    for (text, more, code, reported) in rows {
        fs::write(program.home.path().join("cases.toml"), &text).unwrap();
        let run = program.run([vec!["policy", "test", "cases.toml"], more].concat());
        let all = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(run.code, code, "{text}: {all}");
        assert!(all.contains(reported), "{reported:?} is not in {all}");
    }
}

#[test]
fn what_a_policy_would_change() {
    let (program, _) = kept();
    let same = program.run(["policy", "what-if", "shop.json"]);
    assert_eq!((same.code, same.stdout.as_str()), (0, "1 reports: 1 fail as before\n"), "{}", same.stderr);
    let kept = program.home.path().join("kept");
    fs::create_dir(&kept).unwrap();
    fs::copy(program.home.path().join("shop.json"), kept.join("a.json")).unwrap();
    fs::write(kept.join("notes.txt"), "not a report").unwrap();
    let lenient = program.run(["policy", "what-if", "kept", "--policy", "lenient.toml"]);
    assert_eq!(lenient.code, 0, "{}", lenient.stderr);
    assert!(lenient.stdout.contains(": fail -> pass\n"), "{}", lenient.stdout);
    assert!(lenient.stdout.contains("  - fail severity: "), "{}", lenient.stdout);
    assert!(lenient.stdout.ends_with("1 reports: 1 fail -> pass\n"), "{}", lenient.stdout);
    for wrong in [vec!["policy", "what-if"], vec!["policy", "what-if", "nosuch.json"]] {
        assert_eq!(program.run(wrong).code, 2);
    }
}
