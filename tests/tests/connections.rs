//! What cannot work is said once, with the reason, and ends: refused logins, certificates of nobody known, other ports than
//! NATS's, jobs that were never submitted. And logins in URLs work and are never printed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{path::Path, process::Command, time::Duration};

use layergate_tests::{
    fake::Fake,
    fleet::Fleet,
    program::Program,
    servers::{Server, free_port},
};

/// Long enough for the slowest machine; what is meant to end ends in seconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// A password that a URL can only hold encoded.
const PASSWORD: &str = "s3/cr@t:pw";
const ENCODED: &str = "s3%2Fcr%40t%3Apw";

fn openssl(directory: &Path, arguments: &str) -> bool {
    let arguments = arguments.replace("DIR", directory.to_str().unwrap());
    Command::new("openssl").args(arguments.split('|')).output().is_ok_and(|out| out.status.success())
}

#[test]
fn a_permanent_fault_is_said_once_with_the_reason_and_ends() {
    let users = format!("authorization {{ users: [ {{ user: fleet, password: \"{PASSWORD}\" }} ] }}");
    let Some(guarded) = Server::nats_with(&users, "") else { return };
    let Some(plain) = Server::nats() else { return };
    let web = Fake::start(|_, _| (404, Vec::new(), Vec::new()));
    let directory = tempfile::tempdir().unwrap();
    let certificate = "req|-x509|-newkey|rsa:2048|-nodes|-days|2|-subj|/CN=nats|-addext|subjectAltName=IP:127.0.0.1|-keyout|DIR/key|-out|DIR/crt";
    let made = openssl(directory.path(), certificate);
    let tls = format!("tls {{ cert_file: \"{0}/crt\", key_file: \"{0}/key\" }}", directory.path().display());
    let unknown = made.then(|| Server::nats_with(&tls, "").unwrap());
    let silent = free_port();

    let mut rows = vec![
        (format!("nats://fleet:wrong-{ENCODED}@{}", guarded.host()), "refuses the login"),
        (format!("nats://wrong-token@{}", guarded.host()), "refuses the login"),
        (format!("nats://{}", guarded.host()), "refuses the login"),
        (format!("tls://{}", plain.host()), "say nats:// for it"),
        (format!("nats://127.0.0.1:{silent}"), "refused"),
        (format!("nats://127.0.0.1:{}", web.port), "does not speak NATS"),
    ];
    match &unknown {
        Some(server) => rows.push((format!("tls://{}", server.host()), "--nats-ca")),
        None => println!("skipped: openssl makes no certificates here"),
    }
    let program = Program::default();
    let ends = |url: &str, reason: &str| {
        for what in ["coordinator", "worker"] {
            let mut command = program.command([what]);
            if what == "coordinator" {
                command.args(["--listen", "127.0.0.1:0"]);
            }
            // In the environment, where others do not see it.
            let run = program.finish(command.env("LAYERGATE_NATS", url));
            assert_eq!(run.code, 3, "{url}: {run:?}");
            assert!(run.stderr.lines().last().unwrap().contains(reason), "{url}: {}", run.stderr);
            // A server that might only be starting is waited for, and that is said before it is given up.
            let waits = run.stderr.matches("asking again").count();
            let lines = run.stderr.matches("cannot be used: ").count();
            assert!(waits <= 1 && lines == 1, "{url}: {}", run.stderr);
            assert!(!run.stderr.contains("ERROR") && !run.stderr.contains("wrong"), "{url}: {}", run.stderr);
        }
    };
    std::thread::scope(|scope| {
        for (url, reason) in &rows {
            scope.spawn(|| ends(url, reason));
        }
    });
    if let Some(server) = unknown {
        let mut command = program.command(["worker", "--nats"]);
        command.arg(format!("tls://{}", server.host())).arg("--nats-ca").arg(directory.path().join("key"));
        let run = program.finish(&mut command);
        assert_eq!(run.code, 3, "a file without certificates: {run:?}");
    }
}

#[test]
fn a_login_in_the_url_works_and_is_never_printed() {
    let users = format!("authorization {{ users: [ {{ user: fleet, password: \"{PASSWORD}\" }} ] }}");
    let Some(nats) = Server::nats_with(&users, "") else { return };
    let url = format!("nats://fleet:{ENCODED}@{}", nats.host());
    let Some(mut fleet) = Fleet::on(1, nats, 0) else { return };
    fleet.environment.push(("LAYERGATE_LOG".to_owned(), "debug".to_owned()));
    let mut coordinator = fleet.coordinator_at(0, &url, &[]);
    let mut worker = fleet.worker_at(0, &url, &[]);
    fleet.ready(&[&coordinator, &worker]);
    let server = fleet.servers();
    let status = fleet.program.run(["fleet", "status", "--server", &server]);
    for process in [&mut coordinator, &mut worker] {
        process.terminate();
        assert!(process.ended(PATIENCE).is_some_and(|s| s.success()), "{}", process.log());
    }
    for text in [coordinator.log(), worker.log(), status.stdout, status.stderr] {
        assert!(!text.contains(PASSWORD) && !text.contains(ENCODED), "{text}");
    }
}

#[test]
fn waiting_for_a_job_that_nobody_submitted_ends() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let coordinator = fleet.coordinator(0, &[]);
    fleet.ready(&[&coordinator]);
    let server = fleet.servers();
    let run = fleet.program.run(["wait", "--server", &server, "nobody-submitted-this"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stderr.contains("nobody-submitted-this is not known"), "{}", run.stderr);
    // One that waits is known, though nobody reads its layers.
    let job = fleet.submit(&format!("{}/team/none:1", fleet.registry.host()), "key", 600);
    let run = fleet.program.run(["wait", "--server", &server, "--timeout", "1s", &job]);
    assert!(run.code == 3 && !run.stderr.contains("is not known"), "{run:?}");
}

#[test]
fn scan_tells_the_fleet_who_asks_and_which_credential_to_read_with() {
    let fake = Fake::start(|_, _| (400, Vec::new(), br#"{"error": "enough"}"#.to_vec()));
    let program = Program::default();
    let server = format!("http://127.0.0.1:{}", fake.port);
    let scan = |more: &[&str]| program.run([&["scan", "r.example/team/shop:1"][..], more].concat());
    let run = scan(&["--server", &server, "--tenant", "team-a", "--credential", "team-b"]);
    assert!(run.code == 3 && run.stderr.contains("enough"), "{run:?}");
    let asked = fake.seen();
    let body: serde_json::Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!((body["tenant"].as_str(), body["credential"].as_str()), (Some("team-a"), Some("team-b")), "{body}");
    for (more, says) in [
        (&["--credential", "team-b"][..], "--server"),
        (&["--server", &server, "--credential", "no/name"], "no/name"),
        (&["--server", &server, "--tenant", "no name"], "no name"),
    ] {
        let run = scan(more);
        assert!(run.code == 2 && run.stderr.contains(says), "{more:?}: {run:?}");
    }
}

#[test]
fn servers_that_start_later_are_waited_for() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    fleet.nats.stop();
    let coordinator = fleet.coordinator(0, &[]);
    while !coordinator.log().contains("asking again") {
        std::thread::sleep(Duration::from_millis(20));
    }
    fleet.nats.start_again();
    fleet.ready(&[&coordinator]);
}
