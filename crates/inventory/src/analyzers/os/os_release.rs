//! Which distribution a layer is of: `os-release` (os-release(5)) and the files that were there before it.
//!
//! An older file is put into os-release's words: `/etc/alpine-release` holds `3.20.3`, `/etc/debian_version` `12.8` or
//! `trixie/sid`, `/etc/redhat-release` `CentOS Linux release 7.9.2009 (Core)`, `/etc/lsb-release` assignments with a
//! `DISTRIB_` in front. Which one counts is decided once the layers lie upon each other, by rank.

use layergate_model::{AnalyzerId, OsRelease, OsReleaseFile, Section};

use crate::{AnalyzeError, Analyzer, File, Interest};

/// Reads the files that name a distribution.
pub struct OsReleaseFiles;

/// The files by rank: the first is believed before the second.
const RANKED: [&str; 16] = [
    "etc/os-release",
    "usr/lib/os-release",
    "etc/alpine-release",
    "etc/debian_version",
    "etc/lsb-release",
    "etc/almalinux-release",
    "etc/rocky-release",
    "etc/oracle-release",
    "etc/fedora-release",
    "etc/centos-release",
    "etc/redhat-release",
    "etc/system-release",
    "etc/SuSE-release",
    "etc/photon-release",
    "etc/mariner-release",
    "etc/arch-release",
];

impl Analyzer for OsReleaseFiles {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("os-release")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        const {
            &{
                let mut interests = [Interest::Metadata; RANKED.len()];
                let mut i = 0;
                while i < RANKED.len() {
                    interests[i] = Interest::Path(RANKED[i]);
                    i += 1;
                }
                interests
            }
        }
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        let text = file.text();
        let rank = RANKED.iter().position(|p| *p == file.path.as_str()).unwrap_or(RANKED.len());
        let release = match file.path.file_name() {
            "os-release" => OsRelease::parse(&text),
            "lsb-release" => lsb(&text),
            "alpine-release" => fields(&[("ID", "alpine"), ("VERSION_ID", text.trim())]),
            "debian_version" => debian_version(text.trim()),
            "arch-release" => fields(&[("ID", "arch")]),
            _ => red_hat_like(text.lines().next().unwrap_or_default(), &text),
        };
        if !release.0.is_empty() {
            out.os_releases.push(OsReleaseFile { path: file.path.clone(), rank: rank as u8, release });
        }
        Ok(())
    }
}

fn fields(pairs: &[(&str, &str)]) -> OsRelease {
    let short = |v: &str| v.chars().take(1024).collect::<String>();
    OsRelease(pairs.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| ((*k).to_owned(), short(v))).collect())
}

fn lsb(text: &str) -> OsRelease {
    let lsb = OsRelease::parse(text);
    let get = |key| lsb.get(key).unwrap_or_default();
    let id = get("DISTRIB_ID").to_ascii_lowercase();
    if id.is_empty() {
        return OsRelease::default();
    }
    fields(&[("ID", &id), ("VERSION_ID", get("DISTRIB_RELEASE")), ("VERSION_CODENAME", get("DISTRIB_CODENAME"))])
}

/// `12.8`, or `trixie/sid` on a release that is not out yet.
fn debian_version(text: &str) -> OsRelease {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        fields(&[("ID", "debian"), ("VERSION_ID", text)])
    } else {
        fields(&[("ID", "debian"), ("VERSION_CODENAME", text.split('/').next().unwrap_or_default())])
    }
}

/// `AlmaLinux release 8.8 (Sapphire Caracal)`, `SUSE Linux Enterprise Server 11 (x86_64)`, `VMware Photon OS 3.0`.
fn red_hat_like(line: &str, text: &str) -> OsRelease {
    let lower = line.to_ascii_lowercase();
    let known = [
        ("almalinux", "almalinux"),
        ("rocky", "rocky"),
        ("oracle", "ol"),
        ("fedora", "fedora"),
        ("centos", "centos"),
        ("red hat enterprise", "rhel"),
        ("amazon", "amzn"),
        ("opensuse", "opensuse"),
        ("suse", "sles"),
        ("photon", "photon"),
        ("mariner", "mariner"),
    ];
    let Some((_, id)) = known.iter().find(|(word, _)| lower.contains(word)) else { return OsRelease::default() };
    let number = line.split_whitespace().find(|w| w.starts_with(|c: char| c.is_ascii_digit())).unwrap_or_default();
    // SLES 11 keeps the service pack in a line of its own.
    let patch = text.lines().find_map(|l| l.strip_prefix("PATCHLEVEL")).map(|p| p.trim_matches([' ', '=', '\t']));
    let version = match patch {
        Some(level) if level != "0" && !number.is_empty() => format!("{number}.{level}"),
        _ => number.to_owned(),
    };
    fields(&[("ID", id), ("VERSION_ID", &version)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::analyze;

    #[test]
    fn every_file_in_the_same_words() {
        let cases: &[(&str, &str, &str, Option<&str>)] = &[
            ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n", "debian", Some("12")),
            ("etc/alpine-release", "3.20.3\n", "alpine", Some("3.20.3")),
            ("etc/debian_version", "10.1\n", "debian", Some("10.1")),
            ("etc/debian_version", "trixie/sid\n", "debian", None),
            ("etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=18.04\n", "ubuntu", Some("18.04")),
            ("etc/redhat-release", "CentOS Linux release 7.9.2009 (Core)\n", "centos", Some("7.9.2009")),
            ("etc/redhat-release", "AlmaLinux release 8.8 (Sapphire Caracal)\n", "almalinux", Some("8.8")),
            (
                "etc/SuSE-release",
                "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n",
                "sles",
                Some("11.4"),
            ),
            ("etc/system-release", "Amazon Linux release 2 (Karoo)\n", "amzn", Some("2")),
        ];
        for (path, text, id, version) in cases {
            let (section, result) = analyze(&OsReleaseFiles, path, text.as_bytes());
            result.unwrap();
            let distro = section.os_releases[0].release.distro().unwrap();
            assert_eq!((distro.id.as_str(), distro.version.as_deref()), (*id, *version), "{path}");
        }
        assert!(analyze(&OsReleaseFiles, "etc/redhat-release", b"Something else 1").0.os_releases.is_empty());
    }
}
