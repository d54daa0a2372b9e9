//! A real registry: Debian's `docker-registry` on a free loopback port, with and without a password.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use layergate_http::{Client, ClientOptions, Method};
use layergate_model::Digest;
use layergate_ports::values::SourceError;
use layergate_registry::{
    SourceOptions, Sources,
    credentials::{CredentialSources, DockerConfig},
};
use support::*;

/// bcrypt (cost 4) of `open sesame` for the user `ci`: made once, for these tests alone.
const HTPASSWD: &str = "ci:$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy";
const LOGIN: &str = "Y2k6b3BlbiBzZXNhbWU=";

struct Registry {
    process: Child,
    address: String,
    _dir: tempfile::TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn start(binary: &Path, password: bool) -> Registry {
    let dir = tempfile::tempdir().unwrap();
    let address = format!("127.0.0.1:{}", layergate_tests::servers::free_port());
    let mut config = format!(
        "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
        dir.path().join("data").display()
    );
    if password {
        let file = dir.path().join("htpasswd");
        fs::write(&file, format!("{HTPASSWD}\n")).unwrap();
        config.push_str(&format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", file.display()));
    }
    let file = dir.path().join("config.yml");
    fs::write(&file, config).unwrap();
    let process = Command::new(binary)
        .args(["serve".as_ref(), file.as_os_str()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let registry = Registry { process, address, _dir: dir };
    for _ in 0..1200 {
        if std::net::TcpStream::connect(&registry.address).is_ok() {
            return registry;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("docker-registry did not start");
}

/// Pushes as the distribution specification has it: POST, PUT, and the manifest last.
async fn push(registry: &Registry, image: &Image, name: &str, login: bool) {
    let client = Client::new(ClientOptions::default());
    let request = |method, url: String| {
        let request = client.request(method, &url.parse().unwrap()).unwrap();
        if login { request.header("Authorization", format!("Basic {LOGIN}")) } else { request }
    };
    let base = format!("http://{}/v2/{name}", registry.address);
    for (digest, blob) in &image.blobs {
        let begun = request(Method::POST, format!("{base}/blobs/uploads/")).send().await.unwrap();
        assert_eq!(begun.status(), 202, "{}", begun.text().await.unwrap());
        let location = begun.headers().get("location").unwrap().to_str().unwrap().to_owned();
        let put = request(Method::PUT, format!("{location}&digest={digest}")).body(blob.clone()).send().await.unwrap();
        assert_eq!(put.status(), 201, "{}", put.text().await.unwrap());
    }
    for tag in ["v1", "latest"] {
        let put = request(Method::PUT, format!("{base}/manifests/{tag}"))
            .header("Content-Type", OCI_MANIFEST)
            .body(image.manifest.clone());
        let put = put.send().await.unwrap();
        assert_eq!(put.status(), 201, "{}", put.text().await.unwrap());
    }
}

#[tokio::test]
async fn push_resolve_and_read() {
    let Some(binary) = layergate_tests::servers::tool("docker-registry") else { return };
    let anonymous = sources();
    let image = image("registry", "linux/amd64");

    let open = start(&binary, false).await;
    push(&open, &image, "team/app", false).await;
    for name in ["team/app", "team/app:v1", &format!("team/app@{}", Digest::of(&image.manifest))] {
        let found = resolve(&anonymous, &format!("{}/{name}", open.address)).await.unwrap();
        assert_eq!(found[0].layers.iter().map(|l| l.digest).collect::<Vec<_>>(), image.layers);
        read_all(&anonymous, &found[0]).await;
    }
    for (name, want) in [("team/app:v2", "404"), ("team/none", "404"), ("team/app@sha256:", "")] {
        let Ok(location) = format!("{}/{name}", open.address).parse::<layergate_registry::Location>() else { continue };
        let error = resolve(&anonymous, &location.to_string()).await.unwrap_err();
        assert!(matches!(error, SourceError::NotFound(_)) && error.to_string().contains(want), "{error}");
    }

    let closed = start(&binary, true).await;
    push(&closed, &image, "team/app", true).await;
    let name = format!("{}/team/app:v1", closed.address);
    let error = resolve(&anonymous, &name).await.unwrap_err();
    assert!(matches!(error, SourceError::Unauthorized(_)), "{error}");

    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.json");
    fs::write(&file, format!(r#"{{"auths":{{"{}":{{"auth":"{LOGIN}"}}}}}}"#, closed.address)).unwrap();
    let docker = DockerConfig { inline: None, files: vec![file] };
    let credentials = CredentialSources { docker, secrets_dir: None };
    let known = Sources::new(SourceOptions { credentials, ..options() });
    let found = resolve(&known, &name).await.unwrap();
    assert_eq!(found[0].digest, Digest::of(&image.manifest));
    read_all(&known, &found[0]).await;
}
