//! One way to hide a package: an image, and what must be said of it.

use std::{fs, path::Path, sync::OnceLock};

use layergate_tests::{layout::digest, program::Program, rawtar::RawTar};
use serde_json::{Value, json};

pub(crate) const TAR: &str = "application/vnd.oci.image.layer.v1.tar";
pub(crate) const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Where the vulnerable package lies when nobody hides it, and what makes it one.
pub(crate) const LODASH: &str = "srv/node_modules/lodash/package.json";
pub(crate) const EVIL: &str = r#"{"name":"lodash","version":"4.17.20"}"#;
/// What an unsuspicious reader should find in its place.
pub(crate) const GOOD: &str = r#"{"name":"lodash","version":"4.17.21"}"#;

/// What must be said.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Says {
    /// lodash 4.17.20 is found, and fails the image; or makes it an error, where a gap shows more.
    Listed,
    /// A package of this name is found, and fails the image.
    Named(&'static str),
    /// A gap of this kind makes the verdict an error.
    Gap(&'static str),
    /// There is no verdict; the message has these words.
    Refused(&'static str),
}

/// A layer: media type and bytes.
pub(crate) type Layer = (&'static str, Vec<u8>);

/// An image whose documents a test may write by hand.
pub(crate) struct Image {
    pub(crate) layers: Vec<Layer>,
    /// Changes the configuration, the manifest and the index of the layout, as text.
    pub(crate) config: Box<dyn Fn(String) -> String>,
    pub(crate) manifest: Box<dyn Fn(String) -> String>,
    pub(crate) index: Box<dyn Fn(String) -> String>,
    /// Further blobs.
    pub(crate) blobs: Vec<Vec<u8>>,
}

impl Image {
    pub(crate) fn of(layers: Vec<Layer>) -> Self {
        let same = || Box::new(|text| text);
        Self { layers, config: same(), manifest: same(), index: same(), blobs: Vec::new() }
    }

    pub(crate) fn manifest(self, change: impl Fn(String) -> String + 'static) -> Self {
        Self { manifest: Box::new(change), ..self }
    }

    pub(crate) fn config(self, change: impl Fn(String) -> String + 'static) -> Self {
        Self { config: Box::new(change), ..self }
    }

    pub(crate) fn index(self, change: impl Fn(String) -> String + 'static) -> Self {
        Self { index: Box::new(change), ..self }
    }

    pub(crate) fn blob(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.blobs.push(bytes.into());
        self
    }

    /// Manifest and configuration.
    pub(crate) fn documents(&self) -> (String, String) {
        let ids: Vec<_> = self.layers.iter().map(|(_, blob)| digest(&unpacked(blob))).collect();
        let config = (self.config)(
            json!({"architecture": "amd64", "os": "linux", "config": {"User": "app"}, "rootfs": {"type": "layers", "diff_ids": ids}})
                .to_string(),
        );
        let layers: Vec<_> = self
            .layers
            .iter()
            .map(|(kind, blob)| json!({"mediaType": kind, "digest": digest(blob), "size": blob.len()}))
            .collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_IMAGE, "config": descriptor(OCI_CONFIG, config.as_bytes()), "layers": layers,
        });
        ((self.manifest)(manifest.to_string()), config)
    }

    /// Writes an OCI layout.
    pub(crate) fn write(&self, directory: &Path) {
        let (manifest, config) = self.documents();
        let mut child = descriptor(OCI_IMAGE, manifest.as_bytes());
        child["platform"] = json!({"os": "linux", "architecture": "amd64"});
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]}).to_string();
        let blobs = directory.join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        let own = self.layers.iter().map(|(_, blob)| blob.as_slice()).chain(self.blobs.iter().map(Vec::as_slice));
        for bytes in own.chain([manifest.as_bytes(), config.as_bytes()]) {
            fs::write(blobs.join(digest(bytes).trim_start_matches("sha256:")), bytes).unwrap();
        }
        fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        fs::write(directory.join("index.json"), (self.index)(index)).unwrap();
    }
}

