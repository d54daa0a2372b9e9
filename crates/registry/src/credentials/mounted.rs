//! Named credentials: a directory of mounted secrets, as Kubernetes or Docker put them there.
//!
//! `<secrets>/<name>/` holds one of: `.dockerconfigjson` or `config.json` (Docker's format, several registries);
//! `username` and `password`; `token` (an identity token). The last two may be bound to one host by a file `registry`
//! and are sent to that host alone; without it they are sent to whatever registry the request names, which is for
//! whoever mounts them to decide. A name that is not there is an error, never an anonymous pull.

use std::{fs, io::Read as _, path::Path};

use layergate_model::{Registry, RepoPath};
use layergate_ports::values::{CredentialName, SourceError};

use super::{Credential, Login, Secret, docker};
use crate::error_detail;

const MAX_SECRET: u64 = 64 << 10;

pub(super) fn look_up(
    dir: Option<&Path>,
    name: &CredentialName,
    registry: &Registry,
    repository: &RepoPath,
) -> Result<Login, SourceError> {
    let Some(dir) = dir else {
        let what = format!("the credential {name} is asked for, and no directory of secrets is configured here");
        return Err(error_detail::unauthorized(registry, what, "start this process with --credentials-dir DIR"));
    };
    let dir = dir.join(name.as_str());
    for file in [".dockerconfigjson", "config.json"] {
        let file = dir.join(file);
        if file.exists() {
            let none =
                || error_detail::unauthorized(file.display(), format!("it has no credential for {registry}"), "");
            let login = docker::in_file(&file, registry, repository)?.ok_or_else(none)?;
            return match login.trouble {
                Some(lost) => Err(SourceError::Unauthorized(lost)),
                None => Ok(login),
            };
        }
    }
    let bound = read(&dir.join("registry"))?;
    if let Some(host) = bound.filter(|host| host != registry.as_str()) {
        let what = format!("the credential is for {}, not for {registry}", error_detail::one_line(&host, 200));
        return Err(error_detail::unauthorized(dir.display(), what, ""));
    }
    if let Some(token) = read(&dir.join("token"))? {
        return Ok(Login::new(Credential::IdentityToken(Secret::new(token)), dir.display()));
    }
    match (read(&dir.join("username"))?, read(&dir.join("password"))?) {
        (Some(user), Some(password)) => {
            Ok(Login::new(Credential::Password { user, password: Secret::new(password) }, dir.display()))
        }
        _ => Err(error_detail::unauthorized(
            dir.display(),
            format!("there is no credential {name}"),
            "mount .dockerconfigjson, or username and password, or token there",
        )),
    }
}

fn read(file: &Path) -> Result<Option<String>, SourceError> {
    let mut text = String::new();
    match fs::File::open(file) {
        Ok(open) => open.take(MAX_SECRET).read_to_string(&mut text).map_err(|e| error_detail::file(file, &e))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error_detail::file(file, &error)),
    };
    Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_of_a_mounted_secret() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("pair/username", "a\n");
        put("pair/password", "b\n");
        put("bound/username", "a");
        put("bound/password", "b");
        put("bound/registry", "r.io\n");
        put("sso/token", "t");
        put("kube/.dockerconfigjson", r#"{"auths":{"r.io":{"auth":"YTpi"}}}"#);
        put("half/username", "a");
        let ask = |name: &str, registry: &str| {
            let (name, registry) = (CredentialName::new(name).unwrap(), Registry::new(registry).unwrap());
            look_up(Some(root.path()), &name, &registry, &RepoPath::new("x").unwrap()).map(|login| login.credential)
        };
        let pair = Credential::Password { user: "a".into(), password: Secret::new("b") };
        assert_eq!(ask("pair", "any.io").unwrap(), pair);
        assert_eq!(ask("bound", "r.io").unwrap(), pair);
        assert_eq!(ask("kube", "r.io").unwrap(), pair);
        assert_eq!(ask("sso", "r.io").unwrap(), Credential::IdentityToken(Secret::new("t")));
        for (name, registry, want) in [
            ("bound", "evil.io", "not for evil.io"),
            ("kube", "evil.io", "no credential for evil.io"),
            ("half", "r.io", "there is no credential half"),
            ("absent", "r.io", "there is no credential absent"),
        ] {
            let error = ask(name, registry).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
