//! A snapshot to a real registry and back, and what a registry may hand out instead.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use layergate_http::{Client, ClientOptions, Method};
use layergate_model::{Digest, ImageReference};
use layergate_ports::values::SourceError;
use layergate_registry::{DELTA_TYPE, DeltaCodec, LAYER_TYPE};
use serde_json::{Value, json};
use support::*;

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

/// Debian's `docker-registry` on a free port of this machine.
async fn start() -> Option<Registry> {
    let binary = layergate_tests::servers::tool("docker-registry")?;
    let dir = tempfile::tempdir().unwrap();
    let address = format!("127.0.0.1:{}", layergate_tests::servers::free_port());
    let config = format!(
        "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
        dir.path().join("data").display()
    );
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
            return Some(registry);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("docker-registry did not start");
}

/// Bytes that pack, but not to nothing.
fn snapshot() -> Vec<u8> {
    let mut state = 7u32;
    (0..3_000_000)
        .map(|i: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if i.is_multiple_of(3) { (state >> 24) as u8 } else { b'x' }
        })
        .collect()
}

/// Deltas that are the new file itself behind what they are `to` be led by: the way of a test.
struct Codec {
    makes: bool,
    /// What is led to in place of it.
    wrong: Option<&'static [u8]>,
}

impl DeltaCodec for Codec {
    fn between(&self, old: &Path, new: &Path) -> Option<Vec<u8>> {
        let (old, new) = (fs::read(old).ok()?, fs::read(new).ok()?);
        self.makes.then(|| [Digest::of(&old).to_string().as_bytes(), &new[..1000], &[new[3000]; 3000]].concat())
    }

    fn follow(&self, old: &Path, deltas: &[Vec<u8>], most: u64) -> Result<Vec<u8>, String> {
        let mut at = fs::read(old).unwrap();
        for delta in deltas {
            if !delta.starts_with(Digest::of(&at).to_string().as_bytes()) {
                return Err("it is another's".into());
            }
            at[3000] = *delta.last().unwrap();
        }
        assert_eq!(most, at.len() as u64);
        Ok(self.wrong.map_or(at, <[u8]>::to_vec))
    }
}

fn codec(makes: bool, wrong: Option<&'static [u8]>) -> Arc<dyn DeltaCodec> {
    Arc::new(Codec { makes, wrong })
}

fn nothing() -> Arc<dyn DeltaCodec> {
    codec(false, None)
}

