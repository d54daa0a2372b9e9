//! Documents: what registries send, what users hand over (policies, VEX, SBOMs), image archives.

use std::io::Write;

use layergate_model::{Limits, Report};
use layergate_policy::{Policy, VexDocument};
use layergate_registry::bytes as registry;
use layergate_report::sbom;

use crate::{Target, layers::with_checksums, path_and_content};

pub(crate) fn targets() -> Vec<Target> {
    vec![
        Target::new("registry-manifest", |bytes| {
            // The first line is the transport's content type, where there is one.
            let (content_type, document) = path_and_content(bytes);
            let _ = registry::manifest(document, content_type.filter(|c| !c.is_empty()));
        }),
        Target::new("registry-config", |bytes| drop(registry::config(bytes))),
        Target::new("registry-challenge", |bytes| {
            let headers = crate::lines(bytes).unwrap_or_default();
            let _ = registry::challenge(&headers);
        }),
        Target::new("registry-archive", archive),
        Target::new("policy", |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            let Ok(policy) = Policy::parse(text, "policy.toml") else { return };
            let again = Policy::parse(text, "policy.toml");
            assert!(again.is_ok_and(|again| again.digest() == policy.digest()), "the digest is not the text's");
            let _ = policy.exceptions_digest();
        }),
        Target::new("vex", |bytes| drop(VexDocument::parse(bytes, "a.json"))),
        Target::new("sbom", |bytes| {
            let Ok(inventory) = sbom::read(bytes, "bom.json") else { return };
            for package in &inventory.packages {
                let _ = package.package.purl(inventory.distro.as_ref());
            }
        }),
        Target::new("report", |bytes| drop(serde_json::from_slice::<Report>(bytes))),
    ]
}

/// A `docker save` archive, an OCI archive or a root file system's, distinguished by content and resolved as an image.
fn archive(bytes: &[u8]) {
    let limits = Limits { max_unpacked_bytes: 8 << 20, ..Limits::default() };
    // Archives are read by offset, from a file.
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if file.write_all(&with_checksums(bytes)).is_ok() {
        let _ = registry::archive(file.path(), &limits);
    }
}
