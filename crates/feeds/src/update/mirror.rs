//! All sources into a folder: what to ask for, several at a time, and what became of it.
//!
//! A mirror has one folder for each source, and `mirror.json`, which lists every file with its digest: served by any
//! web server it is what a closed network's `mirror = "https://…"` reads instead of the upstreams. A source that fails
//! keeps the files that it had.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use futures::{StreamExt as _, stream};
use layergate_disk::Access;
use layergate_http::shown;
use layergate_model::Digest;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use url::Url;

use super::{
    error::UpdateError,
    event::{Event, EventSink},
    fetch::{Fetched, Fetcher, Wanted},
    fetch_error::FetchError,
    lock::Lock,
    options::UpdateOptions,
    repomd,
    sources::{Method, Source, Sources, join, local_path},
    state::Places,
};

/// The list of a mirror's files.
pub(crate) const LIST: &str = "mirror.json";
const MAX_LISTED: usize = 200_000;

/// A file that could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFailure {
    /// Its path below the source's base.
    pub file: String,
    /// Why.
    pub why: String,
    /// Whether an older copy is still there and goes on being used.
    pub older_kept: bool,
}

/// What became of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceReport {
    /// Its id.
    pub id: String,
    /// Files that are new.
    pub fresh: u64,
    /// Files that had not changed.
    pub unchanged: u64,
    /// Files that may be missing and are.
    pub absent: u64,
    /// Bytes fetched.
    pub bytes: u64,
    /// What failed.
    pub failures: Vec<FileFailure>,
}

/// What became of all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MirrorReport {
    /// The sources, by id.
    pub sources: Vec<SourceReport>,
    /// A name for exactly these files' contents.
    pub contents: Option<Digest>,
}

impl MirrorReport {
    /// Whether every source failed with all of its files.
    pub fn nothing_came(&self) -> bool {
        self.sources.iter().all(|s| s.fresh + s.unchanged == 0)
    }

    /// Each failure with its source's id.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &FileFailure)> {
        self.sources.iter().flat_map(|s| s.failures.iter().map(move |f| (s.id.as_str(), f)))
    }
}

#[derive(Serialize, Deserialize)]
struct List {
    files: Vec<Listed>,
}

#[derive(Serialize, Deserialize)]
struct Listed {
    path: String,
    bytes: u64,
    digest: Digest,
}

/// One thing to ask for.
pub(super) struct Job {
    source: String,
    /// Below the source's base.
    pub(super) path: String,
    pub(super) base: Url,
    pub(super) method: Method,
    checksum: Option<String>,
    sha256: Option<Digest>,
    max_bytes: u64,
    optional: bool,
    /// Its size, where a list says it.
    pub(super) bytes: Option<u64>,
}

enum Done {
    File(Fetched),
    /// There are no advisories in that repository.
    Nothing,
}

/// Fetches everything into `options.mirror`, and nothing more.
pub async fn mirror(options: &UpdateOptions, sink: EventSink) -> Result<MirrorReport, UpdateError> {
    let _lock = Lock::take(&options.mirror, options.wait_for_others, &sink).await?;
    fetch_all(options, &sink).await
}

pub(crate) async fn fetch_all(options: &UpdateOptions, sink: &EventSink) -> Result<MirrorReport, UpdateError> {
    let fetcher = Fetcher::new(options.limits, Arc::clone(sink));
    let fetched = fetcher.unless_silent(fetch_each(options, &fetcher, sink)).await;
    let reports = fetched.map_err(UpdateError::NothingCame)??;
    let contents = write_list(&options.mirror)
        .map_err(|source| UpdateError::Fetch(FetchError::Disk { path: options.mirror.join(LIST), source }))?;
    let mut sources: Vec<SourceReport> = reports.into_values().collect();
    sources.iter_mut().for_each(|s| s.failures.sort_by(|a, b| a.file.cmp(&b.file)));
    Ok(MirrorReport { sources, contents: Some(contents) })
}

