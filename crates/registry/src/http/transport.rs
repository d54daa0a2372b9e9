//! One GET: redirects, plain HTTP, time and size, and every failure in a sentence.
//!
//! Redirects are followed here and not by reqwest, at most five: never from https to http, never to another scheme,
//! and `Authorization` goes to the host it was meant for and nowhere else (registries redirect blobs to storage whose
//! URLs carry their own signature). Queries and user names of URLs are kept out of messages: they may be secrets.

use std::{
    collections::HashSet,
    error::Error as _,
    io,
    sync::{Arc, Mutex, Once, OnceLock, PoisonError},
    time::Duration,
};

use futures::StreamExt as _;
use http::{HeaderMap, Method, StatusCode, header};
use layergate_ports::values::{ErrorDetail, SourceError};
use reqwest::Response;
use url::Url;

use super::{proxy, trust};
use crate::error_detail::{malformed, unauthorized, unavailable};

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

fn builder(timeouts: Timeouts) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("layergate/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.idle)
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, SourceError> {
    builder
        .build()
        .map_err(|error| unavailable("HTTP client", describe(&error), "are the system's CA certificates readable?"))
}

/// The HTTP clients that all registries share; they hold no credential.
///
/// The one for TLS is made when a registry is first asked over TLS: reading the system's CA certificates takes some
/// megabytes and milliseconds, which a scan of archives or of a loopback registry need not pay.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    /// Trusts no certificate at all: for plain HTTP only.
    plain: reqwest::Client,
    /// The same, and past every proxy: for this machine itself.
    loopback: reqwest::Client,
    tls: Arc<OnceLock<reqwest::Client>>,
    loopback_tls: Arc<OnceLock<reqwest::Client>>,
    /// Servers on this machine that turned out to speak TLS, `host:port`.
    tls_here: Arc<Mutex<HashSet<String>>>,
    pub(crate) timeouts: Timeouts,
    plain_http: bool,
}

impl Transport {
    pub(crate) fn new(timeouts: Timeouts, plain_http: bool) -> Result<Self, SourceError> {
        static RING: Once = Once::new();
        // An error means that somebody installed a provider before: theirs is as good.
        RING.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let plain = build(builder(timeouts).tls_certs_only([]))?;
        let loopback = build(builder(timeouts).tls_certs_only([]).no_proxy())?;
        Ok(Self {
            plain,
            loopback,
            tls: Arc::default(),
            loopback_tls: Arc::default(),
            tls_here: Arc::default(),
            timeouts,
            plain_http,
        })
    }

    /// The client for the scheme of `url`.
    fn client(&self, url: &Url) -> Result<&reqwest::Client, SourceError> {
        let here = is_loopback(url) || proxy::excepts(url);
        if !here {
            // Only now: who scans an archive, or a registry on this machine, needs no proxy.
            proxy::check()?;
        }
        let (plain, tls) = if here { (&self.loopback, &self.loopback_tls) } else { (&self.plain, &self.tls) };
        if url.scheme() == "http" {
            return Ok(plain);
        }
        if tls.get().is_none() {
            let trust = trust::config().map_err(|why| {
                unavailable("HTTP client", why, "install them (ca-certificates), or name them with SSL_CERT_FILE")
            })?;
            let builder = builder(self.timeouts).tls_backend_preconfigured(trust);
            // Two at once may both make one; either will do.
            let _ = tls.set(build(if here { builder.no_proxy() } else { builder })?);
        }
        Ok(tls.get().unwrap_or(plain))
    }

