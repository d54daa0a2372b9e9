//! The fleet end to end: real nats-server, real registry, processes of our own binary, and whoever dies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::{Duration, Instant},
};

use layergate_tests::{
    chance::Chance,
    fleet::{Fleet, Process},
    images::Estate,
    layout::Image,
    program::fixture,
    proxy::Proxy,
    recipe::{LayerRecipe, Recipe},
    servers::http,
};
use serde_json::{Value, json};

fn sample(name: &str) -> Image {
    Image::build(&Recipe::read(fixture(&format!("recipes/{name}.toml")).as_ref()).unwrap()).unwrap()
}

fn layers(image: &Image) -> BTreeSet<String> {
    let manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
    manifest["layers"].as_array().unwrap().iter().map(|l| l["digest"].as_str().unwrap().to_owned()).collect()
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |n| n.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn every_layer_is_fetched_once_and_every_report_is_the_single_machines() {
    let Some(mut fleet) = Fleet::new(2) else { return };
    let images = Estate::new(20, 20_000).images(60, &mut Chance::new(3));
    let references: Vec<String> =
        images.iter().enumerate().map(|(n, image)| fleet.push("team/app", &format!("v{n}"), image)).collect();
    let coordinators = [fleet.coordinator(0, &[]), fleet.coordinator(1, &[])];
    let _workers: Vec<Process> = (0..3).map(|n| fleet.worker(n, &[])).collect();
    fleet.ready(&coordinators.each_ref());

    // Half the images are asked for first at the one coordinator, half at the other.
    let (a, b) = (format!("http://127.0.0.1:{}", fleet.ports[0]), format!("http://127.0.0.1:{}", fleet.ports[1]));
    let out = fleet.program.home.path().to_owned();
    let mut halves: Vec<_> = [(a, &references[..30]), (b, &references[30..])]
        .into_iter()
        .enumerate()
        .map(|(n, (server, half))| {
            let output = format!("json={}", out.join(format!("half{n}.json")).display());
            let mut command = fleet.program.command(["scan", "--server", &server, "--quiet", "-o", &output]);
            command.args(half).spawn().unwrap()
        })
        .collect();
    for half in &mut halves {
        assert_eq!(half.wait().unwrap().code(), Some(1), "some have the lodash, none is an error");
    }
    assert_eq!(fleet.messages("KV_layergate-verdicts"), Some(60), "every image has one verdict");
    // Asked again, everything is known: nothing is fetched.
    let (again, report) = fleet.scan(&references[0], &[]);
    assert!(again.code <= 1, "{}", again.stderr);
    assert_eq!(report["image"]["reference"].as_str(), Some(references[0].as_str()));
    let wanted: BTreeSet<String> = images.iter().flat_map(layers).collect();
    assert_eq!(wanted.len(), 20);
    let fetched = fleet.fetched("team/app");
    for digest in &wanted {
        assert_eq!(fetched.get(digest), Some(&1), "{digest} was not fetched exactly once");
    }
    for (n, half) in [&references[..30], &references[30..]].into_iter().enumerate() {
        let reported = fs::read(out.join(format!("half{n}.json"))).unwrap();
        let reports: Value = serde_json::from_slice(&reported).unwrap();
        let as_of = reports["reports"][0]["inputs"]["as_of"].as_str().unwrap();
        assert_eq!(reports["reports"].as_array().unwrap().len(), 30);
        assert!(reported == fleet.alone(half, as_of), "a report of the fleet is not the single machine's");
    }
}

#[test]
fn a_coordinator_judges_by_the_policy_of_its_configuration_file() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let image = fleet.push("team/shop", "1", &sample("shop"));
    let home = fleet.program.home.path().to_owned();
    fs::write(home.join("lenient.toml"), "[findings]\nfail-on = \"never\"\nkev = \"warn\"\n").unwrap();
    let file = home.join("coordinator.toml");
    let _worker = fleet.worker(0, &[]);
    for (text, code) in [("max-nesting = 7\n", 1), ("policy = \"lenient.toml\"\n", 0)] {
        fs::write(&file, text).unwrap();
        let coordinator = fleet.coordinator(0, &["--config", file.to_str().unwrap()]);
        fleet.ready(&[&coordinator]);
        let limits: &[&str] = if text.starts_with("max") { &["--max-nesting", "7"] } else { &[] };
        let _worker = fleet.worker(1, limits);
        let (run, report) = fleet.scan(&image, &[]);
        assert_eq!(run.code, code, "{text}: {} {report}", run.stderr);
    }
}

