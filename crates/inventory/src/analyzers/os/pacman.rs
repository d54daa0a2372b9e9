//! pacman's database (Arch Linux wiki, "pacman"; libalpm `be_local`): `var/lib/pacman/local/NAME-VERSION-RELEASE/` with
//! `desc` (sections `%NAME%`, `%VERSION%`, `%BASE%`, … each a list of lines) and `files`, the paths it installed.

use layergate_model::{AnalyzerId, Dependency, OwnedFiles, Package, PackageKind, Section, SourcePackage};

use super::owned::owned_path;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads pacman's installed packages.
pub struct Pacman;

const LOCAL: &str = "var/lib/pacman/local";
/// Dependencies and licenses of one package that are kept.
const MAX_LIST: usize = 512;

impl Analyzer for Pacman {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("pacman")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Below(LOCAL)]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let mut rest = entry.path[LOCAL.len()..].trim_start_matches('/').split('/').skip(1);
        matches!((rest.next(), rest.next()), (Some("desc" | "files"), None))
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let text = file.text();
        if file.path.ends_with("/files") {
            let directory = file.path.rsplit('/').nth(1).unwrap_or_default();
            // The directory is NAME-VERSION-RELEASE, and neither version nor release has a dash.
            let package = directory.rsplitn(3, '-').nth(2).unwrap_or(directory).to_owned();
            let paths: Vec<_> = values(&text, "%FILES%").filter(|p| !p.ends_with('/')).filter_map(owned_path).collect();
            if !paths.is_empty() {
                out.owned.push(OwnedFiles { evidence: file.path.clone(), package, paths });
            }
            return Ok(());
        }
        let one = |key: &'static str| values(&text, key).next();
        let (Some(name), Some(version)) = (one("%NAME%"), one("%VERSION%")) else {
            return Err(AnalyzeError::database("a record of the pacman database has no name or version"));
        };
        let mut package = Package::new(PackageKind::Alpm, name, version, file.path);
        package.arch = one("%ARCH%").map(str::to_owned);
        package.vendor = one("%PACKAGER%").map(str::to_owned);
        let base = one("%BASE%").unwrap_or(name);
        package.source = Some(SourcePackage { name: base.to_owned(), version: version.to_owned() });
        package.licenses = values(&text, "%LICENSE%").take(MAX_LIST).filter_map(license::normal).collect();
        let needs = values(&text, "%DEPENDS%").filter(|n| !n.contains(".so")).take(MAX_LIST);
        let mut names: Vec<_> = needs.filter_map(|n| n.split(['<', '>', '=']).next()).map(str::to_owned).collect();
        names.sort();
        names.dedup();
        package.dependencies = names.into_iter().map(|name| Dependency { name, version: None }).collect();
        out.packages.push(package);
        Ok(())
    }
}

/// The lines of one section, up to the empty line behind it.
fn values<'a>(text: &'a str, key: &'static str) -> impl Iterator<Item = &'a str> {
    text.lines().skip_while(move |line| *line != key).skip(1).map(str::trim).take_while(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn records_and_files() {
        let desc = "%NAME%\nlibcap\n\n%VERSION%\n2.69-3\n\n%BASE%\ncap\n\n%ARCH%\nx86_64\n\n%LICENSE%\nBSD\nGPL-2.0-only\n\n\
            %DEPENDS%\nglibc>=2.3\npam\nlibpam.so=0-64\n\n";
        let at = "var/lib/pacman/local/libcap-2.69-3/desc";
        let (section, result) = analyze(&Pacman, at, desc.as_bytes());
        result.unwrap();
        let package = &section.packages[0];
        assert_eq!((package.name.as_str(), package.version.as_str()), ("libcap", "2.69-3"));
        assert_eq!(package.source.as_ref().unwrap().name, "cap");
        assert_eq!(package.dependencies.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["glibc", "pam"]);
        let files = b"%FILES%\nusr/\nusr/bin/\nusr/bin/getcap\n\n%BACKUP%\netc/x\t00\n";
        let (section, _) = analyze(&Pacman, "var/lib/pacman/local/lib-cap-1:2.69-3/files", files);
        assert_eq!((section.owned[0].package.as_str(), section.owned[0].paths.len()), ("lib-cap", 1));
        for bad in [&b""[..], b"%NAME%\n", b"%NAME%\na\n\n%VERSION%\n\n", b"\xff\0%"] {
            assert!(analyze(&Pacman, at, bad).1.is_err());
        }
        assert_eq!(packages(&Pacman, at, b"%NAME%\na\n%X%\n\n%VERSION%\n1-1"), ["a 1-1"]);
    }
}
