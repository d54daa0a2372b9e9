//! What registries and archives send, parsed from bytes alone: for whoever holds the parsers against hostile bytes. Each
//! answer is the parser's own, its error in words.

use std::path::Path;

use layergate_model::{ImageConfig, Limits};
use layergate_ports::values::PlatformSelection;

use crate::{Location, http, local::LocalImages, manifest, resolve};

/// Reads a manifest or an index; how many layers or children it names.
pub fn manifest(bytes: &[u8], content_type: Option<&str>) -> Result<usize, String> {
    match manifest::parse(bytes, content_type).map_err(|e| e.to_string())? {
        manifest::Manifest::Image(image) => Ok(image.layers.len()),
        manifest::Manifest::Index(index) => Ok(index.manifests.len()),
    }
}

/// Reads an image's configuration.
pub fn config(bytes: &[u8]) -> Result<ImageConfig, String> {
    resolve::read_config("config", bytes).map_err(|e| e.to_string())
}

/// Reads `WWW-Authenticate` headers; whether one of them is of a known kind.
pub fn challenge(headers: &[&str]) -> bool {
    http::is_known_challenge(headers)
}

/// The images of a file, whatever it is; how many there are.
pub fn archive(file: &Path, limits: &Limits) -> Result<usize, String> {
    let images = LocalImages::new(limits.clone());
    let found = images.resolve(&Location::Path(file.to_owned()), &PlatformSelection::All);
    found.map(|found| found.len()).map_err(|e| e.to_string())
}
