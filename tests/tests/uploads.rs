//! SBOMs that a fleet judges: real nats-server, coordinators of our own binary, and no worker, for nothing is unpacked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;

use layergate_tests::{fleet::Fleet, servers::http};
use serde_json::{Value, json};

/// A CycloneDX document with lodash 4.17.20, whose advisories are in the fixtures, and `more` packages that nobody
/// knows.
fn bom(more: usize) -> String {
    let library = |name: &str, version: &str| json!({"type": "library", "name": name, "version": version, "purl": format!("pkg:npm/{name}@{version}")});
    let mut components = vec![library("lodash", "4.17.20")];
    components.extend((0..more).map(|n| library(&format!("a-package-that-nobody-publishes-{n}"), "1.0.0")));
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": {"type": "container", "name": "app"}}, "components": components,
    })
    .to_string()
}

#[test]
fn a_fleet_judges_an_sbom_as_the_single_machine_does() {
    let Some(mut fleet) = Fleet::new(2) else { return };
    let home = fleet.program.home.path().to_owned();
    let write = |name: &str, text: &str| {
        fs::write(home.join(name), text).unwrap();
        format!("sbom:{}", home.join(name).display())
    };
    // One that fits a message, and one that is longer than a message may be, whose verdict is the same.
    let documents = [write("small.json", &bom(0)), write("large one.json", &bom(20_000))];
    let mut coordinators = [fleet.coordinator(0, &[]), fleet.coordinator(1, &[])];
    fleet.ready(&coordinators.each_ref());
    for document in &documents {
        let (run, report) = fleet.scan(document, &[]);
        assert_eq!(run.code, 1, "{document}: {} {report}", run.stderr);
        assert_eq!(report["image"]["reference"].as_str(), Some(document.as_str()));
        let as_of = report["inputs"]["as_of"].as_str().unwrap();
        let alone = fleet.alone(std::slice::from_ref(document), as_of);
        assert!(run.stdout.as_bytes() == alone, "the fleet's report on {document} is not the single machine's");
    }
    // The two halves of it.
    let servers = fleet.servers();
    let submitted = fleet.program.run(["submit", "--server", &servers, &documents[0]]);
    assert_eq!(submitted.code, 0, "{}", submitted.stderr);
    let waited = fleet.program.run(["wait", "--server", &servers, "--timeout", "60s", submitted.stdout.trim()]);
    assert_eq!(waited.code, 1, "{}", waited.stderr);

    // A document lies with the fleet, not with the coordinator that took it.
    let (first, second) = (fleet.ports[0], fleet.ports[1]);
    let (status, _, answer) = http(first, "POST", "/api/v1/sboms", &[], bom(1).as_bytes()).unwrap();
    let digest = serde_json::from_slice::<Value>(&answer).unwrap()["digest"].as_str().unwrap().to_owned();
    assert_eq!(status, 201);
    coordinators[0].kill();
    let post = |body: Value| {
        let headers = [("content-type", "application/json")];
        let (status, _, answer) = http(second, "POST", "/api/v1/jobs", &headers, body.to_string().as_bytes()).unwrap();
        (status, String::from_utf8(answer).unwrap())
    };
    let verdict = |body: Value| {
        let (status, answer) = post(body);
        assert_eq!(status, 202, "{answer}");
        let job = serde_json::from_str::<Value>(&answer).unwrap()["job"].as_str().unwrap().to_owned();
        fleet.verdict(&job, 60).expect("a verdict")
    };
    let sbom = |digest: &str| json!({"digest": digest, "name": "bom.json"});
    let of_the_other = verdict(json!({"sbom": sbom(&digest)}));
    assert_eq!((&of_the_other["verdict"], &of_the_other["reference"]), (&json!("fail"), &json!("sbom:bom.json")));
    let unknown = verdict(json!({"sbom": sbom(&format!("sha256:{}", "0".repeat(64)))}));
    assert_eq!(unknown["verdict"], "error");
    assert!(unknown["error"].to_string().contains("upload it again"), "{unknown}");
    for (what, body) in [
        ("nothing", json!({})),
        ("two things", json!({"image": "registry.example/a:1", "sbom": sbom(&digest)})),
        ("no name", json!({"sbom": {"digest": digest}})),
        ("a name that is more than a line", json!({"sbom": {"digest": digest, "name": "a\nb"}})),
        ("a file of the coordinator's", json!({"sbom": {"digest": digest, "name": "a", "path": "/etc/passwd"}})),
    ] {
        let (status, answer) = post(body);
        assert!((400..500).contains(&status), "{what}: {status} {answer}");
    }
}

#[test]
fn what_is_no_sbom_or_too_much_of_one_is_refused_with_the_number() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let home = fleet.program.home.path().to_owned();
    let coordinator = fleet.coordinator(0, &[]);
    fleet.ready(&[&coordinator]);
    let most = 32 << 20;
    for (name, text, reported) in [
        ("missing.json", None, "missing.json"),
        ("empty.json", Some(String::new()), "an empty file"),
        ("image.json", Some("{\"schemaVersion\": 2}".to_owned()), "not an SBOM"),
        ("broken.json", Some("{\"bomFormat\": \"CycloneDX\", ".to_owned()), "JSON"),
        ("components.json", Some(bom(100_000)), "100001 components, 100000 are read"),
        ("bytes.json", Some(" ".repeat(most + 1)), "33554432 bytes"),
    ] {
        if let Some(text) = text {
            fs::write(home.join(name), text).unwrap();
        }
        let (run, report) = fleet.scan(&format!("sbom:{}", home.join(name).display()), &[]);
        assert_eq!(run.code, 3, "{name}: {}", run.stderr);
        assert_eq!(report["verdict"], "error", "{name}");
        assert!(run.stderr.contains(reported), "{name}: {}", run.stderr);
    }
    // Whoever does not ask our client first is reported the same.
    let (status, _, answer) = http(fleet.ports[0], "POST", "/api/v1/sboms", &[], &vec![b' '; most + 1]).unwrap();
    assert_eq!(status, 413);
    assert!(String::from_utf8(answer).unwrap().contains("33554432"));
    assert_eq!(http(fleet.ports[0], "POST", "/api/v1/sboms", &[], &vec![b' '; most]).unwrap().0, 201);
}
