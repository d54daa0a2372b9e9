//! The layergate binary.
fn main() {}
