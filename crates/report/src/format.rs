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
    /// Every finding in full, those that the policy ignores too.
    pub verbose: bool,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { width: 100, color: false, verbose: false }
    }
}

/// Why a report could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Cannot happen with the model's types; passed on rather than hidden.
    #[error("the report could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// The reports as text, ready to be written as they are.
pub fn render(format: Format, reports: &[Report], options: &RenderOptions) -> Result<String, RenderError> {
    Ok(match format {
        Format::Table => crate::table::render(reports, options),
        Format::Json => crate::json::render(reports)?,
    })
}
