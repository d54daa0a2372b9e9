//! Registry credentials: from where people already have them, and never anywhere else.
//!
//! Without a name: Docker's `config.json` with its helpers, then Podman's `auth.json` ([`docker`]). With a name: a
//! directory of that name under the mounted secrets ([`mounted`]); a worker can so serve several tenants, and a task
//! carries the name alone. A secret is never printed: `Debug` hides it and messages are searched for it.

mod docker;
mod helper;
mod mounted;

use std::{fmt, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use layergate_model::{Registry, RepoPath};
use layergate_ports::values::{CredentialName, ErrorDetail, SourceError};

pub use docker::DockerConfig;

/// A text that is not to be seen.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<hidden>")
    }
}

/// Who asks a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credential {
    /// Nobody in particular.
    #[default]
    Anonymous,
    /// A user name and a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A refresh token to be exchanged at the registry's token service (Azure, `docker login` with SSO).
    IdentityToken(Secret),
    /// A bearer token that is shown to the registry as it is (`registrytoken`).
    RegistryToken(Secret),
}

impl Credential {
    /// `text` without the secret, should a server repeat it, also as it was sent: in base64 behind the user's name.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Self::Password { user, password } = self
            && !password.0.is_empty()
        {
            text = text.replace(&STANDARD.encode(format!("{user}:{}", password.0)), "<hidden>");
        }
        let text = text.as_str();
        match self {
            Self::Password { password: secret, .. } | Self::IdentityToken(secret) | Self::RegistryToken(secret)
                if secret.0.len() >= 3 =>
            {
                text.replace(&secret.0, "<hidden>")
            }
            _ => text.to_owned(),
        }
    }
}

/// A credential, and what messages say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) credential: Credential,
    /// The file, variable or directory that it stands in; of nobody's, where it was looked for.
    pub(crate) place: String,
    /// Why a login that is configured could not be had. Public images need none, so that it is reported where one is
    /// refused.
    pub(crate) trouble: Option<ErrorDetail>,
}

impl Login {
    pub(crate) fn new(credential: Credential, place: impl ToString) -> Self {
        Self { credential, place: place.to_string(), trouble: None }
    }

    /// Nobody, because what is configured could not be had.
    fn lost(trouble: ErrorDetail) -> Self {
        Self { trouble: Some(trouble), ..Self::default() }
    }

    /// The user and where the login stands, for messages.
    pub(crate) fn who(&self) -> String {
        let who = match &self.credential {
            Credential::Anonymous => return format!("a request without a login ({})", self.none_found()),
            Credential::Password { user, .. } => format!("user {:?}", crate::error_detail::one_line(user, 100)),
            Credential::IdentityToken(_) => "the identity token".into(),
            Credential::RegistryToken(_) => "the registry token".into(),
        };
        format!("{who} of {}", self.place)
    }

    /// That there is no credential, and where it would stand.
    pub(crate) fn none_found(&self) -> String {
        match self.place.as_str() {
            "" => "no credential is configured for it".into(),
            place => format!("no credential for it in {place}"),
        }
    }

    /// A refusal, with why nobody in particular asked.
    pub(crate) fn explain(&self, refusal: SourceError) -> SourceError {
        match (refusal, &self.trouble) {
            (SourceError::Unauthorized(refused) | SourceError::NotFound(refused), Some(lost)) => {
                let what = format!("{}; asked without it: {}", lost.what, refused.what);
                SourceError::Unauthorized(ErrorDetail::new(&lost.place, what, &lost.advice))
            }
            (refusal, _) => refusal,
        }
    }
}

/// Where credentials are looked for.
#[derive(Clone, Debug, Default)]
pub struct CredentialSources {
    /// Docker's and Podman's configuration, for requests that name no credential.
    pub docker: DockerConfig,
    /// The directory with one directory for each named credential.
    pub secrets_dir: Option<PathBuf>,
}

impl CredentialSources {
    /// Docker's and Podman's files where the environment says they are, and a directory of named secrets.
    pub fn from_environment(secrets_dir: Option<PathBuf>) -> Self {
        Self { docker: DockerConfig::from_environment(), secrets_dir }
    }

    /// Looks a credential up. Runs credential helpers: call it where blocking is allowed.
    pub(crate) fn look_up(
        &self,
        name: Option<&CredentialName>,
        registry: &Registry,
        repository: &RepoPath,
    ) -> Result<Login, SourceError> {
        match name {
            None => self.docker.look_up(registry, repository),
            Some(name) => mounted::look_up(self.secrets_dir.as_deref(), name, registry, repository),
        }
    }
}
