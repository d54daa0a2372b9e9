//! CocoaPods' `Podfile.lock` (guides.cocoapods.org): the entries of `PODS:`, `- Name (1.0)` or `- Name/Subspec (1.0):` with needs below.

use layergate_model::{AnalyzerId, Dependency, PackageKind, Section};

use super::input;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `Podfile.lock`.
pub struct PodfileLock;

impl Analyzer for PodfileLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("podfile-lock")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("Podfile.lock")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, input::MAX_LOCK)?;
        let start = out.packages.len();
        let (mut pods, mut last) = (false, false);
        for line in file.text().lines() {
            if !line.starts_with([' ', '-']) {
                pods = line.trim_end() == "PODS:";
                continue;
            }
            let content = line.trim_start();
            let Some(entry) = content.strip_prefix("- ").filter(|_| pods) else { continue };
            let entry = entry.trim_end().trim_end_matches(':').trim_matches('"');
            let (name, version) = entry.split_once(" (").unwrap_or((entry, ""));
            if line.len() - content.len() <= 2 {
                let version = version.trim_end_matches(')');
                last = input::push(out, PackageKind::Cocoapods, name, version, file).is_some();
            } else if let Some(package) = out.packages.last_mut().filter(|_| last) {
                package.dependencies.push(Dependency { name: name.to_owned(), version: None });
            }
        }
        input::join_same(out, start);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn pods() {
        let text = b"PODS:\n  - A (4.2.0):\n    - A/Core (= 4.2.0)\n    - B\n  - A/Core (4.2.0)\n  - \"C+D (1.0)\"\n  - odd = 1\n\nDEPENDENCIES:\n  - A (~> 4)\n\nSPEC CHECKSUMS:\n  A: 00\n";
        assert_eq!(packages(&PodfileLock, "Podfile.lock", text), ["A 4.2.0", "A/Core 4.2.0", "C+D 1.0"]);
        assert_eq!(analyze(&PodfileLock, "Podfile.lock", text).0.packages[0].dependencies.len(), 2);
    }
}
