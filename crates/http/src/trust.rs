//! Which certificates are believed: the system's authorities (`SSL_CERT_FILE`, `SSL_CERT_DIR`), and a certificate that is
//! itself among them.
//!
//! A server of one's own often has a certificate that it signed itself, made by `openssl req -x509`, which marks it as an
//! authority. Added to the trusted ones it is believed by Docker, containerd and crane (Go's rule); rustls alone
//! refuses an authority's certificate at the end of a chain. The name must fit all the same.

use std::{collections::HashSet, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};

#[derive(Debug)]
struct Trust {
    chains: Arc<WebPkiServerVerifier>,
    trusted: HashSet<Vec<u8>>,
}

/// A certificate authority that is believed besides the system's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(CertificateDer<'static>);

/// The certificates of a PEM file; an error says why there are none.
pub fn roots(pem: &[u8]) -> Result<Vec<Root>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = read.map_err(|e| format!("a certificate cannot be read: {e}"))?;
    if found.is_empty() {
        return Err("it holds no certificate in PEM form".into());
    }
    Ok(found.into_iter().map(Root).collect())
}

/// The TLS configuration of a client; an error names why there is none.
pub(crate) fn config(more: &[Root]) -> Result<ClientConfig, String> {
    let mut found = rustls_native_certs::load_native_certs();
    found.certs.extend(more.iter().map(|root| root.0.clone()));
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs.iter().cloned());
    let provider = Arc::new(ring::default_provider());
    let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
    let chains = chains.map_err(|e| format!("the system's CA certificates cannot be used: {e}"))?;
    let trusted = found.certs.iter().map(|c| c.as_ref().to_vec()).collect();
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trust { chains, trusted }))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.chains.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            // What rustls has no word of its own for; a wrong name, an expired certificate have theirs.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if self.trusted.contains(end_entity.as_ref()) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}
