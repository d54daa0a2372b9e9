//! Builds a snapshot from a directory: one thread walks and reads, others parse, the caller's thread collects.
//!
//! The threads are joined by short bounded channels, so memory holds a few files and a few batches of records at a time
//! beside the builder. Order does not matter: the builder sorts.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use layergate_advisory::{BuildError, Builder, Completeness, Day, FeedSummary, Namespace};
use layergate_model::Digest;

use crate::{
    catalogue::CATALOGUE,
    eol,
    feed::{FeedFile, Message, Sink},
    floors, known_unused,
    walk::{Visit, walk},
};

/// How many problems of each feed are named; beyond that they are counted.
const NAMED: usize = 200;

/// Why no snapshot came of a directory.
#[derive(Debug, thiserror::Error)]
pub enum FeedsError {
    /// The directory cannot be read.
    #[error("cannot read the advisory directory {path}: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing in it is a feed: a snapshot without advisories would call every image clean.
    #[error("no advisories found in {path}: none of its {files} files is a feed that layergate knows")]
    Empty {
        /// The directory.
        path: PathBuf,
        /// Files looked at.
        files: u64,
    },
    /// The snapshot could not be made.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// A record, or a file, that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordProblem {
    /// The parser.
    pub feed: String,
    /// The file.
    pub path: String,
    /// What is wrong.
    pub detail: String,
}

/// A file that gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnusedFile {
    /// The file.
    pub path: String,
    /// Why it was not used.
    pub reason: String,
}

/// What became of a directory.
#[derive(Clone, Debug, Default)]
pub struct BuildReport {
    /// The snapshot's digest.
    pub digest: Option<Digest>,
    /// The snapshot's size in bytes.
    pub size: u64,
    /// Each feed that brought something.
    pub feeds: Vec<FeedSummary>,
    /// The namespaces of whose advisories only a part is here, with what shows so.
    pub partial: Vec<(Namespace, Completeness)>,
    /// Files that a parser took, and their bytes, by parser.
    pub used: BTreeMap<String, (u64, u64)>,
    /// Files that nobody took, with the reason, sorted; all of them are counted in `unused_count`.
    pub unused: Vec<UnusedFile>,
    /// How many files nobody took.
    pub unused_count: u64,
    /// Records and files that could not be read, sorted, at most 200 for each feed.
    pub problems: Vec<RecordProblem>,
    /// How many could not be read.
    pub problem_count: u64,
    /// Records that went in.
    pub records: u64,
}

/// How far a build is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Files used so far.
    pub files: u64,
    /// Bytes read so far.
    pub bytes: u64,
    /// Records so far.
    pub records: u64,
}

/// Builds a snapshot at `output` from everything below `dir`.
pub fn build_from_dir(dir: &Path, output: &Path) -> Result<BuildReport, FeedsError> {
    build_from_dir_with(dir, output, &mut |_| {})
}

/// As [`build_from_dir`], precise how far it is.
pub fn build_from_dir_with(
    dir: &Path,
    output: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<BuildReport, FeedsError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut collect = Collect { tomorrow: Day::of_unix(now.as_secs() + 86_400), ..Collect::default() };
    for row in CATALOGUE.iter().flat_map(|feed| feed.infos()) {
        collect.infos.insert(row.id, *row);
    }
    let (files_in, files_out) = sync_channel::<Vec<FeedFile>>(4);
    let (messages_in, messages_out) = sync_channel::<Message>(64);
    let files_out = Mutex::new(files_out);
    let parsers = thread::available_parallelism().map_or(1, usize::from).min(4);
    let walked = thread::scope(|scope| {
        let walker_messages = messages_in.clone();
        let walker = scope.spawn(move || {
            let mut visit = Batches { out: files_in, messages: walker_messages, batch: Vec::new(), bytes: 0 };
            let result = walk(dir, &mut visit);
            visit.send();
            result
        });
        for _ in 0..parsers {
            let (messages, files) = (messages_in.clone(), &files_out);
            scope.spawn(move || parse_files(files, &messages));
        }
        drop(messages_in);
        for message in messages_out {
            collect.message(message, progress);
        }
        walker.join().unwrap_or_else(|_| Err(io::Error::other("the walker stopped")))
    });
    walked.map_err(|source| FeedsError::Directory { path: dir.to_owned(), source })?;
    collect.finish(dir, output)
}

/// Collects small files so that threads are not woken for each.
struct Batches {
    out: SyncSender<Vec<FeedFile>>,
    messages: SyncSender<Message>,
    batch: Vec<FeedFile>,
    bytes: usize,
}

impl Batches {
    fn send(&mut self) -> bool {
        self.bytes = 0;
        self.batch.is_empty() || self.out.send(std::mem::take(&mut self.batch)).is_ok()
    }
}

impl Visit for Batches {
    fn file(&mut self, file: FeedFile) -> bool {
        self.bytes += file.bytes.len();
        self.batch.push(file);
        if self.bytes > 1 << 20 || self.batch.len() >= 256 { self.send() } else { true }
    }

    fn skipped(&mut self, path: String, reason: String) {
        let _ = self.messages.send(Message::Unused { path, reason });
    }
}

fn parse_files(files: &Mutex<Receiver<Vec<FeedFile>>>, messages: &SyncSender<Message>) {
    loop {
        let batch = match files.lock() {
            Ok(files) => files.recv(),
            Err(_) => return,
        };
        let Ok(batch) = batch else { return };
        for file in batch {
            let Some(feed) = CATALOGUE.iter().find(|feed| feed.claims(&file)) else {
                let reason = unclaimed(&file);
                let _ = messages.send(Message::Unused { path: file.path, reason });
                continue;
            };
            let mut sink = Sink::new(feed.id(), &file, messages);
            feed.parse(&file, &mut sink);
            sink.flush();
            let _ = messages.send(Message::Used { feed: feed.id(), bytes: file.bytes.len() as u64 });
        }
    }
}

