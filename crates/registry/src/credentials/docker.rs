//! Docker's `config.json` (`auths`, `credHelpers`, `credsStore`) and Podman's `auth.json`, read with `docker_credential`.
//!
//! The first file that knows the registry wins. Podman's keys may name a repository or a part of its path; the longest
//! one wins. A helper that is configured and cannot be run is an error: an anonymous pull in its place would look like
//! a missing image. Files over 1 MiB are refused.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use docker_credential::{CredentialRetrievalError as Error, DockerCredential};
use layergate_fleet::ports::SourceError;
use layergate_model::{Registry, RepoPath};
use serde::Deserialize;

use super::{Credential, Secret};
use crate::trouble;

const MAX_FILE: u64 = 1 << 20;
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// The files to look into, in order. Those that are not there are passed over.
#[derive(Clone, Debug, Default)]
pub struct DockerConfig {
    /// The files.
    pub files: Vec<PathBuf>,
}

/// What decides which question to put to `docker_credential`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Outline {
    auths: Option<BTreeMap<String, serde_json::Value>>,
    creds_store: Option<String>,
    cred_helpers: Option<BTreeMap<String, String>>,
}

impl DockerConfig {
    /// `$REGISTRY_AUTH_FILE`, `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`,
    /// `$XDG_RUNTIME_DIR/containers/auth.json`, `~/.config/containers/auth.json`.
    pub fn from_environment() -> Self {
        let dir = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let home = dir("HOME");
        let docker = dir("DOCKER_CONFIG").or_else(|| home.as_ref().map(|h| h.join(".docker")));
        let files = [
            dir("REGISTRY_AUTH_FILE"),
            docker.map(|d| d.join("config.json")),
            dir("XDG_RUNTIME_DIR").map(|d| d.join("containers/auth.json")),
            home.map(|h| h.join(".config/containers/auth.json")),
        ];
        Self { files: files.into_iter().flatten().collect() }
    }

    pub(super) fn look_up(&self, registry: &Registry, repository: &RepoPath) -> Result<Credential, SourceError> {
        for file in &self.files {
            if let Some(credential) = in_file(file, registry, repository)? {
                return Ok(credential);
            }
        }
        Ok(Credential::Anonymous)
    }
}

/// What `file` knows of the registry; `None` when nothing, or when there is no such file.
pub(super) fn in_file(
    file: &Path,
    registry: &Registry,
    repository: &RepoPath,
) -> Result<Option<Credential>, SourceError> {
    let mut bytes = Vec::new();
    match fs::File::open(file) {
        Ok(open) => open.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|e| trouble::file(file, &e))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(trouble::file(file, &error)),
    };
    if bytes.len() as u64 > MAX_FILE {
        return Err(trouble::malformed(file.display(), format!("it has more than {MAX_FILE} bytes")));
    }
    // The parser's message could repeat a piece of a secret: only the position is told.
    let outline: Outline = serde_json::from_slice(&bytes).map_err(|e| {
        let place = format!("line {} column {}", e.line(), e.column());
        trouble::malformed(file.display(), format!("the registry configuration cannot be read ({place})"))
    })?;
    for server in questions(&outline, registry, repository) {
        match docker_credential::get_credential_from_reader(bytes.as_slice(), &server) {
            Ok(found) => return Ok(Some(convert(found))),
            Err(Error::NoCredentialConfigured | Error::ConfigNotFound) => {}
            Err(Error::HelperFailure { ref stdout, ref stderr, .. }) if nothing_stored(stdout, stderr) => {}
            Err(error) => return Err(failure(file, &outline, &server, &error)),
        }
    }
    Ok(None)
}

/// The keys to ask for, the most special first. A part of a path is only asked for when it is there in so many words:
/// a helper would be run for each.
fn questions(outline: &Outline, registry: &Registry, repository: &RepoPath) -> Vec<String> {
    let written = |key: &String| outline.auths.as_ref().is_some_and(|a| a.contains_key(key));
    let mut path = format!("{registry}/{repository}");
    let mut keys = Vec::new();
    while let Some((shorter, _)) = path.rsplit_once('/') {
        if written(&path) {
            keys.push(path.clone());
        }
        path = shorter.to_owned();
    }
    if registry.as_str() == "docker.io" {
        keys.push(DOCKER_HUB.to_owned());
    }
    keys.push(registry.to_string());
    keys
}

fn convert(found: DockerCredential) -> Credential {
    match found {
        DockerCredential::IdentityToken(token) if !token.is_empty() => Credential::IdentityToken(Secret(token)),
        DockerCredential::UsernamePassword(user, password) if !(user.is_empty() && password.is_empty()) => {
            Credential::Password { user, password: Secret(password) }
        }
        _ => Credential::Anonymous,
    }
}

