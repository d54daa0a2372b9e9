//! The JSON Schema of `layergate.report/v1`, from the types: `cargo run -p layergate-report --example schema >
//! docs/report.schema.json`. A test holds the committed file to it.

fn main() {
    let schema = schemars::schema_for!(layergate_model::Report);
    println!("{}", serde_json::to_string_pretty(&schema).unwrap_or_default());
}
