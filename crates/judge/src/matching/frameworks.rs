//! The shared frameworks of .NET, which advisories know by the packages that carry them for one system: what
//! `dotnet --list-runtimes` calls `Microsoft.NETCore.App` is `Microsoft.NETCore.App.Runtime.linux-x64` to GitHub's records, at
//! the same version. A fix is released for all systems at once, so that those of Linux speak for it, whichever the image is of;
//! the framework of Windows' desktop has only Windows'.

use std::borrow::Cow;

use layergate_advisory::Namespace;
use layergate_model::{Package, PackageKind};

use super::subject::{self, Subject};

/// Systems that packages of a framework are made for.
const LINUX: &[&str] = &["linux-x64", "linux-musl-x64", "linux-arm64", "linux-musl-arm64", "linux-arm"];
const WINDOWS: &[&str] = &["win-x64", "win-x86", "win-arm64"];

/// The frameworks, and what their packages are made for.
const FRAMEWORKS: [(&str, &[&str]); 3] =
    [("Microsoft.NETCore.App", LINUX), ("Microsoft.AspNetCore.App", LINUX), ("Microsoft.WindowsDesktop.App", WINDOWS)];

/// Every name that a registry's package is looked up by: its own, and those of a framework's packages.
pub(super) fn subjects<'p>(package: &'p Package, namespace: &Namespace) -> Vec<Subject<'p>> {
    let framework = match package.kind {
        PackageKind::Nuget => FRAMEWORKS.iter().find(|(name, _)| package.name.eq_ignore_ascii_case(name)),
        _ => None,
    };
    let carriers = framework.into_iter().flat_map(|(name, systems)| {
        systems.iter().map(move |system| Subject {
            name: Cow::Owned(namespace.canonical_name(&format!("{name}.Runtime.{system}")).into_owned()),
            version: Cow::Borrowed(package.version.as_str()),
            unfixed_only: false,
        })
    });
    std::iter::once(subject::plain(package, namespace)).chain(carriers).collect()
}
