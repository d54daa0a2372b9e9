//! sbt-dependency-lock's `build.sbt.lock` (github.com/stringbean/sbt-dependency-lock, "File format").

use layergate_model::{AnalyzerId, PackageKind, Scope, Section};
use serde::Deserialize;

use super::{
    input,
    loose::{List, Record, Text},
};
use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads `build.sbt.lock`.
pub struct SbtLock;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    dependencies: List<Record<Locked>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    org: Text,
    name: Text,
    version: Text,
    configurations: List<Text>,
    artifacts: List<Record<Artifact>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact {
    hash: Text,
}

impl Analyzer for SbtLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("sbt-lock")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("build.sbt.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let lock: Lock = input::json(file)?;
        let start = out.packages.len();
        for package in &lock.dependencies.0 {
            let name = format!("{}:{}", package.org.0.trim(), package.name.0.trim());
            let Some(new) = input::push(out, PackageKind::Maven, &name, &package.version.0, file) else { continue };
            let configurations = &package.configurations.0;
            if !configurations.is_empty() && configurations.iter().all(|c| matches!(c.0.as_str(), "test" | "provided"))
            {
                new.scope = Scope::Dev;
            }
            new.hashes = package.artifacts.0.iter().filter_map(|a| a.hash.get()).map(str::to_owned).collect();
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
    fn a_lock() {
        let text = br#"{"lockVersion":1,"dependencies":[{"org":"a","name":"b","version":"1","artifacts":[{"hash":"sha1:00"}],"configurations":["compile","test"]},
            {"org":"a","name":"t","version":"2","configurations":["test"]}, 7]}"#;
        let (section, result) = analyze(&SbtLock, "build.sbt.lock", text);
        result.unwrap();
        let found: Vec<_> = section.packages.iter().map(|p| (p.name.as_str(), p.scope, p.hashes.len())).collect();
        assert_eq!(found, [("a:b", Scope::Runtime, 1), ("a:t", Scope::Dev, 0)]);
    }
}