/// `just chaos` raises the numbers; the choices follow from the seed.
#[test]
fn whoever_dies_every_image_gets_its_one_right_verdict() {
    let (kills, images, layers, restarts) = (
        number("LAYERGATE_CHAOS_KILLS", 15),
        number("LAYERGATE_CHAOS_IMAGES", 60),
        number("LAYERGATE_CHAOS_LAYERS", 20),
        number("LAYERGATE_CHAOS_RESTARTS", 1),
    );
    let Some(mut fleet) = Fleet::new(2) else { return };
    let mut chance = Chance::printed("chaos");
    let built = Estate::new(layers, 60_000).images(images, &mut chance);
    // The registry is far away, so that layers take long enough to be killed in the midst of.
    let far = Proxy::to(fleet.registry.port);
    far.slow_down(60_000);
    for (n, image) in built.iter().enumerate() {
        fleet.push("team/app", &format!("v{n}"), image);
    }
    let references: Vec<String> = (0..images).map(|n| format!("127.0.0.1:{}/team/app:v{n}", far.port)).collect();

    let proxy = Proxy::to(fleet.nats.port);
    let detour = format!("nats://127.0.0.1:{}", proxy.port);
    let mut coordinators = [fleet.coordinator(0, &[]), fleet.coordinator(1, &[])];
    fleet.ready(&coordinators.iter().collect::<Vec<_>>());
    let start = |fleet: &mut Fleet, n: usize| match n {
        // One worker's network can be cut.
        0 => fleet.worker_at(0, &detour, &["--tasks", "2"]),
        n => fleet.worker(n, &["--tasks", "2"]),
    };
    let mut workers: Vec<Process> = (0..4).map(|n| start(&mut fleet, n)).collect();

    // Submissions go on while processes die: a wave before each kill.
    let mut jobs: Vec<Option<String>> = vec![None; images];
    let submit = |fleet: &Fleet, jobs: &mut Vec<Option<String>>, n: usize| {
        jobs[n] = Some(fleet.submit(&references[n], &format!("image-{n}"), 900));
    };
    let restart_at: BTreeSet<usize> = (1..=restarts).map(|r| r * kills / (restarts + 1)).collect();
    let (cut_at, heal_at) = (kills / 5, kills / 5 + 3);
    let began = Instant::now();
    for kill in 0..kills {
        for n in (kill * images / kills)..((kill + 1) * images / kills) {
            submit(&fleet, &mut jobs, n);
        }
        std::thread::sleep(Duration::from_millis(50 + chance.below(450) as u64));
        if kill == cut_at {
            proxy.cut();
        }
        if kill == heal_at {
            proxy.heal();
        }
        if restart_at.contains(&kill) {
            fleet.nats.restart();
        }
        // Twice as many workers as coordinators are there, and die.
        match chance.below(3) {
            0 => {
                let n = chance.below(2);
                coordinators[n].kill();
                coordinators[n] = fleet.coordinator(n, &[]);
            }
            _ => {
                let n = chance.below(4);
                workers[n].kill();
                workers[n] = start(&mut fleet, n);
            }
        }
    }
    proxy.heal();
    println!("chaos: {kills} kills in {:.1} s", began.elapsed().as_secs_f64());

    let mut verdicts = Vec::with_capacity(images);
    let patience = Instant::now() + Duration::from_secs(40 + images as u64);
    for (n, job) in jobs.iter().enumerate() {
        let job = job.as_deref().unwrap();
        let verdict = loop {
            if let Some(verdict) = fleet.verdict(job, 10) {
                break verdict;
            }
            assert!(
                Instant::now() < patience,
                "image {n} has no verdict: {}",
                fleet.insist("GET", "/api/v1/fleet", &Value::Null)
            );
            // A queue that was killed may have lost its last second; the same key is the same job.
            assert_eq!(fleet.submit(&references[n], &format!("image-{n}"), 900), job);
        };
        verdicts.push(verdict);
    }
    println!("chaos: all verdicts after {:.1} s", began.elapsed().as_secs_f64());

    let fetched = fleet.fetched("team/app");
    let distinct: BTreeSet<String> = built.iter().flat_map(self::layers).collect();
    let times: usize = distinct.iter().filter_map(|digest| fetched.get(digest)).sum();
    println!("chaos: {} layers, fetched {times} times", distinct.len());

    // None missing, none doubled, all right, and none changes afterwards.
    assert_eq!(jobs.iter().flatten().collect::<BTreeSet<_>>().len(), images, "every image has a job of its own");
    assert_eq!(fleet.messages("KV_layergate-verdicts"), Some(images as u64), "one verdict for each job");
    let as_of =
        verdicts[0]["images"][0]["inputs"]["as_of"].as_str().unwrap_or_else(|| panic!("{}", verdicts[0])).to_owned();
    let alone: Value = serde_json::from_slice(&fleet.alone(&references, &as_of)).unwrap();
    let right: BTreeMap<&str, (&Value, &Value)> = alone["reports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["image"]["reference"].as_str().unwrap(), (&r["verdict"], &r["summary"])))
        .collect();
    assert_eq!(right.len(), images);
    for (n, verdict) in verdicts.iter().enumerate() {
        let said = (&verdict["verdict"], &verdict["images"][0]["summary"]);
        assert_eq!(said, right[references[n].as_str()], "image {n}: {verdict}");
        assert_eq!(fleet.verdict(jobs[n].as_deref().unwrap(), 0).as_ref(), Some(verdict), "image {n} was judged again");
    }
}

#[test]
fn a_client_makes_the_policy_stricter_and_never_laxer() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let write = |name: &str, text: &str| {
        let path = fleet.program.home.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let server = write("server.toml", "version = 1\n[findings]\nfail-on = \"critical\"\n");
    let lax =
        write("lax.toml", "version = 1\n[findings]\nfail-on = \"never\"\nkev = \"ignore\"\nmalicious = \"ignore\"\n");
    let strict =
        write("strict.toml", "version = 1\n[gaps]\nstale_advisories = \"error\"\n[advisories]\nmax-age-days = 7\n");
    let token = write("token", "0123456789abcdef-e2e");
    let shop = fleet.push("samples/shop", "1", &sample("shop"));
    let lodash = Estate::new(2, 100).images(1, &mut Chance::new(1)).remove(0);
    let lodash = fleet.push("samples/lodash", "1", &lodash);
    let coordinator = fleet.coordinator(0, &["--policy", &server, "--api-token-file", &token]);
    let _worker = fleet.worker(0, &[]);
    fleet.ready(&[&coordinator]);

    for (image, flags, code) in [
        // The shop holds what is known to be exploited: nothing that a client says lets it pass.
        (&shop, vec![], 1),
        (&shop, vec!["--only-fixed", "--fail-on", "critical"], 1),
        (&shop, vec!["--policy", &lax], 1),
        // A high vulnerability with a fix is let through by this server, and not by this client.
        (&lodash, vec![], 0),
        (&lodash, vec!["--fail-on", "high"], 1),
        (&lodash, vec!["--policy", &lax], 0),
        (&lodash, vec!["--policy", &strict], 3),
        // The server's day, advisories and VEX hold; files of this machine are not the fleet's.
        (&lodash, vec!["--as-of", "2020-01-01"], 2),
        (&lodash, vec!["--vex", &lax], 2),
        (&lodash, vec!["--db", &lax], 2),
        (&format!("oci:{}", fixture("images/kiosk")), vec![], 2),
        (&"dir:/".to_owned(), vec![], 2),
        (&"./image.tar".to_owned(), vec![], 2),
    ] {
        let mut flags = flags;
        flags.extend(["--api-token-file", &token]);
        let (run, _) = fleet.scan(image, &flags);
        assert_eq!(run.code, code, "{image} {flags:?}: {}", run.stderr);
    }

    // Without the token nothing is said and nothing is taken, by hand or by the client; probes stay open.
    let port = fleet.ports[0];
    let post = |bearer: Option<&str>, body: &Value| {
        let shown = bearer.map(|b| format!("Bearer {b}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(shown.as_deref().map(|b| ("authorization", b)));
        http(port, "POST", "/api/v1/jobs", &headers, body.to_string().as_bytes()).unwrap().0
    };
    let body = json!({"image": lodash});
    assert_eq!((post(None, &body), post(Some("0123456789abcdef-e2f"), &body)), (401, 401));
    assert_eq!(post(Some("0123456789abcdef-e2e"), &body), 202);
    for (method, target) in [("GET", "/api/v1/jobs/a"), ("GET", "/api/v1/fleet"), ("POST", "/api/v1/fleet/drain")] {
        assert_eq!(http(port, method, target, &[], b"").unwrap().0, 401, "{target}");
    }
    assert_eq!(http(port, "GET", "/healthz", &[], b"").unwrap().0, 200);
    assert_eq!(fleet.scan(&lodash, &[]).0.code, 3);

    // What a client has no say in is refused, not overlooked.
    for forged in ["as_of", "snapshot", "vex", "exceptions", "deadline", "verdict", "submitted_at"] {
        let body = json!({"image": lodash, forged: "2000-01-01"});
        let status = post(Some("0123456789abcdef-e2e"), &body);
        assert!((400..500).contains(&status), "{forged}: {status}");
    }
    let body = json!({"image": lodash, "policy": {"exceptions": []}});
    assert!((400..500).contains(&post(Some("0123456789abcdef-e2e"), &body)));
}

#[test]
fn what_is_missing_is_reported_at_the_deadline_and_what_cannot_be_had_is_a_gap() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let images = Estate::new(12, 1_000).images(3, &mut Chance::new(9));
    let references: Vec<String> =
        images.iter().enumerate().map(|(n, image)| fleet.push(&format!("app{n}"), "1", image)).collect();
    let coordinator = fleet.coordinator(0, &[]);
    fleet.ready(&[&coordinator]);

    // Nobody reads layers: the job ends all the same, and says what it waited for.
    let (run, report) = fleet.scan(&references[0], &["--timeout", "2s"]);
    assert_eq!(run.code, 3, "{} {}", run.stdout, run.stderr);
    let gaps = report["gaps"].as_array().map_or(0, |gaps| gaps.iter().filter(|g| g["effect"] == "error").count());
    assert!(gaps > 0, "{report} {}", run.stderr);

    // A blob that the registry has lost is a gap in the image that has it, and in no other.
    let _worker = fleet.worker(0, &[]);
    let others: BTreeSet<String> = layers(&images[0]).union(&layers(&images[2])).cloned().collect();
    let lost = layers(&images[1]).difference(&others).next().expect("a layer that only image 1 has").clone();
    let (status, ..) = fleet.registry.http("DELETE", &format!("/v2/app1/blobs/{lost}"), &[], b"", None);
    assert_eq!(status, 202);
    let (run, report) = fleet.scan(&references[1], &["--timeout", "2m"]);
    assert_eq!((run.code, &report["verdict"]), (3, &Value::from("error")), "{}", run.stderr);
    let gaps: Vec<&str> = report["gaps"].as_array().unwrap().iter().filter_map(|g| g["kind"].as_str()).collect();
    assert!(gaps.contains(&"layer_unavailable"), "{gaps:?}");
    for reference in [&references[0], &references[2]] {
        let (run, report) = fleet.scan(reference, &[]);
        assert!(run.code <= 1 && report["packages"].as_array().is_some_and(|p| p.len() > 8), "{reference}: {run:?}");
    }
    // An image that is not there, and a coordinator that is not there.
    assert_eq!(fleet.scan(&format!("{}/nothing:1", fleet.registry.host()), &[]).0.code, 3);
}

#[test]
fn a_worker_that_is_asked_to_stop_finishes_what_it_holds() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    // A registry far away: the layer takes some two seconds.
    let wire = Proxy::to(fleet.registry.port);
    let layer = LayerRecipe {
        created_by: "slow".into(),
        files: [("etc/os-release".to_owned(), "ID=debian\nVERSION_ID=\"12\"\n".to_owned())].into(),
        blobs: [("ballast".to_owned(), Chance::new(5).bytes(600_000))].into(),
        ..LayerRecipe::default()
    };
    let recipe = Recipe { platform: "linux/amd64".into(), config: Default::default(), layer: vec![layer] };
    let image = Image::build(&recipe).unwrap();
    fleet.push("slow", "1", &image);
    let coordinator = fleet.coordinator(0, &[]);
    let mut worker = fleet.worker(0, &[]);
    fleet.ready(&[&coordinator]);
    wire.slow_down(300_000);
    let job = fleet.submit(&format!("127.0.0.1:{}/slow:1", wire.port), "slow", 120);
    let end = Instant::now() + Duration::from_secs(60);
    while wire.passed() < 100_000 {
        assert!(Instant::now() < end, "the layer is not read: {} {}", worker.log(), coordinator.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    worker.terminate();
    let status = worker.ended(Duration::from_secs(20)).expect("it ends within its grace period");
    assert!(status.success(), "{status}: {}", worker.log());
    let verdict = fleet.verdict(&job, 10).unwrap_or_else(|| panic!("the layer was dropped: {}", worker.log()));
    assert!(verdict["images"][0]["digest"].is_string(), "{verdict}");
    let fetched = fleet.fetched("slow");
    assert!(layers(&image).iter().all(|digest| fetched.get(digest) == Some(&1)), "{fetched:?}");
}

#[test]
fn submit_wait_status_and_drain_are_halves_of_a_scan() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let kiosk = fleet.push("samples/kiosk", "1", &sample("kiosk"));
    let ledger = fleet.push("samples/ledger", "1", &sample("ledger"));
    let coordinator = fleet.coordinator(0, &[]);
    let mut worker = fleet.worker(0, &[]);
    fleet.ready(&[&coordinator]);
    let servers = fleet.servers();
    let submitted = fleet.program.run(["submit", "--server", &servers, "--bulk", &kiosk, &ledger]);
    assert_eq!(submitted.code, 0, "{}", submitted.stderr);
    let jobs: Vec<&str> = submitted.stdout.lines().collect();
    for (job, code) in jobs.iter().zip([0, 1]) {
        let waited = fleet.program.run(["wait", "--server", &servers, "--timeout", "60s", "-o", "json", job]);
        assert_eq!(waited.code, code, "{}", waited.stderr);
        assert!(waited.stdout.contains("\"layergate.report/v1\""));
    }
    let status = fleet.program.run(["fleet", "status", "--server", &servers, "--json"]);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    let kinds: Vec<_> = status["members"].as_array().unwrap().iter().map(|m| m["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["coordinator", "worker"]);
    assert_eq!(fleet.program.run(["fleet", "drain", "--server", &servers]).code, 0);
    assert!(worker.ended(Duration::from_secs(20)).is_some_and(|s| s.success()), "{}", worker.log());
    assert!(http(fleet.ports[0], "GET", "/readyz", &[], b"").is_ok_and(|(s, ..)| s == 200), "the coordinator stays");
}

#[test]
fn a_second_look_happens_once_and_tells_what_the_single_machine_tells() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let text = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    let lodash = r#"{"name":"lodash","version":"4.17.20"}"#;
    let store = LayerRecipe { files: text(&[("opt/blob", lodash)]), ..LayerRecipe::default() };
    let link = LayerRecipe {
        links: text(&[("srv/node_modules/lodash/package.json", "/opt/blob")]),
        files: text(&[("store/minimist", r#"{"name":"minimist","version":"1.2.5"}"#)]),
        hard_links: text(&[("srv/node_modules/minimist/package.json", "store/minimist")]),
        ..LayerRecipe::default()
    };
    let other = LayerRecipe { files: text(&[("note", "another image")]), ..LayerRecipe::default() };
    let image = |layer| Image::build(&Recipe { platform: "linux/amd64".into(), config: Default::default(), layer });
    let one = image(vec![store.clone(), link.clone()]).unwrap();
    let two = image(vec![store, link, other]).unwrap();
    let references = [fleet.push("team/app", "one", &one), fleet.push("team/app", "two", &two)];
    let coordinator = fleet.coordinator(0, &[]);
    let _worker = fleet.worker(0, &[]);
    fleet.ready(&[&coordinator]);
    for reference in &references {
        let (run, report) = fleet.scan(reference, &[]);
        let packages = report["packages"].as_array().unwrap().iter();
        let mut found: Vec<_> = packages.map(|p| (p["name"].as_str().unwrap(), p["layer"].as_u64().unwrap())).collect();
        found.sort();
        assert_eq!(found, [("lodash", 0), ("minimist", 1)], "{}", run.stderr);
    }
    // The layer with the file twice, for both images; the one whose own hard links ask for it twice as well.
    let fetched = fleet.fetched("team/app");
    let counts: Vec<_> = layers(&two).iter().map(|digest| fetched.get(digest).copied().unwrap_or_default()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 5, "{fetched:?}");
}
