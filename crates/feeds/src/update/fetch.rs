//! One file from one URL to its place in a mirror: conditional, taken up where it broke off, checked, renamed.
//!
//! - A file that is there is asked for with its ETag or date; 304 leaves it alone.
//! - A download that broke off goes on with `Range` and `If-Range`, but only where the server gave it a validator:
//!   two halves of different versions must not meet.
//! - 408, 429, 5xx and broken connections are tried again with growing waits; `Retry-After` is obeyed up to a cap.
//! - What arrived is held against the length that was declared, the size cap, its name ([`super::content`]) and its
//!   SHA-256 where one is known. Only then does it take the old file's place.

use std::{
    fs,
    io::{self, SeekFrom},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
    time::SystemTime,
};

use futures::StreamExt as _;
use layergate_http::{
    Again, BodyError, Client, ClientOptions, Method, Redirects, RequestBuilder, Response, Retry, StatusCode, describe,
    header, is_busy, range_start, retry_after, shown,
};
use layergate_model::Digest;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _, BufWriter};
use url::Url;

use super::{
    content,
    event::{Event, EventSink},
    fetch_error::FetchError,
    state::{Broken, Places, State, Validators},
};

/// Documents that are read into memory (lists, checksums, repomd.xml).
const MAX_DOCUMENT: usize = 4 << 20;
/// For the answer to how large a file is.
const ASK_SIZE: Duration = Duration::from_secs(10);
/// Redirects on the way to a file.
const MAX_REDIRECTS: usize = 6;
/// Between two words about the same file.
const REPORT_EVERY: u64 = 256 << 10;

/// How patient and how greedy fetching is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchLimits {
    /// Tries for each file.
    pub attempts: u32,
    /// The wait after the first failure; it doubles.
    pub first_wait: Duration,
    /// The longest wait, and the most that a `Retry-After` may ask for.
    pub longest_wait: Duration,
    /// For a connection.
    pub connect: Duration,
    /// Between two pieces of a body.
    pub idle: Duration,
    /// Until any server has answered anything. Then this machine has a network, and each file is waited for as long as it
    /// takes; without an answer the update ends.
    pub first_answer: Duration,
    /// Files at a time.
    pub parallel: usize,
    /// Files at a time from one host.
    pub per_host: usize,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(90),
            connect: Duration::from_secs(20),
            idle: Duration::from_secs(60),
            first_answer: Duration::from_secs(10),
            parallel: 8,
            per_host: 3,
        }
    }
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fetched {
    Fresh { bytes: u64, digest: Digest },
    Unchanged { digest: Digest },
}

/// What to fetch.
pub(crate) struct Wanted<'a> {
    pub(crate) url: &'a Url,
    pub(crate) places: &'a Places,
    /// `source/path`, for whoever listens.
    pub(crate) label: &'a str,
    pub(crate) max_bytes: u64,
    pub(crate) sha256: Option<Digest>,
}

/// Fetches.
pub(crate) struct Fetcher {
    client: Client,
    limits: FetchLimits,
    sink: EventSink,
    /// Whether any server has answered anything.
    answered: AtomicBool,
    /// What went wrong last.
    last_failure: Mutex<Option<String>>,
}

impl Fetcher {
    pub(crate) fn new(limits: FetchLimits, sink: EventSink) -> Self {
        let client = Client::new(ClientOptions {
            connect: limits.connect,
            idle: limits.idle,
            redirects: Redirects::Follow(MAX_REDIRECTS),
            roots: Vec::new(),
        });
        Self { client, limits, sink, answered: AtomicBool::new(false), last_failure: Mutex::default() }
    }

