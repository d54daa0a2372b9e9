//! What NATS keeps for a fleet, when somebody's hand or a full disk takes it away: streams that are deleted, made otherwise, or
//! cannot grow, and a cluster that is only forming while everybody starts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use layergate_tests::{
    fleet::{Fleet, Process},
    jetstream::JetStream,
    layout::Image,
    program::{fixture, until},
    recipe::Recipe,
    servers::{Server, free_port, http},
};
use serde_json::{Value, json};

fn image(recipe: &str) -> Image {
    Image::build(&Recipe::read(fixture(&format!("recipes/{recipe}.toml")).as_ref()).unwrap()).unwrap()
}

fn readyz(port: u16) -> Option<u16> {
    http(port, "GET", "/readyz", &[], b"").ok().map(|(status, ..)| status)
}

fn logs(processes: &[&Process]) -> String {
    processes.iter().map(|p| p.log()).collect()
}

#[test]
fn streams_that_are_deleted_by_hand_are_made_again() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let (shop, slim) = (fleet.push("team/shop", "1", &image("shop")), fleet.push("team/shop", "2", &image("shop")));
    let (coordinator, worker) = (fleet.coordinator(0, &[]), fleet.worker(0, &[]));
    fleet.ready(&[&coordinator, &worker]);
    assert_eq!(fleet.scan(&shop, &[]).0.code, 1);

    let mut hand = JetStream::connect(fleet.nats.port);
    let names = hand.streams();
    assert!(names.len() > 10, "{names:?}");
    for name in &names {
        assert_eq!(hand.api(&format!("STREAM.DELETE.{name}"), &json!({}))["success"], true);
    }
    let all = || logs(&[&coordinator, &worker]);
    until(all, || (hand.streams() == names).then_some(()));
    until(all, || (readyz(fleet.ports[0]) == Some(200)).then_some(()));
    // With the advisories, which nobody gave it a second time.
    for reference in [&shop, &slim] {
        let (run, report) = fleet.scan(reference, &[]);
        assert_eq!(run.code, 1, "{}{}", run.stderr, all());
        assert_eq!(report["verdict"], "fail");
    }
    let log = coordinator.log();
    assert!(log.contains("advisories were gone and are published again"), "{log}");
    assert!(all().contains("a stream was gone and is made again"), "{}", all());
}

#[test]
fn a_stream_that_will_not_do_is_not_ready_and_then_recovers() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let coordinator = fleet.coordinator(0, &[]);
    fleet.ready(&[&coordinator]);
    let mut hand = JetStream::connect(fleet.nats.port);
    let name = "KV_layergate-failures";
    let wrong = json!({"name": name, "subjects": ["$KV.layergate-failures.>"], "storage": "memory", "num_replicas": 1});
    // The coordinator may be faster and make the right one; then again.
    until(
        || coordinator.log(),
        || {
            hand.api(&format!("STREAM.DELETE.{name}"), &json!({}));
            let made = hand.api(&format!("STREAM.CREATE.{name}"), &wrong);
            made["error"].is_null().then_some(())
        },
    );
    until(|| coordinator.log(), || (readyz(fleet.ports[0]) == Some(503)).then_some(()));
    assert_eq!(hand.api(&format!("STREAM.DELETE.{name}"), &json!({}))["success"], true);
    until(|| coordinator.log(), || (readyz(fleet.ports[0]) == Some(200)).then_some(()));
    let log = coordinator.log();
    assert_eq!(log.matches("not ready until they can").count(), 1, "{log}");
    assert!(log.contains(name) && log.contains("storage: there Memory, needed File"), "{log}");
}

