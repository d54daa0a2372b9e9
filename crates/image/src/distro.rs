//! The distribution of an image from the `os-release` files that it shows (freedesktop.org os-release(5)).
//!
//! The best file that has an `ID` decides; the older files can only make its version more exact, and only when they
//! speak of the same distribution: Debian's os-release says 12 and `etc/debian_version` 12.8, but Ubuntu's
//! `etc/debian_version` says `bookworm/sid`, which is no version of Ubuntu. That file is believed last of all, for
//! every distribution that is made from Debian keeps it.

use layergate_model::{Distro, OsReleaseFile};

use crate::view::View;

/// The distribution that the image shows.
pub(crate) fn find(view: &View<'_>) -> Option<Distro> {
    let mut files: Vec<&OsReleaseFile> = Vec::new();
    for (layer, section) in view.sections() {
        files.extend(section.os_releases.iter().filter(|o| view.shows(layer, o.path.as_str())));
    }
    let weak = |f: &OsReleaseFile| f.path.as_str() == "etc/debian_version";
    files.sort_by(|a, b| (weak(a), a.rank, &a.path).cmp(&(weak(b), b.rank, &b.path)));
    let (best, mut distro) = files.iter().enumerate().find_map(|(i, f)| Some((i, f.release.distro()?)))?;
    for older in &files[best + 1..] {
        let Some(more) = older.release.distro().filter(|d| d.id == distro.id) else { continue };
        if let Some(version) = more.version.filter(|v| refines(v, distro.version.as_deref())) {
            distro.version = Some(version);
        }
        distro.codename = distro.codename.or(more.codename);
    }
    Some(distro)
}

/// Whether `version` says the same as `known` and more.
fn refines(version: &str, known: Option<&str>) -> bool {
    match known {
        None => version.starts_with(|c: char| c.is_ascii_digit()),
        Some(known) => version.strip_prefix(known).is_some_and(|rest| rest.starts_with(['.', '_'])),
    }
}

#[cfg(test)]
mod tests {
    use super::refines;

    #[test]
    fn only_a_longer_version_of_the_same_release_is_more_exact() {
        for (version, known, want) in [
            ("12.8", Some("12"), true),
            ("12.8", Some("1"), false),
            ("3.20.3", Some("3.20.3"), false),
            ("7.9.2009", Some("7"), true),
            ("11.2", Some("12"), false),
            ("trixie/sid", None, false),
            ("10.1", None, true),
        ] {
            assert_eq!(refines(version, known), want, "{version} over {known:?}");
        }
    }
}
