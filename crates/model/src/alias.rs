//! A file that an image shows under another name than the one under which its layer holds it.

use serde::{Deserialize, Serialize};

use crate::{Digest, LayerPath};

/// Something that a link gives another name: a file, or a directory with all that is below it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Alias {
    /// The name under which analyzers look for it.
    pub name: LayerPath,
    /// Where the layer's archive has it.
    pub path: LayerPath,
}

impl Alias {
    /// The name of `path`, where it is what this alias is of or lies below it.
    pub fn name_of(&self, path: &LayerPath) -> Option<LayerPath> {
        let rest = path.strip_prefix(self.path.as_str())?;
        match rest.strip_prefix('/') {
            _ if self.path.is_empty() => Some(self.name.join(path)),
            Some(rest) => Some(self.name.join(rest)),
            None if rest.is_empty() => Some(self.name.clone()),
            None => None,
        }
    }

    /// Names what a layer gives when it is read for these names alone: the blob and the names, hashed.
    pub fn digest(blob: &Digest, aliases: &[Self]) -> Digest {
        let mut text = format!("a second look at {blob}\n");
        for alias in aliases {
            // No path has a NUL in it.
            text.extend([alias.name.as_str(), "\0", alias.path.as_str(), "\0"]);
        }
        Digest::of(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_has_a_name_too() {
        let path = |text: &str| LayerPath::normalise(text).unwrap();
        for (name, of, at, want) in [
            ("var/lib/dpkg", "opt/d", "opt/d/info/a.list", Some("var/lib/dpkg/info/a.list")),
            ("var/lib/dpkg/status", "opt/blob", "opt/blob", Some("var/lib/dpkg/status")),
            ("var/lib/dpkg", "opt/d", "opt/dd/status", None),
            ("var/lib/dpkg", "opt/d", "opt", None),
            ("srv/root", "", "etc/os-release", Some("srv/root/etc/os-release")),
        ] {
            let alias = Alias { name: path(name), path: path(of) };
            assert_eq!(alias.name_of(&path(at)), want.map(path), "{name} {of} {at}");
        }
    }
}
