//! The distribution that an SBOM is about: its operating-system component, or what its package URLs say.

use layergate_model::Distro;

use super::component::Component;
use crate::trivy;

/// A distribution as an SBOM names it, in os-release's words.
pub(super) struct System {
    pub(super) id: String,
    pub(super) version: Option<String>,
    pub(super) codename: Option<String>,
}

impl System {
    /// From a name and a version; Trivy's names become those of `os-release`.
    pub(super) fn new(name: &str, version: &str) -> Option<Self> {
        let id = id(name)?;
        // "2 (Karoo)" is Amazon Linux 2.
        let version = version.split_whitespace().next().filter(|v| !v.is_empty()).map(str::to_owned);
        Some(Self { id, version, codename: None })
    }

    pub(super) fn into_distro(self) -> Distro {
        Distro {
            id: self.id,
            version: self.version,
            codename: self.codename,
            like: Vec::new(),
            name: None,
            end_of_life: None,
        }
    }
}

/// The `ID` of `os-release` behind a family's name or a package URL's namespace.
fn id(name: &str) -> Option<String> {
    let name = name.trim().to_ascii_lowercase().replace(' ', "-");
    let id = match name.as_str() {
        "" | "none" | "unknown" => return None,
        "red-hat-enterprise-linux" => "rhel",
        "amazon-linux" => "amzn",
        "suse" | "suse-linux-enterprise-server" | "suse-linux-enterprise" => "sles",
        "opensuse.leap" => "opensuse-leap",
        "opensuse.tumbleweed" => "opensuse-tumbleweed",
        "suse-linux-enterprise-micro" => "sle-micro",
        "azure-linux" => "azurelinux",
        other => trivy::id(other).unwrap_or(other),
    };
    Some(id.to_owned())
}

/// What one package URL says: its namespace, and the `distro` qualifier (`debian-12`, Trivy's `3.20.3` on Alpine, a bare
/// `bookworm`), or Docker's `os_name`, `os_version` and `os_distro` (a codename).
pub(super) fn from_purl(component: &Component) -> Option<System> {
    let purl = component.purl.as_ref()?.parts()?;
    let namespace = purl.namespace().unwrap_or_default();
    let qualifier = |key: &str| purl.qualifiers().get(key).map_or("", AsRef::as_ref);
    let tag = qualifier("distro");
    if tag.is_empty() {
        let name = Some(qualifier("os_name")).filter(|n| !n.is_empty()).unwrap_or(namespace);
        let codename = [qualifier("os_distro"), qualifier("distro_name")].into_iter().find(|c| !c.is_empty());
        let system = System::new(name, qualifier("os_version"))?;
        let codename = codename.map(|c| c.rsplit_once('-').map_or(c, |(_, word)| word).to_owned());
        return Some(System { codename: codename.filter(|c| *c != system.id), ..system });
    }
    if tag.starts_with(|c: char| c.is_ascii_digit()) {
        return System::new(namespace, tag);
    }
    let codename = |word: &str| System::new(namespace, "").map(|s| System { codename: Some(word.to_owned()), ..s });
    match tag.rsplit_once('-') {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => System::new(name, version),
        Some((name, word)) if name == namespace => codename(word),
        // Only these two name their releases by a word alone.
        None if tag != namespace && matches!(namespace, "debian" | "ubuntu") => codename(tag),
        _ => System::new(tag, ""),
    }
}

/// The distribution of the first package of a distribution that names one with its release, else of the first that names
/// any.
pub(super) fn from_purls(components: &[Component]) -> Option<System> {
    let os = |c: &&Component| {
        let kind = c.purl.as_ref().and_then(|p| layergate_model::PackageKind::from_purl_type(p.parts()?.ty()));
        kind.is_some_and(layergate_model::PackageKind::is_os)
    };
    let mut systems = components.iter().filter(os).filter_map(from_purl).peekable();
    let first =
        systems.peek().map(|s| System { id: s.id.clone(), version: s.version.clone(), codename: s.codename.clone() });
    systems.find(|s| s.version.is_some() || s.codename.is_some()).or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_and_tags() {
        for (purl, id, version, codename) in [
            ("pkg:deb/debian/bash@5?distro=debian-12.8", "debian", Some("12.8"), None),
            ("pkg:deb/debian/bash@5?distro=debian-trixie", "debian", None, Some("trixie")),
            ("pkg:apk/alpine/musl@1?distro=3.20.3", "alpine", Some("3.20.3"), None),
            ("pkg:rpm/alma/bash@5?distro=alma-9.0", "almalinux", Some("9.0"), None),
            ("pkg:rpm/redhat/bash@5?distro=redhat-8.6", "rhel", Some("8.6"), None),
            ("pkg:rpm/opensuse/bash@5?distro=opensuse-leap-15.4", "opensuse-leap", Some("15.4"), None),
            ("pkg:rpm/fedora/bash@5", "fedora", None, None),
            ("pkg:deb/debian/bash@5?distro=bookworm", "debian", None, Some("bookworm")),
            ("pkg:deb/ubuntu/bash@5?distro=jammy", "ubuntu", None, Some("jammy")),
            ("pkg:deb/debian/bash@5?distro=debian", "debian", None, None),
            (
                "pkg:deb/debian/bash@5?os_distro=bookworm&os_name=debian&os_version=12",
                "debian",
                Some("12"),
                Some("bookworm"),
            ),
            ("pkg:apk/alpine/musl@1?os_name=alpine&os_version=3.20", "alpine", Some("3.20"), None),
        ] {
            let component = Component { purl: Some(purl.parse().unwrap()), ..Component::default() };
            let system = from_purl(&component).unwrap();
            assert_eq!(
                (system.id.as_str(), system.version.as_deref(), system.codename.as_deref()),
                (id, version, codename),
                "{purl}"
            );
        }
        assert_eq!(System::new("amazon", "2 (Karoo)").unwrap().version.as_deref(), Some("2"));
        assert!(System::new("none", "").is_none());
    }
}
