//! Where .NET keeps itself (github.com/dotnet/designs, "install-locations"): `shared/NAME/VERSION` is one runtime, `sdk/VERSION`
//! one kit, whatever the files in it call themselves. Their assemblies are compiled with file versions that no package and no
//! advisory has; `packs`, `templates` and the like hold what projects are compiled against and begun with.

/// What a path in such a place belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'p> {
    /// A shared framework: its name and version, and the path inside of it.
    Framework(&'p str, &'p str, &'p str),
    /// A kit: its version, and the path inside of it.
    Kit(&'p str, &'p str),
    /// What is only compiled against or copied from.
    Supply,
}

/// The directories beside `shared` and `sdk`.
const SUPPLIES: [&str; 4] = ["packs", "templates", "sdk-manifests", "library-packs"];
/// Assemblies that only one framework has, for where its `deps.json` is left out.
const PROOFS: [(&str, &str); 4] = [
    ("Microsoft.NETCore.App", "System.Private.CoreLib.dll"),
    ("Microsoft.AspNetCore.App", "Microsoft.AspNetCore.dll"),
    ("Microsoft.AspNetCore.All", "Microsoft.AspNetCore.dll"),
    ("Microsoft.WindowsDesktop.App", "PresentationCore.dll"),
];

/// The part that the file at `path` belongs to; `None` for what lies elsewhere.
pub(crate) fn part(path: &str) -> Option<Part<'_>> {
    let mut rest = path;
    while let Some((directory, below)) = rest.split_once('/') {
        let found = match directory {
            "shared" => framework(below),
            "sdk" => kit(below),
            _ if SUPPLIES.contains(&directory) => supply(directory, path, below),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        rest = below;
    }
    None
}

impl Part<'_> {
    /// The name and version of what this very file proves to be there.
    pub(crate) fn proved(&self) -> Option<(&str, &str)> {
        match *self {
            Self::Framework(name, version, file) => {
                let is_list = file.strip_suffix(".deps.json") == Some(name);
                (is_list || PROOFS.contains(&(name, file))).then_some((name, version))
            }
            Self::Kit(version, "dotnet.dll") => Some((KIT, version)),
            _ => None,
        }
    }
}

/// What a kit is called, here and by those who package it.
pub(crate) const KIT: &str = "dotnet-sdk";

fn framework(below: &str) -> Option<Part<'_>> {
    let (name, below) = below.split_once('/')?;
    let (version, file) = below.split_once('/')?;
    let is_framework = name.starts_with("Microsoft.") && (name.ends_with(".App") || name.ends_with(".All"));
    (is_framework && is_version(version)).then_some(Part::Framework(name, version, file))
}

/// The third number of a kit's version has three digits: `8.0.404`.
fn kit(below: &str) -> Option<Part<'_>> {
    let (version, file) = below.split_once('/')?;
    let band = version.split(['.', '-']).nth(2)?;
    (is_version(version) && band.len() == 3).then_some(Part::Kit(version, file))
}

fn supply<'p>(directory: &str, path: &str, below: &str) -> Option<Part<'p>> {
    // Other software has such directories, too.
    let of_dotnet = path.split('/').any(|part| matches!(part, "dotnet" | ".dotnet"));
    let of_pack = directory == "packs" && (below.starts_with("Microsoft.") || below.starts_with("NETStandard."));
    (of_dotnet || of_pack).then_some(Part::Supply)
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.matches('.').count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_what_proves_them() {
        let core = "Microsoft.NETCore.App";
        for (path, want, proved) in [
            (
                "usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/System.Linq.dll",
                Some(Part::Framework(core, "8.0.1", "System.Linq.dll")),
                None,
            ),
            (
                "usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/Microsoft.NETCore.App.deps.json",
                Some(Part::Framework(core, "8.0.1", "Microsoft.NETCore.App.deps.json")),
                Some((core, "8.0.1")),
            ),
            (
                "shared/Microsoft.NETCore.App/9.0.0-rc.1.24431.7/System.Private.CoreLib.dll",
                Some(Part::Framework(core, "9.0.0-rc.1.24431.7", "System.Private.CoreLib.dll")),
                Some((core, "9.0.0-rc.1.24431.7")),
            ),
            (
                "root/.dotnet/shared/Microsoft.AspNetCore.App/8.0.1/Microsoft.AspNetCore.dll",
                Some(Part::Framework("Microsoft.AspNetCore.App", "8.0.1", "Microsoft.AspNetCore.dll")),
                Some(("Microsoft.AspNetCore.App", "8.0.1")),
            ),
            ("usr/lib/dotnet/sdk/8.0.404/dotnet.dll", Some(Part::Kit("8.0.404", "dotnet.dll")), Some((KIT, "8.0.404"))),
            ("usr/lib/dotnet/sdk/8.0.404/Sdks/x/dotnet.dll", Some(Part::Kit("8.0.404", "Sdks/x/dotnet.dll")), None),
            ("usr/lib/dotnet/packs/Microsoft.NETCore.App.Ref/8.0.1/ref/net8.0/a.dll", Some(Part::Supply), None),
            ("usr/lib/dotnet/templates/8.0.1/a.nupkg", Some(Part::Supply), None),
            ("app/templates/a.dll", None, None),
            ("app/shared/lib/1.0.0/a.dll", None, None),
            ("app/sdk/1.0.0/a.dll", None, None),
            ("app/a.dll", None, None),
        ] {
            let found = part(path);
            assert_eq!(found, want, "{path}");
            assert_eq!(found.as_ref().and_then(Part::proved), proved, "{path}");
        }
    }
}
