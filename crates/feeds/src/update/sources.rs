//! The catalogue of upstream sources, `data/sources.toml`, and what a site changes about it.
//!
//! A site's file (LAYERGATE_SOURCES) may name one mirror for everything, which `db mirror` filled and a web server
//! serves; leave sources out; change a source's base; or add one. Unknown keys are errors with their line.
//! ```toml
//! mirror = "https://mirror.example/layergate"
//! without = ["nvd"]
//! [source.osv]
//! base = "https://osv.example"
//! ```

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use url::Url;

const BUILT_IN: &str = include_str!("../../data/sources.toml");
/// A site's file is small.
const MAX_FILE: u64 = 1 << 20;

/// How a source's files are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The path is the file.
    #[default]
    File,
    /// The path is a line of text that names the file beside it.
    Pointer,
    /// The path is an rpm repository's `repomd.xml`.
    Repomd,
    /// The path is a list of rpm repositories.
    Mirrors,
}

/// One upstream source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its word, and its folder in a mirror.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Its license.
    pub license: String,
    /// The format of its files, for people.
    pub format: String,
    /// What stands before each path.
    pub base: Url,
    /// Paths that must be there.
    pub files: Vec<String>,
    /// Paths that may be missing.
    pub perhaps: Vec<String>,
    /// How the files are found.
    pub update: Method,
    /// What is added to a file's URL for its SHA-256.
    pub checksum: Option<String>,
    /// No file may be larger.
    pub max_bytes: u64,
}

/// The sources in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// Everything comes from here, laid out as a mirror's folder is.
    pub mirror: Option<Url>,
    /// The sources, by id.
    pub list: Vec<Source>,
}

/// Why a site's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// It cannot be read.
    #[error("cannot read the list of advisory sources {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not what it must be.
    #[error("the list of advisory sources {place} is wrong: {why}")]
    Wrong {
        /// The file.
        place: String,
        /// What is wrong, with the line where there is one.
        why: String,
    },
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    mirror: Option<String>,
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    source: BTreeMap<String, Row>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: Option<String>,
    #[serde(alias = "licence")]
    license: Option<String>,
    format: Option<String>,
    base: Option<String>,
    files: Option<Vec<String>>,
    perhaps: Option<Vec<String>>,
    update: Option<Method>,
    checksum: Option<String>,
    max_mib: Option<u64>,
}

impl Row {
    /// Its own words, then those of `under`.
    fn over(self, under: Self) -> Self {
        Self {
            name: self.name.or(under.name),
            license: self.license.or(under.license),
            format: self.format.or(under.format),
            base: self.base.or(under.base),
            files: self.files.or(under.files),
            perhaps: self.perhaps.or(under.perhaps),
            update: self.update.or(under.update),
            checksum: self.checksum.or(under.checksum).filter(|c| !c.is_empty()),
            max_mib: self.max_mib.or(under.max_mib),
        }
    }

    fn source(self, id: &str) -> Result<Source, String> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
        if id.is_empty() || !id.bytes().all(plain) {
            return Err(format!("the source's id {id:?} may only have letters, digits, - and _"));
        }
        let base = self.base.ok_or_else(|| format!("source.{id} has no base"))?;
        let source = Source {
            name: self.name.unwrap_or_else(|| id.to_owned()),
            license: self.license.unwrap_or_else(|| "unknown".into()),
            format: self.format.unwrap_or_else(|| "as it is recognised".into()),
            base: url(&base).map_err(|why| format!("source.{id}: {why}"))?,
            files: self.files.unwrap_or_default(),
            perhaps: self.perhaps.unwrap_or_default(),
            update: self.update.unwrap_or_default(),
            checksum: self.checksum,
            max_bytes: self.max_mib.unwrap_or(512).min(1 << 20) << 20,
            id: id.to_owned(),
        };
        let mut paths = source.files.iter().chain(&source.perhaps);
        if let Some(bad) = paths.find(|p| local_path(p).is_none()) {
            return Err(format!("source.{id}: {bad:?} is not a path below the base"));
        }
        Ok(source)
    }
}

impl Sources {
    /// The catalogue as it comes.
    pub fn built_in() -> Result<Self, SourcesError> {
        Self::layered(None, "(built in)")
    }

    /// The catalogue under a site's file.
    pub fn from_file(path: &Path) -> Result<Self, SourcesError> {
        let read = std::fs::metadata(path).and_then(|m| {
            if m.len() > MAX_FILE {
                return Err(std::io::Error::other(format!("larger than {MAX_FILE} bytes")));
            }
            std::fs::read_to_string(path)
        });
        let text = read.map_err(|source| SourcesError::Io { path: path.to_owned(), source })?;
        Self::layered(Some(&text), &path.display().to_string())
    }

    /// The file that LAYERGATE_SOURCES names, or the catalogue as it comes.
    pub fn from_environment() -> Result<Self, SourcesError> {
        match std::env::var_os("LAYERGATE_SOURCES").filter(|v| !v.is_empty()) {
            Some(path) => Self::from_file(Path::new(&path)),
            None => Self::built_in(),
        }
    }

