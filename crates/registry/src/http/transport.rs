//! One GET: redirects, plain HTTP, time and size, and every failure in a sentence.
//!
//! Redirects are followed here and not by the HTTP library, at most five: never from https to http, never to another scheme,
//! and `Authorization` goes to the host it was meant for and nowhere else (registries redirect blobs to storage whose
//! URLs carry their own signature). Queries and user names of URLs are kept out of messages: they may be secrets.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, Method, StatusCode, header};
use layergate_http::{
    BodyError, Client, ClientError, ClientOptions, Error, Failure, Redirects, RequestBuilder, Response, describe, hop,
    is_loopback, mentions_certificate, retry_after, same_server, shown,
};
use layergate_ports::values::{ErrorDetail, SourceError};
use url::Url;

use crate::error_detail::{malformed, unauthorized, unavailable, unsupported};

const MAX_REDIRECTS: usize = 5;

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// Between two pieces of a body.
    pub idle: Duration,
    /// For a whole manifest, configuration or token.
    pub document: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(15), idle: seconds(60), document: seconds(120) }
    }
}

/// What all registries share; it holds no credential.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    client: Client,
    /// Servers on this machine that turned out to speak TLS, `host:port`.
    tls_here: Arc<Mutex<HashSet<String>>>,
    pub(crate) timeouts: Timeouts,
    plain_http: bool,
}

impl Transport {
    pub(crate) fn new(timeouts: Timeouts, plain_http: bool) -> Self {
        let client = Client::new(ClientOptions {
            connect: timeouts.connect,
            idle: timeouts.idle,
            redirects: Redirects::None,
            roots: Vec::new(),
        });
        Self { client, tls_here: Arc::default(), timeouts, plain_http }
    }

    fn request(&self, method: Method, url: &Url) -> Result<RequestBuilder, SourceError> {
        self.client.request(method, url).map_err(no_request)
    }

    /// Whether a server on this machine that did not make sense of plain HTTP speaks TLS. Docker, containerd and crane
    /// try both too.
    async fn speaks_tls(&self, url: &Url, sent: &Result<Response, Error>) -> bool {
        // Servers that speak TLS close the connection or answer 400 (Go, nginx) to those who do not.
        let puzzled = match sent {
            Ok(answer) => answer.status() == StatusCode::BAD_REQUEST,
            Err(error) => !error.is_timeout() && !matches!(Failure::of(error), Failure::Refused | Failure::Name),
        };
        if url.scheme() != "http" || self.plain_http || !is_loopback(url) || !puzzled {
            return false;
        }
        let tls = over_tls(url);
        let Ok(request) = self.request(Method::GET, &tls) else { return false };
        match tokio::time::timeout(self.timeouts.connect, request.send()).await {
            Ok(Ok(_)) => true,
            // Its certificate is not trusted: that is then what is reported.
            Ok(Err(error)) => mentions_certificate(&error),
            Err(_) => false,
        }
    }

    /// The URL with the scheme that its server is known to speak.
    fn spoken(&self, url: &Url) -> Url {
        let known = self.tls_here.lock().unwrap_or_else(PoisonError::into_inner);
        if url.scheme() == "http" && known.contains(&url.authority().to_owned()) { over_tls(url) } else { url.clone() }
    }

    /// Whether a host may be spoken to without TLS.
    pub(crate) fn plain_allowed(&self, url: &Url) -> bool {
        self.plain_http || is_loopback(url)
    }

    /// A GET with redirects followed; any status is an answer.
    pub(crate) async fn get(&self, url: &Url, headers: HeaderMap) -> Result<Response, SourceError> {
        self.send(Method::GET, url, headers).await
    }

