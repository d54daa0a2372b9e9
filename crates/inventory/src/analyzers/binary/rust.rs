//! Crates that a Rust program was built from: cargo-auditable's section `.dep-v0`, zlib-compressed JSON
//! (rust-secure-code/cargo-auditable, "PARSING.md").
//!
//! A WebAssembly module has it as a custom section of that name (webassembly.github.io/spec, "Binary Format", "Modules").
//!
//! Crates that only ran during the build are not in the program and not listed. The program's own crate is.

use std::io::Read;

use layergate_model::{AnalyzerId, Dependency, Package, PackageKind, Section};
use serde::Deserialize;

use super::executable::{Executable, is_executable, may_be_program};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads the list of crates in a program.
pub struct RustBinary;

/// How a WebAssembly module begins.
const WASM: &[u8] = b"\0asm";
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
        3
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Executable, Interest::Content, Interest::Extension(".wasm")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        // Libraries are read where they are executable; there are too many others.
        entry.mode & 0o111 != 0 || (may_be_program(entry) && !entry.path.file_name().contains(".so"))
    }

    fn wants(&self, head: &[u8]) -> bool {
        is_executable(head) || head.starts_with(WASM)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let list = match file.bytes.starts_with(WASM) {
            true => custom_section(file.bytes, b".dep-v0"),
            false => Executable::parse(file.bytes).and_then(|program| Some(program.section(".dep-v0")?.data)),
        };
        let Some(list) = list else { return Ok(()) };
        let bad =
            |why: &dyn std::fmt::Display| AnalyzeError::unreadable(format!("the crate list of this program: {why}"));
        let mut json = Vec::new();
        flate2::read::ZlibDecoder::new(list).take(MAX_JSON + 1).read_to_end(&mut json).map_err(|e| bad(&e))?;
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

/// The content of a module's custom section; `None` where there is none of this name, or the module is broken.
fn custom_section<'a>(module: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut rest = module.get(8..)?;
    while let Some((id, after)) = rest.split_first() {
        let (size, after) = leb128(after)?;
        let (content, next) = after.split_at_checked(size)?;
        if *id == 0 {
            let (length, name) = leb128(content)?;
            let (name, data) = name.split_at_checked(length)?;
            if name == wanted {
                return Some(data);
            }
        }
        rest = next;
    }
    None
}

/// A number of up to 32 bits, seven in each byte, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0usize;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
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
    fn crates_of_a_module() {
        let list = zlib(br#"{"packages":[{"name":"libc","version":"0.2.1","source":"crates.io"}]}"#);
        let section = |name: &[u8], data: &[u8]| {
            let size = 1 + name.len() + data.len();
            [&[0, (size & 0x7f) as u8 | 0x80, (size >> 7) as u8, name.len() as u8], name, data].concat()
        };
        let module =
            [b"\0asm\x01\0\0\0\x01\x01\0".as_slice(), &section(b"name", b"x"), &section(b".dep-v0", &list)].concat();
        assert_eq!(packages(&RustBinary, "app/main.wasm", &module), ["libc 0.2.1"]);
        for cut in 4..module.len() {
            let _ = analyze(&RustBinary, "app/main.wasm", &module[..cut]);
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
