//! The text list of installed rpm packages that CBL-Mariner and Azure Linux put into distroless images:
//! `var/lib/rpmmanifest/container-manifest-2`, one package a line, its fields apart by tabs (Azure Linux toolkit,
//! "distroless containers"): name, version-release, install time, build time, vendor, epoch, size, architecture, epochs,
//! source package.

use layergate_model::{AnalyzerId, Package, PackageKind, Section, SourcePackage};

use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads the manifest of a distroless Mariner image.
pub struct RpmManifest;

impl Analyzer for RpmManifest {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("rpm-manifest")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Path("var/lib/rpmmanifest/container-manifest-2")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let text = file.text();
        let mut damage = None;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            match package(line, file) {
                Some(package) => out.packages.push(package),
                None => damage = damage.or(Some(number + 1)),
            }
        }
        match damage {
            Some(line) => Err(AnalyzeError::database(format!("line {line} of the rpm manifest is not a package's"))),
            None => Ok(()),
        }
    }
}

fn package(line: &str, file: &File<'_>) -> Option<Package> {
    let fields: Vec<_> = line.splitn(12, '\t').map(str::trim).collect();
    if fields.len() < 10 || fields[0].is_empty() || !fields[1].contains('-') {
        return None;
    }
    let said = |text: &str| (!text.is_empty() && text != "(none)").then(|| text.to_owned());
    let with_epoch = |version: String| match fields[5] {
        "" | "0" | "(none)" => version,
        epoch => format!("{epoch}:{version}"),
    };
    let mut package = Package::new(PackageKind::Rpm, fields[0], with_epoch(fields[1].to_owned()), file.path);
    package.vendor = said(fields[4]);
    package.arch = said(fields[7]);
    package.source = layergate_rpmdb::parse_source_rpm(fields[9]).map(|source| SourcePackage {
        name: source.name.to_owned(),
        version: with_epoch(format!("{}-{}", source.version, source.release)),
    });
    Some(package)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    const AT: &str = "var/lib/rpmmanifest/container-manifest-2";

    #[test]
    fn lines_of_tabs() {
        let text = "glibc\t2.35-2.cm2\t1653816591\t1653753130\tMicrosoft Corporation\t(none)\t10855265\tx86_64\t0\tglibc-2.35-2.cm2.src.rpm\n\
            bind-libs\t9.16-1.cm2\t1\t1\tMicrosoft Corporation\t32\t1\tx86_64\t0\tbind-9.16-1.cm2.src.rpm\n";
        assert_eq!(packages(&RpmManifest, AT, text.as_bytes()), ["bind-libs 32:9.16-1.cm2", "glibc 2.35-2.cm2"]);
        let (section, _) = analyze(&RpmManifest, AT, text.as_bytes());
        let source = section.packages[1].source.clone().unwrap();
        assert_eq!((source.name.as_str(), source.version.as_str()), ("bind", "32:9.16-1.cm2"));
        assert!(analyze(&RpmManifest, AT, b"glibc\t2.35\n\xff").1.is_err());
    }
}
