//! The distribution of an image from the `os-release` files that it shows (freedesktop.org os-release(5)).
//!
//! The best file that has an `ID` decides; the older files can only make its version more exact, and only when they
//! speak of the same distribution: Debian's os-release says 12 and `etc/debian_version` 12.8, but Ubuntu's
//! `etc/debian_version` says `bookworm/sid`, which is no version of Ubuntu. That file is believed last of all, for
//! every distribution that is made from Debian keeps it.

use layergate_model::{Distro, EntryKind, Gap, GapKind, OsReleaseFile, Package, PackageKind};

use crate::{contradiction, removed::Kept, view::View};

/// The distribution that the image shows, with gaps where what says so is contradicted or its package database missing.
pub(crate) fn find(view: &View<'_>, kept: &[Kept<'_>]) -> (Option<Distro>, Vec<Gap>) {
    let mut files: Vec<&OsReleaseFile> = Vec::new();
    let mut packages: Vec<&Package> = kept.iter().map(|k| k.package).collect();
    let mut stores = false;
    for (layer, section) in view.sections() {
        files.extend(section.os_releases.iter().filter(|o| view.shows(layer, o.path.as_str())));
        packages.extend(section.packages.iter().filter(|p| p.kind.is_os() && view.shows(layer, p.evidence())));
        stores |= section.packages.iter().any(|p| matches!(p.kind, PackageKind::Nix | PackageKind::Guix));
    }
    let weak = |f: &OsReleaseFile| f.path.as_str() == "etc/debian_version";
    files.sort_by(|a, b| (weak(a), a.rank, &a.path).cmp(&(weak(b), b.rank, &b.path)));
    let named: Vec<_> = files.iter().filter_map(|f| Some((*f, f.release.distro()?))).collect();
    let Some((best, distro)) = named.first() else {
        let missing = packages.is_empty() && !stores;
        return (None, missing.then(|| managers(view)).flatten().into_iter().collect());
    };
    let place = best.path.as_str();
    if let Some(why) = contradiction::by_packages(distro, &packages) {
        let fits = named.iter().find(|(_, d)| contradiction::by_packages(d, &packages).is_none());
        let fits = fits.map(|(_, d)| refined(d.clone(), &files));
        let instead = match &fits {
            Some(other) => format!("they were judged as packages of {}", other.id),
            None => "they were not judged".to_owned(),
        };
        let detail = format!("{place} says {}, but {why}; {instead}", distro.id);
        return (fits, vec![Gap::new(GapKind::ConflictingRelease, place, detail)]);
    }
    if let Some(why) = files.iter().find_map(|other| contradiction::by_file(distro, best, other)) {
        let detail = format!("{why}: it is not known whose advisories speak of the packages");
        return (None, vec![Gap::new(GapKind::ConflictingRelease, place, detail)]);
    }
    let missing = (packages.is_empty() && !stores).then(|| {
        let manager = contradiction::family(distro).map_or(String::new(), |f| format!(" of {f}"));
        let detail = format!(
            "{place} says {}, and no readable package database{manager} was found: its packages were not judged",
            distro.id
        );
        Gap::new(GapKind::NoPackageDatabase, place, detail)
    });
    (Some(refined(distro.clone(), &files)), missing.into_iter().collect())
}

/// Package managers' programs: who has one, and no release file, is of some distribution still.
const MANAGERS: [&str; 6] =
    ["usr/bin/dpkg", "sbin/apk", "usr/bin/rpm", "usr/bin/pacman", "usr/bin/apt-get", "usr/bin/zypper"];

fn managers(view: &View<'_>) -> Option<Gap> {
    let mut wanted = Vec::new();
    for (layer, merge) in (0u32..).zip(view.layers) {
        merge.inventory.paths.visit(|entry| {
            // Busybox has links of such names.
            if entry.kind == EntryKind::File
                && let Some(manager) = MANAGERS.iter().find(|m| **m == entry.path)
            {
                wanted.push((layer, *manager));
            }
        });
    }
    let shown = view.shown(&wanted);
    let (place, _) = wanted.iter().zip(shown).find(|(_, shown)| *shown)?;
    let detail = "there is a package manager, but neither a release file nor a readable package database";
    Some(Gap::new(GapKind::NoPackageDatabase, place.1, detail))
}

/// `distro` with what the older files know more exactly.
fn refined(mut distro: Distro, files: &[&OsReleaseFile]) -> Distro {
    for older in files {
        let Some(more) = older.release.distro().filter(|d| d.id == distro.id) else { continue };
        if let Some(version) = more.version.filter(|v| refines(v, distro.version.as_deref())) {
            distro.version = Some(version);
        }
        distro.codename = distro.codename.or(more.codename);
    }
    distro
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
