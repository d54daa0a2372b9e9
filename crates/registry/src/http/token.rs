//! How a registry is asked: anonymously, with Basic, or with a Bearer token of its token service (distribution spec,
//! "token authentication"; the refresh grant of Docker's "OAuth2 token authentication" for identity tokens).
//!
//! The exchange is ours and not `oci-client`'s `auth()`, which reads an answer of any length, swallows why a token was
//! refused, and looks only at `/v2/`, which some registries leave open. Here every read is bounded, and a token service
//! on plain HTTP is refused for a registry that is not.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};
use layergate_http::{Response, shown};
use layergate_model::{Registry, RepoPath};
use layergate_ports::values::SourceError;
use serde::Deserialize;
use url::Url;

use super::{
    challenge::{self, Challenge},
    said,
    transport::{self, Transport},
};
use crate::{
    credentials::{Credential, Login},
    error_detail::{malformed, unauthorized},
};

const MAX_TOKEN_ANSWER: usize = 256 << 10;

/// Gets what has to stand in the `Authorization` header for one repository.
#[derive(Debug)]
pub(crate) struct Authorizer {
    pub(crate) transport: Transport,
    pub(crate) login: Login,
    pub(crate) registry: Registry,
    pub(crate) repository: RepoPath,
    /// `https://host/`, or http.
    pub(crate) base: Url,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl Authorizer {
    /// Answers the challenge of a 401.
    pub(crate) async fn answer(&self, refused: &HeaderMap) -> Result<HeaderValue, SourceError> {
        match challenge_of(refused) {
            Some(Challenge::Basic) => match &self.login.credential {
                Credential::RegistryToken(token) => self.bearer_header(&self.base, token.reveal()),
                Credential::Password { user, password } => self.basic(user, password.reveal()),
                Credential::Anonymous => {
                    Err(self.refused(&format!("asks for a user name and a password: {}", self.login.none_found())))
                }
                Credential::IdentityToken(_) => {
                    Err(self.refused("asks for a user name and a password, and an identity token is configured"))
                }
            },
            Some(Challenge::Bearer { realm, service, scope }) => {
                let realm = self.checked_realm(&realm)?;
                self.bearer(&realm, service.as_deref(), scope.as_deref()).await
            }
            None => Err(self.refused("answers 401 and names no kind of login that is known here (Basic, Bearer)")),
        }
    }

    async fn bearer(
        &self,
        realm: &Url,
        service: Option<&str>,
        scope: Option<&str>,
    ) -> Result<HeaderValue, SourceError> {
        let scope = self.scope(scope);
        let token = match &self.login.credential {
            Credential::RegistryToken(token) => token.reveal().to_owned(),
            Credential::IdentityToken(token) => self.refresh(realm, service, &scope, token.reveal()).await?,
            Credential::Anonymous => self.exchange(realm, service, &scope, None).await?,
            Credential::Password { user, password } => {
                self.exchange(realm, service, &scope, Some(self.basic(user, password.reveal())?)).await?
            }
        };
        self.bearer_header(realm, &token)
    }

    fn bearer_header(&self, place: &Url, token: &str) -> Result<HeaderValue, SourceError> {
        secret_header(&format!("Bearer {token}"))
            .ok_or_else(|| malformed(shown(place), "the token has characters that no header can hold"))
    }

    /// The GET of the token protocol.
    async fn exchange(
        &self,
        realm: &Url,
        service: Option<&str>,
        scope: &str,
        login: Option<HeaderValue>,
    ) -> Result<String, SourceError> {
        let mut url = realm.clone();
        // A challenge may name several, apart by spaces; a token service wants each by itself.
        for one in scope.split_ascii_whitespace() {
            url.query_pairs_mut().append_pair("scope", one);
        }
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", service);
        }
        let mut headers = HeaderMap::new();
        if let Some(login) = login {
            headers.insert(header::AUTHORIZATION, login);
        }
        let answer = self.transport.get(&url, headers).await?;
        self.token_of(&url, answer).await
    }

    /// The refresh grant.
    async fn refresh(
        &self,
        realm: &Url,
        service: Option<&str>,
        scope: &str,
        token: &str,
    ) -> Result<String, SourceError> {
        let form = [
            ("grant_type", "refresh_token"),
            ("service", service.unwrap_or(self.registry.as_str())),
            ("scope", scope),
            ("client_id", "layergate"),
            ("refresh_token", token),
        ];
        let answer = self.transport.post_form(realm, &form).await?;
        self.token_of(realm, answer).await
    }

    async fn token_of(&self, url: &Url, answer: Response) -> Result<String, SourceError> {
        let (status, headers) = (answer.status(), answer.headers().clone());
        if status.as_u16() == 429 || status.is_server_error() {
            return Err(transport::busy(url, status, &headers, ""));
        }
        if !status.is_success() {
            // Why it refuses is reported where it can be read, and is missed where it cannot.
            let body = self.transport.body(url, answer, MAX_TOKEN_ANSWER).await.unwrap_or_default();
            return Err(unauthorized(
                shown(url),
                format!(
                    "the token service of {} refuses {} ({}){}",
                    self.registry,
                    self.login.who(),
                    status.as_u16(),
                    self.login.credential.redact(&said::reason(&body)),
                ),
                format!("check the credential (`docker login {}`)", self.registry),
            ));
        }
        let body = self.transport.body(url, answer, MAX_TOKEN_ANSWER).await?;
        let answer: Option<TokenAnswer> = serde_json::from_slice(&body).ok();
        let some = |token: Option<String>| token.filter(|t| !t.trim().is_empty());
        answer.and_then(|a| some(a.token).or_else(|| some(a.access_token))).map(|t| t.trim().to_owned()).ok_or_else(
            || {
                let said = self.login.credential.redact(&said::reason(&body));
                unauthorized(
                    shown(url),
                    format!("the token service's answer for {} has no token{said}", self.login.who()),
                    format!("check the credential (`docker login {}`)", self.registry),
                )
            },
        )
    }

    /// What the challenge says is to be asked for; otherwise the repository.
    fn scope(&self, challenge: Option<&str>) -> String {
        challenge.map_or_else(|| format!("repository:{}:pull", self.repository), str::to_owned)
    }

    fn basic(&self, user: &str, password: &str) -> Result<HeaderValue, SourceError> {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        secret_header(&format!("Basic {encoded}"))
            .ok_or_else(|| malformed(&self.registry, "the credential is too long"))
    }

    /// A token service on plain HTTP would get the password of a registry on https in clear text.
    fn checked_realm(&self, realm: &str) -> Result<Url, SourceError> {
        // Some registries name their token service by its path alone.
        let absolute = if realm.starts_with('/') { self.base.join(realm) } else { Url::parse(realm) };
        let url = absolute.map_err(|_| {
            let realm = crate::error_detail::one_line(realm, 200);
            malformed(&self.registry, format!("its token service {realm:?} is not a URL"))
        })?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.base.scheme() == "http" && self.transport.plain_allowed(&url) => Ok(url),
            _ => Err(malformed(
                &self.registry,
                format!("its token service {} is not on https, and is refused", shown(&url)),
            )),
        }
    }

    fn refused(&self, what: &str) -> SourceError {
        unauthorized(&self.registry, what, format!("`docker login {}`, or mount a credential", self.registry))
    }
}

fn challenge_of(headers: &HeaderMap) -> Option<Challenge> {
    challenge::choose(headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|h| h.to_str().ok()))
}

/// A header that `Debug` does not show.
fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
