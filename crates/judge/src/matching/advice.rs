//! What to do about a finding, in one clause.

use layergate_model::{Package, PackageKind, Status};

/// The remediation. `fixed` is sorted, lowest first.
pub(super) fn remediation(package: &Package, status: Status, fixed: &[String], malicious: bool) -> String {
    let name = &package.name;
    if malicious {
        return format!(
            "remove {name} {}: the package is malicious; treat what it could reach as compromised",
            package.version
        );
    }
    if let Some(version) = fixed.first() {
        return match (package.kind, name.as_str()) {
            (PackageKind::Golang, "stdlib" | "toolchain") => {
                format!("rebuild with Go {} or later", version.trim_start_matches(['v', 'g', 'o']))
            }
            _ => format!("upgrade {name} to {version}"),
        };
    }
    match status {
        Status::WillNotFix => {
            format!("{name} will not be fixed in this release: replace it, remove it, or move to a newer release")
        }
        Status::UnderInvestigation => format!("the source is still looking into it: watch for an update of {name}"),
        Status::Fixed | Status::Affected | Status::NotAffected => {
            format!("no version of {name} fixes it yet: remove it, or accept the risk until one does")
        }
    }
}
