//! Electron's archives (github.com/electron/asar, "Format"): four numbers, a tree of files in JSON, the files one after the
//! other. An application's `app.asar` has its `node_modules` inside; each `package.json` there is read as on a disk. What the
//! tree calls unpacked lies beside the archive.
//!
//! Bounds: a tree of 64 MiB, 100,000 packages.

use layergate_model::{AnalyzerId, LayerPath, Section};
use serde_json::Value;

use super::node_package::NodePackage;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads asar archives.
pub struct NodeAsar;

const MAX_TREE: usize = 64 << 20;
const MAX_PACKAGES: usize = 100_000;

impl Analyzer for NodeAsar {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("node-asar")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Extension(".asar")]
    }

    fn wants(&self, head: &[u8]) -> bool {
        head.starts_with(&[4, 0, 0, 0])
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let (tree, data) = parts(file.bytes).ok_or_else(|| AnalyzeError::database("the archive is cut off"))?;
        if tree.len() > MAX_TREE {
            return Err(AnalyzeError::limit(format!("the archive's tree has more than {MAX_TREE} bytes")));
        }
        let tree: Value = serde_json::from_slice(tree)
            .map_err(|e| AnalyzeError::database(format!("the archive's tree cannot be read: {e}")))?;
        let start = out.packages.len();
        let mut trouble = None;
        let mut todo = vec![(String::new(), &tree)];
        while let Some((path, node)) = todo.pop() {
            let Some(files) = node.get("files").and_then(Value::as_object) else {
                if path.rsplit('/').next() == Some("package.json")
                    && let Err(error) = manifest(&path, node, data, file, out)
                {
                    trouble.get_or_insert(error);
                }
                continue;
            };
            if out.packages.len() - start > MAX_PACKAGES {
                return Err(AnalyzeError::limit(format!("more than {MAX_PACKAGES} packages inside one archive")));
            }
            for (name, below) in files {
                todo.push((if path.is_empty() { name.clone() } else { format!("{path}/{name}") }, below));
            }
        }
        trouble.map_or(Ok(()), Err)
    }
}

/// Reads one `package.json`, which an installed package must have where the tree says.
fn manifest(at: &str, node: &Value, data: &[u8], file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
    if node.get("unpacked") == Some(&Value::Bool(true)) || node.get("link").is_some() {
        return Ok(());
    }
    let Ok(path) = LayerPath::normalise(at) else { return Ok(()) };
    let inside = File::new(&path, file.mode, content(node, data).unwrap_or_default(), file.limits);
    let entry = Entry { path: &path, kind: layergate_model::EntryKind::File, mode: file.mode, target: "" };
    if !NodePackage.claims(&entry) {
        return Ok(());
    }
    let start = out.packages.len();
    let result = NodePackage.analyze(&inside, out);
    for package in &mut out.packages[start..] {
        package.locations = vec![format!("{}!{at}", file.path)];
    }
    result.map_err(|e| AnalyzeError { detail: format!("{at}: {}", e.detail), ..e })
}

fn content<'a>(node: &Value, data: &'a [u8]) -> Option<&'a [u8]> {
    let from: usize = node.get("offset")?.as_str()?.parse().ok()?;
    let size = usize::try_from(node.get("size")?.as_u64()?).ok()?;
    data.get(from..from.checked_add(size)?)
}

/// The tree and what follows it.
fn parts(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let (size, length) = (number(4)?, number(12)?);
    Some((bytes.get(16..16usize.checked_add(length)?)?, bytes.get(8usize.checked_add(size)?..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    fn asar(files: &[(&str, &str)]) -> Vec<u8> {
        let (mut tree, mut data) = (serde_json::json!({"files": {}}), Vec::<u8>::new());
        for (path, text) in files {
            let mut node = &mut tree;
            for part in path.split('/') {
                node = &mut node["files"][part];
            }
            *node = serde_json::json!({"size": text.len(), "offset": data.len().to_string()});
            data.extend(text.as_bytes());
        }
        let tree = tree.to_string();
        let padded = tree.len().next_multiple_of(4);
        let numbers = [4, padded as u32 + 8, padded as u32 + 4, tree.len() as u32];
        let mut out: Vec<u8> = numbers.into_iter().flat_map(u32::to_le_bytes).collect();
        out.extend(tree.as_bytes());
        out.resize(16 + padded, 0);
        out.extend(data);
        out
    }

    #[test]
    fn packages_inside() {
        let bytes = asar(&[
            ("package.json", r#"{"name":"app","version":"1.0.0","private":true}"#),
            ("main.js", "x"),
            ("node_modules/a/package.json", r#"{"name":"a","version":"2.0.0"}"#),
            ("node_modules/a/test/package.json", "{"),
            ("node_modules/@s/b/package.json", r#"{"name":"@s/b","version":"3.0.0"}"#),
        ]);
        assert_eq!(packages(&NodeAsar, "opt/app/resources/app.asar", &bytes), ["@s/b 3.0.0", "a 2.0.0", "app 1.0.0"]);
        let (section, _) = analyze(&NodeAsar, "r/app.asar", &bytes);
        let a = section.packages.iter().find(|p| p.name == "a").unwrap();
        assert_eq!(a.locations, ["r/app.asar!node_modules/a/package.json"]);
        assert!(!NodeAsar.wants(b"PK"));
    }

    #[test]
    fn hostile_archives_end() {
        let bytes = asar(&[("node_modules/a/package.json", r#"{"name":"a","version":"2.0.0"}"#)]);
        for cut in 4..bytes.len() - 1 {
            assert!(analyze(&NodeAsar, "a.asar", &bytes[..cut]).1.is_err(), "{cut}");
        }
        for at in 4..bytes.len() {
            let mut spoiled = bytes.clone();
            spoiled[at] = 0xff;
            let _ = analyze(&NodeAsar, "a.asar", &spoiled);
        }
    }
}
