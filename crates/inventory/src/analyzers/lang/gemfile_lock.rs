//! Bundler's `Gemfile.lock` and `gems.locked` (bundler.io): the `specs:` of the sections `GEM`, `GIT`, `PATH` and `PLUGIN SOURCE`,
//! each gem four blanks in, its needs six.

use layergate_model::{AnalyzerId, Dependency, PackageKind, Provenance, Section};

use super::input;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads `Gemfile.lock`.
pub struct GemfileLock;

impl Analyzer for GemfileLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("gemfile-lock")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("Gemfile.lock"), Interest::Name("gems.locked"), Interest::Name("Gemfile.next.lock")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, input::MAX_LOCK)?;
        let start = out.packages.len();
        let (mut specs, mut last) = (false, false);
        let mut provenance = Provenance::Registry;
        for line in file.text().lines() {
            let content = line.trim_start_matches(' ');
            match line.len() - content.len() {
                0 => {
                    specs = false;
                    provenance = match content {
                        "GIT" | "PATH" => Provenance::Elsewhere,
                        _ => Provenance::Registry,
                    };
                }
                2 => specs = content == "specs:",
                4 if specs => {
                    last = false;
                    let Some((name, rest)) = content.split_once(" (") else { continue };
                    let version = without_platform(rest.split(')').next().unwrap_or_default());
                    let new = input::push(out, PackageKind::Gem, name, version, file);
                    last = new.is_some();
                    if let Some(new) = new {
                        new.provenance = provenance;
                    }
                }
                6 if specs && last => {
                    let name = content.split(' ').next().unwrap_or_default().trim_end_matches('!');
                    if let Some(package) = out.packages.last_mut() {
                        package.dependencies.push(Dependency { name: name.to_owned(), version: None });
                    }
                }
                _ => {}
            }
        }
        input::join_same(out, start);
        Ok(())
    }
}

/// `1.13.9-x86_64-linux` is 1.13.9 built for a platform; gem versions have no dash.
fn without_platform(version: &str) -> &str {
    version.split_once('-').map_or(version, |(v, _)| v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    #[test]
    fn sections() {
        let text = b"GIT\n  remote: https://x\n  revision: 0\n  specs:\n    g (0.1)\n\nPATH\n  remote: .\n  specs:\n    app (1.0)\n      a (>= 1)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    a (1.1)\n      b (~> 2)\n      c\n    b (2.0-x86_64-linux)\n    b (2.0-java)\n    malformed\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  a (>= 1)\n\nBUNDLED WITH\n   2.3.4\n";
        assert_eq!(packages(&GemfileLock, "Gemfile.lock", text), ["a 1.1", "app 1.0", "b 2.0", "g 0.1"]);
        let of_git = &analyze(&GemfileLock, "Gemfile.lock", text).0.packages[3];
        assert_eq!((of_git.name.as_str(), of_git.provenance), ("g", Provenance::Elsewhere));
        assert_eq!(analyze(&GemfileLock, "Gemfile.lock", text).0.packages[0].dependencies.len(), 2);
    }
}
