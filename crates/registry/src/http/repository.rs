//! One repository of one registry, asked with one credential: manifests, configurations and blobs by digest.
//!
//! Every answer is bounded, every digest is checked here except that of a layer's stream, which whoever reads it
//! checks. Only so many requests are in flight to one registry at a time ([`Slots`]); `urls` are never followed.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use layergate_http::{Response, Retry, same_server, shown};
use layergate_model::{Digest, ImageReference, Registry, RepoPath};
use layergate_ports::values::{CredentialName, LayerLocator, RegistryBlob, SourceError};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::{
    retry, said,
    token::Authorizer,
    transport::{self, Transport},
};
use crate::{
    credentials::{Credential, Login},
    error_detail::{malformed, not_found, unauthorized, unavailable},
    listing::next_link,
    manifest::{ACCEPT, Descriptor, MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES},
    resolve::{ContentStore, Document, Located},
};

const MAX_ERROR_BODY: usize = 64 << 10;
/// Bytes of one page of names: a thousand of 255 bytes and their quotes are a quarter of it.
const MAX_PAGE: usize = 4 << 20;
const DIGEST_HEADER: &str = "docker-content-digest";

/// How many requests one registry gets from this process at a time. Documents have places of their own, so that a
/// question is not kept waiting behind long downloads.
#[derive(Debug)]
pub(crate) struct Slots {
    documents: Arc<Semaphore>,
    blobs: Arc<Semaphore>,
}

impl Slots {
    pub(crate) fn new(each: usize) -> Self {
        Self { documents: Arc::new(Semaphore::new(each)), blobs: Arc::new(Semaphore::new(each)) }
    }
}

/// One repository.
#[derive(Debug)]
pub(crate) struct Repository {
    pub(crate) retry: Retry,
    pub(crate) credential_name: Option<CredentialName>,
    transport: Transport,
    authorizer: Authorizer,
    /// What the last challenge was answered with; asked for again when it is refused.
    authorization: Mutex<Option<HeaderValue>>,
    slots: Arc<Slots>,
}

impl Repository {
    pub(crate) fn new(
        transport: Transport,
        retry: Retry,
        slots: Arc<Slots>,
        (registry, repository): (Registry, RepoPath),
        (credential_name, login): (Option<CredentialName>, Login),
    ) -> Result<Self, SourceError> {
        // Docker Hub's registry has another name than its images.
        let host = if registry.as_str() == "docker.io" { "registry-1.docker.io" } else { registry.as_str() };
        let parse = |scheme: &str| {
            Url::parse(&format!("{scheme}://{host}/"))
                .map_err(|e| malformed(&registry, format!("its name makes no URL: {e}")))
        };
        let (plain, tls) = (parse("http")?, parse("https")?);
        let base = if transport.plain_allowed(&plain) { plain } else { tls };
        let authorizer = Authorizer { transport: transport.clone(), login, registry, repository, base };
        Ok(Self { retry, credential_name, transport, authorizer, authorization: Mutex::default(), slots })
    }

    /// The document that a reference names, and its digest.
    pub(crate) async fn root(&self, reference: &ImageReference) -> Result<(Digest, Document), SourceError> {
        self.document(&reference.manifest_name(), reference.digest).await
    }

    async fn document(&self, name: &str, pinned: Option<Digest>) -> Result<(Digest, Document), SourceError> {
        let url = self.url("manifests", name)?;
        retry::run(self.retry, || async {
            let _slot = self.slot(&self.slots.documents).await?;
            let answer = self.get(&url, Some(ACCEPT), None).await?;
            let header = |name: &str| answer.headers().get(name).and_then(|h| h.to_str().ok()).map(str::to_owned);
            let (content_type, reported) = (header("content-type"), header(DIGEST_HEADER));
            let bytes = self.transport.body(&url, answer, MAX_MANIFEST_BYTES).await?;
            let digest = Digest::of(&bytes);
            let expected = pinned.or_else(|| reported.and_then(|t| t.parse().ok()));
            if let Some(expected) = expected
                && expected != digest
            {
                if bytes.trim_ascii_start().starts_with(b"<") {
                    let html = crate::manifest::ManifestError::Html.to_string();
                    return Err(malformed(shown(&url), html));
                }
                let what = format!("the manifest's digest is {digest}, and it should be {expected}");
                return Err(malformed(shown(&url), what));
            }
            Ok((digest, Document { bytes, content_type }))
        })
        .await
    }

