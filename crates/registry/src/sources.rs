//! The image-source port over everything in this crate: registries and, where allowed, this machine's files.
//!
//! Registries share one HTTP client and, for each host, one budget of simultaneous requests. What is known of a
//! repository (the credential, the last token) is kept for ten minutes and thrown away when it is refused, so that
//! short-lived credentials of helpers and rotated secrets are read anew.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use layergate_http::Retry;
use layergate_model::{ImageReference, Limits, Registry, RepoPath};
use layergate_ports::{
    BlobStream, ImageSource,
    values::{CredentialName, ImageLocator, ImageRequest, LayerLocator, ResolvedImage, SourceError},
};

use crate::{
    credentials::{CredentialSources, Login},
    error_detail,
    http::{Repository, Slots, Timeouts, Transport},
    local::{LocalBytes, LocalImages},
    location::Location,
    platforms, resolve, rootfs,
};

const SESSION_LIFE: Duration = Duration::from_secs(600);
const MAX_SESSIONS: usize = 1024;

/// How images are fetched.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    /// Speak plain HTTP to every registry (`--plain-http`); loopback needs no flag.
    pub plain_http: bool,
    /// Read images from this machine's files. Off by default: a fleet must not read its own disks for a client.
    pub local: bool,
    /// Simultaneous downloads from one registry, and as many questions beside them.
    pub concurrency: usize,
    /// Timeouts.
    pub timeouts: Timeouts,
    /// Tries.
    pub retry: Retry,
    /// Credentials.
    pub credentials: CredentialSources,
    /// The layers' limits, which bound what a compressed archive may unpack to.
    pub limits: Limits,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            plain_http: false,
            local: false,
            concurrency: 8,
            timeouts: Timeouts::default(),
            retry: Retry::default(),
            credentials: CredentialSources::default(),
            limits: Limits::default(),
        }
    }
}

type SessionKey = (Registry, RepoPath, Option<CredentialName>);

struct Inner {
    options: SourceOptions,
    transport: Transport,
    local: LocalImages,
    sessions: Mutex<HashMap<SessionKey, (Instant, Arc<Repository>)>>,
    slots: Mutex<HashMap<Registry, Arc<Slots>>>,
}

/// Every kind of image source.
#[derive(Clone)]
pub struct Sources {
    inner: Arc<Inner>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

impl Location {
    /// The port's name for it.
    pub fn locator(&self) -> ImageLocator {
        match self {
            Self::Registry(reference) => ImageLocator::Registry(reference.clone()),
            local => ImageLocator::Local(local.to_string()),
        }
    }
}

impl Sources {
    /// Sources with these options. Nothing is opened or read yet.
    pub fn new(options: SourceOptions) -> Self {
        let transport = Transport::new(options.timeouts, options.plain_http);
        let local = LocalImages::new(options.limits.clone());
        let (sessions, slots) = (Mutex::default(), Mutex::default());
        Self { inner: Arc::new(Inner { options, transport, local, sessions, slots }) }
    }

    /// Says what a path on the command line is: an SBOM, an archive, a layout, a root file system. A tar archive of a
    /// root file system stays [`Location::Path`], and everything else stays what it is.
    pub async fn recognise(&self, location: &Location) -> Result<Location, SourceError> {
        let location = location.clone();
        self.blocking(move |inner| inner.local.recognise(&location)).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .unwrap_or_else(|_| Err(error_detail::unavailable("this process", "reading was given up", "")))
    }

