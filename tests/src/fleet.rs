//! A fleet of real processes on loopback ports: nats-server, a registry, coordinators and workers of our own binary;
//! and a client that does not care who of them is alive.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    layout::Image,
    program::{Program, Run, fixture, terminate},
    servers::{Server, free_port, http},
};

/// One process of ours; it is killed when it is dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    /// SIGKILL: it can say nothing any more.
    pub fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM: it finishes what it holds.
    pub fn terminate(&self) {
        terminate(&self.child);
    }

    /// Waits for its end.
    pub fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + patience;
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// How often a process that died is waited for before others take up what it held, in these tests.
pub const ACK_WAIT: Duration = Duration::from_secs(4);

/// A fleet; its servers end with it.
pub struct Fleet {
    /// The server that everything goes through.
    pub nats: Server,
    /// Its monitoring port.
    pub monitor: u16,
    /// Where the images are.
    pub registry: Server,
    /// Runs the binary as a user would.
    pub program: Program,
    /// The API's ports, one for each coordinator.
    pub ports: Vec<u16>,
    /// What processes that are started from now on find in their environment besides.
    pub environment: Vec<(String, String)>,
    snapshot: PathBuf,
    directory: TempDir,
    started: usize,
}

impl Fleet {
    /// The servers, and places for `coordinators`; `None` when a server is not installed.
    pub fn new(coordinators: usize) -> Option<Self> {
        let (nats, monitor) = Server::monitored_nats()?;
        Self::on(coordinators, nats, monitor)
    }

    /// The same on this NATS server; `monitor` is 0 where it has no monitoring port.
    pub fn on(coordinators: usize, nats: Server, monitor: u16) -> Option<Self> {
        let registry = Server::registry(None)?;
        let program = Program::default();
        let directory = tempfile::tempdir().expect("a directory");
        let snapshot = directory.path().join("fixtures.lgdb");
        let built = program.run(["db", "build", "--from", &fixture("advisories"), "--output", path(&snapshot)]);
        assert_eq!(built.code, 0, "{}", built.stderr);
        let ports = (0..coordinators).map(|_| free_port()).collect();
        let environment = Vec::new();
        Some(Self { nats, monitor, registry, program, ports, environment, snapshot, directory, started: 0 })
    }

    fn spawn(&mut self, what: &str, arguments: &[&str], cache: &str) -> Process {
        self.started += 1;
        let log = self.directory.path().join(format!("{what}-{}.log", self.started));
        let file = fs::File::create(&log).expect("a log");
        let cache = self.directory.path().join(cache);
        let mut command: Command = self.program.command([what]);
        command.env("LAYERGATE_NATS_ACK_WAIT", ACK_WAIT.as_secs().to_string()).args(arguments);
        command.env("LAYERGATE_NATS_STORAGE", "1GiB");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.arg("--cache-dir").arg(cache).stdout(Stdio::null()).stderr(file);
        Process { child: command.spawn().expect("the binary starts"), log }
    }

    /// Starts the coordinator of a place.
    pub fn coordinator(&mut self, place: usize, more: &[&str]) -> Process {
        let nats = format!("nats://{}", self.nats.host());
        self.coordinator_at(place, &nats, more)
    }

    /// The same, given no advisories.
    pub fn coordinator_without_db(&mut self, place: usize, more: &[&str]) -> Process {
        let (nats, listen) = (format!("nats://{}", self.nats.host()), format!("127.0.0.1:{}", self.ports[place]));
        let mut arguments = vec!["--nats", &nats, "--listen", &listen];
        arguments.extend(more);
        self.spawn("coordinator", &arguments, &format!("coordinator-{place}"))
    }

    /// The same, reaching NATS by another way.
    pub fn coordinator_at(&mut self, place: usize, nats: &str, more: &[&str]) -> Process {
        let listen = format!("127.0.0.1:{}", self.ports[place]);
        let snapshot = path(&self.snapshot).to_owned();
        let mut arguments = vec!["--nats", nats, "--listen", &listen, "--db", &snapshot];
        arguments.extend(more);
        self.spawn("coordinator", &arguments, &format!("coordinator-{place}"))
    }

    /// Starts a worker with a cache of its own, which a later worker of the same place finds again.
    pub fn worker(&mut self, place: usize, more: &[&str]) -> Process {
        let nats = format!("nats://{}", self.nats.host());
        self.worker_at(place, &nats, more)
    }

    /// The same, reaching NATS by another way.
    pub fn worker_at(&mut self, place: usize, nats: &str, more: &[&str]) -> Process {
        let mut arguments = vec!["--nats", nats];
        arguments.extend(more);
        self.spawn("worker", &arguments, &format!("worker-{place}"))
    }

    /// The cache directory of the coordinator of a place.
    pub fn coordinator_cache(&self, place: usize) -> PathBuf {
        self.directory.path().join(format!("coordinator-{place}"))
    }

