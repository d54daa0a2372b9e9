//! Language runtimes that say in a text file which they are: a JDK's or JRE's `release` file (`IMPLEMENTOR`,
//! `JAVA_RUNTIME_VERSION`, …) and Go's `go/VERSION`.

use layergate_model::{AnalyzerId, OsRelease, Package, PackageKind, Section};

use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads the version files of runtimes.
pub struct RuntimeFiles;

impl Analyzer for RuntimeFiles {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("runtime-files")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("release"), Interest::Name("VERSION")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        entry.path.file_name() == "release" || entry.path.ends_with("go/VERSION")
    }

    fn wants(&self, head: &[u8]) -> bool {
        head.starts_with(b"go") || memchr::memmem::find(head, b"JAVA_VERSION").is_some() || head.len() >= 512
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        // Both are a few hundred bytes; another file of that name is not one of them.
        if file.bytes.len() > 64 << 10 {
            return Ok(());
        }
        let text = file.text();
        let found = if file.path.file_name() == "VERSION" { go(&text) } else { java(&text) };
        out.packages.extend(found.map(|(name, version)| Package::new(PackageKind::Generic, name, version, file.path)));
        Ok(())
    }
}

fn go(text: &str) -> Option<(&'static str, String)> {
    let version = text.lines().next()?.trim().strip_prefix("go")?;
    let fits = version.starts_with(|c: char| c.is_ascii_digit()) && version.len() < 40 && !version.contains(' ');
    fits.then(|| ("go", version.to_owned()))
}

fn java(text: &str) -> Option<(&'static str, String)> {
    let release = OsRelease::parse(text);
    let plain = release.get("JAVA_VERSION")?;
    let major = |v: &str| v.trim_start_matches("1.").split(['.', '+', '_', '-']).next().unwrap_or_default().to_owned();
    let full = release.get("FULL_VERSION").filter(|full| major(full) == major(plain));
    let version = release.get("JAVA_RUNTIME_VERSION").or(full).unwrap_or(plain);
    let maker = release.get("IMPLEMENTOR").unwrap_or_default().to_ascii_lowercase();
    let name = if release.get("GRAALVM_VERSION").is_some() || maker.contains("graalvm") {
        "graalvm"
    } else if maker.contains("azul") {
        "zulu"
    } else if maker.contains("oracle") && release.get("BUILD_TYPE") == Some("commercial") {
        if release.get("IMAGE_TYPE") == Some("JRE") { "jre" } else { "jdk" }
    } else {
        "openjdk"
    };
    Some((name, version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packages;

    #[test]
    fn runtimes() {
        for (path, text, want) in [
            (
                "opt/java/openjdk/release",
                "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_RUNTIME_VERSION=\"21.0.4+7-LTS\"\nJAVA_VERSION=\"21.0.4\"\n",
                &["openjdk 21.0.4+7-LTS"][..],
            ),
            ("a/release", "JAVA_VERSION=\"1.8.0_402\"\nFULL_VERSION=\"11.0.1\"\n", &["openjdk 1.8.0_402"]),
            ("a/release", "IMPLEMENTOR=\"Azul Systems, Inc.\"\nJAVA_VERSION=\"17.0.9\"\n", &["zulu 17.0.9"]),
            ("usr/local/go/VERSION", "go1.22.1\ntime 2024-02-29T18:18:48Z\n", &["go 1.22.1"]),
            ("x/go/VERSION", "gopher", &[]),
        ] {
            assert_eq!(packages(&RuntimeFiles, path, text.as_bytes()), want, "{path}");
        }
        assert!(!RuntimeFiles.wants(b"Some other release file"));
    }
}
