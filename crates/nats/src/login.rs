//! How a connection is made: identity and certificates, which troubles pass and which do not, and what is said of it.

use std::{
    error::Error as _,
    io,
    sync::{Mutex, PoisonError},
};

use async_nats::{ConnectErrorKind, ConnectOptions, Event, ServerError};

use crate::{error::ConnectError, options::NatsOptions, url_login::Login};

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
