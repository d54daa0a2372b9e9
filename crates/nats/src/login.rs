//! How a connection is made: identity and certificates, which troubles pass and which do not, and what is said of it.
//!
//! User and password may stand in a URL (RFC 3986, percent-encoded; NATS's own form, where a user alone is a token). They are
//! taken out of it here: servers that a cluster names by itself need them too, and no message must show them.

use std::{
    error::Error as _,
    io,
    sync::{Mutex, PoisonError},
};

use async_nats::{ConnectErrorKind, ConnectOptions, Event, ServerError};

use crate::{
    error::ConnectError,
    options::{NatsOptions, OptionsError},
};

/// Who says so, as URLs have it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Login {
    /// User and password.
    User(String, String),
    /// A token.
    Token(String),
}

/// A server without a login, and the login that stood in its URL.
fn split(url: &str) -> (String, Option<Login>) {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(s, r)| (&url[..s.len() + 3], r));
    // On the text, for `user:secret@host` reads as a URL of the scheme `user`, and a password may hold a slash.
    let Some((login, host)) = rest.rsplit_once('@') else { return (url.to_owned(), None) };
    let login = match login.split_once(':') {
        Some((user, password)) => Login::User(decoded(user), decoded(password)),
        None => Login::Token(decoded(login)),
    };
    (format!("{scheme}{host}"), Some(login))
}

/// Percent-decoded; a sign that encodes nothing stands for itself.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let digits = more.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        // A sign before digits would be a number too.
        let byte = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match byte.and_then(|d| u8::from_str_radix(d, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The servers without logins, and the one login of all of them.
pub(crate) fn logins(urls: &[String]) -> Result<(Vec<String>, Option<Login>), OptionsError> {
    let bad = |why: &str| OptionsError { option: "nats url", why: why.to_owned() };
    let (mut servers, mut login) = (Vec::new(), None);
    for (server, of_url) in urls.iter().map(|url| split(url)) {
        if let Some(of_url) = of_url
            && login.replace(of_url.clone()).is_some_and(|other| other != of_url)
        {
            return Err(bad("the servers of one cluster are given different logins; give one, in one URL"));
        }
        servers.push(server);
    }
    Ok((servers, login))
}

/// Options with the identity and the certificates that were asked for.
pub(crate) async fn identified(options: &NatsOptions, login: Option<Login>) -> Result<ConnectOptions, ConnectError> {
    let in_file = |path: &std::path::Path| {
        let path = path.display().to_string();
        move |source| ConnectError::File { path, source }
    };
    let mut connect = ConnectOptions::new();
    match login {
        Some(Login::User(user, password)) => connect = connect.user_and_password(user, password),
        Some(Login::Token(token)) => connect = connect.token(token),
        None => {}
    }
    if let Some(path) = &options.credentials {
        connect = connect.credentials_file(path).await.map_err(in_file(path))?;
    }
    if let Some(path) = &options.nkey {
        let seed = tokio::fs::read_to_string(path).await.map_err(in_file(path))?;
        connect = connect.nkey(seed.trim().to_owned());
    }
    if let Some(path) = &options.ca {
        connect = connect.add_root_certificates(path.clone()).require_tls(true);
    }
    if let Some((certificate, key)) = &options.client_certificate {
        connect = connect.add_client_certificate(certificate.clone(), key.clone()).require_tls(true);
    }
    Ok(connect)
}

/// What a failed connection comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The server may be about to start, or the network to come back.
    Passing(String),
    /// Nothing changes before somebody changes something.
    Lasting(String),
}

/// What is to be made of a failed connection, in words for whoever can fix it.
pub(crate) fn fault(error: &async_nats::ConnectError) -> Fault {
    let why = error.to_string();
    match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => Fault::Lasting(
            "it refuses the login; look at the user and password in the URL, --nats-creds or --nats-nkey".to_owned(),
        ),
        ConnectErrorKind::ServerParse => Fault::Lasting(format!("{why} (nats://host:4222 or tls://host:4222)")),
        ConnectErrorKind::Tls => Fault::Lasting(untrusted(&why)),
        ConnectErrorKind::TimedOut => Fault::Passing(
            "it takes connections and does not speak NATS; is this the port for clients (4222), and no other's?"
                .to_owned(),
        ),
        ConnectErrorKind::Io => match io_kind(error) {
            // TLS says so by the data that it cannot use.
            Some(io::ErrorKind::InvalidData) => Fault::Lasting(untrusted(&why)),
            _ => Fault::Passing(why),
        },
        _ => Fault::Passing(why),
    }
}