#[test]
fn a_full_disk_is_answered_429_and_recovers_by_itself() {
    let Some(nats) = Server::nats_with("", "max_file_store: 300MB") else { return };
    let Some(mut fleet) = Fleet::on(1, nats, 0) else { return };
    fleet.environment.push(("LAYERGATE_NATS_STORAGE".to_owned(), "256MiB".to_owned()));
    let reference = fleet.push("team/shop", "1", &image("shop"));
    let coordinator = fleet.coordinator(0, &[]);
    fleet.ready(&[&coordinator]);
    // It waits for layers that nobody reads yet.
    let job = fleet.submit(&reference, "before", 3600);

    // Another user of the same server fills its disk.
    let mut hand = JetStream::connect(fleet.nats.port);
    let other =
        json!({"name": "other", "subjects": ["other"], "storage": "file", "retention": "limits", "num_replicas": 1});
    assert!(hand.api("STREAM.CREATE.other", &other)["error"].is_null());
    let message = vec![b'x'; 1_000_000];
    until(
        || "the disk does not become full".to_owned(),
        || (!hand.request("other", &message)["error"].is_null()).then_some(()),
    );

    let submission = json!({"image": reference, "idempotency_key": "during"}).to_string();
    let json = [("content-type", "application/json")];
    let submit = || http(fleet.ports[0], "POST", "/api/v1/jobs", &json, submission.as_bytes()).unwrap();
    let (status, _, answer) = submit();
    assert_eq!(status, 429, "{}", String::from_utf8_lossy(&answer));
    let (status, _, answer) =
        http(fleet.ports[0], "POST", "/api/v1/sboms", &[], b"{\"bomFormat\":\"CycloneDX\"}").unwrap();
    assert_eq!(status, 429, "{}", String::from_utf8_lossy(&answer));

    // Work that is under way meets it too.
    let worker = fleet.worker(0, &[]);
    let all = || logs(&[&coordinator, &worker]);
    until(all, || worker.log().contains("no room").then_some(()));
    assert!(hand.api("STREAM.PURGE.other", &json!({}))["error"].is_null());
    let (status, _, answer) = http(fleet.ports[0], "POST", "/api/v1/jobs", &json, submission.as_bytes()).unwrap();
    assert_eq!(status, 202, "{}", String::from_utf8_lossy(&answer));
    let verdict = until(all, || fleet.verdict(&job, 5));
    assert_eq!(verdict["verdict"], "fail", "{verdict}{}", all());
}

#[test]
fn many_processes_start_at_once_on_a_cluster_that_is_only_forming() {
    let routes: Vec<u16> = (0..3).map(|_| free_port()).collect();
    let urls: Vec<String> = routes.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect();
    let node = |n: usize| {
        let (port, urls) = (routes[n], urls.join(", "));
        let cluster = format!("cluster {{ name: night, listen: \"127.0.0.1:{port}\", routes: [{urls}] }}");
        Server::nats_with(&format!("server_name: n{n}\n{cluster}"), "max_file_store: 2GB")
    };
    let Some(nodes) = (0..3).map(node).collect::<Option<Vec<Server>>>() else { return };
    let nats = nodes.iter().map(|n| format!("nats://{}", n.host())).collect::<Vec<_>>().join(",");
    let mut nodes = nodes.into_iter();
    let Some(mut fleet) = Fleet::on(2, nodes.next().unwrap(), 0) else { return };
    let _others: Vec<Server> = nodes.collect();
    fleet.environment.push(("LAYERGATE_NATS_REPLICAS".to_owned(), "3".to_owned()));
    let mut processes: Vec<Process> = (0..2).map(|n| fleet.coordinator_at(n, &nats, &[])).collect();
    processes.extend((0..4).map(|n| fleet.worker_at(n, &nats, &["--tasks", "1"])));
    fleet.ready(&processes.iter().collect::<Vec<_>>());
    let all = || processes.iter().map(Process::log).collect::<String>();
    let members = |status: &Value| status["members"].as_array().map_or(0, Vec::len);
    until(all, || (members(&fleet.insist("GET", "/api/v1/fleet", &Value::Null)) == 6).then_some(()));
    let reference = fleet.push("team/shop", "1", &image("shop"));
    let (run, _) = fleet.scan(&reference, &[]);
    assert_eq!(run.code, 1, "{}{}", run.stderr, all());
}
