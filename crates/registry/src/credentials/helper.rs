//! Credential helpers (`docker-credential-NAME get`, the docker-credential-helpers protocol): the server's name on standard
//! input, JSON with `Username` and `Secret` on standard output.
//!
//! A helper may ask a person (a locked keychain, a pinentry) and never answer: it is told after two seconds and ended after
//! [`PATIENCE`], with its name. Its output is bounded and never repeated: it may be half a secret.

use std::{
    io::{Read as _, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use layergate_ports::values::SourceError;
use serde::Deserialize;

use super::{Credential, Secret};
use crate::trouble;

/// How long a helper may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// When it is told that one is waited for.
const TELL_AFTER: Duration = Duration::from_secs(2);
const MAX_ANSWER: u64 = 256 << 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// Asks `docker-credential-<name>` for `server`; `None` where it has nothing.
pub(super) fn ask(file: &Path, (server, name): (String, &str)) -> Result<Option<Credential>, SourceError> {
    ask_within(file, &server, name, PATIENCE)
}

fn ask_within(file: &Path, server: &str, name: &str, patience: Duration) -> Result<Option<Credential>, SourceError> {
    let helper = format!("docker-credential-{}", trouble::one_line(name, 80));
    let failed = |what: &str, advice: String| {
        let what = format!("the credential helper {helper} for {server} {what}");
        Err(trouble::unauthorized(file.display(), what, advice))
    };
    let shows = format!("`echo {server} | {helper} get` shows why");
    if name.contains(['/', '\\', '\0']) {
        return failed("is not the name of a program", "take it out of the file".to_owned());
    }
    let spawned = Command::new(format!("docker-credential-{name}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = spawned else {
        return failed("cannot be run", format!("put {helper} on the PATH, or take it out of the file"));
    };
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its question answers or fails by itself.
        let _ = stdin.write_all(format!("{server}\n").as_bytes());
    }
    let said = match output(&mut child, &helper, patience) {
        Some(said) => said,
        None => {
            // It may be gone by itself in this moment.
            let _ = child.kill();
            let _ = child.wait();
            return failed(
                &format!("has not answered within {} s and was ended", patience.as_secs()),
                format!("does it wait for somebody (a locked keychain, a pinentry)? {shows}"),
            );
        }
    };
    let good = child.wait().is_ok_and(|status| status.success());
    if !good {
        let text = String::from_utf8_lossy(&said).to_ascii_lowercase();
        let nothing = text.contains("credentials not found") || text.contains("no credentials server url");
        return if nothing { Ok(None) } else { failed("failed", shows) };
    }
    match serde_json::from_slice::<Answer>(&said) {
        Ok(Answer { username, secret }) if username.is_empty() && secret.is_empty() => Ok(None),
        Ok(Answer { username, secret }) if username == "<token>" => Ok(Some(Credential::IdentityToken(Secret(secret)))),
        Ok(Answer { username, secret }) => Ok(Some(Credential::Password { user: username, password: Secret(secret) })),
        Err(_) => failed(
            "gave an answer that is none",
            format!("`echo {server} | {helper} get` should print JSON with Username and Secret"),
        ),
    }
}

/// All of standard output, or nothing when it does not end in time.
fn output(child: &mut Child, helper: &str, patience: Duration) -> Option<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    let stdout = child.stdout.take();
    std::thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(stdout) = stdout {
            // What cannot be read any more is an answer that is none.
            let _ = stdout.take(MAX_ANSWER).read_to_end(&mut said);
        }
        // Nobody waits any more when this fails.
        let _ = sender.send(said);
    });
    let began = Instant::now();
    if let Ok(said) = receiver.recv_timeout(TELL_AFTER.min(patience)) {
        return Some(said);
    }
    tracing::warn!(helper, "a credential helper has not answered yet; does it wait for somebody?");
    receiver.recv_timeout(patience.saturating_sub(began.elapsed())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_missing_or_no_name_is_told() {
        for (name, want) in [("not-on-this-machine", "cannot be run"), ("../x", "is not the name")] {
            let error = ask(Path::new("c.json"), ("r.io".into(), name)).unwrap_err().to_string();
            assert!(error.contains(want) && error.contains("docker-credential-"), "{error}");
        }
    }

    #[test]
    fn one_that_never_answers_is_not_waited_for() {
        let mut child = Command::new("sleep").arg("60").stdout(Stdio::piped()).spawn().unwrap();
        let began = Instant::now();
        assert_eq!(output(&mut child, "docker-credential-x", Duration::from_millis(50)), None);
        assert!(began.elapsed() < Duration::from_secs(10));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
