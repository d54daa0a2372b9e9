//! The JSON Schema of `-o json`, generated from the types: one report or several.

use layergate_model::{Report, Reports};
use serde_json::{Value, json};

/// The schema (JSON Schema 2020-12) as it is published in `docs/report.schema.json`.
pub fn schema() -> Value {
    let mut generator = schemars::SchemaGenerator::default();
    let one = generator.subschema_for::<Report>();
    let several = generator.subschema_for::<Reports>();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "layergate.report/v1 or layergate.reports/v1",
        "description": "What layergate scan -o json writes. Within v1 there are only additions.",
        "anyOf": [one, several],
        "$defs": generator.take_definitions(true),
    })
}
