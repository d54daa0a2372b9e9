//! An advisory snapshot as an OCI artifact: any registry can hand out the database that it scans by.
//!
//! One manifest with the empty configuration, artifact type [`ARTIFACT_TYPE`], and one layer: the snapshot, compressed
//! with zstd, media type [`LAYER_TYPE`]. The layer's annotations give the digest and the size of what it unpacks to. A
//! pull verifies the layer's digest, bounds what it unpacks, verifies the snapshot's digest and only then gives the
//! file its name; it goes on where it broke off as layers do. Further layers are deltas (`snapshot_delta.rs`). A push holds the compressed snapshot in memory (tens of
//! megabytes) and reads the manifest back. Whether the file is a snapshot is for whoever opens it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures::StreamExt as _;
use layergate_disk::{Access, NewFile};
use layergate_model::{Digest, ImageReference};
use layergate_ports::values::SourceError;
use oci_client::{
    Client,
    client::{ClientConfig, ClientProtocol, Config, ImageLayer},
    errors::OciDistributionError,
    manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest},
    secrets::RegistryAuth,
};
use sha2::{Digest as _, Sha256};

use crate::{
    Sources,
    credentials::Credential,
    error_detail::{self, malformed, unauthorized, unavailable, unsupported},
    http::with_retries,
    manifest::{Descriptor, Manifest, parse},
    snapshot_delta::{self, DELTA_TYPE, DeltaCodec},
};

/// What kind of artifact it is.
pub const ARTIFACT_TYPE: &str = "application/vnd.layergate.snapshot.v1";
/// What its layer is.
pub const LAYER_TYPE: &str = "application/vnd.layergate.snapshot.v1+zstd";

const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
const DIGEST: &str = "dev.layergate.snapshot.digest";
const SIZE: &str = "dev.layergate.snapshot.size";
/// A signature of the digest, where there is one; whether it is good is for whoever has the key.
const SIGNATURE: &str = "dev.layergate.snapshot.signature";
const MAX_SIGNATURE: usize = 4096;
/// A snapshot may not be larger, packed or not: its own references are 32 bits wide.
const MAX_BYTES: u64 = 16 << 30;
const LEVEL: i32 = 9;

/// A snapshot that came out of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledSnapshot {
    /// The file, `sha256-<hex>.lgdb`.
    pub path: PathBuf,
    /// Its digest.
    pub digest: Digest,
    /// The digest of the manifest, to pin it by.
    pub manifest: Digest,
    /// The signature that came with it, as text.
    pub signature: Option<String>,
    /// Bytes that were fetched; 0 when the file was there already.
    pub fetched: u64,
    /// From how many deltas it was made; 0 when it came whole.
    pub deltas: usize,
    /// Why deltas that should have led to it did not, and it came whole.
    pub detour: Option<String>,
}

