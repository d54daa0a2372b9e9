//! Python programs in one zip archive: pex, shiv and the standard library's zipapp (docs.python.org, "zipapp"; PEP 441). Python
//! runs any archive with a `__main__.py`, whatever it is called, with a script's first line before it or not. The packages in
//! it have their metadata as installed ones do; some pex files keep them as wheels, which are read in the same way.
//!
//! Bounds: metadata of 4 MiB, wheels of 64 MiB each and of 512 MiB together, 10,000 packages.

use std::io::Read;

use layergate_model::{AnalyzerId, Section};

use super::{
    archive::{Archive, Member},
    input, python_installed,
};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads Python programs in zip archives.
pub struct PythonZip;

const MAX_METADATA: u64 = 4 << 20;
const MAX_WHEEL: u64 = 64 << 20;
const MAX_WHEELS: u64 = 512 << 20;
const MAX_PACKAGES: usize = 10_000;

impl Analyzer for PythonZip {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("python-zip")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn max_bytes(&self) -> u64 {
        // Read where it lies, whatever its size.
        u64::MAX
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Content]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        let name = entry.path.file_name();
        ![".jar", ".war", ".ear", ".egg", ".whl", ".so"].iter().any(|end| name.ends_with(end))
            && !input::inside_dependency(entry.path)
    }

    fn wants(&self, head: &[u8]) -> bool {
        head.starts_with(b"PK\x03\x04") || head.starts_with(b"#!")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let Some(archive) = Archive::open(file.bytes) else { return Ok(()) };
        if !archive.members().flatten().any(|member| member.name == b"__main__.py") {
            return Ok(());
        }
        let start = out.packages.len();
        let mut walk = Walk { file, out, wheels_left: MAX_WHEELS, trouble: None };
        walk.archive(&archive, file.path.as_str(), true);
        let trouble = walk.trouble;
        input::join_same(out, start);
        trouble.map_or(Ok(()), Err)
    }
}

struct Walk<'w> {
    file: &'w File<'w>,
    out: &'w mut Section,
    wheels_left: u64,
    /// The first thing that went wrong; the rest is read all the same.
    trouble: Option<AnalyzeError>,
}

impl Walk<'_> {
    fn trouble(&mut self, error: AnalyzeError) {
        self.trouble.get_or_insert(error);
    }

    fn archive(&mut self, archive: &Archive<'_>, location: &str, with_wheels: bool) {
        for member in archive.members() {
            let member = match member {
                Ok(member) => member,
                Err(why) => return self.trouble(AnalyzeError::unreadable(format!("{location}: {why}"))),
            };
            if self.out.packages.len() >= MAX_PACKAGES {
                let detail = format!("more than {MAX_PACKAGES} packages inside one program");
                return self.trouble(AnalyzeError::limit(detail));
            }
            if is_metadata(member.name) {
                self.metadata(archive, &member, location);
            } else if with_wheels && member.name.ends_with(b".whl") {
                self.wheel(archive, &member, location);
            }
        }
    }

    fn metadata(&mut self, archive: &Archive<'_>, member: &Member<'_>, location: &str) {
        let at = format!("{location}!{}", String::from_utf8_lossy(member.name));
        match archive.read(member, MAX_METADATA) {
            Ok(bytes) => match python_installed::package(&String::from_utf8_lossy(&bytes), self.file) {
                Some(mut package) => {
                    package.locations = vec![at];
                    self.out.packages.push(package);
                }
                None => self.trouble(AnalyzeError::unreadable(format!("{at}: no name or version"))),
            },
            Err(why) => self.trouble(AnalyzeError::unreadable(format!("{at}: {why}"))),
        }
    }

    fn wheel(&mut self, archive: &Archive<'_>, member: &Member<'_>, location: &str) {
        let at = format!("{location}!{}", String::from_utf8_lossy(member.name));
        let mut bytes = Vec::new();
        let max = MAX_WHEEL.min(self.wheels_left);
        let read = archive.reader(member).map(|reader| reader.take(max + 1).read_to_end(&mut bytes));
        self.wheels_left = self.wheels_left.saturating_sub((bytes.len() as u64).max(member.packed_size()));
        match read {
            Ok(Ok(_)) if bytes.len() as u64 > max => {
                self.trouble(AnalyzeError::limit(format!("{at}: the wheels inside are over a limit")));
            }
            Ok(Ok(_)) => match Archive::open(&bytes) {
                Some(wheel) => self.archive(&wheel, &at, false),
                None => self.trouble(AnalyzeError::unreadable(format!("{at}: not an archive"))),
            },
            _ => self.trouble(AnalyzeError::unreadable(format!("{at}: the wheel does not unpack"))),
        }
    }
}

fn is_metadata(name: &[u8]) -> bool {
    name.ends_with(b".dist-info/METADATA")
        || name.ends_with(b".egg-info/PKG-INFO")
        || name.ends_with(b"EGG-INFO/PKG-INFO")
}

#[cfg(test)]
mod tests {
    use super::{super::archive::tests::zip, *};
    use crate::testing::{analyze, packages};

    #[test]
    fn programs_of_the_three_kinds() {
        let (a, b) = (b"Name: A\nVersion: 1.0\n".as_slice(), b"Name: b\nVersion: 2\n".as_slice());
        let wheel = zip(&[("b-2.dist-info/METADATA", b)]);
        for (members, want) in [
            (&[("__main__.py", b"".as_slice()), ("site-packages/A-1.0.dist-info/METADATA", a)][..], &["A 1.0"][..]),
            (
                &[
                    ("__main__.py", b""),
                    (".deps/A-1.0-py3-none-any.whl/A-1.0.dist-info/METADATA", a),
                    ("PEX-INFO", b"{}"),
                ],
                &["A 1.0"],
            ),
            (&[("__main__.py", b""), (".deps/b-2-py3-none-any.whl", &wheel)], &["b 2"]),
            (&[("__main__.py", b""), ("a.py", b"")], &[]),
            (&[("A-1.0.dist-info/METADATA", a)], &[]),
        ] {
            let bytes = zip(members);
            let script = [b"#!/usr/bin/env python3\n".as_slice(), &bytes].concat();
            for (path, bytes) in [("opt/app.pex", &script), ("usr/local/bin/app", &script), ("app.pyz", &bytes)] {
                assert_eq!(packages(&PythonZip, path, bytes), want, "{path}");
            }
        }
        assert_eq!(packages(&PythonZip, "bin/sh", b"#!/bin/sh\n"), [""; 0]);
    }

    #[test]
    fn hostile_programs_end() {
        let broken = zip(&[("__main__.py", b""), ("a.dist-info/METADATA", b"no"), ("b.whl", b"no")]);
        assert!(analyze(&PythonZip, "a.pyz", &broken).1.is_err());
        for at in 0..broken.len() {
            let mut bytes = broken.clone();
            bytes[at] = 0xff;
            if PythonZip.wants(&bytes) {
                let _ = analyze(&PythonZip, "a.pyz", &bytes);
            }
        }
    }
}
