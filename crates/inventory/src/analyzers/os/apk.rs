//! apk's database `lib/apk/db/installed` (Alpine wiki "Apk spec", "Installed Database V2"): records of `X:value` lines,
//! apart by empty lines. P name, V version, A architecture, o origin, L license, m maintainer, D needs, p provides,
//! F directory, R file in it.
//!
//! Advisories speak of the origin, whose version is the package's own. The file lists say which files are apk's.
//! A record without name or version, a line that is none, or an end in the middle of a line is a damaged database.

use layergate_model::{AnalyzerId, OwnedFiles, Package, PackageKind, Section, SourcePackage};

use super::{needs::Needs, owned::owned_path};
use crate::{AnalyzeError, Analyzer, File, Interest, analyzers::license};

/// Reads apk's list of installed packages.
pub struct Apk;

#[derive(Default)]
struct Record<'a> {
    line: usize,
    name: &'a str,
    version: &'a str,
    arch: &'a str,
    origin: &'a str,
    license: &'a str,
    maintainer: &'a str,
    needs: &'a str,
    provides: &'a str,
    strange: bool,
}

impl Analyzer for Apk {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("apk")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn max_bytes(&self) -> u64 {
        // 5,000 packages have 10 MB.
        32 << 20
    }

    fn interests(&self) -> &'static [Interest] {
        &[
            Interest::Path("lib/apk/db/installed"),
            Interest::Path("usr/lib/apk/db/installed"),
            Interest::Path("var/lib/apk/installed"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let text = file.text();
        let first = out.packages.len();
        let mut damage = None;
        let mut needs = Needs::default();
        let mut record = Record::default();
        let mut files = Vec::new();
        let mut directory = "";
        for (number, line) in text.lines().chain(std::iter::once("")).enumerate() {
            if line.is_empty() {
                directory = "";
                match finish(std::mem::take(&mut record), std::mem::take(&mut files), file, out, &mut needs) {
                    Ok(()) => {}
                    Err(why) => damage = damage.or(Some(why)),
                }
                continue;
            }
            if record.line == 0 {
                record.line = number + 1;
            }
            let Some((key, value)) = line.split_once(':').filter(|(key, _)| key.len() == 1) else {
                record.strange = true;
                continue;
            };
            match key {
                "P" => record.name = value,
                "V" => record.version = value,
                "A" => record.arch = value,
                "o" => record.origin = value,
                "L" => record.license = value,
                "m" => record.maintainer = value,
                "D" => record.needs = value,
                "p" => record.provides = value,
                "F" => directory = value,
                "R" => files.extend(in_directory(directory, value)),
                _ => {}
            }
        }
        needs.resolve(&mut out.packages);
        if !text.is_empty() && !text.ends_with('\n') {
            damage = damage.or(Some("the file ends in the middle of a line".into()));
        }
        match damage {
            Some(why) => {
                let read = out.packages.len() - first;
                Err(AnalyzeError::database(format!("the apk database is damaged ({read} packages read): {why}")))
            }
            None => Ok(()),
        }
    }
}

fn in_directory(directory: &str, name: &str) -> Option<layergate_model::LayerPath> {
    // A long directory for each of millions of short names would grow beyond the file.
    (directory.len() <= 4096).then(|| owned_path(&format!("{directory}/{name}")))?
}

fn finish<'a>(
    record: Record<'a>,
    paths: Vec<layergate_model::LayerPath>,
    file: &File<'_>,
    out: &mut Section,
    needs: &mut Needs<'a>,
) -> Result<(), String> {
    if record.line == 0 {
        return Ok(());
    }
    if record.name.is_empty() || record.version.is_empty() {
        return Err(format!("the record at line {} has no name or version", record.line));
    }
    let index = out.packages.len();
    let mut package = Package::new(PackageKind::Apk, record.name, record.version, file.path);
    package.arch = some(record.arch);
    package.vendor = some(record.maintainer);
    package.licenses = license::one(record.license);
    let origin = if record.origin.is_empty() { record.name } else { record.origin };
    package.source = Some(SourcePackage { name: origin.to_owned(), version: record.version.to_owned() });
    needs.named(index, record.name);
    needs.provides(index, names(record.provides));
    needs.needs(index, names(record.needs));
    out.packages.push(package);
    if !paths.is_empty() {
        out.owned.push(OwnedFiles { evidence: file.path.clone(), package: record.name.to_owned(), paths });
    }
    if record.strange {
        return Err(format!("the record at line {} has lines that are no fields", record.line));
    }
    Ok(())
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// `so:libc.musl-x86_64.so.1=1`, `busybox>=1.2`, `!conflict` (which is not needed).
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(' ')
        .filter(|n| !n.is_empty() && !n.starts_with('!'))
        .filter_map(|n| n.split(['=', '<', '>', '~', '@']).next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};
    use layergate_model::GapKind;

    const AT: &str = "lib/apk/db/installed";
    const TWO: &str = "C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\np:so:libc.musl-x86_64.so.1=1\nF:lib\nR:ld-musl-x86_64.so.1\n\
        a:0:0:755\nZ:Q1x=\n\nP:musl-utils\nV:1.2.5-r0\nA:x86_64\nL:MIT AND BSD-2-Clause AND GPL-2.0-or-later\no:musl\n\
        D:scanelf>1 so:libc.musl-x86_64.so.1 !uclibc-utils\nF:usr/bin\nR:ldd\nR:getconf\n\n";

    #[test]
    fn packages_origins_files_and_needs() {
        let (section, result) = analyze(&Apk, AT, TWO.as_bytes());
        result.unwrap();
        let utils = &section.packages[1];
        assert_eq!(
            (utils.name.as_str(), utils.version.as_str(), utils.arch.as_deref()),
            ("musl-utils", "1.2.5-r0", Some("x86_64"))
        );
        assert_eq!(utils.source, Some(SourcePackage { name: "musl".into(), version: "1.2.5-r0".into() }));
        assert_eq!(utils.licenses, ["MIT AND BSD-2-Clause AND GPL-2.0-or-later"]);
        assert_eq!(utils.dependencies.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["musl"]);
        let owned: Vec<_> = section.owned[1].paths.iter().map(|p| p.as_str()).collect();
        assert_eq!((section.owned[1].package.as_str(), owned), ("musl-utils", vec!["usr/bin/ldd", "usr/bin/getconf"]));
        assert_eq!(packages(&Apk, AT, b""), [""; 0]);
        assert_eq!(packages(&Apk, "usr/lib/apk/db/installed", b"P:a\nV:1\n"), ["a 1"]);
    }

    #[test]
    fn damage_is_reported_and_what_was_read_stays() {
        for (bytes, read) in [
            (TWO.as_bytes()[..170].to_vec(), 2),
            (b"P:a\nV:1\n\nP:b\n".to_vec(), 1),
            (b"P:a\nV:1\n\nthis is a corrupt db\n".to_vec(), 1),
            (b"P:a\nV:1\nthis is a corrupt db\n".to_vec(), 1),
            (b"\0\xff\n".repeat(10_000), 0),
        ] {
            let (section, result) = analyze(&Apk, AT, &bytes);
            assert_eq!(result.unwrap_err().kind, GapKind::UnreadableDatabase);
            assert_eq!(section.packages.len(), read, "{:?}", String::from_utf8_lossy(&bytes));
        }
    }
}
