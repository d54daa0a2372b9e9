//! What the tests share: sources that do not wait long, images made by hand, and a small HTTP server that does as
//! reported.
#![allow(dead_code, unreachable_pub)]

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::StreamExt as _;
use layergate_model::Digest;
use layergate_ports::{
    ImageSource,
    values::{ImageRequest, LayerLocator, PlatformSelection, ResolvedImage, SourceError},
};
use layergate_registry::{Location, Retry, SourceOptions, Sources, Timeouts};
use serde_json::{Value, json};

pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

pub fn options() -> SourceOptions {
    SourceOptions {
        local: true,
        retry: Retry { times: 3, first_wait: Duration::from_millis(5), longest_wait: Duration::from_secs(2) },
        timeouts: Timeouts {
            connect: Duration::from_secs(2),
            idle: Duration::from_millis(500),
            document: Duration::from_secs(2),
        },
        ..SourceOptions::default()
    }
}

pub fn sources() -> Sources {
    Sources::new(options())
}

pub async fn resolve(sources: &Sources, image: &str) -> Result<Vec<ResolvedImage>, SourceError> {
    resolve_for(sources, image, PlatformSelection::Default).await
}

pub async fn resolve_for(
    sources: &Sources,
    image: &str,
    platforms: PlatformSelection,
) -> Result<Vec<ResolvedImage>, SourceError> {
    let location: Location = image.parse().unwrap();
    sources.resolve(&ImageRequest { image: location.locator(), platforms, credential: None }).await
}

pub async fn read(sources: &Sources, layer: &LayerLocator) -> Result<Vec<u8>, String> {
    let mut stream = sources.open(layer).await.map_err(|e| e.to_string())?.chunks;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk.map_err(|e| e.to_string())?);
    }
    Ok(bytes)
}

/// Reads every layer of an image and holds it against its digest.
pub async fn read_all(sources: &Sources, image: &ResolvedImage) {
    for layer in image.layers.iter().filter(|l| l.unsupported.is_none()) {
        let bytes = read(sources, &layer.locator).await.unwrap();
        assert_eq!((Digest::of(&bytes), bytes.len() as u64), (layer.digest, layer.size), "{}", image.reference);
    }
}

/// A tar archive of files.
pub fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len()})
}

/// Blobs by digest, and the manifest of an image of three layers.
pub struct Image {
    pub blobs: HashMap<Digest, Vec<u8>>,
    pub layers: Vec<Digest>,
    pub manifest: Vec<u8>,
}

/// A small image; `seed` makes it another one.
pub fn image(seed: &str, platform: &str) -> Image {
    let (os, architecture) = platform.split_once('/').unwrap();
    let layers: Vec<_> = (0..3)
        .map(|i| gzip(&tar_of(&[("etc/layer", format!("{seed} {i}").as_bytes()), ("pad", &vec![i; 50_000])])))
        .collect();
    let config = json!({"os": os, "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": []}});
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(OCI_CONFIG, &config),
        "layers": layers.iter().map(|l| descriptor(OCI_LAYER, l)).collect::<Vec<_>>(),
    });
    let names = layers.iter().map(|l| Digest::of(l)).collect();
    let blobs = layers.into_iter().chain([config]).map(|b| (Digest::of(&b), b)).collect();
    Image { blobs, layers: names, manifest: manifest.to_string().into_bytes() }
}

/// Where the shared data lies, if it is on this machine: beside the checkout, or above it.
pub fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|dir| dir.join("shared"));
    let reported = std::env::var_os("LAYERGATE_SHARED").map(PathBuf::from);
    reported.into_iter().chain(beside).find(|root| root.join("data/images").is_dir())
}

#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Close the connection after so many bytes of the body.
    pub cut: Option<usize>,
    /// Wait this long before the answer.
    pub pause: Duration,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), cut: None, pause: Duration::ZERO }
    }
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.into(), value.to_string()));
        self
    }
    pub fn cut(mut self, bytes: usize) -> Self {
        self.cut = Some(bytes);
        self
    }
}

/// An HTTP/1.1 server on a free loopback port; it ends with the process.
pub struct Server {
    pub address: String,
    pub requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, handler) = (Arc::clone(&requests), Arc::new(handler));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, handler) = (Arc::clone(&seen), Arc::clone(&handler));
                std::thread::spawn(move || serve(stream, &seen, &*handler));
            }
        });
        Self { address, requests }
    }

    pub fn paths(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|r| format!("{} {}", r.method, r.path)).collect()
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Request>>, handler: &dyn Fn(&Request) -> Reply) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let mut words = line.split_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let request = Request { method, path, headers, body: String::from_utf8_lossy(&body).into_owned() };
        seen.lock().unwrap().push(request.clone());
        let reply = handler(&request);
        std::thread::sleep(reply.pause);
        let mut head = format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        writer.write_all(head.as_bytes()).ok()?;
        writer.write_all(&reply.body[..reply.cut.unwrap_or(reply.body.len()).min(reply.body.len())]).ok()?;
        writer.flush().ok()?;
        if reply.cut.is_some() {
            writer.shutdown(std::net::Shutdown::Both).ok()?;
            return None;
        }
    }
}

/// A registry that has `image` at `team/app` under every tag, and its manifest's digest.
pub fn serve_image(image: &Image, request: &Request) -> Option<Reply> {
    let rest = request.path.strip_prefix("/v2/team/app/")?;
    if let Some(digest) = rest.strip_prefix("blobs/") {
        let bytes = image.blobs.get(&digest.parse().ok()?)?;
        let from = request.headers.get("range").and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        return Some(match from {
            Some(from) => {
                let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
                Reply::new(206, &bytes[from..]).header("Content-Range", range)
            }
            None => Reply::new(200, bytes.clone()),
        });
    }
    rest.strip_prefix("manifests/")?;
    Some(Reply::new(200, image.manifest.clone()).header("Content-Type", OCI_MANIFEST))
}
