//! Gentoo's portage (Package Manager Specification, appendix on the VDB): one directory
//! `var/db/pkg/CATEGORY/NAME-VERSION` for each package, in it `CONTENTS` (`obj PATH md5 mtime`, `sym PATH -> TARGET
//! mtime`, `dir PATH`) and `LICENSE`. Name and version are the directory's, for every file of it repeats them.

use layergate_model::{AnalyzerId, LicenseFact, OwnedFiles, Package, PackageKind, Section};

use super::owned::owned_path;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads portage's installed packages.
pub struct Portage;

const DATABASE: &str = "var/db/pkg";

impl Analyzer for Portage {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("portage")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Below(DATABASE)]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        place(entry.path).is_some_and(|(_, _, file)| matches!(file, "CONTENTS" | "LICENSE"))
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let Some((category, directory, name)) = place(file.path) else { return Ok(()) };
        let Some((package, version)) = split(directory) else {
            return Err(AnalyzeError::database(format!("{directory} is not a portage package's name and version")));
        };
        let package = format!("{category}/{package}");
        let text = file.text();
        if name == "LICENSE" {
            let licenses: Vec<_> = license::normal(&text).into_iter().collect();
            if !licenses.is_empty() {
                out.licenses.push(LicenseFact { evidence: file.path.clone(), package, licenses });
            }
            return Ok(());
        }
        let paths: Vec<_> = text.lines().filter_map(installed).collect();
        out.packages.push(Package::new(PackageKind::Portage, package.as_str(), version, file.path));
        if !paths.is_empty() {
            out.owned.push(OwnedFiles { evidence: file.path.clone(), package, paths });
        }
        Ok(())
    }
}

/// Category, directory and file of a path in the database.
fn place(path: &str) -> Option<(&str, &str, &str)> {
    let mut parts = path.strip_prefix(DATABASE)?.strip_prefix('/')?.split('/');
    let place = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some(place)
}

/// The path of an `obj` line: what stands before its hash and its time. Paths may have spaces.
fn installed(line: &str) -> Option<layergate_model::LayerPath> {
    owned_path(line.strip_prefix("obj ")?.rsplitn(3, ' ').nth(2)?)
}

/// `openssl-3.0.9-r1` is `openssl` and `3.0.9-r1`: the version begins at the last dash before a digit, `-r1` apart.
fn split(directory: &str) -> Option<(&str, &str)> {
    let digit_after = |at: usize| directory.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
    let at = directory.rmatch_indices('-').map(|(at, _)| at).find(|at| digit_after(*at))?;
    (at > 0).then(|| (&directory[..at], &directory[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn names_versions_and_files() {
        for (directory, want) in [
            ("openssl-3.0.9-r1", "dev-libs/openssl 3.0.9-r1"),
            ("gtk+-3-2.4_rc1", "dev-libs/gtk+-3 2.4_rc1"),
            ("zlib-1.2.13", "dev-libs/zlib 1.2.13"),
        ] {
            assert_eq!(packages(&Portage, &format!("var/db/pkg/dev-libs/{directory}/CONTENTS"), b""), [want]);
        }
        let contents = b"dir /usr\nobj /usr/bin/a b 0123 170000\nsym /usr/bin/c -> a 170000\nrubbish\n";
        let (section, _) = analyze(&Portage, "var/db/pkg/app/a-1/CONTENTS", contents);
        assert_eq!(section.owned[0].paths[0].as_str(), "usr/bin/a b");
        let (section, _) = analyze(&Portage, "var/db/pkg/app/a-1/LICENSE", b"MIT\n");
        assert_eq!((section.licenses[0].package.as_str(), section.packages.len()), ("app/a", 0));
        assert!(analyze(&Portage, "var/db/pkg/app/nothing/CONTENTS", b"").1.is_err());
    }
}
