//! VEX: what somebody says about whether a vulnerability affects a product. Three formats become one list of
//! statements; [`VexIndex`] then answers, for one image, whether a finding is taken out of the verdict and by whose
//! word.
//!
//! Limits: a document has at most 64 MiB, 200,000 statements and 2,000,000 products.

mod csaf;
mod cyclonedx;
mod index;
mod openvex;
mod product;

use jiff::Timestamp;
use layergate_model::Digest;

pub use index::{VexAnswer, VexImage, VexIndex, VexVerdict};
pub use product::{VexProduct, VexProductKind};

const LARGEST: usize = 64 << 20;
pub(crate) const MOST_STATEMENTS: usize = 200_000;
pub(crate) const MOST_PRODUCTS: usize = 2_000_000;

/// Which format a document is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VexFormat {
    /// openvex.dev, v0.0.1 to v0.2.0.
    OpenVex,
    /// OASIS CSAF 2.0, the VEX profile (and advisories in its shape).
    Csaf,
    /// CycloneDX 1.4 and later with `vulnerabilities`.
    CycloneDx,
}

/// What a statement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VexStatus {
    /// The vulnerability does not affect the product.
    NotAffected,
    /// The vulnerability is fixed in the product.
    Fixed,
    /// The vulnerability affects the product.
    Affected,
    /// Nobody knows yet.
    UnderInvestigation,
}

impl VexStatus {
    /// The word of OpenVEX.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::UnderInvestigation => "under_investigation",
        }
    }

    /// Whether findings are taken out by it.
    pub const fn suppresses(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct VexStatement {
    /// The vulnerability's ids, aliases too.
    pub vulnerabilities: Vec<String>,
    /// What it is about.
    pub products: Vec<VexProduct>,
    /// What it says.
    pub status: VexStatus,
    /// Why, as written.
    pub justification: String,
    /// When it was made.
    pub time: Option<Timestamp>,
}

/// One VEX document.
#[derive(Clone, Debug, PartialEq)]
pub struct VexDocument {
    /// The file as it was named.
    pub name: String,
    /// The document's own id, or its file name where it has none.
    pub id: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its format.
    pub format: VexFormat,
    /// What it says.
    pub statements: Vec<VexStatement>,
    /// Statements that cannot be used, and why; reported in the report.
    pub problems: Vec<String>,
}

/// Why bytes are no VEX document.
#[derive(Debug, thiserror::Error)]
pub enum VexError {
    /// Too large.
    #[error("{name}: the VEX document has {size} bytes, more than {LARGEST}")]
    TooLarge {
        /// The file.
        name: String,
        /// Its size.
        size: usize,
    },
    /// Not JSON, or not of the shape that its format demands.
    #[error("{name}: the VEX document cannot be read: {cause}")]
    Json {
        /// The file.
        name: String,
        /// What is wrong, with line and column.
        #[source]
        cause: serde_json::Error,
    },
    /// JSON, but of no known VEX format.
    #[error(
        "{name}: this is no VEX document that layergate knows (OpenVEX by @context, CSAF by document.csaf_version, CycloneDX by bomFormat)"
    )]
    UnknownFormat {
        /// The file.
        name: String,
    },
    /// Over a limit.
    #[error("{name}: the VEX document has more than {limit} {what}")]
    TooMany {
        /// The file.
        name: String,
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// The keys by which formats are distinguished.
#[derive(serde::Deserialize)]
struct Probe {
    #[serde(rename = "@context", default)]
    context: Option<serde_json::Value>,
    #[serde(rename = "bomFormat", default)]
    bom_format: Option<String>,
    #[serde(default)]
    document: Option<ProbeDocument>,
}

#[derive(serde::Deserialize)]
struct ProbeDocument {
    #[serde(default)]
    csaf_version: Option<String>,
}

/// What a format's parser gives.
#[derive(Default)]
pub(crate) struct Parsed {
    pub(crate) id: Option<String>,
    pub(crate) statements: Vec<VexStatement>,
    pub(crate) problems: Vec<String>,
}

impl VexDocument {
    /// Reads a document; its format is recognised by its content. `name` is what errors and reports call it.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self, VexError> {
        let name = name.to_owned();
        if bytes.len() > LARGEST {
            return Err(VexError::TooLarge { name, size: bytes.len() });
        }
        let json = |cause| VexError::Json { name: name.clone(), cause };
        let probe: Probe = serde_json::from_slice(bytes).map_err(json)?;
        let is_openvex = probe.context.as_ref().is_some_and(|c| c.to_string().contains("openvex"));
        let (format, parsed) = if is_openvex {
            (VexFormat::OpenVex, openvex::parse(bytes).map_err(json)?)
        } else if probe.bom_format.as_deref() == Some("CycloneDX") {
            (VexFormat::CycloneDx, cyclonedx::parse(bytes).map_err(json)?)
        } else if probe.document.is_some_and(|d| d.csaf_version.is_some()) {
            (VexFormat::Csaf, csaf::parse(bytes).map_err(json)?)
        } else {
            return Err(VexError::UnknownFormat { name });
        };
        if parsed.statements.len() > MOST_STATEMENTS {
            return Err(VexError::TooMany { name, what: "statements", limit: MOST_STATEMENTS });
        }
        if parsed.statements.iter().map(|s| s.products.len()).sum::<usize>() > MOST_PRODUCTS {
            return Err(VexError::TooMany { name, what: "products", limit: MOST_PRODUCTS });
        }
        let file = name.rsplit(['/', '\\']).next().unwrap_or(&name);
        let id = parsed.id.filter(|i| !i.trim().is_empty()).unwrap_or_else(|| file.to_owned());
        let digest = Digest::of(bytes);
        Ok(Self { name, id, digest, format, statements: parsed.statements, problems: parsed.problems })
    }
}

/// An RFC 3339 time, or `None`.
pub(crate) fn time(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(|t| t.trim().parse().ok())
}
