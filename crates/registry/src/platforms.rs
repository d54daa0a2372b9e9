//! Which children of an index are looked at (design: `--platform`). Pure.
//!
//! By default `linux/amd64`'s, else the one there is; else nothing is guessed and the answer names what there is. A
//! platform without a variant takes the child without one, then the architecture's usual one (`arm/v7`, `arm64/v8`),
//! then the highest: as containerd does it.

use layergate_model::{ImageConfig, Platform};
use layergate_ports::values::PlatformSelection;

/// The positions of the chosen children, in the index's order; `Err` names the first platform that is not there.
pub(crate) fn select(offered: &[Option<Platform>], selection: &PlatformSelection) -> Result<Vec<usize>, String> {
    match selection {
        PlatformSelection::All => Ok((0..offered.len()).collect()),
        PlatformSelection::Default => match (best(&Platform::linux_amd64(), offered), offered.len()) {
            (Some(i), _) => Ok(vec![i]),
            (None, 1) => Ok(vec![0]),
            (None, _) => Err("linux/amd64 (the default)".into()),
        },
        PlatformSelection::List(wanted) => {
            let mut chosen =
                wanted.iter().map(|w| best(w, offered).ok_or_else(|| w.to_string())).collect::<Result<Vec<_>, _>>()?;
            chosen.sort_unstable();
            chosen.dedup();
            Ok(chosen)
        }
    }
}

/// What is asked for, in the spelling in which children are distinguished (`linux/aarch64` is `linux/arm64`); a variant
/// that is not named stays open.
pub(crate) fn wanted(selection: &PlatformSelection) -> PlatformSelection {
    let one = |platform: &Platform| {
        let named = platform.variant.is_some() || ["armhf", "armel"].contains(&platform.architecture.as_str());
        let known = normalised(platform.clone());
        Platform { variant: known.variant.filter(|_| named), ..known }
    };
    match selection {
        PlatformSelection::List(list) => PlatformSelection::List(list.iter().map(one).collect()),
        other => other.clone(),
    }
}

/// The platform that a configuration names; without an operating system it is the runtime's own.
pub(crate) fn of(config: &ImageConfig) -> Option<Platform> {
    let ImageConfig { os, architecture, variant, .. } = config;
    let named = !architecture.is_empty();
    let variant = variant.clone().filter(|v| !v.is_empty());
    named.then(|| normalised(Platform { os: os.clone(), architecture: architecture.clone(), variant }))
}

/// Spellings of one platform made one, as containerd's `platforms.Normalize` has it: a runtime that runs `Linux/x86_64`
/// must find here what it finds.
pub(crate) fn normalised(platform: Platform) -> Platform {
    let os = match platform.os.to_ascii_lowercase().as_str() {
        "" => "linux".to_owned(),
        "macos" => "darwin".to_owned(),
        other => other.to_owned(),
    };
    let architecture = platform.architecture.to_ascii_lowercase();
    let variant = platform.variant.map(|v| v.to_ascii_lowercase());
    let (architecture, variant) = match (architecture.as_str(), variant.as_deref()) {
        ("i386", _) => ("386", None),
        ("x86_64" | "x86-64" | "amd64", Some("v1")) => ("amd64", None),
        ("x86_64" | "x86-64" | "amd64", v) => ("amd64", v),
        ("aarch64" | "arm64", Some("8" | "v8" | "v8.0")) => ("arm64", None),
        ("aarch64" | "arm64", Some("9" | "9.0" | "v9.0")) => ("arm64", Some("v9")),
        ("aarch64" | "arm64", v) => ("arm64", v),
        ("armhf", _) => ("arm", Some("v7")),
        ("armel", _) => ("arm", Some("v6")),
        ("arm", None | Some("7")) => ("arm", Some("v7")),
        ("arm", Some("5")) => ("arm", Some("v5")),
        ("arm", Some("6")) => ("arm", Some("v6")),
        ("arm", Some("8")) => ("arm", Some("v8")),
        (other, v) => (other, v),
    };
    Platform { os, architecture: architecture.to_owned(), variant: variant.map(str::to_owned) }
}

