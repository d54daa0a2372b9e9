//! Docker's `config.json` (`auths`, `credHelpers`, `credsStore`) and Podman's `auth.json`, read as Docker, crane and
//! Podman read them.
//!
//! The first file that knows the registry wins. Podman's keys may name a repository or a part of its path; the longest
//! one wins. Docker's may have a scheme and end in `/v1/` or `/v2/`. A helper comes before what stands in the file.
//! Where one that is configured cannot be run or fails (a laptop's configuration in a container), nobody in particular
//! asks, as Docker does, and the refusal of an image that is not public shows why ([`Login::explain`]): without it a
//! private image would look like a missing one. An empty file says nothing, and one that this user may not reach is
//! reported and passed over. Files over 1 MiB are refused.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use layergate_model::{Registry, RepoPath};
use layergate_ports::values::{ErrorDetail, SourceError};
use serde::Deserialize;

use super::{Credential, Login, Secret, helper};
use crate::error_detail;

const MAX_FILE: u64 = 1 << 20;
const INLINE: &str = "DOCKER_AUTH_CONFIG";
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Where to look, in order. Files that are not there are passed over.
#[derive(Clone, Debug, Default)]
pub struct DockerConfig {
    /// A configuration itself, as `$DOCKER_AUTH_CONFIG` holds it (Docker 28.3, GitLab); before all files.
    pub inline: Option<Secret>,
    /// The files.
    pub files: Vec<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Outline {
    auths: Option<BTreeMap<String, Option<Entry>>>,
    creds_store: Option<String>,
    cred_helpers: Option<BTreeMap<String, String>>,
}

/// One registry's login.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "lowercase")]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl DockerConfig {
    /// `$DOCKER_AUTH_CONFIG`, `$REGISTRY_AUTH_FILE`, `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`,
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
        let inline = env::var(INLINE).ok().filter(|text| !text.trim().is_empty()).map(Secret);
        Self { inline, files: files.into_iter().flatten().collect() }
    }

    pub(super) fn look_up(&self, registry: &Registry, repository: &RepoPath) -> Result<Login, SourceError> {
        let mut lost = None;
        let inline =
            self.inline.as_ref().map(|text| in_text(text.reveal().as_bytes(), Path::new(INLINE), registry, repository));
        let files = self.files.iter().map(|file| in_file(file, registry, repository));
        for found in inline.into_iter().chain(files) {
            match found? {
                Some(login) if login.trouble.is_some() => lost = lost.or(login.trouble),
                Some(login) => return Ok(login),
                None => {}
            }
        }
        let places = self.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
        Ok(Login { trouble: lost, ..Login::new(Credential::Anonymous, places) })
    }
}

/// What `file` knows of the registry; `None` when nothing, or when there is no such file.
pub(super) fn in_file(file: &Path, registry: &Registry, repository: &RepoPath) -> Result<Option<Login>, SourceError> {
    let mut bytes = Vec::new();
    let read = fs::File::open(file).and_then(|open| open.take(MAX_FILE + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        // A home of another user's, a directory in a file's place: there is no configuration for this user.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::NotADirectory | ErrorKind::IsADirectory
            ) =>
        {
            tracing::warn!(file = %file.display(), %error, "a registry configuration cannot be read and is passed over");
            return Ok(None);
        }
        Err(error) => return Err(error_detail::file(file, &error)),
    }
    if bytes.len() as u64 > MAX_FILE {
        return Err(error_detail::malformed(file.display(), format!("it has more than {MAX_FILE} bytes")));
    }
    in_text(&bytes, file, registry, repository)
}

fn in_text(
    bytes: &[u8],
    file: &Path,
    registry: &Registry,
    repository: &RepoPath,
) -> Result<Option<Login>, SourceError> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    // The parser's message could repeat a piece of a secret: only the position is reported.
    let outline: Outline = serde_json::from_slice(text).map_err(|e| {
        let place = format!("line {} column {}", e.line(), e.column());
        error_detail::malformed(file.display(), format!("the registry configuration cannot be read ({place})"))
    })?;
    let (path, host) = questions(registry, repository);
    let login = |found: Option<Credential>| found.map(|credential| Login::new(credential, file.display()));
    if let Some((key, entry)) = outline.find(|key| path.iter().position(|p| p == key)) {
        return entry.credential(file, key).map(login);
    }
    let mut lost: Option<ErrorDetail> = None;
    if let Some((server, name)) = outline.helper(&host) {
        match helper::ask(file, &server, name)? {
            helper::Answer::Has(found) => {
                let place = format!("docker-credential-{name} ({})", file.display());
                return Ok(Some(Login::new(found, place)));
            }
            helper::Answer::Nothing => {}
            helper::Answer::Fails(trouble) => lost = Some(trouble),
        }
    }
    match outline.find(|key| host.iter().position(|h| h.eq_ignore_ascii_case(bare(key)))) {
        Some((key, entry)) => entry.credential(file, key).map(login),
        None => Ok(lost.map(Login::lost)),
    }
}

