//! Advisories as a user gets them: by the first scan, by `db update` from upstreams and from a registry, by `db mirror`
//! for a closed network, signed and not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use layergate_tests::{
    files::FileServer,
    program::{Program, Run, binary, fixture, root},
    servers::{Server, free_port},
};

/// The fixtures' advisories as an upstream, and the site's file that names it.
struct Upstream {
    server: FileServer,
    sources: PathBuf,
    program: Program,
}

const FILES: [&str; 4] =
    ["alpine/v3.20/main.yaml", "debian/data/DSA/list", "osv/GHSA-35jh-r3h4-6jhm.json", "osv/GHSA-j8r2-6x86-q33q.json"];

/// The site's file: one source at `base`, and what stands before it.
fn site(before: &str, base: &str) -> String {
    format!(
        "{before}only = [\"own\"]\n[source.own]\nbase = \"{base}\"\nfiles = {FILES:?}\nperhaps = [\"osv/none.json\"]\n"
    )
}

impl Upstream {
    fn new() -> Self {
        let server = FileServer::start(Path::new(&fixture("advisories")));
        let program = Program::default();
        let sources = program.home.path().join("sources.toml");
        fs::write(&sources, site("", &server.url)).unwrap();
        Self { server, sources, program }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.program.command(arguments);
        self.program.finish(command.env("LAYERGATE_SOURCES", &self.sources))
    }

    fn scan(&self, more: &[&str]) -> Run {
        let image = format!("oci:{}", fixture("images/kiosk"));
        self.run(&[&["scan", "--as-of", "2026-11-21"], more, &[&image]].concat())
    }

    fn snapshots(&self) -> PathBuf {
        self.program.home.path().join(".local/share/layergate/snapshots")
    }

    /// The current snapshot's file.
    fn current(&self) -> PathBuf {
        self.snapshots().join(fs::read_to_string(self.snapshots().join("current")).unwrap().trim())
    }

    fn age(&self, days: u64) {
        let then = SystemTime::now() - Duration::from_secs(days * 86_400);
        fs::File::options().append(true).open(self.current()).unwrap().set_modified(then).unwrap();
    }
}

