//! What a feed's parser is, and what it is given.

use std::{path::Path, sync::mpsc::SyncSender};

use layergate_advisory::{Day, FeedInfo, Record};

/// The constant facts of a feed: id, name for people, where it comes from, license.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeedRow {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) url: &'static str,
    pub(crate) license: &'static str,
}

impl FeedRow {
    pub(crate) fn to_info(self) -> FeedInfo {
        FeedInfo {
            id: self.id.to_owned(),
            name: self.name.to_owned(),
            url: self.url.to_owned(),
            license: self.license.to_owned(),
        }
    }
}

/// One file of a mirror, read whole.
#[derive(Debug)]
pub(crate) struct FeedFile {
    /// Its path below the directory; what lies in an archive stands after `!`.
    pub(crate) path: String,
    /// Its bytes, decompressed.
    pub(crate) bytes: Vec<u8>,
    /// Its day, as the archive that it lies in or the file system says: of a download, its upstream's.
    pub(crate) day: Option<Day>,
}

impl FeedFile {
    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit(['/', '!']).next().unwrap_or(&self.path)
    }

    /// The lower-case ending, without a dot.
    pub(crate) fn ending(&self) -> &str {
        Path::new(self.name()).extension().and_then(|e| e.to_str()).unwrap_or("")
    }

    /// The bytes as text; strange bytes of old files do not sink them.
    pub(crate) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// The first bytes after blanks and a byte-order mark.
    pub(crate) fn trimmed(&self) -> &[u8] {
        self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.bytes).trim_ascii_start()
    }

    /// Whether the text stands anywhere within the first `within` bytes.
    pub(crate) fn has(&self, text: &str, within: usize) -> bool {
        let head = self.bytes.get(..within).unwrap_or(&self.bytes);
        memchr::memmem::find(head, text.as_bytes()).is_some()
    }
}

/// A parser of one kind of feed.
pub(crate) trait Feed: Sync {
    /// A short stable word.
    fn id(&self) -> &'static str;
    /// What it can bring; a record's feed is one of these ids.
    fn infos(&self) -> &'static [FeedRow];
    /// Whether a file is one of its own, by content and inner layout, never by the outer folder's name.
    fn claims(&self, file: &FeedFile) -> bool;
    /// The file's records into the sink.
    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>);
}

/// What parsers and the walker show the builder.
pub(crate) enum Message {
    Records { records: Vec<Record>, day: Option<Day> },
    Problem { feed: &'static str, path: String, detail: String },
    Used { feed: &'static str, bytes: u64 },
    Unused { path: String, reason: String },
}

/// Where a parser puts its records; they leave in batches so that a large file does not pile up.
pub(crate) struct Sink<'a> {
    feed: &'static str,
    path: &'a str,
    day: Option<Day>,
    batch: Vec<Record>,
    out: &'a SyncSender<Message>,
}

const BATCH: usize = 256;

impl<'a> Sink<'a> {
    pub(crate) fn new(feed: &'static str, file: &'a FeedFile, out: &'a SyncSender<Message>) -> Self {
        Self { feed, path: &file.path, day: file.day, batch: Vec::new(), out }
    }

    /// One record.
    pub(crate) fn record(&mut self, record: Record) {
        self.batch.push(record);
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    /// One record, or a whole file, that could not be read.
    pub(crate) fn problem(&mut self, detail: impl Into<String>) {
        let detail: String = detail.into().chars().take(300).collect();
        // The receiver only goes when the build has failed already.
        let _ = self.out.send(Message::Problem { feed: self.feed, path: self.path.to_owned(), detail });
    }

    /// Sends what is left.
    pub(crate) fn flush(&mut self) {
        if !self.batch.is_empty() {
            let _ = self.out.send(Message::Records { records: std::mem::take(&mut self.batch), day: self.day });
        }
    }
}
