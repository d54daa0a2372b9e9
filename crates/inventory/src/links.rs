//! Names that links give to files whose content stands elsewhere.
//!
//! A container that opens `var/lib/dpkg/status` follows a link on the way; an analyzer is asked about a file under the
//! name that the archive has for it. Where the two names say the same to the same analyzers (`lib` to `usr/lib`, a
//! versioned JAR, pnpm's store), everything is read once and in its place. Where they do not, the layer is read once
//! more for these names alone. Hard links within a layer are the layer's own affair and found here; symbolic links, and
//! hard links to a lower layer, are known when the layers lie upon each other.

use std::collections::HashMap;

use layergate_model::{Alias, EntryKind, LayerPath, PathTable};
use layergate_unpack::UnpackError;

use crate::Catalogue;

/// Links to links that are followed.
const MAX_LINKS: usize = 8;
/// Names that are tried in one second look, some microseconds each.
const MAX_TRIED: u64 = 20_000_000;
/// Bytes that analyzers are shown in one: a file with many names is shown under each.
const MAX_BYTES: u64 = 4 << 30;

/// The names of a layer's hard links under which its own files would show more than under the names they were read by.
pub fn within(catalogue: &Catalogue, paths: &PathTable) -> Vec<Alias> {
    let places = catalogue.places();
    let mut links: HashMap<String, String> = HashMap::new();
    paths.visit(|entry| {
        if entry.kind == EntryKind::HardLink {
            links.insert(entry.path.to_owned(), entry.target.to_owned());
        }
    });
    let mut found: Vec<Alias> = Vec::new();
    for (path, target) in &links {
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_place =
            |p: &LayerPath| path.strip_prefix(p.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('/'));
        if !catalogue.wants_name(name) && !places.iter().any(is_place) {
            continue;
        }
        let mut target = target;
        for _ in 0..MAX_LINKS {
            target = links.get(target).unwrap_or(target);
        }
        let (Ok(name), Ok(path)) = (LayerPath::normalise(path), LayerPath::normalise(target)) else { continue };
        if catalogue.tells_more(&name, &path) {
            found.push(Alias { name, path });
        }
    }
    if found.is_empty() {
        return found;
    }
    let mut there: HashMap<String, bool> = found.iter().map(|a| (a.path.to_string(), false)).collect();
    paths.visit(|entry| {
        if let Some(file) = there.get_mut(entry.path).filter(|_| entry.kind == EntryKind::File) {
            *file = true;
        }
    });
    found.retain(|alias| there.get(alias.path.as_str()) == Some(&true));
    found.sort();
    found
}

/// An analyzer, and the name under which it is shown a file; `None` is the file's own.
pub(crate) type Claim = (usize, Option<LayerPath>);

/// A second look at a layer: what it asks for, and what it has cost.
pub(crate) struct Again {
    by_path: HashMap<LayerPath, Vec<LayerPath>>,
    /// Whether what is found stands at the file's own path, not at its names.
    in_place: bool,
    /// Of every name that was read: where it lies.
    places: HashMap<LayerPath, LayerPath>,
    tried: u64,
    bytes: u64,
}

impl Again {
    pub(crate) fn new(aliases: &[Alias], in_place: bool) -> Self {
        let mut by_path: HashMap<_, Vec<_>> = HashMap::new();
        for alias in aliases {
            by_path.entry(alias.path.clone()).or_default().push(alias.name.clone());
        }
        Self { by_path, in_place, places: HashMap::new(), tried: 0, bytes: 0 }
    }

    /// Which analyzers read a file under which of its names: each once where the file stands for all of them.
    pub(crate) fn claims(
        &mut self,
        catalogue: &Catalogue,
        path: &LayerPath,
        size: u64,
    ) -> Result<Vec<Claim>, UnpackError> {
        let mut claims: Vec<Claim> = Vec::new();
        let mut above = Some(path.clone());
        while let Some(directory) = above {
            for name in self.by_path.get(&directory).into_iter().flatten() {
                self.tried += 1;
                let alias = Alias { name: name.clone(), path: directory.clone() };
                let Some(name) = alias.name_of(path) else { continue };
                for index in catalogue.more(&name, path) {
                    if !self.in_place || claims.iter().all(|(known, _)| *known != index) {
                        self.bytes = self.bytes.saturating_add(size);
                        self.places.insert(name.clone(), path.clone());
                        claims.push((index, Some(name.clone())));
                    }
                }
            }
            above = directory.parent();
        }
        let over = |what, limit| Err(UnpackError::Limit { what, name: "links, fixed", limit });
        match self {
            Self { tried: MAX_TRIED.., .. } => over("names that links give to its files", MAX_TRIED),
            Self { bytes: MAX_BYTES.., .. } => over("bytes of files under the names that links give them", MAX_BYTES),
            _ => Ok(claims),
        }
    }

    /// Where a name lies, if that is where what it shows is to stand.
    pub(crate) fn place(&self, name: &str) -> Option<&LayerPath> {
        self.places.get(name).filter(|_| self.in_place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Links that every image has show nothing more; what somebody hides does.
    #[test]
    fn which_names_tell_more() {
        let catalogue = Catalogue::standard();
        for (name, path, want) in [
            ("var/lib/dpkg/status", "opt/blob", true),
            ("var/lib/dpkg/info/a.list", "opt/d/info/a.list", true),
            ("lib/apk/db/installed", "opt/db/installed", true),
            ("var/lib/rpm/Packages", "opt/x", true),
            ("var/lib/pacman/local/a-1/desc", "opt/local/a-1/desc", true),
            ("var/db/pkg/dev-libs/a-1/CONTENTS", "opt/pkg/dev-libs/a-1/CONTENTS", true),
            ("var/lib/dpkg/status.d/a", "opt/a", true),
            ("etc/os-release", "opt/blob", true),
            ("srv/node_modules/lodash/package.json", "srv/blob", true),
            ("a/site-packages/b.dist-info/METADATA", "opt/x/METADATA", true),
            ("usr/share/java/a.jar", "opt/blob", true),
            // What every image has.
            ("var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite", false),
            ("lib/apk/db/installed", "usr/lib/apk/db/installed", false),
            ("etc/os-release", "usr/lib/os-release", false),
            ("etc/redhat-release", "etc/almalinux-release", false),
            ("usr/bin/python3", "usr/bin/python3.11", false),
            ("usr/lib/libz.so.1", "usr/lib/libz.so.1.3", false),
            ("usr/share/java/a.jar", "usr/share/java/a-1.0.jar", false),
            ("app/node_modules/a/package.json", "app/node_modules/.pnpm/a@1/node_modules/a/package.json", false),
            ("usr/share/doc/libssl-dev/copyright", "usr/share/doc/libssl3/copyright", false),
            ("venv/a.dist-info/METADATA", "cache/archive-v0/xyz/a.dist-info/METADATA", false),
        ] {
            let of = |text: &str| LayerPath::normalise(text).unwrap();
            assert_eq!(catalogue.tells_more(&of(name), &of(path)), want, "{name} of {path}");
        }
        let places = catalogue.places();
        assert!(
            ["var/lib/dpkg/status", "var/lib/pacman/local"].iter().all(|p| places.iter().any(|q| q.as_str() == *p))
        );
        assert!(catalogue.wants_name("package.json") && catalogue.wants_name("A.JAR") && !catalogue.wants_name("a.so"));
    }
}
