//! Signed copies of kernels and boot loaders, and what they are copies of.
//!
//! Debian and Ubuntu build what Secure Boot has to verify twice: plainly, and again as a signed package of a source of its
//! own (`linux-signed-amd64`, `grub2-signed`). Their advisories speak of the plain source alone, whose version stands in
//! the signed package's.

use std::borrow::Cow;

use layergate_model::{Package, PackageKind};

use super::subject::Subject;

/// The plain source of a signed package, with its version.
pub(super) fn subject(package: &Package) -> Option<Subject<'_>> {
    if package.kind != PackageKind::Deb {
        return None;
    }
    let source = package.source.as_ref().map_or(package.name.as_str(), |s| s.name.as_str());
    let name = plain(source)?;
    // The kernel's binaries keep the version of the plain ones.
    let version = if name.starts_with("linux") {
        Cow::Borrowed(package.version.as_str())
    } else {
        Cow::Owned(inner(&package.version)?)
    };
    Some(Subject { name, version, unfixed_only: false })
}

/// `linux` of `linux-signed-amd64`, `linux-aws` of `linux-signed-aws`, `grub2` of `grub-efi-amd64-signed`.
fn plain(source: &str) -> Option<Cow<'_, str>> {
    const ARCHES: [&str; 5] = ["amd64", "arm64", "i386", "ia32", "armhf"];
    if let Some(rest) = source.strip_prefix("linux-signed") {
        let rest = rest.trim_start_matches('-');
        let flavour = !rest.is_empty() && !ARCHES.contains(&rest);
        return Some(if flavour { Cow::Owned(format!("linux-{rest}")) } else { Cow::Borrowed("linux") });
    }
    let stem = source.strip_suffix("-signed")?;
    let stem = ARCHES.iter().find_map(|arch| stem.strip_suffix(arch)?.strip_suffix('-')).unwrap_or(stem);
    Some(Cow::Borrowed(match stem {
        "grub2" | "grub-efi" | "grub2-unsigned" => "grub2",
        "shim" | "shim-helpers" => "shim",
        "systemd-boot-efi" => "systemd",
        other => other,
    }))
}

/// `2.06-13` of `1+2.06+13`, where Debian has turned the revision's dash into a plus; `2.06-2ubuntu14.1` of Ubuntu's
/// `1.187.3~22.04.1+2.06-2ubuntu14.1`; `1.5.7-4` of `1:1.5.7+4`, which has no number of its own in front.
fn inner(version: &str) -> Option<String> {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let parts: Vec<&str> = version.split('+').collect();
    if version.contains('-') {
        // The first plus separates the signed package's own version.
        return Some(version.split_once('+').map_or(version, |(_, rest)| rest).to_owned());
    }
    match parts.as_slice() {
        [upstream, revision] => Some(format!("{upstream}-{revision}")),
        [_, upstream, revision] => Some(format!("{upstream}-{revision}")),
        [_, upstream, revision, rest @ ..] => Some(format!("{upstream}-{revision}+{}", rest.join("+"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layergate_model::{LayerPath, SourcePackage};

    #[test]
    fn what_is_signed() {
        let at = LayerPath::normalise("x").unwrap();
        for (name, version, source, want) in [
            ("linux-image-6.1.0-13-amd64", "6.1.55-1", "linux-signed-amd64", Some("linux 6.1.55-1")),
            ("linux-image-5.15.0-91-generic", "5.15.0-91.101", "linux-signed", Some("linux 5.15.0-91.101")),
            ("linux-image-aws", "5.15.0-1051.56", "linux-signed-aws", Some("linux-aws 5.15.0-1051.56")),
            ("grub-efi-amd64-signed", "1+2.06+13", "", Some("grub2 2.06-13")),
            ("grub-efi-amd64-signed", "1+2.06+13+deb12u1", "", Some("grub2 2.06-13+deb12u1")),
            (
                "grub-efi-amd64-signed",
                "1.187.3~22.04.1+2.06-2ubuntu14.1",
                "grub2-signed",
                Some("grub2 2.06-2ubuntu14.1"),
            ),
            ("shim-signed", "1.39+15.7-1", "shim-signed", Some("shim 15.7-1")),
            ("shim-helpers-amd64-signed", "1+15.7+1", "", Some("shim 15.7-1")),
            ("fwupd-amd64-signed", "1:1.5.7+4", "", Some("fwupd 1.5.7-4")),
            ("openssl", "3.0.9-1", "", None),
        ] {
            let mut package = Package::new(PackageKind::Deb, name, version, &at);
            if !source.is_empty() {
                package.source = Some(SourcePackage { name: source.into(), version: version.into() });
            }
            let got = subject(&package).map(|s| format!("{} {}", s.name, s.version));
            assert_eq!(got.as_deref(), want, "{name}");
        }
    }
}
