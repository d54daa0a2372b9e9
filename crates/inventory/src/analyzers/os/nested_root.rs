//! Package databases of root file systems inside the image: a chroot, a container's or a virtual machine's files, a saved
//! layer. What they list can be run, and is judged by nobody: each is an `unread_packages` gap. Nothing is read for it.

use layergate_model::{AnalyzerId, EntryKind, Gap, GapKind, Section};

use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::lang::input, place::is_documentation};

/// Sees databases of other roots.
pub struct NestedRoot;

/// Databases by their path in a root.
const DATABASES: [&str; 8] = [
    "var/lib/dpkg/status",
    "lib/apk/db/installed",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages",
    "var/lib/rpm/Packages.db",
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages.db",
    "var/lib/pacman/local/ALPM_DB_VERSION",
];
/// Directories of other roots that have readers of their own, or of what software is tested on.
const OTHERS: [&str; 7] = ["snap", "test", "tests", "testdata", "test-fixtures", "fixtures", "node_modules"];
/// Databases of one layer that are reported.
const MAX_GAPS: usize = 100;

impl Analyzer for NestedRoot {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("nested-root")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Metadata]
    }

    fn finds_packages(&self) -> bool {
        false
    }

    fn analyze(&self, _: &File<'_>, _: &mut Section) -> Result<(), AnalyzeError> {
        Ok(())
    }

    fn observe(&self, entry: &Entry<'_>, out: &mut Section) {
        if entry.kind == EntryKind::File
            && out.gaps.len() < MAX_GAPS
            && let Some(root) = root(entry.path)
        {
            let detail = format!(
                "a package database of another root file system ({root}) lies here: the packages in it were not judged"
            );
            out.gaps.push(Gap::new(GapKind::UnreadPackages, entry.path.as_str(), detail));
        }
    }
}

/// The directory that is a root by the database at `path`.
fn root(path: &str) -> Option<&str> {
    let root = DATABASES.iter().find_map(|database| path.strip_suffix(database)?.strip_suffix('/'))?;
    let elsewhere = root == "usr"
        || root.split('/').any(|part| OTHERS.contains(&part))
        || is_documentation(path)
        || input::inside_dependency(path);
    (!elsewhere).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_of_other_roots() {
        for (path, want) in [
            ("opt/rootfs/var/lib/dpkg/status", Some("opt/rootfs")),
            ("var/lib/docker/overlay2/ab/diff/lib/apk/db/installed", Some("var/lib/docker/overlay2/ab/diff")),
            ("srv/vm/usr/lib/sysimage/rpm/rpmdb.sqlite", Some("srv/vm")),
            ("var/lib/dpkg/status", None),
            ("lib/apk/db/installed", None),
            ("usr/lib/apk/db/installed", None),
            ("opt/xvar/lib/dpkg/status", None),
            ("snap/core20/1/var/lib/dpkg/status", None),
            ("src/tests/debian/var/lib/dpkg/status", None),
            ("go/pkg/mod/x@v1/debian/var/lib/dpkg/status", None),
        ] {
            assert_eq!(root(path), want, "{path}");
        }
    }
}
