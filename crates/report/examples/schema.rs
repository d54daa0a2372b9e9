//! The JSON Schema of the report: `cargo run -p layergate-report --example schema > docs/report.schema.json`. A test holds
//! the committed file to it.

fn main() {
    println!("{:#}", layergate_report::schema());
}