/// Fetches every file, and reports each as it is done.
async fn fetch_each(
    options: &UpdateOptions,
    fetcher: &Fetcher,
    sink: &EventSink,
) -> Result<BTreeMap<String, SourceReport>, UpdateError> {
    let jobs = plan(&options.sources, fetcher).await?;
    sink(Event::Planned { files: jobs.len() });
    let hosts: Mutex<HashMap<String, Arc<Semaphore>>> = Mutex::default();
    let limits = options.limits;
    let work = jobs.into_iter().map(|job| {
        let (hosts, root) = (&hosts, options.mirror.as_path());
        async move {
            let host = job.base.host_str().unwrap_or_default().to_owned();
            let slots = {
                let mut hosts = hosts.lock().unwrap_or_else(PoisonError::into_inner);
                Arc::clone(hosts.entry(host).or_insert_with(|| Arc::new(Semaphore::new(limits.per_host.max(1)))))
            };
            // The semaphore is never closed.
            let _slot = slots.acquire().await;
            let done = run(&job, fetcher, root).await;
            (job, done)
        }
    });
    let mut reports: BTreeMap<String, SourceReport> = BTreeMap::new();
    for source in &options.sources.list {
        reports.insert(source.id.clone(), SourceReport { id: source.id.clone(), ..SourceReport::default() });
    }
    let mut results = std::pin::pin!(stream::iter(work).buffer_unordered(limits.parallel.max(1)));
    while let Some((job, done)) = results.next().await {
        let file = format!("{}/{}", job.source, job.path);
        let report = reports.entry(job.source.clone()).or_default();
        report.id.clone_from(&job.source);
        match done {
            Ok(Done::File(Fetched::Fresh { bytes, .. })) => {
                report.fresh += 1;
                report.bytes += bytes;
                sink(Event::Fetched { file, bytes: Some(bytes) });
            }
            Ok(Done::File(Fetched::Unchanged { .. })) => {
                report.unchanged += 1;
                sink(Event::Fetched { file, bytes: None });
            }
            Ok(Done::Nothing) => report.absent += 1,
            Err(error) if job.optional && error.is_missing() => {
                report.absent += 1;
                sink(Event::Fetched { file, bytes: None });
            }
            Err(error) => {
                let kept = older_copy(&options.mirror.join(&job.source), &job);
                sink(Event::Failed { file, why: error.to_string() });
                report.failures.push(FileFailure { file: job.path, why: error.to_string(), older_kept: kept });
            }
        }
    }
    Ok(reports)
}

/// Whether a file of the source is there from before. What a pointer or a repository named is not known without it.
fn older_copy(folder: &Path, job: &Job) -> bool {
    match job.method {
        Method::File => local_path(&job.path).is_some_and(|p| folder.join(p).is_file()),
        _ => fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()),
    }
}

/// What to ask for: the sources' files, or what a mirror lists of them.
pub(super) async fn plan(sources: &Sources, fetcher: &Fetcher) -> Result<Vec<Job>, UpdateError> {
    let Some(base) = &sources.mirror else {
        return Ok(sources.list.iter().flat_map(from_source).collect());
    };
    let wrong = |found: String| UpdateError::Fetch(FetchError::WrongContent { url: shown(base), found });
    let url = join(base, LIST).map_err(wrong)?;
    let bytes = fetcher.document(&url, LIST).await?;
    let list: List = serde_json::from_slice(&bytes).map_err(|e| wrong(format!("no list of a mirror ({e})")))?;
    let limits: HashMap<&str, u64> = sources.list.iter().map(|s| (s.id.as_str(), s.max_bytes)).collect();
    let mut jobs = Vec::new();
    for listed in list.files.into_iter().take(MAX_LISTED) {
        let Some((source, path)) = listed.path.split_once('/') else { continue };
        // A source that is not asked for is left where it is; a path that leads elsewhere is nobody's.
        let Some(max_bytes) = limits.get(source) else { continue };
        if local_path(&listed.path).is_none() {
            return Err(wrong(format!("a list with the path {:?}, which leads out of the mirror", listed.path)));
        }
        jobs.push(Job {
            base: join(base, source).map_err(wrong)?,
            source: source.to_owned(),
            path: path.to_owned(),
            method: Method::File,
            checksum: None,
            sha256: Some(listed.digest),
            max_bytes: *max_bytes,
            optional: false,
            bytes: Some(listed.bytes),
        });
    }
    Ok(jobs)
}

fn from_source(source: &Source) -> impl Iterator<Item = Job> + '_ {
    let files = source.files.iter().map(|f| (f, false));
    files.chain(source.perhaps.iter().map(|f| (f, true))).map(|(path, optional)| Job {
        source: source.id.clone(),
        path: path.clone(),
        base: source.base.clone(),
        method: source.update,
        checksum: source.checksum.clone(),
        sha256: None,
        max_bytes: source.max_bytes,
        optional,
        bytes: None,
    })
}