    /// Waits until every coordinator says that it is ready.
    pub fn ready(&self, processes: &[&Process]) {
        let end = Instant::now() + Duration::from_secs(90);
        for &port in &self.ports {
            while !http(port, "GET", "/readyz", &[], b"").is_ok_and(|(status, ..)| status == 200) {
                let logs = || processes.iter().map(|p| p.log()).collect::<String>();
                assert!(Instant::now() < end, "the coordinator on {port} is not ready: {}", logs());
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// All coordinators, as `--server` takes them.
    pub fn servers(&self) -> String {
        self.ports.iter().map(|port| format!("http://127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
    }

    /// Pushes an image; its reference.
    pub fn push(&self, repository: &str, tag: &str, image: &Image) -> String {
        self.registry.push(repository, tag, image, None);
        format!("{}/{repository}:{tag}", self.registry.host())
    }

    /// `layergate scan --server` with these flags.
    pub fn scan(&self, image: &str, more: &[&str]) -> (Run, Value) {
        let servers = self.servers();
        let mut arguments = vec!["scan", "--server", &servers, "-o", "json"];
        arguments.extend(more);
        arguments.push(image);
        let run = self.program.run(&arguments);
        let report = serde_json::from_str(&run.stdout).unwrap_or(Value::Null);
        (run, report)
    }

    /// Scans images on this machine, without the fleet, to the bytes of their reports.
    pub fn alone(&self, images: &[String], as_of: &str) -> Vec<u8> {
        let out = self.directory.path().join("alone.json");
        let output = format!("json={}", out.display());
        let mut arguments =
            vec!["scan", "--quiet", "--offline", "--as-of", as_of, "--db", path(&self.snapshot), "-o", &output];
        arguments.extend(images.iter().map(String::as_str));
        let run = self.program.run(&arguments);
        fs::read(&out).unwrap_or_else(|e| panic!("{e}: {run:?}"))
    }

    /// Submits through whichever coordinator answers; the key makes a second submission the same job.
    pub fn submit(&self, image: &str, key: &str, timeout_seconds: u64) -> String {
        let body = json!({"image": image, "idempotency_key": key, "timeout_seconds": timeout_seconds});
        self.insist("POST", "/api/v1/jobs", &body)["job"].as_str().expect("a job").to_owned()
    }

    /// The verdict of a job, if there is one within the seconds.
    pub fn verdict(&self, job: &str, seconds: u64) -> Option<Value> {
        let answer = self.insist("GET", &format!("/api/v1/jobs/{job}?wait={seconds}"), &Value::Null);
        answer.get("verdict").filter(|v| !v.is_null()).cloned()
    }

    /// Asks one coordinator after the other until one answers.
    pub fn insist(&self, method: &str, target: &str, body: &Value) -> Value {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let end = Instant::now() + Duration::from_secs(120);
        let mut reported = String::new();
        while Instant::now() < end {
            for &port in &self.ports {
                match http(port, method, target, &[("content-type", "application/json")], &bytes) {
                    Ok((200..=299, _, answer)) => return serde_json::from_slice(&answer).expect("JSON"),
                    Ok((status @ (408 | 429 | 500..=599), _, answer)) => {
                        reported = format!("{status} {}", String::from_utf8_lossy(&answer));
                    }
                    Ok((status, _, answer)) => {
                        panic!("{method} {target}: {status} {}", String::from_utf8_lossy(&answer))
                    }
                    Err(error) => reported = error.to_string(),
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{method} {target}: no coordinator answers: {reported}");
    }

    /// How often each blob was fetched whole from a repository, as the registry's access log has it.
    pub fn fetched(&self, repository: &str) -> std::collections::BTreeMap<String, usize> {
        let mut counts = std::collections::BTreeMap::new();
        let start = format!("\"GET /v2/{repository}/blobs/");
        for line in self.registry.log().lines() {
            let Some((_, rest)) = line.split_once(&start) else { continue };
            let (digest, status) = (rest.split([' ', '?']).next(), rest.split("\" ").nth(1));
            if let (Some(digest), Some(status)) = (digest, status)
                && status.starts_with('2')
            {
                *counts.entry(digest.to_owned()).or_default() += 1;
            }
        }
        counts
    }

    /// Messages in a stream of the fleet, from the server's monitoring page.
    pub fn messages(&self, stream: &str) -> Option<u64> {
        let (_, _, body) = http(self.monitor, "GET", "/jsz?streams=true", &[], b"").ok()?;
        let page: Value = serde_json::from_slice(&body).ok()?;
        let accounts = page["account_details"].as_array()?;
        let mut streams = accounts.iter().filter_map(|a| a["stream_detail"].as_array()).flatten();
        streams.find(|s| s["name"] == stream).and_then(|s| s["state"]["messages"].as_u64())
    }
}

fn path(path: &std::path::Path) -> &str {
    path.to_str().expect("a path of ours is text")
}
