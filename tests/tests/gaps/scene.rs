//! The stage for one gap: a directory with an image, advisories and a policy, and what is said on the command line.

use std::{
    fs,
    path::{Path, PathBuf},
};

use layergate_tests::{
    layout::{Image, digest},
    program::{Program, Run, copy_folder, fixture},
    recipe::{LayerRecipe, Recipe},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a row builds.
pub(crate) struct Scene {
    directory: TempDir,
    /// The advisories' directory.
    pub(crate) db: PathBuf,
    /// What is scanned.
    pub(crate) image: String,
    /// More of the command line.
    pub(crate) arguments: Vec<String>,
    /// More of the environment.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// The day.
    pub(crate) as_of: &'static str,
    /// What stands in the policy before `[gaps]`.
    pub(crate) policy: String,
    /// The layers, bottom first; written by [`Scene::new`] where the row names no image itself.
    pub(crate) layers: Vec<LayerRecipe>,
    /// Changes the finished image.
    pub(crate) change: Option<fn(&mut Image)>,
    /// The platform.
    pub(crate) platform: &'static str,
}

/// A layer of text files.
pub(crate) fn files<const N: usize>(files: [(&str, &str); N]) -> LayerRecipe {
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    LayerRecipe { files, ..LayerRecipe::default() }
}

/// A release of Alpine with its package database, of which the advisories at hand show nothing bad.
pub(crate) fn alpine() -> LayerRecipe {
    files([
        ("etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n"),
        ("etc/alpine-release", "3.20.3\n"),
        ("lib/apk/db/installed", "P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\nF:lib\nR:ld-musl-x86_64.so.1\n\n"),
        ("lib/ld-musl-x86_64.so.1", "musl\n"),
    ])
}

impl Scene {
    /// Builds a scene on a small Alpine.
    pub(crate) fn new(program: &Program, build: fn(&mut Self)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let db = program.home.path().join("advisories");
        if !db.exists() {
            copy_folder(Path::new(&fixture("advisories")), &db);
            fs::write(db.join("osv/GHSA-0000-aaaa-bbbb.json"), parser().to_string()).unwrap();
        }
        let mut scene = Self {
            directory,
            db,
            image: String::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            as_of: "2024-05-01",
            policy: "version = 1\n".to_owned(),
            layers: vec![alpine()],
            change: None,
            platform: "linux/amd64",
        };
        build(&mut scene);
        if scene.image.is_empty() {
            let layout = scene.path("image");
            scene.built().write_layout(&layout).unwrap();
            scene.image = format!("oci:{}", layout.display());
        }
        scene
    }

    /// A path of the scene's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file of the scene's own; its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    /// The image as its layers say.
    pub(crate) fn built(&self) -> Image {
        let recipe = Recipe {
            platform: self.platform.to_owned(),
            config: [("User".to_owned(), json!("app"))].into_iter().collect(),
            layer: self.layers.clone(),
        };
        let mut image = Image::build(&recipe).unwrap();
        if let Some(change) = self.change {
            change(&mut image);
        }
        image
    }

    /// Scans under a policy.
    pub(crate) fn scan(&self, program: &Program, policy: &str) -> (Run, Value) {
        let policy = self.write("policy.toml", policy);
        let db = self.db.display().to_string();
        let mut command = program.command(["scan", "--offline", "--quiet", "--as-of", self.as_of, "-o", "json"]);
        command.args(["--db", &db, "--policy", &policy]).args(&self.arguments).arg(&self.image);
        command.envs(self.environment.iter().map(|(k, v)| (k, v)));
        let run = program.finish(&mut command);
        let report = serde_json::from_str(&run.stdout).unwrap_or(Value::Null);
        (run, report)
    }
}

/// An advisory on a Maven package.
fn parser() -> Value {
    json!({
        "schema_version": "1.6.0", "id": "GHSA-0000-aaaa-bbbb", "aliases": ["CVE-2024-0001"],
        "modified": "2024-04-01T00:00:00Z", "published": "2024-04-01T00:00:00Z", "summary": "a parser of this test's own",
        "affected": [{
            "package": {"ecosystem": "Maven", "name": "com.example:parser"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }],
        "database_specific": {"severity": "HIGH"},
    })
}

/// Puts other bytes in the place of a layer's blob, named and measured as they are.
pub(crate) fn replace_layer(image: &mut Image, index: usize, blob: Vec<u8>) {
    let mut manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
    let layer = &mut manifest["layers"][index];
    let old = layer["digest"].as_str().unwrap().to_owned();
    (layer["digest"], layer["size"]) = (digest(&blob).into(), blob.len().into());
    layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar".into();
    image.manifest = serde_json::to_vec(&manifest).unwrap();
    image.blobs.retain(|(digest, _)| *digest != old);
    image.blobs.push((digest(&blob), blob));
}