async fn run(job: &Job, fetcher: &Fetcher, root: &Path) -> Result<Done, FetchError> {
    let label = format!("{}/{}", job.source, job.path);
    let wrong = |url: &Url, found: String| FetchError::WrongContent { url: shown(url), found };
    let first = join(&job.base, &job.path).map_err(|found| wrong(&job.base, found))?;
    let folder = job.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    // Where it comes from, under which name it is kept, and which digest it must have.
    let (url, path, sha256) = match job.method {
        Method::File => (first, job.path.clone(), job.sha256),
        Method::Pointer => {
            let name = line(&fetcher.document(&first, &label).await?);
            let name = name.filter(|n| !n.contains('/') && local_path(n).is_some());
            let name = name.ok_or_else(|| wrong(&first, "no line that names a file".into()))?;
            let url = first.join(&name).map_err(|e| wrong(&first, e.to_string()))?;
            // Under one name whatever its date, so that the next one takes its place.
            let ending = name.split_once('.').map_or("", |(_, ending)| ending);
            (url, format!("{}/latest.{ending}", folder).trim_start_matches('/').to_owned(), None)
        }
        Method::Repomd | Method::Mirrors => {
            let repomd = if job.method == Method::Mirrors {
                let list = fetcher.document(&first, &label).await?;
                let base = line(&list).and_then(|l| Url::parse(&l).ok());
                let base = base.filter(|b| matches!(b.scheme(), "http" | "https"));
                let base = base.ok_or_else(|| wrong(&first, "no list of repositories".into()))?;
                join(&base, "repodata/repomd.xml").map_err(|found| wrong(&first, found))?
            } else {
                first
            };
            let found = repomd::updateinfo(&fetcher.document(&repomd, &label).await?);
            let Some(found) = found.map_err(|found| wrong(&repomd, found))? else { return Ok(Done::Nothing) };
            // `href` is relative to the folder above repodata/.
            let url =
                repomd.join("../").and_then(|u| u.join(&found.href)).map_err(|e| wrong(&repomd, e.to_string()))?;
            if url.host() != repomd.host() {
                return Err(wrong(&repomd, "a repomd.xml that names a file on another host".into()));
            }
            let name = url.path().rsplit('/').next().unwrap_or_default();
            let name = name.rsplit_once('-').map_or(name, |(_, name)| name).to_owned();
            (url, format!("{folder}/{name}"), found.sha256)
        }
    };
    let local = local_path(&path).ok_or_else(|| wrong(&url, format!("a file of the name {path:?}")))?;
    let sha256 = match (&job.checksum, sha256) {
        (Some(ending), None) => {
            let sum = Url::parse(&format!("{url}{ending}")).map_err(|e| wrong(&url, e.to_string()))?;
            let text = line(&fetcher.document(&sum, &label).await?).unwrap_or_default();
            let hex = text.split_whitespace().next().unwrap_or_default();
            Some(format!("sha256:{hex}").parse().map_err(|_| wrong(&sum, "no SHA-256".into()))?)
        }
        (_, sha256) => sha256,
    };
    let places = Places::new(root, &Path::new(&job.source).join(local));
    let wanted = Wanted { url: &url, places: &places, label: &label, max_bytes: job.max_bytes, sha256 };
    fetcher.fetch(&wanted).await.map(Done::File)
}

/// The first line with something on it.
fn line(bytes: &[u8]) -> Option<String> {
    String::from_utf8_lossy(bytes).lines().map(str::trim).find(|l| !l.is_empty()).map(str::to_owned)
}

/// Lists what the mirror holds, by the states of its files.
fn write_list(root: &Path) -> std::io::Result<Digest> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name();
            let path = folder.join(&name);
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if let Some(digest) = Places::new(root, &path).read_present().digest {
                let parts: Vec<_> = path.iter().map(|p| p.to_string_lossy().replace(' ', "%20")).collect();
                files.push(Listed { path: parts.join("/"), bytes: entry.metadata()?.len(), digest });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let text = serde_json::to_vec_pretty(&List { files }).map_err(std::io::Error::other)?;
    let contents = Digest::of(&text);
    let place = root.join(LIST);
    if fs::read(&place).ok().as_deref() != Some(&text) {
        layergate_disk::replace(&place, &text, Access::Ordinary)?;
    }
    Ok(contents)
}
