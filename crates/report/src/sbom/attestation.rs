//! The SBOM inside an in-toto attestation (DSSE envelope, as cosign and `syft attest` write it): base64 of a statement
//! whose `predicate` is the document, or holds it as `Data` (older cosign). Only one envelope is opened.

use base64::Engine as _;
use serde::{Deserialize, de::Error as _};
use serde_json::Value;

#[derive(Deserialize)]
struct Envelope {
    payload: String,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(default)]
    predicate: Value,
}

/// The document's bytes; `None` where the statement is about something else.
pub(super) fn predicate(bytes: &[u8]) -> Result<Option<Vec<u8>>, serde_json::Error> {
    let envelope: Envelope = serde_json::from_slice(bytes)?;
    let payload =
        base64::engine::general_purpose::STANDARD.decode(envelope.payload).map_err(serde_json::Error::custom)?;
    let mut predicate = serde_json::from_slice::<Statement>(&payload)?.predicate;
    if let Some(data) = predicate.get_mut("Data") {
        predicate = data.take();
    }
    match predicate {
        Value::String(text) => Ok(Some(text.into_bytes())),
        Value::Object(_) => serde_json::to_vec(&predicate).map(Some),
        _ => Ok(None),
    }
}
