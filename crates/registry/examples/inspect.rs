//! Prints what images resolve to, or the exact error: `cargo run -p layergate-registry --example inspect -- IMAGE…`.
//! With `--read` every layer is read to its end and its digest compared.

use futures::StreamExt as _;
use layergate_ports::{
    ImageSource,
    values::{ImageRequest, LayerDescriptor, PlatformSelection},
};
use layergate_registry::{Location, SourceOptions, Sources, credentials::CredentialSources};
use sha2::{Digest as _, Sha256};

#[tokio::main]
async fn main() {
    let credentials = CredentialSources::from_environment(None);
    let options = SourceOptions { local: true, credentials, ..SourceOptions::default() };
    let sources = Sources::new(options);
    let (flags, images): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|a| a.starts_with("--"));
    for image in images {
        let location: Location = match image.parse() {
            Ok(location) => location,
            Err(error) => {
                println!("{image}\n  {error}");
                continue;
            }
        };
        let platforms =
            if flags.iter().any(|f| f == "--all") { PlatformSelection::All } else { PlatformSelection::Default };
        let request = ImageRequest { image: location.locator(), platforms, credential: None };
        match sources.resolve(&request).await {
            Err(error) => println!("{image}\n  {error}"),
            Ok(found) => {
                for image in found {
                    let platform = image.platform.as_ref().map_or_else(|| "-".into(), ToString::to_string);
                    println!("{}\n  {} {platform}", image.reference, image.digest);
                    for text in image.left_out.iter().chain(&image.other_platforms) {
                        println!("  left out: {text}");
                    }
                    for gap in &image.gaps {
                        println!("  gap: {gap:?}");
                    }
                    for layer in &image.layers {
                        println!("  layer {} {}", layer.digest, layer.size);
                        match &layer.unsupported {
                            Some(gap) => println!("    gap: {}", gap.detail),
                            None if flags.iter().any(|f| f == "--read") => {
                                println!("    {}", read(&sources, layer).await)
                            }
                            None => {}
                        }
                    }
                }
            }
        }
    }
}

async fn read(sources: &Sources, layer: &LayerDescriptor) -> String {
    let mut stream = match sources.open(&layer.locator).await {
        Ok(stream) => stream.chunks,
        Err(error) => return error.to_string(),
    };
    let (mut hasher, mut size) = (Sha256::new(), 0);
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(bytes) => {
                size += bytes.len();
                hasher.update(&bytes);
            }
            Err(error) => return error.to_string(),
        }
    }
    let right = hasher.finalize().as_slice() == layer.digest.as_bytes();
    format!("{size} bytes, the digest is {}", if right { "right" } else { "wrong" })
}
