//! The HTTP API of a live coordinator, held against its published schema (`docs/api.schema.json`), answer by answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{fs, path::Path, process::Command};

use layergate_tests::{
    fleet::Fleet,
    layout::Image,
    program::{fixture, root},
    recipe::Recipe,
    servers::http,
};
use serde_json::{Value, json};

/// What is wrong with a document by a definition of the schema; nothing where it is right.
fn violations(schemas: &Path, home: &Path, definition: &str, document: &Value) -> String {
    let file = home.join("answer.json");
    fs::write(&file, document.to_string()).unwrap();
    let mut command = Command::new("python3");
    command.arg(root().join("tests/validate")).arg(schemas).arg("--definition");
    let out = command.arg(root().join("docs/api.schema.json")).arg(definition).arg(file).output().unwrap();
    match out.status.success() {
        true => String::new(),
        false => format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)),
    }
}

#[test]
fn every_body_is_as_the_published_schema_says() {
    let schemas = std::env::var_os("LAYERGATE_SCHEMAS")
        .map_or_else(|| root().join("target/tools/schemas"), std::path::PathBuf::from);
    if !schemas.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "{} is not there; tests/tools brings it", schemas.display());
        println!("skipped: {} is not there (tests/tools brings it)", schemas.display());
        return;
    }
    let Some(mut fleet) = Fleet::new(1) else { return };
    let home = fleet.program.home.path().to_owned();
    let recipe = Recipe::read(fixture("recipes/shop.toml").as_ref()).unwrap();
    let shop = fleet.push("team/shop", "1", &Image::build(&recipe).unwrap());
    let coordinator = fleet.coordinator(0, &[]);
    let _worker = fleet.worker(0, &[]);
    fleet.ready(&[&coordinator]);
    let port = fleet.ports[0];
    let ask = |method: &str, target: &str, body: &[u8]| {
        let headers = [("content-type", "application/json")];
        let (status, _, answer) = http(port, method, target, &headers, body).unwrap();
        (status, serde_json::from_slice::<Value>(&answer).unwrap_or(Value::Null))
    };
    let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": []}).to_string();
    let (_, uploaded) = ask("POST", "/api/v1/sboms", bom.as_bytes());
    let submissions = [
        json!({"image": shop, "platforms": {"list": ["linux/amd64"]}, "lane": "bulk", "tenant": "team-a",
               "policy": {"fail_on": "medium"}, "idempotency_key": "build-1", "timeout_seconds": 600}),
        json!({"image": format!("{}/team/none:1", fleet.registry.host())}),
        json!({"sbom": {"digest": uploaded["digest"], "name": "bom.json"}, "platforms": "default"}),
    ];
    let mut bodies = vec![("UploadedDigest", uploaded)];
    for (submission, verdict) in submissions.into_iter().zip(["fail", "error", "error"]) {
        let (status, submitted) = ask("POST", "/api/v1/jobs", submission.to_string().as_bytes());
        assert_eq!(status, 202, "{submission}: {submitted}");
        let job = submitted["job"].as_str().unwrap().to_owned();
        let (_, answer) = ask("GET", &format!("/api/v1/jobs/{job}?wait=60"), b"");
        assert_eq!(answer["verdict"]["verdict"], verdict, "{answer}");
        bodies.extend([("Submission", submission), ("Submitted", submitted), ("JobAnswer", answer)]);
    }
    let (status, unknown) = ask("GET", "/api/v1/jobs/not-there", b"");
    assert_eq!(status, 404);
    bodies.push(("ErrorAnswer", unknown));
    bodies.push(("FleetStatus", ask("GET", "/api/v1/fleet", b"").1));
    let (status, refused) = ask("POST", "/api/v1/jobs", b"{}");
    assert_eq!(status, 400);
    bodies.push(("ErrorAnswer", refused));
    for (definition, body) in &bodies {
        let wrong = violations(&schemas, &home, definition, body);
        assert!(wrong.is_empty(), "{definition}: {body:#}\n{wrong}");
    }
    // The schema does refuse.
    let judged = bodies.iter().find(|(_, b)| b["verdict"]["verdict"] == "fail").unwrap().1.clone();
    for (pointer, value) in [
        ("/verdict/verdict", json!("deferred")),
        ("/verdict/images/0/reasons/0/effect", json!("nag")),
        ("/verdict/images/0/digest", json!(1)),
        ("/verdict/error", json!({"weather": "rain"})),
    ] {
        let mut wrong = judged.clone();
        *wrong.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}: {judged:#}")) = value;
        assert!(!violations(&schemas, &home, "JobAnswer", &wrong).is_empty(), "{pointer}");
    }
    assert!(!violations(&schemas, &home, "Submission", &json!({"image": shop, "as_of": "2000-01-01"})).is_empty());
}
