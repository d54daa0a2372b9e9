//! Small rpm databases for recipes, written with the same writers that the `rpmdb` crate's own tests use.

use serde::Deserialize;

#[path = "../../crates/rpmdb/tests/common/mod.rs"]
mod writer;

/// One package of a recipe's rpm database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rpm {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Release.
    pub release: String,
    /// Architecture.
    pub arch: String,
    /// Epoch.
    #[serde(default)]
    pub epoch: Option<u32>,
    /// Source package file name.
    #[serde(default)]
    pub source: Option<String>,
    /// Module (`name:stream:version:context`).
    #[serde(default)]
    pub module: Option<String>,
    /// Who built it.
    #[serde(default)]
    pub vendor: Option<String>,
    /// License.
    #[serde(default)]
    pub license: Option<String>,
}

/// The bytes of a database (NDB) with these packages.
pub fn database(packages: &[Rpm]) -> Vec<u8> {
    const NAME: u32 = 1000;
    const VERSION: u32 = 1001;
    const RELEASE: u32 = 1002;
    const EPOCH: u32 = 1003;
    const ARCH: u32 = 1022;
    const SOURCE: u32 = 1044;
    const MODULE: u32 = 5096;
    const VENDOR: u32 = 1011;
    const LICENSE: u32 = 1014;
    let headers: Vec<Vec<u8>> = packages
        .iter()
        .map(|package| {
            let mut header = writer::HeaderWriter::default()
                .string(NAME, &package.name)
                .string(VERSION, &package.version)
                .string(RELEASE, &package.release)
                .string(ARCH, &package.arch);
            if let Some(epoch) = package.epoch {
                header = header.numbers(EPOCH, &[epoch]);
            }
            let texts = [
                (SOURCE, &package.source),
                (MODULE, &package.module),
                (VENDOR, &package.vendor),
                (LICENSE, &package.license),
            ];
            for (tag, text) in texts {
                if let Some(text) = text {
                    header = header.string(tag, text);
                }
            }
            header.build()
        })
        .collect();
    writer::ndb::build(&headers)
}
