//! The IMAGE argument of the command line, read into what it names (design, "The command line").
//!
//! `registry/repo:tag`, `…@sha256:…`, `docker-archive:FILE`, `oci-archive:FILE`, `oci:DIR[:TAG]`, `dir:ROOTFS`,
//! `sbom:FILE`. A bare word is a registry reference; it is a path, recognised by its content, only when it begins with
//! `/`, `./` or `../` or ends in an archive's suffix. So `debian` never becomes a scan of a directory that happens to
//! be called so. Reading is pure: whether a file is there is found out when it is opened.
//!
//! `oci:DIR:TAG` is split at the first colon, as skopeo does it: a tag in a layout may be a whole reference with colons
//! of its own (`oci:images:docker.io/library/alpine:3.20`) or a digest (`oci:images:sha256:…`).

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use layergate_model::{ImageReference, ReferenceError};

/// Where an image is to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A registry.
    Registry(ImageReference),
    /// `docker save`, skopeo's `docker-archive`, kaniko's `--tar-path`.
    DockerArchive(PathBuf),
    /// An OCI layout in a tar file.
    OciArchive(PathBuf),
    /// An OCI layout directory.
    OciLayout {
        /// The directory that holds `index.json`.
        dir: PathBuf,
        /// The `org.opencontainers.image.ref.name`, or the digest, of the one image that is wanted.
        tag: Option<String>,
    },
    /// An unpacked root file system.
    RootFs(PathBuf),
    /// A CycloneDX or SPDX document.
    Sbom(PathBuf),
    /// A file or directory to be recognised by its content.
    Path(PathBuf),
}

/// Why an IMAGE argument cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LocationError {
    /// Nothing after the scheme.
    #[error("{0:?} names no file: write it after the colon, for example {1}")]
    NoPath(String, &'static str),
    /// A login in a reference; it is not repeated.
    #[error(
        "a user name or password does not belong into a reference: `docker login` keeps it (the reference is not repeated here)"
    )]
    Login,
    /// A reference behind a scheme that names no place to read from.
    #[error("{0:?} is not read from here: save the image (`docker save`, `podman save`) and scan the archive")]
    Daemon(String),
    /// Not a reference.
    #[error("{text:?} is not an image: {source} (a path begins with /, ./ or ../)")]
    Reference {
        /// What was given.
        text: String,
        /// What is wrong with it.
        #[source]
        source: ReferenceError,
    },
}

const ARCHIVE_SUFFIXES: [&str; 5] = [".tar", ".tgz", ".tar.gz", ".tar.zst", ".tar.xz"];

impl Location {
    /// The file that it names; `None` for a registry and a directory that says of itself that it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::DockerArchive(path) | Self::OciArchive(path) | Self::Sbom(path) | Self::Path(path) => Some(path),
            Self::Registry(_) | Self::OciLayout { .. } | Self::RootFs(_) => None,
        }
    }

    /// Whether only this machine can read it; `--server` refuses such sources.
    pub fn is_local(&self) -> bool {
        !matches!(self, Self::Registry(_))
    }

    /// The registry reference, where it is one.
    pub fn reference(&self) -> Option<&ImageReference> {
        match self {
            Self::Registry(reference) => Some(reference),
            _ => None,
        }
    }

    /// The file or directory, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Registry(_) => None,
            Self::DockerArchive(path)
            | Self::OciArchive(path)
            | Self::OciLayout { dir: path, .. }
            | Self::RootFs(path)
            | Self::Sbom(path)
            | Self::Path(path) => Some(path),
        }
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let file = |rest: &str, example| match rest {
            "" => Err(LocationError::NoPath(text.to_owned(), example)),
            path => Ok(PathBuf::from(path)),
        };
        if let Some(rest) = text.strip_prefix("docker-archive:") {
            return Ok(Self::DockerArchive(file(rest, "docker-archive:image.tar")?));
        }
        if let Some(rest) = text.strip_prefix("oci-archive:") {
            return Ok(Self::OciArchive(file(rest, "oci-archive:image.tar")?));
        }
        if let Some(rest) = text.strip_prefix("oci:") {
            let (dir, tag) = match rest.split_once(':') {
                Some((dir, tag)) => (dir, (!tag.is_empty()).then(|| tag.to_owned())),
                None => (rest, None),
            };
            return Ok(Self::OciLayout { dir: file(dir, "oci:layout:latest")?, tag });
        }
        if let Some(rest) = text.strip_prefix("dir:") {
            return Ok(Self::RootFs(file(rest, "dir:/mnt/root")?));
        }
        if let Some(rest) = text.strip_prefix("sbom:") {
            return Ok(Self::Sbom(file(rest, "sbom:bom.json")?));
        }
        let is_path = matches!(text, "." | "..")
            || ["/", "./", "../"].iter().any(|p| text.starts_with(p))
            || ARCHIVE_SUFFIXES.iter().any(|s| text.ends_with(s));
        if is_path {
            return Ok(Self::Path(PathBuf::from(text)));
        }
        // What other tools call a reference: skopeo's and Helm's schemes, a browser's address.
        let text = ["docker://", "https://", "http://", "oci://", "registry:"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .unwrap_or(text)
            .trim_end_matches('/');
        if has_login(text) {
            return Err(LocationError::Login);
        }
        if let Some(scheme) = ["docker-daemon:", "containers-storage:", "podman:", "containerd:"]
            .iter()
            .find(|scheme| text.starts_with(**scheme))
        {
            return Err(LocationError::Daemon((*scheme).to_owned()));
        }
        match text.parse() {
            Ok(reference) => Ok(Self::Registry(reference)),
            Err(source) => Err(LocationError::Reference { text: text.chars().take(300).collect(), source }),
        }
    }
}

