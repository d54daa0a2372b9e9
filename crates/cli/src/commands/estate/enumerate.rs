//! What there is: registries to repositories to tags to digests. An unchanged tag costs one HEAD.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use futures::{StreamExt, stream};
use layergate_model::{Digest, ImageReference, Registry, RepoPath, Tag};
use layergate_ports::values::SourceError;
use layergate_registry::Sources;

use crate::exit::{Failure, usage};

/// Tags that are asked for at a time; a registry's own budget of requests bounds them further.
const AT_A_TIME: usize = 16;

/// What is to be enumerated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// All repositories of a registry.
    Registry(Registry),
    /// All tags of a repository.
    Repository(Registry, RepoPath),
    /// One reference.
    Reference(ImageReference),
}

/// What an enumeration found.
#[derive(Debug, Default)]
pub(super) struct Enumeration {
    /// References with the digest that they point at, or why that is not known.
    pub(super) references: BTreeMap<String, Result<Digest, String>>,
    /// Repositories (`registry/repository`) that were listed to the end: what is not listed in them is gone.
    pub(super) whole: BTreeSet<String>,
    /// Registries that were listed to the end: repositories that are not listed are gone.
    pub(super) registries: BTreeSet<String>,
    /// What could not be listed at all, with why.
    pub(super) failed: BTreeMap<String, String>,
}

impl Target {
    /// Reads an argument: the part before the first slash is a registry.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let plain =
            ["https://", "http://", "docker://", "oci://"].iter().find_map(|s| text.strip_prefix(s)).unwrap_or(text);
        if plain.contains('@') && !plain.contains("@sha256:") {
            return Err(usage(anyhow!(
                "a user name or password does not belong into a target: `docker login` keeps it"
            )));
        }
        let plain = plain.trim_end_matches('/');
        let bad = |why: String| {
            usage(anyhow!("{text:?} is not REGISTRY, REGISTRY/REPOSITORY or REGISTRY/REPOSITORY:TAG: {why}"))
        };
        let Some((registry, rest)) = plain.split_once('/') else {
            // `debian` alone would be a registry of that name; people mean a repository by it.
            if !plain.contains(['.', ':']) && plain != "localhost" {
                return Err(bad(format!("write docker.io/library/{plain} for Docker Hub's repository")));
            }
            return Registry::new(plain).map(Self::Registry).map_err(|e| bad(e.to_string()));
        };
        let registry = Registry::new(registry).map_err(|e| bad(e.to_string()))?;
        if rest.contains([':', '@']) {
            return plain.parse().map(Self::Reference).map_err(|e| bad(format!("{e}")));
        }
        RepoPath::new(rest).map(|path| Self::Repository(registry, path)).map_err(|e| bad(e.to_string()))
    }

    /// Whether a reference of the catalogue belongs to the target.
    pub(super) fn covers(&self, reference: &str) -> bool {
        let Ok(reference) = reference.parse::<ImageReference>() else { return false };
        match self {
            Self::Registry(registry) => reference.registry == *registry,
            Self::Repository(registry, path) => reference.registry == *registry && reference.repository == *path,
            Self::Reference(this) => *this == reference,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Registry(registry) => f.write_str(registry.as_str()),
            Self::Repository(registry, path) => write!(f, "{}/{}", registry.as_str(), path.as_str()),
            Self::Reference(reference) => write!(f, "{reference}"),
        }
    }
}

