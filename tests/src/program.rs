//! The binary under test, run as a user runs it: its own cache and data directories, no environment of ours.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lies in the workspace").to_owned()
}

/// A path below `tests/fixtures`.
pub fn fixture(path: &str) -> String {
    root().join("tests/fixtures").join(path).display().to_string()
}

/// A folder and all that is in it, at another place.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// Asks again until there is an answer; panics with `what` after three minutes.
pub fn until<T>(what: impl Fn() -> String, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(180);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "{}", what());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The formats of `-o`.
pub const FORMATS: [&str; 11] =
    ["table", "json", "sarif", "cyclonedx", "spdx", "junit", "gitlab", "markdown", "html", "csv", "openvex"];

/// The fixture that most tests of documents scan: it fails.
pub fn shop() -> String {
    format!("oci:{}", fixture("images/shop"))
}

/// `scan` of the fixtures' advisories with these arguments.
pub fn scan(program: &Program, more: &[&str]) -> Run {
    let db = fixture("advisories");
    program.run([&["scan", "--offline", "--quiet", "--as-of", "2026-11-21", "--db", &db][..], more].concat())
}

/// Where the binary is: `LAYERGATE_BIN`, or what cargo built beside this test.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("LAYERGATE_BIN") {
        return path.into();
    }
    let mut path = std::env::current_exe().expect("a test knows its own path");
    path.pop();
    path.pop();
    path.push("layergate");
    assert!(path.exists(), "{} is missing: run tests/run, or cargo build -p layergate first", path.display());
    path
}

/// The binary with directories of its own.
pub struct Program {
    /// Its home: cache, data, temporary files.
    pub home: TempDir,
}

/// What a run came to.
#[derive(Debug)]
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Default for Program {
    fn default() -> Self {
        Self { home: tempfile::tempdir().expect("a temporary directory") }
    }
}

impl Program {
    /// A command with a clean environment.
    pub fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(binary());
        command.env_clear().env("HOME", self.home.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.current_dir(self.home.path()).stdin(Stdio::null()).args(arguments);
        command
    }

    /// Runs it to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        self.finish(&mut self.command(arguments))
    }

    /// Runs a prepared command to its end.
    pub fn finish(&self, command: &mut Command) -> Run {
        let Output { status, stdout, stderr } = command.output().expect("the binary starts");
        Run {
            code: status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// Scans `image` against the fixtures' advisories for a JSON report.
    pub fn scan(&self, image: &str, more: &[&str]) -> (Run, Value) {
        let db = fixture("advisories");
        let mut arguments = vec!["scan", "--offline", "--as-of", "2026-11-21", "--db", &db, "-o", "json"];
        arguments.extend(more);
        arguments.push(image);
        let run = self.run(&arguments);
        let report = serde_json::from_str(&run.stdout).unwrap_or(Value::Null);
        (run, report)
    }
}

/// Asks a process to stop (SIGTERM).
pub fn terminate(child: &std::process::Child) {
    let reported = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(reported.is_ok_and(|status| status.success()), "kill(1) works");
}