    /// Whether a server on this machine that did not make sense of plain HTTP speaks TLS. Docker, containerd and crane
    /// try both too.
    async fn speaks_tls(&self, url: &Url, sent: &reqwest::Result<Response>) -> bool {
        // Servers that speak TLS close the connection or answer 400 (Go, nginx) to those who do not.
        let puzzled = match sent {
            Ok(answer) => answer.status() == StatusCode::BAD_REQUEST,
            Err(error) => !error.is_timeout() && !matches!(kind(error), Failure::Refused | Failure::Name),
        };
        if url.scheme() != "http" || self.plain_http || !is_loopback(url) || !puzzled {
            return false;
        }
        let tls = over_tls(url);
        let Ok(client) = self.client(&tls) else { return false };
        match tokio::time::timeout(self.timeouts.connect, client.get(tls).send()).await {
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
                Ok::<_, SourceError>(
                    self.client(url)?.request(method.clone(), url.clone()).headers(headers.clone()).send().await,
                )
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
        self.client(url)?.post(url.clone()).form(form).send().await.map_err(|error| request_failed(url, &error))
    }

    /// A body of at most `limit` bytes.
    pub(crate) async fn body(&self, url: &Url, response: Response, limit: usize) -> Result<Vec<u8>, SourceError> {
        let too_large = || malformed(shown(url), format!("the answer is larger than {limit} bytes"));
        if response.content_length().is_some_and(|n| n > limit as u64) {
            return Err(too_large());
        }
        let read = async {
            let mut body = Vec::new();
            let mut chunks = response.bytes_stream();
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.map_err(|error| request_failed(url, &error))?;
                if body.len() + chunk.len() > limit {
                    return Err(too_large());
                }
                body.extend_from_slice(&chunk);
            }
            Ok(body)
        };
        let seconds = self.timeouts.document.as_secs();
        tokio::time::timeout(self.timeouts.document, read)
            .await
            .map_err(|_| unavailable(shown(url), format!("the answer did not end within {seconds} s"), ""))?
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

/// Whether the handshake got as far as a certificate.
fn mentions_certificate(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.to_string().contains("certificate") {
            return true;
        }
        source = inner.source();
    }
    false
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

/// Whether `to` is the server that `from` is: the same host and port, or the same host's TLS beside its plain HTTP.
pub(crate) fn same_server(from: &Url, to: &Url) -> bool {
    let usual = |url: &Url| matches!(url.port_or_known_default(), Some(80 | 443));
    from.host() == to.host()
        && !(from.scheme() == "https" && to.scheme() != "https")
        && (from.port_or_known_default() == to.port_or_known_default() || (usual(from) && usual(to)))
}

/// Whether the URL's host is this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
        None => false,
    }
}

/// A URL without what may be secret.
pub(crate) fn shown(url: &Url) -> String {
    let mut plain = url.clone();
    plain.set_query(None);
    plain.set_fragment(None);
    // Both only fail on URLs that have no host, which have no user either.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.to_string()
}

/// How long the answer asks to be left alone (RFC 9110, 10.2.3): seconds or a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = until.as_second().saturating_sub(jiff::Timestamp::now().as_second());
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
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
    let hop = proxy::hop(url.scheme()).unwrap_or_else(|| "on the way".into());
    unauthorized(
        shown(url),
        format!("the proxy {hop} asks for a login (407)"),
        "write http://USER:PASSWORD@HOST:PORT into its variable, or name the registry in NO_PROXY",
    )
}

/// A request that got no answer, or not the whole of it.
pub(crate) fn request_failed(url: &Url, error: &reqwest::Error) -> SourceError {
    let hop = proxy::hop(url.scheme()).filter(|_| error.is_connect() && !is_loopback(url));
    if let Some(hop) = hop {
        let what = describe(error);
        if what.contains("proxy authorization required") {
            return proxy_login(url);
        }
        let advice =
            "does the proxy run, and does it let this registry through? NO_PROXY names hosts that are asked directly";
        return unavailable(shown(url), format!("{what}, by way of the proxy {hop}"), advice);
    }
    let advice = match kind(error) {
        Failure::Refused => "is the registry running, and the port right?",
        Failure::Name => "is the registry's name right, and does this machine resolve names?",
        Failure::Tls if url.scheme() == "https" => {
            "add the registry's CA to the system's certificates (or SSL_CERT_FILE); a registry without TLS needs --plain-http"
        }
        _ => "try again later",
    };
    unavailable(shown(url), describe(error), advice)
}

enum Failure {
    Refused,
    Name,
    Tls,
    Other,
}

fn kind(error: &reqwest::Error) -> Failure {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>()
            && io.kind() == io::ErrorKind::ConnectionRefused
        {
            return Failure::Refused;
        }
        let text = inner.to_string();
        if text.contains("dns error") || text.contains("failed to lookup address") {
            return Failure::Name;
        }
        if inner.is::<rustls::Error>() || text.contains("certificate") || text.contains("InvalidContentType") {
            return Failure::Tls;
        }
        source = inner.source();
    }
    Failure::Other
}

fn describe(error: &reqwest::Error) -> String {
    let what = match kind(error) {
        Failure::Refused => return "the connection was refused".into(),
        Failure::Name => "the host's name cannot be resolved",
        Failure::Tls => "no TLS connection could be made",
        Failure::Other if error.is_timeout() && error.is_connect() => {
            return "no connection within the time allowed".into();
        }
        Failure::Other if error.is_timeout() => return "nothing came within the time allowed".into(),
        Failure::Other if error.is_connect() => "no connection could be made",
        Failure::Other if error.is_body() || error.is_decode() => "the connection broke before the answer was complete",
        Failure::Other => "the request failed",
    };
    // The innermost cause says what; reqwest's own words repeat the URL with its query.
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(|c| c.source()) {
        cause = Some(inner);
    }
    cause.map_or_else(|| what.to_owned(), |c| format!("{what}: {}", crate::error_detail::one_line(&c.to_string(), 200)))
}