pub(crate) fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": digest(bytes), "size": bytes.len()})
}

fn unpacked(blob: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(blob);
    match std::io::Read::read_to_end(&mut decoder, &mut out) {
        Ok(_) => out,
        Err(_) => blob.to_vec(),
    }
}

/// A Debian of today with a program of two packages; nothing of it is vulnerable.
pub(crate) fn base() -> Layer {
    let status = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4+deb12u5\n\n\
                  Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u10\n\n";
    plain(
        RawTar::new()
            .file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n")
            .file("etc/debian_version", "12.8\n")
            .file("var/lib/dpkg/status", status)
            .file("var/lib/dpkg/info/libc6:amd64.list", "/.\n/usr\n/usr/lib\n/usr/lib/libc.so.6\n")
            .file("usr/lib/libc.so.6", "libc"),
    )
}

/// A layer with the vulnerable package at `path`.
pub(crate) fn app(path: &str) -> Layer {
    plain(RawTar::new().file(path, EVIL))
}

/// An archive with its end, not compressed.
pub(crate) fn plain(tar: RawTar) -> Layer {
    (TAR, tar.end())
}

/// One row.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    image: Image,
    says: Says,
}

impl Way {
    /// A way that is in the layers alone.
    pub(crate) fn new(name: &'static str, layers: Vec<Layer>, says: Says) -> Self {
        Self::image(name, Image::of(layers), says)
    }

    /// A way in one layer upon the base.
    pub(crate) fn tar(name: &'static str, tar: RawTar, says: Says) -> Self {
        Self::new(name, vec![base(), plain(tar)], says)
    }

    /// A way that is in the documents, too.
    pub(crate) fn image(name: &'static str, image: Image, says: Says) -> Self {
        Self { name, image, says }
    }

    /// Scans the image; `Err` shows what was said instead.
    pub(crate) fn check(&self) -> Result<(), String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image");
        self.image.write(&path);
        let (run, report) = program().scan(&format!("oci:{}", path.display()), &[]);
        // A layout may hold several images.
        let reports = report["reports"].as_array().cloned().unwrap_or_else(|| vec![report.clone()]);
        let items = |list: &str| -> Vec<Value> {
            reports.iter().flat_map(|r| r[list].as_array().cloned().unwrap_or_default()).collect()
        };
        let has = |list: &str, test: &dyn Fn(&Value) -> bool| items(list).iter().any(test);
        let right = match self.says {
            Says::Listed => {
                matches!(run.code, 1 | 3) && has("packages", &|p| p["name"] == "lodash" && p["version"] == "4.17.20")
            }
            Says::Named(name) => run.code == 1 && has("packages", &|p| p["name"] == name),
            Says::Gap(kind) => run.code == 3 && has("gaps", &|g| g["kind"] == kind && g["effect"] == "error"),
            Says::Refused(words) => {
                run.code == 3 && !has("packages", &|_| true) && format!("{}{}", run.stderr, run.stdout).contains(words)
            }
        };
        if right {
            return Ok(());
        }
        let gaps: Vec<_> =
            items("gaps").iter().map(|g| format!("{} {} {}", g["kind"], g["where"], g["effect"])).collect();
        let packages: Vec<_> = items("packages").iter().map(|p| format!("{} {}", p["name"], p["version"])).collect();
        Err(format!(
            "{}: not {:?}, but exit {} {} {packages:?} {gaps:?} {}",
            self.name,
            self.says,
            run.code,
            report["verdict"],
            run.stderr.lines().next().unwrap_or_default()
        ))
    }
}

/// Scans an image: exit code and report.
pub(crate) fn scan(image: &Image) -> (i32, Value) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image");
    image.write(&path);
    let (run, report) = program().scan(&format!("oci:{}", path.display()), &[]);
    (run.code, report)
}

/// One home for all rows: the snapshot is built once.
fn program() -> &'static Program {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    PROGRAM.get_or_init(Program::default)
}
