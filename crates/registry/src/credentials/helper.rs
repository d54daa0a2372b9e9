//! Credential helpers (`docker-credential-NAME get`, the docker-credential-helpers protocol): the server's name on
//! standard input, JSON with `Username` and `Secret` on standard output.
//!
//! A helper may ask a person (a locked keychain, a pinentry) and never answer: it is reported after two seconds and
//! ended after [`PATIENCE`], with its name. One that leaves a program of its own behind, which holds its output open,
//! has answered when it has ended. What a helper says when it succeeds is a secret and never repeated; why it fails is
//! reported.

use std::{
    io::{Read as _, Write as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use layergate_ports::values::{ErrorDetail, SourceError};
use serde::Deserialize;

use super::{Credential, Secret};
use crate::error_detail;

/// How long a helper may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// When it is reported that one is waited for.
const REPORT_AFTER: Duration = Duration::from_secs(2);
/// How long its output is waited for when it has ended and the output has not.
const LAST_WORDS: Duration = Duration::from_millis(500);
const LOOK_EACH: Duration = Duration::from_millis(5);
const MAX_ANSWER: u64 = 256 << 10;
/// Characters of why it fails.
const MAX_REASON: usize = 300;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// What came of asking.
pub(super) enum Answer {
    /// A login.
    Has(Credential),
    /// It has nothing for this server.
    Nothing,
    /// It is not there, or fails.
    Fails(ErrorDetail),
}

/// Asks `docker-credential-<name>` for `server`; an error when it does not answer.
pub(super) fn ask(file: &Path, server: &str, name: &str) -> Result<Answer, SourceError> {
    let helper = format!("docker-credential-{}", error_detail::one_line(name, 80));
    let trouble = |what: &str, advice: String| {
        let what = format!("the credential helper {helper} for {server} {what}");
        ErrorDetail::new(file.display().to_string(), what, advice)
    };
    let failed = |what: &str, advice: String| Ok(Answer::Fails(trouble(what, advice)));
    let shows = format!("`echo {server} | {helper} get` shows why");
    if name.contains(['/', '\\', '\0']) {
        return failed("is not the name of a program", "take it out of the file".to_owned());
    }
    let spawned = Command::new(format!("docker-credential-{name}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        return failed("cannot be run", format!("put {helper} on the PATH, or take it out of the file"));
    };
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its question answers or fails by itself.
        let _ = stdin.write_all(format!("{server}\n").as_bytes());
    }
    let Some((status, said, complained)) = output(&mut child, &helper, PATIENCE) else {
        // It may be gone by itself in this moment.
        let _ = child.kill();
        let _ = child.wait();
        let what = format!("has not answered within {} s and was ended", PATIENCE.as_secs());
        let advice = format!("does it wait for somebody (a locked keychain, a pinentry)? {shows}");
        return Err(SourceError::Unauthorized(trouble(&what, advice)));
    };
    if !status.success() {
        // Helpers made with Docker's library say why on standard output, others on standard error.
        let (said, complained) = (String::from_utf8_lossy(&said), String::from_utf8_lossy(&complained));
        let text = said.to_ascii_lowercase();
        if text.contains("credentials not found") || text.contains("no credentials server url") {
            return Ok(Answer::Nothing);
        }
        let reason =
            [&complained, &said].into_iter().map(|t| error_detail::one_line(t, MAX_REASON)).find(|t| !t.is_empty());
        // Half an answer is half a secret.
        return match reason.filter(|reason| !reason.contains("\"Secret\"")) {
            Some(reason) => failed(&format!("failed: {reason}"), shows),
            None => failed("failed", shows),
        };
    }
    match serde_json::from_slice::<Said>(&said) {
        Ok(Said { username, secret }) if username.is_empty() && secret.is_empty() => Ok(Answer::Nothing),
        Ok(Said { username, secret }) if username == "<token>" => {
            Ok(Answer::Has(Credential::IdentityToken(Secret(secret))))
        }
        Ok(Said { username, secret }) => {
            Ok(Answer::Has(Credential::Password { user: username, password: Secret(secret) }))
        }
        Err(_) => failed(
            "gave an answer that is none",
            format!("`echo {server} | {helper} get` should print JSON with Username and Secret"),
        ),
    }
}

/// What comes through a pipe, also while its end is held open.
struct Stream(Arc<Mutex<Vec<u8>>>, Option<JoinHandle<()>>);

impl Stream {
    fn read(pipe: Option<impl std::io::Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let thread = pipe.map(|pipe| {
            let bytes = Arc::clone(&bytes);
            std::thread::spawn(move || {
                let (mut pipe, mut buffer) = (pipe.take(MAX_ANSWER), [0; 4096]);
                // What cannot be read any more is an answer that is none.
                while let Ok(n @ 1..) = pipe.read(&mut buffer) {
                    let mut all = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                    all.extend_from_slice(buffer.get(..n).unwrap_or_default());
                }
            })
        });
        Self(bytes, thread)
    }

    fn is_over(&self) -> bool {
        self.1.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How it ended, and all of standard output and standard error; nothing when it does not end in time.
fn output(child: &mut Child, helper: &str, patience: Duration) -> Option<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let (said, complained) = (Stream::read(child.stdout.take()), Stream::read(child.stderr.take()));
    let (began, mut reported, mut ended) = (Instant::now(), false, None);
    loop {
        if ended.is_none() {
            ended = child.try_wait().ok()?.map(|status| (status, Instant::now()));
        }
        if let Some((status, at)) = ended
            && (said.is_over() && complained.is_over() || at.elapsed() >= LAST_WORDS)
        {
            return Some((status, said.bytes(), complained.bytes()));
        }
        if began.elapsed() >= patience {
            return None;
        }
        if !reported && began.elapsed() >= REPORT_AFTER {
            reported = true;
            tracing::warn!(helper, "a credential helper has not answered yet; does it wait for somebody?");
        }
        std::thread::sleep(LOOK_EACH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_missing_or_no_name_is_reported() {
        for (name, want) in [("not-on-this-machine", "cannot be run"), ("../x", "is not the name")] {
            let Ok(Answer::Fails(trouble)) = ask(Path::new("c.json"), "r.io", name) else { panic!("{name}") };
            assert!(trouble.what.contains(want) && trouble.what.contains("docker-credential-"), "{trouble:?}");
        }
    }

    fn shell(script: &str) -> Child {
        let (out, err) = (Stdio::piped(), Stdio::piped());
        Command::new("sh").args(["-c", script]).stdout(out).stderr(err).spawn().unwrap()
    }

    #[test]
    fn one_that_never_answers_is_not_waited_for() {
        let mut child = shell("exec sleep 60");
        let began = Instant::now();
        assert_eq!(output(&mut child, "docker-credential-x", Duration::from_millis(50)), None);
        assert!(began.elapsed() < Duration::from_secs(10));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn one_that_leaves_a_program_behind_has_answered_when_it_has_ended() {
        let began = Instant::now();
        let mut child = shell("sleep 20 & echo answer; echo complaint >&2");
        let (status, said, complained) = output(&mut child, "docker-credential-x", PATIENCE).unwrap();
        assert!(status.success() && began.elapsed() < Duration::from_secs(10));
        assert_eq!((said, complained), (b"answer\n".to_vec(), b"complaint\n".to_vec()));
    }
}