/// The keys that name the repository or a part of its path, the most special first, and those that name the registry.
fn questions(registry: &Registry, repository: &RepoPath) -> (Vec<String>, Vec<String>) {
    let mut path = format!("{registry}/{repository}");
    let mut paths = Vec::new();
    while let Some((shorter, _)) = path.rsplit_once('/') {
        paths.push(path.clone());
        path = shorter.to_owned();
    }
    let mut hosts = vec![registry.to_string()];
    if registry.as_str() == "docker.io" {
        hosts.extend(["index.docker.io".to_owned(), "registry-1.docker.io".to_owned()]);
    }
    (paths, hosts)
}

/// A registry's key without its scheme and the version of its interface, which old Docker clients wrote. A key with a
/// scheme is a URL, of which Docker takes the host; one without may be Podman's, in which a path narrows it.
fn bare(key: &str) -> &str {
    if let Some(url) = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")) {
        return url.split('/').next().unwrap_or(url);
    }
    let key = key.trim_end_matches('/');
    key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key)
}

impl Outline {
    /// The entry whose key has the lowest rank and that says something.
    fn find(&self, rank: impl Fn(&str) -> Option<usize>) -> Option<(&str, &Entry)> {
        let entries = self.auths.iter().flatten().filter_map(|(key, entry)| Some((key.as_str(), entry.as_ref()?)));
        entries
            .filter(|(_, entry)| !entry.is_empty())
            .filter_map(|(key, entry)| Some((rank(key)?, key, entry)))
            .min_by_key(|(rank, ..)| *rank)
            .map(|(_, key, entry)| (key, entry))
    }

    /// The helper for the registry, and the name that it knows the registry by.
    fn helper(&self, hosts: &[String]) -> Option<(String, &str)> {
        let own =
            self.cred_helpers.iter().flatten().find(|(key, _)| hosts.iter().any(|h| h.eq_ignore_ascii_case(bare(key))));
        if let Some((key, helper)) = own.filter(|(_, helper)| !helper.is_empty()) {
            return Some((key.clone(), helper));
        }
        let store = self.creds_store.as_deref().filter(|store| !store.is_empty())?;
        let host = hosts.first()?;
        Some((if host == "docker.io" { DOCKER_HUB.to_owned() } else { host.clone() }, store))
    }
}

impl Entry {
    fn is_empty(&self) -> bool {
        let Self { auth, username, password, identitytoken, registrytoken } = self;
        [auth, username, password, identitytoken, registrytoken]
            .iter()
            .all(|text| text.as_deref().is_none_or(|t| t.trim().is_empty()))
    }

    fn credential(&self, file: &Path, key: &str) -> Result<Option<Credential>, SourceError> {
        let some = |text: &Option<String>| text.clone().filter(|t| !t.trim().is_empty());
        if let Some(token) = some(&self.registrytoken) {
            return Ok(Some(Credential::RegistryToken(Secret(token.trim().to_owned()))));
        }
        if let Some(token) = some(&self.identitytoken) {
            return Ok(Some(Credential::IdentityToken(Secret(token.trim().to_owned()))));
        }
        let (user, password) = match some(&self.auth) {
            Some(auth) => decoded(&auth).ok_or_else(|| {
                error_detail::unauthorized(
                    file.display(),
                    format!("the entry for {} cannot be used: auth is not base64 of user:password", bare(key)),
                    format!("`docker login {}` writes it anew", bare(key)),
                )
            })?,
            None => (self.username.clone().unwrap_or_default(), self.password.clone().unwrap_or_default()),
        };
        Ok(Some(Credential::Password { user, password: Secret(password) }))
    }
}