/// Why a file is nobody's, in words that help to see whether one was expected there.
fn unclaimed(file: &FeedFile) -> String {
    let upper = file.name().to_ascii_uppercase();
    if ["LICENSE", "LICENCE", "COPYING", "README", "SECURITY", "CONTRIBUTING", "CODEOWNERS"]
        .iter()
        .any(|w| upper.starts_with(w))
    {
        return "documentation or license".into();
    }
    if file.name() == "mirror.json" {
        return "the list of a mirror".into();
    }
    if let Some(reason) = known_unused::reason(file) {
        return reason.into();
    }
    match file.trimmed().first() {
        None => "only blanks".into(),
        Some(b'{' | b'[') if file.trimmed().len() < 4 => "JSON with nothing in it".into(),
        Some(b'{' | b'[') => {
            let text = String::from_utf8_lossy(file.trimmed().get(..400).unwrap_or(file.trimmed())).into_owned();
            let words: Vec<&str> = text.split('"').skip(1).step_by(2).filter(|w| w.len() < 40).take(3).collect();
            format!("JSON of no feed in the catalogue (begins with {})", words.join(", "))
        }
        Some(b'<') => {
            let text = String::from_utf8_lossy(file.trimmed().get(..2000).unwrap_or(file.trimmed())).into_owned();
            let root = text.split('<').skip(1).find(|t| t.starts_with(|c: char| c.is_ascii_alphabetic()));
            let root = root.and_then(|t| t.split(|c: char| c.is_whitespace() || c == '>').next()).unwrap_or("?");
            format!("XML of no feed in the catalogue (its root is <{}>)", root.chars().take(60).collect::<String>())
        }
        Some(_) if file.bytes.iter().take(2000).any(|b| *b == 0) => "binary".into(),
        Some(_) => "no feed in the catalogue knows it".into(),
    }
}

#[derive(Default)]
struct Collect {
    builder: Builder,
    report: BuildReport,
    progress: Progress,
    infos: BTreeMap<&'static str, crate::feed::FeedRow>,
    named: BTreeMap<String, usize>,
    refused: Option<BuildError>,
    /// A day after this one has not come anywhere on earth. One record that is of it (a slip of its year) would make a
    /// feed look fresh that brings nothing new for years.
    tomorrow: Option<Day>,
}

impl Collect {
    fn message(&mut self, message: Message, progress: &mut dyn FnMut(Progress)) {
        match message {
            Message::Records { records, day } => {
                let tomorrow = self.tomorrow;
                let come = |day: &Day| tomorrow.is_none_or(|tomorrow| *day <= tomorrow);
                let day = day.filter(come);
                for mut record in records {
                    record.modified = record.modified.filter(come);
                    if let Some(row) = self.infos.remove(record.feed.as_ref()) {
                        self.builder.feed(row.to_info());
                    }
                    // What its records describe its age is better.
                    if let (None, Some(day)) = (record.modified, day) {
                        self.builder.fetched(&record.feed, day);
                    }
                    match self.builder.add(&record) {
                        Ok(()) => {}
                        Err(error @ BuildError::TooLarge(_)) => self.refused = Some(error),
                        Err(error) => self.problem(&record.feed, record.id.clone(), error.to_string()),
                    }
                }
                self.progress.records = self.builder.records() as u64;
            }
            Message::Problem { feed, path, detail } => self.problem(feed, path, detail),
            Message::Used { feed, bytes } => {
                let used = self.report.used.entry(feed.to_owned()).or_default();
                *used = (used.0 + 1, used.1 + bytes);
                self.progress.files += 1;
                self.progress.bytes += bytes;
                if self.progress.files % 256 == 1 {
                    progress(self.progress);
                }
            }
            Message::Unused { path, reason } => {
                self.report.unused_count += 1;
                self.report.unused.push(UnusedFile { path, reason });
            }
        }
    }

    fn problem(&mut self, feed: &str, path: String, detail: String) {
        self.report.problem_count += 1;
        self.builder.count_errors(feed, 1);
        let named = self.named.entry(feed.to_owned()).or_default();
        *named += 1;
        if *named <= NAMED {
            self.report.problems.push(RecordProblem { feed: feed.to_owned(), path, detail });
        }
    }

    fn finish(mut self, dir: &Path, output: &Path) -> Result<BuildReport, FeedsError> {
        if let Some(error) = self.refused {
            return Err(error.into());
        }
        let files = self.report.used.values().map(|u| u.0).sum::<u64>() + self.report.unused_count;
        if self.builder.records() == 0 {
            return Err(FeedsError::Empty { path: dir.to_owned(), files });
        }
        self.builder.end_of_life(eol::table());
        self.builder.floors(floors::table());
        floors::quiet().into_iter().for_each(|(feed, days)| self.builder.quiet(&feed, days));
        self.report.records = self.builder.records() as u64;
        self.report.unused.sort();
        self.report.problems.sort();
        let digest = self.builder.write(output)?;
        self.report.digest = Some(digest);
        if let Ok(snapshot) = layergate_advisory::Snapshot::open(output) {
            self.report.size = snapshot.size();
            self.report.feeds = snapshot.feeds().to_vec();
            let coverage = snapshot.manifest().coverage.iter();
            self.report.partial = coverage.filter_map(|(n, c)| Some((n.clone(), c.partial()?.clone()))).collect();
        }
        Ok(self.report)
    }
}
