//! The client: through the environment's proxies to others, past them to this machine.

use std::{
    sync::{Arc, Once, OnceLock},
    time::Duration,
};

use reqwest::{Method, RequestBuilder};
use url::Url;

use crate::{
    address::is_loopback,
    error::ClientError,
    failure::describe,
    proxy,
    trust::{self, Root},
};

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// None: the caller follows them, or a credential is on the way.
    None,
    /// At most so many, and never from https to another scheme.
    Follow(usize),
}

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    /// Which redirects are followed.
    pub redirects: Redirects,
    /// Certificate authorities besides the system's.
    pub roots: Vec<Root>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(15), idle: seconds(60), redirects: Redirects::None, roots: Vec::new() }
    }
}

/// A client for any number of servers; it holds no credential. Copies share their connections.
///
/// What speaks TLS is made when it is first needed: reading the system's CA certificates takes some megabytes and
/// milliseconds, which a scan of archives or of a loopback registry need not pay.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: ClientOptions,
    /// Trust no certificate at all: for plain HTTP only, through a proxy and past all.
    plain: [OnceLock<reqwest::Client>; 2],
    tls: [OnceLock<reqwest::Client>; 2],
}

impl Client {
    /// A client; nothing is opened or read yet.
    pub fn new(options: ClientOptions) -> Self {
        Self { inner: Arc::new(Inner { options, plain: Default::default(), tls: Default::default() }) }
    }

    /// A GET request, to be completed and sent.
    pub fn get(&self, url: &Url) -> Result<RequestBuilder, ClientError> {
        self.request(Method::GET, url)
    }

    /// A request, to be completed and sent.
    pub fn request(&self, method: Method, url: &Url) -> Result<RequestBuilder, ClientError> {
        let past_proxies = is_loopback(url) || proxy::excepts(url);
        if !past_proxies {
            // Only now: what stays on this machine needs no proxy.
            proxy::check()?;
        }
        let n = usize::from(past_proxies);
        let client = match (url.scheme(), self.inner.options.redirects) {
            ("http", Redirects::None) => self.inner.plain(n)?,
            // A redirect may lead to TLS; where there are no certificates, none does.
            ("http", Redirects::Follow(_)) => self.inner.tls(n).or_else(|_| self.inner.plain(n))?,
            _ => self.inner.tls(n)?,
        };
        Ok(client.request(method, url.clone()))
    }
}

impl Inner {
    fn plain(&self, n: usize) -> Result<&reqwest::Client, ClientError> {
        kept(&self.plain[n], || {
            // The library asks for a provider even here.
            provide_tls();
            self.build(n, |builder| builder.tls_certs_only([]))
        })
    }

    fn tls(&self, n: usize) -> Result<&reqwest::Client, ClientError> {
        kept(&self.tls[n], || {
            let trust = trust::config(&self.options.roots).map_err(ClientError::Certificates)?;
            self.build(n, |builder| builder.tls_backend_preconfigured(trust))
        })
    }

    fn build(
        &self,
        n: usize,
        trusting: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<reqwest::Client, ClientError> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("layergate/", env!("CARGO_PKG_VERSION")))
            .redirect(policy(self.options.redirects))
            .connect_timeout(self.options.connect)
            .read_timeout(self.options.idle);
        let builder = if n == 1 { builder.no_proxy() } else { builder };
        trusting(builder).build().map_err(|e| ClientError::Library(describe(&e)))
    }
}

/// Makes ring the process's TLS provider, for libraries that make their own connections. One that was installed before stays:
/// it is as good.
pub fn provide_tls() {
    static RING: Once = Once::new();
    RING.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

/// What is there, or is now made. Two at once may both make one; either will do.
fn kept(
    cell: &OnceLock<reqwest::Client>,
    make: impl FnOnce() -> Result<reqwest::Client, ClientError>,
) -> Result<&reqwest::Client, ClientError> {
    if let Some(client) = cell.get() {
        return Ok(client);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}

fn policy(redirects: Redirects) -> reqwest::redirect::Policy {
    let Redirects::Follow(most) = redirects else { return reqwest::redirect::Policy::none() };
    reqwest::redirect::Policy::custom(move |attempt| {
        let from_https = attempt.previous().last().is_some_and(|u| u.scheme() == "https");
        if attempt.previous().len() > most {
            attempt.error(format!("more than {most} redirects"))
        } else if from_https && attempt.url().scheme() != "https" {
            attempt.error("a redirect from https to something else")
        } else {
            attempt.follow()
        }
    })
}
