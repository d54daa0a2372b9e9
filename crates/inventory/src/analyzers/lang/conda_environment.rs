//! conda's `environment.yml` (docs.conda.io, "Creating an environment file manually"): the dependencies that are pinned to one
//! version, `name=1.0=build` or `name==1.0`, and those of its `pip` part. A `prefix` says where it was installed.

use layergate_model::{AnalyzerId, PackageKind, Section};
use serde::Deserialize;

use super::{
    input,
    loose::{Either, List, Record, Text},
    python_requirements::pinned,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `environment.yml` and `environment.yaml`.
pub struct CondaEnvironment;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Environment {
    dependencies: List<Either<Nested>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nested {
    pip: List<Text>,
}

impl Analyzer for CondaEnvironment {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("conda-environment")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("environment.yml"), Interest::Name("environment.yaml")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        // Other programs have files of this name too: what is not conda's says nothing.
        let documents: Vec<Record<Environment>> =
            input::yaml(file).map_err(|e| AnalyzeError { kind: layergate_model::GapKind::UnreadableFile, ..e })?;
        let start = out.packages.len();
        for dependency in documents.iter().flat_map(|d| &d.dependencies.0) {
            if let Some((name, version)) = dependency.text().and_then(exact) {
                input::push(out, PackageKind::Conda, name, version, file);
            }
            for (name, version) in dependency.map().into_iter().flat_map(|n| &n.pip.0).filter_map(|r| pinned(&r.0)) {
                input::push(out, PackageKind::Pypi, name, version, file);
            }
        }
        input::join_same(out, start);
        Ok(())
    }
}

/// `channel::name=1.0=build` is `name` and `1.0`, and so is `name 1.0 build`; `name>=1.0`, `name=1.*` and `name` name no version.
fn exact(spec: &str) -> Option<(&str, &str)> {
    let spec = spec.rsplit("::").next()?;
    let words: Vec<&str> = spec.split_whitespace().take(4).collect();
    let (name, rest) = match (words.as_slice(), spec.split_once('=')) {
        ([name, version], None) | ([name, version, _], None) => (*name, *version),
        (_, Some(parts)) => parts,
        _ => return None,
    };
    let version = rest.trim_start_matches('=').split('=').next()?.trim();
    let good = !name.contains(['<', '>', '!', '~', ' ', '[']) && !version.contains(['<', '>', '*', ',', '|', '!', ' ']);
    (good && version.starts_with(|c: char| c.is_ascii_alphanumeric())).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packages;

    #[test]
    fn pins() {
        let text = b"name: x\nchannels: [defaults]\ndependencies:\n  - bzip2=1.0.8=h998d150_5\n  - conda-forge::a==2.0\n  - b>=1\n  - c=1.*\n  - d\n  - pip:\n    - e==5.0\n    - f\n  - 7\n  - g 7.0 h00_1\n  - h 1|2\nprefix: /opt\n";
        assert_eq!(packages(&CondaEnvironment, "environment.yml", text), ["a 2.0", "bzip2 1.0.8", "e 5.0", "g 7.0"]);
        assert_eq!(packages(&CondaEnvironment, "environment.yaml", b"dependencies: none\n"), [""; 0]);
    }
}
