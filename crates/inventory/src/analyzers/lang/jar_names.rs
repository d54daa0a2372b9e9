//! Names of Java archives, and the coordinates that Maven writes into one (`pom.properties`).

/// Kinds of archives that hold Java packages.
const ENDS: &[&str] = &["jar", "war", "ear", "par", "sar", "nar", "kar", "hpi", "jpi", "lpkg"];
/// Bytes of one `pom.properties`.
pub(super) const MAX_PROPERTIES: u64 = 64 << 10;

/// The last part of a path.
pub(super) fn last(name: &[u8]) -> &[u8] {
    name.rsplit(|b| *b == b'/').next().unwrap_or(name)
}

/// Whether the ending is that of an archive which holds Java packages.
pub(super) fn is_archive(name: &[u8]) -> bool {
    let name = last(name);
    let end = name.rsplit(|b| *b == b'.').next().unwrap_or_default();
    end.len() < name.len() && ENDS.iter().any(|e| end.eq_ignore_ascii_case(e.as_bytes()))
}

/// What one `pom.properties` says.
pub(super) struct Coordinates {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
    pub(super) directory: Vec<u8>,
}

/// Java's properties format, as far as Maven writes it.
pub(super) fn properties(text: &str, name: &[u8]) -> Option<Coordinates> {
    let value = |key: &str| {
        text.lines().find_map(|line| {
            let (k, v) = line.split_once(['=', ':'])?;
            (k.trim() == key).then(|| v.trim().replace('\\', ""))
        })
    };
    let (artifact, version) = (value("artifactId")?, value("version")?);
    let good = |v: &str| !v.is_empty() && !v.contains("${");
    let directory = name[..name.len() - b"pom.properties".len()].to_vec();
    let group = value("groupId").filter(|g| good(g)).unwrap_or_default();
    (good(&artifact) && good(&version)).then_some(Coordinates { group, artifact, version, directory })
}
