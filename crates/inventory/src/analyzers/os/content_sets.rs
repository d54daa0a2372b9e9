//! Which repositories Red Hat's builders took an image's packages from: `root/buildinfo/content_manifests/*.json`, and
//! `usr/share/buildinfo/content-sets.json` of the newer builders (github.com/containerbuildsystem/atomic-reactor, "image
//! content manifest"; konflux-ci, "content-sets.json"). Only `content_sets` is read, at most 1,000 names of each file.

use layergate_model::{AnalyzerId, ContentSets, Section};
use serde::Deserialize;

use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads content manifests.
pub struct ContentManifests;

/// Names kept of one file.
const MAX_NAMES: usize = 1_000;

#[derive(Deserialize)]
struct Manifest {
    content_sets: Option<Vec<String>>,
}

impl Analyzer for ContentManifests {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("content-manifest")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Below("root/buildinfo/content_manifests"), Interest::Path("usr/share/buildinfo/content-sets.json")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.ends_with(".json")
    }

    fn finds_packages(&self) -> bool {
        false
    }

    fn max_bytes(&self) -> u64 {
        8 << 20
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let manifest: Manifest = serde_json::from_slice(file.bytes).map_err(AnalyzeError::unreadable)?;
        let plain = |name: &String| !name.is_empty() && name.len() <= 256 && name.bytes().all(|b| b.is_ascii_graphic());
        let mut names: Vec<String> =
            manifest.content_sets.into_iter().flatten().filter(plain).take(MAX_NAMES).collect();
        names.sort();
        names.dedup();
        if !names.is_empty() {
            out.content_sets.push(ContentSets { path: file.path.clone(), names });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    #[test]
    fn names_of_repositories() {
        let at = "root/buildinfo/content_manifests/ubi9-container-9.2-1.json";
        for (text, want) in [
            (
                r#"{"metadata":{"icm_version":1},"content_sets":["b-rpms","a-rpms","b-rpms",""]}"#,
                vec!["a-rpms", "b-rpms"],
            ),
            (r#"{"image_contents":[],"from_dnf_hint":true}"#, vec![]),
            (r#"{"content_sets":null}"#, vec![]),
        ] {
            let (section, result) = analyze(&ContentManifests, at, text.as_bytes());
            result.unwrap();
            let names: Vec<_> = section.content_sets.iter().flat_map(|c| &c.names).collect();
            assert_eq!(names, want, "{text}");
        }
        for bad in ["[]", "{", r#"{"content_sets":["a",1]}"#] {
            assert!(analyze(&ContentManifests, at, bad.as_bytes()).1.is_err(), "{bad}");
        }
    }
}
