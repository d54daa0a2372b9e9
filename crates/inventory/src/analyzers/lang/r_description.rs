//! Installed R packages: the `DESCRIPTION` of a library's directory (cran.r-project.org, "Writing R Extensions", 1.1.1), fields one
//! a line. Another file of this common name has no `Package` and `Version`, and says nothing.

use layergate_model::{AnalyzerId, PackageKind, Section};

use super::input;
use crate::{AnalyzeError, Analyzer, File, Interest, analyzers::license};

/// Reads R's `DESCRIPTION` files.
pub struct RDescription;

/// The largest one that is read.
const MAX_BYTES: usize = 1 << 20;

impl Analyzer for RDescription {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("r-description")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("DESCRIPTION")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        if file.bytes.len() > MAX_BYTES {
            // A common word; R's are small.
            return Ok(());
        }
        let text = file.text();
        let field = |name: &str| {
            let value = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'))?.trim();
            (!value.is_empty()).then_some(value)
        };
        let (Some(name), Some(version)) = (field("Package"), field("Version")) else { return Ok(()) };
        if let Some(new) = input::push(out, PackageKind::Cran, name, version, file) {
            new.licenses = field("License").and_then(license::normal).into_iter().collect();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packages;

    #[test]
    fn fields() {
        let at = "usr/lib/R/library/abind/DESCRIPTION";
        assert_eq!(
            packages(&RDescription, at, b"Package: abind\nVersion: 1.4-5\nLicense: LGPL (>= 2)\nBuilt: R 4\n"),
            ["abind 1.4-5"]
        );
        assert_eq!(packages(&RDescription, "x/DESCRIPTION", b"A text about something.\n"), [""; 0]);
    }
}
