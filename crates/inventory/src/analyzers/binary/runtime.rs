//! Language runtimes that say in a text file which they are: a JDK's or JRE's `release` file (`IMPLEMENTOR`,
//! `JAVA_RUNTIME_VERSION`, …) and Go's `go/VERSION`.

use layergate_model::OsRelease;

use crate::File;

/// The names of such files.
pub(super) fn is_runtime_file(path: &str) -> bool {
    path == "release" || path.ends_with("/release") || path.ends_with("go/VERSION")
}

/// The runtime's name and version.
pub(super) fn read(file: &File<'_>) -> Option<(&'static str, String)> {
    // Both are a few hundred bytes; a longer file of that name is another.
    if file.bytes.len() > 64 << 10 {
        return None;
    }
    let text = file.text();
    if file.path.ends_with("VERSION") { go(&text) } else { java(&text) }
}

fn go(text: &str) -> Option<(&'static str, String)> {
    let version = text.lines().next()?.trim().strip_prefix("go")?;
    let fits = version.starts_with(|c: char| c.is_ascii_digit()) && version.len() < 40 && !version.contains(' ');
    fits.then(|| ("go", version.to_owned()))
}

fn java(text: &str) -> Option<(&'static str, String)> {
    let release = OsRelease::parse(text);
    let plain = release.get("JAVA_VERSION")?;
    let major = |v: &str| v.trim_start_matches("1.").split(['.', '+', '_', '-']).next().unwrap_or_default().to_owned();
    let full = release.get("FULL_VERSION").filter(|full| major(full) == major(plain));
    let version = release.get("JAVA_RUNTIME_VERSION").or(full).unwrap_or(plain);
    let maker = release.get("IMPLEMENTOR").unwrap_or_default().to_ascii_lowercase();
    let name = if release.get("GRAALVM_VERSION").is_some() || maker.contains("graalvm") {
        "graalvm"
    } else if maker.contains("azul") {
        "zulu"
    } else if maker.contains("oracle") && release.get("BUILD_TYPE") == Some("commercial") {
        if release.get("IMAGE_TYPE") == Some("JRE") { "jre" } else { "jdk" }
    } else {
        "openjdk"
    };
    Some((name, version.to_owned()))
}
