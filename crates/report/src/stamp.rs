//! Names and times for documents that want them fresh: derived from the content instead, so that the same report gives
//! the same bytes (invariant 8).

use layergate_model::{Digest, ImageReference, Purl, Report, ReportImage};

/// A UUID (RFC 9562, version 8) of the report's content for one sort of document.
pub(crate) fn uuid(report: &Report, document: &str) -> Result<String, serde_json::Error> {
    let mut bytes = serde_json::to_vec(report)?;
    bytes.extend_from_slice(document.as_bytes());
    let digest = Digest::of(&bytes);
    let mut b = [0_u8; 16];
    b.copy_from_slice(&digest.as_bytes()[..16]);
    b[6] = (b[6] & 0x0f) | 0x80;
    b[8] = (b[8] & 0x3f) | 0x80;
    let hex: String = b.iter().map(|b| format!("{b:02x}")).collect();
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

/// The first second of the day for which the report holds (RFC 3339).
pub(crate) fn time(report: &Report) -> String {
    format!("{}Z", local_time(report))
}

/// The same without a zone.
pub(crate) fn local_time(report: &Report) -> String {
    let day = report.inputs.as_of.as_str();
    let shaped = day.len() == 10
        && day.bytes().enumerate().all(|(i, b)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    format!("{}T00:00:00", if shaped { day } else { "1970-01-01" })
}

/// This program's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The image as a package URL, `pkg:oci/…`; `None` for what came from no registry.
pub(crate) fn image_purl(image: &ReportImage) -> Option<Purl> {
    let reference: ImageReference = image.reference.parse().ok()?;
    // `docker-archive:app.tar` could be read as a repository too; only a full name stays as it is.
    if reference.to_string() != image.reference {
        return None;
    }
    let repository = reference.repository.to_string();
    let name = repository.rsplit('/').next().unwrap_or(&repository);
    let digest = image.digest.map(|d| d.to_string()).unwrap_or_default();
    let url = format!("{}/{repository}", reference.registry);
    let arch = image.platform.as_ref().map_or("", |p| p.architecture.as_str());
    Some(Purl::build("oci", None, name, &digest, &[("arch", arch), ("repository_url", &url)]))
}

/// The image as a name that a VEX document can use for it.
pub(crate) fn product(image: &ReportImage) -> String {
    let digest = image.digest.map(|d| d.to_string()).unwrap_or_default();
    image_purl(image).unwrap_or_else(|| Purl::build("generic", None, &image.reference, &digest, &[])).to_string()
}

/// Where one reads about an advisory; only ids of a known shape make an address.
pub(crate) fn advisory_url(id: &str) -> Option<String> {
    if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)) {
        return None;
    }
    let prefix = id.split('-').next().unwrap_or_default();
    Some(match prefix {
        "CVE" => format!("https://nvd.nist.gov/vuln/detail/{id}"),
        "GHSA" => format!("https://github.com/advisories/{id}"),
        "DSA" | "DLA" | "TEMP" => format!("https://security-tracker.debian.org/tracker/{id}"),
        "RUSTSEC" | "GO" | "PYSEC" | "MAL" | "ALSA" | "RLSA" | "BIT" | "OSV" | "USN" => {
            format!("https://osv.dev/vulnerability/{id}")
        }
        _ => return None,
    })
}
