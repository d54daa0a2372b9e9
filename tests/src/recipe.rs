//! Images from readable recipes: a TOML file that names layers and the files in them.
//!
//! ```toml
//! platform = "linux/amd64"
//! [config]                       # as in the OCI image configuration
//! User = "app"
//! [[layer]]
//! created_by = "COPY app /app"
//! compression = "gzip"           # gzip, zstd or none
//! whiteouts = ["tmp/secret"]     # what lies below is hidden
//! links = { "bin" = "usr/bin" }  # symbolic links
//! rpms = [{ name = "bash", version = "5.1.8", release = "6.el9", arch = "x86_64" }]
//! [layer.files]
//! "app/hello" = "hello\n"
//! [layer.zips."app/x.jar"]       # an archive of text files
//! "META-INF/MANIFEST.MF" = "Manifest-Version: 1.0\n"
//! ```
//! The same recipe always gives the same bytes: no times, no owners, sorted entries.

use std::{collections::BTreeMap, io::Write, path::Path};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// A recipe.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `os/architecture`.
    pub platform: String,
    /// The `config` object of the image configuration.
    #[serde(default)]
    pub config: serde_json::Map<String, serde_json::Value>,
    /// The layers, bottom first.
    #[serde(default)]
    pub layer: Vec<LayerRecipe>,
}

/// One layer of a recipe.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LayerRecipe {
    /// The build step.
    pub created_by: String,
    /// `gzip` (the default), `zstd` or `none`.
    pub compression: String,
    /// Paths of lower layers to hide.
    pub whiteouts: Vec<String>,
    /// Symbolic links: path to target.
    pub links: BTreeMap<String, String>,
    /// Hard links: path to path.
    pub hard_links: BTreeMap<String, String>,
    /// Packages of an rpm database (NDB) at `usr/lib/sysimage/rpm/Packages.db`.
    pub rpms: Vec<crate::rpm::Rpm>,
    /// Text files.
    pub files: BTreeMap<String, String>,
    /// Zip archives (JARs) of text files.
    pub zips: BTreeMap<String, BTreeMap<String, String>>,
    /// Binary files that a test adds by itself.
    #[serde(skip)]
    pub blobs: BTreeMap<String, Vec<u8>>,
}

/// A finished layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What lies in the registry.
    pub blob: Vec<u8>,
    /// The uncompressed archive.
    pub tar: Vec<u8>,
    /// The media type of `blob`.
    pub media_type: &'static str,
    /// The build step.
    pub created_by: String,
}

impl Recipe {
    /// Reads a recipe file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    }
}

/// An archive of stored members, without times.
fn zip(members: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default());
    for (name, text) in members {
        writer.start_file(name.as_str(), options)?;
        writer.write_all(text.as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}

impl LayerRecipe {
    /// Builds the layer.
    pub fn build(&self) -> Result<Layer> {
        let tar = self.tar()?;
        let (blob, media_type) = match self.compression.as_str() {
            "" | "gzip" => {
                let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                gz.write_all(&tar)?;
                (gz.finish()?, "application/vnd.oci.image.layer.v1.tar+gzip")
            }
            "zstd" => (zstd::encode_all(&tar[..], 3)?, "application/vnd.oci.image.layer.v1.tar+zstd"),
            "none" => (tar.clone(), "application/vnd.oci.image.layer.v1.tar"),
            other => bail!("compression {other:?} is none of gzip, zstd, none"),
        };
        Ok(Layer { blob, tar, media_type, created_by: self.created_by.clone() })
    }

    fn tar(&self) -> Result<Vec<u8>> {
        let mut files: BTreeMap<String, Vec<u8>> = self.blobs.clone();
        files.extend(self.files.iter().map(|(path, text)| (path.clone(), text.clone().into_bytes())));
        for (path, members) in &self.zips {
            files.insert(path.clone(), zip(members)?);
        }
        if !self.rpms.is_empty() {
            files.insert("usr/lib/sysimage/rpm/Packages.db".into(), crate::rpm::database(&self.rpms));
        }
        for path in &self.whiteouts {
            let (parent, name) = path.rsplit_once('/').map_or(("", path.as_str()), |(p, n)| (p, n));
            let slash = if parent.is_empty() { "" } else { "/" };
            files.insert(format!("{parent}{slash}.wh.{name}"), Vec::new());
        }
        let mut builder = tar::Builder::new(Vec::new());
        let header = |kind, size, mode| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(size);
            header.set_mode(mode);
            header
        };
        for (path, target) in &self.links {
            builder.append_link(&mut header(tar::EntryType::Symlink, 0, 0o777), path, target)?;
        }
        for (path, bytes) in &files {
            let mode = if path.contains("bin/") { 0o755 } else { 0o644 };
            builder.append_data(&mut header(tar::EntryType::Regular, bytes.len() as u64, mode), path, &bytes[..])?;
        }
        for (path, target) in &self.hard_links {
            builder.append_link(&mut header(tar::EntryType::Link, 0, 0o644), path, target)?;
        }
        Ok(builder.into_inner()?)
    }
}