/// The words of docker-credential-helpers for "no such entry".
fn nothing_stored(stdout: &str, stderr: &str) -> bool {
    let said = format!("{stdout}{stderr}").to_ascii_lowercase();
    said.contains("credentials not found") || said.contains("no credentials server url")
}

/// A helper's output is not repeated: it may be half a secret.
fn failure(file: &Path, outline: &Outline, server: &str, error: &Error) -> SourceError {
    let helper = outline.cred_helpers.as_ref().and_then(|h| h.get(server)).or(outline.creds_store.as_ref());
    let helper = helper.map_or_else(String::new, |h| format!("docker-credential-{}", trouble::one_line(h, 80)));
    let place = file.display();
    match error {
        Error::HelperCommunicationError => trouble::unauthorized(
            place,
            format!("the credential helper {helper} for {server} cannot be run"),
            format!("put {helper} on the PATH, or take it out of the file"),
        ),
        Error::HelperFailure { .. } => trouble::unauthorized(
            place,
            format!("the credential helper {helper} for {server} failed"),
            format!("`echo {server} | {helper} get` shows why"),
        ),
        Error::MalformedHelperResponse => trouble::unauthorized(
            place,
            format!("the credential helper {helper} for {server} gave an answer that is none"),
            format!("`echo {server} | {helper} get` should print JSON with Username and Secret"),
        ),
        other => trouble::unauthorized(
            place,
            format!("the entry for {server} cannot be used: {other}"),
            format!("`docker login {server}` writes it anew"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(config: &str, registry: &str, repository: &str) -> Result<Option<Credential>, SourceError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.json");
        fs::write(&file, config).unwrap();
        in_file(&file, &Registry::new(registry).unwrap(), &RepoPath::new(repository).unwrap())
    }

    #[test]
    fn entries_of_docker_and_podman() {
        let user = |user: &str, password: &str| {
            Some(Credential::Password { user: user.into(), password: Secret::new(password) })
        };
        // "YTpi" is a:b, "Yzpk" is c:d.
        for (config, registry, repository, want) in [
            (r#"{"auths":{"r.io":{"auth":"YTpi"}}}"#, "r.io", "x/y", user("a", "b")),
            (r#"{"auths":{"https://r.io":{"auth":"YTpi"}}}"#, "r.io", "x/y", user("a", "b")),
            (r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"}}}"#, "docker.io", "library/x", user("a", "b")),
            (r#"{"auths":{"r.io":{"auth":"YTpi"},"r.io/x":{"auth":"Yzpk"}}}"#, "r.io", "x/y", user("c", "d")),
            (r#"{"auths":{"r.io":{"auth":"YTpi"},"r.io/x":{"auth":"Yzpk"}}}"#, "r.io", "z", user("a", "b")),
            (r#"{"auths":{"r.io":{"username":"a","password":"b"}}}"#, "r.io", "x", user("a", "b")),
            (r#"{"auths":{"r.io":{"auth":"YTpi"}}}"#, "other.io", "x", None),
            (r#"{"auths":{"r.io":{}}}"#, "r.io", "x", None),
            ("{}", "r.io", "x", None),
            (
                r#"{"auths":{"r.io":{"auth":"YTpi","identitytoken":"t"}}}"#,
                "r.io",
                "x",
                Some(Credential::IdentityToken(Secret::new("t"))),
            ),
        ] {
            assert_eq!(ask(config, registry, repository).unwrap(), want, "{config}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_told_and_secrets_are_not() {
        for (config, want) in [
            (r#"{"credsStore":"not-on-this-machine"}"#, "docker-credential-not-on-this-machine"),
            (r#"{"credHelpers":{"r.io":"not-on-this-machine"}}"#, "cannot be run"),
            (r#"{"auths":{"r.io":{"auth":"hunter2!"}}}"#, "cannot be used"),
            (r#"{"auths":{"r.io":{"auth":"hunter2"#, "line 1"),
        ] {
            let error = ask(config, "r.io", "x").unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let shown = format!("{:?}", Credential::Password { user: "u".into(), password: Secret::new("hunter2") });
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[cfg(unix)]
    #[test]
    fn a_helper_that_knows_nothing_is_anonymous_and_its_output_stays_hidden() {
        assert!(nothing_stored("credentials not found in native keychain\n", ""));
        assert!(!nothing_stored("hunter2", "boom"));
        let failed = Error::HelperFailure { helper: "h".into(), stdout: "hunter2".into(), stderr: "hunter2".into() };
        let told = failure(Path::new("c"), &Outline::default(), "r.io", &failed).to_string();
        assert!(!told.contains("hunter2"), "{told}");
    }
}
