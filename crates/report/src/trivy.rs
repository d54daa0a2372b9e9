//! Trivy's names of distributions, for SBOMs. Trivy 0.76 lists a distribution's packages only when both the
//! operating-system component and the packages' namespace have the name that it knows; otherwise it drops them without a
//! word. So SBOMs use its names, and keep the `ID` of `os-release` in properties and in the `distro` qualifier.

use layergate_model::{Report, ReportPackage};

/// `ID`, Trivy's family, and the namespace in package URLs where it is not the model's own.
const NAMES: [(&str, &str, Option<&str>); 8] = [
    ("almalinux", "alma", Some("alma")),
    ("amzn", "amazon", None),
    ("mariner", "cbl-mariner", Some("cbl-mariner")),
    ("ol", "oracle", None),
    ("opensuse-leap", "opensuse-leap", Some("opensuse")),
    ("opensuse-tumbleweed", "opensuse-tumbleweed", Some("opensuse")),
    ("rhel", "redhat", None),
    ("sle-micro", "slem", Some("suse")),
];

/// The family's name of the distribution `id`.
pub(crate) fn family(id: &str) -> &str {
    NAMES.iter().find(|(i, ..)| *i == id).map_or(id, |(_, family, _)| family)
}

/// The `ID` behind a family's name.
pub(crate) fn id(family: &str) -> Option<&'static str> {
    NAMES.iter().find(|(_, f, _)| *f == family).map(|(id, ..)| *id)
}

/// The package URL with the namespace that Trivy knows.
pub(crate) fn purl(report: &Report, package: &ReportPackage) -> String {
    let purl = package.purl.as_str();
    let namespace = report.image.distro.as_ref().and_then(|d| {
        let (id, _, namespace) = NAMES.iter().find(|(i, ..)| *i == d.id)?;
        Some((*id, (*namespace)?))
    });
    let renamed = namespace.filter(|_| package.kind.is_os()).and_then(|(id, namespace)| {
        let kind = package.kind.purl_type();
        let rest = purl.strip_prefix(&format!("pkg:{kind}/{id}/"))?;
        Some(format!("pkg:{kind}/{namespace}/{rest}"))
    });
    renamed.unwrap_or_else(|| purl.to_owned())
}
