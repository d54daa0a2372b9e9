//! How to reach NATS and what the fleet may use there.

use std::{path::PathBuf, time::Duration};

use crate::{error::OptionsError, url_login};

/// How to reach NATS, and what the fleet may use there.
///
/// At most one of credentials file, nkey file and a login in a URL (`nats://user:password@host`, percent-encoded). All
/// processes of a fleet must agree on `fleet`, `replicas`, `ack_wait` and `storage`, for whoever comes first creates
/// the streams and the others compare.
#[derive(Clone, Debug)]
pub struct NatsOptions {
    /// Servers of one cluster: `nats://host:4222`, `tls://…`.
    pub urls: Vec<String>,
    /// A `.creds` file (JWT and seed).
    pub credentials: Option<PathBuf>,
    /// A file with an nkey seed.
    pub nkey: Option<PathBuf>,
    /// Certificates (PEM) of authorities to trust besides the machine's own; implies TLS.
    pub ca: Option<PathBuf>,
    /// The client's certificate and key (PEM); implies TLS.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// What this connection is called in the server's logs and monitoring.
    pub name: String,
    /// The fleet: the prefix of its subjects and streams, so that several can share an account.
    pub fleet: String,
    /// Copies of every stream: 1 or 3 (or 5).
    pub replicas: usize,
    /// How long a message waits for an ack or progress before it is delivered again.
    pub ack_wait: Duration,
    /// The disk that all streams together may fill; the server refuses to reserve more than it has.
    pub storage: u64,
    /// Layer tasks and jobs that may wait, each.
    pub queue_length: u64,
    /// How long one operation is tried before it ends as unavailable.
    pub patience: Duration,
}

impl Default for NatsOptions {
    fn default() -> Self {
        Self {
            urls: vec!["nats://127.0.0.1:4222".into()],
            credentials: None,
            nkey: None,
            ca: None,
            client_certificate: None,
            name: format!("layergate {}", env!("CARGO_PKG_VERSION")),
            fleet: "layergate".into(),
            replicas: 1,
            ack_wait: Duration::from_secs(30),
            storage: 16 << 30,
            queue_length: 1_000_000,
            patience: Duration::from_secs(10),
        }
    }
}

impl NatsOptions {
    /// The defaults, for these servers.
    pub fn new(urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { urls: urls.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Whether they make sense; what does not can be found out before anybody connects.
    pub fn check(&self) -> Result<(), OptionsError> {
        let bad = |option, why: &str| Err(OptionsError { option, why: why.to_owned() });
        if self.urls.is_empty() {
            return bad("nats url", "name at least one server, such as nats://127.0.0.1:4222");
        }
        if self.credentials.is_some() && self.nkey.is_some() {
            return bad("nats credentials", "a credentials file and an nkey file are two identities; give one");
        }
        let (_, login) = url_login::logins(&self.urls)?;
        if login.is_some() && (self.credentials.is_some() || self.nkey.is_some()) {
            return bad("nats credentials", "a login in the URL and a file with an identity are two; give one");
        }
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if self.fleet.is_empty() || self.fleet.len() > 32 || !self.fleet.bytes().all(plain) {
            return bad("fleet", "1 to 32 lower-case letters, digits and hyphens");
        }
        if ![1, 3, 5].contains(&self.replicas) {
            return bad("nats replicas", "1, 3 or 5");
        }
        if self.ack_wait < Duration::from_secs(1) {
            return bad("ack wait", "at least one second");
        }
        if self.storage < 256 << 20 {
            return bad("nats storage", "at least 256 MiB");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_reported_by_its_name() {
        assert_eq!(NatsOptions::default().check(), Ok(()));
        let default = NatsOptions::default;
        let cases = [
            (NatsOptions { urls: vec![], ..default() }, "nats url"),
            (NatsOptions { credentials: Some("a".into()), nkey: Some("b".into()), ..default() }, "nats credentials"),
            (
                NatsOptions { urls: vec!["nats://u:p@a".into()], nkey: Some("b".into()), ..default() },
                "nats credentials",
            ),
            (NatsOptions { fleet: "a.b".into(), ..default() }, "fleet"),
            (NatsOptions { fleet: String::new(), ..default() }, "fleet"),
            (NatsOptions { replicas: 2, ..default() }, "nats replicas"),
            (NatsOptions { ack_wait: Duration::ZERO, ..default() }, "ack wait"),
            (NatsOptions { storage: 1 << 20, ..default() }, "nats storage"),
        ];
        for (options, option) in cases {
            assert_eq!(options.check().unwrap_err().option, option);
        }
    }
}
