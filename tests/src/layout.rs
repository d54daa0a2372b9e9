//! A recipe as an OCI layout directory (OCI image-spec, "image layout"), and as the parts that a registry is given.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::recipe::{Layer, Recipe};

/// An image in parts: every blob with its digest, and the manifest.
#[derive(Clone, Debug)]
pub struct Image {
    /// Layers and configuration by digest.
    pub blobs: Vec<(String, Vec<u8>)>,
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The platform, as an object of an index.
    pub platform: Value,
}

/// `sha256:…` of some bytes.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

impl Image {
    /// Builds the image of a recipe.
    pub fn build(recipe: &Recipe) -> Result<Self> {
        let layers: Vec<Layer> = recipe.layer.iter().map(|l| l.build()).collect::<Result<_>>()?;
        let (os, architecture) = recipe.platform.split_once('/').context("platform is os/architecture")?;
        let config = serde_json::to_vec(&json!({
            "architecture": architecture,
            "os": os,
            "config": recipe.config,
            "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|l| digest(&l.tar)).collect::<Vec<_>>()},
            "history": layers.iter().map(|l| json!({"created_by": l.created_by})).collect::<Vec<_>>(),
        }))?;
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(&config), "size": config.len()},
            "layers": layers.iter().map(|l| json!({
                "mediaType": l.media_type, "digest": digest(&l.blob), "size": l.blob.len(),
            })).collect::<Vec<_>>(),
        }))?;
        let mut blobs: Vec<_> = layers.into_iter().map(|l| (digest(&l.blob), l.blob)).collect();
        blobs.push((digest(&config), config));
        Ok(Self { blobs, manifest, platform: json!({"os": os, "architecture": architecture}) })
    }

    /// Writes the image as an OCI layout to `directory`, which is emptied first.
    pub fn write_layout(&self, directory: &Path) -> Result<()> {
        if directory.exists() {
            fs::remove_dir_all(directory)?;
        }
        let blobs = directory.join("blobs/sha256");
        fs::create_dir_all(&blobs)?;
        let manifest = (digest(&self.manifest), self.manifest.clone());
        for (digest, bytes) in self.blobs.iter().chain([&manifest]) {
            fs::write(blobs.join(digest.trim_start_matches("sha256:")), bytes)?;
        }
        fs::write(directory.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}")?;
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": manifest.0, "size": self.manifest.len(), "platform": self.platform,
            }],
        });
        fs::write(directory.join("index.json"), serde_json::to_vec_pretty(&index)?)?;
        Ok(())
    }
}
