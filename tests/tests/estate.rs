//! The estate on one machine: a real registry, enumerated, kept, judged again, asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicU16, Ordering},
        mpsc,
    },
    time::Duration,
};

use layergate_tests::{
    fake::Fake,
    layout::{Image, digest},
    program::{Program, Run, copy_folder, fixture, root},
    recipe::Recipe,
    servers::Server,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const DAY: &str = "2026-11-21";

struct Scene {
    registry: Server,
    program: Program,
    state: PathBuf,
    db: String,
}

fn recipe(name: &str) -> Image {
    let path = root().join("tests/fixtures/recipes").join(format!("{name}.toml"));
    Image::build(&Recipe::read(&path).unwrap()).unwrap()
}

impl Scene {
    /// A registry with three images (one of them twice), a chart and a manifest whose layer is lost. `None` without a registry.
    fn new() -> Option<Self> {
        let registry = Server::registry(None)?;
        let program = Program::default();
        let state = program.home.path().join("estate");
        let scene = Self { registry, program, state, db: fixture("advisories") };
        scene.registry.push("web/kiosk", "1", &recipe("kiosk"), None);
        scene.registry.push("web/shop", "1", &recipe("shop"), None);
        scene.registry.push("web/shop", "latest", &recipe("shop"), None);
        scene.registry.push("payments/ledger", "2024", &recipe("ledger"), None);
        let mut chart = recipe("kiosk");
        let text = String::from_utf8(chart.manifest).unwrap();
        chart.manifest = text.replace("vnd.oci.image.config.v1+json", "vnd.cncf.helm.config.v1+json").into_bytes();
        scene.registry.push("charts/kiosk", "0.1.0", &chart, None);
        Some(scene)
    }

    /// Puts bytes in the place of a pushed manifest's, where the registry keeps them.
    fn replace_manifest(&self, image: &Image, bytes: &[u8]) {
        let hex = digest(&image.manifest).replace("sha256:", "");
        let data = self.registry.directory().join("data/docker/registry/v2/blobs/sha256").join(&hex[..2]).join(&hex);
        fs::write(data.join("data"), bytes).unwrap();
    }

    fn run(&self, words: &[&str], more: &[&str]) -> (Run, Value) {
        let state = self.state.display().to_string();
        let mut arguments = vec!["estate"];
        arguments.extend(words);
        arguments.extend(["--state-dir", &state, "-o", "json"]);
        arguments.extend(more);
        let run = self.program.run(&arguments);
        let answer = serde_json::from_str(&run.stdout).unwrap_or(Value::Null);
        (run, answer)
    }

    fn judged<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["--offline", "--as-of", DAY, "--db", &self.db], more].concat()
    }

    fn sync(&self) -> (Run, Value) {
        let host = self.registry.host();
        self.run(&["sync", &host], &self.judged(&[]))
    }

    fn rescan(&self, more: &[&str]) -> (Run, Value) {
        self.run(&["rescan"], &self.judged(more))
    }

    fn list(&self) -> BTreeMap<String, Value> {
        let (run, list) = self.run(&["list"], &[]);
        assert_eq!(run.code, 0, "{run:?}");
        let name = |row: &Value| row["reference"].as_str().unwrap().split_once('/').unwrap().1.to_owned();
        list["images"].as_array().unwrap().iter().map(|row| (name(row), row.clone())).collect()
    }

    /// Every file of the state directory with its bytes.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(dir: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
                match entry.file_type().unwrap().is_dir() {
                    true => walk(&entry.path(), all),
                    false => drop(all.insert(entry.path(), fs::read(entry.path()).unwrap())),
                }
            }
        }
        let mut all = BTreeMap::new();
        walk(&self.state, &mut all);
        all
    }

    /// The fixtures' advisories with one more, on what the kiosk has.
    fn with_one_more(&self) -> String {
        let to = self.program.home.path().join("advisories-2");
        copy_folder(Path::new(&fixture("advisories")), &to);
        let record = json!({
            "id": "GHSA-aaaa-bbbb-cccc", "aliases": ["CVE-2026-99999"], "modified": "2026-11-20T00:00:00Z",
            "published": "2026-11-20T00:00:00Z", "summary": "requests sends what it should not",
            "affected": [{"package": {"ecosystem": "PyPI", "name": "requests"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.33.0"}]}]}],
            "database_specific": {"severity": "CRITICAL"},
        });
        fs::write(to.join("osv/GHSA-aaaa-bbbb-cccc.json"), record.to_string()).unwrap();
        to.display().to_string()
    }
}

fn ledger(answer: &Value) -> [u64; 5] {
    let skipped = answer["skipped"].as_object().map_or(0, |s| s.values().filter_map(Value::as_u64).sum());
    let [all, pass, fail, error] = ["enumerated", "pass", "fail", "error"].map(|k| answer[k].as_u64().unwrap_or(99));
    [all, pass, fail, error, skipped]
}

#[test]
fn a_registry_is_enumerated_kept_and_asked() {
    let Some(scene) = Scene::new() else { return };
    let (run, first) = scene.sync();
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(ledger(&first), [5, 1, 3, 0, 1], "{first}");
    assert_eq!((&first["kind"], &first["closed"]), (&json!("sync"), &json!(true)));
    assert_eq!(first["skipped"], json!({"not an image": 1}));

    // The verdicts are those of `scan`.
    let host = scene.registry.host();
    let list = scene.list();
    assert_eq!(list.len(), 5, "{list:?}");
    for (name, row) in &list {
        let (_, report) = scene.program.scan(&format!("{host}/{name}"), &[]);
        if name.starts_with("charts/") {
            assert_eq!(
                (&row["state"], &row["verdict"], &row["findings"]),
                (&json!("not-an-image"), &Value::Null, &json!(0))
            );
            continue;
        }
        let found: u64 = report["summary"]["findings"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!((&row["state"], &row["verdict"]), (&json!("new"), &report["verdict"]), "{name}");
        assert_eq!(
            (&row["digest"], &row["platform"]),
            (&report["image"]["digest"], &report["image"]["platform"]),
            "{name}"
        );
        assert_eq!(row["findings"], json!(found), "{name}");
    }

    // Another sync reads nothing again, and every tag stands as it did.
    let (run, second) = scene.sync();
    assert_eq!((run.code, ledger(&second)), (0, ledger(&first)), "{run:?}");
    assert!(scene.list().iter().all(|(name, row)| name.starts_with("charts/") || row["state"] == "current"));
    let pulled = |log: &str| log.matches("GET /v2/web/shop/blobs").count();
    let log = scene.registry.log();
    scene.sync();
    assert_eq!(pulled(&scene.registry.log()), pulled(&log), "an unchanged image costs a HEAD");

    // Questions.
    let (run, found) = scene.run(&["search", "pkg:pypi/requests", "--version", "<2.33"], &[]);
    assert_eq!((run.code, &found["count"]), (0, &json!(1)), "{run:?}");
    let image = &found["images"][0];
    assert_eq!(image["reference"], json!(format!("{host}/web/kiosk:1")));
    assert_eq!(
        image["packages"],
        json!([{"name": "requests", "version": "2.32.3", "purl": "pkg:pypi/requests@2.32.3"}])
    );
    assert_eq!(scene.run(&["search", "pkg:pypi/requests", "--version", "<2"], &[]).1["count"], json!(0));
    let known = list.iter().find(|(_, row)| row["verdict"] == "fail").unwrap().0;
    let (_, report) = scene.program.scan(&format!("{host}/{known}"), &[]);
    let (id, alias) = (&report["findings"][0]["advisory"], &report["findings"][0]["aliases"]);
    for id in std::iter::once(id).chain(alias.as_array().unwrap()).filter_map(Value::as_str) {
        let (_, found) = scene.run(&["search", id], &[]);
        assert!(found["images"].to_string().contains(known.as_str()), "{id}: {found}");
    }
    let (run, _) = scene.run(&["search", "pkg:pypi/requests", "--version", "<<"], &[]);
    assert_eq!(run.code, 2, "{run:?}");

    // What runs, what a rebuild brings, what another policy would say.
    let pods = json!({"items": [{"metadata": {"namespace": "n", "name": "p"}, "status": {"containerStatuses": [
        {"name": "c", "imageID": format!("{host}/web/kiosk@{}", list["web/kiosk:1"]["digest"].as_str().unwrap())},
        {"name": "d", "imageID": format!("elsewhere/x@sha256:{}", "e".repeat(64))}]}}]});
    let file = scene.program.home.path().join("pods.json");
    fs::write(&file, pods.to_string()).unwrap();
    let (run, notified) = scene.run(&["in-use", "--from", &file.display().to_string()], &[]);
    assert_eq!(
        (run.code, &notified["images"], &notified["known"], &notified["cluster"]),
        (0, &json!(2), &json!(1), &json!("pods")),
        "{run:?}"
    );
    let (_, running) = scene.run(&["list", "--in-use"], &[]);
    assert_eq!(running["images"].as_array().unwrap().len(), 1);
    assert_eq!(running["images"][0]["reference"], json!(format!("{host}/web/kiosk:1")));
    let (run, plan) = scene.run(&["plan"], &[]);
    let failing: u64 = plan["bases"].as_array().unwrap().iter().filter_map(|b| b["failing"].as_u64()).sum();
    assert!(
        run.code == 0 && failing >= 2 && plan["occurrences"].as_u64() >= plan["vulnerabilities"].as_u64(),
        "{plan}"
    );
    let strict = scene.program.home.path().join("strict.toml");
    fs::write(&strict, "[findings]\nfail-on = \"never\"\nkev = \"warn\"\nmalicious = \"warn\"\n").unwrap();
    let strict = strict.display().to_string();
    let before = scene.files();
    let (run, answer) = scene.run(&["what-if"], &scene.judged(&["--policy", &strict]));
    assert_eq!((run.code, &answer["turns"]["fail -> pass"]), (0, &json!(3)), "{run:?}");
    assert!(scene.files() == before, "what-if writes nothing");

    // A tag that moves and one that goes.
    scene.registry.push("web/kiosk", "1", &recipe("ledger"), None);
    let digest = list["payments/ledger:2024"]["digest"].as_str().unwrap();
    scene.registry.http("DELETE", &format!("/v2/payments/ledger/manifests/{digest}"), &[], b"", None);
    let (run, moved) = scene.sync();
    assert_eq!((run.code, moved["enumerated"].as_u64()), (0, Some(4)), "{run:?}");
    let after = scene.list();
    assert_eq!(after["web/kiosk:1"]["state"], "moved");
    assert_eq!(after["payments/ledger:2024"]["state"], "gone");
    assert_eq!(moved["flips"][0]["cause"]["kind"], "image", "{moved}");
    let (_, tags) = scene.run(&["tags", &format!("{host}/web/kiosk:1")], &[]);
    assert_eq!(tags["tags"][0]["before"][0]["verdict"], "pass", "{tags}");
    assert_eq!((&tags["tags"][0]["state"], &tags["tags"][0]["verdict"]), (&json!("moved"), &json!("fail")));
    assert_eq!(scene.run(&["search", "pkg:pypi/requests"], &[]).1["count"], json!(0), "what is gone is not found");
}

#[test]
fn one_more_advisory_flips_exactly_the_images_that_hold_it() {
    let Some(scene) = Scene::new() else { return };
    assert_eq!(scene.sync().0.code, 0);
    let before = scene.files();
    let (run, same) = scene.rescan(&[]);
    assert_eq!((run.code, ledger(&same)), (0, [5, 1, 3, 0, 1]), "{run:?}");
    assert!(scene.files() == before, "an unchanged rescan writes nothing");

    let scene = Scene { db: scene.with_one_more(), ..scene };
    let (run, answer) = scene.rescan(&[]);
    assert_eq!((run.code, ledger(&answer)), (0, [5, 0, 4, 0, 1]), "{run:?}");
    let flips = answer["flips"].as_array().unwrap();
    assert_eq!(flips.len(), 1, "{answer}");
    let flip = &flips[0];
    let image = format!("{}/web/kiosk:1", scene.registry.host());
    assert_eq!((&flip["image"], &flip["from"], &flip["to"]), (&json!(image), &json!("pass"), &json!("fail")));
    assert_eq!(flip["cause"], json!({"kind": "advisory", "id": "CVE-2026-99999"}));
    assert_eq!(flip["digest"], scene.list()["web/kiosk:1"]["digest"]);
    assert!(flip["at"].as_str().unwrap().starts_with("20"));

    let (_, found) = scene.run(&["search", "GHSA-aaaa-bbbb-cccc"], &[]);
    assert_eq!((&found["count"], &found["images"][0]["first_seen"]), (&json!(1), &json!(DAY)), "{found}");
    let before = scene.files();
    let (run, again) = scene.rescan(&[]);
    assert_eq!((run.code, &again["flips"]), (0, &json!([])), "{run:?}");
    assert!(scene.files() == before, "the second rescan writes nothing");
    assert_eq!(scene.run(&["flips"], &[]).1["flips"].as_array().unwrap().len(), 1);

    // A policy that lets it pass is a cause as well.
    let policy = scene.program.home.path().join("policy.toml");
    fs::write(&policy, "[[exception]]\nadvisory = \"CVE-2026-99999\"\nreason = \"tried\"\nexpires = \"2026-12-01\"\n")
        .unwrap();
    let policy = policy.display().to_string();
    let (_, answer) = scene.rescan(&["--policy", &policy]);
    assert_eq!(answer["flips"][0]["cause"]["kind"], "exception", "{answer}");
    // It runs out, and the image fails again.
    let state = scene.state.display().to_string();
    let late = [
        "estate",
        "rescan",
        "--state-dir",
        &state,
        "-o",
        "json",
        "--offline",
        "--as-of",
        "2026-12-02",
        "--db",
        &scene.db,
    ];
    let run = scene.program.run([&late[..], &["--policy", &policy]].concat());
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(answer["flips"][0]["to"], "fail", "{answer}");
    assert_eq!(answer["flips"][0]["cause"]["kind"], "exception", "{answer}");
}

#[test]
fn what_cannot_be_read_is_an_error_and_is_tried_again_alone() {
    let Some(scene) = Scene::new() else { return };
    // The same image in other bytes.
    let mut broken = recipe("kiosk");
    broken.manifest =
        String::from_utf8(broken.manifest).unwrap().replace("\"schemaVersion\":2", "\"schemaVersion\": 2").into_bytes();
    scene.registry.push("web/broken", "1", &broken, None);
    scene.replace_manifest(&broken, b"{\"schemaVersion\": 2, \"mediaType\"");
    let (run, first) = scene.sync();
    assert_eq!((run.code, ledger(&first)), (3, [6, 1, 3, 1, 1]), "{run:?}");
    assert_eq!(first["closed"], true, "an error closes too");
    let name = format!("{}/web/broken:1", scene.registry.host());
    assert!(first["errors"][&name].as_str().is_some_and(|why| !why.is_empty()), "{first}");
    let (run, shown) = scene.run(&["ledger"], &[]);
    assert_eq!((run.code, ledger(&shown)), (3, ledger(&first)));
    assert_eq!(scene.list()["web/broken:1"]["state"], "unreadable");

    scene.replace_manifest(&broken, &broken.manifest);
    let id = first["run"].as_str().unwrap();
    let (run, retried) = scene.run(&["retry", id], &scene.judged(&[]));
    assert_eq!((run.code, ledger(&retried), &retried["kind"]), (0, [1, 1, 0, 0, 0], &json!("retry")), "{run:?}");
    assert_eq!(scene.list()["web/broken:1"]["verdict"], "pass");

    // What is tried again is asked for the platforms that it was asked for.
    let host = scene.registry.host();
    scene.replace_manifest(&broken, b"{\"schemaVersion\": 2, \"mediaType\"");
    let all = scene.judged(&["--platform", "all"]);
    let (run, first) = scene.run(&["sync", &host], &all);
    assert_eq!((run.code, ledger(&first)[3]), (3, 1), "{run:?}");
    scene.replace_manifest(&broken, &broken.manifest);
    assert_eq!(scene.run(&["retry", first["run"].as_str().unwrap()], &scene.judged(&[])).0.code, 0);
    let pulled = |log: &str| log.matches("GET /v2/web/broken/manifests").count();
    let log = scene.registry.log();
    assert_eq!(scene.run(&["sync", &host], &all).0.code, 0);
    assert_eq!(pulled(&scene.registry.log()), pulled(&log), "it was read for all platforms already");

    // Usage.
    for (words, code, says) in [
        (&["retry", "20260101T000000Z-sync-00000000"][..], 2, "knows no run"),
        (&["ledger", "20260101T000000Z-sync-00000000"], 2, "there is no run"),
        (&["sync", "debian"], 2, "docker.io/library/debian"),
    ] {
        let (run, _) = scene.run(words, &[]);
        assert_eq!(run.code, code, "{words:?}: {run:?}");
        assert!(run.stderr.contains(says), "{words:?}: {}", run.stderr);
    }
    let nowhere = format!("{}/no/such", scene.registry.host());
    let (run, answer) = scene.run(&["sync", &nowhere], &scene.judged(&[]));
    assert_eq!((run.code, ledger(&answer)), (3, [1, 0, 0, 1, 0]), "{run:?}");
    scene.registry.push("no/such", "1", &recipe("kiosk"), None);
    let (run, retried) = scene.run(&["retry", answer["run"].as_str().unwrap()], &scene.judged(&[]));
    assert_eq!((run.code, ledger(&retried)), (0, [1, 1, 0, 0, 0]), "{run:?}");
    let empty = Scene { registry: Server::registry(None).unwrap(), ..scene };
    let (run, _) = empty.sync();
    assert!(run.code == 3 && run.stderr.contains("looked at nothing"), "{run:?}");
}

#[test]
fn what_was_kept_and_is_lost_has_no_verdict_until_it_is_read_again() {
    let Some(scene) = Scene::new() else { return };
    let (run, first) = scene.sync();
    assert_eq!((run.code, ledger(&first)), (0, [5, 1, 3, 0, 1]), "{run:?}");
    fs::remove_dir_all(scene.state.join("blobs")).unwrap();
    for _ in 0..2 {
        let (run, answer) = scene.rescan(&[]);
        assert_eq!((run.code, ledger(&answer)), (3, [5, 0, 0, 4, 1]), "{run:?}");
    }
    let row = scene.list()["web/kiosk:1"].clone();
    assert_eq!(row["state"], "unreadable", "{row}");
    let (run, again) = scene.sync();
    assert_eq!((run.code, ledger(&again), &again["flips"]), (0, ledger(&first), &json!([])), "{run:?}");
}

#[test]
fn killed_at_any_moment_it_comes_to_the_same_end() {
    let Some(scene) = Scene::new() else { return };
    let host = scene.registry.host();
    let state = scene.state.display().to_string();
    let mut words = vec!["estate", "sync", &host, "--state-dir", &state];
    words.extend(scene.judged(&[]));
    for milliseconds in [30, 80, 150, 250, 400, 600] {
        let mut child = scene.program.command(&words).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (run, ended) = scene.sync();
    assert_eq!((run.code, ledger(&ended)), (0, [5, 1, 3, 0, 1]), "{run:?}");
    assert_eq!(ended["flips"], json!([]), "a verdict that was found is not a change");
    let other = scene.program.home.path().join("other").display().to_string();
    let undisturbed =
        [&["estate", "sync", &host, "--state-dir", &other, "-o", "json"], &scene.judged(&[])[..]].concat();
    let undisturbed: Value = serde_json::from_str(&scene.program.run(undisturbed).stdout).unwrap();
    assert_eq!(ledger(&ended), ledger(&undisturbed));
}

#[test]
fn of_two_at_once_the_second_says_so() {
    let (asked, first_asks) = mpsc::channel();
    let registry = Fake::start(move |_, _| {
        let _ = asked.send(());
        std::thread::sleep(Duration::from_secs(120));
        (503, Vec::new(), Vec::new())
    });
    let program = Program::default();
    let (host, state) = (format!("127.0.0.1:{}", registry.port), program.home.path().join("estate"));
    let (state, db) = (state.display().to_string(), fixture("advisories"));
    let words = ["estate", "sync", &host, "--offline", "--as-of", DAY, "--state-dir", &state, "--db", &db];
    let mut first = program.command(words).spawn().unwrap();
    let began = first_asks.recv_timeout(Duration::from_secs(120));
    let second = program.run(words);
    first.kill().unwrap();
    first.wait().unwrap();
    began.expect("the first run asks the registry");
    assert!(second.code == 3 && second.stderr.contains("another process is at work"), "{second:?}");
}

/// HMAC-SHA256 (RFC 2104) of a key of fewer than 64 bytes.
fn hmac(key: &[u8], text: &[u8]) -> String {
    let mut block = [0u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|b| b ^ 0x36)).chain_update(text).finalize();
    hex::encode(Sha256::new().chain_update(block.map(|b| b ^ 0x5c)).chain_update(inner).finalize())
}

#[test]
fn one_signed_notice_for_each_cause_and_team() {
    static ANSWER: AtomicU16 = AtomicU16::new(503);
    let Some(scene) = Scene::new() else { return };
    for n in 0..3 {
        scene.registry.push("payments/kiosk", &n.to_string(), &recipe("kiosk"), None);
    }
    let (host, home) = (scene.registry.host(), scene.program.home.path().to_owned());
    let receiver = Fake::start(|_, _| (ANSWER.load(Ordering::SeqCst), Vec::new(), Vec::new()));
    let secret = "0123456789abcdef0123456789abcdef";
    fs::write(home.join("secret"), format!("{secret}\n")).unwrap();
    let team = |name: &str| {
        let url = format!("http://127.0.0.1:{}/{name}", receiver.port);
        format!(
            "[[team]]\nname = \"{name}\"\nimages = [\"{host}/{name}/*\"]\nwebhook = \"{url}\"\nsecret-file = \"secret\"\n"
        )
    };
    let teams = home.join("teams.toml");
    fs::write(&teams, team("web") + &team("payments")).unwrap();
    let teams = teams.display().to_string();
    let notified = ["--teams", &teams];
    let (run, _) = scene.run(&["sync", &host], &scene.judged(&notified));
    assert_eq!((run.code, receiver.seen().len()), (0, 0), "a first verdict is no news: {run:?}");

    let scene = Scene { db: scene.with_one_more(), ..scene };
    let (run, answer) = scene.rescan(&notified);
    assert_eq!((run.code, answer["flips"].as_array().unwrap().len()), (0, 4), "{run:?}");
    assert_eq!(receiver.seen().len(), 2);
    assert!(run.stderr.contains("503") && !run.stderr.contains(secret), "{}", run.stderr);
    let before = scene.files();
    assert_eq!(scene.rescan(&[]).0.code, 0);
    assert!(scene.files() == before, "what waits for a team that is not named is no reason to write");
    ANSWER.store(204, Ordering::SeqCst);
    let (run, _) = scene.rescan(&notified);
    assert_eq!(run.code, 0, "{run:?}");
    let seen = receiver.seen();
    assert_eq!(seen.len(), 2, "what had no answer is sent again");
    for asked in &seen {
        assert_eq!(
            asked.headers["x-layergate-signature-256"],
            format!("sha256={}", hmac(secret.as_bytes(), asked.body.as_bytes()))
        );
        assert_eq!(asked.headers["content-type"], "application/cloudevents+json");
        let event: Value = serde_json::from_str(&asked.body).unwrap();
        let team = asked.target.trim_start_matches('/');
        let count = if team == "web" { 1 } else { 3 };
        assert_eq!((&event["specversion"], &event["subject"]), (&json!("1.0"), &json!(team)));
        assert_eq!((&event["data"]["count"], &event["data"]["cause"]["id"]), (&json!(count), &json!("CVE-2026-99999")));
        assert_eq!(event["data"]["images"].as_array().unwrap().len(), count);
    }
    let before = scene.files();
    assert_eq!(scene.rescan(&notified).0.code, 0);
    assert!(receiver.seen().is_empty() && scene.files() == before, "nothing twice");

    for (text, says) in [
        ("[[team]]\nname = \"a\"\nwebhook = \"http://r.example/\"\nsecret-file = \"secret\"\n", "not on https"),
        ("[[team]]\nname = \"a\"\nwebhook = \"https://r.example/\"\nsecret-file = \"none\"\n", "cannot be read"),
        ("[[team]]\nname = \"a\"\nimage = 1\n", "unknown field"),
        ("[[team]]\nname = \"a\"\nwebhook = https://r.example/hidden\n", "line 3"),
    ] {
        fs::write(&teams, text).unwrap();
        let (run, _) = scene.rescan(&notified);
        assert!(run.code == 2 && run.stderr.contains(says), "{text}: {run:?}");
        assert!(!run.stderr.contains("hidden"), "a webhook's path may be a secret: {run:?}");
    }
}