fn io_kind(error: &async_nats::ConnectError) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        source = error.source();
    }
    None
}

fn untrusted(why: &str) -> String {
    let hint = if why.contains("invalid peer certificate") {
        "; name the authority that signed the server's certificate with --nats-ca"
    } else if why.contains("InvalidContentType") {
        "; the server does not speak TLS: say nats:// for it"
    } else {
        ""
    };
    format!("{why}{hint}")
}

/// Says what happens to a connection that stands or stood, each thing once until it is fixed.
#[derive(Default)]
pub(crate) struct Reporter(Mutex<Said>);

#[derive(Default)]
struct Said {
    lost: bool,
    last: String,
}

impl Reporter {
    /// Takes note of an event of the client.
    pub(crate) fn event(&self, event: &Event) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Connected => {
                if std::mem::take(&mut said.lost) {
                    tracing::info!("NATS is reached again");
                }
                said.last.clear();
            }
            Event::Disconnected => {
                said.lost = true;
                tracing::warn!("the connection to NATS is lost; trying again");
            }
            Event::SlowConsumer(_) => tracing::warn!("a NATS subscription is slow; messages were dropped"),
            Event::ServerError(ServerError::AuthorizationViolation) => said.once("NATS refuses the login"),
            Event::ServerError(error) => said.once(&format!("NATS says: {error}")),
            Event::ClientError(async_nats::ClientError::Other(why)) if why == "authorization violation" => {
                said.once("NATS refuses the login");
            }
            // Before the first connection whoever connects says it.
            Event::ClientError(error) if said.lost => said.once(&format!("NATS is out of reach: {error}")),
            other => tracing::debug!(event = %other, "NATS"),
        }
    }
}

impl Said {
    fn once(&mut self, what: &str) {
        if self.last != what {
            what.clone_into(&mut self.last);
            tracing::warn!("{what}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_taken_out_of_urls_whatever_they_hold() {
        let user = |user: &str, password: &str| Some(Login::User(user.to_owned(), password.to_owned()));
        for (url, server, login) in [
            ("nats://a:4222", "nats://a:4222", None),
            ("nats://user:secret@a:4222", "nats://a:4222", user("user", "secret")),
            ("nats://us%40er:s%2Fe%3Ac@a", "nats://a", user("us@er", "s/e:c")),
            ("nats://user:p/a@ss:w%@a", "nats://a", user("user", "p/a@ss:w%")),
            ("nats://user:%+1@a", "nats://a", user("user", "%+1")),
            ("user:secret@c", "c", user("user", "secret")),
            ("tls://token@d", "tls://d", Some(Login::Token("token".to_owned()))),
        ] {
            let (server_is, login_is) = split(url);
            assert!(server_is == server && login_is == login, "{url}: {server_is}");
        }
        let urls = |list: [&str; 2]| logins(&list.map(str::to_owned));
        assert!(urls(["nats://u:p@a", "nats://b"]).is_ok_and(|(servers, _)| servers == ["nats://a", "nats://b"]));
        assert!(urls(["nats://u:p@a", "nats://u:p@b"]).is_ok());
        let error = urls(["nats://u:p@a", "nats://u:other@b"]).map(drop).unwrap_err().to_string();
        assert!(!error.contains("other"), "{error}");
    }
}