    /// The digest that a reference points at, as the registry tells it without the document; `None` where it does not.
    pub(crate) async fn head(&self, reference: &ImageReference) -> Result<Option<Digest>, SourceError> {
        let url = self.url("manifests", &reference.manifest_name())?;
        retry::run(self.retry, || async {
            let _slot = self.slot(&self.slots.documents).await?;
            let answer = self.request(Method::HEAD, &url, Some(ACCEPT), None).await?;
            let known = answer.headers().get(DIGEST_HEADER).and_then(|h| h.to_str().ok());
            Ok(known.and_then(|t| t.parse().ok()))
        })
        .await
    }

    /// A page of a list, at the registry's path and query that the page before named, and those of the next one.
    pub(crate) async fn page(&self, path: &str) -> Result<(Vec<u8>, Option<String>), SourceError> {
        // Not joined: a path that begins with two slashes would be another server's.
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.authorizer.base.clone();
        url.set_path(path);
        url.set_query(query);
        retry::run(self.retry, || async {
            let _slot = self.slot(&self.slots.documents).await?;
            let answer = self.get(&url, None, None).await?;
            let links = answer.headers().get_all(header::LINK).iter();
            let next = links.filter_map(|h| h.to_str().ok()).find_map(next_link);
            // A page that is named and cannot be asked for is not the end of the list.
            let next = next.map(|to| url.join(to)).transpose();
            let next = next.map_err(|e| malformed(shown(&url), format!("its next page cannot be named: {e}")))?;
            // A registry behind a proxy may call itself by another name: only the path and the query count.
            let next = next.map(|to| match to.query() {
                Some(query) => format!("{}?{query}", to.path()),
                None => to.path().to_owned(),
            });
            Ok((self.transport.body(&url, answer, MAX_PAGE).await?, next))
        })
        .await
    }

    fn url(&self, kind: &str, name: &str) -> Result<Url, SourceError> {
        let path = format!("v2/{}/{kind}/{name}", self.authorizer.repository);
        self.authorizer.base.join(&path).map_err(|e| malformed(&path, e.to_string()))
    }

    pub(super) fn blob_url(&self, digest: &Digest) -> Result<Url, SourceError> {
        self.url("blobs", &digest.to_string())
    }

    /// A place for a blob, held until it is dropped.
    pub(super) async fn blob_slot(&self) -> Result<OwnedSemaphorePermit, SourceError> {
        self.slot(&self.slots.blobs).await
    }

    async fn slot(&self, slots: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, SourceError> {
        Arc::clone(slots)
            .acquire_owned()
            .await
            .map_err(|_| unavailable(&self.authorizer.registry, "this process is stopping", ""))
    }

    /// One GET that ends in 200 or 206, a challenge answered once.
    pub(super) async fn get(
        &self,
        url: &Url,
        accept: Option<&str>,
        from: Option<u64>,
    ) -> Result<Response, SourceError> {
        self.request(Method::GET, url, accept, from).await
    }

    async fn request(
        &self,
        method: Method,
        url: &Url,
        accept: Option<&str>,
        from: Option<u64>,
    ) -> Result<Response, SourceError> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept.and_then(|a| HeaderValue::from_str(a).ok()) {
            headers.insert(header::ACCEPT, accept);
        }
        if let Some(range) = from.and_then(|n| HeaderValue::from_str(&format!("bytes={n}-")).ok()) {
            headers.insert(header::RANGE, range);
        }
        let used = self.authorization.lock().await.clone();
        if let Some(value) = &used {
            headers.insert(header::AUTHORIZATION, value.clone());
        }
        let mut answer = self.transport.send(method.clone(), url, headers.clone()).await?;
        // A 401 of the storage behind a redirect is not the registry's: it must not be answered with a password.
        if answer.status() == StatusCode::UNAUTHORIZED && same_server(url, answer.url()) {
            let value = {
                let mut known = self.authorization.lock().await;
                match known.as_ref().filter(|v| Some(*v) != used.as_ref()) {
                    // Another request was faster.
                    Some(fresh) => fresh.clone(),
                    None => {
                        let fresh = self.authorizer.answer(answer.headers()).await;
                        known.insert(fresh.map_err(|e| self.authorizer.login.explain(e))?).clone()
                    }
                }
            };
            headers.insert(header::AUTHORIZATION, value);
            answer = self.transport.send(method, url, headers).await?;
        }
        if matches!(answer.status(), StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
            return Ok(answer);
        }
        Err(self.authorizer.login.explain(self.refused(url, answer).await))
    }