    /// A GET or HEAD with redirects followed; any status is an answer.
    pub(crate) async fn send(&self, method: Method, url: &Url, headers: HeaderMap) -> Result<Response, SourceError> {
        let (mut url, mut headers) = (url.clone(), headers);
        for _ in 0..=MAX_REDIRECTS {
            self.check_scheme(&url)?;
            url = self.spoken(&url);
            let ask = async |url: &Url| {
                Ok::<_, SourceError>(self.request(method.clone(), url)?.headers(headers.clone()).send().await)
            };
            let mut sent = ask(&url).await?;
            if self.speaks_tls(&url, &sent).await {
                self.tls_here.lock().unwrap_or_else(PoisonError::into_inner).insert(url.authority().to_owned());
                url = over_tls(&url);
                sent = ask(&url).await?;
            }
            let response = sent.map_err(|error| request_failed(&url, &error))?;
            if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
                return Err(proxy_login(&url));
            }
            let Some(next) = redirect(&url, &response)? else { return Ok(response) };
            if url.scheme() == "https" && next.scheme() != "https" {
                return Err(malformed(
                    shown(&url),
                    format!("redirects from https to {}, which is refused", shown(&next)),
                ));
            }
            if !same_server(&url, &next) {
                headers.remove(header::AUTHORIZATION);
            }
            url = next;
        }
        Err(malformed(shown(&url), format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// A POST of a form, redirects not followed: it carries a secret in its body.
    pub(crate) async fn post_form(&self, url: &Url, form: &[(&str, &str)]) -> Result<Response, SourceError> {
        self.check_scheme(url)?;
        let url = &self.spoken(url);
        self.request(Method::POST, url)?.form(form).send().await.map_err(|error| request_failed(url, &error))
    }

    /// A body of at most `limit` bytes.
    pub(crate) async fn body(&self, url: &Url, response: Response, limit: usize) -> Result<Vec<u8>, SourceError> {
        let seconds = self.timeouts.document.as_secs();
        match tokio::time::timeout(self.timeouts.document, layergate_http::body(response, limit)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(BodyError::Broken(error))) => Err(request_failed(url, &error)),
            Ok(Err(error)) => Err(malformed(shown(url), error.to_string())),
            Err(_) => Err(unavailable(shown(url), format!("the answer did not end within {seconds} s"), "")),
        }
    }

    fn check_scheme(&self, url: &Url) -> Result<(), SourceError> {
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.plain_allowed(url) => Ok(()),
            "http" => Err(malformed(
                shown(url),
                "plain HTTP is refused for a host that is not this machine; see --plain-http",
            )),
            _ => Err(malformed(shown(url), "neither https nor http")),
        }
    }
}

/// The same place on the same port, over TLS.
fn over_tls(url: &Url) -> Url {
    let mut tls = url.clone();
    let port = url.port_or_known_default();
    // Neither fails on a URL of http with a host.
    let _ = tls.set_scheme("https");
    let _ = tls.set_port(port);
    tls
}

/// An answer of a server that is too busy or broken.
pub(crate) fn busy(url: &Url, status: StatusCode, headers: &HeaderMap, said: &str) -> SourceError {
    let retry_after = retry_after(headers);
    let wait = retry_after.map(|w| format!(", and asks for a pause of {} s", w.as_secs())).unwrap_or_default();
    let what = match status {
        StatusCode::TOO_MANY_REQUESTS => format!("the registry limits how often it may be asked (429){wait}{said}"),
        _ => format!("the registry has trouble of its own ({}){wait}{said}", status.as_u16()),
    };
    SourceError::Unavailable { trouble: ErrorDetail::new(shown(url), what, "try again later"), retry_after }
}

fn redirect(url: &Url, response: &Response) -> Result<Option<Url>, SourceError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok());
    match location.and_then(|l| url.join(l).ok()) {
        Some(next) => Ok(Some(next)),
        None => Err(malformed(shown(url), "a redirect without a usable Location")),
    }
}

/// The proxy on the way wants a login of its own.
fn proxy_login(url: &Url) -> SourceError {
    let hop = hop(url.scheme()).unwrap_or_else(|| "on the way".into());
    unauthorized(
        shown(url),
        format!("the proxy {hop} asks for a login (407)"),
        "write http://USER:PASSWORD@HOST:PORT into its variable, or name the registry in NO_PROXY",
    )
}

/// No request can be made at all.
fn no_request(error: ClientError) -> SourceError {
    match error {
        ClientError::Proxy { variable, why } => {
            let what = format!("the environment variable names no proxy that can be used: {why}");
            unsupported(variable, what, "write http://HOST:PORT, or unset it")
        }
        ClientError::Certificates(why) => {
            unavailable("HTTP client", why, "install them (ca-certificates), or name them with SSL_CERT_FILE")
        }
        ClientError::Library(why) => unavailable("HTTP client", why, "are the system's CA certificates readable?"),
    }
}

/// A request that got no answer, or not the whole of it.
pub(crate) fn request_failed(url: &Url, error: &Error) -> SourceError {
    let hop = hop(url.scheme()).filter(|_| error.is_connect() && !is_loopback(url));
    if let Some(hop) = hop {
        let what = describe(error);
        if what.contains("proxy authorization required") {
            return proxy_login(url);
        }
        let advice =
            "does the proxy run, and does it let this registry through? NO_PROXY names hosts that are asked directly";
        return unavailable(shown(url), format!("{what}, by way of the proxy {hop}"), advice);
    }
    let advice = match Failure::of(error) {
        Failure::Refused => "is the registry running, and the port right?",
        Failure::Name => "is the registry's name right, and does this machine resolve names?",
        Failure::Tls if url.scheme() == "https" => {
            "add the registry's CA to the system's certificates (or SSL_CERT_FILE); a registry without TLS needs --plain-http"
        }
        _ => "try again later",
    };
    unavailable(shown(url), describe(error), advice)
}
