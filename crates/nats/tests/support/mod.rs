//! A nats-server of the test's own: a free port, a directory of its own, gone with the test.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::{
    fmt::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use layergate_nats::{Fleet, NatsOptions};

pub struct Server {
    child: Option<Child>,
    port: u16,
    dir: tempfile::TempDir,
    config: String,
    fleets: AtomicU32,
}

/// `None`, and the reason printed, where there is no nats-server; a panic under CI, where there must be one.
fn program() -> Option<&'static str> {
    let found = Command::new("nats-server").arg("--version").output().is_ok_and(|o| o.status.success());
    if found {
        return Some("nats-server");
    }
    assert!(std::env::var_os("CI").is_none(), "nats-server is not on the PATH, and this is CI");
    println!("skipped: nats-server is not on the PATH");
    None
}

impl Server {
    /// A server with JetStream; `more` is added to its configuration.
    pub async fn start_with(more: &str) -> Option<Self> {
        program()?;
        let port = layergate_tests::servers::free_port();
        let dir = tempfile::tempdir().unwrap();
        let mut server = Self { child: None, port, dir, config: more.to_owned(), fleets: AtomicU32::new(0) };
        server.up().await;
        Some(server)
    }

    pub async fn start() -> Option<Self> {
        Self::start_with(&jetstream("")).await
    }

    /// Starts it (again), over the same directory.
    pub async fn up(&mut self) {
        let mut config = format!("listen: \"127.0.0.1:{}\"\n", self.port);
        let store = self.dir.path().join("store");
        write!(config, "{}", self.config.replace("STORE", &store.display().to_string())).unwrap();
        let file = self.dir.path().join("nats.conf");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(program().unwrap());
        command.arg("-c").arg(&file).arg("-l").arg(self.dir.path().join("log"));
        self.child = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        for _ in 0..2400 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("nats-server does not listen: {}", self.log());
    }

    /// SIGKILL: nothing is flushed that the server has not flushed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn scratch(&self) -> &Path {
        self.dir.path()
    }

    /// Options of a fleet that nobody else has.
    pub fn options(&self) -> NatsOptions {
        let n = self.fleets.fetch_add(1, Ordering::SeqCst);
        NatsOptions {
            fleet: format!("test-{n}"),
            storage: 512 << 20,
            ack_wait: Duration::from_secs(2),
            ..NatsOptions::new([self.url()])
        }
    }

    pub async fn fleet(&self) -> Fleet {
        connect(&self.options()).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The part of a configuration that turns JetStream on.
pub fn jetstream(more: &str) -> String {
    format!("jetstream {{ store_dir: \"STORE\"\n {more} }}\n")
}

pub async fn connect(options: &NatsOptions) -> Fleet {
    Fleet::connect(options.clone()).await.unwrap_or_else(|e| panic!("{e}"))
}