/// Whether something before an @ is not what a digest stands behind: `user:password@host/…`.
fn has_login(text: &str) -> bool {
    match text.rsplit_once('@') {
        Some((before, behind)) => {
            before.contains('@') || !behind.starts_with("sha256:") && !behind.starts_with("sha512:")
        }
        None => false,
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => write!(f, "{reference}"),
            Self::DockerArchive(path) => write!(f, "docker-archive:{}", path.display()),
            Self::OciArchive(path) => write!(f, "oci-archive:{}", path.display()),
            Self::OciLayout { dir, tag: None } => write!(f, "oci:{}", dir.display()),
            Self::OciLayout { dir, tag: Some(tag) } => write!(f, "oci:{}:{tag}", dir.display()),
            Self::RootFs(path) => write!(f, "dir:{}", path.display()),
            Self::Sbom(path) => write!(f, "sbom:{}", path.display()),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_command_line() {
        let path = |p: &str| PathBuf::from(p);
        let oci = |dir: &str, tag: Option<&str>| Location::OciLayout { dir: path(dir), tag: tag.map(str::to_owned) };
        for (text, want) in [
            ("docker-archive:a.tar", Location::DockerArchive(path("a.tar"))),
            ("docker-archive:/x/a:b.tar", Location::DockerArchive(path("/x/a:b.tar"))),
            ("oci-archive:a", Location::OciArchive(path("a"))),
            ("oci:d", oci("d", None)),
            ("oci:/x/d:v1", oci("/x/d", Some("v1"))),
            ("oci:d:docker.io/library/alpine:3", oci("d", Some("docker.io/library/alpine:3"))),
            ("dir:/", Location::RootFs(path("/"))),
            ("sbom:bom.json", Location::Sbom(path("bom.json"))),
            ("/srv/root", Location::Path(path("/srv/root"))),
            ("./x", Location::Path(path("./x"))),
            ("../x", Location::Path(path("../x"))),
            ("image.tar", Location::Path(path("image.tar"))),
            ("image.tgz", Location::Path(path("image.tgz"))),
            ("a/image.tar.zst", Location::Path(path("a/image.tar.zst"))),
            ("image.tar.xz", Location::Path(path("image.tar.xz"))),
        ] {
            let read: Location = text.parse().unwrap();
            assert_eq!(read, want, "{text}");
            assert_eq!(read.to_string(), text);
            assert!(read.is_local(), "{text}");
        }
        for (text, want) in [
            ("debian", "docker.io/library/debian:latest"),
            ("dir/sub", "docker.io/dir/sub:latest"),
            ("localhost:5000/a:b", "localhost:5000/a:b"),
            ("docker://debian:12", "docker.io/library/debian:12"),
            ("https://r.example/a/b:t", "r.example/a/b:t"),
        ] {
            let read: Location = text.parse().unwrap();
            assert_eq!(read.to_string(), want);
            assert!(!read.is_local());
        }
        for login in
            ["user:hunter2@r.example/a:t", "https://user:hunter2@r.example/a", "u:hunter2@r.example/a@sha256:00"]
        {
            let reported = login.parse::<Location>().unwrap_err();
            assert_eq!(reported, LocationError::Login);
            assert!(!reported.to_string().contains("hunter2"));
        }
        assert!(matches!("docker-daemon:a:b".parse::<Location>(), Err(LocationError::Daemon(_))));
        for bad in ["", "docker-archive:", "oci:", "oci::tag", "dir:", "sbom:", "No/Such", "a b"] {
            assert!(bad.parse::<Location>().is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text in "(oci:|dir:|docker-archive:|sbom:|/|\\./)?[a-z0-9:@./é-]{0,30}(\\.tar)?") {
            if let Ok(read) = text.parse::<Location>() {
                proptest::prop_assert_eq!(read.to_string().parse::<Location>().unwrap(), read);
            }
        }
    }
}