    /// Does `work`, but gives it up when no server at all has answered after [`FetchLimits::first_answer`]; the error says
    /// what went wrong.
    pub(crate) async fn unless_silent<T>(&self, work: impl Future<Output = T>) -> Result<T, String> {
        let silence = async {
            tokio::time::sleep(self.limits.first_answer).await;
            if self.answered.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = silence => {
                let last = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).take();
                let limit = self.limits.first_answer.as_secs_f64();
                Err(last.unwrap_or_else(|| format!("no server has answered within {limit} s")))
            }
        }
    }

    /// Remembers what went wrong, for the case that nothing goes right.
    fn note(&self, error: &FetchError) {
        *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    }

    /// Fetches a file, as often as it takes and may take.
    pub(crate) async fn fetch(&self, wanted: &Wanted<'_>) -> Result<Fetched, FetchError> {
        self.again(wanted.label, || self.attempt(wanted)).await
    }

    /// The size that a server says of a file without sending it; most do.
    pub(crate) async fn size(&self, url: &Url) -> Option<u64> {
        let request = self.client.request(Method::HEAD, url).map_err(FetchError::Client);
        let answer = match request {
            Ok(request) => self.send(request.timeout(ASK_SIZE), url).await,
            Err(error) => Err(error),
        };
        let answer = answer.inspect_err(|error| self.note(error)).ok()?;
        // The body of the answer to HEAD has no length; its header has.
        let length = answer.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
        length.filter(|_| answer.status().is_success())
    }

    /// A small document, into memory.
    pub(crate) async fn document(&self, url: &Url, label: &str) -> Result<Vec<u8>, FetchError> {
        self.again(label, || async {
            let response = self.send(self.client.get(url)?, url).await?;
            layergate_http::body(response, MAX_DOCUMENT).await.map_err(|error| match error {
                BodyError::Broken(error) => FetchError::Unreachable { url: shown(url), why: describe(&error) },
                BodyError::TooLarge(limit) => FetchError::TooLarge { url: shown(url), limit: limit as u64 },
            })
        })
        .await
    }

    async fn again<T, F>(&self, label: &str, work: impl FnMut() -> F) -> Result<T, FetchError>
    where
        F: Future<Output = Result<T, FetchError>>,
    {
        let FetchLimits { attempts, first_wait, longest_wait, .. } = self.limits;
        let retry = Retry { times: u64::from(attempts).saturating_sub(1), first_wait, longest_wait };
        let again = |error: &FetchError| {
            self.note(error);
            match error {
                FetchError::Busy { retry_after: Some(asked), .. } => Again::After(*asked),
                error if error.is_transient() => Again::Yes,
                _ => Again::No,
            }
        };
        let report = |error: &FetchError, wait| {
            (self.sink)(Event::Retry { file: label.to_owned(), why: error.to_string(), wait });
        };
        retry.run(work, again, report).await
    }

    async fn send(&self, request: RequestBuilder, url: &Url) -> Result<Response, FetchError> {
        let response =
            request.send().await.map_err(|e| FetchError::Unreachable { url: shown(url), why: describe(&e) })?;
        self.answered.store(true, Ordering::Relaxed);
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED || status == StatusCode::RANGE_NOT_SATISFIABLE {
            return Ok(response);
        }
        let (url, code) = (shown(url), status.as_u16());
        if is_busy(status) {
            return Err(FetchError::Busy { url, status: code, retry_after: retry_after(response.headers()) });
        }
        Err(FetchError::Refused { url, status: code })
    }

    async fn attempt(&self, wanted: &Wanted<'_>) -> Result<Fetched, FetchError> {
        let places = wanted.places;
        let disk = |path: &Path| {
            let path = path.to_owned();
            move |source| FetchError::Disk { path, source }
        };
        places.make_folders().map_err(disk(&places.target))?;
        let state = places.read_present();
        if let (Some(wanted), Some(digest)) = (wanted.sha256, state.digest)
            && wanted == digest
        {
            return Ok(Fetched::Unchanged { digest });
        }
        let (from, request) = self.request(wanted, &state)?;
        let response = self.send(request, wanted.url).await?;
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED {
            return match state.digest {
                Some(digest) => Ok(Fetched::Unchanged { digest }),
                None => Err(FetchError::Refused { url: shown(wanted.url), status: 304 }),
            };
        }
        if status == StatusCode::RANGE_NOT_SATISFIABLE {
            let _ = fs::remove_file(&places.part);
            let why = "the server cannot go on where the last download broke off; it begins anew".into();
            return Err(FetchError::Unreachable { url: shown(wanted.url), why });
        }
        let from = if status == StatusCode::PARTIAL_CONTENT { from } else { 0 };
        if status == StatusCode::PARTIAL_CONTENT && part_begins_at(&response) != Some(from) {
            let _ = fs::remove_file(&places.part);
            let why = "another part than the one that was asked for came".into();
            return Err(FetchError::Unreachable { url: shown(wanted.url), why });
        }
        let validators = validators(&response);
        let broken = Some(Broken { url: wanted.url.to_string(), validators: validators.clone() });
        places.write(&State { broken, ..state }).map_err(disk(&places.state))?;
        self.receive(wanted, response, from).await?;

        let (part, name) = (places.part.clone(), places.target.clone());
        let looked = tokio::task::spawn_blocking(move || look(&part, &name)).await.map_err(io::Error::other);
        let (fault, digest, bytes) = looked.and_then(|r| r).map_err(disk(&places.part))?;
        let url = || shown(wanted.url);
        let error = match (fault, wanted.sha256) {
            (Some(found), _) => Some(FetchError::WrongContent { url: url(), found }),
            (None, Some(promised)) if promised != digest => {
                Some(FetchError::WrongDigest { url: url(), wanted: promised, found: digest })
            }
            _ => None,
        };
        if let Some(error) = error {
            let _ = fs::remove_file(&places.part);
            return Err(error);
        }
        let old = places.read_present().digest;
        dated(&places.part, validators.last_modified.as_deref());
        layergate_disk::rename(&places.part, &places.target).map_err(disk(&places.target))?;
        let state = State { url: wanted.url.to_string(), validators, digest: Some(digest), bytes, broken: None };
        places.write(&state).map_err(disk(&places.state))?;
        // A server without validators sends everything each time; the same bytes are no news.
        Ok(if old == Some(digest) { Fetched::Unchanged { digest } } else { Fetched::Fresh { bytes, digest } })
    }

    /// The request, and from which byte it asks.
    fn request(&self, wanted: &Wanted<'_>, state: &State) -> Result<(u64, RequestBuilder), FetchError> {
        let mut request = self.client.get(wanted.url)?;
        let url = wanted.url.as_str();
        let have = fs::metadata(&wanted.places.part).map_or(0, |m| m.len());
        let broken = state.broken.as_ref().filter(|b| have > 0 && b.url == url);
        if let Some(validator) = broken.and_then(|b| b.validators.for_range()) {
            request = request.header(header::RANGE, format!("bytes={have}-")).header(header::IF_RANGE, validator);
            return Ok((have, request));
        }
        // Where another digest is promised, "not modified" would be no answer.
        if state.url == url && state.digest.is_some() && wanted.sha256.is_none() {
            if let Some(tag) = &state.validators.etag {
                request = request.header(header::IF_NONE_MATCH, tag);
            }
            if let Some(date) = &state.validators.last_modified {
                request = request.header(header::IF_MODIFIED_SINCE, date);
            }
        }
        Ok((0, request))
    }

    async fn receive(&self, wanted: &Wanted<'_>, response: Response, from: u64) -> Result<(), FetchError> {
        let part = &wanted.places.part;
        let disk = |source| FetchError::Disk { path: part.clone(), source };
        let too_large = || {
            let _ = fs::remove_file(part);
            FetchError::TooLarge { url: shown(wanted.url), limit: wanted.max_bytes }
        };
        let declared = response.content_length().map(|n| n.saturating_add(from));
        if declared.is_some_and(|n| n > wanted.max_bytes) {
            return Err(too_large());
        }
        let label = wanted.label.to_owned();
        (self.sink)(Event::Started { file: label.clone(), total: declared, resumed: from });
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create(true).truncate(from == 0);
        let mut file = options.open(part).await.map_err(disk)?;
        file.seek(SeekFrom::Start(from)).await.map_err(disk)?;
        let mut file = BufWriter::with_capacity(128 << 10, file);
        let (mut reached, mut reported) = (from, from);
        let mut chunks = response.bytes_stream();
        let ended = loop {
            match chunks.next().await {
                None => break None,
                Some(Err(error)) => break Some(error),
                Some(Ok(chunk)) => {
                    reached += chunk.len() as u64;
                    if reached > wanted.max_bytes {
                        return Err(too_large());
                    }
                    file.write_all(&chunk).await.map_err(disk)?;
                    if reached - reported >= REPORT_EVERY {
                        reported = reached;
                        (self.sink)(Event::Received { file: label.clone(), bytes: reached });
                    }
                }
            }
        };
        file.flush().await.map_err(disk)?;
        let file = file.into_inner();
        if let Some(declared) = declared.filter(|d| *d != reached) {
            return Err(FetchError::Truncated { url: shown(wanted.url), received: reached, declared });
        }
        if let Some(error) = ended {
            return Err(FetchError::Unreachable { url: shown(wanted.url), why: describe(&error) });
        }
        file.sync_all().await.map_err(disk)
    }
}

/// Its fault, digest and size.
fn look(part: &Path, name: &Path) -> io::Result<(Option<String>, Digest, u64)> {
    let fault = content::fault(part, name)?;
    let mut hasher = Sha256::new();
    let mut file = fs::File::open(part)?;
    let mut buffer = vec![0; 256 << 10];
    let mut bytes = 0;
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok((fault, Digest::from_bytes(hasher.finalize().into()), bytes)),
            n => {
                hasher.update(&buffer[..n]);
                bytes += n as u64;
            }
        }
    }
}

fn validators(response: &Response) -> Validators {
    let text = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) }
}

/// Gives a download its upstream's time, as wget does: of a feed without dates that shows how old it is, also behind a
/// mirror that gives today what it fetched years ago. Without one its time is that of the download.
fn dated(file: &Path, last_modified: Option<&str>) {
    let time = last_modified.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
    let time = time.map(|zoned| SystemTime::from(zoned.timestamp()));
    if let (Some(time), Ok(file)) = (time, fs::File::options().write(true).open(file)) {
        // A file without it is only thought younger than it is.
        let _ = file.set_modified(time);
    }
}

fn part_begins_at(response: &Response) -> Option<u64> {
    range_start(response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?)
}