#[test]
fn the_first_scan_gets_its_advisories_and_says_how_large_they_are() {
    let up = Upstream::new();
    let offline = up.scan(&["--offline"]);
    assert_eq!((offline.code, up.server.seen()), (3, vec![]), "offline asks nobody");
    assert!(
        offline.stderr.contains("there are no advisories") && offline.stderr.contains("db update"),
        "{}",
        offline.stderr
    );

    let first = up.scan(&[]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    let said = first.stderr.lines().find(|l| l.contains("no advisories yet")).expect("it says so");
    let bytes: u64 = FILES.iter().map(|f| fs::metadata(fixture(&format!("advisories/{f}"))).unwrap().len()).sum();
    let size = format!("getting them once, {:.2} KiB in 4 files, and up to 1 more", bytes as f64 / 1024.0);
    assert!(said.contains(&size), "{said} does not say {size}");
    let seen = up.server.seen();
    let (asked, fetched) = seen.split_at(5);
    assert!(asked.iter().all(|s| s.starts_with("HEAD ")) && fetched.iter().all(|s| s.starts_with("GET ")), "{seen:?}");
    assert!(first.stdout.contains("partial_advisories"), "a sample is not taken for the whole:\n{}", first.stdout);

    // The next one has them, offline or not, until they are older than a day, or than the configuration says.
    let config = up.program.home.path().join("layergate.toml");
    for (days, refresh, asks) in [
        (0, "", false),
        (3, "", true),
        (3, "refresh-after-days = 30\n", false),
        (31, "refresh-after-days = 30\n", true),
    ] {
        up.age(days);
        fs::write(&config, refresh).unwrap();
        assert_eq!(up.scan(&["--offline"]).code, 0);
        assert_eq!(up.server.seen(), Vec::<String>::new(), "offline asks nobody");
        let run = up.scan(&[]);
        assert_eq!((run.code, run.stderr.contains("no advisories yet")), (0, false), "{}", run.stderr);
        assert_eq!(!up.server.seen().is_empty(), asks, "{days} days, {refresh:?}");
    }
    // Where they cannot be refreshed the old ones are used, and that is said; a list of sources that is wrong is an
    // error.
    up.age(40);
    let whole = fs::read_to_string(&up.sources).unwrap();
    fs::write(&up.sources, whole.replace("base", "bsae")).unwrap();
    assert_eq!(up.scan(&[]).code, 2);
    fs::write(&up.sources, site("", "http://127.0.0.1:1")).unwrap();
    let run = up.scan(&[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("could not be refreshed, the old ones are used"), "{}", run.stderr);
}

#[test]
fn updates_mirrors_and_what_status_says() {
    let up = Upstream::new();
    let run = up.run(&["db", "update"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("is the current snapshot"), "{}", run.stderr);
    // In a log, where no bar can be drawn, each file that came has a line.
    assert!(run.stderr.contains("getting advisories: 5 files"), "{}", run.stderr);
    assert!(run.stderr.contains("own/debian/data/DSA/list: "), "{}", run.stderr);
    assert_eq!(up.run(&["--quiet", "db", "update"]).stderr, "");
    assert!(up.run(&["db", "update"]).stderr.contains("nothing has changed"));
    let status = up.run(&["db", "status"]).stdout;
    let line = |word: &str| status.lines().find(|l| l.starts_with(word)).unwrap_or_default().to_owned();
    assert!(line("osv-ghsa").contains("partial: 2 of at least 10000"), "{status}");
    assert!(line("alpine:3.20").contains("partial: alpine-secdb is here with "), "{status}");

    let folder = up.program.home.path().join("mirror");
    let run = up.run(&["db", "mirror", "--to", folder.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    // Inside: the folder as it is, and the folder behind a web server.
    let output = up.program.home.path().join("inside.lgdb");
    let run = up.program.run(["db", "build", "--from", folder.to_str().unwrap(), "--output", output.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("partial: npm: osv-ghsa is here with 1 of at least"), "{}", run.stderr);
    let inside = FileServer::start(&folder);
    let mirror = format!("mirror = \"{}\"\n", inside.url);
    fs::write(&up.sources, site(&mirror, "http://127.0.0.1:1")).unwrap();
    let run = up.run(&["db", "update"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(fs::read(up.current()).unwrap(), fs::read(&output).unwrap(), "the same feeds give the same bytes");
}

#[test]
fn what_a_snapshot_knows_and_what_changed_between_two() {
    let program = Program::default();
    let build = |name: &str, from: &str| {
        let output = program.home.path().join(name).display().to_string();
        let run = program.run(["db", "build", "--from", from, "--output", &output]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        output
    };
    let (all, some) = (build("all.lgdb", &fixture("advisories")), build("some.lgdb", &fixture("advisories/osv")));
    for what in ["CVE-2021-23337", "GHSA-35jh-r3h4-6jhm", "pkg:npm/lodash"] {
        let reported = program.run(["db", "show", what, "--db", &all]).stdout;
        assert!(
            reported.lines().any(|l| l.contains("npm") && l.contains("lodash") && l.contains("osv-ghsa")),
            "{what}: {reported}"
        );
    }
    assert!(program.run(["db", "show", "CVE-2021-23337", "--db", &all]).stdout.contains("weakness CWE-77, CWE-94"));
    let status = program.run(["db", "status", "--db", &all]).stdout;
    let old = status.lines().find(|l| l.starts_with("osv-ghsa")).unwrap().split_whitespace().nth(3).unwrap();
    assert!(old.strip_suffix('d').is_some_and(|days| days.parse::<u32>().unwrap() > 900), "its age in days: {status}");
    assert!(program.run(["db", "show", "CVE-1999-0001", "--db", &all]).stdout.contains("nothing is known"));
    let reported = program.run(["db", "diff", &some, &all]).stdout;
    assert!(
        reported.lines().any(|l| l.starts_with("+ alpine:3.20 ")) && !reported.contains("npm lodash"),
        "{reported}"
    );
    let count = reported.lines().filter(|l| l.starts_with(['+', '-', '~'])).count();
    assert!(reported.contains(&format!("{count} packages' advisories differ")), "{reported}");
    assert_eq!(program.run(["db", "diff", &all, &all]).stdout, "0 packages' advisories differ\n");
    let there = program.run(["db", "status", "--db", "/nowhere"]);
    assert_eq!(there.code, 3);
}

/// Two keys as OpenSSL makes them: private and public of the first, public of the second.
fn keys(folder: &Path) -> Option<[String; 3]> {
    let path = |name: &str| folder.join(name).display().to_string();
    let run = |arguments: &[&str]| Command::new("openssl").args(arguments).output().is_ok_and(|o| o.status.success());
    for name in ["one", "two"] {
        let (key, public) = (path(&format!("{name}.pem")), path(&format!("{name}.pub")));
        let made = run(&["genpkey", "-algorithm", "ed25519", "-out", &key])
            && run(&["pkey", "-in", &key, "-pubout", "-out", &public]);
        if !made {
            println!("skipped: there is no openssl");
            return None;
        }
    }
    Some([path("one.pem"), path("one.pub"), path("two.pub")])
}

#[test]
fn a_signed_snapshot_through_a_registry() {
    let Some(registry) = Server::registry(None) else { return };
    let up = Upstream::new();
    let Some([private, public, other]) = keys(up.program.home.path()) else { return };
    let home = |name: &str| up.program.home.path().join(name).display().to_string();
    let (signed, unsigned) = (home("signed.lgdb"), home("unsigned.lgdb"));
    let build = |output: &str, more: &[&str]| {
        let from = fixture("advisories");
        up.program.run([&["db", "build", "--from", &from, "--output", output], more].concat())
    };
    assert_eq!(build(&signed, &["--sign-key", &private]).code, 0);
    assert_eq!(build(&unsigned, &[]).code, 0);
    assert_eq!(build(&unsigned, &["--sign-key", &public]).code, 2, "a public key signs nothing");
    let at = |tag: &str| format!("oci://{}/sec/advisories:{tag}", registry.host());
    for (file, tag) in [(&signed, "signed"), (&unsigned, "unsigned")] {
        let run = up.run(&["db", "push", &at(tag), "--db", file]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    // The first scan gets them from there, and says how large they are.
    let image = format!("oci:{}", fixture("images/kiosk"));
    let mut command = up.program.command(["scan", &image]);
    let run = up.program.finish(command.env("LAYERGATE_DB_FROM", at("signed")).env("LAYERGATE_VERIFY_KEY", &public));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("no advisories yet: getting them once, ") && run.stderr.contains("KiB"),
        "{}",
        run.stderr
    );
    let first = up.current();

    // What is not signed by the key is refused, and what was in force stays.
    let cases = [
        ("signed", &public, 0, "is the current snapshot"),
        ("signed", &other, 3, "the signature is not one of"),
        ("unsigned", &public, 3, "it has no signature"),
        ("signed", &private, 2, "cannot be used"),
    ];
    for (tag, key, code, says) in cases {
        let run = up.run(&["db", "update", "--from", &at(tag), "--verify-key", key]);
        assert_eq!(run.code, code, "{tag}: {}", run.stderr);
        assert!(run.stderr.contains(says), "{tag}: {}", run.stderr);
        assert_eq!(up.current(), first);
    }
    let run = up.run(&["db", "update", "--verify-key", &public]);
    assert_eq!((run.code, up.server.seen()), (2, vec![]), "what is compiled here has no signature: {}", run.stderr);

    // The configuration's key holds for files as well.
    fs::write(home("layergate.toml"), "verify-key = \"one.pub\"\n").unwrap();
    assert_eq!(up.scan(&["--offline"]).code, 0, "the current one came with its signature");
    assert_eq!(up.scan(&["--offline", "--db", &signed]).code, 0);
    let cases = [(unsigned.as_str(), 3, "there is no signature"), (&fixture("advisories"), 2, "has no signature")];
    for (db, code, says) in cases {
        let run = up.scan(&["--offline", "--db", db]);
        assert!(run.code == code && run.stderr.contains(says), "{db}: {} {}", run.code, run.stderr);
    }
    fs::copy(format!("{signed}.sig"), format!("{unsigned}.sig")).unwrap();
    let mut bytes = fs::read(&unsigned).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&unsigned, bytes).unwrap();
    let run = up.scan(&["--offline", "--db", &unsigned]);
    assert!(run.code == 3 && run.stderr.contains("the signature is not one of"), "{} {}", run.code, run.stderr);
    // Nor does a fleet get it.
    if let Some(nats) = Server::nats() {
        let (nats, listen) = (format!("nats://{}", nats.host()), format!("127.0.0.1:{}", free_port()));
        for (db, code) in [(&unsigned, 3), (&fixture("advisories"), 2)] {
            let run = up.run(&["coordinator", "--nats", &nats, "--listen", &listen, "--db", db]);
            assert!(run.code == code && run.stderr.contains("signature"), "{db}: {} {}", run.code, run.stderr);
        }
    }
    // Without a key nobody asks.
    fs::remove_file(home("layergate.toml")).unwrap();
    let run = up.run(&["db", "update", "--from", &at("unsigned")]);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

/// Advisories that are nearly yesterday's come as a delta; where it leads elsewhere the whole comes, and it is said.
#[test]
fn tomorrows_snapshot_comes_as_a_delta() {
    let Some(registry) = Server::registry(None) else { return };
    let (maker, taker) = (Program::default(), Program::default());
    let feeds = maker.home.path().join("feeds");
    fs::create_dir_all(&feeds).unwrap();
    for name in ["GHSA-35jh-r3h4-6jhm.json", "GHSA-j8r2-6x86-q33q.json"] {
        fs::copy(Path::new(&fixture("advisories")).join("osv").join(name), feeds.join(name)).unwrap();
    }
    let at = format!("oci://{}/sec/advisories:latest", registry.host());
    // A day has one record more than the last: the first of a thousand.
    let record = fs::read_to_string(feeds.join("GHSA-35jh-r3h4-6jhm.json")).unwrap();
    let push = |day: usize| {
        let many = (0..1000 + day).map(|n| {
            let line: serde_json::Value = serde_json::from_str(&record).unwrap();
            let named = line.to_string().replace("GHSA-35jh-r3h4-6jhm", &format!("GHSA-0000-0000-{n:04}"));
            named.replace("CVE-2021-23337", &format!("CVE-2021-{n:05}")) + "\n"
        });
        fs::write(feeds.join("many.jsonl"), many.collect::<String>()).unwrap();
        let (from, file) = (feeds.display().to_string(), maker.home.path().join(format!("day-{day}.lgdb")));
        let file = file.display().to_string();
        let built = maker.run(["db", "build", "--from", &from, "--output", &file]);
        assert_eq!(built.code, 0, "{}", built.stderr);
        let pushed = maker.run(["db", "push", &at, "--db", &file]);
        assert_eq!(pushed.code, 0, "{}", pushed.stderr);
        fs::read(file).unwrap()
    };
    let current = || {
        let folder = taker.home.path().join(".local/share/layergate/snapshots");
        folder.join(fs::read_to_string(folder.join("current")).unwrap().trim())
    };
    let update = |says: &str, bytes: &[u8]| {
        let run = taker.run(["db", "update", "--from", &at]);
        assert!(run.code == 0 && run.stderr.contains(says), "{says}: {}", run.stderr);
        assert!(fs::read(current()).unwrap() == bytes, "{says}");
        run.stderr
    };
    let first = push(1);
    update("KiB fetched)", &first);
    update("it was here already", &first);
    let second = push(2);
    update("fetched, a delta)", &second);
    push(3);
    let fourth = push(4);
    let said = update("fetched, 2 deltas)", &fourth);
    assert!(!said.contains("could not be used"), "{said}");
    // What is called yesterday's and is not: it is named, and what comes is right.
    let fifth = push(5);
    let before = current();
    let length = before.metadata().unwrap().len();
    fs::set_permissions(&before, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    fs::write(&before, &first).unwrap();
    fs::File::options().write(true).open(&before).unwrap().set_len(length).unwrap();
    update("were changed or cut since they were made", &fifth);
}

/// What a step of a workflow in `deploy/ci` runs.
fn step(workflow: &str, name: &str) -> String {
    let text = fs::read_to_string(root().join("deploy/ci").join(workflow)).unwrap();
    let step = text.split_once(&format!("- name: {name}\n")).unwrap_or_else(|| panic!("{workflow} has no {name:?}")).1;
    let script = step.split_once("run: |\n").unwrap().1;
    script
        .lines()
        .take_while(|l| l.is_empty() || l.starts_with("          "))
        .map(|l| l.trim_start().to_owned() + "\n")
        .collect()
}

/// `deploy/ci/advisories.yml`, two nights, and a gate that takes what it publishes.
#[test]
fn the_workflow_publishes_signed_advisories_every_night() {
    let Some(registry) = Server::registry(None) else { return };
    let up = Upstream::new();
    let home = up.program.home.path();
    let Some([private, public, _]) = keys(home) else { return };
    let at = format!("oci://{}/acme/advisories:latest", registry.host());
    let path = format!("{}:{}", binary().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let night = || {
        let mut command = Command::new("bash");
        command.arg("-c").arg(step("advisories.yml", "Compile, sign and publish")).current_dir(home);
        command.env_clear().env("HOME", home).env("PATH", &path).env("ADVISORIES", &at);
        command.env("LAYERGATE_SOURCES", &up.sources).env("SIGN_KEY", fs::read_to_string(&private).unwrap());
        let run = up.program.finish(&mut command);
        assert_eq!(run.code, 0, "{}", run.stderr);
    };
    night();
    let gate = Program::default();
    let update = || gate.run(["db", "update", "--from", &at, "--verify-key", &public]);
    let first = update();
    assert!(first.code == 0 && first.stderr.contains("KiB fetched)"), "{}", first.stderr);
    let text = site("", &up.server.url).replace("files = [", "files = [\"kev/known_exploited_vulnerabilities.json\", ");
    fs::write(&up.sources, text).unwrap();
    night();
    let second = update();
    assert!(second.code == 0 && second.stderr.contains(" fetched"), "{}", second.stderr);
    assert_ne!(first.stderr, second.stderr, "another snapshot");
}
