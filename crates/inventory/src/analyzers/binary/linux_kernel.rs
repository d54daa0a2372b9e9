//! Linux kernels and their modules: the version string that the boot protocol of x86 points to (kernel.org, "The Linux/x86
//! Boot Protocol", `kernel_version`), and the section `.modinfo` of `*.ko` (kernel.org, `modinfo` in `include/linux/module.h`).
//!
//! A module of the kernel's own tree mostly has no version: it is the kernel's, and not listed apart. Compressed modules and
//! kernels of other machines, which do not say their version in front of their compressed part, are passed over.

use layergate_model::{AnalyzerId, Package, PackageKind, Section};

use super::executable::Executable;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads kernels and modules.
pub struct LinuxKernel;

impl Analyzer for LinuxKernel {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("linux-kernel")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[
            Interest::Extension(".ko"),
            Interest::Below("boot"),
            Interest::Below("lib/modules"),
            Interest::Below("usr/lib/modules"),
        ]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let name = entry.path.file_name();
        name.ends_with(".ko")
            || ["vmlinuz", "kernel", "bzImage"]
                .iter()
                .any(|k| name.strip_prefix(k).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
    }

    fn wants(&self, head: &[u8]) -> bool {
        head.starts_with(b"\x7fELF") || head.get(0x1fe..0x200) == Some(b"\x55\xaa")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let found = if file.path.file_name().ends_with(".ko") {
            module(file.bytes)
        } else {
            kernel(file.bytes).map(|version| ("linux-kernel", version))
        };
        let sane = |text: &str| !text.is_empty() && text.len() <= 200 && !text.contains(char::is_control);
        if let Some((name, version)) = found.filter(|(name, version)| sane(name) && sane(version)) {
            out.packages.push(Package::new(PackageKind::Generic, name, version, file.path));
        }
        Ok(())
    }
}

/// The first word of the string that the setup header points to.
fn kernel(bytes: &[u8]) -> Option<&str> {
    if bytes.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let pointer = u16::from_le_bytes(bytes.get(0x20e..0x210)?.try_into().ok()?);
    let text = bytes.get(usize::from(pointer).checked_add(0x200)?..)?;
    let end = text.iter().take(200).position(|b| *b == b' ' || *b == 0)?;
    std::str::from_utf8(&text[..end]).ok().filter(|v| pointer > 0 && v.starts_with(|c: char| c.is_ascii_digit()))
}

/// `name=` and `version=` of a module.
fn module(bytes: &[u8]) -> Option<(&str, &str)> {
    let program = Executable::parse(bytes)?;
    let info = program.section(".modinfo")?;
    let field = |key: &str| {
        let value = info.data.split(|b| *b == 0).find_map(|entry| entry.strip_prefix(key.as_bytes()))?;
        std::str::from_utf8(value).ok()
    };
    Some((field("name=")?, field("version=")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyzers::binary::executable::build, testing::packages};

    fn image(version: &str) -> Vec<u8> {
        let mut out = vec![0; 0x300];
        out[0x1fe..0x200].copy_from_slice(b"\x55\xaa");
        out[0x202..0x206].copy_from_slice(b"HdrS");
        out[0x20e..0x210].copy_from_slice(&0x100u16.to_le_bytes());
        out.extend(version.as_bytes());
        out.push(0);
        out
    }

    #[test]
    fn kernels_and_modules() {
        let kernel = image("6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org) #1 SMP");
        assert_eq!(packages(&LinuxKernel, "boot/vmlinuz-6.1.0", &kernel), ["linux-kernel 6.1.0-56-cloud-amd64"]);
        let mut outside = kernel.clone();
        outside[0x20e..0x210].copy_from_slice(&u16::MAX.to_le_bytes());
        for nothing in [image("none"), image(""), outside, kernel[..0x300].to_vec()] {
            assert_eq!(packages(&LinuxKernel, "boot/vmlinuz", &nothing), [""; 0]);
        }
        let module = build::elf(&[(".text", b"x"), (".modinfo", b"version=2.3\0license=GPL\0name=bridge\0")]);
        assert_eq!(packages(&LinuxKernel, "lib/modules/6.1.0/kernel/net/bridge.ko", &module), ["bridge 2.3"]);
        let own = build::elf(&[(".modinfo", b"license=GPL\0name=x\0")]);
        assert_eq!(packages(&LinuxKernel, "lib/modules/6.1.0/x.ko", &own), [""; 0]);
        for bytes in build::mutations(&module).filter(|b| LinuxKernel.wants(b)) {
            let _ = packages(&LinuxKernel, "x.ko", &bytes);
        }
    }
}