/// Enumerates the targets.
pub(super) async fn enumerate(sources: &Sources, targets: &[Target]) -> Enumeration {
    let mut found = Enumeration::default();
    let mut repositories: BTreeSet<(Registry, RepoPath)> = BTreeSet::new();
    let mut references: BTreeSet<ImageReference> = BTreeSet::new();
    for target in targets {
        match target {
            Target::Registry(registry) => match sources.repositories(registry).await {
                Ok(listed) => {
                    found.registries.insert(registry.as_str().to_owned());
                    repositories.extend(listed.names.into_iter().map(|path| (registry.clone(), path)));
                    let odd = listed.unreadable.into_iter();
                    let why = "the registry lists it, and it is not the name of a repository";
                    found.failed.extend(odd.map(|name| (format!("{}/{name}", registry.as_str()), why.to_owned())));
                }
                Err(error) => {
                    let advice = match error {
                        SourceError::NotFound(_) | SourceError::Unauthorized(_) => {
                            "; a registry that does not list its repositories is enumerated by naming them (REGISTRY/REPOSITORY)"
                        }
                        _ => "",
                    };
                    found
                        .failed
                        .insert(target.to_string(), format!("its repositories cannot be listed: {error}{advice}"));
                }
            },
            Target::Repository(registry, path) => {
                repositories.insert((registry.clone(), path.clone()));
            }
            Target::Reference(reference) => {
                references.insert(reference.clone());
            }
        }
    }
    let named: BTreeSet<String> = targets.iter().map(ToString::to_string).collect();
    let mut lists = stream::iter(repositories)
        .map(async |(registry, path)| {
            let listed = sources.tags(&registry, &path).await;
            (registry, path, listed)
        })
        .buffer_unordered(AT_A_TIME);
    while let Some((registry, path, listed)) = lists.next().await {
        let name = format!("{}/{}", registry.as_str(), path.as_str());
        let reference = |tag: Tag| ImageReference {
            registry: registry.clone(),
            repository: path.clone(),
            tag: Some(tag),
            digest: None,
        };
        match listed {
            Ok(listed) => {
                references.extend(listed.names.into_iter().map(reference));
                let why = "the registry lists it, and it is not a tag";
                found.failed.extend(listed.unreadable.iter().map(|tag| (format!("{name}:{tag}"), why.to_owned())));
                found.whole.insert(name);
            }
            // A repository whose tags were all deleted is still in the list of some registries.
            Err(SourceError::NotFound(_)) if !named.contains(&name) => {
                found.whole.insert(name);
            }
            Err(error) => {
                found.failed.insert(name, format!("its tags cannot be listed: {error}"));
            }
        }
    }
    let mut heads = stream::iter(references)
        .map(async |reference| {
            let digest = sources.digest_of(&reference).await;
            (reference, digest)
        })
        .buffer_unordered(AT_A_TIME);
    while let Some((reference, digest)) = heads.next().await {
        let listed =
            found.whole.contains(&format!("{}/{}", reference.registry.as_str(), reference.repository.as_str()));
        match digest {
            // It was deleted since it was listed.
            Err(SourceError::NotFound(_)) if listed => {
                // Some registries list tags whose manifest is lost; a second look at the same name tells them apart.
                let again = sources.digest_of(&reference).await.map_err(|e| e.to_string());
                found.references.insert(reference.to_string(), again);
            }
            other => {
                found.references.insert(reference.to_string(), other.map_err(|e| e.to_string()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read() {
        for (text, want) in [
            ("127.0.0.1:5000", "127.0.0.1:5000"),
            ("http://localhost/", "localhost"),
            ("registry.example/team/app", "registry.example/team/app"),
            ("registry.example/team/app:1", "registry.example/team/app:1"),
            ("docker.io/library/debian", "docker.io/library/debian"),
        ] {
            assert_eq!(Target::read(text).ok().map(|t| t.to_string()).as_deref(), Some(want), "{text}");
        }
        for bad in ["debian", "", "registry.example/No", "u:p@registry.example/a", "registry.example/a:"] {
            assert!(matches!(Target::read(bad), Err(Failure::Usage(_))), "{bad}");
        }
    }

    #[test]
    fn a_target_covers_its_own() {
        let reference = "registry.example/team/app:1";
        for (target, want) in [
            ("registry.example", true),
            ("registry.example/team/app", true),
            ("registry.example/team/app:1", true),
            ("registry.example/team/app:2", false),
            ("registry.example/team", false),
            ("registry.example:5000", false),
        ] {
            assert_eq!(Target::read(target).ok().unwrap().covers(reference), want, "{target}");
        }
    }
}