    /// The catalogue under a site's text.
    pub fn from_text(text: &str) -> Result<Self, SourcesError> {
        Self::layered(Some(text), "(text)")
    }

    fn layered(text: Option<&str>, place: &str) -> Result<Self, SourcesError> {
        let wrong = |why: String| SourcesError::Wrong { place: place.to_owned(), why };
        let parse = |text: &str| toml::from_str::<Table>(text).map_err(|e| wrong(e.to_string()));
        let mut rows = parse(BUILT_IN)?.source;
        let site = text.map(parse).transpose()?.unwrap_or_default();
        for (id, row) in site.source {
            let under = rows.remove(&id).unwrap_or_default();
            rows.insert(id, row.over(under));
        }
        if let Some(unknown) = site.only.iter().chain(&site.without).find(|id| !rows.contains_key(*id)) {
            let known: Vec<&str> = rows.keys().map(String::as_str).collect();
            return Err(wrong(format!("there is no source {unknown:?}; there are {}", known.join(", "))));
        }
        rows.retain(|id, _| (site.only.is_empty() || site.only.contains(id)) && !site.without.contains(id));
        let list = rows.into_iter().map(|(id, row)| row.source(&id)).collect::<Result<_, _>>().map_err(wrong)?;
        let mirror = site.mirror.as_deref().map(url).transpose().map_err(wrong)?;
        Ok(Self { mirror, list })
    }
}

fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|e| format!("{text:?} is not a URL: {e}"))?;
    match url.scheme() {
        "https" | "http" => Ok(url),
        other => Err(format!("{text:?}: {other} is neither https nor http")),
    }
}

/// The URL of a path below a base.
pub(crate) fn join(base: &Url, path: &str) -> Result<Url, String> {
    let text = format!("{}/{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|e| format!("{text:?} is not a URL: {e}"))
}

/// Where a path of a URL lies in a folder; `None` when it would lead out of it.
pub(crate) fn local_path(path: &str) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.split('/') {
        let part = part.replace("%20", " ");
        let bad = part.is_empty() || part.starts_with('.') || part.contains(['\\', '\0', ':', '%', '?', '#']);
        if bad || part.len() > 200 {
            return None;
        }
        out.push(part);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_reads() {
        let sources = Sources::built_in().unwrap();
        let ids: Vec<&str> = sources.list.iter().map(|s| s.id.as_str()).collect();
        for id in ["osv", "debian", "ubuntu", "alpine", "redhat", "amazon", "suse", "kev", "epss", "nvd"] {
            assert!(ids.contains(&id), "{id}");
        }
        for source in &sources.list {
            assert_eq!(source.base.scheme(), "https", "{}", source.id);
            assert!(!source.license.is_empty() && source.files.len() + source.perhaps.len() > 0, "{}", source.id);
        }
    }

    #[test]
    fn a_site_changes_what_it_names() {
        let text = "without = [\"nvd\"]\nmirror = \"http://m/x\"\n[source.kev]\nbase = \"http://localhost:1\"\n\
                    [source.own]\nbase = \"https://own\"\nlicence = \"MIT\"\nfiles = [\"a/b.json\"]\n";
        let sources = Sources::from_text(text).unwrap();
        let find = |id: &str| sources.list.iter().find(|s| s.id == id);
        assert!(find("nvd").is_none());
        let kev = find("kev").unwrap();
        assert_eq!((kev.base.as_str(), kev.files.len()), ("http://localhost:1/", 1));
        assert_eq!(find("own").map(|own| (own.max_bytes, own.license.as_str())), Some((512 << 20, "MIT")));
        assert_eq!(sources.mirror.unwrap().as_str(), "http://m/x");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("x = 1", "unknown field"),
            ("only = [\"nobody\"]", "there is no source \"nobody\""),
            ("[source.own]\nfiles = []", "source.own has no base"),
            ("[source.kev]\nbase = \"ftp://x\"", "neither https nor http"),
            ("[source.kev]\nfiles = [\"../x\"]", "not a path below the base"),
            ("[source.\"a/b\"]\nbase = \"https://x\"", "may only have letters"),
            ("[source.kev]\nbse = \"https://x\"", "line 2"),
        ];
        for (text, want) in cases {
            let error = Sources::from_text(text).unwrap_err().to_string();
            assert!(error.contains(want), "{text:?}: {error}");
        }
    }

    #[test]
    fn paths_stay_inside() {
        assert_eq!(local_path("Rocky%20Linux/all.zip"), Some(PathBuf::from("Rocky Linux/all.zip")));
        for bad in ["", "/etc/passwd", "a//b", "../a", "a/..", ".layergate/x", "a%2f..", "a?b", "c:\\x"] {
            assert_eq!(local_path(bad), None, "{bad}");
        }
    }
}
