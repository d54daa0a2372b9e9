//! The catalogue of output formats: one line, one file each.

use std::{fmt, str::FromStr};

use layergate_model::Report;

macro_rules! formats {
    ($($variant:ident = $word:literal, $doc:literal;)*) => {
        /// An output format of `-o`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Format { $(#[doc = $doc] $variant,)* }

        impl Format {
            /// Every format there is.
            pub const ALL: &'static [Format] = &[$(Self::$variant,)*];

            /// The word of `-o`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

formats! {
    Table = "table", "For people at a terminal (`table.rs`).";
    Json = "json", "The stable interface, `layergate.report/v1` (`json.rs`).";
    Sarif = "sarif", "Code-scanning dashboards (`sarif.rs`).";
    CycloneDx = "cyclonedx", "An SBOM with vulnerabilities, CycloneDX 1.6 JSON (`cyclonedx.rs`).";
    Spdx = "spdx", "An SBOM, SPDX 2.3 JSON (`spdx_sbom.rs`).";
    Junit = "junit", "CI servers' test results (`junit.rs`).";
    Gitlab = "gitlab", "GitLab's container-scanning report (`gitlab.rs`).";
    Markdown = "markdown", "A comment on a pull request (`markdown.rs`).";
    Html = "html", "One self-contained page (`html.rs`).";
    Csv = "csv", "Every finding as a line for spreadsheets (`csv.rs`).";
    OpenVex = "openvex", "Statements on the image, OpenVEX 0.2.0 (`openvex.rs`).";
}

impl Format {
    /// Whether a document of this format describes exactly one image; several need a file each.
    pub const fn is_single(self) -> bool {
        matches!(self, Self::CycloneDx | Self::Spdx)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no format.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an output format ({names})", names = names())]
pub struct FormatError(String);

fn names() -> String {
    Format::ALL.iter().map(|f| f.as_str()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        Self::ALL
            .iter()
            .copied()
            .find(|f| f.as_str() == text)
            .ok_or_else(|| FormatError(text.chars().take(60).collect()))
    }
}

/// How to render for people; programs' formats do not depend on it.
#[derive(Clone, Debug)]
pub struct RenderOptions {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to colour; the caller knows about terminals and `NO_COLOR`.
    pub color: bool,
    /// Whether ids lead to their pages (OSC 8); the caller knows whether the terminal can.
    pub links: bool,
    /// Every finding with its evidence, those that the policy ignores too.
    pub details: bool,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { width: 100, color: false, links: false, details: false }
    }
}

/// Why a report could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Cannot happen with the model's types; passed on rather than hidden.
    #[error("the report could not be written as JSON")]
    Json(#[from] serde_json::Error),
    /// An SBOM describes one image.
    #[error(
        "a {format} document describes one image, and there are {count}: write one file for each (-o {format}=FILE)"
    )]
    OneImage {
        /// The format.
        format: Format,
        /// How many there are.
        count: usize,
    },
    /// The user's template is wrong.
    #[error("the template {name} cannot be rendered (line {line}): {detail}")]
    Template {
        /// Its file name.
        name: String,
        /// The line, 0 where there is none.
        line: usize,
        /// What the template engine says.
        detail: String,
    },
}

/// The reports as text, ready to be written as they are.
pub fn render(format: Format, reports: &[Report], options: &RenderOptions) -> Result<String, RenderError> {
    let one = || match reports {
        [one] => Ok(one),
        _ => Err(RenderError::OneImage { format, count: reports.len() }),
    };
    Ok(match format {
        Format::Table => crate::table::render(reports, options),
        Format::Json => crate::json::render(reports)?,
        Format::Sarif => crate::sarif::render(reports)?,
        Format::CycloneDx => crate::cyclonedx::render(one()?)?,
        Format::Spdx => crate::spdx_sbom::render(one()?)?,
        Format::Junit => crate::junit::render(reports),
        Format::Gitlab => crate::gitlab::render(reports)?,
        Format::Markdown => crate::markdown::render(reports),
        Format::Html => crate::html::render(reports),
        Format::Csv => crate::csv::render(reports),
        Format::OpenVex => crate::openvex::render(reports)?,
    })
}