    async fn repository(&self, key: &SessionKey) -> Result<Arc<Repository>, SourceError> {
        {
            let mut sessions = self.inner.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            sessions.retain(|_, (since, _)| since.elapsed() < SESSION_LIFE);
            if let Some((_, repository)) = sessions.get(key) {
                return Ok(Arc::clone(repository));
            }
        }
        let (registry, path, name) = key.clone();
        let login = {
            let (registry, path, name) = key.clone();
            // A credential helper is another program: it may take its time.
            self.blocking(move |inner| inner.options.credentials.look_up(name.as_ref(), &registry, &path)).await?
        };
        let slots = {
            let mut slots = self.inner.slots.lock().unwrap_or_else(PoisonError::into_inner);
            if slots.len() > MAX_SESSIONS {
                slots.retain(|_, s| Arc::strong_count(s) > 1);
            }
            let fresh = || Arc::new(Slots::new(self.inner.options.concurrency.max(1)));
            Arc::clone(slots.entry(registry.clone()).or_insert_with(fresh))
        };
        let transport = self.inner.transport.clone();
        let repository = Repository::new(transport, self.inner.options.retry, slots, (registry, path), (name, login))?;
        let repository = Arc::new(repository);
        let mut sessions = self.inner.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MAX_SESSIONS {
            sessions.clear();
        }
        let (_, kept) = sessions.entry(key.clone()).or_insert_with(|| (Instant::now(), repository));
        Ok(Arc::clone(kept))
    }

    pub(crate) fn options(&self) -> &SourceOptions {
        &self.inner.options
    }

    /// The repository of a reference, asked with what Docker's configuration has for it.
    pub(crate) async fn repository_of(&self, reference: &ImageReference) -> Result<Arc<Repository>, SourceError> {
        self.repository(&(reference.registry.clone(), reference.repository.clone(), None)).await
    }

    /// What Docker's configuration has for a reference.
    pub(crate) async fn credential_of(&self, reference: &ImageReference) -> Result<Login, SourceError> {
        let (registry, path) = (reference.registry.clone(), reference.repository.clone());
        self.blocking(move |inner| inner.options.credentials.look_up(None, &registry, &path)).await
    }

    /// Forgets what was refused.
    fn note<T>(&self, key: &SessionKey, result: Result<T, SourceError>) -> Result<T, SourceError> {
        if matches!(result, Err(SourceError::Unauthorized(_))) {
            self.inner.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        }
        result
    }

    fn allow_local(&self, place: &str) -> Result<(), SourceError> {
        if self.inner.options.local {
            return Ok(());
        }
        let advice = "push the image to a registry, or scan it where it lies, without --server";
        Err(error_detail::unsupported(place, "local images are not read here", advice))
    }
}

#[async_trait]
impl ImageSource for Sources {
    async fn resolve(&self, request: &ImageRequest) -> Result<Vec<ResolvedImage>, SourceError> {
        let platforms = platforms::wanted(&request.platforms);
        match &request.image {
            ImageLocator::Registry(reference) => {
                let key = (reference.registry.clone(), reference.repository.clone(), request.credential.clone());
                let repository = self.repository(&key).await?;
                let found = async {
                    let (digest, document) = repository.root(reference).await?;
                    resolve::resolve(&*repository, &reference.to_string(), digest, document, &platforms).await
                };
                self.note(&key, found.await)
            }
            ImageLocator::Local(text) => {
                self.allow_local(text)?;
                let location: Location =
                    text.parse().map_err(|e| error_detail::unsupported(text, format!("{e}"), ""))?;
                self.blocking(move |inner| inner.local.resolve(&location, &platforms)).await
            }
            ImageLocator::Sbom(sbom) => Err(error_detail::unsupported(
                &sbom.name,
                "uploaded SBOMs are not read here",
                "upload it to a coordinator",
            )),
        }
    }

    async fn open(&self, layer: &LayerLocator) -> Result<BlobStream, SourceError> {
        match layer {
            LayerLocator::Registry(blob) => {
                let key = (blob.registry.clone(), blob.repository.clone(), blob.credential.clone());
                let repository = self.repository(&key).await?;
                let opened = repository.open(blob).await;
                self.note(&key, opened)
            }
            LayerLocator::Local(blob) => {
                self.allow_local(&blob.source)?;
                let (wanted, size) = (blob.clone(), blob.size);
                let bytes = self.blocking(move |inner| inner.local.open(&wanted)).await?;
                Ok(match bytes {
                    LocalBytes::Slice(slice) => slice.stream(),
                    LocalBytes::Tree(root) => rootfs::stream(root, self.inner.options.limits.clone(), size),
                })
            }
        }
    }
}