#[tokio::test]
async fn a_delta_in_place_of_the_whole_and_the_whole_where_it_leads_elsewhere() {
    let Some(registry) = start().await else { return };
    let (sources, home) = (sources(), tempfile::tempdir().unwrap());
    let (kept, works) = (home.path().join("kept"), codec(true, None));
    let reference: ImageReference = format!("{}/sec/advisories:v1", registry.address).parse().unwrap();
    let days: Vec<Vec<u8>> = (1..=4)
        .map(|day| {
            let mut bytes = snapshot();
            bytes[3000] = day;
            bytes
        })
        .collect();
    let file = |day: usize| {
        let path = home.path().join(format!("day-{day}"));
        fs::write(&path, &days[day]).unwrap();
        path
    };
    let start_from = |folder: &Path, day: usize| {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(format!("sha256-{}.lgdb", Digest::of(&days[day]).to_hex())), &days[day]).unwrap();
    };
    let manifest = |digest: Digest| fs::read_to_string(registry_blob(&registry, digest)).unwrap();
    for day in 0..3 {
        let pushed = sources.push_snapshot(&file(day), None, &reference, &kept, &works).await.unwrap();
        assert_eq!(manifest(pushed).matches(DELTA_TYPE).count(), day, "each push adds one");
        // Pushed again, it is the same artifact.
        assert_eq!(sources.push_snapshot(&file(day), None, &reference, &kept, &works).await.unwrap(), pushed);
    }
    let whole = sources.pull_snapshot(&reference, &home.path().join("nothing"), &works, &|_, _| {}).await.unwrap();
    assert_eq!((whole.deltas, &whole.detour), (0, &None));
    for (from, codec, deltas, detour) in [
        (1, &works, 1, None),
        (0, &works, 2, None),
        (0, &codec(true, Some(b"elsewhere")), 0, Some("lead to sha256:")),
        (1, &codec(true, Some(b"")), 0, Some("and not to sha256:")),
    ] {
        let folder = home.path().join(format!("{from}-{detour:?}"));
        start_from(&folder, from);
        let pulled = sources.pull_snapshot(&reference, &folder, codec, &|_, _| {}).await.unwrap();
        assert_eq!(fs::read(&pulled.path).unwrap(), days[2]);
        assert_eq!(pulled.deltas, deltas);
        assert!(pulled.detour.as_deref().unwrap_or_default().contains(detour.unwrap_or_default()), "{pulled:?}");
        assert_eq!((pulled.detour.is_some(), pulled.fetched < 5000), (detour.is_some(), deltas > 0), "{pulled:?}");
    }
    // What is called yesterday's and is not: the whole comes.
    let folder = home.path().join("rotten");
    start_from(&folder, 1);
    fs::write(folder.join(format!("sha256-{}.lgdb", Digest::of(&days[1]).to_hex())), &days[3]).unwrap();
    let pulled = sources.pull_snapshot(&reference, &folder, &works, &|_, _| {}).await.unwrap();
    assert_eq!((fs::read(&pulled.path).unwrap(), pulled.deltas), (days[2].clone(), 0));
    assert!(pulled.detour.unwrap().contains("another's"));
    // A push whose way cannot be made goes without, and carries the older ones on.
    let pushed = sources.push_snapshot(&file(3), None, &reference, &kept, &nothing()).await.unwrap();
    assert_eq!(manifest(pushed).matches(DELTA_TYPE).count(), 2);
    let folder = home.path().join("no-way");
    start_from(&folder, 1);
    let pulled = sources.pull_snapshot(&reference, &folder, &works, &|_, _| {}).await.unwrap();
    assert_eq!((pulled.deltas, pulled.detour), (0, None));
}

fn registry_blob(registry: &Registry, digest: Digest) -> std::path::PathBuf {
    let hex = digest.to_hex();
    registry._dir.path().join("data/docker/registry/v2/blobs/sha256").join(&hex[..2]).join(hex).join("data")
}

