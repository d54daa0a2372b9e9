//! rpm's databases (Berkeley DB, NDB, SQLite; see `layergate-rpmdb`) at the places where distributions keep them.
//!
//! The version is `epoch:version-release`, the epoch where it is not 0; the source's is taken from the name of the
//! source package, with the package's epoch. Imported keys (`gpg-pubkey`) are listed, as `rpm -qa` does. Files that a
//! package only owns (ghosts) are not its evidence of anything. Databases that could be read only in part are gaps, as
//! is an SQLite log that was never written back: what it holds is missing in the database beside it.

use layergate_model::{AnalyzerId, OwnedFiles, Package, PackageKind, Section, SourcePackage};
use layergate_rpmdb::RpmPackage;

use super::{needs::Needs, owned::owned_path};
use crate::{AnalyzeError, Analyzer, File, Interest, analyzers::license};

/// Reads rpm's databases.
pub struct Rpm;

/// Length of an SQLite log's own header: a log that is no longer holds no page.
const WAL_HEADER: usize = 32;

impl Analyzer for Rpm {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("rpm")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies; the reader bounds what comes of it by the size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[
            Interest::Path("var/lib/rpm/Packages"),
            Interest::Path("var/lib/rpm/Packages.db"),
            Interest::Path("var/lib/rpm/rpmdb.sqlite"),
            Interest::Path("var/lib/rpm/rpmdb.sqlite-wal"),
            Interest::Path("usr/lib/sysimage/rpm/Packages"),
            Interest::Path("usr/lib/sysimage/rpm/Packages.db"),
            Interest::Path("usr/lib/sysimage/rpm/rpmdb.sqlite"),
            Interest::Path("usr/lib/sysimage/rpm/rpmdb.sqlite-wal"),
            Interest::Path("usr/share/rpm/Packages"),
            Interest::Path("usr/share/rpm/Packages.db"),
            Interest::Path("usr/share/rpm/rpmdb.sqlite"),
            Interest::Path("usr/share/rpm/rpmdb.sqlite-wal"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        if file.path.ends_with("-wal") {
            if file.bytes.len() <= WAL_HEADER {
                return Ok(());
            }
            return Err(AnalyzeError::database(format!(
                "the rpm database was not closed: {} bytes of its log are not written back into it, and packages in them are not seen (run `rpm --rebuilddb` in the image's build)",
                file.bytes.len()
            )));
        }
        let database = layergate_rpmdb::read(file.bytes).map_err(AnalyzeError::database)?;
        let first = out.packages.len();
        let mut needs = Needs::default();
        for rpm in &database.packages {
            let index = out.packages.len();
            needs.named(index, &rpm.name);
            needs.provides(index, rpm.provides());
            needs.needs(index, rpm.requires().filter(|r| !r.starts_with("rpmlib(")));
            out.packages.push(package(rpm, file));
            let files = rpm.files().filter(|f| !f.flags.is_ghost() && !f.flags.is_doc());
            let paths: Vec<_> = files.filter_map(|f| owned_path(&f.to_string())).collect();
            if !paths.is_empty() {
                out.owned.push(OwnedFiles { evidence: file.path.clone(), package: rpm.name.clone(), paths });
            }
        }
        needs.resolve(&mut out.packages);
        match database.damages.as_slice() {
            [] => Ok(()),
            [one, more @ ..] => {
                let read = out.packages.len() - first;
                let more = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
                Err(AnalyzeError::database(format!("the rpm database is damaged ({read} packages read): {one}{more}")))
            }
        }
    }
}

fn package(rpm: &RpmPackage, file: &File<'_>) -> Package {
    let mut package = Package::new(PackageKind::Rpm, rpm.name.as_str(), rpm.evr(), file.path);
    package.arch = (!rpm.arch.is_empty()).then(|| rpm.arch.clone());
    package.vendor = rpm.vendor.clone();
    package.module = rpm.modularity_label.clone();
    package.licenses = license::one(rpm.license.as_deref().unwrap_or_default());
    package.source = rpm.source().map(|source| {
        let plain = format!("{}-{}", source.version, source.release);
        let version = match rpm.epoch {
            Some(epoch) if epoch != 0 => format!("{epoch}:{plain}"),
            _ => plain,
        };
        SourcePackage { name: source.name.to_owned(), version }
    });
    package
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;
    use layergate_model::GapKind;

    /// One rpm header blob: a count of tags, bytes of data, tags of (number, type, offset, count), data.
    fn header(tags: &[(u32, u32, &[u8])]) -> Vec<u8> {
        let (mut index, mut data) = (Vec::new(), Vec::new());
        for (tag, kind, value) in tags {
            while *kind == 4 && data.len() % 4 != 0 {
                data.push(0);
            }
            let count = if *kind == 8 {
                value.iter().filter(|b| **b == 0).count() as u32
            } else if *kind == 4 {
                value.len() as u32 / 4
            } else {
                1
            };
            for word in [*tag, *kind, data.len() as u32, count] {
                index.extend(word.to_be_bytes());
            }
            data.extend(*value);
        }
        let mut blob = (tags.len() as u32).to_be_bytes().to_vec();
        blob.extend((data.len() as u32).to_be_bytes());
        blob.extend(index);
        blob.extend(data);
        blob
    }

    /// An NDB database (rpm's lib/backend/ndb/rpmpkg.c) with these blobs.
    fn ndb(blobs: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        let word = |out: &mut Vec<u8>, value: u32| out.extend(value.to_le_bytes());
        for value in [u32::from_le_bytes(*b"RpmP"), 0, 1, 1, 0, 0, 0, 0] {
            word(&mut out, value);
        }
        let mut at = 4096u32;
        let mut body = Vec::new();
        for (number, blob) in blobs.iter().enumerate() {
            let length = (16 + blob.len() + 12).div_ceil(16) as u32;
            for value in [u32::from_le_bytes(*b"Slot"), number as u32 + 1, at / 16, length] {
                word(&mut out, value);
            }
            let begin = body.len();
            for value in [u32::from_le_bytes(*b"BlbS"), number as u32 + 1, 1, blob.len() as u32] {
                word(&mut body, value);
            }
            body.extend(blob);
            while (body.len() - begin + 12) % 16 != 0 {
                body.push(0);
            }
            let mut sum = adler(&body[begin..]);
            for value in [std::mem::take(&mut sum), blob.len() as u32, u32::from_le_bytes(*b"BlbE")] {
                word(&mut body, value);
            }
            at += length * 16;
        }
        while out.len() < 4096 {
            for value in [u32::from_le_bytes(*b"Slot"), 0, 0, 0] {
                word(&mut out, value);
            }
        }
        out.extend(body);
        out
    }

    fn adler(bytes: &[u8]) -> u32 {
        let (mut a, mut b) = (1u32, 0u32);
        for byte in bytes {
            a = (a + u32::from(*byte)) % 65521;
            b = (b + a) % 65521;
        }
        b << 16 | a
    }

    fn bind() -> Vec<u8> {
        header(&[
            (1000, 6, b"bind\0"),
            (1001, 6, b"9.11\0"),
            (1002, 6, b"1.el8\0"),
            (1003, 4, &32u32.to_be_bytes()),
            (1014, 6, b"MPLv2.0\0"),
            (1022, 6, b"x86_64\0"),
            (1044, 6, b"bind-src-9.11-1.el8.src.rpm\0"),
            (1117, 8, b"named\0ghost\0"),
            (1118, 8, b"/usr/sbin/\0"),
            (1116, 4, &[0; 8]),
            (1037, 4, &[0, 0, 0, 0, 0, 0, 0, 64]),
            (5096, 6, b"bind:9:1:x\0"),
        ])
    }

    #[test]
    fn epochs_sources_modules_and_files() {
        let (section, result) = analyze(&Rpm, "usr/lib/sysimage/rpm/Packages.db", &ndb(&[bind()]));
        result.unwrap();
        let bind = &section.packages[0];
        assert_eq!(
            (bind.name.as_str(), bind.version.as_str(), bind.arch.as_deref()),
            ("bind", "32:9.11-1.el8", Some("x86_64"))
        );
        assert_eq!(bind.source, Some(SourcePackage { name: "bind-src".into(), version: "32:9.11-1.el8".into() }));
        assert_eq!((bind.module.as_deref(), bind.licenses.len()), (Some("bind:9:1:x"), 1));
        assert_eq!(section.owned[0].paths.iter().map(|p| p.as_str()).collect::<Vec<_>>(), ["usr/sbin/named"]);
    }

    #[test]
    fn damage_is_a_gap() {
        let whole = ndb(&[bind(), bind()]);
        let cut = &whole[..4096 + bind().len() + 60];
        for (path, bytes, read) in [
            ("var/lib/rpm/Packages.db", cut, 1),
            ("var/lib/rpm/Packages", &b"not a database"[..], 0),
            ("var/lib/rpm/rpmdb.sqlite", &[], 0),
            ("var/lib/rpm/rpmdb.sqlite-wal", &[7; 4000][..], 0),
        ] {
            let (section, result) = analyze(&Rpm, path, bytes);
            assert_eq!(
                (result.unwrap_err().kind, section.packages.len()),
                (GapKind::UnreadableDatabase, read),
                "{path}"
            );
        }
        analyze(&Rpm, "var/lib/rpm/rpmdb.sqlite-wal", b"").1.unwrap();
    }
}
