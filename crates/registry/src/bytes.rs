//! What registries and archives send, parsed from bytes alone: for whoever holds the parsers against hostile bytes.
//! Each answer is the parser's own, its error in words.

use std::path::Path;

use layergate_model::{Limits, Platform};
use layergate_ports::values::PlatformSelection;

use crate::{
    Location, http,
    local::LocalImages,
    manifest::{self, Descriptor},
    platforms, resolve,
};

/// Reads a manifest or an index: a line for each descriptor in it, with digest, size and media type, and the platform
/// of a child.
pub fn manifest(bytes: &[u8], content_type: Option<&str>) -> Result<Vec<String>, String> {
    let line = |what: &str, d: &Descriptor| {
        let platform = d.platform.as_ref().filter(|_| what == "child");
        let platform = platform.map_or(String::new(), |p| format!(" {}", platform_text(p)));
        format!("{what} {} {} {}{platform}", d.digest, d.size, d.media_type)
    };
    Ok(match manifest::parse(bytes, content_type).map_err(|e| e.to_string())? {
        manifest::Manifest::Image(image) => std::iter::once(line("config", &image.config))
            .chain(image.layers.iter().map(|layer| line("layer", layer)))
            .collect(),
        manifest::Manifest::Index(index) => index.manifests.iter().map(|child| line("child", child)).collect(),
    })
}

/// Reads an image's configuration: its platform, and a line for each layer that it names.
pub fn config(bytes: &[u8]) -> Result<Vec<String>, String> {
    let config = resolve::read_config("config", bytes).map_err(|e| e.to_string())?;
    let platform = platforms::of(&config).map_or("none".to_owned(), |p| platform_text(&p));
    let layers = config.rootfs.diff_ids.iter().map(|id| format!("layer {id}"));
    Ok(std::iter::once(platform).chain(layers).collect())
}

fn platform_text(platform: &Platform) -> String {
    format!("{}/{}/{}", platform.os, platform.architecture, platform.variant.as_deref().unwrap_or_default())
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