/// User and password of an `auth`: base64 whose lines may be wrapped, in either alphabet, padded or not; the password
/// may be padded with zero bytes, as Docker once wrote it.
fn decoded(auth: &str) -> Option<(String, String)> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let compact: String = auth.chars().filter(|c| !c.is_whitespace()).collect();
    let alphabet = if compact.contains(['-', '_']) { alphabet::URL_SAFE } else { alphabet::STANDARD };
    let bytes = GeneralPurpose::new(&alphabet, LENIENT).decode(compact).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.trim_matches('\0').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(config: &str, registry: &str, repository: &str) -> Result<Option<Credential>, SourceError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.json");
        fs::write(&file, config).unwrap();
        let found = in_file(&file, &Registry::new(registry).unwrap(), &RepoPath::new(repository).unwrap())?;
        match found.map(|login| (login.credential, login.trouble)) {
            Some((_, Some(trouble))) => Err(SourceError::Unauthorized(trouble)),
            found => Ok(found.map(|(credential, _)| credential)),
        }
    }

    #[test]
    fn the_first_that_knows_it_wins_and_a_lost_login_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            fs::write(dir.path().join(name), text).unwrap();
            dir.path().join(name)
        };
        let lost = write("lost", r#"{"credsStore":"not-on-this-machine"}"#);
        let knows = write("knows", r#"{"auths":{"r.io":{"auth":"YTpi"}}}"#);
        let both = write("both", r#"{"credsStore":"not-on-this-machine","auths":{"r.io":{"auth":"YTpi"}}}"#);
        let inline = Some(Secret::new(r#"{"auths":{"r.io":{"auth":"Yzpk"}}}"#));
        let nowhere = dir.path().join("nowhere");
        for (inline, files, user, place, trouble) in [
            (None, vec![&lost, &knows], "a", "knows", false),
            (None, vec![&both], "a", "both", false),
            (None, vec![&lost, &nowhere], "", "nowhere", true),
            (None, vec![&nowhere], "", "nowhere", false),
            (inline, vec![&knows], "c", INLINE, false),
        ] {
            let config = DockerConfig { inline, files: files.into_iter().cloned().collect() };
            let login = config.look_up(&Registry::new("r.io").unwrap(), &RepoPath::new("x").unwrap()).unwrap();
            let found = match &login.credential {
                Credential::Password { user, .. } => user.as_str(),
                _ => "",
            };
            assert_eq!((found, login.trouble.is_some()), (user, trouble), "{config:?}");
            assert!(login.place.ends_with(place) && login.who().contains(place), "{config:?}: {}", login.who());
        }
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
            // Wrapped lines, zero bytes behind the password ("YTpiAAA=" is a:b and two), no padding, old keys.
            ("{\"auths\":{\"r.io\":{\"auth\":\"YT\\npi\\n\"}}}", "r.io", "x", user("a", "b")),
            (r#"{"auths":{"r.io":{"auth":"YTpiAAA="}}}"#, "r.io", "x", user("a", "b")),
            (r#"{"auths":{"r.io":{"auth":"YTpiAAA"}}}"#, "r.io", "x", user("a", "b")),
            (r#"{"auths":{"https://r.io/v1/":{"auth":"YTpi"}}}"#, "r.io", "x", user("a", "b")),
            (r#"{"auths":{"http://r.io/v2/":{"auth":"YTpi"}}}"#, "r.io", "x", user("a", "b")),
            (r#"{"auths":{"r.io/":{"auth":"YTpi"}}}"#, "r.io", "x", user("a", "b")),
            (r#"{"auths":{"https://r.io/some/page":{"auth":"YTpi"}}}"#, "r.io", "x", user("a", "b")),
            (r#"{"auths":{"R.IO":{"auth":"YTpi"}}}"#, "r.io", "x", user("a", "b")),
            (r#"{"auths":{"r.io:5000":{"auth":"YTpi"}}}"#, "r.io:5000", "x", user("a", "b")),
            (r#"{"auths":{"https://r.io:5000/v2/":{"auth":"YTpi"}}}"#, "r.io:5000", "x", user("a", "b")),
            (r#"{"auths":{"r.io:5000":{"auth":"YTpi"}}}"#, "r.io", "x", None),
            (r#"{"auths":{"r.io":{"auth":"YTpi"}}}"#, "r.io:5000", "x", None),
            (r#"{"auths":{"docker.io":{"auth":"YTpi"}}}"#, "docker.io", "library/x", user("a", "b")),
            (r#"{"auths":{"index.docker.io":{"auth":"YTpi"}}}"#, "docker.io", "library/x", user("a", "b")),
            (r#"{"auths":{"r.io/other":{"auth":"YTpi"}}}"#, "r.io", "x/y", None),
            (r#"{"auths":{"r.io":null}}"#, "r.io", "x", None),
            (r#"{"auths":{"r.io":{"auth":""}},"credsStore":"","credHelpers":null}"#, "r.io", "x", None),
            ("", "r.io", "x", None),
            (" \n", "r.io", "x", None),
            ("\u{feff}{}", "r.io", "x", None),
            (
                r#"{"auths":{"r.io":{"registrytoken":"t"}}}"#,
                "r.io",
                "x",
                Some(Credential::RegistryToken(Secret::new("t"))),
            ),
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
    fn what_cannot_be_used_is_reported_and_secrets_are_not() {
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
}
