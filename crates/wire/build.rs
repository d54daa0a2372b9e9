//! Compiles `proto/` with protox, so that nobody needs protoc.

use std::{error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let files = ["common", "fleet", "job", "layer", "verdict"].map(|name| format!("layergate/v1/{name}.proto"));
    let descriptors = protox::compile(files, [root])?;
    prost_build::Config::new().bytes(["."]).compile_fds(descriptors)?;
    Ok(())
}
