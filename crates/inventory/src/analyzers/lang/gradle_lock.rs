//! Gradle's dependency locks (docs.gradle.org, "Locking versions"): `group:artifact:version=configurations`, one a line. A
//! dependency that only test configurations have is for development.

use layergate_model::{AnalyzerId, PackageKind, Scope, Section};

use super::input;
use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads `*.lockfile` of Gradle.
pub struct GradleLock;

impl Analyzer for GradleLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("gradle-lock")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".lockfile")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, input::MAX_LOCK)?;
        let start = out.packages.len();
        for line in file.text().lines().map(str::trim).filter(|l| !l.starts_with('#')) {
            let (coordinates, configurations) = line.split_once('=').unwrap_or((line, ""));
            let mut parts = coordinates.split(':');
            let (Some(group), Some(artifact), Some(version), None) =
                (parts.next(), parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let name = format!("{}:{}", group.trim(), artifact.trim());
            let Some(new) = input::push(out, PackageKind::Maven, &name, version, file) else { continue };
            let mut names = configurations.split(',').map(str::trim).filter(|c| !c.is_empty()).peekable();
            if names.peek().is_some() && names.all(|c| c.to_ascii_lowercase().contains("test")) {
                new.scope = Scope::Dev;
            }
        }
        input::join_same(out, start);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    #[test]
    fn lines() {
        let text = b"# comment\ncom.a:b:1.0=compileClasspath, runtimeClasspath\nx:y:2=testCompileClasspath,testRuntimeClasspath\nnonsense\nempty=\n";
        let (section, result) = analyze(&GradleLock, "app/gradle.lockfile", text);
        result.unwrap();
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.version.as_str(), p.scope)).collect();
        assert_eq!(found, [("com.a:b", "1.0", Scope::Runtime), ("x:y", "2", Scope::Dev)]);
    }
}