fn best(wanted: &Platform, offered: &[Option<Platform>]) -> Option<usize> {
    let rank = |p: &Platform| {
        let usual = match p.architecture.as_str() {
            "arm" => Some("v7"),
            "arm64" => Some("v8"),
            _ => None,
        };
        if p.variant == wanted.variant {
            (0, String::new())
        } else if p.variant.is_none() || p.variant.as_deref() == usual {
            (1, String::new())
        } else {
            (2, p.variant.clone().unwrap_or_default())
        }
    };
    let mut accepted: Vec<(usize, (u8, String))> = offered
        .iter()
        .enumerate()
        .filter_map(|(i, p)| p.as_ref().filter(|p| wanted.accepts(p)).map(|p| (i, rank(p))))
        .collect();
    // Lower class first, higher variant first, earlier child first.
    accepted.sort_by(|(i, (a, av)), (j, (b, bv))| (a, bv, i).cmp(&(b, av, j)));
    accepted.first().map(|(i, _)| *i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_one() {
        let platform = |text: &str| {
            let mut parts = text.split('/').map(str::to_owned);
            let (os, architecture) = (parts.next().unwrap(), parts.next().unwrap());
            Platform { os, architecture, variant: parts.next() }
        };
        for (spelling, want) in [
            ("Linux/x86_64", "linux/amd64"),
            ("LINUX/AMD64", "linux/amd64"),
            ("linux/x86-64/v1", "linux/amd64"),
            ("linux/amd64/v2", "linux/amd64/v2"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/ARM64/8", "linux/arm64"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/arm/7", "linux/arm/v7"),
            ("linux/arm", "linux/arm/v7"),
            ("/amd64", "linux/amd64"),
            ("linux/i386", "linux/386"),
            ("macOS/arm64", "darwin/arm64"),
            ("Unknown/Unknown", "unknown/unknown"),
        ] {
            assert_eq!(normalised(platform(spelling)).to_string(), want, "{spelling}");
        }
    }

    #[test]
    fn what_a_configuration_names() {
        for (text, want) in [
            (r#"{"os":"Linux","architecture":"x86_64","variant":""}"#, "linux/amd64"),
            (r#"{"os":null,"architecture":"arm64","variant":"v8"}"#, "linux/arm64"),
            (r#"{"architecture":"AMD64"}"#, "linux/amd64"),
            (r#"{"os":"linux"}"#, "none"),
        ] {
            let found = of(&serde_json::from_str(text).unwrap());
            assert_eq!(found.map_or("none".to_owned(), |p| p.to_string()), want, "{text}");
        }
    }

    #[test]
    fn what_is_chosen() {
        let index = |list: &[&str]| -> Vec<Option<Platform>> { list.iter().map(|p| p.parse().ok()).collect() };
        let list = |list: &[&str]| PlatformSelection::List(list.iter().map(|p| p.parse().unwrap()).collect());
        let many = ["linux/arm/v5", "linux/arm/v7", "linux/arm/v6", "linux/amd64", "linux/arm64/v8", "windows/amd64"];
        for (offered, selection, want) in [
            (&many[..], PlatformSelection::Default, Ok(vec![3])),
            (&many[..], PlatformSelection::All, Ok(vec![0, 1, 2, 3, 4, 5])),
            (&many[..], list(&["linux/arm64", "linux/arm"]), Ok(vec![1, 4])),
            (&many[..], list(&["linux/arm64", "linux/arm64/v8"]), Ok(vec![4])),
            (&many[..], list(&["linux/arm/v6"]), Ok(vec![2])),
            (&many[..], list(&["linux/s390x"]), Err("linux/s390x".to_owned())),
            (&["linux/s390x"], PlatformSelection::Default, Ok(vec![0])),
            (&["linux/s390x", "linux/arm"], PlatformSelection::Default, Err("linux/amd64 (the default)".to_owned())),
            (&["linux/amd64/v2", "linux/amd64/v3", "linux/amd64"], PlatformSelection::Default, Ok(vec![2])),
            (&["linux/amd64/v2", "linux/amd64/v3"], PlatformSelection::Default, Ok(vec![1])),
            (&["linux/amd64", "linux/amd64"], PlatformSelection::Default, Ok(vec![0])),
            (&["?"], PlatformSelection::Default, Ok(vec![0])),
            (&[], PlatformSelection::Default, Err("linux/amd64 (the default)".to_owned())),
        ] {
            assert_eq!(select(&index(offered), &selection), want, "{offered:?} {selection:?}");
        }
        for (asked, want) in [
            ("linux/aarch64", "linux/arm64"),
            ("Linux/x86_64", "linux/amd64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/arm/6", "linux/arm/v6"),
            ("linux/s390x", "linux/s390x"),
        ] {
            assert_eq!(wanted(&list(&[asked])), list(&[want]), "{asked}");
        }
    }
}