    async fn refused(&self, url: &Url, answer: Response) -> SourceError {
        let (status, headers, hop) = (answer.status(), answer.headers().clone(), answer.url().clone());
        let said = match self.transport.body(url, answer, MAX_ERROR_BODY).await {
            Ok(body) => self.authorizer.login.credential.redact(&said::reason(&body)),
            Err(_) => String::new(),
        };
        let registry = &self.authorizer.registry;
        if !same_server(url, &hop) {
            return storage_refused(registry, &hop, status, &headers, &said);
        }
        let who = self.authorizer.login.who();
        let login = format!("check the credential (`docker login {registry}`) and its rights on the repository");
        match status.as_u16() {
            401 => unauthorized(shown(url), format!("{registry} does not accept {who} (401){said}"), login),
            403 => unauthorized(shown(url), format!("{registry} forbids it to {who} (403){said}"), login),
            404 => {
                let advice = match self.authorizer.login.credential {
                    Credential::Anonymous => "is the name right? A private repository looks the same without a login",
                    _ => "is the name right, and may this user see it?",
                };
                not_found(shown(url), format!("{registry} has no such thing (404){said}"), advice)
            }
            416 => malformed(shown(url), "the blob is shorter than its descriptor says"),
            429 | 408 | 500..=599 => transport::busy(url, status, &headers, &said),
            other => malformed(shown(url), format!("{registry} answers {other}{said}")),
        }
    }
}

/// The place behind a redirect refuses: neither the registry's login nor the image's name is to blame.
fn storage_refused(registry: &Registry, hop: &Url, status: StatusCode, headers: &HeaderMap, said: &str) -> SourceError {
    let place = shown(hop);
    let host = hop.host_str().unwrap_or_default();
    let what = format!("the storage {host} that {registry} redirects to answers {}{said}", status.as_u16());
    match status.as_u16() {
        429 | 408 | 500..=599 => transport::busy(hop, status, headers, said),
        401 | 403 => unauthorized(
            place,
            what,
            "its URLs are signed and hold for minutes: is this machine's clock right, and does a proxy change requests?",
        ),
        404 => not_found(place, what, "the registry lists a blob that its storage does not have: push the image again"),
        _ => malformed(place, what),
    }
}

#[async_trait]
impl ContentStore for Repository {
    async fn manifest(&self, digest: &Digest) -> Result<Document, SourceError> {
        Ok(self.document(&digest.to_string(), Some(*digest)).await?.1)
    }

    async fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
        let url = self.blob_url(&descriptor.digest)?;
        retry::run(self.retry, || async {
            let _slot = self.slot(&self.slots.documents).await?;
            let answer = self.get(&url, None, None).await?;
            let bytes = self.transport.body(&url, answer, MAX_CONFIG_BYTES).await?;
            let digest = Digest::of(&bytes);
            if digest != descriptor.digest {
                let what = format!("the configuration's digest is {digest}, and it should be {}", descriptor.digest);
                return Err(malformed(shown(&url), what));
            }
            Ok(bytes)
        })
        .await
    }

    fn locate(&self, layer: &Descriptor) -> Located {
        let blob = RegistryBlob {
            registry: self.authorizer.registry.clone(),
            repository: self.authorizer.repository.clone(),
            digest: layer.digest,
            media_type: layer.media_type.clone(),
            size: layer.size,
            credential: self.credential_name.clone(),
        };
        Located { locator: LayerLocator::Registry(blob), missing: None, altered: None }
    }
}
