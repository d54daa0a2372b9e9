//! Crates that a Rust program was built from: cargo-auditable's section `.dep-v0`, zlib-compressed JSON
//! (rust-secure-code/cargo-auditable, "PARSING.md").
//!
//! Crates that only ran during the build are not in the program and not listed. The program's own crate is.

use std::io::Read;

use layergate_model::{AnalyzerId, Dependency, Package, PackageKind, Section};
use serde::Deserialize;

use super::executable::{Executable, is_executable, may_be_program};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads the list of crates in a program.
pub struct RustBinary;

/// The largest list after decompression, as its specification recommends.
const MAX_JSON: u64 = 8 << 20;

#[derive(Deserialize)]
struct Audit {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    dependencies: Vec<usize>,
}

impl Crate {
    fn is_runtime(&self) -> bool {
        self.kind.as_deref() != Some("build")
    }
}

impl Analyzer for RustBinary {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("rust-binary")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Executable, Interest::Content]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        // Libraries are read where they are executable; there are too many others.
        entry.mode & 0o111 != 0 || (may_be_program(entry) && !entry.path.file_name().contains(".so"))
    }

    fn wants(&self, head: &[u8]) -> bool {
        is_executable(head)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let Some(program) = Executable::parse(file.bytes) else { return Ok(()) };
        let Some(section) = program.section(".dep-v0") else { return Ok(()) };
        let bad =
            |why: &dyn std::fmt::Display| AnalyzeError::unreadable(format!("the crate list of this program: {why}"));
        let mut json = Vec::new();
        flate2::read::ZlibDecoder::new(section.data).take(MAX_JSON + 1).read_to_end(&mut json).map_err(|e| bad(&e))?;
        if json.len() as u64 > MAX_JSON {
            return Err(AnalyzeError::limit(format!("the crate list of this program has more than {MAX_JSON} bytes")));
        }
        let audit: Audit = serde_json::from_slice(&json).map_err(|e| bad(&e))?;
        for one in audit.packages.iter().filter(|c| c.is_runtime() && !c.name.is_empty() && !c.version.is_empty()) {
            let mut package = Package::new(PackageKind::Cargo, one.name.as_str(), one.version.as_str(), file.path);
            let needed = one.dependencies.iter().filter_map(|i| audit.packages.get(*i)).filter(|c| c.is_runtime());
            package.dependencies = needed
                .take(1024)
                .map(|c| Dependency { name: c.name.clone(), version: Some(c.version.clone()) })
                .collect();
            out.packages.push(package);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::{
        analyzers::binary::executable::build,
        testing::{analyze, packages},
    };

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn crates_of_a_program() {
        let json = br#"{"packages":[{"name":"app","version":"0.1.0","source":"local","root":true,"dependencies":[1,2,9]},
            {"name":"libc","version":"0.2.1","source":"crates.io"},{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"}]}"#;
        for program in [
            build::elf(&[(".text", b"x"), (".dep-v0", &zlib(json))]),
            build::pe(".dep-v0", &zlib(json)),
            build::macho(".dep-v0", &zlib(json)),
        ] {
            assert_eq!(packages(&RustBinary, "usr/bin/app", &program), ["app 0.1.0", "libc 0.2.1"]);
            let (section, _) = analyze(&RustBinary, "usr/bin/app", &program);
            assert_eq!(section.packages[0].dependencies[0].name, "libc");
        }
    }

    #[test]
    fn hostile_lists() {
        let bomb = zlib(&vec![b' '; 9 << 20]);
        for data in [&bomb[..], b"not zlib", &zlib(b"{"), &zlib("[".repeat(100_000).as_bytes())] {
            assert!(analyze(&RustBinary, "a", &build::elf(&[(".dep-v0", data)])).1.is_err());
        }
        let whole = build::elf(&[(".dep-v0", &zlib(b"{\"packages\":[]}"))]);
        for bytes in build::mutations(&whole).filter(|b| RustBinary.wants(b)) {
            let _ = analyze(&RustBinary, "a", &bytes);
        }
    }
}
