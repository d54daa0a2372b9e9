//! Real servers on free loopback ports: Debian's docker-registry and nats-server. Each has its own directory, is
//! stopped when it is dropped, and leaves nothing behind.

use std::{
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::layout::{Image, digest};

/// A free loopback port for a server that is about to start. It is below the ports that the system gives to clients
/// (32768 and up): one of those could be given to a connection of another test before the server listens.
///
/// # Panics
/// When none of a thousand is free.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id().wrapping_mul(997);
    let candidates = std::iter::repeat_with(|| {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        10_000 + u16::try_from(own.wrapping_add(n) % 20_000).expect("below 20,000")
    });
    let mut free = candidates.take(1000).filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().expect("a free loopback port")
}

/// The path of a tool, or `None` with the reason printed; in CI its absence is an error.
pub fn tool(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os("PATH")
        .and_then(|paths| std::env::split_paths(&paths).map(|p| p.join(name)).find(|p| p.is_file()));
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{name} is not on the PATH; tests/tools brings it");
        println!("skipped: {name} is not on the PATH (tests/tools brings it)");
    }
    found
}

/// A running server.
pub struct Server {
    child: Child,
    command: Command,
    directory: TempDir,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed by the test already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(mut command: Command, directory: TempDir, port: u16) -> Self {
        let log = fs::File::options().create(true).append(true).open(directory.path().join("log")).expect("a log file");
        let errors = log.try_clone().expect("a log file");
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().expect("the server starts");
        let server = Self { child, command, directory, port };
        server.await_listening();
        server
    }

    fn await_listening(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "the server does not listen: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it as an operator would (SIGTERM) and starts it again on the same port with the same data.
    pub fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Stops it as an operator would.
    pub fn stop(&mut self) {
        crate::program::terminate(&self.child);
        self.child.wait().expect("the server ends");
    }

    /// Starts it after it was stopped.
    pub fn start_again(&mut self) {
        // The log files of the first start are at hand in the command.
        self.child = self.command.spawn().expect("the server starts again");
        self.await_listening();
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// A registry that keeps its blobs in a directory; with `user` it asks for that user's password, `secret`.
    pub fn registry(user: Option<&str>) -> Option<Self> {
        let program = tool("docker-registry")?;
        let (directory, port) = (tempfile::tempdir().expect("a directory"), free_port());
        let path = directory.path();
        let auth = user.map_or_else(String::new, |user| {
            // bcrypt of "secret", cost 5, made with crypt(3).
            let line = format!("{user}:$2y$05$c4WoMPo3SXsafkva.HHa6u7b1XOWKqA7XZANDrnv4IVny/8ABNR66\n");
            fs::write(path.join("htpasswd"), line).expect("a password file");
            format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", path.join("htpasswd").display())
        });
        let config = format!(
            "version: 0.1\nlog: {{level: info, accesslog: {{disabled: false}}}}\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\nhttp: {{addr: \"127.0.0.1:{port}\"}}\n{auth}",
            path.join("data").display()
        );
        fs::write(path.join("config.yml"), config).expect("a configuration");
        let mut command = Command::new(program);
        command.arg("serve").arg(path.join("config.yml"));
        Some(Self::start(command, directory, port))
    }

    /// A NATS server with JetStream; its monitoring port is the second.
    pub fn monitored_nats() -> Option<(Self, u16)> {
        let program = tool("nats-server")?;
        let (directory, port, monitor) = (tempfile::tempdir().expect("a directory"), free_port(), free_port());
        let mut command = Command::new(program);
        command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-m", &monitor.to_string(), "-js", "-sd"]);
        command.arg(directory.path().join("js"));
        Some((Self::start(command, directory, port), monitor))
    }

    /// A NATS server with JetStream.
    pub fn nats() -> Option<Self> {
        let program = tool("nats-server")?;
        let (directory, port) = (tempfile::tempdir().expect("a directory"), free_port());
        let mut command = Command::new(program);
        command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"]).arg(directory.path().join("js"));
        Some(Self::start(command, directory, port))
    }

    /// A NATS server by a configuration; `more` stands beside its address, `store` in its JetStream.
    pub fn nats_with(more: &str, store: &str) -> Option<Self> {
        let program = tool("nats-server")?;
        let (directory, port) = (tempfile::tempdir().expect("a directory"), free_port());
        let (file, js) = (directory.path().join("nats.conf"), directory.path().join("js"));
        let config =
            format!("listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: {:?}\n {store} }}\n{more}\n", js.display());
        fs::write(&file, config).expect("a configuration");
        let mut command = Command::new(program);
        command.arg("-c").arg(file);
        Some(Self::start(command, directory, port))
    }

    /// Where it keeps its things.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Pushes an image to a registry under `repository:tag`; the manifest's digest.
    pub fn push(&self, repository: &str, tag: &str, image: &Image, authorization: Option<&str>) -> String {
        for (digest, bytes) in &image.blobs {
            let (status, headers, _) =
                self.http("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], b"", authorization);
            assert_eq!(status, 202, "{}", self.log());
            let location = headers.iter().find(|(k, _)| k == "location").map(|(_, v)| v.clone()).expect("a location");
            let path = location.split_once("://").map_or(location.as_str(), |(_, r)| &r[r.find('/').unwrap_or(0)..]);
            let join = if path.contains('?') { '&' } else { '?' };
            let target = format!("{path}{join}digest={digest}");
            let octets = [("content-type", "application/octet-stream")];
            let (status, ..) = self.http("PUT", &target, &octets, bytes, authorization);
            assert_eq!(status, 201, "{}", self.log());
        }
        let manifest: Value = serde_json::from_slice(&image.manifest).expect("a manifest");
        let kind = manifest["mediaType"].as_str().expect("a media type");
        let target = format!("/v2/{repository}/manifests/{tag}");
        let (status, ..) = self.http("PUT", &target, &[("content-type", kind)], &image.manifest, authorization);
        assert_eq!(status, 201, "{}", self.log());
        digest(&image.manifest)
    }

    /// One request; status, headers (names in lower case) and body.
    pub fn http(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        authorization: Option<&str>,
    ) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let headers: Vec<_> = headers.iter().copied().chain(authorization.map(|a| ("authorization", a))).collect();
        http(self.port, method, target, &headers, body).expect("the server answers")
    }
}

/// Status, headers (names in lower case) and body.
pub type Answer = (u16, Vec<(String, String)>, Vec<u8>);

/// One HTTP/1.0 request (so that no answer comes in chunks) to a loopback port; an error where nobody answers, or not
/// to the end.
pub fn http(port: u16, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
    let cut_short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(90)))?;
    let mut head = format!(
        "{method} {target} HTTP/1.0\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(cut_short)?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok()).ok_or_else(cut_short)?;
    let headers: Vec<_> =
        lines.filter_map(|l| l.split_once(": ")).map(|(k, v)| (k.to_lowercase(), v.to_owned())).collect();
    let body = answer[end + 4..].to_vec();
    let reported = headers.iter().find(|(k, _)| k == "content-length").and_then(|(_, v)| v.parse::<usize>().ok());
    // Whoever is killed while it answers closes the connection early.
    if reported.is_some_and(|reported| reported != body.len()) && method != "HEAD" {
        return Err(cut_short());
    }
    Ok((status, headers, body))
}
