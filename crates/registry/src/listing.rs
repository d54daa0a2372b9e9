//! What a registry has: its repositories (`_catalog`), their tags, and the digest that a tag points at (OCI distribution
//! spec v1.1, "Listing Tags"; `_catalog` is Docker's and distribution's).
//!
//! Pages are followed by their `Link` header, on the registry that was asked and nowhere else. Bounded: 1,000 names a page,
//! a million repositories, a million tags of one repository, 4 MiB a page, a hundred empty pages in a row; more is an error.

use layergate_model::{Digest, ImageReference, Registry, RepoPath, Tag};
use layergate_ports::values::SourceError;
use serde::Deserialize;

use crate::{Sources, error_detail::malformed};

/// Names of one page.
const PAGE: usize = 1000;
/// Names of all pages of one list.
const MOST: usize = 1_000_000;
/// Pages without a name, one after the other.
const MOST_EMPTY: usize = 100;

/// Names that a registry lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed<T> {
    /// The names, in their order, each once.
    pub names: Vec<T>,
    /// What is listed and cannot be a name by the specification's grammar.
    pub unreadable: Vec<String>,
}

/// The key must be there, though some registries write `null` for an empty list: an answer without it is no list.
#[derive(Deserialize)]
struct Repositories {
    #[serde(deserialize_with = "Option::deserialize")]
    repositories: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(deserialize_with = "Option::deserialize")]
    tags: Option<Vec<String>>,
}

impl Sources {
    /// The repositories of a registry.
    pub async fn repositories(&self, registry: &Registry) -> Result<Listed<RepoPath>, SourceError> {
        // The path only names the session; the credential is what Docker's configuration has for the registry.
        let session = RepoPath::new("catalog").map_err(|e| malformed(registry, e.to_string()))?;
        let names = self
            .pages(registry, &session, &format!("v2/_catalog?n={PAGE}"), |body| {
                serde_json::from_slice::<Repositories>(body).map(|page| page.repositories.unwrap_or_default())
            })
            .await?;
        Ok(sorted(names, RepoPath::new))
    }

    /// The tags of a repository.
    pub async fn tags(&self, registry: &Registry, repository: &RepoPath) -> Result<Listed<Tag>, SourceError> {
        let first = format!("v2/{}/tags/list?n={PAGE}", repository.as_str());
        let names = self
            .pages(registry, repository, &first, |body| {
                serde_json::from_slice::<Tags>(body).map(|page| page.tags.unwrap_or_default())
            })
            .await?;
        Ok(sorted(names, Tag::new))
    }

    /// The digest that a reference points at, by one HEAD; by the manifest itself where the registry does not tell.
    pub async fn digest_of(&self, reference: &ImageReference) -> Result<Digest, SourceError> {
        let repository = self.repository_of(reference).await?;
        match repository.head(reference).await? {
            Some(digest) => Ok(digest),
            None => Ok(repository.root(reference).await?.0),
        }
    }

    async fn pages(
        &self,
        registry: &Registry,
        session: &RepoPath,
        first: &str,
        read: impl Fn(&[u8]) -> serde_json::Result<Vec<String>>,
    ) -> Result<Vec<String>, SourceError> {
        let any = ImageReference { registry: registry.clone(), repository: session.clone(), tag: None, digest: None };
        let repository = self.repository_of(&any).await?;
        let mut names = Vec::new();
        let mut next = Some(first.to_owned());
        let mut empty = 0;
        while let Some(page) = next {
            let (body, link) = repository.page(&page).await?;
            let found = read(&body)
                .map_err(|e| malformed(format!("{registry}/{page}"), format!("the list cannot be read: {e}")))?;
            // Registries that leave out what the user may not see have empty pages in the middle.
            empty = if found.is_empty() { empty + 1 } else { 0 };
            if link.as_ref() == Some(&page) || link.is_some() && empty > MOST_EMPTY {
                return Err(malformed(format!("{registry}/{page}"), "the list names a next page again and again"));
            }
            next = link;
            names.extend(found);
            if names.len() > MOST {
                return Err(malformed(format!("{registry}/{page}"), format!("the list has more than {MOST} names")));
            }
        }
        Ok(names)
    }
}

fn sorted<T: Ord, E>(names: Vec<String>, read: impl Fn(&str) -> Result<T, E>) -> Listed<T> {
    let mut listed = Listed { names: Vec::with_capacity(names.len()), unreadable: Vec::new() };
    for name in names {
        match read(&name) {
            Ok(name) => listed.names.push(name),
            Err(_) => listed.unreadable.push(crate::error_detail::one_line(&name, 200)),
        }
    }
    listed.names.sort();
    listed.names.dedup();
    listed
}

/// The target of a `Link: <…>; rel="next"` header (RFC 8288).
pub(crate) fn next_link(header: &str) -> Option<&str> {
    header.split(',').find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |p: &str| {
            let p = p.trim().to_ascii_lowercase();
            p == "rel=next" || p == "rel=\"next\""
        };
        parameters.split(';').any(is_next).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_the_next_page() {
        for (header, want) in [
            (r#"</v2/_catalog?last=b&n=2>; rel="next""#, Some("/v2/_catalog?last=b&n=2")),
            (r#"</a>; rel="prev", </b>; REL=next"#, Some("/b")),
            (r#"</a>; rel="prev""#, None),
            ("nonsense", None),
            ("", None),
        ] {
            assert_eq!(next_link(header), want, "{header}");
        }
    }

    #[test]
    fn names_are_read_into_names() {
        let listed = sorted(vec!["b".into(), "a/c".into(), "b".into(), "No".into()], RepoPath::new);
        assert_eq!(listed.names.iter().map(RepoPath::as_str).collect::<Vec<_>>(), ["a/c", "b"]);
        assert_eq!(listed.unreadable, ["No"]);
    }
}
