//! `sbom:FILE`: a CycloneDX or SPDX document judged like an image, without layers.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use layergate_inventory::Catalogue;
use layergate_judge::{AssessInput, assess};
use layergate_model::{Digest, Report, ReportImage};

use crate::commands::scan::LocalScan;

/// An SBOM of more bytes is refused.
const MAX_SBOM: u64 = 256 << 20;

/// The report on the document at `path`.
pub(crate) fn report(path: &Path, scan: &LocalScan) -> Result<Report> {
    let context = || format!("the SBOM {} cannot be read", path.display());
    let size = std::fs::metadata(path).with_context(context)?.len();
    if size > MAX_SBOM {
        return Err(anyhow!("{size} bytes are over the limit of {MAX_SBOM}")).with_context(context);
    }
    let bytes = std::fs::read(path).with_context(context)?;
    let name = path.display().to_string();
    let inventory = layergate_report::sbom::read(&bytes, &name).with_context(context)?;
    let image = ReportImage {
        reference: format!("sbom:{name}"),
        digest: Some(Digest::of(&bytes)),
        index_digest: None,
        platform: None,
        layers: Vec::new(),
        distro: inventory.distro.clone(),
        base: None,
        other_platforms: Vec::new(),
        left_out: Vec::new(),
    };
    Ok(assess(AssessInput {
        image,
        inventory: &inventory,
        snapshot: scan.snapshot.as_ref(),
        policy: &scan.policy,
        vex: &scan.vex,
        limits: &scan.limits,
        analyzers: &Catalogue::standard().fingerprint(),
        as_of: scan.as_of,
    }))
}