impl Sources {
    /// Fetches a snapshot into `folder`, by deltas from one that is there where `codec` can follow them. `progress` is reported the bytes so far and in all, first before any came.
    pub async fn pull_snapshot(
        &self,
        reference: &ImageReference,
        folder: &Path,
        codec: &Arc<dyn DeltaCodec>,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<PulledSnapshot, SourceError> {
        let repository = self.repository_of(reference).await?;
        let (manifest, document) = repository.root(reference).await?;
        let (layer, others) = layers_of(&reference.to_string(), &document.bytes, document.content_type.as_deref())?;
        let (digest, size) = promised(&reference.to_string(), &layer)?;
        let signature = layer.annotations.get(SIGNATURE).filter(|s| s.len() <= MAX_SIGNATURE).cloned();
        let path = snapshot_delta::file_of(folder, &digest);
        let pulled =
            PulledSnapshot { path: path.clone(), digest, manifest, signature, fetched: 0, deltas: 0, detour: None };
        if path.metadata().is_ok_and(|m| m.len() == size) {
            return Ok(pulled);
        }
        let wanted = (digest, size, layer.size);
        let detour = match snapshot_delta::reach(&repository, reference, &others, wanted, folder, codec).await {
            Ok(Some(reached)) => {
                return Ok(PulledSnapshot { fetched: reached.fetched, deltas: reached.steps, ..pulled });
            }
            Ok(None) => None,
            Err(why) => Some(why.to_string()),
        };
        fs::create_dir_all(folder).map_err(|e| error_detail::file(folder, &e))?;
        let packed = NewFile::in_directory(folder, Access::Private).map_err(|e| error_detail::file(folder, &e))?;
        progress(0, layer.size);
        let mut stream = repository.open(&snapshot_delta::blob_of(reference, &layer)).await?;
        let (mut hasher, mut fetched) = (Sha256::new(), 0);
        while let Some(chunk) = stream.chunks.next().await {
            let chunk = chunk.map_err(|e| unavailable(reference, e.to_string(), "try again later"))?;
            hasher.update(&chunk);
            packed.as_file().write_all(&chunk).map_err(|e| error_detail::file(packed.path(), &e))?;
            fetched += chunk.len() as u64;
            progress(fetched, layer.size);
        }
        let found = Digest::from_bytes(hasher.finalize().into());
        if found != layer.digest {
            let what = format!("the snapshot's blob has the digest {found}, and it should be {}", layer.digest);
            return Err(malformed(reference, what));
        }
        let (place, name) = (path.clone(), reference.to_string());
        let unpacked = tokio::task::spawn_blocking(move || unpack(&packed, &place, (digest, size), &name)).await;
        unpacked.unwrap_or_else(|_| Err(unavailable(reference, "unpacking was given up", "")))?;
        Ok(PulledSnapshot { fetched, detour, ..pulled })
    }

    /// Puts a snapshot into a registry under a tag, with its signature where there is one, and shows the manifest's
    /// digest. What the tag named before is fetched into `folder`, where it is not there, and a delta from it goes along.
    pub async fn push_snapshot(
        &self,
        file: &Path,
        signature: Option<&str>,
        reference: &ImageReference,
        folder: &Path,
        codec: &Arc<dyn DeltaCodec>,
    ) -> Result<Digest, SourceError> {
        if reference.digest.is_some() {
            return Err(unsupported(
                reference,
                "a snapshot is pushed to a tag, not to a digest",
                "leave the @sha256:… out",
            ));
        }
        let login = self.credential_of(reference).await?;
        if let Some(lost) = login.trouble {
            return Err(SourceError::Unauthorized(lost));
        }
        let auth = match login.credential {
            Credential::Anonymous => RegistryAuth::Anonymous,
            Credential::Password { user, password } => RegistryAuth::Basic(user, password.reveal().to_owned()),
            Credential::RegistryToken(token) => RegistryAuth::Bearer(token.reveal().to_owned()),
            Credential::IdentityToken(_) => {
                let advice = "log in with a user name and a password, or with a repository token";
                return Err(unsupported(reference, "pushing with an identity token is not possible", advice));
            }
        };
        let own = file.to_owned();
        let packed = tokio::task::spawn_blocking(move || pack(&own)).await.map_err(io::Error::other).and_then(|r| r);
        let (packed, digest, size) = packed.map_err(|e| error_detail::file(file, &e))?;
        let mut annotations = BTreeMap::from([
            (DIGEST.to_owned(), digest.to_string()),
            (SIZE.to_owned(), size.to_string()),
            ("org.opencontainers.image.title".to_owned(), format!("sha256-{}.lgdb", digest.to_hex())),
        ]);
        annotations.extend(signature.map(|s| (SIGNATURE.to_owned(), s.trim().to_owned())));
        let (delta, carried) = self.deltas_to(file, (digest, packed.len()), reference, folder, codec).await;
        let mut layers = vec![ImageLayer::new(packed, LAYER_TYPE.to_owned(), Some(annotations))];
        layers.extend(delta.map(|(bytes, ends)| ImageLayer::new(bytes, DELTA_TYPE.to_owned(), Some(ends))));
        let config = Config::new(Bytes::from_static(b"{}"), EMPTY_TYPE.to_owned(), None);
        let mut manifest = OciImageManifest::build(&layers, &config, None);
        manifest.media_type = Some(OCI_IMAGE_MEDIA_TYPE.to_owned());
        manifest.artifact_type = Some(ARTIFACT_TYPE.to_owned());
        manifest.layers.extend(carried);
        let client = self.push_client(reference)?;
        let tag = reference.manifest_name();
        let image =
            oci_client::Reference::with_tag(reference.registry.to_string(), reference.repository.to_string(), tag);
        let retry = self.options().retry;
        with_retries(retry, || async {
            let (layers, config, manifest) = (layers.clone(), config.clone(), manifest.clone());
            let pushed = client.push(&image, &layers, config, &auth, Some(manifest)).await;
            pushed.map_err(|e| refused(reference, &e))
        })
        .await?;
        // What can be read back is there.
        let repository = self.repository_of(reference).await?;
        let (digest, document) = repository.root(reference).await?;
        let (stored, _) = layers_of(&reference.to_string(), &document.bytes, document.content_type.as_deref())?;
        let sent = manifest.layers.first().map(|l| l.digest.as_str()).unwrap_or_default();
        if stored.digest.to_string() != sent {
            return Err(malformed(reference, "somebody else pushed another snapshot to this tag at the same time"));
        }
        Ok(digest)
    }

    /// A delta from what the tag names now, and the older ones that go on. Both are a help and no more: whatever is in
    /// their way, the snapshot is pushed.
    async fn deltas_to(
        &self,
        file: &Path,
        (digest, packed): (Digest, usize),
        reference: &ImageReference,
        folder: &Path,
        codec: &Arc<dyn DeltaCodec>,
    ) -> (Option<snapshot_delta::Made>, Vec<OciDescriptor>) {
        let earlier = async {
            let repository = self.repository_of(reference).await.ok()?;
            let (_, document) = repository.root(reference).await.ok()?;
            layers_of("", &document.bytes, document.content_type.as_deref()).ok()
        };
        let Some((whole, others)) = earlier.await else { return (None, Vec::new()) };
        let carried = snapshot_delta::carried(&others, digest);
        let Ok((from, _)) = promised("", &whole) else { return (None, carried) };
        if from == digest {
            return (None, carried);
        }
        let Ok(old) = self.pull_snapshot(reference, folder, codec, &|_, _| {}).await else { return (None, carried) };
        let (codec, new) = (Arc::clone(codec), file.to_owned());
        let made = tokio::task::spawn_blocking(move || {
            snapshot_delta::make(codec.as_ref(), (&old.path, from), (&new, digest), packed)
        });
        (made.await.ok().flatten(), carried)
    }

    fn push_client(&self, reference: &ImageReference) -> Result<Client, SourceError> {
        layergate_http::provide_tls();
        let plain = self.options().plain_http || reference.registry.is_loopback();
        let config = ClientConfig {
            protocol: if plain { ClientProtocol::Http } else { ClientProtocol::Https },
            connect_timeout: Some(self.options().timeouts.connect),
            ..ClientConfig::default()
        };
        Client::try_from(config).map_err(|e| unavailable(reference, e.to_string(), ""))
    }
}

fn refused(reference: &ImageReference, error: &OciDistributionError) -> SourceError {
    let registry = &reference.registry;
    let login = format!("check the credential (`docker login {registry}`) and its right to push");
    match error {
        OciDistributionError::UnauthorizedError { .. } | OciDistributionError::AuthenticationFailure(_) => {
            unauthorized(reference, format!("{registry} does not let this user push"), login)
        }
        OciDistributionError::ServerError { code: 401 | 403, .. } => {
            unauthorized(reference, format!("{registry} does not let this user push"), login)
        }
        OciDistributionError::ServerError { code: 429 | 500..=599, message, .. } => {
            unavailable(reference, error_detail::one_line(message, 200), "try again later")
        }
        OciDistributionError::RequestError(error) if error.is_connect() || error.is_timeout() => {
            unavailable(reference, "the registry does not answer", "is its name right, and is it running?")
        }
        other => malformed(reference, error_detail::one_line(&other.to_string(), 300)),
    }
}

/// The layer of the snapshot, and those behind it.
fn layers_of(
    place: &str,
    manifest: &[u8],
    content_type: Option<&str>,
) -> Result<(Descriptor, Vec<Descriptor>), SourceError> {
    let other = |what: &str| {
        let advice = "name a reference that `layergate db push` made";
        unsupported(place, format!("it is {what} and not an advisory snapshot"), advice)
    };
    let manifest = match parse(manifest, content_type) {
        Ok(Manifest::Image(manifest)) => manifest,
        Ok(Manifest::Index(_)) => return Err(other("an index")),
        Err(error) => return Err(malformed(place, error.to_string())),
    };
    let mut layers = manifest.layers.into_iter();
    match layers.next() {
        Some(layer) if layer.media_type == LAYER_TYPE => Ok((layer, layers.collect())),
        _ => Err(other("an image or another artifact")),
    }
}

fn promised(place: &str, layer: &Descriptor) -> Result<(Digest, u64), SourceError> {
    let digest = layer.annotations.get(DIGEST).and_then(|d| d.parse().ok());
    let size = layer.annotations.get(SIZE).and_then(|s| s.parse().ok()).filter(|s| *s <= MAX_BYTES);
    match (digest, size) {
        (Some(digest), Some(size)) if layer.size <= MAX_BYTES => Ok((digest, size)),
        _ => Err(malformed(
            place,
            format!("its layer does not say {DIGEST} and {SIZE}, or it is larger than {MAX_BYTES} bytes"),
        )),
    }
}

fn pack(file: &Path) -> io::Result<(Vec<u8>, Digest, u64)> {
    let mut input = File::open(file)?;
    let mut packer = zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?;
    let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 256 << 10]);
    loop {
        match input.read(&mut buffer)? {
            0 => break,
            n => {
                hasher.update(&buffer[..n]);
                packer.write_all(&buffer[..n])?;
                size += n as u64;
            }
        }
    }
    Ok((packer.finish()?, Digest::from_bytes(hasher.finalize().into()), size))
}

fn unpack(packed: &NewFile, path: &Path, promised: (Digest, u64), name: &str) -> Result<(), SourceError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let failed = |e: io::Error| error_detail::file(folder, &e);
    let input = File::open(packed.path()).map_err(failed)?;
    let unpacker = zstd::stream::read::Decoder::new(input).map_err(failed)?;
    let mut unpacker = unpacker.take(promised.1 + 1);
    let mut fresh = NewFile::in_directory(folder, Access::Private).map_err(failed)?;
    let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0u64, vec![0; 256 << 10]);
    loop {
        let read =
            unpacker.read(&mut buffer).map_err(|e| malformed(name, format!("the snapshot does not unpack: {e}")))?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        fresh.write_all(&buffer[..read]).map_err(|e| error_detail::file(fresh.path(), &e))?;
        size += read as u64;
    }
    let found = Digest::from_bytes(hasher.finalize().into());
    if (found, size) != promised {
        let (digest, bytes) = promised;
        let what =
            format!("the snapshot unpacks to {size} bytes of {found}, and {bytes} bytes of {digest} were promised");
        return Err(malformed(name, what));
    }
    fresh.sync().map_err(failed)?;
    fresh.name(path).map_err(|e| error_detail::file(path, &e))
}
