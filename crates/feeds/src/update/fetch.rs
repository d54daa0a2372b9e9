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
        Mutex, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
    time::SystemTime,
};

use futures::StreamExt as _;
use layergate_model::{Backoff, Digest};
use reqwest::{Response, StatusCode, header};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _, BufWriter};
use url::Url;

use super::{
    content,
    event::{Event, EventSink},
    fetch_error::{FetchError, reason, shown},
    state::{Broken, Places, State, Validators},
};

/// Documents that are read into memory (lists, checksums, repomd.xml).
const MAX_DOCUMENT: usize = 4 << 20;
/// For the answer to how large a file is.
const ASK_SIZE: Duration = Duration::from_secs(10);
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
    client: reqwest::Client,
    /// Past every proxy: for mirrors on this machine.
    here: reqwest::Client,
    limits: FetchLimits,
    sink: EventSink,
    /// Whether any server has answered anything.
    answered: AtomicBool,
    /// What went wrong last.
    last_failure: Mutex<Option<String>>,
}

impl Fetcher {
    pub(crate) fn new(limits: FetchLimits, sink: EventSink) -> Result<Self, FetchError> {
        static RING: Once = Once::new();
        // An error means that somebody installed a provider before: theirs is as good.
        RING.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let redirects = || {
            reqwest::redirect::Policy::custom(|attempt| {
                let from_https = attempt.previous().last().is_some_and(|u| u.scheme() == "https");
                if attempt.previous().len() > 6 {
                    attempt.error("more than 6 redirects")
                } else if from_https && attempt.url().scheme() != "https" {
                    attempt.error("a redirect from https to something else")
                } else {
                    attempt.follow()
                }
            })
        };
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("layergate/", env!("CARGO_PKG_VERSION")))
                .redirect(redirects())
                .connect_timeout(limits.connect)
                .read_timeout(limits.idle)
        };
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|e| FetchError::Unreachable { url: "HTTP client".into(), why: reason(&e) })
        };
        let (client, here) = (build(builder())?, build(builder().no_proxy())?);
        Ok(Self { client, here, limits, sink, answered: AtomicBool::new(false), last_failure: Mutex::default() })
    }

    fn client(&self, url: &Url) -> &reqwest::Client {
        let here = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        if here { &self.here } else { &self.client }
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
        self.again(wanted.label, async || self.attempt(wanted).await).await
    }

    /// The size that a server says of a file without sending it; most do.
    pub(crate) async fn size(&self, url: &Url) -> Option<u64> {
        let answer = self.send(self.client(url).head(url.clone()).timeout(ASK_SIZE), url).await;
        let answer = answer.inspect_err(|error| self.note(error)).ok()?;
        // The body of the answer to HEAD has no length; its header has.
        let length = answer.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
        length.filter(|_| answer.status().is_success())
    }

    /// A small document, into memory.
    pub(crate) async fn document(&self, url: &Url, label: &str) -> Result<Vec<u8>, FetchError> {
        self.again(label, async || {
            let response = self.send(self.client(url).get(url.clone()), url).await?;
            let too_large = || FetchError::TooLarge { url: shown(url), limit: MAX_DOCUMENT as u64 };
            let declared = response.content_length();
            if declared.is_some_and(|n| n > MAX_DOCUMENT as u64) {
                return Err(too_large());
            }
            let mut body = Vec::new();
            let mut chunks = response.bytes_stream();
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.map_err(|e| FetchError::Unreachable { url: shown(url), why: reason(&e) })?;
                if body.len() + chunk.len() > MAX_DOCUMENT {
                    return Err(too_large());
                }
                body.extend_from_slice(&chunk);
            }
            Ok(body)
        })
        .await
    }

    async fn again<T>(&self, label: &str, work: impl AsyncFn() -> Result<T, FetchError>) -> Result<T, FetchError> {
        let pauses = Backoff { first: self.limits.first_wait, most: self.limits.longest_wait };
        // Of all the machines that update at midnight, this one.
        let who = format!("{label}\n{}", std::process::id());
        let mut tries = 1;
        loop {
            let error = match work().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let asked = match &error {
                FetchError::Busy { retry_after, .. } => *retry_after,
                _ => None,
            };
            self.note(&error);
            let too_long = asked.is_some_and(|a| a > self.limits.longest_wait);
            if !error.is_transient() || tries >= self.limits.attempts || too_long {
                return Err(error);
            }
            let wait = pauses.after(u64::from(tries), &who);
            let pause = asked.unwrap_or(wait).max(wait).min(self.limits.longest_wait);
            (self.sink)(Event::Retry { file: label.to_owned(), why: error.to_string(), wait: pause });
            tokio::time::sleep(pause).await;
            tries += 1;
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder, url: &Url) -> Result<Response, FetchError> {
        let response =
            request.send().await.map_err(|e| FetchError::Unreachable { url: shown(url), why: reason(&e) })?;
        self.answered.store(true, Ordering::Relaxed);
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED || status == StatusCode::RANGE_NOT_SATISFIABLE {
            return Ok(response);
        }
        let busy = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
        let (url, code) = (shown(url), status.as_u16());
        if busy {
            return Err(FetchError::Busy { url, status: code, retry_after: retry_after(&response) });
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
        let (from, request) = self.request(wanted, &state);
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
        if status == StatusCode::PARTIAL_CONTENT && range_start(&response) != Some(from) {
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
        fs::rename(&places.part, &places.target).map_err(disk(&places.target))?;
        let state = State { url: wanted.url.to_string(), validators, digest: Some(digest), bytes, broken: None };
        places.write(&state).map_err(disk(&places.state))?;
        // A server without validators sends everything each time; the same bytes are no news.
        Ok(if old == Some(digest) { Fetched::Unchanged { digest } } else { Fetched::Fresh { bytes, digest } })
    }

    /// The request, and from which byte it asks.
    fn request(&self, wanted: &Wanted<'_>, state: &State) -> (u64, reqwest::RequestBuilder) {
        let mut request = self.client(wanted.url).get(wanted.url.clone());
        let url = wanted.url.as_str();
        let have = fs::metadata(&wanted.places.part).map_or(0, |m| m.len());
        let broken = state.broken.as_ref().filter(|b| have > 0 && b.url == url);
        if let Some(validator) = broken.and_then(|b| b.validators.for_range()) {
            request = request.header(header::RANGE, format!("bytes={have}-")).header(header::IF_RANGE, validator);
            return (have, request);
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
        (0, request)
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
            return Err(FetchError::Unreachable { url: shown(wanted.url), why: reason(&error) });
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

fn range_start(response: &Response) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// Seconds or a date (RFC 9110, 10.2.3).
fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = until.as_second().saturating_sub(jiff::Timestamp::now().as_second());
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
}
