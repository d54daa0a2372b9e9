//! What an operator at night relies on: alerts that fire (promtool plays them), a page of metrics that a Prometheus takes, and a
//! status that says which advisories are in force.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Output, Stdio},
};

use layergate_tests::{
    fleet::Fleet,
    program::{root, until},
    servers::{free_port, http, tool},
};

const ALERTS: &str = "deploy/monitoring/alerts.yaml";

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

fn page(port: u16, accept: &str) -> String {
    let (status, _, body) = http(port, "GET", "/metrics", &[("accept", accept)], b"").unwrap();
    assert_eq!(status, 200);
    String::from_utf8(body).unwrap()
}

#[test]
fn each_alert_fires_in_the_case_that_it_is_for() {
    let alerts: BTreeSet<String> =
        read(ALERTS).lines().filter_map(|l| Some(l.trim().strip_prefix("- alert: ")?.to_owned())).collect();
    assert!(alerts.len() > 10);
    let cases = read("deploy/monitoring/alerts_test.yaml");
    let pages = read("docs/fleet.md");
    for alert in &alerts {
        assert!(
            cases.contains(&format!("- alertname: {alert}\n")) || cases.contains(&format!("{{alertname: {alert},")),
            "{alert} has no case"
        );
        assert!(pages.contains(&format!("| {alert} |")), "{alert} is not in docs/fleet.md");
        assert!(read(ALERTS).contains(&format!("runbook: docs/fleet.md, {alert}\n")), "{alert} names no page");
    }
    let Some(promtool) = tool("promtool") else { return };
    for arguments in [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]] {
        let out =
            Command::new(&promtool).args(arguments).current_dir(root().join("deploy/monitoring")).output().unwrap();
        assert!(out.status.success(), "{}", said(&out));
    }
}

#[test]
fn a_live_page_of_metrics_pleases_promtool_and_has_all_that_the_alerts_ask_for() {
    let Some(promtool) = tool("promtool") else { return };
    let Some(mut fleet) = Fleet::new(1) else { return };
    let port = free_port();
    let coordinator = fleet.coordinator(0, &[]);
    let worker = fleet.worker(0, &["--metrics-listen", &format!("127.0.0.1:{port}")]);
    fleet.ready(&[&coordinator, &worker]);
    let api = fleet.ports[0];
    let logs = || coordinator.log() + &worker.log();
    until(logs, || http(port, "GET", "/readyz", &[], b"").is_ok_and(|(status, ..)| status == 200).then_some(()));
    let slots = |page: String| page.lines().any(|l| l.starts_with("layergate_worker_slots ") && !l.ends_with(" 0"));
    until(logs, || slots(page(api, "")).then_some(()));
    until(logs, || page(api, "").contains("layergate_snapshot_info{digest=\"sha256:").then_some(()));

    let mut shown = String::new();
    for port in [api, port] {
        let (plain, open) = (page(port, "*/*"), page(port, "application/openmetrics-text;version=1.0.0"));
        assert!(open.ends_with("# EOF\n") && open.contains("# UNIT "), "{open}");
        let mut child = Command::new(&promtool);
        let child =
            child.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), plain.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success() && said(&out).is_empty(), "{}\n{plain}", said(&out));
        shown.push_str(&plain);
    }
    assert!(shown.contains("layergate_ready 1\n") && !shown.contains("layergate_ready 0\n"), "{shown}");
    // Whatever an alert or the dashboard asks for is there before anything has happened, with the labels by which it is chosen.
    for file in [ALERTS, "deploy/monitoring/dashboard.json"] {
        for rest in read(file).split("layergate_").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let series: Vec<&str> = shown.lines().filter(|l| l.starts_with(&format!("layergate_{name}"))).collect();
            assert!(!series.is_empty(), "{file}: layergate_{name} is not shown");
            let label = rest.strip_prefix(&name).and_then(|r| r.strip_prefix('{')?.split_once('}'));
            if let Some((label, _)) = label.filter(|(label, _)| !label.contains("=~") && !label.contains("!=")) {
                let label = label.replace('\\', "");
                assert!(series.iter().any(|l| l.contains(&label)), "{file}: layergate_{name}{{{label}}} is not shown");
            }
        }
    }
}

#[test]
fn the_status_shows_the_advisories_and_their_age() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let coordinator = fleet.coordinator(0, &[]);
    fleet.ready(&[&coordinator]);
    let server = fleet.servers();
    let status = until(
        || coordinator.log(),
        || {
            let run = fleet.program.run(["fleet", "status", "--server", &server]);
            run.stdout.contains("advisories sha256:").then_some(run.stdout)
        },
    );
    let line = status.lines().find(|l| l.starts_with("advisories ")).unwrap();
    assert!(line.contains("newest record 20") && line.contains(" days old)"), "{line}");
    let json = fleet.program.run(["fleet", "status", "--json", "--server", &server]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(line.contains(json["snapshot"]["digest"].as_str().unwrap()), "{json}");
}
