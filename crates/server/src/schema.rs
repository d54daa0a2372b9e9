//! The JSON Schema of the API's bodies, generated from the types.

use serde_json::{Value, json};

use crate::{ErrorAnswer, FleetStatus, JobAnswer, Submission, Submitted, UploadedDigest};

/// The schema (JSON Schema 2020-12) as it is published in `docs/api.schema.json`: one definition for each body.
pub fn schema() -> Value {
    let mut generator = schemars::SchemaGenerator::default();
    // Each becomes a definition under its own name, with what it refers to.
    generator.subschema_for::<Submission>();
    generator.subschema_for::<Submitted>();
    generator.subschema_for::<JobAnswer>();
    generator.subschema_for::<UploadedDigest>();
    generator.subschema_for::<FleetStatus>();
    generator.subschema_for::<ErrorAnswer>();
    // A field by which answers refer to it only in words.
    generator.subschema_for::<crate::FailureAnswer>();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "layergate API v1",
        "description": "The bodies of a coordinator's HTTP API (docs/api.md). Within v1 there are only additions: a client passes over fields that it does not know, and takes a word of an enumeration that it does not know for the worst.",
        "$defs": generator.take_definitions(true),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_published_schema_is_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api.schema.json");
        let want = format!("{:#}\n", super::schema());
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, &want).unwrap();
        }
        assert!(
            std::fs::read_to_string(path).unwrap_or_default() == want,
            "run with UPDATE_GOLDEN=1 and read the diff"
        );
    }
}