async fn put(registry: &Registry, name: &str, blobs: &[&[u8]], manifest: &Value) {
    let client = Client::new(ClientOptions::default());
    let request = |method, url: String| client.request(method, &url.parse().unwrap()).unwrap();
    let base = format!("http://{}/v2/{name}", registry.address);
    for blob in blobs {
        let begun = request(Method::POST, format!("{base}/blobs/uploads/")).send().await.unwrap();
        let location = begun.headers().get("location").unwrap().to_str().unwrap().to_owned();
        let url = format!("{location}&digest={}", Digest::of(blob));
        assert_eq!(request(Method::PUT, url).body(blob.to_vec()).send().await.unwrap().status(), 201);
    }
    let request = request(Method::PUT, format!("{base}/manifests/v1")).header("Content-Type", OCI_MANIFEST);
    assert_eq!(request.body(manifest.to_string()).send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn there_and_back_and_what_is_refused() {
    let Some(registry) = start().await else { return };
    let sources = sources();
    let home = tempfile::tempdir().unwrap();
    let (bytes, file) = (snapshot(), home.path().join("any-name.lgdb"));
    fs::write(&file, &bytes).unwrap();
    let reference = |text: &str| format!("{}/{text}", registry.address).parse::<ImageReference>().unwrap();

    let pushed =
        sources.push_snapshot(&file, None, &reference("sec/advisories:v1"), home.path(), &nothing()).await.unwrap();
    let reported = Mutex::new((0, 0));
    let pulled = sources
        .pull_snapshot(&reference("sec/advisories:v1"), &home.path().join("into"), &nothing(), &|n, all| {
            *reported.lock().unwrap() = (n, all)
        })
        .await
        .unwrap();
    assert_eq!(fs::read(&pulled.path).unwrap(), bytes);
    assert_eq!((pulled.manifest, pulled.digest), (pushed, Digest::of(&bytes)));
    assert_eq!(
        pulled.path.file_name().unwrap().to_str().unwrap(),
        format!("sha256-{}.lgdb", Digest::of(&bytes).to_hex())
    );
    let reported = *reported.lock().unwrap();
    assert!(
        reported.0 == reported.1 && reported.0 == pulled.fetched && reported.0 > 0 && reported.0 < bytes.len() as u64,
        "{reported:?}"
    );
    // Pinned, and here already: nothing is fetched.
    let pinned = reference(&format!("sec/advisories@{pushed}"));
    let again = sources.pull_snapshot(&pinned, &home.path().join("into"), &nothing(), &|_, _| {}).await.unwrap();
    assert_eq!(again.fetched, 0);
    // A signature goes with it; that it is one is for others to say.
    sources
        .push_snapshot(&file, Some("ed25519 00ff\n"), &reference("sec/signed:v1"), home.path(), &nothing())
        .await
        .unwrap();
    let signed =
        sources.pull_snapshot(&reference("sec/signed:v1"), &home.path().join("signed"), &nothing(), &|_, _| {}).await;
    assert_eq!((signed.unwrap().signature.as_deref(), pulled.signature), (Some("ed25519 00ff"), None));
    // The same file makes the same artifact.
    assert_eq!(
        sources.push_snapshot(&file, None, &reference("sec/advisories:v1"), home.path(), &nothing()).await.unwrap(),
        pushed
    );

    let missing =
        sources.pull_snapshot(&reference("sec/advisories:v2"), home.path(), &nothing(), &|_, _| {}).await.unwrap_err();
    assert!(matches!(missing, SourceError::NotFound(_)), "{missing}");
    let error = sources.push_snapshot(&file, None, &pinned, home.path(), &nothing()).await.unwrap_err();
    assert!(error.to_string().contains("to a tag"), "{error}");
    let error = sources
        .push_snapshot(&home.path().join("nowhere"), None, &reference("sec/x:v1"), home.path(), &nothing())
        .await
        .unwrap_err();
    assert!(matches!(error, SourceError::NotFound(_)), "{error}");
    let nobody: ImageReference = "127.0.0.1:1/x:v1".parse().unwrap();
    let error = sources.push_snapshot(&file, None, &nobody, home.path(), &nothing()).await.unwrap_err();
    assert!(matches!(error, SourceError::Unavailable { .. }), "{error}");

    // Artifacts that are not what they say.
    let packed = zstd::encode_all(&bytes[..1000], 3).unwrap();
    let truth = Digest::of(&bytes[..1000]);
    let manifest = |media_type: &str, digest: Digest, size: u64| {
        let mut layer = descriptor(media_type, &packed);
        layer["annotations"] =
            json!({"dev.layergate.snapshot.digest": digest, "dev.layergate.snapshot.size": size.to_string()});
        json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"), "layers": [layer]})
    };
    let cases = [
        ("good", manifest(LAYER_TYPE, truth, 1000), None),
        ("longer", manifest(LAYER_TYPE, truth, 500), Some("500 bytes of")),
        ("shorter", manifest(LAYER_TYPE, truth, 5000), Some("unpacks to 1000 bytes")),
        ("another", manifest(LAYER_TYPE, Digest::of(b"another"), 1000), Some("were promised")),
        ("image", manifest(OCI_LAYER, truth, 1000), Some("not an advisory snapshot")),
        (
            "silent",
            json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"), "layers": [descriptor(LAYER_TYPE, &packed)]}),
            Some("does not say"),
        ),
    ];
    for (name, manifest, want) in cases {
        let repository = format!("bad/{name}");
        put(&registry, &repository, &[&packed, b"{}"], &manifest).await;
        let folder = home.path().join(name);
        let result =
            sources.pull_snapshot(&reference(&format!("{repository}:v1")), &folder, &nothing(), &|_, _| {}).await;
        match want {
            None => assert_eq!(fs::read(result.unwrap().path).unwrap(), &bytes[..1000]),
            Some(want) => {
                let error = result.unwrap_err().to_string();
                assert!(error.contains(want), "{name}: {error}");
                let left = fs::read_dir(&folder).map_or(0, Iterator::count);
                assert_eq!(left, 0, "{name}: nothing stays");
            }
        }
    }
}
