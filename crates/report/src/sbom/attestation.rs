//! The SBOM inside an in-toto attestation: a statement whose `predicate` is the document, or holds it as `Data` (older
//! cosign); bare (BuildKit attaches it so), in a DSSE envelope (cosign, `syft attest`) or in a Sigstore bundle. Only one is
//! opened. <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>

use base64::Engine as _;
use serde::{Deserialize, de::Error as _};
use serde_json::Value;

#[derive(Deserialize)]
struct Envelope {
    payload: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attestation {
    #[serde(default)]
    payload: Option<String>,
    #[serde(default)]
    dsse_envelope: Option<Envelope>,
    #[serde(default)]
    predicate: Value,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(default)]
    predicate: Value,
}

/// The document's bytes; `None` where the statement is about something else.
pub(super) fn predicate(bytes: &[u8]) -> Result<Option<Vec<u8>>, serde_json::Error> {
    let attestation: Attestation = serde_json::from_slice(bytes)?;
    let payload = attestation.payload.or(attestation.dsse_envelope.map(|e| e.payload));
    let mut predicate = match payload {
        Some(payload) => {
            let payload =
                base64::engine::general_purpose::STANDARD.decode(payload).map_err(serde_json::Error::custom)?;
            serde_json::from_slice::<Statement>(&payload)?.predicate
        }
        None => attestation.predicate,
    };
    if let Some(data) = predicate.get_mut("Data") {
        predicate = data.take();
    }
    match predicate {
        Value::String(text) => Ok(Some(text.into_bytes())),
        Value::Object(_) => serde_json::to_vec(&predicate).map(Some),
        _ => Ok(None),
    }
}
